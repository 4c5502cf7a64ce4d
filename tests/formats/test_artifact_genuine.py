"""Genuine AppImages: every fact that was measured on them with other programs, and every byte that other programs extract."""

from __future__ import annotations

import hashlib
import random
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

import corpus
from inspector.artifact import Artifact, Kind, open_artifact
from inspector.errors import FormatError, NothingInspected
from inspector.result import EnvelopeInfo
from tests.squashfs_images import need

pytestmark = pytest.mark.corpus

APPIMAGETOOL = "libappimage/appimagetool-x86_64.AppImage"
TYPE_1 = (
    "libappimage/AppImageExtract_6-x86_64.AppImage",
    "libappimage/AppImageExtract_6_no_magic_bytes-x86_64.AppImage",
)

# name: (architecture, payload offset, compressor, block size, runtime kind, runtime version, .digest_md5 is filled); offsets by readelf, the rest by
# unsquashfs -s, readelf -p and strings
TYPE_2 = {
    "libappimage/Echo-x86_64.AppImage": ("x86_64", 187784, "gzip", 131072, "appimagekit", "225057b", True),
    "libappimage/Echo-no-integrate-x86_64.AppImage": ("x86_64", 188392, "gzip", 131072, "appimagekit", "ee71440", True),
    "libappimage/Echo-test1234-x86_64.AppImage": ("x86_64", 155552, "gzip", 131072, "appimagekit", "166a900", False),
    "libappimage/appimaged-i686.AppImage": (
        "i686",
        91148,
        "gzip",
        131072,
        "appimagekit",
        "continuous-1-g6f3138f",
        False,
    ),
    APPIMAGETOOL: ("x86_64", 155552, "gzip", 131072, "appimagekit", "166a900", False),
    "libappimage/broken-desktop-file-x86_64.AppImage": (
        "x86_64",
        187784,
        "gzip",
        131072,
        "appimagekit",
        "225057b",
        True,
    ),
    "shared/Hello_World-x86_64.gzip.AppImage": ("x86_64", 193728, "gzip", 131072, "appimagekit", "5735cc5", True),
    "shared/Hello_World-x86_64.xz.AppImage": ("x86_64", 193728, "xz", 16384, "appimagekit", "5735cc5", True),
    "shared/Hello_World-x86_64.zstd.AppImage": ("x86_64", 696720, "zstd", 131072, "type2-runtime", None, True),
    "shared/hello-static-runtime-x86_64.AppImage": ("x86_64", 944632, "zstd", 131072, "type2-runtime", "caf24f9", True),
}
UPDATE_INFORMATION = {
    APPIMAGETOOL: "gh-releases-zsync|AppImage|AppImageKit|continuous|appimagetool-x86_64.AppImage.zsync",
    "libappimage/appimaged-i686.AppImage": "gh-releases-zsync|AppImage|AppImageKit|continuous|appimaged-x86_64.AppImage.zsync",
}
SIGNATURES = {APPIMAGETOOL: "good", "libappimage/appimaged-i686.AppImage": "unverifiable"}


def artifact_path(name: str) -> Path:
    try:
        return corpus.artifact(name)
    except corpus.Unavailable as reason:
        pytest.skip(f"corpus artifact {name}: {reason}")


def envelope_of(artifact: Artifact) -> EnvelopeInfo:
    assert artifact.envelope is not None
    return artifact.envelope


@pytest.mark.parametrize("name", TYPE_2)
def test_type_2_facts(name: str) -> None:
    arch, offset, compression, block_size, kind, version, has_digest = TYPE_2[name]
    with open_artifact(artifact_path(name)) as artifact:
        envelope = envelope_of(artifact)
        assert (artifact.format, artifact.arch, artifact.layout.launcher) == ("appimage-2", arch, "AppRun")
        assert (envelope.offset, envelope.compression, envelope.block_size) == (offset, compression, block_size)
        assert envelope.magic_bytes is True
        assert envelope.trailing_bytes == 0
        assert envelope.update_information == UPDATE_INFORMATION.get(name)
        assert envelope.signature.status == SIGNATURES.get(name, "absent")
        assert (envelope.digest_md5 is not None) == has_digest
        runtime = envelope.runtime
        assert runtime is not None
        assert (runtime.kind, runtime.version) == (kind, version)
        if kind == "appimagekit":
            assert runtime.linkage == "dynamic"
            assert runtime.compressors == ("gzip", "xz")
            assert {"libfuse.so.2", "libz.so.1", "libc.so.6"} <= set(runtime.needs)
        else:
            assert runtime.linkage == "static"
            assert runtime.compressors == ("gzip", "zstd")
            assert runtime.needs == ("fusermount",)
        assert artifact.problems == []
        assert sum(artifact.byte_map.values()) == artifact.size
        assert artifact.byte_map["headers"] == offset
        assert artifact.byte_map["unexplained"] == artifact.byte_map["appended"] == 0


