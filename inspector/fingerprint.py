"""What stays the same when an artifact is built again: names without vendored hashes and versions, and fingerprints of findings made of them."""

from __future__ import annotations

from hashlib import blake2b

from inspector.patterns import lazy_pattern

# What auditwheel, delocate and delvewheel put into vendored names; a version may follow: libopenblas64_p-r0-742d56dc.3.20.so.
_VENDORED_HASH = lazy_pattern(r"(?:-[0-9a-f]{8,32})+(?=\.|/|$)")
_VERSION = lazy_pattern(r"\d+(?:\.\d+)+|(?<=\.so)(?:\.\d+)+|(?<=cpython-)\d+")


def fingerprint(rule: str, subject: str, key: str) -> str:
    """Sixteen hex digits that stay the same when hashes and versions in vendored names change."""
    parts = (rule, normalise(subject), normalise(key))
    return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def normalise(name: str) -> str:
    """A path or name without vendored hashes, and with its versions replaced by ``*``."""
    return _VERSION.sub("*", _VENDORED_HASH.sub("", name))
