"""One root on one system: the values that both ways of judging give."""

from __future__ import annotations

from msgspec import Struct

from inspector.facts.loading.roots import Role, Root


class LackingVersion(Struct, frozen=True):
    """A version that the host's library does not define.

    :ivar needed_by: tree path.
    :ivar symbols: names of the symbols that ``needed_by`` wants in this version, in its table's order.
    """

    library: str
    version: str
    needed_by: str
    symbols: tuple[str, ...] = ()


class FailedRoot(Struct, frozen=True):
    """A root that does not load on a system.

    :ivar path: tree path.
    :ivar message: the first line that the loader prints.
    :ivar missing_symbols: ``name`` or ``name@version``.
    """

    path: str
    role: Role
    message: str
    missing_libraries: tuple[str, ...] = ()
    missing_versions: tuple[LackingVersion, ...] = ()
    missing_symbols: tuple[str, ...] = ()


class RootOutcome(Struct, frozen=True):
    """One root on one system."""

    root: Root
    failed: FailedRoot | None = None
    undecided: tuple[str, ...] = ()
