"""Container images, Flatpak bundles, snaps, XAR and self-extracting scripts, made here by the formats' specifications."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from inspector.artifact import Artifact, open_artifact
from inspector.errors import FormatError, NothingInspected
from inspector.formats.gvariant import Value, parse_type
from inspector.formats.yaml_mappings import parse_yaml
from inspector.limits import Limits
from inspector.source import BytesSource
from tests import squashfs_images
from tests.extracted import assert_whole
from tests.package_builder import directory, gvariant, link, static_delta, tar, varint

Layer = list[tarfile.TarInfo | tuple[str, bytes]]


def write_layout(root: Path, layers: list[Layer], config: dict[str, object] | None = None) -> None:
    """An OCI image layout (image specification 1.1, "Image Layout")."""
    blobs = root / "blobs/sha256"
    blobs.mkdir(parents=True)

    def put(content: bytes) -> dict[str, object]:
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {"digest": f"sha256:{digest}", "size": len(content)}

    described = [put(gzip.compress(tar(layer), mtime=0)) for layer in layers]
    document = {"architecture": "arm64", "os": "linux", "config": config or {}}
    manifest = {"schemaVersion": 2, "config": put(json.dumps(document).encode()), "layers": described}
    index = {"schemaVersion": 2, "manifests": [put(json.dumps(manifest).encode())]}
    (root / "index.json").write_text(json.dumps(index), encoding="utf-8")
    (root / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}', encoding="utf-8")


def contents(artifact: Artifact) -> dict[str, object]:
    return {node.path: node.read() if node.is_file else node.target for node in artifact.tree if node.path}


def test_whiteouts_hide_lower_layers_only(tmp_path: Path) -> None:
    layers: list[Layer] = [
        [directory("a"), ("a/1", b"1"), ("a/2", b"2"), directory("b"), ("b/3", b"3"), ("gone", b"x"), link("lib", "usr/lib"), directory("usr/lib")],
        [("a/new", b"n"), ("a/.wh..wh..opq", b""), ("b/.wh.3", b""), ("b/.wh..wh.plnk", b""), (".wh.gone", b""), ("lib/x", b"x")],
        [("gone", b"back"), ("lib/.wh.x", b"")],
    ]  # fmt: skip
    write_layout(tmp_path / "image", layers)
    with open_artifact(tmp_path / "image") as artifact:
        expected = {
            "a": None,
            "a/new": b"n",
            "b": None,
            "gone": b"back",
            "lib": "usr/lib",
            "usr": None,
            "usr/lib": None,
        }
        assert contents(artifact) == expected
        assert artifact.problems == []
        assert (artifact.format, artifact.arch) == ("oci", "aarch64")


def test_what_an_image_lacks_is_a_problem(tmp_path: Path) -> None:
    write_layout(tmp_path / "image", [[("a", b"a")], [("b", b"b")]], {"Entrypoint": ["nothing"]})
    index = json.loads((tmp_path / "image/index.json").read_text(encoding="utf-8"))
    manifest = json.loads((tmp_path / "image/blobs" / index["manifests"][0]["digest"].replace(":", "/")).read_bytes())
    first, second = (tmp_path / "image/blobs" / layer["digest"].replace(":", "/") for layer in manifest["layers"])
    second.write_bytes(gzip.compress(tar([("b", b"another")]), mtime=0))
    with open_artifact(tmp_path / "image") as artifact:
        assert [problem.kind for problem in artifact.problems] == ["corrupt-member"]
    first.unlink()
    with open_artifact(tmp_path / "image") as artifact:
        assert [problem.kind for problem in artifact.problems] == ["missing-member", "corrupt-member"]
        assert contents(artifact) == {"b": b"another"}
    second.unlink()
    with pytest.raises(NothingInspected, match="not a single layer"):
        open_artifact(tmp_path / "image")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"manifests": 5}', '{"manifests": [{"digest": "sha256:../../x"}]}', "[" * 100_000]
)
def test_indexes_that_lead_nowhere(text: str, tmp_path: Path) -> None:
    write_layout(tmp_path / "image", [[("a", b"a")]])
    (tmp_path / "image/index.json").write_text(text, encoding="utf-8")
    with pytest.raises(NothingInspected):
        open_artifact(tmp_path / "image")


METADATA = "[Application]\nname=org.example.Small\nruntime=org.example.Platform/x86_64/1\ncommand=small\n"


def opened(content: bytes, tmp_path: Path) -> Artifact:
    path = tmp_path / "App"
    path.write_bytes(content)
    return open_artifact(path)


@pytest.mark.parametrize("compressed", [True, False])
def test_a_delta_gives_its_files(compressed: bool, tmp_path: Path) -> None:
    files = {"one": b"1" * 300, "two": b"2" * 70_000, "empty": b""}
    with opened(static_delta(files, metadata=METADATA, compressed=compressed), tmp_path) as artifact:
        assert contents(artifact) == files
        assert artifact.envelope is not None
        assert artifact.envelope.package is not None
        assert artifact.envelope.package.base == "org.example.Platform/x86_64/1"
        assert [problem.kind for problem in artifact.problems] == ["missing-member"]  # the command
        assert sum(artifact.byte_map.values()) == artifact.size


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (b"?", "is not known"),
        (b"B", "patches an older file"),
        (b"S" + b"\xff" * 12, "does not end"),
        (b"S" + varint(10), "is cut off"),
        (b"S" + varint(10) + varint(1 << 40), "not there"),
        (b"r" + varint(0), "does not carry"),
        (b"c" * 50, "more objects than the part lists"),
    ],
)
def test_operations_that_make_no_sense(program: bytes, said: str, tmp_path: Path) -> None:
    from inspector.formats.ostree.static_delta import StaticDelta

    content = static_delta({"a": b"a"}, program=program)
    delta = StaticDelta(BytesSource(content), Limits())
    assert any(said in str(error) for _, error in delta.damages)
    with pytest.raises(NothingInspected):
        opened(content, tmp_path)


def test_objects_in_several_pieces(tmp_path: Path) -> None:
    """The operations open, write, write, close, and writes that take their bytes from another object."""
    from inspector.formats.ostree.static_delta import StaticDelta

    content = b"0123456789"
    plain = static_delta({"a": content})
    name = hashlib.sha256(b"filea" + content).digest()
    delta = StaticDelta(BytesSource(plain), Limits())
    raw_offset = delta.metadata(2, _root_of(plain))
    meta_size = len(gvariant("(uuua(ayay))", (0, 0, 0, [])))
    start = len(raw_offset) + meta_size
    splice = b"S" + varint(len(raw_offset)) + varint(0) + b"S" + varint(meta_size) + varint(len(raw_offset))
    pieces = (
        b"o"
        + varint(0)
        + varint(0)
        + varint(6)
        + b"w"
        + varint(4)
        + varint(start + 6)
        + b"w"
        + varint(2)
        + varint(start)
        + b"c"
    )
    delta = StaticDelta(BytesSource(static_delta({"a": content}, program=splice + pieces)), Limits())
    assert delta.damages == []
    file = delta.file(name)
    assert file.content is not None
    assert file.content.read_at(0, 99) == b"678901"
    assert file.content.read_at(3, 2) == b"90"


def _root_of(bundle: bytes) -> bytes:
    superblock = Value("(a{sv}tayay(a{sv}aya(say)sstayay)aya(uayttay)a(yaytt))", BytesSource(bundle))
    return superblock[4][6].content()


def test_directories_that_name_each_other_meet_a_limit(tmp_path: Path) -> None:
    """Thirty levels of two names for the directory below: a tree of a thousand million names in three kilobytes."""
    meta = hashlib.sha256(
        gvariant("(uuua(ayay))", (0, 0, int.from_bytes((0o40755).to_bytes(4, "little"), "big"), []))
    ).digest()
    trees = [gvariant("(a(say)a(sayay))", ([], []))]
    for _ in range(30):
        below = hashlib.sha256(trees[-1]).digest()
        trees.append(gvariant("(a(say)a(sayay))", ([], [("x", below, meta), ("y", below, meta)])))
    path = tmp_path / "bomb.flatpak"
    path.write_bytes(static_delta({}, trees=trees))
    with pytest.raises(NothingInspected, match="inodes"):
        open_artifact(path, Limits(inodes=5000))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("(yut)", (1, 2, 3)),
        ("as", ["a", "", "c" * 300]),
        ("a(say)", [("x", b"1"), ("y", b"")]),
        ("(sas)", ("x", ["y", "z"])),
        ("a{sv}", {"k": ("u", 7), "l": ("as", ["q"])}),
        ("au", [1, 2, 3]),
        ("ay", b"bytes" * 100),
    ],
)
def test_gvariants_come_back(kind: str, value: object) -> None:
    assert _plain(Value(kind, BytesSource(gvariant(kind, value)))) == _comparable(value)


def _plain(value: Value) -> object:
    code = value.type.code
    if code in "yut":
        return value.integer()
    if code == "s":
        return value.text()
    if code == "v":
        return _plain(value.variant())
    if code == "a" and value.type.parts[0].code == "y":
        return value.content()
    return [_plain(child) for child in value]


def _comparable(value: object) -> object:
    if isinstance(value, dict):
        return [[key, _comparable(inner[1])] for key, inner in value.items()]
    if isinstance(value, list | tuple):
        return [_comparable(inner) for inner in value]
    return value


@pytest.mark.parametrize("text", ["", "a", "(", "(s", "ss", "{sv", "a" * 100, "(" * 300, "Z", "é"])
def test_types_that_are_none(text: str) -> None:
    with pytest.raises(FormatError):
        parse_type(text)


def test_xar_headers(tmp_path: Path) -> None:
    image = squashfs_images.one_file(
        squashfs_images.file_inode(2, 5, (squashfs_images.RAW_BLOCK | 5,)), name=b"run", data=b"hello"
    )
    text = '#!/usr/bin/env xarexec_fuse\nOFFSET="{}"\nUUID="0123abcd"\nXAREXEC_TARGET="{}"\n#xar_stop\nexit 1\n'
    header = text.format(4096, "run").encode().ljust(4096, b"\n")
    with opened(header + image, tmp_path) as artifact:
        assert (artifact.format, artifact.layout.launcher) == ("xar", "run")
        assert artifact.byte_map["headers"] == 4096
        assert_whole(artifact)
    with opened(text.format(8192, "gone").encode().ljust(8192, b"\n") + image, tmp_path) as artifact:
        assert [problem.kind for problem in artifact.problems] == ["corrupt-header", "missing-member"]
    for offset in ("", "x", "0", "99999999", "9" * 30):
        with pytest.raises(NothingInspected):
            opened(text.format(offset, "run").encode().ljust(4096, b"\n") + image, tmp_path)


def test_a_script_whose_archive_has_another_checksum(tmp_path: Path) -> None:
    archive = gzip.compress(tar([("start.sh", b"#!/bin/sh\n")]))
    text = (
        '#!/bin/sh\n# This script was generated using Makeself 2.4.5\nMD5="{}"\nSHA="0000"\nscript="./start.sh"\n'
        'filesizes="{}"\nskip="7"\n'
    )
    right = hashlib.md5(archive, usedforsecurity=False).hexdigest()
    with opened(text.format(right, len(archive)).encode() + archive, tmp_path) as artifact:
        assert (artifact.format, artifact.layout.launcher) == ("makeself", "start.sh")
        assert_whole(artifact)
    with opened(text.format("0" * 31 + "1", len(archive)).encode() + archive, tmp_path) as artifact:
        assert [problem.kind for problem in artifact.problems] == ["corrupt-member"]
    with opened(text.format(right, len(archive) + 50).encode() + archive, tmp_path) as artifact:
        assert artifact.problems[0].kind == "truncated"


def test_a_manifest_of_flatpak_builder_is_named(tmp_path: Path) -> None:
    for name, text in {
        "app.json": '{"id": "org.example.App", "runtime": "org.example.Platform", "modules": []}',
        "app.yaml": "id: org.example.App\nruntime: org.example.Platform\nmodules:\n  - name: x\n",
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        with pytest.raises(NothingInspected, match=r"manifest of flatpak-builder for org\.example\.App"):
            open_artifact(tmp_path / name)


YAML = """\
# a comment
name: sample   # another
version: '1.0'
text: "a\\tb: c"
folded: >-
  one
  two
