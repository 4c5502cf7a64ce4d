"""Completion scripts, one shell a module: ``script(verbs) -> str``, made of :mod:`inspector.cli.command_model`."""
