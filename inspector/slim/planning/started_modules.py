"""What the launcher gives to the interpreters of the bundle: scripts and modules that are programs, not to be imported to see whether they can be."""

from __future__ import annotations

import posixpath

from msgspec import Struct

from inspector.artifact.tree import Tree
from inspector.facts.launchers.launcher_facts import Launcher
from inspector.slim.proving.bundle_interpreter import PYTHON_PROGRAM, interpreter_options


class StartedModules(Struct, frozen=True):
    """The Python programs that the launcher starts.

    :ivar directories: tree paths of the directories of its scripts, which the interpreter puts in front of ``sys.path``.
    :ivar names: modules that are started: importing one may start the application.
    """

    directories: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()


def started_modules(launcher: Launcher, tree: Tree, *, mount_root: str = "$APPDIR") -> StartedModules:
    """The scripts and the modules (``-m``) that the launcher gives to interpreters of the bundle."""
    directories: dict[str, None] = {}
    names: set[str] = set()
    for start in (*launcher.starts, *launcher.further):
        if not PYTHON_PROGRAM.match(posixpath.basename(start.program)):
            continue
        options = interpreter_options(start.arguments)
        rest = start.arguments[len(options) :]
        if rest[:1] == ("-m",) and len(rest) > 1:
            names |= {rest[1], f"{rest[1]}.__main__"}
        elif rest and rest[0].startswith(f"{mount_root}/"):
            node = tree.resolve(rest[0][len(mount_root) + 1 :])
            if node is not None and node.is_file:
                directories.setdefault(posixpath.dirname(node.path))
                names.add(node.name.removesuffix(".py"))
    return StartedModules(tuple(directories), frozenset(names))