list:
- a
- "b: c"
-
  key: value
nested:
  empty:
  flow: [x, 'y']
  deep:
    - name: z
      more:
        - 1
  none: {}
"""


def test_yaml_is_read_as_others_read_it() -> None:
    found = parse_yaml(YAML.encode())
    assert found["list"] == ["a", "b: c", {"key": "value"}]
    assert found["nested"] == {"empty": "", "flow": ["x", "y"], "deep": [{"name": "z", "more": ["1"]}], "none": {}}
    assert (found["name"], found["version"], found["text"], found["folded"]) == ("sample", "1.0", "a\tb: c", "one\ntwo")
    yaml = pytest.importorskip("yaml", reason="PyYAML, the other reader, is not installed")
    loaded = yaml.load(YAML, Loader=yaml.BaseLoader)
    assert {**loaded, "folded": "one\ntwo"} == found  # line ends in folded text are kept here


@pytest.mark.parametrize(
    "text",
    ["a: &x 1", "a: *x", "!t a: b", "a: {b: c}", "a: 1\n  b: 2\n c: 3", "a: 'x", "\ta: b", "a: 1\n---\nb: 2", "x\n- y"],
)
def test_yaml_that_is_not_read_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        parse_yaml(text.encode())


def test_the_squashfs_tools_agree_on_a_snap(tmp_path: Path) -> None:
    (tmp_path / "root/meta").mkdir(parents=True)
    (tmp_path / "root/meta/snap.yaml").write_text("name: small\nversion: 1\ntype: base\n", encoding="utf-8")
    try:
        command = ["mksquashfs", tmp_path / "root", tmp_path / "small.snap", "-quiet", "-no-progress"]
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("mksquashfs is not installed")
    with open_artifact(tmp_path / "small.snap") as artifact:
        assert (artifact.format, artifact.layout.file_system_root) == ("snap", True)
        assert_whole(artifact)
