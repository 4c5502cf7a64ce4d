"""AppImages made byte by byte: an ELF file with the sections that runtimes have, and whatever is put behind it."""

from __future__ import annotations

import struct
from collections.abc import Mapping

SECTIONS: dict[str, bytes] = {".upd_info": bytes(1024), ".sha256_sig": bytes(1024), ".sig_key": bytes(8192)}


def runtime(
    sections: Mapping[str, bytes] = SECTIONS,
    *,
    magic: bytes = b"AI\2",
    bits: int = 64,
    endian: str = "little",
    machine: int = 62,
    text: bytes = b"",
    table_first: bool = False,
) -> bytes:
    """An ELF file with these sections; the payload belongs at its end.

    :param text: bytes in front of the sections, where a program's strings would be.
    :param table_first: the section header table in front of the sections' bytes, so that the last section decides where the payload begins.
    """
    wide, order = bits == 64, "<" if endian == "little" else ">"
    header_size, row_size = (64, 64) if wide else (52, 40)
    names = b"\0" + b"\0".join(name.encode() for name in (*sections, ".shstrtab")) + b"\0"
    contents = {**sections, ".shstrtab": names}
    count = len(contents) + 1
    position = header_size + len(text) + (count * row_size if table_first else 0)
    rows = [bytes(row_size)]
    for name, content in contents.items():
        name_offset = names.index(b"\0" + name.encode() + b"\0") + 1
        kind = 3 if name == ".shstrtab" else 1
        layout = order + ("IIQQQQIIQQ" if wide else "IIIIIIIIII")
        rows.append(struct.pack(layout, name_offset, kind, 0, 0, position, len(content), 0, 0, 1, 0))
        position += len(content)
    table = header_size + len(text) if table_first else position
    identification = (
        b"\x7fELF" + bytes([2 if wide else 1, 1 if endian == "little" else 2, 1, 0]) + magic.ljust(8, b"\0")
    )
    header = identification + struct.pack(
        order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH"),
        2, machine, 1, 0, 0, table, 0, header_size, 56 if wide else 32, 0, row_size, count, count - 1,
    )  # fmt: skip
    body = b"".join(contents.values())
    return header + text + (b"".join(rows) + body if table_first else body + b"".join(rows))
