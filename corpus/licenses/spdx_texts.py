"""``python -m corpus.licenses.spdx_texts SPDX_FULL_JSON EXCEPTIONS_DIRECTORY``: makes ``rules/licenses/texts/`` from two copies of one list.

The licences' texts come from the npm package ``spdx-license-list`` (``npm pack spdx-license-list@6.12.0``, its ``spdx-full.json``), which is CC0-1.0;
it has no exceptions. Those come from the crate ``spdx`` (github.com/EmbarkStudios/spdx at tag 0.13.4, ``src/text/exceptions``), where each text is a
raw string of Rust. Both copies are of release 3.28.0 of https://github.com/spdx/license-list-data, whose data are CC0-1.0.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import re
import sys
from pathlib import Path

from inspector.resources import data_directory

LIST_VERSION, LIST_DATE = "3.28.0", "2026-02-20"

_RAW_STRING = re.compile(r'r(#+)"(.*)"\1\s*', re.DOTALL)  # Rust reference, "Raw string literals"


def read_exceptions(directory: Path) -> dict[str, str]:
    """Identifier and text of every exception in the crate's folder."""
    found = {}
    for path in sorted(directory.iterdir()):
        literal = _RAW_STRING.fullmatch(path.read_text("utf-8"))
        if literal is None:
            raise SystemExit(f"{path} is not one raw string")
        found[path.name] = literal[2]
    return found


def pack(licenses: dict[str, str], exceptions: dict[str, str]) -> bytes:
    """The compressed document: each distinct text once, identifiers as indexes into them."""
    texts: list[str] = []
    places: dict[str, int] = {}

    def index(text: str) -> int:
        cleaned = "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").strip("\n").split("\n")) + "\n"
        if cleaned not in places:
            places[cleaned] = len(texts)
            texts.append(cleaned)
        return places[cleaned]

    document = {
        "licenses": {identifier: index(licenses[identifier]) for identifier in sorted(licenses)},
        "exceptions": {identifier: index(exceptions[identifier]) for identifier in sorted(exceptions)},
        "texts": texts,
    }
    return lzma.compress(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(), preset=9)


def main(licenses_json: str, exceptions_directory: str) -> None:
    """Write both files."""
    listed = json.loads(Path(licenses_json).read_text("utf-8"))
    licenses = {identifier: entry["licenseText"] for identifier, entry in listed.items()}
    exceptions = read_exceptions(Path(exceptions_directory))
    packed = pack(licenses, exceptions)
    directory = data_directory("rules") / "licenses" / "texts"
    directory.mkdir(exist_ok=True)
    (directory / "spdx.json.xz").write_bytes(packed)
    (directory / "spdx.toml").write_text(
        "# The texts of the SPDX License List, in spdx.json.xz. Made by corpus/licenses/spdx_texts.py; "
        "read by inspector/facts/licensing/spdx_texts.py.\n"
        f'list_version = "{LIST_VERSION}"\nas_of = {LIST_DATE}\n'
        'source = "https://github.com/spdx/license-list-data/tree/v3.28.0 (CC0-1.0): licences through the npm package spdx-license-list 6.12.0 '
        '(CC0-1.0), exceptions through the crate spdx 0.13.4"\n'
        f"licenses = {len(licenses)}\nexceptions = {len(exceptions)}\n"
        f'sha256 = "{hashlib.sha256(packed).hexdigest()}"\n'
    )
    print(f"{len(licenses)} licences, {len(exceptions)} exceptions, {len(packed):,} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
