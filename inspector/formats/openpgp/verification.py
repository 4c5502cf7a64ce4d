"""Checks a signature against a key and the data; public operations only, so that nothing here needs to hide its timing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from inspector.errors import UnsupportedFormat
from inspector.formats.openpgp.packets import PublicKey, Signature

# RFC 8017 9.2, note 1: what stands in front of the digest in an RSASSA-PKCS1-v1_5 signature
_DIGEST_INFO = {
    "md5": "3020300c06082a864886f70d020505000410",
    "sha1": "3021300906052b0e03021a05000414",
    "ripemd160": "3021300906052b2403020105000414",
    "sha224": "302d300d06096086480165030402040500041c",
    "sha256": "3031300d060960864801650304020105000420",
    "sha384": "3041300d060960864801650304020205000430",
    "sha512": "3051300d060960864801650304020305000440",
}
_ED25519 = bytes.fromhex("2b06010401da470f01")  # 1.3.6.1.4.1.11591.15.1, RFC 9580 9.2
_ECDSA_CURVES = {  # RFC 9580 9.2
    bytes.fromhex("2a8648ce3d030107"): "SECP256R1",
    bytes.fromhex("2b81040022"): "SECP384R1",
    bytes.fromhex("2b81040023"): "SECP521R1",
}
_LONGEST_EXPONENT = 64  # bits; real ones are 65537, and a long one costs seconds


def verify(signature: Signature, key: PublicKey, data: bytes) -> bool:
    """Whether ``key`` made ``signature`` over ``data``.

    :raises UnsupportedFormat: where the algorithm, the curve or the hash cannot be computed here.
    """
    if key.algorithm != signature.algorithm:
        return False
    check = _CHECKS.get(key.algorithm)
    if check is None:
        raise UnsupportedFormat(f"an OpenPGP key of {key.algorithm}")
    try:
        digest = hashlib.new(signature.hash_name, data + signature.hashed, usedforsecurity=False).digest()
    except ValueError:  # a Python built without it
        raise UnsupportedFormat(f"the hash {signature.hash_name} is not available here") from None
    return digest[:2] == signature.check and check(signature, key, digest)


def _rsa(signature: Signature, key: PublicKey, digest: bytes) -> bool:
    modulus, exponent = key.numbers
    (number,) = signature.numbers
    if exponent.bit_length() > _LONGEST_EXPONENT or modulus.bit_length() < 512:
        raise UnsupportedFormat(
            f"an RSA key of {modulus.bit_length()} bits with an exponent of {exponent.bit_length()}"
        )
    length = -(-modulus.bit_length() // 8)
    wanted = bytes.fromhex(_DIGEST_INFO[signature.hash_name]) + digest
    padded = b"\0\1" + b"\xff" * (length - len(wanted) - 3) + b"\0" + wanted
    return number < modulus and pow(number, exponent, modulus).to_bytes(length, "big") == padded


def _dsa(signature: Signature, key: PublicKey, digest: bytes) -> bool:
    p, q, g, y = key.numbers  # the names of FIPS 186-4, 4.7
    r, s = signature.numbers
    if not (0 < r < q and 0 < s < q) or p.bit_length() > 4096 or q.bit_length() > 512:
        return False
    z = int.from_bytes(digest[: q.bit_length() // 8], "big")
    try:
        w = pow(s, -1, q)
    except ValueError:  # q is no prime
        return False
    return pow(g, z * w % q, p) * pow(y, r * w % q, p) % p % q == r


def _eddsa(signature: Signature, key: PublicKey, digest: bytes) -> bool:
    if key.curve != _ED25519 or len(key.point) != 33 or any(number.bit_length() > 256 for number in signature.numbers):
        raise UnsupportedFormat("an EdDSA key on another curve than Ed25519")
    r, s = signature.numbers
    return _ed25519_verify(key.point[1:], r.to_bytes(32, "big") + s.to_bytes(32, "big"), digest)


def _ed25519(signature: Signature, key: PublicKey, digest: bytes) -> bool:
    return _ed25519_verify(key.point, signature.raw, digest)


def _ed25519_verify(point: bytes, signature: bytes, digest: bytes) -> bool:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        raise _missing("Ed25519") from None
    try:
        Ed25519PublicKey.from_public_bytes(point).verify(signature, digest)
    except (InvalidSignature, ValueError):
        return False
    return True


def _ecdsa(signature: Signature, key: PublicKey, digest: bytes) -> bool:
    name = _ECDSA_CURVES.get(key.curve)
    if name is None:
        raise UnsupportedFormat("an ECDSA key on a curve that is not one of NIST's")
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, utils
    except ImportError:
        raise _missing("ECDSA") from None
    algorithm = getattr(hashes, signature.hash_name.upper(), None)
    if algorithm is None:
        raise UnsupportedFormat(f"ECDSA with {signature.hash_name}")
    try:
        public = ec.EllipticCurvePublicKey.from_encoded_point(getattr(ec, name)(), key.point)
        public.verify(utils.encode_dss_signature(*signature.numbers), digest, ec.ECDSA(utils.Prehashed(algorithm())))
    except (InvalidSignature, ValueError):
        return False
    return True


def _missing(algorithm: str) -> UnsupportedFormat:
    return UnsupportedFormat(f"{algorithm} needs the package cryptography (pip install 'bundle-inspect[signature]')")


_CHECKS: dict[str, Callable[[Signature, PublicKey, bytes], bool]] = {
    "RSA": _rsa,
    "DSA": _dsa,
    "ECDSA": _ecdsa,
    "EdDSA": _eddsa,
    "Ed25519": _ed25519,
}
