"""JSON for a script block that is data: ``<script type="application/json">``.

Autoescape does not serve there: browsers do not decode entities in a script element.  So whatever could end the element or begin a comment in it
(HTML standard, 4.12.1.3, "Restrictions for contents of script elements") is written as a JSON escape: ``<``, ``>`` and ``&``, and U+2028 and U+2029,
which end a line in older scripts.
"""

from __future__ import annotations

import json

from markupsafe import Markup

_ESCAPES = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"})


def inert_json(value: object) -> Markup:
    """A value as JSON without white space; these characters can stand only inside its strings, where the escape means the same."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.translate(_ESCAPES))  # noqa: S704 - no character of markup is left
