"""Names out of a container, as text that is safe to carry in a tree.

A container's directory may hold any bytes as a name, ``..`` and ``a/b`` among them.  Such a name stays visible, but spelled so that no
path of the tree can leave it: the characters that mean something to a path are written ``\\xNN``, like bytes that are not UTF-8.
"""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=4096)  # "__init__.py" and "usr" come by the thousand
def text_of(name: bytes) -> str:
    """A name or a link's target as text; bytes that are not UTF-8 are written ``\\xNN``."""
    return name.decode("utf-8", "backslashreplace")


def safe_name(name: bytes) -> tuple[str, str | None]:
    """A name as a part of a tree path, and why it had to be respelled, or None where it had not.

    >>> safe_name(b"lib")
    ('lib', None)
    >>> safe_name(b"..")
    ('\\\\x2e\\\\x2e', 'the name ".." would leave its directory')
    """
    if not name:
        return "\\x", "the name is empty"
    if name in (b".", b".."):
        return "\\x2e" * len(name), f'the name "{name.decode()}" would leave its directory'
    if b"/" in name or b"\0" in name:
        spelled = text_of(name).replace("/", "\\x2f").replace("\0", "\\x00")
        return spelled, "the name has a slash or a zero byte in it"
    return text_of(name), None
