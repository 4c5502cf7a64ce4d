"""Directories for better processors, which glibc looks into before each directory of a search path: statements G10 and G11.

Since 2.33 ``glibc-hwcaps/x86-64-v4`` and so on (sysdeps/x86_64/dl-hwcaps-subdirs.c); up to 2.36 also the power set of ``tls``, the platform and
the hardware capabilities (elf/dl-hwcaps.c).
"""

from __future__ import annotations

from msgspec import Struct

EM_X86_64 = 62
_SINCE, _LEGACY_UNTIL = (2, 33), (2, 36)


class Processor(Struct, frozen=True):
    """What is known of the machine's processor.

    :ivar level: x86-64 level, 1 to 4; None where nobody knows, and then no object is refused for its level.
    :ivar platform: what the loader uses as platform: AT_PLATFORM of the kernel ("x86_64"), or "haswell" and "xeon_phi" where glibc up to 2.36
        recognises such an Intel processor.
    :ivar capabilities: names of the other legacy directories, the highest bit of AT_HWCAP first ("avx512_1", "x86_64").
    """

    level: int | None = None
    platform: str | None = "x86_64"
    capabilities: tuple[str, ...] = ("x86_64",)


ARM64 = Processor(None, "aarch64", ())
BASELINE = Processor()


def subdirectories(processor: Processor, machine: int, glibc: tuple[int, int] | None) -> tuple[str, ...]:
    """What is looked into before the directory itself, in order.

    :param machine: e_machine of the objects that are looked for.
    :param glibc: the loader's version, None where it is not known: then every kind is taken to be searched.
    """
    found: list[str] = []
    if machine == EM_X86_64 and (glibc is None or glibc >= _SINCE):
        found += [f"glibc-hwcaps/x86-64-v{level}" for level in range(processor.level or 1, 1, -1)]
    if glibc is None or glibc <= _LEGACY_UNTIL:
        names = ["tls", *([processor.platform] if processor.platform else ()), *processor.capabilities]
        if machine != EM_X86_64:
            names = ["tls", *([processor.platform] if processor.platform else ())]
        for mask in range((1 << len(names)) - 1, 0, -1):
            path = "/".join(name for position, name in enumerate(names) if mask >> (len(names) - 1 - position) & 1)
            if path not in found:
                found.append(path)
    return tuple(found)
