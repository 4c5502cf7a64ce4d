"""Armor and packets: keys and signatures of version 4, as they are stored."""

from __future__ import annotations

import binascii
import hashlib
import struct
from collections.abc import Iterator

from msgspec import Struct

from inspector.errors import FormatError, UnsupportedFormat

_SIGNATURE, _PRIMARY_KEY, _USER_ID, _SUBKEY = 2, 6, 13, 14  # RFC 4880 4.3
_ISSUER, _ISSUER_FINGERPRINT = 16, 33  # RFC 4880 5.2.3.1, RFC 9580 5.2.3.35
_ALGORITHMS = {1: "RSA", 3: "RSA", 17: "DSA", 19: "ECDSA", 22: "EdDSA", 27: "Ed25519"}  # RFC 9580 9.1
_HASHES = {1: "md5", 2: "sha1", 3: "ripemd160", 8: "sha256", 9: "sha384", 10: "sha512", 11: "sha224"}  # RFC 4880 9.4
_NUMBERS = {"RSA": 2, "DSA": 4}  # of a public key; RFC 4880 5.5.2
_LARGEST_NUMBER = 16_384  # bits; the greatest RSA key that GnuPG makes


class PublicKey(Struct, frozen=True):
    """A key that may have signed.

    :ivar fingerprint: 40 hexadecimal digits, capital.
    :ivar algorithm: "RSA", "DSA", "ECDSA", "EdDSA", "Ed25519", or "algorithm N".
    :ivar numbers: RSA: modulus and exponent; DSA: p, q, g, y; else nothing.
    :ivar curve: the curve's object identifier in DER without tag and length; empty where there is none.
    :ivar point: the key itself on a curve.
    :ivar user_id: the first name of the key block, or None.
    """

    fingerprint: str
    algorithm: str
    numbers: tuple[int, ...]
    curve: bytes
    point: bytes
    user_id: str | None

    @property
    def key_id(self) -> str:
        """The last 16 digits of the fingerprint, as signatures name a key."""
        return self.fingerprint[-16:]


class Signature(Struct, frozen=True):
    """A detached signature.

    :ivar hash_name: as ``hashlib`` calls it.
    :ivar hashed: the signature's own bytes that are hashed behind the data, trailer included.
    :ivar check: the first two bytes of the digest that was signed.
    :ivar numbers: RSA: one; DSA and curves: r and s.
    :ivar raw: of Ed25519 (RFC 9580) the 64 bytes, else empty.
    :ivar issuer: key id of 16 capital digits, or None where the signature names nobody.
    """

    algorithm: str
    hash_name: str
    hashed: bytes
    check: bytes
    numbers: tuple[int, ...]
    raw: bytes
    issuer: str | None


def read_signature(text: bytes) -> Signature:
    """The first signature in a text.

    :param text: ASCII armor or plain packets.
    :raises FormatError: where there is no signature, or it is damaged.
    :raises UnsupportedFormat: where its version or its algorithms are not known here.
    """
    for tag, body in _packets(_without_armor(text)):
        if tag == _SIGNATURE:
            return _signature(body)
    raise FormatError("no OpenPGP signature")


def read_keys(text: bytes) -> Iterator[PublicKey]:
    """The keys of a block, the primary one first.

    :param text: ASCII armor or plain packets.
    :raises FormatError: where there is no key, or a packet is damaged.
    """
    bodies: list[bytes] = []
    user_id: str | None = None
    for tag, body in _packets(_without_armor(text)):
        if tag in (_PRIMARY_KEY, _SUBKEY):
            bodies.append(body)
        elif tag == _USER_ID and user_id is None:
            user_id = body.decode("utf-8", "backslashreplace")
    if not bodies:
        raise FormatError("no OpenPGP key")
    for body in bodies:
        yield _key(body, user_id)


def _without_armor(text: bytes) -> bytes:
    if not text.lstrip().startswith(b"-----BEGIN PGP"):
        return text
    lines = text.lstrip().splitlines()[1:]
    while lines and lines.pop(0).strip():  # headers such as "Version: …", up to an empty line
        pass
    encoded = []
    for line in lines:
        if line.startswith((b"-----", b"=")):  # the end, or the checksum in front of it
            break
        encoded.append(line)
    try:
        return binascii.a2b_base64(b"".join(encoded))
    except binascii.Error as error:
        raise FormatError(f"the ASCII armor is damaged ({error})") from None


