"""Signatures for AppImages, made by GnuPG as appimagetool makes them: detached, armored, over the text of the file's SHA-256."""

from __future__ import annotations

import subprocess
from typing import BinaryIO

from inspector.artifact.appimage.runtime import SIGNATURE, SIGNATURE_KEY
from inspector.artifact.appimage.signature import read_signature_info
from inspector.errors import FormatError, UsageError
from inspector.slim.rebuilding.appimage_sections import Runtime, signed_text, write_section
from inspector.source import Source

_MOST_SAID = 300  # characters of what gpg says in a message


def check_signing(key: str, runtime: Runtime) -> None:
    """Whether a signature can be made, asked before any work.

    :raises UsageError: where gpg is not installed or has no such secret key, or the runtime has no place for a signature.
    """
    if runtime.place(SIGNATURE) is None:
        raise UsageError(
            f"--sign {key}: the runtime of {runtime.path} has no place for a signature", "take another runtime"
        )
    _gpg(key, ["--batch", "--list-secret-keys", "--", key], b"")


def sign(stream: BinaryIO, source: Source, runtime: Runtime, key: str) -> tuple[str, ...]:
    """Sign a finished AppImage whose signature and key are zeros; notices.

    :param source: the file that ``stream`` writes to.
    :raises UsageError: where gpg does not sign, or the signature has no room.
    """
    # --textmode, as the program that defined the format signs a text
    signature = _gpg(key, ["--local-user", key, "--armor", "--textmode", "--detach-sign"], signed_text(source))
    notices: list[str] = []
    public = _gpg(key, ["--batch", "--armor", "--export-options", "export-minimal", "--export", "--", key], b"")
    try:
        write_section(stream, runtime, SIGNATURE, signature)
    except FormatError as error:
        raise UsageError(f"--sign {key}: {error}", "sign with a key on an elliptic curve, or a shorter one") from error
    try:
        write_section(stream, runtime, SIGNATURE_KEY, public)
    except FormatError as error:
        notices.append(f"the public key is not in the file, so nobody can check the signature without it: {error}")
    found = read_signature_info(runtime.elf, source)
    if found.status == "bad":
        raise UsageError(f"--sign {key}: the signature does not hold: {found.reason}", "this is a defect: report it")
    if found.status != "good" and not notices:
        notices.append(f"the new signature was not verified: {found.reason}")
    notices.append(f"the output is signed by {found.key or key}")
    return tuple(notices)


def _gpg(key: str, arguments: list[str], content: bytes) -> bytes:
    try:
        done = subprocess.run(  # noqa: S603 - arguments without a shell
            ["gpg", "--yes", "--output", "-", *arguments],  # noqa: S607 - the user's own GnuPG, wherever it is
            input=content,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise UsageError(f"--sign {key}: gpg cannot be started: {error.strerror}", "install GnuPG") from error
    said = " ".join(done.stderr.decode("utf-8", "backslashreplace").split())[-_MOST_SAID:]
    if done.returncode or not done.stdout:
        raise UsageError(
            f"--sign {key}: gpg gives up: {said or f'status {done.returncode}'}",
            "see which keys there are with: gpg --list-secret-keys",
        )
    return done.stdout
