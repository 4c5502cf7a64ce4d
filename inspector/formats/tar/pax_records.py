"""The records of a pax extended header: lines of ``length key=value`` (POSIX.1-2017, pax, "pax Extended Header")."""

from __future__ import annotations

from inspector.errors import FormatError

_LONGEST_LENGTH = 12  # digits


def parse_records(content: bytes, position: int) -> list[tuple[bytes, bytes]]:
    """Keys and values in their order; keys may come again (GNU's sparse maps do).

    :param position: of the content, for messages.
    :raises FormatError: where a record does not follow the format.
    """
    records = []
    offset = 0
    while offset < len(content) and content[offset]:  # some writers fill the block up inside the declared size
        space = content.find(b" ", offset, offset + _LONGEST_LENGTH)
        digits = content[offset:space] if space > 0 else b""
        if not digits.isdigit():
            raise FormatError("a pax record has no length", position + offset)
        end = offset + int(digits)
        equals = content.find(b"=", space, end)
        if end > len(content) or end <= space or equals < 0 or content[end - 1 : end] != b"\n":
            raise FormatError("a pax record does not end where it says", position + offset)
        records.append((content[space + 1 : equals], content[equals + 1 : end - 1]))
        offset = end
    return records


def decimal(value: bytes, position: int) -> int:
    """The whole part of a record's number, which may have a sign and decimals.

    :raises FormatError: where it is none, or has more digits than any size or time.
    """
    digits, _, decimals = value.partition(b".")
    if len(digits) > 20 or not digits.lstrip(b"-").isdigit() or (decimals and not decimals.isdigit()):
        raise FormatError("a number of a pax record is no number", position)
    try:
        return int(digits)
    except ValueError:
        raise FormatError("a number of a pax record is no number", position) from None
