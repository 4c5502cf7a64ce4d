"""Write ``rules/hosts/<arch>/<id>.toml`` from measured version sets: ``python -m corpus.hosts.make_profiles MEASURED``.

``MEASURED`` is a directory ``<arch>/<distribution>.json`` in the form of pep600_compliance's cache (MIT licence): per distribution the version
names that its libraries define, one list for a namespace.  Such a list is the union over all libraries of glibc, and a loader asks one library;
``glibc_versions.toml`` splits it again.  Debian is measured here and not taken from there: :mod:`corpus.hosts.debian_profiles`.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from inspector.facts.hosts.profile_file import expand_versions
from inspector.facts.hosts.profile_schema import SCHEMA
from inspector.facts.hosts.profile_writing import quoted

HERE = Path(__file__).resolve().parent
HOSTS = HERE.parents[1] / "rules/hosts"
AS_OF = "2026-08-22"
MEASURED_SOURCE = "pep600_compliance 2d70275 (2026-08-08), MIT, see rules/hosts/NOTICE.md"

LOADERS = {"x86_64": "ld-linux-x86-64.so.2", "aarch64": "ld-linux-aarch64.so.1"}
MEASURED_NAMES = {
    "arch": "archlinux-latest",
    "opensuse-leap-15.6": "opensuse-15.6",
    "opensuse-leap-16.0": "opensuse-16.0",
    "amazon-linux-2": "amazonlinux-2",
    "amazon-linux-2023": "amazonlinux-2023",
    "rhel-8": "rhubi-8",
    "rhel-9": "rhubi-9",
    "rhel-10": "rhubi-10",
}
"""Where the measured file is called otherwise than the profile."""

MUSL = {
    "3.16": "1.2.3", "3.17": "1.2.3", "3.18": "1.2.4", "3.19": "1.2.4", "3.20": "1.2.5", "3.21": "1.2.5", "3.22": "1.2.5", "3.23": "1.2.5",
    "3.24": "1.2.5",
}  # fmt: skip


_NOT_IN_EVERY_GLIBC = (
    "libgcc_s", "libstdc++", "libatomic", "libz.", "libnsl", "libcrypt", "libnss_hesiod", "libc_malloc_debug", "libSegFault",
)  # fmt: skip
"""What is no part of glibc's main package, or is not on some distribution."""


def isa_level(id_: str) -> int:
    """The x86-64 level that a distribution's packages are built for."""
    if id_ in ("rhel-9", "opensuse-leap-16.0", "amazon-linux-2023"):
        return 2
    return 3 if id_ == "rhel-10" else 1


def page_sizes(id_: str, arch: str) -> list[int]:
    """Bytes, of the kernels that the distribution installs."""
    if arch == "aarch64" and id_ in ("centos-7", "rhel-8"):
        return [65536]
    return [4096]


def split_glibc(union: Iterable[str], arch: str, version: str) -> dict[str, list[str]]:
    """The version definitions of each library of glibc.

    :param union: full names, of all libraries together.
    """
    reference = tomllib.loads((HERE / "glibc_versions.toml").read_text(encoding="utf-8"))[arch]
    known_names: set[str] = set()
    have = set(union)
    merged = tuple(map(int, version.split("."))) >= (2, 34)
    split: dict[str, list[str]] = {}
    for library, text in reference["from_2_34" if merged else "before_2_34"].items():
        names = list(expand_versions(text))
        known_names.update(names)
        kept = [name for name in names if name in have or name == "GLIBC_PRIVATE"]
        if kept and (kept != ["GLIBC_PRIVATE"] or names == ["GLIBC_PRIVATE"]):
            split[library] = kept
    later = [
        name for name in union if name not in known_names and name != "GLIBC_2.0"
    ]  # that one is libgcc_s's, on aarch64
    for library in (
        "libc.so.6",
        "libm.so.6",
    ):  # a release newer than the reference: these two have grown in every release since 2.38
        numbers = [name for name in later if name.removeprefix("GLIBC_")[0].isdigit()]
        split[library] = sorted(split[library] + numbers, key=order)
    markers = [name for name in later if not name.removeprefix("GLIBC_")[0].isdigit()]
    split["libc.so.6"] = sorted(split["libc.so.6"] + markers, key=order)
    return split


def order(name: str) -> tuple[int, str, list[int]]:
    """Sort key of version names: numbered ones by namespace and number, markers behind them."""
    namespace, _, tail = name.rpartition("_")
    if re.fullmatch(r"\d+(?:\.\d+)*", tail):
        return 0, namespace, [int(part) for part in tail.split(".")]
    return 1, name, []


