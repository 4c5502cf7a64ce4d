"""``python -m corpus.licenses.end_of_life PRODUCTS DATE``: the first part of ``rules/end_of_life.toml``, from a dated copy of endoflife.date.

PRODUCTS is the folder ``products`` of https://github.com/endoflife-date/endoflife.date (MIT), DATE that of its last commit.  Each product's front
matter is read for its release cycles and the day on which their support ends; the second part of the file, by hand, is kept as it stands.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from inspector.resources import data_directory

PRODUCTS = {
    "openssl": ("OpenSSL", ["OpenSSL"]),
    "python": ("Python", ["CPython"]),
    "qt": ("Qt", ["Qt", "Qt 4", "Qt 5", "Qt 6", "PyQt5-Qt5", "PyQt6-Qt6", "PySide2", "PySide6*"]),
    "ffmpeg": ("FFmpeg", ["FFmpeg", "libpostproc"]),
    "sqlite": ("SQLite", ["SQLite"]),
    "lua": ("Lua", ["Lua"]),
    "gstreamer": ("GStreamer", ["GStreamer*"]),
    "postgresql": ("PostgreSQL", ["PostgreSQL libpq"]),
    "go": ("Go", ["Go standard library"]),
    "django": ("Django", ["Django"]),
    "numpy": ("NumPy", ["numpy"]),
    "wagtail": ("Wagtail", ["wagtail"]),
    "plone": ("Plone", ["Plone", "Products.CMFPlone"]),
    "electron": ("Electron", ["electron"]),
    "nodejs": ("Node.js", ["Node.js"]),
    "jquery": ("jQuery", ["jquery"]),
    "bootstrap": ("Bootstrap", ["bootstrap"]),
    "angularjs": ("AngularJS", ["angular"]),
    "angular": ("Angular", ["@angular/core"]),
    "vue": ("Vue", ["vue"]),
    "react": ("React", ["react"]),
}
"""File name -> the product's name, and names of components that are it."""

HEAD = """\
# Releases that their makers no longer support, and releases with a known fault that a later one mends.
# Read by inspector/facts/support_periods.py.
#
# [[products]]   components: globs over component names; ended: release cycle -> the first day without support, true where that is not known;
#                supported: cycles whose support goes on without a day that is set
# [[sonames]]    libraries whose soname alone says that they are of an ended cycle
# [[known_old]]  components and the release that mends the fault; only: the releases that have it, where it is not all before
#
# The first part is made by corpus/licenses/end_of_life.py."""
SOURCE = (
    "source = \"https://github.com/endoflife-date/endoflife.date (MIT), which names the makers' own pages; "
    'for the second part the pages that its rows name"'
)

MARK = "# By hand\n"
_FIELD = re.compile(r"\s*(?:- )?(releaseCycle|eol|link):\s*\"?([^\"#\n]*?)\"?\s*(?:#.*)?$")


def cycles(text: str) -> Iterator[tuple[str, str]]:
    """Release cycle and end of support ("2026-09-07", "true", "false") of each entry of a product's front matter."""
    front = text.split("\n---", 1)[0].partition("\nreleases:")[2]
    for entry in re.split(r"\n\s*- (?=releaseCycle)", front)[1:]:
        fields = {found[1]: found[2].strip() for line in entry.splitlines() if (found := _FIELD.match(line))}
        if fields.get("releaseCycle") and fields.get("eol"):
            yield fields["releaseCycle"], fields["eol"]


def main(products: str, date: str) -> None:
    """Write the file."""
    path = data_directory("rules") / "end_of_life.toml"
    kept = path.read_text().partition(MARK)[2] if path.exists() else ""
    lines = [*HEAD.splitlines(), "", f"as_of = {date}", SOURCE]
    for name, (title, components) in PRODUCTS.items():
        found = list(cycles((Path(products) / f"{name}.md").read_text()))
        ended = {cycle: end for cycle, end in found if end != "false"}
        supported = [cycle for cycle, end in found if end == "false"]
        lines += ["", "[[products]]", f'name = "{title}"', f'url = "https://endoflife.date/{name}"']
        lines.append(f"components = [{', '.join(f'{chr(34)}{each}{chr(34)}' for each in components)}]")
        if supported:
            lines.append(f"supported = [{', '.join(f'{chr(34)}{each}{chr(34)}' for each in supported)}]")
        lines.append("[products.ended]")
        lines += [f'"{cycle}" = {end}' for cycle, end in ended.items()]
    path.write_text("\n".join(lines) + f"\n\n{MARK}{kept}")
    print(f"{len(PRODUCTS)} products")


if __name__ == "__main__":
    main(*sys.argv[1:])
