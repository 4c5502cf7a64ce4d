"""The strip benchmark: our strip and GNU strip on the same real files; what was saved, and what still loads and computes."""