def test_digest_is_given_as_it_is_stored() -> None:
    """Both Hello_World files carry the same digest over different payloads: the field proves nothing, and is shown all the same."""
    digests = []
    for name in ("shared/Hello_World-x86_64.gzip.AppImage", "shared/Hello_World-x86_64.xz.AppImage"):
        with open_artifact(artifact_path(name)) as artifact:
            digests.append(envelope_of(artifact).digest_md5)
    assert digests == ["39c577c5ed3f82c321c1e92048b264e8"] * 2


@pytest.mark.parametrize("name", TYPE_1)
def test_type_1_facts(name: str) -> None:
    with open_artifact(artifact_path(name)) as artifact:
        envelope = envelope_of(artifact)
        assert (artifact.format, artifact.arch, artifact.layout.launcher) == ("appimage-1", "x86_64", "AppRun")
        assert envelope.magic_bytes is (name == TYPE_1[0])
        assert (envelope.offset, envelope.compression, envelope.payload_size) == (0, "zisofs", 319 * 2048)
        assert envelope.update_information is None
        assert envelope.runtime is not None
        assert envelope.runtime.kind == "appimagekit-type1"
        assert "libfuse.so.2" in envelope.runtime.needs
        assert artifact.problems == []
        assert sum(artifact.byte_map.values()) == artifact.size
        files = list(artifact.tree.files())
        assert len(files) == 9
        assert sum(node.stored_size < node.size for node in files) == 5  # zisofs
        icon, png = artifact.tree.get(".DirIcon"), artifact.tree.get("AppImageExtract.png")
        assert icon is not None
        assert png is not None
        assert icon.inode == png.inode
        assert icon.content_key == png.content_key is not None


def tree_digest(artifact: Artifact) -> dict[str, tuple[str, str]]:
    found = {}
    for node in artifact.tree.files_in_read_order():
        found[node.path] = ("file", hashlib.sha256(node.read()).hexdigest())
    for node in artifact.tree:
        if node.kind is Kind.SYMLINK:
            found[node.path] = ("symlink", str(node.target))
        elif node.kind is not Kind.FILE and node.path:
            found[node.path] = (node.kind.value, "")
    return found


def directory_digest(root: Path) -> dict[str, tuple[str, str]]:
    found = {}
    for path in root.rglob("*"):
        mode = path.lstat().st_mode
        name = path.relative_to(root).as_posix()
        if stat.S_ISLNK(mode):
            found[name] = ("symlink", str(path.readlink()))
        elif stat.S_ISREG(mode):
            found[name] = ("file", hashlib.sha256(path.read_bytes()).hexdigest())
        else:
            found[name] = ("directory", "")
    return found


@pytest.mark.peer
@pytest.mark.parametrize("name", TYPE_2)
def test_type_2_tree_equals_unsquashfs(name: str, tmp_path: Path) -> None:
    need("unsquashfs")
    path = artifact_path(name)
    with open_artifact(path) as artifact:
        offset = str(envelope_of(artifact).offset)
        command = ["unsquashfs", "-quiet", "-no-progress", "-offset", offset, "-d", str(tmp_path / "tree"), str(path)]
        subprocess.run(command, check=True, capture_output=True)
        assert tree_digest(artifact) == directory_digest(tmp_path / "tree")


@pytest.mark.peer
@pytest.mark.parametrize("name", TYPE_1)
def test_type_1_tree_equals_bsdtar(name: str, tmp_path: Path) -> None:
    need("bsdtar")
    path = artifact_path(name)
    (tmp_path / "tree").mkdir()
    subprocess.run(["bsdtar", "-C", str(tmp_path / "tree"), "-xf", str(path)], check=True, capture_output=True)
    with open_artifact(path) as artifact:
        assert tree_digest(artifact) == directory_digest(tmp_path / "tree")


@pytest.mark.peer
@pytest.mark.parametrize("name", TYPE_1)
def test_type_1_tree_equals_xorriso(name: str, tmp_path: Path) -> None:
    need("xorriso")
    command = ["xorriso", "-osirrox", "on", "-indev", str(artifact_path(name)), "-extract", "/", str(tmp_path / "tree")]
    subprocess.run(command, check=True, capture_output=True)
    with open_artifact(artifact_path(name)) as artifact:
        assert tree_digest(artifact) == directory_digest(tmp_path / "tree")


@pytest.mark.peer
def test_payload_offset_equals_libappimage() -> None:
    """The oracle of the official rule: the library's own functions, where Debian's libappimage is installed."""
    import ctypes
    import ctypes.util

    name = ctypes.util.find_library("appimage")
    if name is None:
        pytest.skip("libappimage is not installed")
    library = ctypes.CDLL(name)
    library.appimage_get_payload_offset.restype = ctypes.c_long
    for path in map(artifact_path, TYPE_2):
        with open_artifact(path) as artifact:
            assert library.appimage_get_payload_offset(str(path).encode()) == envelope_of(artifact).offset
            assert library.appimage_get_type(str(path).encode(), False) == 2


