"""What is known of a shell's variables and commands while its scripts are read."""

from __future__ import annotations

from msgspec import Struct, field

MOST_VALUE = 65_536
"""Characters of a variable's value that are kept."""


class ScriptEnvironment(Struct):
    """What is known after a script, and the hooks that it sources, were read.

    :ivar variables: shell variables, exported or not; values with run-time paths.
    :ivar exported: names that child processes see.
    :ivar commands: each command's words, expanded, in order; a word that is wholly the user's arguments is :data:`ARGUMENTS`.  Assignments in
        front of a command (or behind ``env``) are exported, as they are for that command.
    :ivar sourced: run-time paths or patterns of the files that were sourced.
    :ivar work: commands gone through so far, which :func:`read_script` bounds.
    :ivar fixed: names whose values no script changes: what the user says that the environment is.
    """

    variables: dict[str, str] = field(default_factory=dict)
    exported: set[str] = field(default_factory=set)
    commands: list[tuple[str, ...]] = field(default_factory=list)
    sourced: list[str] = field(default_factory=list)
    fixed: frozenset[str] = frozenset()
    work: int = 0

    def environment(self) -> dict[str, str]:
        """The exported variables with their values."""
        return {name: self.variables[name] for name in sorted(self.exported) if name in self.variables}

    def set(self, name: str, value: str) -> None:
        """Set a variable, unless its value is fixed."""
        if name not in self.fixed:
            self.variables[name] = value[:MOST_VALUE]

    def unset(self, name: str) -> None:
        """Forget a variable, unless its value is fixed."""
        if name not in self.fixed:
            self.variables.pop(name, None)
            self.exported.discard(name)
