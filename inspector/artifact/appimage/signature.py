"""The OpenPGP signature inside a type 2 AppImage.

Signed are the 64 small hexadecimal digits of the SHA-256 of the whole file, taken while ``.sha256_sig`` and ``.sig_key`` are still zeros
(appimagetool, src/appimagetool.c).  The key lies in the same file: a good signature shows that the file is whole, and never who made it.
"""

from __future__ import annotations

import hashlib

from inspector.artifact.appimage.runtime import SIGNATURE, SIGNATURE_KEY, section_text
from inspector.errors import FormatError, UnsupportedFormat
from inspector.formats.elf import ElfFile
from inspector.result import SignatureInfo
from inspector.source import Source

_CHUNK = 1 << 20
_WEAK_HASHES = ("md5", "sha1", "ripemd160")
OWN_KEY = "the key comes from the file itself, so this shows that the file is whole, not who made it"


def read_signature_info(elf: ElfFile, source: Source) -> SignatureInfo:
    """What can be said of the embedded signature; reads the whole file only if there is a signature and its key."""
    text = section_text(elf, source, SIGNATURE)
    if not text:
        return SignatureInfo()
    from inspector.formats.openpgp import read_signature

    try:
        signature = read_signature(text)
    except UnsupportedFormat as error:
        return SignatureInfo(status="unverifiable", reason=f"it is {error}")
    except FormatError as error:
        return SignatureInfo(
            status="unverifiable", reason=f"section {SIGNATURE} does not hold an OpenPGP signature: {error}"
        )
    key_text = section_text(elf, source, SIGNATURE_KEY)
    if not key_text:
        return SignatureInfo(status="unverifiable", key=signature.issuer, reason="the file carries no public key")
    return _verify(elf, source, text, key_text)


def _verify(elf: ElfFile, source: Source, text: bytes, key_text: bytes) -> SignatureInfo:
    from inspector.formats.openpgp import read_keys, read_signature, verify

    signature = read_signature(text)
    try:
        keys = [key for key in read_keys(key_text) if signature.issuer in (None, key.key_id)]
    except FormatError as error:
        return SignatureInfo(
            status="unverifiable", key=signature.issuer, reason=f"the public key in the file cannot be read: {error}"
        )
    if not keys:
        return SignatureInfo(
            status="unverifiable", key=signature.issuer, reason="the public key in the file is not the one that signed"
        )
    digest = digest_without_signature(elf, source).encode()
    reason = "the signature does not belong to these bytes: the file was changed after it was signed"
    for key in keys:
        shown = key.fingerprint if key.user_id is None else f"{key.fingerprint} {key.user_id}"
        try:
            if verify(signature, key, digest):
                weak = signature.hash_name in _WEAK_HASHES
                note = f"; it was made with {signature.hash_name.upper()}, which can be forged" if weak else ""
                return SignatureInfo(status="good", key=shown, reason=OWN_KEY + note)
        except UnsupportedFormat as error:
            return SignatureInfo(status="unverifiable", key=shown, reason=str(error))
    return SignatureInfo(status="bad", key=shown, reason=reason)


def digest_without_signature(elf: ElfFile, source: Source) -> str:
    """SHA-256 of the file with ``.sha256_sig`` and ``.sig_key`` read as zeros, 64 small hexadecimal digits."""
    blanks = []
    for name in (SIGNATURE, SIGNATURE_KEY):
        section = elf.section(name)
        if section is not None and section.occupies_file:
            blanks.append((section.offset, min(section.offset + section.size, source.size)))
    digest = hashlib.sha256()
    position = 0
    for start, end in sorted(blanks):
        _hash(digest, source, position, start)
        start = max(start, position)
        for offset in range(start, end, _CHUNK):
            digest.update(bytes(min(_CHUNK, end - offset)))
        position = max(position, end)
    _hash(digest, source, position, source.size)
    return digest.hexdigest()


def _hash(digest: hashlib._Hash, source: Source, start: int, end: int) -> None:
    while start < end:
        chunk = source.read_at(start, min(_CHUNK, end - start))
        if not chunk:  # the file became shorter meanwhile
            return
        digest.update(chunk)
        start += len(chunk)
