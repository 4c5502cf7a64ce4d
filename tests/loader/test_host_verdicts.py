"""From the demands of a bundle's roots to the verdict of a system."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from inspector.artifact import open_artifact
from inspector.facts.binaries.elf_objects import read_elf_objects
from inspector.facts.hosts.profiles import default_hosts
from inspector.facts.hosts.verdicts import JudgedBundle, SystemVerdict, host_verdicts
from inspector.facts.loading.load_graph import TreeFiles, build_load_graph
from inspector.facts.loading.roots import Role, Root
from inspector.facts.loading.run_time_paths import Mount
from inspector.limits import Limits
from inspector.loader.host_profile import HostProfile, Presence, ProvidedLibrary, Variant
from inspector.loader.objects import VersionRequirement
from tests.loader.loader_cases import Case, ask, needs_gcc, runpath, this_machine

pytestmark = [pytest.mark.peer, needs_gcc]

NUMBERS = ("GLIBC_2.2.5", *(f"GLIBC_2.{number}" for number in range(3, 60)))


def library(
    name: str, presence: Presence = "minimal", versions: tuple[str, ...] | None = (), package: str | None = None
) -> ProvidedLibrary:
    found = None if versions is None else frozenset(versions)
    return ProvidedLibrary(soname=name, presence=presence, basis="measured", versions=found, package=package)


def system(
    name: str, *libraries: ProvidedLibrary, libc: str = "2.36", kind: str = "glibc", pages: tuple[int, ...] = (4096,)
) -> HostProfile:
    """A system with a glibc of all versions up to its own, and some libraries more."""
    number = int(libc.split(".")[1])
    given = [*libraries]
    if kind == "glibc":
        versions = tuple(
            version for version in NUMBERS if version == "GLIBC_2.2.5" or int(version.split(".")[1]) <= number
        )
        given = [library("libc.so.6", versions=versions), library("ld-linux-x86-64.so.2", versions=versions), *given]
    return HostProfile(
        id=name, name=name.title(), arch="x86_64", libc="glibc" if kind == "glibc" else "musl", libc_version=libc, basis="measured",
        page_sizes=pages, libraries={row.soname: row for row in given},
    )  # fmt: skip


def asking(name: str, *versions: str, weak: bool = False) -> ProvidedLibrary:
    """A library of the system's that asks ``libinner.so.1`` for versions."""
    return ProvidedLibrary(
        soname=name, presence="minimal", basis="measured", versions=frozenset(), needed=("libinner.so.1",),
        requirements=tuple(VersionRequirement("libinner.so.1", version, weak) for version in versions),
    )  # fmt: skip


def judge(
    case: Case,
    roots: dict[str, Role],
    *profiles: HostProfile,
    variants: tuple[Variant, ...] = ("desktop",),
    program: str | None = "bin/app",
    library_path: str | None = None,
    root: str | None = None,
) -> list[SystemVerdict]:
    with open_artifact(case.directory) as artifact:
        objects = read_elf_objects(artifact, Limits())
        mount = Mount(root or str(case.directory))
        found = [Root(path, role, path if role == "entry" else program) for path, role in roots.items()]
        graph = build_load_graph(objects, artifact.tree, found, mount, library_path)
        files = TreeFiles(artifact.tree, objects, mount)
        environment = {} if library_path is None else {"LD_LIBRARY_PATH": library_path}
        bundle = JudgedBundle(graph=graph, objects=objects, files=files, mount=mount, environment=environment)
        return list(host_verdicts(bundle, [(profile, variant) for profile in profiles for variant in variants]))


def needing(case: Case, *names: str, path: str = "bin/app") -> None:
    """A program that needs libraries which the bundle does not have."""
    made = []
    for name in names:
        case.library(f"../made/{name}")
        made.append(f"../made/{name}")
    case.program(path, *runpath("$ORIGIN/../lib"), links=tuple(made))


def test_it_starts(case: Case) -> None:
    needing(case)
    (verdict,) = judge(case, {"bin/app": "entry"}, system("there"))
    assert (verdict.verdict, verdict.message, verdict.judged, verdict.objects) == ("starts", "", 1, ())


