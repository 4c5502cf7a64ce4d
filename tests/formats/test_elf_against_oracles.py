"""Every field that we read equals what pyelftools and LIEF read, on every ELF file that is at hand.

Both oracles read by section headers where there are any; we read by PT_DYNAMIC.  Where an oracle is known to be wrong or says less, the place says so
with the proof.  Symbols are compared row by row, after the loader's rule (``elf/dl-lookup.c``) has been applied to the oracle's raw fields.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lief
import pytest
from elftools.elf import enums
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import NoteSection, SymbolTableSection

from inspector.formats.elf import ElfFile, looks_like_elf, read_elf
from inspector.source import FileSource

lief.logging.disable()
_SHARED_CORPUS = Path(__file__).resolve().parents[2].parent / "shared" / "corpus"
_PLACES = {
    "native-libraries": ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64"],
    "other-libraries": ["/usr/lib/gcc", "/usr/lib/python3", "/usr/lib/git-core", "/usr/lib/debug", "/usr/libexec"],
    "programs": ["/usr/bin", "/usr/sbin"],
    "i386": ["/usr/lib32", "/usr/lib/i386-linux-gnu"],
    "x32": ["/usr/libx32"],
    "wheels": [sysconfig.get_path("platlib")],
    "corpus": [str(_SHARED_CORPUS)],
}
_FOREIGN = {
    "aarch64": "aarch64-linux-gnu", "armel": "arm-linux-gnueabi", "armhf": "arm-linux-gnueabihf", "hppa": "hppa-linux-gnu", "m68k": "m68k-linux-gnu",
    "mips": "mips-linux-gnu", "mips64": "mips64-linux-gnuabi64", "mipsel": "mipsel-linux-gnu", "powerpc": "powerpc-linux-gnu",
    "ppc64": "powerpc64-linux-gnu", "ppc64el": "powerpc64le-linux-gnu", "riscv64": "riscv64-linux-gnu", "s390x": "s390x-linux-gnu",
    "sh4": "sh4-linux-gnu", "sparc64": "sparc64-linux-gnu",
}  # fmt: skip
_SAMPLE = 25


def elf_files(places: list[str]) -> list[Path]:
    """Regular ELF files below some directories, in an order that the names alone decide."""
    found = []
    for place in places:
        for directory, _, names in os.walk(place):
            for name in names:
                path = Path(directory, name)
                if path.is_symlink() or not path.is_file():
                    continue
                try:
                    with path.open("rb") as file:
                        head = file.read(20)
                except OSError:
                    continue
                if len(head) == 20 and looks_like_elf(head):
                    found.append(path)
    return sorted(found, key=lambda path: (zlib.crc32(str(path).encode()), path))


def require_files(places: list[str], what: str) -> list[Path]:
    files = elf_files(places)
    if not files:
        pytest.skip(f"no ELF files of {what} here: {', '.join(places)}")
    return files


def plain(text: str | bytes) -> str:
    """An oracle's string in our spelling."""
    return text.decode("utf-8", "backslashreplace") if isinstance(text, bytes) else text


# -- ours


def ours(elf: ElfFile) -> dict[str, Any]:
    notes = elf.notes
    return {
        "bits": elf.bits,
        "endian": elf.endian,
        "type": elf.type,
        "machine": elf.machine,
        "osabi": elf.osabi,
        "abi_version": elf.abi_version,
        "e_flags": elf.e_flags,
        "entry": elf.entry,
        "segments": [tuple(segment) for segment in elf.segments],
        "sections": [tuple(section)[1:] for section in elf.sections],
        "section_names": [section.name for section in elf.sections],
        "interpreter": elf.interpreter,
        "soname": elf.soname,
        "needed": list(elf.needed),
        "rpath": elf.rpath,
        "runpath": elf.runpath,
        "flags": elf.flags,
        "flags_1": elf.flags_1,
        "dynamic_values": dict(elf.dynamic.values),
        "verneed": [(need.library, need.version, need.index, need.weak, need.hash) for need in elf.verneed],
        "verdef": [(row.name, row.index, row.is_base, row.weak, row.parents) for row in elf.verdef],
        "symbol_count": elf.symbols.count,
        "imported": [(s.name, s.version, s.library, s.weak, s.binding, s.kind) for s in elf.symbols.imported()],
        "exported": [
            (s.name, s.version, s.library, s.weak, s.binding, s.kind, s.default) for s in elf.symbols.exported()
        ],
        "relocations": elf.relocations.total,
        "has_relr": elf.has_relr,
        "build_id": elf.build_id,
        "abi_tag": notes.abi_tag and (notes.abi_tag.system, notes.abi_tag.version),
        "x86_isa_needed": notes.x86_isa_needed,
        "x86_isa_used": notes.x86_isa_used,
        "features": notes.features,
        "gnu_stack": elf.gnu_stack,
    }


