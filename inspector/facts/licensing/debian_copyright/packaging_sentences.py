"""What a copyright file that is written freely says of Debian's own packaging, which has often another licence than what is packaged."""

from __future__ import annotations

import re

from inspector.patterns import lazy_pattern

_PACKAGING = lazy_pattern(
    r"\bpackaging\b|\bdebian/?'? (?:sub)?director|\bdebian/\*|(?:in|under|below|for) (?:the )?['`]?debian/",
    re.IGNORECASE,
)
_HOLDERS = lazy_pattern(r"\s*(?:copyright|\(c\)|©|\d{4}\b)", re.IGNORECASE)
_LICENSED = lazy_pattern(r"\s*and (?:is |are )?licen[sc]ed ", re.IGNORECASE)


def without_packaging(text: str) -> str:
    """A free-form copyright file without what it says of Debian's own packaging: from a line that names it to the next empty one.

    In dh_make's template three paragraphs belong together: "The Debian packaging is:", its holders, and "and is licensed under the GPL version 3".
    """
    kept = []
    aside = of_holders = False
    after_colon = after_holders = False  # what the paragraph before was, if it stood aside
    last = ""
    for line, lower in zip(text.split("\n"), text.lower().split("\n"), strict=True):
        if not line.strip():
            if aside:
                after_colon, after_holders = last.endswith(":"), of_holders
            aside = False
        elif not aside:
            of_holders = after_colon and _HOLDERS.match(line) is not None
            aside = of_holders or ((after_colon or after_holders) and _LICENSED.match(line) is not None)
            after_colon = after_holders = False
            if not aside and ("packaging" in lower or "debian" in lower):
                aside = _PACKAGING.search(line) is not None
        if aside:
            last = line.rstrip()
        else:
            kept.append(line)
    return "\n".join(kept)
