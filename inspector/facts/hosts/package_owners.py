"""Which package of a system a library belongs to, where its database is plain text: dpkg's and apk's.  rpm's databases are not read."""

from __future__ import annotations

import os
import re

from inspector.facts.hosts.root_directory import RootDirectory
from inspector.patterns import lazy_pattern

_DPKG = "/var/lib/dpkg/info"
_APK = ("/lib/apk/db/installed", "/usr/lib/apk/db/installed")
_LARGEST_DATABASE = 64 << 20
_LIBRARY_LINE = lazy_pattern(rb"^/.*\.so(?:\..*)?$", re.MULTILINE)


def package_owners(root: RootDirectory) -> dict[str, str]:
    """Package by path, of every shared library that the databases name; the first package of a path counts."""
    owners: dict[str, str] = {}
    for name in root.names(_DPKG):
        if name.endswith(".list"):
            content = root.read(f"{_DPKG}/{name}", _LARGEST_DATABASE) or b""
            if b".so" in content:
                package = name.removesuffix(".list").partition(":")[0]
                for line in _LIBRARY_LINE.findall(content):
                    owners.setdefault(os.fsdecode(line), package)
    for database in _APK:
        _read_apk(root.read(database, _LARGEST_DATABASE) or b"", owners)
    return owners


def owner_of(owners: dict[str, str], *paths: str) -> str | None:
    """The package of the first path that one owns; a merged ``/usr`` has the file under ``/usr/lib`` and the database under ``/lib``."""
    for path in paths:
        for written in (path, path.removeprefix("/usr"), f"/usr{path}"):
            if written in owners:
                return owners[written]
    return None


def _read_apk(content: bytes, owners: dict[str, str]) -> None:
    """apk's installed database: lines ``P:package``, ``F:directory``, ``R:file`` (apk-tools, doc/apk.8)."""
    package = directory = ""
    for line in os.fsdecode(content).split("\n"):
        match line[:2]:
            case "P:":
                package = line[2:]
            case "F:":
                directory = line[2:]
            case "R:" if ".so" in line:
                owners.setdefault(f"/{directory}/{line[2:]}", package)
