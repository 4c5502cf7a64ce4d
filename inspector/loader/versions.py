"""Symbol versions of a process that is mapped: statements G18 to G23 (glibc, elf/dl-version.c)."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from inspector.loader.objects import LoadGraph

RELR_MARKER = "GLIBC_ABI_DT_RELR"
_KNOWS_RELR = (2, 36)


class MissingVersion(Struct, frozen=True):
    """A version that an object needs and its provider does not define.

    :ivar library: the name in verneed; "" for :attr:`reason` where no library is concerned.
    :ivar provider: run-time path of what was loaded under that name; None where nothing was.
    :ivar version: the version's name.
    :ivar needed_by: run-time path of the object that needs it.
    :ivar requester: its index in the graph.
    :ivar reason: what the loader prints instead of "version `…' not found", else None.
    """

    library: str
    provider: str | None
    version: str
    needed_by: str
    requester: int
    reason: str | None = None

    def message(self, program: str) -> str:
        """The loader's line, without the program's name in front."""
        needed_by = self.needed_by or program
        if self.reason is not None:
            return self.reason if self.provider is None else f"{needed_by}: {self.reason}"
        return f"{self.provider}: version `{self.version}' not found (required by {needed_by})"


def missing_versions(graph: LoadGraph, glibc: tuple[int, int] | None, first: int = 0) -> Iterator[MissingVersion]:
    """All versions that are missing, object by object in load order, as the loader prints them.

    A provider without version definitions is accepted whatever is asked of it (G20), one of which nobody knows the definitions too; a version that is
    only weakly needed is never missing.

    :param glibc: the loader's version; from 2.36 on DT_RELR wants its marker (G21).
    :param first: index of the first object to look at: those before it were checked when the program started.
    """
    wanting = {
        resolution.name for resolution in graph.resolutions if resolution.target is None
    }  # their absence is reported already
    for index in range(first, len(graph.objects)):
        loaded = graph.objects[index]
        requirements = loaded.object.requirements
        for requirement in requirements:
            provider = graph.names.get(requirement.library)
            if provider is None:
                if requirement.library not in wanting:
                    yield MissingVersion(
                        requirement.library, None, requirement.version, loaded.path, index,
                        "Inconsistency detected by ld.so: dl-version.c: _dl_check_map_versions: Assertion `needed != NULL' failed!",
                    )  # fmt: skip
                    return
                continue
            definitions = graph.objects[provider].object.definitions
            if definitions and requirement.version not in definitions and not requirement.weak:
                yield MissingVersion(
                    requirement.library, graph.objects[provider].path, requirement.version, loaded.path, index
                )
        if (
            loaded.object.has_relr
            and requirements
            and (glibc is None or glibc >= _KNOWS_RELR)
            and any(name.startswith("libc.so.") for name in loaded.object.needed)
            and all(requirement.version != RELR_MARKER for requirement in requirements)
        ):
            yield MissingVersion(
                "", loaded.path, RELR_MARKER, loaded.path, index, "DT_RELR without GLIBC_ABI_DT_RELR dependency"
            )


def ignores_relative_relocations(graph: LoadGraph, glibc: tuple[int, int] | None, first: int = 0) -> Iterator[int]:
    """Indexes of objects whose DT_RELR this glibc does not know and that no marker keeps from being loaded: they crash without a message (G21)."""
    if glibc is None or glibc >= _KNOWS_RELR:
        return
    for index in range(first, len(graph.objects)):
        loaded = graph.objects[index]
        marks = (requirement.version for requirement in loaded.object.requirements)
        if loaded.object.has_relr and not loaded.from_host and RELR_MARKER not in marks:
            yield index