# -- the rule of the loader over an oracle's rows

_KINDS = {0: "notype", 1: "object", 2: "function", 5: "common", 6: "tls", 10: "ifunc"}
_BINDINGS = {1: "global", 2: "weak", 10: "unique"}


def sort_symbols(
    rows: list[tuple[str, int, int, int, int, int]], verneed: list[Any], verdef: list[Any]
) -> tuple[list[Any], list[Any]]:
    """Imported and exported symbols out of rows (name, binding, kind, section index, value, versym)."""
    names = {index: (name, None) for name, index, is_base, _, _ in verdef if not is_base}
    names.update({index: (version, library) for library, version, index, _, _ in verneed})
    imported, exported = [], []
    for name, binding, kind, section, value, versym in rows:
        index = versym & 0x7FFF
        version, library = (None, None) if index < 2 else names[index]
        row = (name, version, library, binding == 2, _BINDINGS.get(binding, str(binding)), _KINDS.get(kind, str(kind)))
        if not name:
            continue
        if section == 0:
            if binding:
                imported.append(row)
        elif binding in _BINDINGS and kind in _KINDS and index and (value or section == 0xFFF1 or kind == 6):
            exported.append((*row, not versym & 0x8000))
    return imported, exported


# -- pyelftools

_BIND_CODES = {"STB_LOCAL": 0, "STB_GLOBAL": 1, "STB_WEAK": 2, "STB_LOOS": 10}
_KIND_CODES = {
    "STT_NOTYPE": 0, "STT_OBJECT": 1, "STT_FUNC": 2, "STT_SECTION": 3, "STT_FILE": 4, "STT_COMMON": 5, "STT_TLS": 6, "STT_LOOS": 10,
    "STT_LOPROC": 13,
}  # fmt: skip
_SHNDX_CODES = {"SHN_UNDEF": 0, "SHN_ABS": 0xFFF1, "SHN_COMMON": 0xFFF2}
_VERSYM_CODES = {"VER_NDX_LOCAL": 0, "VER_NDX_GLOBAL": 1}
_TYPES = {"ET_NONE": "NONE", "ET_REL": "REL", "ET_EXEC": "EXEC", "ET_DYN": "DYN", "ET_CORE": "CORE"}
_SEGMENT_CODES = (
    enums.ENUM_P_TYPE_BASE
    | enums.ENUM_P_TYPE_ARM
    | enums.ENUM_P_TYPE_AARCH64
    | enums.ENUM_P_TYPE_MIPS
    | enums.ENUM_P_TYPE_RISCV
)
_SECTION_CODES = {
    **enums.ENUM_SH_TYPE_BASE, **enums.ENUM_SH_TYPE_AMD64, **enums.ENUM_SH_TYPE_ARM, **enums.ENUM_SH_TYPE_AARCH64, **enums.ENUM_SH_TYPE_RISCV,
    **enums.ENUM_SH_TYPE_MIPS,
}  # fmt: skip
_ABI_SYSTEMS = {"ELF_NOTE_OS_LINUX": "Linux", "ELF_NOTE_OS_GNU": "Hurd"}


