"""What changed from one release to the next."""

from __future__ import annotations

import json

from inspector.difference import difference, to_json
from inspector.model import ByteCount, Finding, Severity
from inspector.render.markdown_diff import render as render_markdown
from inspector.render.terminal_diff import headlines, render_difference
from inspector.result import (
    ArtifactInfo,
    ComponentInfo,
    FilesInfo,
    Floor,
    FloorCause,
    HostVerdict,
    LibraryInfo,
    Result,
    SizeRow,
    SizesInfo,
    ToolInfo,
    Verdict,
)


def finding(rule: str, mark: str, severity: Severity = "error", suppressed: str | None = None) -> Finding:
    return Finding(
        rule=rule, severity=severity, confidence="high", subject=f"lib/{mark}.so", message=f"about {mark}", fingerprint=mark, suppressed=suppressed
    )  # fmt: skip


def host(id_: str, verdict: str, message: str = "") -> HostVerdict:
    return HostVerdict(
        id=id_, name=id_.title(), variant="desktop", basis="measured", verdict=verdict, message=message  # type: ignore[arg-type]
    )  # fmt: skip


def component(name: str, version: str | None, licenses: str | None, raw: int = 10) -> ComponentInfo:
    return ComponentInfo(
        name=name, version=version, kind="library", licenses=licenses, bytes=ByteCount(raw=raw, stored=raw)
    )


def floor(version: str, file: str) -> Floor:
    cause = FloorCause(
        file=file, library="libc.so.6", version=f"GLIBC_{version}", symbols=(), symbol_count=1, from_host=True
    )
    return Floor(version=version, host_version=version, causes=(cause,))


def release(path: str, size: int, **more: object) -> Result:
    return Result(
        tool=ToolInfo(name="t", version="1", data={}), rules={},
        artifact=ArtifactInfo(
            id="i", path=path, format="appdir", arch="x86_64", size=size, unpacked_size=size, sha256=None, envelope=None
        ),
        files=FilesInfo(count=1, elf_count=1), **more,  # type: ignore[arg-type]
    )  # fmt: skip


OLD = release(
    "App-1", 1_000_000,
    findings=(finding("x-y", "stays"), finding("x-y", "fixed"), finding("x-y", "accepted", suppressed="r")),
    floors={"GLIBC": floor("2.17", "bin/a"), "GLIBCXX": floor("3.4.9", "bin/a")},
    hosts=(host("debian-11", "starts"), host("rhel-8", "fails"), host("arch", "starts")),
    components=(component("zlib", "1.2.13", "Zlib"), component("expat", "2.5", "MIT"), component("ssl", "1", "MIT")),
    sizes=SizesInfo(by_component=(SizeRow(name="a", raw=5, stored=4), SizeRow(name="b", raw=7, stored=7))),
    verdict=Verdict(gate="passed"),
)  # fmt: skip
NEW = release(
    "App-2", 1_500_000,
    findings=(finding("x-y", "stays"), finding("z-z", "new", "warning")),
    floors={"GLIBC": floor("2.34", "lib/new.so")},
    hosts=(host("debian-11", "fails", "GLIBC_2.34 not found"), host("rhel-8", "starts"), host("fedora-43", "starts")),
    components=(component("zlib", "1.3.1", "Zlib"), component("gdbm", None, "GPL-3.0-or-later"), component("ssl", "1", "MIT")),
    sizes=SizesInfo(by_component=(SizeRow(name="a", raw=50, stored=40), SizeRow(name="b", raw=7, stored=7), SizeRow(name="c", raw=1, stored=1))),
    verdict=Verdict(gate="failed"),
)  # fmt: skip


def test_everything_that_changed_is_told() -> None:
    found = difference(OLD, NEW)
    assert [each.fingerprint for each in found.new_findings] == ["new"]
    assert [each.fingerprint for each in found.fixed_findings] == ["fixed"]
    assert found.same_findings == 1
    assert [(each.namespace, each.old, each.new, each.direction, each.files) for each in found.floors] == [
        ("GLIBC", "2.17", "2.34", "higher", ("lib/new.so",)),
        ("GLIBCXX", "3.4.9", None, "lower", ()),
    ]
    assert [(each.id, each.old, each.new, each.direction) for each in found.hosts] == [
        ("debian-11", "starts", "fails", "worse"),
        ("rhel-8", "fails", "starts", "better"),
    ]
    assert [(each.name, each.change, each.versions, each.licenses) for each in found.components] == [
        ("expat", "removed", ("2.5", None), ("MIT", None)),
        ("gdbm", "added", (None, None), (None, "GPL-3.0-or-later")),
        ("zlib", "updated", ("1.2.13", "1.3.1"), ("Zlib", "Zlib")),
    ]
    assert (found.licenses_appeared, found.licenses_gone) == (("GPL-3.0-or-later",), ())
    assert [(each.name, each.new.stored - each.old.stored) for each in found.sizes] == [("a", 36), ("c", 1)]
    assert found.verdict == ("passed", "failed")
    assert not found.is_empty


def test_nothing_changed() -> None:
    found = difference(OLD, OLD)
    assert found.is_empty
    assert found.sizes == ()
    assert headlines(found) == ["1.0 MB → 1.0 MB: the same size", "0 new findings, 0 fixed, 2 as before"]


def test_version_numbers_are_compared_as_numbers() -> None:
    old, new = (
        release("a", 1, floors={"GLIBC": floor("2.9", "x")}),
        release("b", 1, floors={"GLIBC": floor("2.10", "x")}),
    )
    assert [each.direction for each in difference(old, new).floors] == ["higher"]
    assert [each.direction for each in difference(new, old).floors] == ["lower"]


