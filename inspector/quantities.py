"""Numbers as people read them.  Sizes are decimal, 1 MB = 1,000,000 bytes, as file managers and the rules' texts have them."""

from __future__ import annotations

_UNITS = ("kB", "MB", "GB", "TB")


def format_size(count: int) -> str:
    """Bytes with one decimal and a decimal unit: ``"0 B"``, ``"812 B"``, ``"131.1 kB"``, ``"187.4 MB"``."""
    if abs(count) < 1000:
        return f"{count} B"
    value = float(count)
    for unit in _UNITS:
        value /= 1000
        if abs(value) < 999.95 or unit == _UNITS[-1]:
            return f"{value:.1f} {unit}"
    raise AssertionError("the last unit takes every value")


def format_count(count: int) -> str:
    """A number with commas between thousands: ``"9,214"``."""
    return f"{count:,}"


def format_amount(count: int, singular: str, plural: str | None = None) -> str:
    """A number and its noun: ``"1 file"``, ``"9,214 files"``, ``"2 libraries"`` with an explicit plural."""
    noun = singular if count == 1 else plural or f"{singular}s"
    return f"{count:,} {noun}"


def format_share(part: int, whole: int) -> str:
    """A part of a whole in per cent: ``"43 %"``, ``"<1 %"``, and ``""`` where there is no whole."""
    if whole <= 0:
        return ""
    share = 100 * part / whole
    if 0 < share < 1:
        return "<1 %"
    return f"{share:.0f} %"