def test_a_version_that_the_host_lacks(case: Case) -> None:
    case.program("bin/app", source="#include <stdlib.h>\nint main(void) { return (int)arc4random(); }")
    old, new = judge(case, {"bin/app": "entry"}, system("old", libc="2.35"), system("new", libc="2.36"))
    assert new.verdict == "starts"
    assert old.verdict == "fails"
    lacking = [row for row in old.objects[0].missing_versions if row.version == "GLIBC_2.36"]
    assert [(row.library, row.needed_by, row.symbols) for row in lacking] == [("libc.so.6", "bin/app", ("arc4random",))]
    assert old.message == "bin/app: libc.so.6: version `GLIBC_2.36' not found (required by bin/app)"


def test_a_library_that_no_system_has_is_missing_and_one_that_some_have_is_not_known(case: Case) -> None:
    needing(case, "libprivate.so.7")
    assert [row.verdict for row in judge(case, {"bin/app": "entry"}, system("one"), system("two"))] == [
        "fails",
        "fails",
    ]
    has_it = system("has", library("libprivate.so.7"))
    verdicts = judge(case, {"bin/app": "entry"}, has_it, system("two"))
    assert [row.verdict for row in verdicts] == ["starts", "unknown"]
    assert verdicts[1].undecided == ("libprivate.so.7",)
    assert "nobody measured whether Two has libprivate.so.7" in verdicts[1].message


def test_a_library_that_a_package_brings_is_missing_and_the_package_is_named(case: Case) -> None:
    needing(case, "libpacked.so.2")
    profile = system("packed", library("libpacked.so.2", "package", package="libpacked2"))
    (verdict,) = judge(case, {"bin/app": "entry"}, profile)
    assert verdict.message == (
        "bin/app: error while loading shared libraries: libpacked.so.2: cannot open shared object file: "
        "No such file or directory (package libpacked2 has it)"
    )


def test_variants_differ_in_what_only_a_desktop_has(case: Case) -> None:
    needing(case, "libshown.so.1")
    profile = system("both", library("libshown.so.1", "desktop"))
    verdicts = judge(case, {"bin/app": "entry"}, profile, variants=("desktop", "minimal"))
    assert [(row.variant, row.verdict) for row in verdicts] == [("desktop", "starts"), ("minimal", "fails")]


def test_versions_that_nobody_measured_are_not_known(case: Case) -> None:
    case.versioned("../made/libv.so.1", "V_1 { one; };", "int one(void) { return 1; }")
    case.program("bin/app", links=("../made/libv.so.1",), source="int one(void); int main(void) { return one(); }")
    verdicts = judge(
        case, {"bin/app": "entry"}, system("a", library("libv.so.1", versions=None)), system("b", library("libv.so.1")),
        system("c", library("libv.so.1", versions=("V_1",))), system("d", library("libv.so.1", versions=("V_0",))),
    )  # fmt: skip
    assert [row.verdict for row in verdicts] == [
        "unknown",
        "starts",
        "starts",
        "fails",
    ]  # without any version, all are accepted (G20)
    assert verdicts[0].undecided == ("libv.so.1: V_1",)


def test_only_other_roots_failing_is_degraded(case: Case) -> None:
    needing(case)
    case.library("../made/libfar.so.1")
    case.library("lib/plugin.so", links=("../made/libfar.so.1",))
    (verdict,) = judge(case, {"bin/app": "entry", "lib/plugin.so": "plugin"}, system("one"))
    assert (verdict.verdict, verdict.judged) == ("degraded", 2)
    assert [(root.path, root.role, root.missing_libraries) for root in verdict.objects] == [
        ("lib/plugin.so", "plugin", ("libfar.so.1",))
    ]
    assert verdict.message == "libfar.so.1: cannot open shared object file: No such file or directory"


def test_a_bundle_without_programs_is_judged_by_what_is_opened(case: Case) -> None:
    case.library("../made/libfar.so.1")
    case.library("pkg/module.so", links=("../made/libfar.so.1",))
    (verdict,) = judge(case, {"pkg/module.so": "extension"}, system("one"), program=None)
    assert verdict.verdict == "fails"


def test_broken_files_fail_everywhere(case: Case) -> None:
    case.library("lib/liba.so.1")
    case.program("bin/app", *runpath("$ORIGIN/../lib"), links=("lib/liba.so.1",))
    (case.directory / "lib/liba.so.1").write_text("version https://git-lfs.github.com/spec/v1\n" * 4)
    (verdict,) = judge(case, {"bin/app": "entry"}, system("one"))
    assert verdict.verdict == "fails"
    assert verdict.message.endswith("lib/liba.so.1: invalid ELF header")


