"""The tag that a wheel claims against what its files ask for; extension modules where Python cannot import them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from inspector.pipeline import audit
from inspector.result import Result
from tests.elf_builder import TinyElf

_MODULE = "package/_native.cpython-311-x86_64-linux-gnu.so"
_AARCH64 = 183  # EM_AARCH64, elf.h


def module(version: str = "GLIBC_2.28", library: str = "libc.so.6", *, machine: int = 62) -> TinyElf:
    return TinyElf(
        needed=(library,),
        imports=(("function", library, version),) if version else (),
        exports=(("PyInit__native", None),),
        machine=machine,
    )


def archive(members: Mapping[str, TinyElf | str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, content in members.items():
            target.writestr(name, content.build() if isinstance(content, TinyElf) else content)
    return buffer.getvalue()


def wheel(place: Path, platform: str, native: TinyElf | None, *, name: str | None = None) -> Result:
    members: dict[str, TinyElf | str] = {
        "package/__init__.py": "",
        "package-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: package\nVersion: 1.0\n",
        "package-1.0.dist-info/WHEEL": f"Wheel-Version: 1.0\nTag: cp311-cp311-{platform.replace('.', chr(10) + 'Tag: cp311-cp311-')}\n",
    }
    if native is not None:
        members[_MODULE] = native
    path = place / (name or f"package-1.0-cp311-cp311-{platform}.whl")
    path.write_bytes(archive(members))
    return audit(path)


def said(result: Result) -> list[str]:
    return [finding.message for finding in result.findings if finding.rule == "wheel-tag-not-kept"]


@pytest.mark.parametrize(
    ("platform", "native", "words"),
    [
        (
            "manylinux_2_17_x86_64",
            module(),
            "manylinux_2_17_x86_64 is claimed, and the files allow manylinux_2_28_x86_64",
        ),
        (
            "manylinux2014_x86_64.manylinux_2_17_x86_64",
            module(),
            "manylinux_2_17_x86_64 is claimed, and the files allow",
        ),
        ("any", module(), "any promises every platform"),
        ("manylinux_2_28_aarch64", module(), "promises aarch64"),
        ("musllinux_1_2_x86_64", module(), "promises musl"),
        ("manylinux_2_28_x86_64", module("", "libc.musl-x86_64.so.1"), "promises glibc"),
        ("manylinux_2_28_x86_64", module("", "libodd.so.9"), "libodd.so.9"),
        ("manylinux_2_28_x86_64", module(), None),
        ("manylinux_2_31_x86_64", module(), None),
        ("manylinux_2_28_aarch64", module(machine=_AARCH64), None),
        ("linux_x86_64", module("GLIBC_2.41"), None),
        ("musllinux_1_2_x86_64", module("", "libc.musl-x86_64.so.1"), None),
        ("any", None, None),
        ("macosx_11_0_arm64", None, None),
    ],
)
def test_a_claim_and_what_the_files_allow(
    tmp_path: Path, platform: str, native: TinyElf | None, words: str | None
) -> None:
    result = wheel(tmp_path, platform, native)
    assert result.tag.claimed == platform
    found = said(result)
    if words is None:
        assert found == []
    else:
        [message] = found
        assert words in message


def test_one_finding_for_aliases_of_one_tag(tmp_path: Path) -> None:
    result = wheel(tmp_path, "manylinux1_x86_64.manylinux_2_5_x86_64", module())
    assert len(said(result)) == len(result.tag.unkept) == 1


def test_a_renamed_wheel_claims_what_its_metadata_say(tmp_path: Path) -> None:
    result = wheel(tmp_path, "manylinux1_x86_64.manylinux_2_5_x86_64", module(), name="download")
    assert result.artifact.format == "wheel"
    assert result.tag.claimed == "manylinux1_x86_64.manylinux_2_5_x86_64"


def test_the_module_is_judged_as_one_that_a_python_elsewhere_imports(tmp_path: Path) -> None:
    result = wheel(tmp_path, "manylinux_2_28_x86_64", module())
    assert [(root.path, root.role) for root in result.roots] == [(_MODULE, "extension")]
    verdicts = {host.id: host.verdict for host in result.hosts if host.libc == "glibc"}
    assert verdicts["debian-12"] == "starts"
    assert result.problems == ()


def test_an_extension_module_in_a_zipapp_cannot_be_imported(tmp_path: Path) -> None:
    path = tmp_path / "app.pyz"
    path.write_bytes(
        b"#!/usr/bin/env python3\n" + archive({"__main__.py": "import package._native\n", _MODULE: module()})
    )
    result = audit(path)
    [finding] = [finding for finding in result.findings if finding.rule == "extension-module-in-archive"]
    assert finding.subject == _MODULE
    path.write_bytes(archive({"__main__.py": "import os\n"}))
    assert not audit(path).findings
