"""Programs whose payload is named and not read, made by their own tools: audited as the ELF files that they are, and nobody is left in the dark."""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from inspector.pipeline import audit

pytestmark = pytest.mark.corpus


@pytest.mark.heavy
@pytest.mark.parametrize("version", ["1.4.5", "1.1.30"])
def test_bun(version: str, corpus_artifact: Callable[[str], Path]) -> None:
    result = audit(corpus_artifact(f"frozen/bun-{version}"))
    (problem,) = result.problems
    assert problem.kind == "payload-not-read"
    assert "Bun" in problem.message
    assert result.artifact.format == "elf"
    assert result.hosts


def read_varint(content: bytes, position: int) -> tuple[int, int]:
    """A length of .NET's BinaryWriter: seven bits a byte, the lowest first."""
    value = shift = 0
    while True:
        byte = content[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position


def test_dotnet_bundle_has_as_many_files_as_its_manifest_lists(corpus_artifact: Callable[[str], Path]) -> None:
    """The manifest behind the header (dotnet/runtime, Bundle/Manifest.cs) is read to its end here: each row lies in the file."""
    program = corpus_artifact("schemas/sarif-multitool") / "Sarif.Multitool"
    result = audit(program)
    (problem,) = result.problems
    assert problem.kind == "payload-not-read"
    found = re.search(r"bundle of (\d+) files", problem.message)
    assert found is not None
    content = program.read_bytes()
    mark = content.index(hashlib.sha256(b".net core bundle\n").digest())
    (position,) = struct.unpack_from("<q", content, mark - 8)
    major, _, count = struct.unpack_from("<IIi", content, position)
    assert int(found[1]) == count
    length, position = read_varint(content, position + 12)
    position += length + (40 if major >= 2 else 0)  # places of two JSON files, and flags
    names = []
    for _ in range(count):
        numbers = 3 if major >= 6 else 2
        start, size, *compressed = struct.unpack_from(f"<{numbers}q", content, position)
        length, position = read_varint(content, position + 8 * numbers + 1)
        assert 0 < start <= start + (compressed[0] if compressed and compressed[0] else size) <= len(content)
        names.append(content[position : position + length].decode())
        position += length
    assert "Sarif.Multitool.dll" in names
    assert result.artifact.format == "elf"
