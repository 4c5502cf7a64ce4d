"""Artifacts inside artifacts: which are opened, what the outer Result says of them, how deep it goes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from msgspec.structs import replace

from inspector.artifact import Artifact
from inspector.limits import Limits
from inspector.pipeline import audit_opened
from inspector.result import Result
from inspector.slim.options import SlimOptions
from inspector.slim.planning.bundle_knowledge import BundleKnowledge
from tests.bundles import Content, appdir
from tests.elf_builder import TinyElf

_MODULE = "package/_native.cpython-311-x86_64-linux-gnu.so"


def zipped(members: Mapping[str, Content], prefix: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content.build() if isinstance(content, TinyElf) else content)
    return prefix + buffer.getvalue()


def wheel(glibc: str = "GLIBC_2.28", name: str = "package", **more: Content) -> bytes:
    """A wheel with one extension module that asks for that glibc."""
    module = TinyElf(
        needed=("libc.so.6",), imports=(("function", "libc.so.6", glibc),), exports=(("PyInit__native", None),)
    )
    return zipped(
        {
            _MODULE: module,
            f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nLicense: GPL-3.0-only\n",
            f"{name}-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nTag: cp311-cp311-linux_x86_64\n",
            **more,
        }
    )


def program(glibc: str = "GLIBC_2.17") -> TinyElf:
    return TinyElf(
        program=True,
        interpreter="/lib64/ld-linux-x86-64.so.2",
        needed=("libc.so.6",),
        imports=(("function", "libc.so.6", glibc),),
    )


def result_of(artifact: Artifact, limits: Limits | None = None) -> Result:
    return audit_opened(artifact, limits=limits or Limits()).result


def with_wheel(path: str, content: bytes) -> Result:
    return result_of(appdir({"AppRun": program(), path: content}))


def test_a_wheel_inside_raises_the_floor_and_its_paths_say_where() -> None:
    result = with_wheel("usr/share/package-1.0-cp311-cp311-linux_x86_64.whl", wheel())
    path = "usr/share/package-1.0-cp311-cp311-linux_x86_64.whl"
    assert [(nested.path, nested.format, nested.inert) for nested in result.nested] == [(path, "wheel", "")]
    assert result.floors["GLIBC"].host_version == "2.28"
    assert [cause.file for cause in result.floors["GLIBC"].causes] == [f"{path}!/{_MODULE}"]
    assert f"{path}!/{_MODULE}" in {library.path for library in result.libraries}
    [component] = [component for component in result.components if component.name == "package"]
    assert f"{path}!/{_MODULE}" in component.files or component.files[0].startswith(f"{path}!/")
    assert any(finding.rule == "glibc-floor" and finding.subject == path for finding in result.findings)
    assert result.tag.allowed == "manylinux_2_28_x86_64"


def test_what_only_something_inside_lacks_degrades_and_does_not_fail() -> None:
    result = with_wheel("usr/share/package-1.0-py3-none-any.whl", wheel("GLIBC_2.41"))
    verdicts = {host.id: host for host in result.hosts if host.libc == "glibc"}
    assert verdicts["debian-12"].verdict == "degraded"
    assert verdicts["debian-12"].message.startswith("usr/share/package-1.0-py3-none-any.whl: ")
    assert verdicts["debian-12"].objects[0].path.startswith("usr/share/package-1.0-py3-none-any.whl!/")


def test_an_appimage_inside_decides_where_it_is_what_starts() -> None:
    """No program of the outer tree is ELF: what is inside is what runs."""
    inner = zipped({"__main__.py": "import os\n", "bin/tool": program("GLIBC_2.41")}, b"#!/usr/bin/env python3\n")
    result = result_of(appdir({"AppRun": "#!/bin/sh\n", "usr/bin/app": inner}))
    verdicts = {host.id: host.verdict for host in result.hosts if host.libc == "glibc"}
    assert verdicts["debian-12"] == "fails"
    assert result.artifact.arch == "x86_64"


def test_bundled_wheels_of_ensurepip_and_tests_are_listed_and_count_for_nothing() -> None:
    content = wheel("GLIBC_2.41")
    plain = result_of(appdir({"AppRun": program()}))
    for path in (
        "usr/lib/python3.11/ensurepip/_bundled/pip-23.2-py3-none-any.whl",
        "usr/lib/python3.11/test/wheeldata/setuptools-67.6.1-py3-none-any.whl",
    ):
        result = with_wheel(path, content)
        [nested] = result.nested
        assert nested.inert
        assert nested.files == 3
        assert (result.floors, result.hosts) == (plain.floors, plain.hosts)
        assert "package" not in {component.name for component in result.components}
        assert not [finding for finding in result.findings if "!/" in finding.subject]


def test_data_archives_are_not_opened() -> None:
    data = zipped({"sheet.xml": "<a/>", "image.png": "x"})
    result = result_of(
        appdir(
            {
                "AppRun": program(),
                "usr/share/table.ods": data,
                "usr/share/app.jar": data,
                "usr/bin/text": "#!/bin/sh\n" * 99,
            }
        )
    )
    assert result.nested == ()
    assert result.problems == ()


def test_the_bytes_stay_those_of_the_outer_file() -> None:
    content = wheel()
    result = with_wheel("usr/share/package-1.0-py3-none-any.whl", content)
    assert result.sizes.total.raw == result.artifact.unpacked_size == result.artifact.size
    assert result.nested[0].size == len(content)
    assert result.nested[0].unpacked_size == sum(
        info.file_size for info in zipfile.ZipFile(io.BytesIO(content)).infolist()
    )
    assert result.nested[0].coverage.seen == 3
    assert sum(result.nested[0].coverage.bytes.values()) == len(content)


def test_what_cannot_be_opened_is_a_problem_of_the_outer_one() -> None:
    result = with_wheel("usr/share/package-1.0-py3-none-any.whl", wheel()[:-30])
    [problem] = result.problems
    assert (problem.kind, problem.subject) == ("nested-unreadable", "usr/share/package-1.0-py3-none-any.whl")
    damaged = bytearray(wheel())
    damaged[60:70] = b"\xff" * 10
    result = with_wheel("usr/share/package-1.0-py3-none-any.whl", bytes(damaged))
    assert [problem.subject for problem in result.problems] == [f"usr/share/package-1.0-py3-none-any.whl!/{_MODULE}"]


def test_depth_and_number_are_bounded() -> None:
    content = wheel()
    for _ in range(5):
        content = zipped({"__main__.py": "", "deeper.pyz": content}, b"#!/usr/bin/env python3\n")
    artifact = appdir({"AppRun": program(), "app.pyz": content})
    result = result_of(artifact)
    assert [nested.path for nested in result.nested] == [
        "app.pyz",
        "app.pyz!/deeper.pyz",
        "app.pyz!/deeper.pyz!/deeper.pyz",
    ]
    [problem] = result.problems
    assert (problem.kind, problem.subject) == ("limit-exceeded", "app.pyz!/deeper.pyz!/deeper.pyz!/deeper.pyz")
    many = {f"wheel{number}.whl": wheel(name=f"p{number}") for number in range(4)}
    limits = replace(Limits(), nested_artifacts=2)
    result = result_of(appdir({"AppRun": program(), **many}), limits)
    assert len(result.nested) == 2
    assert [problem.kind for problem in result.problems] == ["limit-exceeded"] * 2
    result = result_of(appdir({"AppRun": program(), **many}), replace(Limits(), decoded_data=2000))
    assert 0 < len(result.nested) < 4
    assert all("decoded_data" in problem.message for problem in result.problems)


def test_components_of_both_are_one() -> None:
    metadata = "Metadata-Version: 2.1\nName: package\nVersion: 1.0\nLicense: GPL-3.0-only\n"
    files: dict[str, Content] = {
        "AppRun": program(),
        "usr/lib/python3.11/site-packages/package-1.0.dist-info/METADATA": metadata,
        "usr/share/package-1.0-py3-none-any.whl": wheel(),
    }
    result = result_of(appdir(files))
    [component] = [component for component in result.components if component.name == "package"]
    assert component.file_count == 4
    exposures = [exposure for exposure in result.licenses.exposures if exposure.component == "package"]
    assert any(exposure.chain[0] == "usr/share/package-1.0-py3-none-any.whl" for exposure in exposures)


def test_findings_inside_have_fingerprints_of_their_own() -> None:
    files: dict[str, Content] = {"AppRun": program(), "a.whl": wheel(), "b.whl": wheel()}
    findings = [finding for finding in result_of(appdir(files)).findings if finding.rule == "glibc-floor"]
    assert len({finding.fingerprint for finding in findings}) == len(findings) >= 2


def test_slim_keeps_libraries_that_only_something_inside_needs() -> None:
    """What lies in an archive is started with the launcher's search path."""
    module = TinyElf(needed=("libextra.so.1",), exports=(("PyInit__native", None),))
    files: dict[str, Content] = {
        "AppRun": program(),
        "usr/lib/libextra.so.1": TinyElf(soname="libextra.so.1"),
        "usr/lib/libother.so.1": TinyElf(soname="libother.so.1"),
        "tool.pyz": zipped({"__main__.py": "", _MODULE: module}, b"#!/usr/bin/env python3\n"),
    }
    artifact = appdir(files)
    audited = audit_opened(artifact, limits=Limits())
    assert audited.facts.wanted_inside == {"libextra.so.1"}
    libraries = BundleKnowledge(artifact, audited.facts, SlimOptions(), Limits()).libraries
    assert not libraries.is_library("usr/lib/libextra.so.1")
    assert libraries.is_library("usr/lib/libother.so.1")
