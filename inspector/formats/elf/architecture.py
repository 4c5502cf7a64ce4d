"""Machine numbers and what follows from an architecture: its name, its default stack, its page sizes."""

from __future__ import annotations

from inspector.formats.elf.identification import Header

EM_386, EM_MIPS, EM_PPC64, EM_S390, EM_ARM, EM_X86_64, EM_AARCH64, EM_RISCV, EM_LOONGARCH = (
    3,
    8,
    21,
    22,
    40,
    62,
    183,
    243,
    258,
)
EM_ALPHA = 0x9026

_NAMES = {
    2: "sparc", 3: "i686", 4: "m68k", 6: "i686", 15: "parisc", 18: "sparc", 20: "ppc", 43: "sparc64", 45: "arc", 50: "ia64", 62: "x86_64",
    75: "vax", 87: "v850", 88: "m32r", 92: "or1k", 93: "arc", 94: "xtensa", 106: "blackfin", 113: "nios2", 140: "tic6x", 164: "hexagon",
    175: "e2k", 189: "microblaze", 190: "cuda", 195: "arc", 224: "amdgpu", 247: "bpf", 252: "csky", 0x9026: "alpha", 0xA390: "s390",
}  # fmt: skip
"""Machines whose name follows from the number alone (gABI "e_machine"; glibc elf/elf.h), in the words of ``uname -m`` where Linux runs on them."""

# ELF for the ARM Architecture (IHI 0044), e_flags
_ARM_EABI_MASK, _ARM_EABI_5 = 0xFF000000, 0x05000000
_ARM_FLOAT_SOFT, _ARM_FLOAT_HARD = 0x200, 0x400
_MIPS_ABI2 = 0x20  # n32


def architecture_name(header: Header) -> str:
    """The name that ``uname -m`` would have on a machine that runs this file, "unknown-N" for a machine number without one.

    ARM is "armv7l" (Debian's armhf) with the hard-float flag of EABI 5, "armv5tel" (armel) with the soft-float flag, and "arm" where the file says
    neither; x86_64 code in 32-bit files is "x32", which no ``uname`` says; MIPS n32 is "mipsn32".
    """
    wide = header.layout.bits == 64
    little = header.layout.endian == "little"
    match header.machine:
        case 62:
            return "x86_64" if wide else "x32"
        case 183:
            return "aarch64" if little else "aarch64_be"
        case 40:
            return _arm_name(header.flags, little)
        case 8 | 10:
            name = "mips64" if wide else "mipsn32" if header.flags & _MIPS_ABI2 else "mips"
            return name + ("el" if little else "")
        case 20:
            return "ppcle" if little else "ppc"
        case 21:
            return "ppc64le" if little else "ppc64"
        case 22:
            return "s390x" if wide else "s390"
        case 243:
            return "riscv64" if wide else "riscv32"
        case 258:
            return "loongarch64" if wide else "loongarch32"
        case 15:
            return "parisc64" if wide else "parisc"
        case 42:
            return "sh4" if little else "sh4eb"
    return _NAMES.get(header.machine) or f"unknown-{header.machine}"


def _arm_name(flags: int, little: bool) -> str:
    suffix = "l" if little else "b"
    if flags & _ARM_EABI_MASK == _ARM_EABI_5:
        if flags & _ARM_FLOAT_HARD:
            return "armv7" + suffix
        if flags & _ARM_FLOAT_SOFT:
            return "armv5te" + suffix
    return "arm" if little else "armeb"


_STACK_EXECUTABLE_BY_DEFAULT = frozenset({
    "alpha", "arm", "armeb", "armv5teb", "armv5tel", "armv7b", "armv7l", "i686", "m68k", "microblaze", "mips", "mips64", "mips64el", "mipsel",
    "mipsn32", "mipsn32el", "or1k", "parisc", "parisc64", "ppc", "ppcle", "s390", "s390x", "sh4", "sh4eb", "sparc", "sparc64", "x32", "x86_64",
})  # fmt: skip
"""glibc 2.42 ``sysdeps/{alpha,arm,hppa,i386,m68k,microblaze,mips,or1k,powerpc/powerpc32,s390,sh,sparc,x86_64}/stackinfo.h`` define
``DEFAULT_STACK_PROT_PERMS`` with ``PROT_EXEC``; ``sysdeps/generic/stackinfo.h``, for the others (aarch64, riscv, loongarch, ppc64le …), without."""


def default_stack_is_executable(architecture: str) -> bool:
    """Whether glibc makes the stack executable for a file without PT_GNU_STACK."""
    return architecture in _STACK_EXECUTABLE_BY_DEFAULT


_4K, _8K, _16K, _32K, _64K = 4096, 8192, 16384, 32768, 65536
_PAGE_SIZES: dict[str, tuple[int, ...]] = {
    "aarch64": (_4K, _16K, _64K), "aarch64_be": (_4K, _16K, _64K), "alpha": (_8K,), "ia64": (_4K, _8K, _16K, _64K),
    "loongarch32": (_4K, _16K, _64K), "loongarch64": (_4K, _16K, _64K), "m68k": (_4K, _8K), "ppc": (_4K, _16K, _64K),
    "ppc64": (_4K, _64K), "ppc64le": (_4K, _64K), "sh4": (_4K, _8K, _64K), "sh4eb": (_4K, _8K, _64K), "sparc64": (_8K,),
} | dict.fromkeys(("mips", "mipsel", "mips64", "mips64el", "mipsn32", "mipsn32el"), (_4K, _8K, _16K, _32K, _64K))  # fmt: skip
"""Linux ``arch/*/Kconfig``, ``PAGE_SIZE_*``; what is missing has pages of 4 KiB only."""


def page_sizes(architecture: str) -> tuple[int, ...]:
    """The page sizes that Linux can be built with for an architecture, smallest first, in bytes."""
    return _PAGE_SIZES.get(architecture, (_4K,))