def carried(names: Sequence[str]) -> str:
    """Version names as a profile writes them, the inverse of :func:`inspector.facts.hosts.profile_file.expand_versions`."""
    words: list[str] = []
    namespace = ""
    for name in names:
        head, mark, tail = name.rpartition("_")
        if name[0] in "0123456789=":
            words.append(f"={name}")
        elif tail[:1].isdigit():
            words.append(tail if head + mark == namespace else name)
            namespace = head + mark
        else:
            words.append(name)
    return " ".join(words)


Rows = dict[str, dict[str, list[tuple[str, str]]]]
"""``{basis: {presence: [(package, soname)]}}``."""


def _add(rows: Rows, basis: str, presence: str, package: str, *names: str) -> None:
    rows[basis].setdefault(presence, []).extend((package, name) for name in names)


def presence_of(id_: str, arch: str, libraries: Sequence[str]) -> Rows:
    """Where the libraries of a release are of which only version sets were measured.

    :param libraries: those of glibc's main package.
    """
    family, number = _family(id_)
    rows: Rows = {"measured": {}, "assumed": {}}
    debian_like = family in ("ubuntu", "debian")
    # the container that was measured had them, and the package is a part of every installation
    _add(rows, "measured", "minimal", "libc6" if debian_like else "glibc", *libraries)
    if "libmvec.so.1" not in libraries and arch == "x86_64":
        _add(rows, "measured", "absent", "-", "libmvec.so.1")  # glibc has it from 2.22 on
    if debian_like:
        libgcc, libstdcxx, libatomic = "libgcc-s1" if number >= 20 else "libgcc1", "libstdc++6", "libatomic1"
    elif family.startswith("opensuse"):
        libgcc, libstdcxx, libatomic = "libgcc_s1", "libstdc++6", "libatomic1"
    else:
        libgcc, libstdcxx, libatomic = ("gcc-libs",) * 3 if family == "arch" else ("libgcc", "libstdc++", "libatomic")
    _add(rows, "assumed", "minimal", libgcc, "libgcc_s.so.1")
    _add(rows, "assumed", "desktop", libstdcxx, "libstdc++.so.6")
    if debian_like or family == "arch":
        # Debian's desktop has it in every release that was measured; whether others bring it nobody measured, and so they do not name it
        _add(rows, "assumed", "desktop", libatomic, "libatomic.so.1")
    zlib = "zlib1g" if debian_like else "libz1" if family.startswith("opensuse") else "zlib"
    _add(rows, "assumed", "desktop", "zlib-ng-compat" if family == "fedora" or id_ == "rhel-10" else zlib, "libz.so.1")
    _add_left_glibc(rows, id_)
    openssl = _openssl(family, number, id_)
    if openssl is not None:
        # Debian's smallest installation has no OpenSSL; Red Hat's rpm and Arch's pacman need it
        _add(rows, "assumed", "desktop" if debian_like else "minimal", *openssl)
    tinfo = _tinfo(family, id_, number)
    if tinfo is not None:
        _add(rows, "assumed", "minimal", *tinfo)
    fuse2 = _libfuse2(family, number)
    if fuse2 is not None:
        _add(rows, "assumed", *fuse2, "libfuse.so.2")
    return rows


def _family(id_: str) -> tuple[str, float]:
    """Distribution and release number; 0 where it has none."""
    family, _, version = id_.rpartition("-")
    return (family, float(version)) if re.fullmatch(r"[\d.]+", version) else (id_, 0.0)


def _add_left_glibc(rows: Rows, id_: str) -> None:
    """libcrypt and libnsl, which distributions moved out of glibc's package or dropped."""
    family, number = _family(id_)
    if family in ("ubuntu", "debian"):
        _add(rows, "assumed", "minimal", "libcrypt1" if number >= 20 else "libc6", "libcrypt.so.1")
        _add(rows, "assumed", "minimal", "libc6", "libnsl.so.1")
    elif id_ in ("centos-7", "amazon-linux-2"):
        _add(rows, "assumed", "minimal", "glibc", "libcrypt.so.1", "libnsl.so.1")
    elif id_ == "rhel-8":
        _add(rows, "assumed", "minimal", "libxcrypt", "libcrypt.so.1")
        _add(rows, "assumed", "package", "libnsl", "libnsl.so.1")
    elif family in ("rhel", "fedora", "amazon-linux", "arch"):
        _add(rows, "assumed", "minimal", "libxcrypt", "libcrypt.so.2")
        _add(rows, "assumed", "package", "libxcrypt-compat", "libcrypt.so.1")
        _add(rows, "assumed", "package", "libnsl", "libnsl.so.1")
    elif id_ in ("opensuse-leap-16.0", "opensuse-tumbleweed"):
        _add(
            rows, "measured", "package", "libnsl1", "libnsl.so.1"
        )  # pep600_compliance's README: not there on these two


