"""Rule family hardening: properties of an object that some systems refuse."""

from __future__ import annotations

from collections.abc import Iterator

from inspector.checks.finding import finding
from inspector.facts.facts import Facts
from inspector.model import Finding

RULES = ("executable-stack", "text-relocations", "segment-alignment")

_ARM_PAGE_SIZES = {
    "aarch64": 65536
}  # Linux arm64 runs with pages of 4, 16 and 64 KiB (Documentation/arch/arm64/memory.rst)


def check(facts: Facts) -> Iterator[Finding]:
    """Findings of this family."""
    for found in facts.objects:
        elf = found.elf
        if not elf.has_dynamic:
            continue
        if elf.stack_is_executable:
            how = (
                "has no PT_GNU_STACK, which means an executable stack on its architecture"
                if elf.gnu_stack == "absent"
                else "asks for an executable stack"
            )
            yield finding("executable-stack", found.path, how, evidence=[" -> ".join(facts.graph.chain_to(found.path))])
        if elf.textrel:
            yield finding("text-relocations", found.path, "has relocations in its code (DT_TEXTREL)")
        largest = _ARM_PAGE_SIZES.get(elf.arch)
        if largest is not None and elf.largest_page_size < largest:
            yield finding(
                "segment-alignment",
                found.path,
                f"can be mapped only where pages have at most {elf.largest_page_size // 1024} KiB",
            )
