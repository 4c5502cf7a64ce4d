"""Components that are linked statically, in real programs: three Pythons, and the benchmark of corpus/licenses/static_archives.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import corpus
from corpus.licenses.static import figures, judge
from corpus.licenses.static_archives import Half, drawn_archives, static_programs, upstream_version
from inspector.artifact import open_artifact
from inspector.facts.collect import collect_facts
from inspector.facts.facts import Facts
from inspector.facts.licensing.fingerprints import load_fingerprints
from inspector.facts.licensing.library_licenses import identify_library
from inspector.facts.licensing.static_components import scan_file
from inspector.formats.elf import looks_like_elf, read_elf
from inspector.limits import Limits
from inspector.source import FileSource

pytestmark = pytest.mark.corpus


def facts_of(path: Path) -> Facts:
    with open_artifact(path, Limits()) as artifact:
        return collect_facts(artifact, Limits())


class TestPythonWithReadline:
    @pytest.mark.slow
    def test_linked_into_the_executable(self, corpus_artifact: Callable[[str], Path]) -> None:
        facts = facts_of(corpus_artifact("readline-static.AppDir"))
        chains = {exposure.component: (exposure.linkage, exposure.chain) for exposure in facts.exposures}
        assert chains == {
            "GNU Readline": ("static", ("usr/bin/application", "built-in module readline", "GNU Readline 8.2")),
            "GNU dbm": ("static", ("usr/bin/application", "built-in module _gdbm", "GNU dbm")),
        }
        assert {exposure.license_class for exposure in facts.exposures} == {"strong-copyleft"}
        (python,) = facts.pythons
        assert {"readline", "_gdbm"} <= set(python.modules)
        assert (python.version or "").startswith("3.11.")

    @pytest.mark.slow
    def test_bundled_as_modules(self, corpus_artifact: Callable[[str], Path]) -> None:
        facts = facts_of(corpus_artifact("readline-modules.AppDir"))
        modules = "usr/lib/python3.11/lib-dynload"
        chains = {exposure.component: (exposure.linkage, exposure.chain) for exposure in facts.exposures}
        suffix = "cpython-311-x86_64-linux-gnu.so"
        assert chains == {
            "GNU Readline": (
                "dynamic",
                ("usr/bin/application", f"{modules}/readline.{suffix}", "usr/lib/libreadline.so.8"),
            ),
            "GNU dbm": ("dynamic", ("usr/bin/application", f"{modules}/_gdbm.{suffix}", "usr/lib/libgdbm.so.6")),
        }

    @pytest.mark.slow
    def test_without_them_nothing_is_exposed(self, corpus_artifact: Callable[[str], Path]) -> None:
        facts = facts_of(corpus_artifact("readline-none.AppDir"))
        assert facts.exposures == ()
        static = {component.name for component in facts.components if component.kind == "static"}
        assert static == {"Expat", "zlib"}


class TestBenchmark:
    def test_the_draw_is_fixed(self) -> None:
        drawn = drawn_archives()
        assert len(drawn) >= 44
        assert [archive.package for archive in drawn[:4]] == [
            "libjansson-dev",
            "libpixman-1-dev",
            "freetds-dev",
            "libboost-filesystem1.74-dev",
        ]
        assert sum(archive.half == "hidden" for archive in drawn) == len(drawn) // 2

    @pytest.mark.parametrize(
        ("debian", "upstream"),
        [
            ("1:4.5.1+dfsg-2+deb12u1", "4.5.1"),
            ("1:1.3.dfsg+really1.3.1-1+b1", "1.3.1"),
            ("2.1.12-stable-8", "2.1.12"),
            ("3.0.15-1~deb12u1", "3.0.15"),
            ("8.2", "8.2"),
        ],
    )
    def test_versions_of_packages(self, debian: str, upstream: str) -> None:
        assert upstream_version(debian) == upstream

    @pytest.mark.heavy
    @pytest.mark.parametrize("half", ["development", "hidden"])
    def test_recall_and_no_false_alarm(self, half: Half) -> None:
        try:
            programs = static_programs(half)
        except corpus.Unavailable as reason:
            pytest.skip(f"the benchmark's programs cannot be built: {reason}")
        judged = judge(programs)
        inside = figures([one for one in judged if one.program.half is not None])
        assert inside.recall >= 0.95
        assert inside.versions_right == inside.versions_named > 0
        assert [(one.program.name, one.false) for one in judged if one.false] == []
        assert sum(one.program.half is None for one in judged) == 20


# Programs that are linked with a shared library and carry a copy of its code all the same, by their own sources.
_COPIES = {
    ("libidn2.so.0", "GNU libunistring"),  # unistring/ of libidn2's source
}


@pytest.mark.heavy
def test_what_is_linked_with_a_library_does_not_contain_it() -> None:
    """Over the libraries of this system: clients of a shared library mention it most, and hardly ever carry it too."""
    catalogue = load_fingerprints()
    false, clients = [], 0
    for path in sorted(Path("/usr/lib/x86_64-linux-gnu").glob("*.so.*")):
        if path.is_symlink() or not path.is_file():
            continue
        with FileSource(path) as source:
            if not looks_like_elf(source.read_at(0, 4)):
                continue
            elf = read_elf(source)
            inside = {one.name for one in scan_file(source, elf, path.name).components if not one.whole_file}
        needed = {library.project for name in elf.needed if (library := identify_library(name)) is not None}
        clients += bool(needed)
        false += [
            (elf.soname, name)
            for name in inside
            if name in catalogue.fingerprints and needed & catalogue.fingerprints[name].library_names
        ]
    if clients < 100:
        pytest.skip(f"only {clients} libraries of this system are linked with one that the catalogue knows")
    assert set(false) <= _COPIES