def by_pyelftools(path: Path) -> dict[str, Any]:
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        elf = ELFFile(file)
        header = elf.header
        raw = file.seek(0) or file.read(64)
        facts: dict[str, Any] = {
            "bits": elf.elfclass,
            "endian": "little" if elf.little_endian else "big",
            "type": _TYPES.get(header["e_type"], header["e_type"]),
            "machine": int.from_bytes(raw[18:20], "little" if elf.little_endian else "big"),
            "osabi": raw[7],
            "abi_version": header["e_ident"]["EI_ABIVERSION"],
            "e_flags": header["e_flags"],
            "entry": header["e_entry"],
            "interpreter": None, "soname": None, "needed": [], "rpath": None, "runpath": None, "flags": 0, "flags_1": 0, "relocations": 0,
            "verneed": [], "verdef": [], "symbol_count": 0, "imported": [], "exported": [], "has_relr": False, "build_id": None, "abi_tag": None,
            "x86_isa_needed": 0, "x86_isa_used": 0, "features": (), "gnu_stack": "absent",
        }  # fmt: skip
        _pyelftools_segments(elf, facts)
        _pyelftools_sections(elf, facts)
    return facts


def _pyelftools_segments(elf: ELFFile, facts: dict[str, Any]) -> None:
    fields = ("p_flags", "p_offset", "p_vaddr", "p_paddr", "p_filesz", "p_memsz", "p_align")
    facts["segments"] = [
        (_SEGMENT_CODES.get(segment["p_type"], segment["p_type"]), *(segment[field] for field in fields))
        for segment in elf.iter_segments()
    ]
    is_debug = _is_separate_debug(elf)
    for segment in elf.iter_segments():
        kind = segment["p_type"]
        if kind == "PT_INTERP" and not is_debug:
            facts["interpreter"] = plain(segment.get_interp_name())
        elif kind == "PT_GNU_STACK":
            facts["gnu_stack"] = "executable" if segment["p_flags"] & 1 else "not executable"
        elif kind == "PT_DYNAMIC" and segment["p_filesz"] and not is_debug:
            _pyelftools_dynamic(segment, facts)
        elif kind == "PT_NOTE" and elf["e_type"] != "ET_CORE":
            _pyelftools_notes(segment.iter_notes(), facts)
    if not any(segment["p_type"] == "PT_NOTE" and segment["p_filesz"] for segment in elf.iter_segments()):
        for section in elf.iter_sections():
            if isinstance(section, NoteSection):
                _pyelftools_notes(section.iter_notes(), facts)


def _is_separate_debug(elf: ELFFile) -> bool:
    code = [section for section in elf.iter_sections() if section["sh_flags"] & 6 == 6]
    return bool(code) and all(section["sh_type"] == "SHT_NOBITS" for section in code)


def _pyelftools_dynamic(segment: DynamicSegment, facts: dict[str, Any]) -> None:
    for tag in segment.iter_tags():
        match tag.entry.d_tag:
            case "DT_NEEDED":
                facts["needed"].append(plain(tag.needed))
            case "DT_SONAME":
                facts["soname"] = plain(tag.soname)
            case "DT_RPATH":
                facts["rpath"] = plain(tag.rpath)
            case "DT_RUNPATH":
                facts["runpath"] = plain(tag.runpath)
            case "DT_FLAGS":
                facts["flags"] = tag.entry.d_val
            case "DT_FLAGS_1":
                facts["flags_1"] = tag.entry.d_val
            case "DT_RELR":
                facts["has_relr"] = True
    tables = segment.get_relocation_tables()
    tables.pop("RELR", None)
    facts["relocations"] = sum(table.num_relocations() for table in tables.values())
    # On SPARC and old PowerPC DT_JMPREL lies inside of DT_RELA (readelf says so too: one section after the other in one range).
    if "JMPREL" in tables:
        values = {tag.entry.d_tag: tag.entry.d_val for tag in segment.iter_tags()}
        for table, size in (("DT_RELA", "DT_RELASZ"), ("DT_REL", "DT_RELSZ")):
            if table in values and values[table] <= values["DT_JMPREL"] < values[table] + values[size]:
                facts["relocations"] -= tables["JMPREL"].num_relocations()