def _tinfo(family: str, id_: str, number: float) -> tuple[str, str] | None:
    if family == "ubuntu":
        return ("libtinfo6", "libtinfo.so.6") if number >= 20 else ("libtinfo5", "libtinfo.so.5")
    if id_ in ("centos-7", "amazon-linux-2"):
        return ("ncurses-libs", "libtinfo.so.5") if id_ == "centos-7" else None
    if family in ("rhel", "fedora", "amazon-linux", "arch"):
        return "ncurses" if family == "arch" else "ncurses-libs", "libtinfo.so.6"
    return None


def _openssl(family: str, number: float, id_: str) -> tuple[str, str, str] | None:
    if family == "ubuntu":
        if number < 18:
            return "libssl1.0.0", "libssl.so.1.0.0", "libcrypto.so.1.0.0"
        if number < 22:
            return "libssl1.1", "libssl.so.1.1", "libcrypto.so.1.1"
        return "libssl3" if number < 24 else "libssl3t64", "libssl.so.3", "libcrypto.so.3"
    if id_ == "debian-10":
        return "libssl1.1", "libssl.so.1.1", "libcrypto.so.1.1"
    if id_ in ("centos-7", "amazon-linux-2"):
        return "openssl-libs", "libssl.so.10", "libcrypto.so.10"
    if id_ == "rhel-8":
        return "openssl-libs", "libssl.so.1.1", "libcrypto.so.1.1"
    if family in ("rhel", "fedora", "amazon-linux"):
        return "openssl-libs", "libssl.so.3", "libcrypto.so.3"
    if family == "arch":
        return "openssl", "libssl.so.3", "libcrypto.so.3"
    return None


def _libfuse2(family: str, number: float) -> tuple[str, str] | None:
    """Presence and package of libfuse.so.2."""
    if family in ("ubuntu", "debian"):
        if number < 22:
            return "desktop", "libfuse2"
        return "package", "libfuse2" if number < 24 else "libfuse2t64"
    if family == "centos":
        return "desktop", "fuse-libs"
    if family in ("rhel", "fedora"):
        return "package", "fuse-libs"
    return ("package", "fuse2") if family == "arch" else None


def programs_of(id_: str) -> dict[str, str]:
    """Presence of the set-user-ID helpers that static AppImage runtimes call."""
    family, _, version = id_.rpartition("-")
    if family == "ubuntu":
        old = float(version) < 22
        return {"fusermount": "desktop"} if old else {"fusermount": "desktop", "fusermount3": "desktop"}
    if id_ in ("centos-7", "debian-10"):
        return {"fusermount": "desktop"}
    if id_ == "arch":
        return {"fusermount3": "desktop"}
    return {}


def versions_of(measured: Mapping[str, Any], arch: str) -> dict[str, list[str]]:
    """Version definitions by soname."""
    sets = {name: [f"{name}_{tail}" for tail in tails] for name, tails in measured["symbols"].items()}
    versions = split_glibc(sets["GLIBC"], arch, measured["glibc_version"])
    versions["libgcc_s.so.1"] = (["GLIBC_2.0"] if "GLIBC_2.0" in sets["GLIBC"] else []) + sets["GCC"]
    versions["libstdc++.so.6"] = [*sets["GLIBCXX"], *sets["CXXABI"]]
    if "LIBATOMIC" in sets:
        versions["libatomic.so.1"] = sets["LIBATOMIC"]
    versions["libz.so.1"] = sets["ZLIB"]
    return versions


