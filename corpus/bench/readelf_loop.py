"""The glibc and libstdc++ floors of an unpacked tree, found as appimagelint finds them: ``readelf -V`` once per ELF file and check.

Run as ``python -m corpus.bench.readelf_loop TREE``.  Written for the comparison from the description of appimagelint's method; its
mounting of the image, its downloads of distribution data and its other checks are left out, so that the real tool is slower than this.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

CHECKS = {"GLIBC": re.compile(r"Name: GLIBC_([0-9.]+) "), "GLIBCXX": re.compile(r"Name: GLIBCXX_([0-9.]+) ")}


def main(tree: str) -> None:
    """Print the highest version of each namespace that the tree asks for."""
    floors: dict[str, tuple[int, ...]] = {}
    for namespace, pattern in CHECKS.items():
        for directory, _, names in os.walk(tree):
            for name in names:
                path = Path(directory, name)
                if not path.is_symlink() and path.is_file() and _is_elf(path):
                    said = subprocess.run(["readelf", "-V", path], capture_output=True, text=True, check=False).stdout
                    for version in pattern.findall(said):
                        numbers = tuple(map(int, version.split(".")))
                        floors[namespace] = max(floors.get(namespace, ()), numbers)
    for namespace, numbers in floors.items():
        print(namespace, ".".join(map(str, numbers)))


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


if __name__ == "__main__":
    main(sys.argv[1])
