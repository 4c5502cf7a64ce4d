"""OpenPGP signatures, with keys and signatures that gpg makes: what gpg calls good is good here, and everything else is not."""

from __future__ import annotations

import builtins
import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.artifact import open_artifact
from inspector.artifact.appimage.signature import digest_without_signature
from inspector.errors import FormatError, UnsupportedFormat
from inspector.formats.elf import read_elf
from inspector.formats.openpgp import read_keys, read_signature, verify
from inspector.result import SignatureInfo
from inspector.source import BytesSource
from tests.appimage_builder import runtime
from tests.formats.test_artifact_bad_input import IMAGE
from tests.squashfs_images import need

ALGORITHMS = {"rsa": "rsa2048", "dsa": "dsa2048", "ed25519": "ed25519", "nistp256": "nistp256", "nistp384": "nistp384"}


class Gpg:
    """GnuPG with a home directory of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(self, *arguments: str, given: bytes = b"") -> bytes:
        command = [
            "gpg",
            "--homedir",
            str(self.home),
            "--batch",
            "--quiet",
            "--pinentry-mode",
            "loopback",
            "--passphrase",
            "",
            *arguments,
        ]
        return subprocess.run(command, input=given, check=True, capture_output=True).stdout

    def sign(self, name: str, data: bytes, *options: str) -> bytes:
        return self("--local-user", f"{name}@example.org", *options, "--armor", "--detach-sign", given=data)

    def key(self, name: str) -> bytes:
        return self("--armor", "--export", f"{name}@example.org")


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    need("gpg")
    home = Path(tempfile.mkdtemp(prefix="gpg"))  # short: the agent's socket lies in it
    program = Gpg(home)
    try:
        for name, algorithm in ALGORITHMS.items():
            program("--quick-gen-key", f"{name}@example.org", algorithm, "sign", "never")
        yield program
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], check=False, capture_output=True)
        shutil.rmtree(home, ignore_errors=True)  # the agent removes its sockets as it ends


def is_good(signature_text: bytes, key_text: bytes, data: bytes) -> bool:
    signature = read_signature(signature_text)
    (key,) = [key for key in read_keys(key_text) if key.key_id == signature.issuer]
    return verify(signature, key, data)


@pytest.mark.peer
@pytest.mark.parametrize("name", ALGORITHMS)
def test_algorithms(name: str, gpg: Gpg) -> None:
    if name not in ("rsa", "dsa"):
        pytest.importorskip("cryptography", reason="curves need the package cryptography")
    data = b"0123456789abcdef" * 4
    text, key = gpg.sign(name, data), gpg.key(name)
    assert is_good(text, key, data)
    assert not is_good(text, key, data + b"\n")
    assert not is_good(text, key, b"1" + data[1:])
    binary = gpg("--dearmor", given=text)
    assert is_good(binary, gpg("--dearmor", given=key), data)


@pytest.mark.peer
@pytest.mark.parametrize("digest", ["SHA1", "SHA224", "SHA256", "SHA384", "SHA512"])
def test_hashes(digest: str, gpg: Gpg) -> None:
    data = b"data"
    text = gpg.sign("rsa", data, "--digest-algo", digest, "--allow-weak-digest-algos")
    assert read_signature(text).hash_name == digest.lower()
    assert is_good(text, gpg.key("rsa"), data)


@pytest.mark.peer
def test_every_changed_byte_of_a_signature_is_noticed_or_refused(gpg: Gpg) -> None:
    """A change may go unnoticed in the unhashed part, which nobody signs, and in the number's length in bits where its bytes stay the same."""
    data = b"data"
    binary = gpg("--dearmor", given=gpg.sign("rsa", data))
    key = gpg.key("rsa")
    body = 3 if binary[0] & 3 == 1 else 2
    hashed_end = body + 6 + int.from_bytes(binary[body + 4 : body + 6], "big")
    unhashed_end = hashed_end + 2 + int.from_bytes(binary[hashed_end : hashed_end + 2], "big")
    (own_key,) = read_keys(key)
    check, number = range(unhashed_end, unhashed_end + 2), range(unhashed_end + 4, len(binary))
    for position in (*range(hashed_end), *check, *number):
        changed = bytearray(binary)
        changed[position] ^= 1
        try:
            signature = read_signature(bytes(changed))
        except FormatError:
            continue
        try:
            assert not verify(signature, own_key, data), position
        except UnsupportedFormat:
            continue


@pytest.mark.peer
def test_a_curve_without_its_package_says_what_to_install(gpg: Gpg, monkeypatch: pytest.MonkeyPatch) -> None:
    text, key = gpg.sign("ed25519", b"data"), gpg.key("ed25519")
    original = builtins.__import__

    def without(name: str, *rest: object) -> object:
        if name.startswith("cryptography"):
            raise ImportError(name)
        return original(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(
        UnsupportedFormat, match=r"Ed25519 needs the package cryptography \(pip install 'bundle-inspect\[signature\]'\)"
    ):
        is_good(text, key, b"data")


def signed_appimage(gpg: Gpg, path: Path, signer: str, key: bytes) -> SignatureInfo:
    """As appimagetool does it: hash with both sections blank, sign the digits, then fill the sections."""
    blank = runtime() + IMAGE
    digest = digest_without_signature(read_elf(BytesSource(blank)), BytesSource(blank))
    sections = {
        ".upd_info": bytes(1024),
        ".sha256_sig": gpg.sign(signer, digest.encode()).ljust(1024, b"\0"),
        ".sig_key": key.ljust(8192, b"\0"),
    }
    path.write_bytes(runtime(sections) + IMAGE)
    with open_artifact(path) as artifact:
        assert artifact.envelope is not None
        return artifact.envelope.signature


@pytest.mark.peer
def test_appimages(gpg: Gpg, tmp_path: Path) -> None:
    path = tmp_path / "App"
    good = signed_appimage(gpg, path, "rsa", gpg.key("rsa"))
    assert good.status == "good"
    assert good.key is not None
    assert good.key.endswith(" rsa@example.org")
    assert good.reason == "the key comes from the file itself, so this shows that the file is whole, not who made it"
    changed = bytearray(path.read_bytes())
    changed[-len(IMAGE) + 8] ^= 1  # the image's time stamp: nothing else depends on it
    path.write_bytes(changed)
    with open_artifact(path) as artifact:
        assert artifact.envelope is not None
        assert artifact.envelope.signature.status == "bad"
    foreign = signed_appimage(gpg, path, "rsa", gpg.key("dsa"))
    assert (foreign.status, foreign.reason) == ("unverifiable", "the public key in the file is not the one that signed")
    without = signed_appimage(gpg, path, "rsa", b"")
    assert (without.status, without.reason) == ("unverifiable", "the file carries no public key")
    broken = signed_appimage(gpg, path, "rsa", gpg.key("rsa")[:200])
    assert broken.status == "unverifiable"
    assert broken.reason is not None
    assert broken.reason.startswith("the public key in the file cannot be read: ")


@given(content=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for read in (read_signature, lambda text: list(read_keys(text))):
        for text in (
            content,
            b"\x88" + bytes([len(content) & 0xFF]) + content,
            b"-----BEGIN PGP SIGNATURE-----\n\n" + content,
        ):
            with contextlib.suppress(FormatError):
                read(text)
