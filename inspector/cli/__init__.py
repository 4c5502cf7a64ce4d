"""The command line: one verb a module, and the only place that prints."""

from __future__ import annotations


def main() -> int:
    """Run the program; see ``inspect --help``."""
    raise SystemExit("the command line is being built")
