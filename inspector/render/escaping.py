"""Names and messages made safe for a terminal and a log.

Every string of a Result may come from an attacker: an escape sequence that clears the screen, a newline that forges a line, a bidirectional
override that turns ``gpj.exe`` into ``exe.jpg``.  What Unicode does not count as printable is written as ``\\x1b``, ``\\u202e`` and so on.
Quoting for HTML or Markdown is their renderers' own business.
"""

from __future__ import annotations


def escape(text: str) -> str:
    """The text with every character that is not printable written as a backslash escape, as in Python's ``repr``.

    Not printable are the general categories "Other" (control, format, surrogate, private use, unassigned) and "Separator" except the space;
    newlines and bidirectional controls are among them (Unicode Standard, chapter 4.5).
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _written_out(character) for character in text)


def _written_out(character: str) -> str:
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