def _packets(content: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(content):
        first = content[position]
        if not first & 0x80:
            raise FormatError("no OpenPGP packet", position)
        tag, start, length = _header(content, position + 1, first)
        if start + length > len(content):
            raise FormatError(
                f"an OpenPGP packet of {length} bytes of which {len(content) - start} are there", position
            )
        yield tag, content[start : start + length]
        position = start + length


def _header(content: bytes, position: int, first: int) -> tuple[int, int, int]:
    """(tag, where the body starts, its length); RFC 4880 4.2."""
    try:
        if not first & 0x40:
            tag, width = first >> 2 & 15, first & 3
            if width == 3:
                return tag, position, len(content) - position
            return tag, position + (1 << width), int.from_bytes(content[position : position + (1 << width)], "big")
        tag, length = first & 63, content[position]
        if length < 192:
            return tag, position + 1, length
        if length < 224:
            return tag, position + 2, (length - 192 << 8) + content[position + 1] + 192
        if length == 255:
            return tag, position + 5, int.from_bytes(content[position + 1 : position + 5], "big")
    except IndexError:
        raise FormatError("an OpenPGP packet that ends in its header", position) from None
    raise UnsupportedFormat("an OpenPGP packet in parts", position)


def _key(body: bytes, user_id: str | None) -> PublicKey:
    if len(body) < 6 or body[0] != 4:
        raise UnsupportedFormat(f"an OpenPGP key of version {body[0] if body else '(none)'}")
    fingerprint = (
        hashlib.sha1(b"\x99" + struct.pack(">H", len(body) & 0xFFFF) + body, usedforsecurity=False).hexdigest().upper()
    )
    algorithm = _ALGORITHMS.get(body[5], f"algorithm {body[5]}")
    numbers: tuple[int, ...] = ()
    curve = point = b""
    if algorithm in _NUMBERS:
        numbers, _ = _multiprecision(body, 6, _NUMBERS[algorithm])
    elif algorithm in ("ECDSA", "EdDSA"):
        end = 7 + (body[6] if len(body) > 6 else 0)  # RFC 6637 9: an identifier behind its length
        curve = body[7:end]
        (number,), _ = _multiprecision(body, end, 1)
        point = number.to_bytes(-(-number.bit_length() // 8), "big")
    elif algorithm == "Ed25519":
        point = body[6:38]
    return PublicKey(fingerprint, algorithm, numbers, curve, point, user_id)


def _signature(body: bytes) -> Signature:
    if len(body) < 10 or body[0] != 4:
        raise UnsupportedFormat(f"an OpenPGP signature of version {body[0] if body else '(none)'}")
    if body[1] not in (0, 1):  # RFC 4880 5.2.1: of a binary document, of a text
        raise UnsupportedFormat(f"an OpenPGP signature of type {body[1]:#04x}, which is not one of a document")
    hashed_end = 6 + int.from_bytes(body[4:6], "big")
    unhashed_end = hashed_end + 2 + int.from_bytes(body[hashed_end : hashed_end + 2], "big")
    if unhashed_end + 2 > len(body):
        raise FormatError("an OpenPGP signature that is cut off")
    if body[3] not in _HASHES:
        raise UnsupportedFormat(f"an OpenPGP signature with hash algorithm {body[3]}")
    algorithm = _ALGORITHMS.get(body[2], f"algorithm {body[2]}")
    numbers: tuple[int, ...] = ()
    raw = b""
    if algorithm == "Ed25519":
        raw = body[unhashed_end + 2 : unhashed_end + 66]
    elif not algorithm.startswith("algorithm"):
        numbers, _ = _multiprecision(body, unhashed_end + 2, 1 if algorithm == "RSA" else 2)
    return Signature(
        algorithm=algorithm,
        hash_name=_HASHES[body[3]],
        hashed=body[:hashed_end] + b"\x04\xff" + struct.pack(">I", hashed_end),  # RFC 4880 5.2.4
        check=body[unhashed_end : unhashed_end + 2],
        numbers=numbers,
        raw=raw,
        issuer=_issuer(body[6:hashed_end]) or _issuer(body[hashed_end + 2 : unhashed_end]),
    )


def _issuer(subpackets: bytes) -> str | None:
    position = 0
    while position < len(subpackets):
        length = subpackets[position]
        position += 1
        if length == 255:
            length = int.from_bytes(subpackets[position : position + 4], "big")
            position += 4
        elif length >= 192:
            length = (length - 192 << 8) + int.from_bytes(subpackets[position : position + 1], "big") + 192
            position += 1
        content = subpackets[position : position + length]
        position += max(length, 1)
        kind = content[0] & 0x7F if content else 0  # the highest bit says "critical"
        if kind == _ISSUER and len(content) == 9:
            return content[1:].hex().upper()
        if kind == _ISSUER_FINGERPRINT and len(content) == 22 and content[1] == 4:
            return content[-8:].hex().upper()
    return None


def _multiprecision(content: bytes, position: int, count: int) -> tuple[tuple[int, ...], int]:
    """``count`` numbers behind their lengths in bits (RFC 4880 3.2), and where they end."""
    numbers = []
    for _ in range(count):
        bits = int.from_bytes(content[position : position + 2], "big")
        length = -(-bits // 8)
        if bits > _LARGEST_NUMBER or position + 2 + length > len(content):
            raise FormatError(f"an OpenPGP number of {bits} bits", position)
        numbers.append(int.from_bytes(content[position + 2 : position + 2 + length], "big"))
        position += 2 + length
    return tuple(numbers), position
