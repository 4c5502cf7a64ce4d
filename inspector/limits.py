"""How much work and memory an artifact may cost.  Every byte of it is an attacker's."""

from __future__ import annotations

from msgspec import Struct

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


class Limits(Struct, frozen=True):
    """Bounds that every reader holds; all sizes in bytes.  A reader that would pass one raises ``LimitExceeded`` and names it."""

    inodes: int = 2_000_000
    path_length: int = 4096
    path_depth: int = 256
    symlink_length: int = 65_535
    decoded_metadata: int = 512 * MIB
    decoded_data: int = 16 * GIB
    expansion_ratio: int = 400
    """Decoded data may be this many times the size of the image."""
    xz_memory: int = 64 * MIB
    block_cache: int = 8 * MIB
    small_file: int = 16 * MIB
    """The most that ``Node.read()`` returns at once: texts, metadata, scripts."""
    elf_tables: int = 256 * MIB
    """Bytes of dynamic symbols and strings that one ELF file may make us read."""
    nesting_depth: int = 3
    """Artifacts inside artifacts are opened so many levels deep."""
    nested_artifacts: int = 500
    """So many of them in one artifact, those inside others included."""