def test_musl_systems_have_no_loader_of_glibc(case: Case) -> None:
    needing(case)
    gcompat = library("ld-linux-x86-64.so.2", "package", package="gcompat")
    plain, packed = judge(
        case,
        {"bin/app": "entry"},
        system("plain", kind="musl", libc="1.2.5"),
        system("packed", gcompat, kind="musl", libc="1.2.5"),
    )
    assert plain.message == "bin/app: No such file or directory (its loader /lib64/ld-linux-x86-64.so.2)"
    assert (
        packed.message
        == "bin/app: No such file or directory (its loader /lib64/ld-linux-x86-64.so.2; package gcompat has it)"
    )


@pytest.mark.skipif(shutil.which("musl-gcc") is None, reason="musl-gcc is not installed (Debian: musl-tools)")
def test_a_bundle_for_musl_is_resolved_by_its_rules(tmp_path: Path) -> None:
    case = Case(tmp_path / "bundle", ("musl-gcc",))
    case.library("lib/libb.so.1")
    case.library("lib/liba.so.1", links=("lib/libb.so.1",))
    case.program("bin/app", *runpath("$ORIGIN/../lib"), links=("lib/liba.so.1",))  # which musl hands on to liba.so.1
    alpine = system("alpine", library("ld-musl-x86_64.so.1"), kind="musl", libc="1.2.5")
    verdicts = judge(case, {"bin/app": "entry"}, alpine, system("debian"))
    assert [row.verdict for row in verdicts] == ["starts", "fails"]
    assert verdicts[1].message == "bin/app: No such file or directory (its loader /lib/ld-musl-x86_64.so.1)"


def test_executable_stacks_and_relative_relocations_by_release(case: Case) -> None:
    needing(case)
    case.library("lib/stack.so", "-Wl,-z,execstack")
    source = "static int value; int *table[64] = {" + ", ".join("&value" for _ in range(64)) + "};"
    case.library("lib/relr.so", "-Wl,-z,pack-relative-relocs", "-nostdlib", source=source)
    roots: dict[str, Role] = {"bin/app": "entry", "lib/stack.so": "plugin", "lib/relr.so": "plugin"}
    old, middle, new = judge(case, roots, system("o", libc="2.35"), system("m", libc="2.40"), system("n", libc="2.41"))
    assert [root.path for root in old.objects] == ["lib/relr.so"]
    assert [root.path for root in middle.objects] == []
    assert [root.path for root in new.objects] == ["lib/stack.so"]


def test_segments_for_small_pages_only(case: Case) -> None:
    case.program("bin/app", "-Wl,-z,max-page-size=4096")
    small, large = judge(case, {"bin/app": "entry"}, system("s"), system("l", pages=(65536,)))
    assert (small.verdict, large.verdict) == ("starts", "fails")
    assert large.message == "bin/app: ELF load command address/offset not page-aligned"


def test_other_machines_are_not_judged(case: Case) -> None:
    needing(case)
    profile = HostProfile(id="a", name="A", arch="aarch64", libc="glibc", libc_version="2.36", basis="measured")
    (verdict,) = judge(case, {"bin/app": "entry"}, profile)
    assert (verdict.verdict, verdict.judged) == ("unknown", 0)


def test_a_captured_system_judges_whole_processes_with_symbols(case: Case) -> None:
    case.library("lib/liba.so.1", source="int nowhere(void); int here(void) { return nowhere(); }")
    case.program("bin/app", *runpath("$ORIGIN/../lib"), links=("lib/liba.so.1",))
    (verdict,) = judge(case, {"bin/app": "entry"}, this_machine())
    assert verdict.verdict == "fails"
    assert verdict.objects[0].missing_symbols == ("nowhere",)
    assert verdict.message.endswith("lib/liba.so.1: undefined symbol: nowhere")


def test_a_library_that_nobody_is_known_to_open_may_want_symbols_of_its_program(case: Case) -> None:
    case.library("lib/liba.so.1", source="int of_program(void); int here(void) { return of_program(); }")
    (verdict,) = judge(case, {"lib/liba.so.1": "optional"}, this_machine(), program=None)
    assert verdict.verdict == "starts"