def profile_text(id_: str, arch: str, measured: Mapping[str, Any]) -> str:
    """The profile of a release of which version sets were measured."""
    versions = versions_of(measured, arch)
    libraries = [name for name in versions if not name.startswith(_NOT_IN_EVERY_GLIBC)]
    rows = presence_of(id_, arch, libraries)
    listed = {name for table in rows.values() for pairs in table.values() for _, name in pairs}
    lines = _head(id_, arch, "glibc", measured["glibc_version"], "measured")
    lines += _sources(
        {
            "versions": f"{MEASURED_SOURCE}; GLIBC_* of a namespace split over glibc's libraries by corpus/hosts/glibc_versions.toml",
            "exports": MEASURED_SOURCE,
            "measured": "the main package of glibc, which every installation has; the versions were read from its files",
            "assumed": "general knowledge of the distribution: where a library is was not measured, its versions were where [versions] has them",
            "programs": "general knowledge of the distribution, not measured",
            "isa_level": "general knowledge of the distribution, not measured",
        }
    )
    programs = programs_of(id_)
    if programs:
        lines += ["", "[programs]", *(f"{name} = {quoted(presence)}" for name, presence in programs.items())]
    lines += tables(rows)
    lines += ["", "[versions]"]
    lines += [f"{quoted(name)} = {quoted(carried(names))}" for name, names in versions.items() if name in listed]
    lines += ["", "[exports]", f"'libz.so.1' = {quoted(' '.join(measured['libz.so.1']))}"]
    return "\n".join(lines) + "\n"


def musl_text(id_: str, arch: str) -> str:
    """The profile of an Alpine release: little is known, and nothing measured."""
    lines = _head(id_, arch, "musl", MUSL[id_.rpartition("-")[2]], "assumed")
    note = "; of 3.24 only that it is not older than 3.23's" if id_ == "alpine-3.24" else ""
    lines += _sources(
        {
            "libc_version": f"general knowledge of Alpine's package musl, not measured{note}",
            "assumed": "general knowledge of Alpine, not measured",
        }
    )
    rows = {
        "assumed": {
            "minimal": [
                ("musl", f"libc.musl-{arch}.so.1"), ("musl", f"ld-musl-{arch}.so.1"), ("zlib", "libz.so.1"),
            ],
            "desktop": [("libgcc", "libgcc_s.so.1"), ("libstdc++", "libstdc++.so.6")],
            "package": [("gcompat", LOADERS[arch]), ("fuse", "libfuse.so.2")],
        }
    }  # fmt: skip
    return "\n".join([*lines, *tables(rows)]) + "\n"


def _head(id_: str, arch: str, libc: str, version: str, basis: str) -> list[str]:
    lines = [f"schema = {quoted(SCHEMA)}", f"id = {quoted(id_)}", f"arch = {quoted(arch)}", f"as_of = {AS_OF}"]
    lines += [f"libc = {quoted(libc)}", f"libc_version = {quoted(version)}", f"basis = {quoted(basis)}"]
    if arch == "x86_64":
        lines.append(f"isa_level = {isa_level(id_)}")
    lines.append(f"page_sizes = {page_sizes(id_, arch)}")
    return lines


def _sources(sources: Mapping[str, str]) -> list[str]:
    return ["", "[sources]", *(f"{name} = {quoted(text)}" for name, text in sources.items())]


def tables(rows: Mapping[str, Mapping[str, Sequence[tuple[str, str]]]]) -> list[str]:
    """The lines of ``[measured]`` and ``[assumed]``."""
    lines: list[str] = []
    for basis, table in rows.items():
        if not table:
            continue
        lines += ["", f"[{basis}]"]
        for presence in ("minimal", "desktop", "package", "absent"):
            by_package: dict[str, list[str]] = {}
            for package, name in table.get(presence, ()):
                by_package.setdefault(package, []).append(name)
            if by_package:
                texts = [f"{package}: {' '.join(names)}" for package, names in sorted(by_package.items())]
                lines += [f"{presence} = '''", *texts, "'''"]
    return lines


def main(arguments: Sequence[str]) -> None:
    """Write every profile that a measured file is there for, and Alpine's."""
    measured = Path(arguments[0])
    releases = tomllib.loads((HOSTS / "releases.toml").read_text(encoding="utf-8"))["release"]
    for arch in LOADERS:
        (HOSTS / arch).mkdir(parents=True, exist_ok=True)
        for id_, row in releases.items():
            if row.get("libc") == "musl":
                text = musl_text(id_, arch)
            elif id_.startswith("debian-") and id_ != "debian-10":
                continue  # corpus.hosts.debian_profiles measures them
            else:
                path = measured / arch / f"{MEASURED_NAMES.get(id_, id_)}.json"
                if not path.is_file():
                    continue
                text = profile_text(id_, arch, json.loads(path.read_text(encoding="utf-8")))
            (HOSTS / arch / f"{id_}.toml").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