def _pyelftools_notes(notes: Iterator[Any], facts: dict[str, Any]) -> None:
    for note in notes:
        if note["n_type"] == "NT_GNU_BUILD_ID" and note["n_name"] == "GNU":
            facts["build_id"] = note["n_desc"]
        elif note["n_type"] == "NT_GNU_ABI_TAG" and note["n_name"] == "GNU":
            tag = note["n_desc"]
            facts["abi_tag"] = (_ABI_SYSTEMS[tag["abi_os"]], (tag["abi_major"], tag["abi_minor"], tag["abi_tiny"]))
        elif note["n_type"] == "NT_GNU_PROPERTY_TYPE_0" and note["n_name"] == "GNU":
            _pyelftools_properties(note["n_desc"], facts)


def _pyelftools_properties(properties: list[Any], facts: dict[str, Any]) -> None:
    for row in properties:
        match row["pr_type"]:
            case "GNU_PROPERTY_X86_ISA_1_NEEDED":
                facts["x86_isa_needed"] = row["pr_data"]
            case "GNU_PROPERTY_X86_ISA_1_USED":
                facts["x86_isa_used"] = row["pr_data"]
            case "GNU_PROPERTY_X86_FEATURE_1_AND":
                facts["features"] = tuple(name for bit, name in ((1, "ibt"), (2, "shstk")) if row["pr_data"] & bit)
            case "GNU_PROPERTY_AARCH64_FEATURE_1_AND":
                facts["features"] = tuple(name for bit, name in ((1, "bti"), (2, "pac")) if row["pr_data"] & bit)


def _pyelftools_sections(elf: ELFFile, facts: dict[str, Any]) -> None:
    fields = (
        "sh_type",
        "sh_flags",
        "sh_addr",
        "sh_offset",
        "sh_size",
        "sh_link",
        "sh_info",
        "sh_addralign",
        "sh_entsize",
    )
    sections = list(elf.iter_sections())
    facts["sections"] = [
        tuple(_SECTION_CODES.get(section[field], section[field]) for field in fields) for section in sections
    ]
    facts["section_names"] = [plain(section.name) for section in sections]
    if _is_separate_debug(elf):
        return
    by_type = {section["sh_type"]: section for section in sections}
    if (needs := by_type.get("SHT_GNU_verneed")) is not None:
        facts["verneed"] = [
            (plain(need.name), plain(aux.name), aux["vna_other"], bool(aux["vna_flags"] & 2), aux["vna_hash"])
            for need, auxiliaries in needs.iter_versions()
            for aux in auxiliaries
        ]
    if (definitions := by_type.get("SHT_GNU_verdef")) is not None:
        for definition, auxiliaries in definitions.iter_versions():
            names = [plain(aux.name) for aux in auxiliaries]
            flags = definition["vd_flags"]
            facts["verdef"].append((names[0], definition["vd_ndx"], bool(flags & 1), bool(flags & 2), tuple(names[1:])))
    symbols, versions = by_type.get("SHT_DYNSYM"), by_type.get("SHT_GNU_versym")
    if isinstance(symbols, SymbolTableSection) and any(s["p_type"] == "PT_DYNAMIC" for s in elf.iter_segments()):
        rows = []
        for number, symbol in enumerate(symbols.iter_symbols()):
            versym = 1 if versions is None else versions.get_symbol(number)["ndx"]
            bind, kind = symbol["st_info"]["bind"], symbol["st_info"]["type"]
            rows.append((
                plain(symbol.name),
                _BIND_CODES.get(bind, bind),
                _KIND_CODES.get(kind, kind),
                _SHNDX_CODES.get(symbol["st_shndx"], symbol["st_shndx"]),
                symbol["st_value"],
                _VERSYM_CODES.get(versym, versym),
            ))  # fmt: skip
        facts["symbol_count"] = len(rows)
        facts["imported"], facts["exported"] = sort_symbols(rows, facts["verneed"], facts["verdef"])


# -- LIEF