def older_inner(case: Case, *needs: str) -> None:
    """A bundle whose program needs a library of the system's, and that brings a ``libinner.so.1`` which defines V_1 alone."""
    case.versioned("lib/libinner.so.1", "V_1 { inner; };", "int inner(void) { return 1; }")
    case.library("../made/libouter.so.1")
    case.program("bin/app", *runpath("$ORIGIN/../lib"), links=needs)


def test_a_library_of_the_system_may_want_more_of_a_bundled_one_than_it_has(case: Case) -> None:
    older_inner(case, "../made/libouter.so.1", "lib/libinner.so.1")
    same, newer, weak = judge(
        case, {"bin/app": "entry"}, system("same", asking("libouter.so.1", "V_1")),
        system("newer", asking("libouter.so.1", "V_1", "V_2")), system("weak", asking("libouter.so.1", "V_2", weak=True)),
    )  # fmt: skip
    assert [same.verdict, newer.verdict, weak.verdict] == ["starts", "fails", "starts"]
    assert newer.message == "bin/app: lib/libinner.so.1: version `V_2' not found (required by libouter.so.1)"
    row = newer.objects[0].missing_versions[0]
    assert (row.library, row.version, row.needed_by) == ("libinner.so.1", "V_2", "libouter.so.1")


def test_what_the_system_loader_says_of_it_is_the_same(case: Case) -> None:
    """The real loader, with the system's part played by LD_LIBRARY_PATH."""
    older_inner(case, "../made/libouter.so.1", "lib/libinner.so.1")
    newer = "../newer/libinner.so.1"
    case.versioned(
        newer, "V_1 { inner; }; V_2 { more; };", "int inner(void) { return 1; } int more(void) { return 2; }"
    )
    case.library("../made/libouter.so.1", links=(newer,), source="int more(void); int outer(void) { return more(); }")
    real = ask(case, "bin/app", {"LD_LIBRARY_PATH": str(case.directory.parent / "made")})
    (verdict,) = judge(case, {"bin/app": "entry"}, system("newer", asking("libouter.so.1", "V_2")))
    assert real.message is not None
    parts = real.message.replace(f"{case.directory}/bin/../", "").replace(f"{case.directory.parent}/made/", "")
    assert parts.replace(f"{case.directory}/", "") == verdict.message


def test_a_bundled_library_that_nothing_asked_for_does_not_answer_the_systems(case: Case) -> None:
    older_inner(case, "../made/libouter.so.1")
    newer = system("newer", asking("libouter.so.1", "V_2"))
    (verdict,) = judge(case, {"bin/app": "entry"}, newer)
    assert verdict.verdict == "starts"  # the RUNPATH of the program is not the library's (G4)
    (verdict,) = judge(case, {"bin/app": "entry"}, newer, library_path=str(case.directory / "lib"))
    assert verdict.verdict == "fails"  # LD_LIBRARY_PATH is everybody's
    (verdict,) = judge(case, {"bin/app": "entry"}, newer, library_path="$APPDIR/lib", root="$APPDIR")
    assert verdict.message == "bin/app: $APPDIR/lib/libinner.so.1: version `V_2' not found (required by libouter.so.1)"


def test_the_needs_of_what_a_systems_library_needs_count_too(case: Case) -> None:
    older_inner(case, "../made/libouter.so.1", "lib/libinner.so.1")
    outer = ProvidedLibrary(soname="libouter.so.1", presence="minimal", basis="measured", needed=("libmiddle.so.1",))
    (verdict,) = judge(case, {"bin/app": "entry"}, system("deep", outer, asking("libmiddle.so.1", "V_2")))
    assert verdict.message.endswith("version `V_2' not found (required by libmiddle.so.1)")


def test_the_shipped_profiles_answer(tmp_path: Path) -> None:
    case = Case(tmp_path / "bundle")
    case.program("bin/app", source="#include <stdlib.h>\nint main(void) { return (int)arc4random(); }")
    verdicts = judge(case, {"bin/app": "entry"}, *default_hosts("x86_64"))
    by_id = {verdict.id: verdict for verdict in verdicts}
    assert by_id["debian-12"].verdict == "starts"
    assert by_id["ubuntu-22.04"].verdict == "fails"
    assert "GLIBC_2.36" in by_id["ubuntu-22.04"].message
