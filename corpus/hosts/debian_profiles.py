"""Write the profiles of the Debian releases that the mirror serves, measured: ``python -m corpus.hosts.debian_profiles``.

- minimal: a debootstrap tree of the variant minbase, captured (:mod:`inspector.facts.hosts.capture`)
- desktop: what apt's solver installs for Debian's default desktop (``task-desktop task-gnome-desktop`` with recommendations, beside the packages of
  priority required, important and standard); the names of the libraries from the archive's Contents index
- package: libraries of packages that at least ``WIDELY_NEEDED`` others depend on, and that the desktop does not bring

Version definitions are read from the trees, the one with desktop libraries included.  For aarch64 they are read from the packages that hold the C
and compiler libraries, and where a library is is taken to be as on x86_64: a release has the same packages for both.  Needs root, debootstrap and
300 MB of downloads.
"""

from __future__ import annotations

import re
import shutil
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from corpus.debian import Apt, apt, unpack
from corpus.hosts.make_profiles import HOSTS, carried, order, tables
from corpus.programs import run
from corpus.store import cache_directory
from corpus.truth.trees import DESKTOP, tree
from inspector.facts.hosts.capture import capture
from inspector.facts.hosts.profile_schema import SCHEMA
from inspector.facts.hosts.profile_writing import quoted
from inspector.facts.hosts.profiles import load_profile
from inspector.loader.host_profile import HostProfile

PROFILES = {"bullseye": "debian-11", "bookworm": "debian-12", "trixie": "debian-13", "testing": "debian-testing"}
WIDELY_NEEDED = 10
DESKTOP_TASKS = ("task-desktop", "task-gnome-desktop", "linux-image-amd64", "apt")
MEASURED = (
    "archive of Debian {suite}: minimal from a debootstrap tree (minbase); desktop from apt's solver for "
    f"{' and '.join(DESKTOP_TASKS[:2])} and the Contents index; package from Contents, of packages that {WIDELY_NEEDED} others depend on"
)
AARCH64_PACKAGES = ("libc6", "libgcc-s1", "libstdc++6", "libatomic1", "libcrypt1", "zlib1g")
C_LIBRARY = ("libc6", "libc6-i386")
ALTERNATIVES = {"libblas3": "libblas.so.3", "liblapack3": "liblapack.so.3"}
"""Links that packages make with update-alternatives, so that Contents does not name them."""

_LIBRARY = re.compile(r"^(?:usr/)?lib/(?:x86_64-linux-gnu/)?([^/\s]+\.so(?:\.[^/\s]*)?)\s+(\S+)$")
_HELPER = re.compile(r"^(?:usr/)?s?bin/(fusermount3?)\s+(\S+)$")
_CONTENTS = "Acquire::IndexTargets::deb::Contents-deb"


def archive(suite: str) -> Apt:
    """An apt of its own whose lists hold the Contents index too."""
    own = Apt(cache_directory() / "hosts" / suite)
    for part in ("sources", "state", "lists/partial", "cache/archives/partial"):
        (own.directory / part).mkdir(parents=True, exist_ok=True)
    (own.directory / "status").touch()
    for file in (apt(suite).directory / "sources").iterdir():
        shutil.copyfile(file, own.directory / "sources" / file.name)
    settings = {
        f"{_CONTENTS}::MetaKey": "$(COMPONENT)/Contents-$(ARCHITECTURE)",
        f"{_CONTENTS}::ShortDescription": "Contents",
        f"{_CONTENTS}::Description": "Contents",
        f"{_CONTENTS}::KeepCompressed": "true",
    }
    if not contents_files(own):
        run(
            [
                "apt-get",
                *own.options(),
                *(part for key, text in settings.items() for part in ("-o", f"{key}={text}")),
                "update",
            ]
        )
    return own


def contents_files(own: Apt) -> list[Path]:
    """The Contents indexes that were fetched."""
    return sorted((own.directory / "lists").glob("*Contents-*"))


def desktop_packages(own: Apt, available: str) -> set[str]:
    """What a default desktop installs, by apt's solver."""
    standard = [
        re.search(r"^Package: (\S+)", stanza, re.MULTILINE)
        for stanza in available.split("\n\n")
        if re.search(r"^(?:Priority: (?:required|important|standard)|Essential: yes)$", stanza, re.MULTILINE)
    ]
    names = sorted({match[1] for match in standard if match})
    solved = run(
        ["apt-get", *own.options(), "-o", "APT::Install-Recommends=true", "-s", "install", *names, *DESKTOP_TASKS]
    )
    return set(re.findall(r"^Inst (\S+)", solved, re.MULTILINE))