def test_a_flipped_byte_makes_the_signature_bad(tmp_path: Path) -> None:
    original = artifact_path(APPIMAGETOOL).read_bytes()
    with open_artifact(artifact_path(APPIMAGETOOL)) as artifact:
        good = envelope_of(artifact).signature
    assert good.key == "8D69575148A524659002855E65B43840101B2DC4 appimage.org <probonopd@users.noreply.github.com>"
    assert good.reason is not None
    assert "not who made it" in good.reason
    assert "SHA1" in good.reason
    copy = tmp_path / "copy.AppImage"
    for offset in (
        len(original) - 1,
        20_000,
        143_100,
    ):  # in the padding, in the runtime's code, in the update information
        changed = bytearray(original)
        changed[offset] ^= 1
        copy.write_bytes(changed)
        with open_artifact(copy) as artifact:
            signature = envelope_of(artifact).signature
            assert signature.status == "bad"
            assert (
                signature.reason
                == "the signature does not belong to these bytes: the file was changed after it was signed"
            )


def test_a_signature_that_is_damaged_or_text_is_unverifiable(tmp_path: Path) -> None:
    original = artifact_path(APPIMAGETOOL).read_bytes()
    section = 144056  # .sha256_sig, by readelf -S
    assert original[section : section + 27] == b"-----BEGIN PGP SIGNATURE---"
    copy = tmp_path / "copy.AppImage"
    for text, reason in (
        (
            b"0123456789abcdef" * 4,
            "section .sha256_sig does not hold an OpenPGP signature: no OpenPGP packet (at byte 0)",
        ),
        (
            b"-----BEGIN PGP SIGNATURE-----\n\n!!!\n-----END",
            "section .sha256_sig does not hold an OpenPGP signature: no OpenPGP signature",
        ),
    ):
        copy.write_bytes(original[:section] + text.ljust(1024, b"\0") + original[section + 1024 :])
        with open_artifact(copy) as artifact:
            assert envelope_of(artifact).signature.status == "unverifiable"
            assert envelope_of(artifact).signature.reason == reason


@pytest.mark.peer
def test_strip_on_the_finished_file_is_said_so(tmp_path: Path) -> None:
    need("strip")
    for name in ("libappimage/Echo-x86_64.AppImage", "shared/hello-static-runtime-x86_64.AppImage"):
        copy = tmp_path / "stripped.AppImage"
        shutil.copy(artifact_path(name), copy)
        subprocess.run(["strip", str(copy)], check=True, capture_output=True)
        with pytest.raises(NothingInspected, match="has no payload: the file ends where its runtime ends"):
            open_artifact(copy)


def test_truncated_heads_of_shared_mime_info() -> None:
    for name in corpus.names("shared-mime-info/"):
        with pytest.raises(NothingInspected, match=r"of a type [12] AppImage, but .* ends at byte 200"):
            open_artifact(artifact_path(name))


def test_negatives_of_libappimage() -> None:
    with pytest.raises(NothingInspected, match="is an ISO 9660 image without an AppImage runtime"):
        open_artifact(artifact_path("libappimage/minimal.iso"))
    with open_artifact(artifact_path("libappimage/elffile")) as artifact:
        assert (artifact.format, artifact.arch, artifact.envelope, len(artifact.tree)) == ("elf", "x86_64", None, 1)


@pytest.mark.parametrize("name", [TYPE_1[0], "libappimage/Echo-x86_64.AppImage"])
def test_corrupted_copies(name: str, tmp_path: Path) -> None:
    original = artifact_path(name).read_bytes()
    generator = random.Random(name)
    copy = tmp_path / "corrupted.AppImage"
    # Type 1: descriptors, directories and the compressed files' headers; type 2: the headers and the whole image
    places = (
        [*range(32768, 36000), *range(100_000, 131_072), *range(139_264, 139_400)]
        if name in TYPE_1
        else [*range(64), *range(187_784, len(original))]
    )
    outcomes = {"opened": 0, "problems": 0, "refused": 0}
    for _ in range(150):
        mutant = bytearray(original)
        for _ in range(generator.choice((1, 5, 40))):
            mutant[generator.choice(places)] = generator.randrange(256)
        copy.write_bytes(mutant)
        try:
            artifact = open_artifact(copy)
        except NothingInspected:
            outcomes["refused"] += 1
            continue
        with artifact:
            outcomes["opened"] += 1
            problems = len(artifact.problems)
            for node in artifact.tree.files_in_read_order():
                try:
                    node.read_at(0, node.size)
                except FormatError:
                    problems += 1
            outcomes["problems"] += bool(problems)
            assert sum(artifact.byte_map.values()) == artifact.size
    assert all(outcomes.values()), outcomes
