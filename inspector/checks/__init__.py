"""Rules at work: one family a module, facts in, findings out; no module here reads a byte of the artifact."""