def test_several_components_of_one_name_are_told_apart() -> None:
    old = release("a", 1, components=(component("x", "1", "MIT"), component("x", "2", "MIT")))
    new = release("b", 1, components=(component("x", "1", "MIT"),))
    assert [(each.change, each.versions) for each in difference(old, new).components] == [("removed", ("2", None))]


def test_the_screen_says_it_in_order() -> None:
    text = render_difference(difference(OLD, NEW), 100, color=False)
    words = ["App-1 → App-2", "500.0 kB larger (+50 %)", "1 new finding, 1 fixed", "worse on Debian-11"]
    words += [
        "licences that appeared: GPL-3.0-or-later",
        "New findings",
        "about new",
        "Fixed",
        "about fixed",
        "Systems",
        "GLIBC_2.34 not found",
        "What it asks of the host",
        "2.17 → 2.34",
    ]
    words += ["Components", "1.2.13 → 1.3.1", "Bytes by component", "+36 B"]
    places = [text.index(word) for word in words]
    assert places == sorted(places)
    assert max(map(len, text.splitlines())) <= 100


def test_long_lists_are_cut_unless_all_is_asked_for() -> None:
    new = release("b", 1, findings=tuple(finding("x-y", str(number)) for number in range(40)))
    found = difference(release("a", 1), new)
    assert "15 of 40; -v has all" in render_difference(found, 80, color=False)
    assert "about 39" in render_difference(found, 80, color=False, full=True)


def test_markdown_reads_nothing_of_the_artifact() -> None:
    hostile = finding("x-y", "<img src=x onerror=alert(1)>|`*_[a](b)")
    text = render_markdown(difference(OLD, release("b|c", 1, findings=(hostile,)))).decode()
    row = next(line for line in text.splitlines() if "onerror" in line)
    assert "<img" not in row.replace("\\<img", "")
    assert row.count("|") - row.count("\\|") == 5
    assert "## b\\|c against App-1" in text


def test_the_document_is_json() -> None:
    document = json.loads(to_json(difference(OLD, NEW)))
    assert document["schema"] == "inspector/diff/1"
    assert document["floors"][0]["new"] == "2.34"


def library(path: str, soname: str | None) -> LibraryInfo:
    return LibraryInfo(path=path, role="library", soname=soname, rpath=None, runpath=None, needed=())


def test_libraries_by_the_names_that_survive_a_rebuild() -> None:
    old = release("a", 1, libraries=(
        library("x.libs/libpng16-58efbb84.so.16.44.0", "libpng16-58efbb84.so.16.44.0"),
        library("x.libs/libz-1a2b3c4d.so.1.3", "libz-1a2b3c4d.so.1.3"),
        library("lib/libssl.so.1.1", "libssl.so.1.1"),
        library("lib/libBLT.2.5.so.8.6", "libBLT.2.5.so.8.6"),
        library("lib/_ext.so", None),
    ))  # fmt: skip
    new = release("b", 1, libraries=(
        library("x.libs/libpng16-00aa11bb.so.16.58.0", "libpng16-00aa11bb.so.16.58.0"),
        library("x.libs/libz-5e6f7a8b.so.1.3", "libz-5e6f7a8b.so.1.3"),
        library("lib/libssl.so.3", "libssl.so.3"),
        library("a/libavif.so.16", "libavif.so.16"),
        library("b/libavif.so.16", "libavif.so.16"),
        library("bin/app", None),
    ))  # fmt: skip
    found = difference(old, new)
    assert [(each.name, each.change, each.versions) for each in found.libraries] == [
        ("libBLT.so", "removed", ("8.6", None)),
        ("libavif.so", "added", (None, "16")),
        ("libavif.so", "added", (None, "16")),
        ("libpng16.so", "updated", ("16.44.0", "16.58.0")),
        ("libssl.so", "updated", ("1.1", "3")),
    ]
    text = render_difference(found, 80, color=False)
    assert "added    libavif.so.16, libavif.so.16\n" in text
    assert "updated  libpng16.so 16.44.0 → 16.58.0, libssl.so 1.1 → 3\n" in text
    assert "| removed | libBLT.so.8.6 |" in render_markdown(found).decode()


def test_systems_that_fared_alike_share_a_line() -> None:
    reason = "libc.so.6: version `GLIBC_2.36' not found"
    old = release("a", 1, hosts=tuple(host(id_, "starts") for id_ in ("one", "two", "three")))
    new = release("b", 1, hosts=(host("one", "fails", reason), host("two", "fails", reason), host("three", "unknown")))
    text = " ".join(render_difference(difference(old, new), 100, color=False).split())
    assert "starts → fails worse One, Two libc.so.6: version" in text
    assert text.count("GLIBC_2.36") == 1


def test_directories_have_no_columns_of_stored_bytes() -> None:
    def of(raw: int, stored: int) -> SizesInfo:
        return SizesInfo(by_component=(SizeRow(name="a", raw=raw, stored=stored),))

    same = render_difference(
        difference(release("a", 1, sizes=of(5, 5)), release("b", 1, sizes=of(9, 9))), 80, color=False
    )
    other = render_difference(
        difference(release("a", 1, sizes=of(5, 5)), release("b", 1, sizes=of(9, 4))), 80, color=False
    )
    assert "stored" not in same
    assert "stored" in other


def test_long_paths_lose_their_middles() -> None:
    long = "/home/build/" + "x" * 120 + "/App-{}.AppImage"
    text = render_difference(difference(release(long.format(1), 1), release(long.format(2), 2)), 80, color=False)
    assert max(map(len, text.splitlines())) <= 80
    assert "App-1.AppImage" in text.splitlines()[0]
    assert "App-2.AppImage" in text.splitlines()[0]
