"""Artifacts: what a file is, and the tree of files that it carries."""