def widely_needed(available: str) -> set[str]:
    """Packages that many others depend on."""
    needed: Counter[str] = Counter()
    for depends in re.findall(r"^Depends: (.*)$", available, re.MULTILINE):
        needed.update(set(re.findall(r"(?:^|[,|])\s*([a-z0-9][a-z0-9+.-]+)", depends)))
    return {name for name, count in needed.items() if count >= WIDELY_NEEDED}


def archive_files(own: Apt) -> Iterator[tuple[str, str, str]]:
    """``(kind, name, package)`` of every library in the default directories, kind "library", and of fusermount, kind "program"."""
    for file in contents_files(own):
        for line in run(["/usr/lib/apt/apt-helper", "cat-file", file]).splitlines():
            if ".so" not in line and "fusermount" not in line:
                continue
            for kind, pattern in (("library", _LIBRARY), ("program", _HELPER)):
                match = pattern.match(line)
                if match:
                    for place in match[2].split(","):
                        yield kind, match[1], place.rpartition("/")[2]


def versions(profiles: Iterable[HostProfile]) -> dict[str, list[str]]:
    """Version definitions by soname, of what was captured."""
    found: dict[str, list[str]] = {}
    for profile in profiles:
        for name, library in profile.libraries.items():
            found.setdefault(name, sorted(library.versions or (), key=order))
    return found


def profile_text(suite: str, id_: str, date: str) -> str:
    """The profile of one release."""
    own = archive(suite)
    available = run(["apt-cache", *own.options(), "dumpavail"])
    on_desktop, wanted = desktop_packages(own, available), widely_needed(available)
    minimal = capture(tree(suite))
    with_desktop = capture(tree(suite + DESKTOP))
    rows: dict[str, list[tuple[str, str]]] = {"minimal": [], "desktop": [], "package": []}
    for name, library in sorted(minimal.libraries.items()):
        rows["minimal"].append((library.package or "-", name))
    programs: dict[str, str] = {}
    seen = set(minimal.libraries)
    files = sorted(archive_files(own), key=lambda row: (row[2] not in on_desktop, row[2], row[1]))
    files += [("library", name, package) for package, name in ALTERNATIVES.items()]
    for kind, name, package in files:
        presence = "desktop" if package in on_desktop else "package"
        if kind == "program":
            programs.setdefault(name, presence)
        elif name not in seen and (presence == "desktop" or (package in wanted and not package.endswith("-dev"))):
            seen.add(name)
            rows[presence].append((package, name))
    lines = [
        f"schema = {quoted(SCHEMA)}", f"id = {quoted(id_)}", "arch = 'x86_64'", f"as_of = {date}", "libc = 'glibc'",
        f"libc_version = {quoted(minimal.libc_version)}", "basis = 'measured'", "complete = true", "isa_level = 1", "page_sizes = [4096]",
        "", "[sources]",
        f"measured = {quoted(MEASURED.format(suite=suite))}",
        "complete = 'Contents names every file of every package: what is not listed here is on no default installation'",
        "versions = 'read from the files of debootstrap trees'",
        "exports = 'read from the files of debootstrap trees'",
        "needed = 'read from the files of debootstrap trees'",
        "requirements = 'read from the files of debootstrap trees'",
        "isa_level = 'the note of libc.so.6'",
    ]  # fmt: skip
    lines += ["", "[programs]", *(f"{name} = {quoted(presence)}" for name, presence in sorted(programs.items()))]
    lines += tables({"measured": rows})
    listed = {name for pairs in rows.values() for _, name in pairs}
    lines += ["", "[versions]"]
    same: dict[str, str] = {}
    for name, names in sorted(versions((minimal, with_desktop)).items()):
        if name in listed and not any(name.startswith(f"{other}.") for other in same):
            same[name] = carried(names)  # "libz.so.1.2.13", which nobody asks for, would repeat those of "libz.so.1"
    lines += [f"{quoted(name)} = {quoted(text)}" for name, text in same.items()]
    lines += needs_tables(listed, (minimal, with_desktop))
    libz = minimal.libraries["libz.so.1"].exports or frozenset()
    lines += ["", "[exports]", f"'libz.so.1' = {quoted(' '.join(sorted(libz)))}"]
    return "\n".join(lines) + "\n"


