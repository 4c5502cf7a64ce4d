"""``python -m inspector`` is the same program as ``inspect``."""

from inspector.cli import program

program()
