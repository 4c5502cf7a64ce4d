"""Which licence of a copyright file speaks for the whole tree where no paragraph is called "Files: *": that of the directories at its top."""

from __future__ import annotations

from msgspec.structs import replace

from inspector.facts.licensing.debian_copyright.copyright_file import CopyrightFile
from inspector.facts.licensing.debian_copyright.paragraphs import LibraryReading, paragraph_reading
from inspector.facts.licensing.debian_copyright.places import is_aside_path
from inspector.patterns import lazy_pattern

_TOP = lazy_pattern(r"(?:\./)?[^/*?\\]+/\*")
"""A pattern of all that lies below one directory of the tree's root."""
_MACHINE = lazy_pattern(
    r"(?:\./)?(?:any|all|amd64|x86[-_]64|x64|i[3-6]86|x86|arm64|aarch64|armhf|armel|armv[5-8]\w*|arm|ppc64el|ppc64le|ppc64|powerpc|riscv64|s390x"
    r"|loong64|mips64el|mipsel|mips|ia64|sparc64)/\*"
)
"""One that is called like a machine (https://www.debian.org/ports/, and what builders of binaries call them)."""
_MOST_PATTERNS = 1000


def reading_of_whole(file: CopyrightFile) -> LibraryReading | None:
    """What stands in the place of a paragraph for everything; None where nothing does.

    Directories that are called like machines are those of a distribution of binaries: what each machine gets is the project itself, what lies beside
    them is what it was made with. Else all directories at the top, where they have one licence and nothing that is listed lies outside of them.
    """
    patterns = [(one, paragraph) for paragraph in file.paragraphs for one in paragraph.patterns]
    if len(patterns) > _MOST_PATTERNS:
        return None
    machines = {paragraph for one, paragraph in patterns if _MACHINE.fullmatch(one)}
    if machines:
        chosen = machines
    else:
        listed = [(one, paragraph) for one, paragraph in patterns if not is_aside_path(one)]
        tops = tuple(one[:-1] for one, _ in listed if _TOP.fullmatch(one))
        if not tops or not all(one.startswith(tops) for one, _ in listed):
            return None
        chosen = {paragraph for one, paragraph in listed if _TOP.fullmatch(one)}
    readings = [paragraph_reading(file, paragraph, "default") for paragraph in file.paragraphs if paragraph in chosen]
    found = {reading.expression: reading for reading in readings if reading is not None and reading.expression}
    if len(found) != 1 or len(readings) != sum(reading is not None for reading in readings):
        return None
    reading = next(iter(found.values()))
    return replace(reading, patterns=tuple(one for other in readings if other is not None for one in other.patterns))