def needs_tables(listed: set[str], profiles: Iterable[HostProfile]) -> list[str]:
    """What the captured libraries themselves need of others than the C library, told once for a file with several names."""
    needed: dict[str, str] = {}
    requirements: dict[str, str] = {}
    for profile in profiles:
        own = {name for name, library in profile.libraries.items() if library.package in C_LIBRARY}
        for name, library in sorted(profile.libraries.items()):
            found = library.object
            if found is None or name not in listed or (found.soname not in (None, name) and found.soname in listed):
                continue
            names = [each for each in found.needed if each not in own]
            wanted = [each for each in found.requirements if each.library not in own]
            if names:
                needed.setdefault(name, " ".join(names))
            if wanted:
                texts = (f"{each.library}:{each.version}{'?' if each.weak else ''}" for each in wanted)
                requirements.setdefault(name, " ".join(texts))
    lines: list[str] = []
    for table, rows in (("needed", needed), ("requirements", requirements)):
        lines += ["", f"[{table}]", *(f"{quoted(name)} = {quoted(text)}" for name, text in sorted(rows.items()))]
    return lines


def aarch64_packages(suite: str) -> Path:
    """The packages :data:`AARCH64_PACKAGES` of a suite, unpacked into one directory."""
    own = Apt(cache_directory() / "hosts" / f"{suite}-arm64")
    for part in ("sources", "state", "lists/partial", "cache/archives/partial", "deb", "root"):
        (own.directory / part).mkdir(parents=True, exist_ok=True)
    (own.directory / "status").touch()
    for file in (apt(suite).directory / "sources").iterdir():
        shutil.copyfile(file, own.directory / "sources" / file.name)
    options = [*own.options(), "-o", "APT::Architecture=arm64", "-o", "APT::Architectures=arm64"]
    if not any((own.directory / "deb").iterdir()):
        run(["apt-get", *options, "update"])
        run(["apt-get", *options, "download", *AARCH64_PACKAGES], directory=own.directory / "deb")
    for package in (own.directory / "deb").glob("*.deb"):
        unpack(package, own.directory / "root")
    return own.directory / "root"


def aarch64_text(suite: str, id_: str, date: str) -> str:
    """The profile of one release for aarch64, from its packages and from its profile for x86_64."""
    measured = capture(aarch64_packages(suite), arch="aarch64")
    same = load_profile(id_, "x86_64")
    rows: dict[str, dict[str, list[tuple[str, str]]]] = {"measured": {}, "assumed": {}}
    for name, library in sorted(same.libraries.items()):
        here = "ld-linux-aarch64.so.1" if name == "ld-linux-x86-64.so.2" else name
        is_glibc = library.package == "libc6"
        if library.presence == "package" or (is_glibc and here not in measured.libraries):
            continue
        rows["measured" if is_glibc else "assumed"].setdefault(library.presence, []).append(
            (library.package or "-", here)
        )
    listed = {name for table in rows.values() for pairs in table.values() for _, name in pairs}
    lines = [
        f"schema = {quoted(SCHEMA)}", f"id = {quoted(id_)}", "arch = 'aarch64'", f"as_of = {date}", "libc = 'glibc'",
        f"libc_version = {quoted(measured.libc_version)}", "basis = 'measured'", "page_sizes = [4096]", "", "[sources]",
        f"measured = {quoted(f'package libc6 of Debian {suite}, arm64, which every installation has')}",
        "assumed = 'as measured on x86_64: a release has the same packages for both architectures'",
        f"versions = {quoted(f'read from packages of Debian {suite}, arm64: ' + ' '.join(AARCH64_PACKAGES))}",
        f"exports = {quoted(f'read from package zlib1g of Debian {suite}, arm64')}",
        "programs = 'as measured on x86_64'", "",
        "[programs]", *(f"{name} = {quoted(presence)}" for name, presence in sorted(same.programs.items())),
        *tables(rows), "", "[versions]",
    ]  # fmt: skip
    lines += [
        f"{quoted(name)} = {quoted(carried(names))}"
        for name, names in sorted(versions([measured]).items())
        if name in listed
    ]
    libz = measured.libraries["libz.so.1"].exports or frozenset()
    lines += ["", "[exports]", f"'libz.so.1' = {quoted(' '.join(sorted(libz)))}"]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str]) -> None:
    """Write the profiles of the suites that are named, or of all."""
    date = str(
        tomllib.loads((HOSTS.parents[1] / "corpus/hosts/glibc_versions.toml").read_text(encoding="utf-8"))["as_of"]
    )
    for suite in arguments or PROFILES:
        id_ = PROFILES[suite]
        (HOSTS / "x86_64" / f"{id_}.toml").write_text(profile_text(suite, id_, date), encoding="utf-8")
        (HOSTS / "aarch64" / f"{id_}.toml").write_text(aarch64_text(suite, id_, date), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
