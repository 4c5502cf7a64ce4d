"""``python -m corpus.licenses.static``: which components a scan names of programs that contain them, and which of programs that only mention them.

Prints recall, false alarms and versions of the two halves and of the clients, every mistake, and the same of the peers that are installed
(``--peers``).  STATIC.md says what the figures mean.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus.licenses.static_archives import StaticProgram, static_programs
from inspector.facts.licensing.static_components import scan_file
from inspector.formats.elf import read_elf
from inspector.source import FileSource

Found = dict[str, str | None]
"""Component -> version that is named, or None without one."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One program.

    :ivar missed: components inside that were not named.
    :ivar false: components named that are not inside.
    :ivar wrong: (component, version named, version inside) where they differ.
    :ivar versioned: components inside whose version was named rightly.
    """

    program: StaticProgram
    found: Found
    missed: tuple[str, ...]
    false: tuple[str, ...]
    wrong: tuple[tuple[str, str, str], ...]
    versioned: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What a group of programs amounts to.

    :ivar inside: components that the programs contain, each counted in each program.
    """

    programs: int
    inside: int
    named: int
    false: int
    versions_named: int
    versions_right: int

    @property
    def recall(self) -> float:
        """Components named of those inside; 1 where nothing is inside."""
        return self.named / self.inside if self.inside else 1.0


def named_by_inspector(path: Path) -> Found:
    """What :mod:`inspector.facts.licensing.static_components` says of a file."""
    with FileSource(path) as source:
        found = scan_file(source, read_elf(source), path.name)
    return {component.name: component.version for component in found.components}


def judge(
    programs: Iterable[StaticProgram], name_components: Callable[[Path], Found] = named_by_inspector
) -> list[Judged]:
    """Compare what is named of each program with what is inside."""
    judged = []
    for program in programs:
        found = name_components(program.path)
        inside = dict(program.components)
        named = {name: version for name, version in found.items() if name in inside and version is not None}
        judged.append(
            Judged(
                program=program,
                found=found,
                missed=tuple(name for name in inside if name not in found),
                false=tuple(name for name in found if name not in inside and name not in program.also),
                wrong=tuple(
                    (name, version, inside[name])
                    for name, version in named.items()
                    if not same_version(version, inside[name])
                ),
                versioned=sum(same_version(version, inside[name]) for name, version in named.items()),
            )
        )
    return judged


def same_version(said: str, inside: str) -> bool:
    """Whether a version is right: equal, or the series that it belongs to where the code says no more (ICU "76" of 76.1)."""
    return inside == said or inside.startswith(f"{said}.")


def figures(judged: Sequence[Judged]) -> Figures:
    """Sums."""
    inside = sum(len(one.program.components) for one in judged)
    return Figures(
        programs=len(judged),
        inside=inside,
        named=inside - sum(len(one.missed) for one in judged),
        false=sum(len(one.false) for one in judged),
        versions_named=sum(len(one.wrong) + one.versioned for one in judged),
        versions_right=sum(one.versioned for one in judged),
    )


def _print_group(title: str, judged: Sequence[Judged]) -> None:
    sums = figures(judged)
    print(
        f"{title:44} {sums.programs:4} programs  recall {sums.named:4}/{sums.inside:<4} = {sums.recall:.3f}  "
        f"false alarms {sums.false:3}  versions right {sums.versions_right:3} of {sums.versions_named:3} named"
    )


def _print_mistakes(judged: Sequence[Judged]) -> None:
    for one in judged:
        for name in one.missed:
            print(f"  missed   {name:24} in {one.program.name}")
        for name in one.false:
            print(f"  false    {name:24} in {one.program.name} ({one.found[name]})")
        for name, said, inside in one.wrong:
            print(f"  version  {name:24} in {one.program.name}: {said} instead of {inside}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("development", "hidden"), help="one half and the clients only")
    parser.add_argument("--peers", action="store_true", help="ask the peers too")
    chosen = parser.parse_args()
    programs = static_programs(chosen.half)
    judged = judge(programs)
    for half in ("development", "hidden"):
        members = [one for one in judged if one.program.half == half]
        if members:
            _print_group(f"{half} half", members)
            for stripped in (False, True):
                for linking in ("whole", "called"):
                    part = [
                        one for one in members if one.program.stripped is stripped and one.program.linking == linking
                    ]
                    _print_group(f"   {linking}, {'stripped' if stripped else 'with symbols'}", part)
    _print_group("clients", [one for one in judged if one.program.half is None])
    _print_group("all", judged)
    _print_mistakes(judged)
    if chosen.peers:
        from corpus.licenses.static_peers import print_peers

        print_peers(programs)


if __name__ == "__main__":
    main()
