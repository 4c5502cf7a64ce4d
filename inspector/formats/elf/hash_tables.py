"""How many dynamic symbols there are: the loader never asks, so no tag says it.

DT_HASH: gABI chapter 5, "Hash Table".  DT_GNU_HASH: the layout of glibc's ``setup_hash`` (``elf/dl-setup_hash.c``); glibc, musl and most
distributions' files carry only this one.
"""

from __future__ import annotations

from inspector.formats.elf.architecture import EM_ALPHA, EM_S390
from inspector.formats.elf.identification import Header
from inspector.formats.elf.ranges import FileRanges
from inspector.limits import MIB

_CHAIN_PIECE = 4096


def sysv_hash_symbol_count(ranges: FileRanges, header: Header, offset: int) -> int | None:
    """``nchain``, which equals the number of symbols; None where the table is not in the file.

    Its words are 8 bytes on Alpha and 64-bit S/390 (glibc ``bits/elfclass.h``), else 4.
    """
    size = 8 if header.machine in {EM_ALPHA, EM_S390} and header.layout.bits == 64 else 4
    words = header.layout.numbers(ranges.read(offset, 2 * size), 8 if size == 8 else 4)
    return words[1] if len(words) == 2 else None


def gnu_hash_symbol_count(ranges: FileRanges, header: Header, offset: int) -> int | None:
    """The index behind the last symbol that is hashed.

    None where the table is broken or hashes no symbol: then it says nothing of the symbols before it, which are the imported ones.
    """
    layout = header.layout
    words = layout.numbers(ranges.read(offset, 16), 4)
    if len(words) < 4:
        return None
    bucket_count, first_symbol, bloom_words, _ = words
    buckets_at = offset + 16 + bloom_words * layout.word_size
    buckets_size = bucket_count * 4
    if not bucket_count or buckets_at + buckets_size > ranges.size:
        return None
    last = max(layout.numbers(ranges.read(buckets_at, buckets_size), 4))
    if last < first_symbol or not last:
        return None
    position = buckets_at + buckets_size + (last - first_symbol) * 4
    piece = _CHAIN_PIECE
    while True:
        chain = ranges.read(position, piece)
        for hash_ in layout.numbers(chain, 4):
            last += 1
            if hash_ & 1:
                return last
        if len(chain) < piece:
            return None
        position += piece
        piece = min(4 * piece, MIB)
