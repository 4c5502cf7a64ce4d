"""Damaged archives, packages and images end in an artifact with problems or in NothingInspected, and in nothing else."""

from __future__ import annotations

import gzip
import hashlib
import json
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inspector.artifact import open_artifact
from inspector.errors import FormatError, NothingInspected
from inspector.formats.gvariant import Value, parse_type
from inspector.formats.yaml_mappings import parse_yaml
from inspector.limits import MIB, Limits
from inspector.source import BytesSource
from tests import squashfs_images
from tests.package_builder import cpio, deb, directory, gvariant, link, rpm, static_delta, tar

LIMITS = Limits(inodes=2000, decoded_data=64 * MIB, decoded_metadata=8 * MIB)
_TREE = [
    directory("d"),
    ("d/file", b"content" * 30),
    link("d/link", "file"),
    link("d/hard", "d/file", hard=True),
    ("n" * 120, b"long"),
]
_SQUASHFS = squashfs_images.one_file(
    squashfs_images.file_inode(2, 5, (squashfs_images.RAW_BLOCK | 5,)), name=b"run", data=b"hello"
)


@cache
def samples() -> dict[str, bytes]:
    """One small file of each form, as little compressed as its form allows, so that changes reach what is inside."""
    plain = tar(_TREE)
    named = [(b"./a", 0o100755, b"first"), (b"./b", 0o120777, b"a")]
    tags = {
        1000: b"sample",
        1001: b"1",
        1002: b"2",
        1044: b"x",
        1116: [0, 0],
        1117: [b"a", b"b"],
        1118: [b"/"],
        1028: [5, 1],
        1030: [33261, 41471],
    }
    layer = tar([*_TREE, ("d/.wh.gone", b""), (".wh..wh..opq", b"")])
    config = json.dumps({"config": {"Entrypoint": ["d/file"], "Env": ["A=b"]}}).encode()
    listed = json.dumps([{"Config": "c.json", "RepoTags": ["x:1"], "Layers": ["1/layer.tar"]}]).encode()
    script = b'#!/bin/sh\n# Makeself\nMD5="0"\nscript="./d/file"\nfilesizes="%d"\nskip="6"\n' % len(plain)
    xar = b'#!/usr/bin/env xarexec_fuse\nOFFSET="4096"\nXAREXEC_TARGET="run"\n#xar_stop\n'.ljust(4096, b"\n")
    return {
        "tar": plain,
        "tar.gz": gzip.compress(plain, 0, mtime=0),
        "deb": deb(plain),
        "rpm": rpm(cpio(named), tags),
        "rpm, numbered": rpm(cpio(named, numbered=True), tags),
        "docker": tar([("manifest.json", listed), ("c.json", config), ("1/layer.tar", layer)]),
        "flatpak": static_delta({"one": b"1" * 40, "two": b"22"}, metadata="[Application]\nname=x\ncommand=one\n", compressed=False),
        "makeself": script + plain,
        "xar": xar + _SQUASHFS,
        "squashfs": _SQUASHFS,
    }  # fmt: skip


_EDITS = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.one_of(
            st.binary(min_size=1, max_size=8),
            st.sampled_from(
                [
                    b"\xff" * 4,
                    b"\0" * 4,
                    b"\x7f\xff\xff\xff",
                    b"\xff\xff\xff\x7f",
                    b"77777777777",
                    b"99999",
                    b"\x80" + b"\xff" * 7,
                ]
            ),
        ),
    ),
    max_size=6,
)


@pytest.mark.parametrize("name", samples())
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=_EDITS, kept=st.one_of(st.just(1.0), st.floats(0, 1)), near=st.booleans())
def test_damage_never_becomes_a_traceback(
    name: str, edits: list[tuple[float, bytes]], kept: float, near: bool, tmp_path: Path
) -> None:
    content = bytearray(samples()[name])
    for place, replacement in edits:
        offset = int(place * (min(len(content), 1024) if near else len(content)))
        content[offset : offset + len(replacement)] = replacement
    path = tmp_path / "App"
    path.write_bytes(content[: int(kept * len(content))])
    try:
        with open_artifact(path, LIMITS) as artifact:
            assert sum(artifact.byte_map.values()) == artifact.size
            assert min(artifact.byte_map.values()) >= 0
            for node in artifact.tree:
                assert not node.path.startswith("/")
                assert ".." not in node.path.split("/")
                with suppress(FormatError):
                    assert len(node.read_at(0, min(node.size, MIB))) <= node.size
    except NothingInspected:
        pass


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from(["(a{sv}tayay(a{sv}aya(say)sstayay)aya(uayttay)a(yaytt))", "a(say)", "v", "a{sv}", "(yay)", "(ssas)", "aas", "(uvs)"]),
    content=st.binary(max_size=300),
)  # fmt: skip
def test_any_bytes_as_a_gvariant(kind: str, content: bytes) -> None:
    with suppress(FormatError):
        _walk(Value(kind, BytesSource(content)), [2000])


def _walk(value: Value, budget: list[int]) -> None:
    budget[0] -= 1
    if budget[0] < 0:
        return
    code = value.type.code
    if code == "v":
        _walk(value.variant(), budget)
    elif code in "a({":
        for index in range(len(value)):
            if budget[0] < 0:
                return
            _walk(value[index], budget)
    elif code in "sog":
        value.text()
    elif code in "ybnqiuhxt":
        value.integer()


@given(st.text(alphabet="aybnqiuxtdsogvm(){} ", max_size=40))
def test_any_text_as_a_type(text: str) -> None:
    with suppress(FormatError):
        parse_type(text)


@settings(max_examples=300)
@given(st.one_of(st.binary(max_size=200), st.text(alphabet="ab:-'\"#[]{}|>&*! \n\t", max_size=200).map(str.encode)))
def test_any_text_as_yaml(content: bytes) -> None:
    with suppress(FormatError):
        parse_yaml(content)


_SCALARS = st.text(
    alphabet=st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=("Cc", "Cs", "Z")), max_size=12
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4), st.dictionaries(_SCALARS, inner, min_size=1, max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(_SCALARS, _VALUES, max_size=5))
def test_yaml_that_pyyaml_writes_comes_back(value: dict[str, object]) -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML, which writes what is read here, is not installed")
    text = yaml.safe_dump(value, default_flow_style=False, width=10_000, allow_unicode=True)
    if any(line.lstrip("- ").startswith("? ") for line in text.splitlines()):
        return  # keys of more than 128 characters and such; refused by name
    assert parse_yaml(text.encode()) == value


def test_checksums_of_a_delta_are_compared(tmp_path: Path) -> None:
    """A directory's listing that was changed in place is refused, not shown."""
    content = bytearray(samples()["flatpak"])
    listing = gvariant("(a(say)a(sayay))", ([("one", hashlib.sha256(b"fileone" + b"1" * 40).digest())], []))[:4]
    place = content.index(listing)
    content[place : place + 3] = b"eno"
    (tmp_path / "App").write_bytes(content)
    with pytest.raises(NothingInspected, match="another checksum"):
        open_artifact(tmp_path / "App")