def by_lief(path: Path) -> dict[str, Any] | None:
    """None where LIEF cannot parse the file at all."""
    config = lief.ELF.ParserConfig()
    config.parse_overlay = False
    config.parse_symtab_symbols = False
    elf = lief.ELF.parse(str(path), config)
    if elf is None:
        return None
    header = elf.header
    facts: dict[str, Any] = {
        "bits": 64 if header.identity_class == lief.ELF.Header.CLASS.ELF64 else 32,
        "endian": "little" if header.identity_data == lief.ELF.Header.ELF_DATA.LSB else "big",
        "type": header.file_type.name,
        "abi_version": header.identity_abi_version,
        "e_flags": header.processor_flag,
        "entry": header.entrypoint,
        "interpreter": elf.interpreter if elf.has_interpreter else None,
        "needed": [plain(name) for name in elf.libraries],
        "soname": None, "rpath": None, "runpath": None, "flags": 0, "flags_1": 0, "gnu_stack": "absent",
        "verneed": [
            (plain(need.name), plain(aux.name), aux.other, bool(aux.flags & 2), aux.hash)
            for need in elf.symbols_version_requirement
            for aux in need.get_auxiliary_symbols()
        ],
    }  # fmt: skip
    facts |= _lief_dynamic(elf)
    for segment in elf.segments:
        if segment.type == lief.ELF.Segment.TYPE.GNU_STACK:
            facts["gnu_stack"] = "executable" if int(segment.flags) & 1 else "not executable"
    for definition in elf.symbols_version_definition:
        names = [plain(aux.name) for aux in definition.auxiliary_symbols]
        row = (names[0], definition.ndx, bool(definition.flags & 1), bool(definition.flags & 2), tuple(names[1:]))
        facts.setdefault("verdef", []).append(row)
    facts["segments_without_paddr"] = [
        (int(s.flags), s.file_offset, s.virtual_address, s.physical_size, s.virtual_size, s.alignment)
        for s in elf.segments
    ]
    facts |= _lief_notes(elf, facts["endian"])
    if (
        header.machine_type != lief.ELF.ARCH.SPARCV9
    ):  # raises SystemError at STT_REGISTER (13), of which its enumeration knows nothing
        rows = [
            (
                plain(s.name),
                s.binding.value,
                s.type.value,
                s.shndx,
                s.value,
                s.symbol_version.value if s.has_version else 1,
            )
            for s in elf.dynamic_symbols
        ]
        facts["symbol_count"] = len(rows)
        facts["imported"], facts["exported"] = sort_symbols(rows, facts["verneed"], facts.get("verdef", []))
    return facts


def _lief_dynamic(elf: lief.ELF.Binary) -> dict[str, Any]:
    tags = lief.ELF.DynamicEntry.TAG
    attributes = {
        tags.SONAME: "name",
        tags.RPATH: "rpath",
        tags.RUNPATH: "runpath",
        tags.FLAGS: "value",
        tags.FLAGS_1: "value",
    }
    return {
        entry.tag.name.lower(): plain(value)
        if isinstance(value := getattr(entry, attributes[entry.tag]), bytes)
        else value
        for entry in elf.dynamic_entries
        if entry.tag in attributes
    }


def _lief_notes(elf: lief.ELF.Binary, endian: str) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for note in elf.notes:
        if note.type == lief.ELF.Note.TYPE.GNU_BUILD_ID:
            facts["build_id"] = bytes(note.description).hex()
        elif note.type == lief.ELF.Note.TYPE.GNU_ABI_TAG and isinstance(note, lief.ELF.NoteAbi):
            facts["abi_tag"] = (note.abi.name.capitalize(), tuple(note.version))
    if endian == "big":
        # LIEF swaps the bytes of each 32-bit word of a descriptor; `readelf -n` prints what we read (test_build_ids_are_those_of_readelf).
        facts.pop("build_id", None)
    return facts


# -- comparing


def views(path: Path, elf: ElfFile) -> dict[str, Any]:
    facts = ours(elf)
    facts["segments_without_paddr"] = [(f, o, v, fs, ms, a) for _, f, o, v, _, fs, ms, a in facts["segments"]]
    return facts


