"""How a bundle starts: the launcher, its scripts and its settings, read and never run."""
