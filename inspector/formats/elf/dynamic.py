"""The dynamic section: what the loader is told.  gABI chapter 5, "Dynamic Section"; GNU tags from glibc's ``elf.h``."""

from __future__ import annotations

from msgspec import Struct, field

from inspector.formats.elf.identification import Layout

DT_NULL, DT_NEEDED, DT_PLTRELSZ, DT_HASH, DT_STRTAB, DT_SYMTAB, DT_RELA, DT_RELASZ, DT_RELAENT = (
    0,
    1,
    2,
    4,
    5,
    6,
    7,
    8,
    9,
)
DT_STRSZ, DT_SYMENT, DT_INIT, DT_FINI, DT_SONAME, DT_RPATH, DT_SYMBOLIC, DT_REL, DT_RELSZ, DT_RELENT = (
    10,
    11,
    12,
    13,
    14,
    15,
    16,
    17,
    18,
    19,
)
DT_PLTREL, DT_DEBUG, DT_TEXTREL, DT_JMPREL, DT_BIND_NOW, DT_INIT_ARRAY, DT_FINI_ARRAY = 20, 21, 22, 23, 24, 25, 26
DT_RUNPATH, DT_FLAGS, DT_PREINIT_ARRAY, DT_RELRSZ, DT_RELR, DT_RELRENT = 29, 30, 32, 35, 36, 37
DT_GNU_HASH, DT_DEPAUDIT, DT_AUDIT, DT_VERSYM = 0x6FFFFEF5, 0x6FFFFEFB, 0x6FFFFEFC, 0x6FFFFFF0
DT_RELACOUNT, DT_RELCOUNT, DT_FLAGS_1, DT_VERDEF, DT_VERDEFNUM, DT_VERNEED, DT_VERNEEDNUM = range(
    0x6FFFFFF9, 0x70000000
)
DT_MIPS_SYMTABNO, DT_AUXILIARY, DT_FILTER = 0x70000011, 0x7FFFFFFD, 0x7FFFFFFF

DF_ORIGIN, DF_SYMBOLIC, DF_TEXTREL, DF_BIND_NOW, DF_STATIC_TLS = 1, 2, 4, 8, 0x10
DF_1_NOW, DF_1_NODELETE, DF_1_INITFIRST, DF_1_NOOPEN, DF_1_ORIGIN, DF_1_INTERPOSE, DF_1_NODEFLIB = (
    1,
    8,
    0x20,
    0x40,
    0x80,
    0x400,
    0x800,
)
DF_1_PIE = 0x08000000

_REPEATED = frozenset((DT_NEEDED, DT_AUXILIARY, DT_FILTER, DT_DEPAUDIT, DT_AUDIT))
TABLE_ADDRESSES = (
    DT_HASH, DT_STRTAB, DT_SYMTAB, DT_RELA, DT_INIT, DT_FINI, DT_REL, DT_JMPREL, DT_INIT_ARRAY, DT_FINI_ARRAY, DT_PREINIT_ARRAY,
    DT_RELR, DT_GNU_HASH, DT_VERSYM, DT_VERDEF, DT_VERNEED,
)  # fmt: skip
"""Tags whose value is the address of a table or of code: where one begins, the one before it ends."""

MOST_ENTRIES = 65_536


class RelocationCounts(Struct, frozen=True):
    """Relocations that the loader applies, as the dynamic section counts them; no table is walked.

    :ivar total: rows of DT_RELA, DT_REL and DT_JMPREL; those of DT_RELR are not in it.
    :ivar relative: of them, those that DT_RELACOUNT and DT_RELCOUNT promise to need no symbol.
    :ivar plt: of them, those of DT_JMPREL.
    :ivar relr_words: words of the compact table DT_RELR; each stands for one address or a bitmap of up to 63 (31).
    """

    total: int = 0
    relative: int = 0
    plt: int = 0
    relr_words: int = 0


class DynamicSection(Struct):
    """Tags and values; of a repeated tag the last value counts, as in glibc's ``elf_get_dynamic_info``.

    :ivar values: one value a tag.
    :ivar repeated: all values, in order, of the tags that may occur more than once.
    :ivar size: bytes up to and with DT_NULL.
    """

    values: dict[int, int] = field(default_factory=dict)
    repeated: dict[int, list[int]] = field(default_factory=dict)
    size: int = 0

    def __bool__(self) -> bool:
        return bool(self.size)

    def get(self, tag: int) -> int | None:
        """The value of ``tag``, or None."""
        return self.values.get(tag)

    def relocation_counts(self, layout: Layout) -> RelocationCounts:
        """See :class:`RelocationCounts`.  DT_JMPREL inside of DT_RELA or DT_REL (SPARC, old PowerPC) is not counted twice."""
        value = self.values.get
        word = layout.word_size
        sizes = {DT_RELA: 3 * word, DT_REL: 2 * word}
        total = 0
        tables = ((DT_RELA, DT_RELASZ, DT_RELACOUNT), (DT_REL, DT_RELSZ, DT_RELCOUNT))
        relative = 0
        plt_start, plt_size = value(DT_JMPREL, 0), value(DT_PLTRELSZ, 0)
        plt_is_inside = False
        for address_tag, size_tag, count_tag in tables:
            start, size = value(address_tag), value(size_tag, 0)
            if start is None:
                continue
            rows = size // sizes[address_tag]
            total += rows
            relative += min(value(count_tag, 0), rows)
            plt_is_inside |= start <= plt_start and plt_start + plt_size <= start + size
        plt = plt_size // sizes.get(value(DT_PLTREL, 0), 3 * word) if DT_JMPREL in self.values else 0
        relr_words = value(DT_RELRSZ, 0) // word if DT_RELR in self.values else 0
        return RelocationCounts(total if plt_is_inside else total + plt, relative, plt, relr_words)


def decode_dynamic(content: bytes, layout: Layout, defects: list[str]) -> DynamicSection:
    """Entries up to DT_NULL.  :param content: the bytes of PT_DYNAMIC, at most :data:`MOST_ENTRIES` of them."""
    row = layout.dynamic
    section = DynamicSection()
    values, repeated = section.values, section.repeated
    entries = 0
    for tag, value in row.iter_unpack(content[: len(content) // row.size * row.size]):
        entries += 1
        if not tag:
            break
        values[tag] = value
        if tag in _REPEATED:
            repeated.setdefault(tag, []).append(value)
    else:
        defects.append("the dynamic section has no end (DT_NULL)")
    section.size = entries * row.size
    return section