def differences(path: Path, mine: dict[str, Any], oracle: dict[str, Any], name: str) -> list[str]:
    found = []
    for key, expected in oracle.items():
        if mine[key] != expected:
            if isinstance(expected, list):
                extra = [row for row in mine[key] if row not in expected][:3]
                missing = [row for row in expected if row not in mine[key]][:3]
                found.append(
                    f"{path}: {key}: {len(mine[key])} of ours, {len(expected)} of {name}; ours only {extra}, theirs only {missing}"
                )
            else:
                found.append(f"{path}: {key}: ours {mine[key]!r}, {name} {expected!r}")
    return found


def compare(files: list[Path]) -> list[str]:
    found: list[str] = []
    for path in files:
        with FileSource(path) as source:
            elf = read_elf(source)
        mine = views(path, elf)
        found += differences(path, mine, by_pyelftools(path), "pyelftools")
        if (oracle := by_lief(path)) is not None and not elf.is_separate_debug:
            found += differences(path, mine, oracle, "LIEF")
        if elf.defects:
            found.append(f"{path}: {elf.defects}")
        for need in elf.verneed:
            names = [s.name for s in elf.symbols.imported() if (s.library, s.version) == (need.library, need.version)]
            if not set(names) <= set(elf.symbols.names_with_version(need.index)):
                found.append(f"{path}: names_with_version({need.index}) lacks some of {names[:9]}")
        kinds = elf.byte_kinds()
        if sum(kinds.values()) != path.stat().st_size:
            found.append(f"{path}: its bytes by kind are {sum(kinds.values())} of {path.stat().st_size}")
        if len(found) > 40:
            break
    return found


def sample(files: list[Path]) -> list[Path]:
    """The first of an order that names decide, and the three largest."""
    largest = sorted(files, key=lambda path: path.stat().st_size)[-3:]
    return list(dict.fromkeys(files[:_SAMPLE] + largest))


@pytest.mark.parametrize("place", _PLACES)
def test_a_sample_of_every_place_reads_as_the_oracles_read_it(place: str) -> None:
    files = require_files(_PLACES[place], place)
    assert compare(sample(files)) == []


@pytest.mark.slow
@pytest.mark.heavy  # thousands of files of whatever is installed here; the sample covers each place
@pytest.mark.parametrize("place", _PLACES)
def test_every_file_reads_as_the_oracles_read_it(place: str) -> None:
    files = require_files(_PLACES[place], place)
    rest = files[_SAMPLE:]
    if not rest:
        pytest.skip(f"the sample of {place} was all of it")
    assert compare(rest) == []


@pytest.mark.parametrize("architecture", _FOREIGN)
def test_foreign_architectures_read_as_the_oracles_read_them(architecture: str) -> None:
    files = require_files([f"/usr/{_FOREIGN[architecture]}/lib"], f"libc6-{architecture}-cross")
    assert compare(files) == []


@pytest.mark.peer
@pytest.mark.parametrize("architecture", ["s390x", "ppc64", "mips", "hppa", "aarch64"])
def test_build_ids_are_those_of_readelf(architecture: str) -> None:
    if shutil.which("readelf") is None:
        pytest.skip("readelf (binutils) is not installed")
    files = require_files([f"/usr/{_FOREIGN[architecture]}/lib"], f"libc6-{architecture}-cross")
    for path in files[:5]:
        printed = subprocess.run(["readelf", "-Wn", path], capture_output=True, text=True, check=True).stdout
        expected = re.search(r"Build ID: ([0-9a-f]+)", printed)
        with FileSource(path) as source:
            assert read_elf(source).build_id == (expected and expected[1])


def test_a_big_endian_architecture_was_among_them() -> None:
    for triplet in ("s390x-linux-gnu", "powerpc64-linux-gnu", "mips-linux-gnu"):
        for path in elf_files([f"/usr/{triplet}/lib"]):
            with FileSource(path) as source:
                assert read_elf(source).endian == "big"
            return
    pytest.skip("no big-endian libraries here: install libc6-s390x-cross or libc6-ppc64-cross")
