"""``python -m corpus.licenses.derived_tables``: two tables of ``rules/licenses`` that follow from the packages that were read.

``file_name_versions.toml``: of which libraries the version in the file name is the project's release. For most it is not: libtool's numbers count
interfaces. A library is listed where both are equal in every release of Debian that was read, and either the number changed between releases or it
has at least three parts, so that equality is no accident.

``package_urls.csv``: where a project lives, as a package URL (https://github.com/package-url/purl-spec), from the Homepage of its source package;
only hosts that the specification has a type for.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterator

from corpus.licenses.catalogue import AS_OF, chosen_packages, make_rows
from corpus.licenses.copyright_rows import RELEASES
from corpus.licenses.packages import LibraryPackage, read_packages
from corpus.licenses.population import read_index
from inspector.resources import data_directory

_FILE_NAME = re.compile(r"(lib.+?)(?:\.so\.|-(?=\d[\d.]*\.so))(\d+(?:\.\d+)+)(?:\.so(?:\..*)?)?")
_COMPARED = ("trixie", "bookworm")  # Debian 11 has several versions of some projects side by side
_OLDEST_FIRST = ("bullseye", "bookworm", "trixie", "trixie+non-free", "sid", "experimental")
_FORGE = re.compile(r"https?://(?:www\.)?(github|bitbucket)\.(?:com|org)/([^/\s]+)/([^/\s#?]+)/?")


def upstream_version(version: str) -> str:
    """Upstream's part of a Debian version, without epoch, revision and what repackaging adds (Policy 5.6.12)."""
    plain = re.sub(r"^\d+:", "", version)
    plain = plain.rpartition("-")[0] or plain
    plain = re.sub(r"[+~].*$", "", plain)
    return re.sub(r"\.(?:dfsg|ds|orig)\.?\d*$", "", plain)


def release_libraries() -> list[str]:
    """Names before ".so" of libraries whose file name has the release's version."""
    seen: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
    for release, package in _packages():
        for path, _ in package.libraries:
            match = _FILE_NAME.fullmatch(path.rpartition("/")[2])
            if match is not None:
                seen[match[1]][release] = (_short(match[2]), _short(upstream_version(package.version)))
    found = []
    for stem, pairs in seen.items():
        equal = all(named == released for named, released in pairs.values())
        changed = len({named for named, _ in pairs.values()}) > 1
        if equal and (changed or all(named.count(".") >= 2 for named, _ in pairs.values())):
            found.append(stem)
    return sorted(found)


def _short(version: str) -> str:
    return re.sub(r"(?:\.0)+$", "", version)


def _packages() -> Iterator[tuple[str, LibraryPackage]]:
    for release in _COMPARED:
        index = read_index(release)
        for package in read_packages(chosen_packages(index), release):
            yield release, package


def package_urls() -> dict[str, str]:
    """Package URLs by project, for the projects of both tables of libraries."""
    homepages: dict[str, str] = {}
    sources: dict[str, str] = {}
    for release in sorted(RELEASES, key=_OLDEST_FIRST.index):
        for package in read_index(release).values():
            sources[package.name] = package.source
            # Projects move; and where a newer release names a page of another kind, the older one's repository is still known.
            if _FORGE.fullmatch(package.homepage):
                homepages[package.source] = package.homepage
    projects = {row.project: row.source_package for row in make_rows()}
    with (data_directory("rules") / "licenses/libraries.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(line for line in stream if not line.startswith("#")):
            projects.setdefault(row["project"], sources.get(row["debian_package"], ""))
    found = {}
    for project, source in projects.items():
        match = _FORGE.fullmatch(homepages.get(source, ""))
        if match is not None:
            found[project] = f"pkg:{match[1]}/{match[2].lower()}/{match[3].removesuffix('.git').lower()}"
    return found


def main() -> None:
    """Write both tables."""
    directory = data_directory("rules") / "licenses"
    stems = release_libraries()
    lines = [
        '# Libraries whose file name carries the release of the project (libz.so.1.3.1), by the name before ".so"; other numbers count interfaces.',
        "# Made by corpus/licenses/derived_tables.py; read by inspector/facts/licensing/library_versions.py.",
        "",
        f"as_of = {AS_OF}",
        'source = "file names and versions of the library packages of Debian 12 and 13: equal in both, and not by accident"',
        "",
        "release = [",
        *[f'  "{stem}",' for stem in stems],
        "]",
    ]
    (directory / "file_name_versions.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    urls = package_urls()
    with (directory / "package_urls.csv").open("w", encoding="utf-8", newline="") as stream:
        stream.write(
            "# Where projects of the library catalogue live, as package URLs without version. Made by corpus/licenses/derived_tables.py.\n"
        )
        stream.write(f"# as_of = {AS_OF}\n")
        stream.write(
            "# source = the Homepage fields of the source packages of Debian 11, 12, 13, sid and experimental\n"
        )
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["project", "purl"])
        writer.writerows(sorted(urls.items()))
    print(f"file_name_versions.toml: {len(stems)} libraries; package_urls.csv: {len(urls)} projects")


if __name__ == "__main__":
    main()
