"""Package URLs of libraries (https://github.com/package-url/purl-spec): where their project lives, with the release.

``rules/licenses/package_urls.csv`` knows the projects whose home is a host that the specification has a type for; others are ``pkg:generic``.
"""

from __future__ import annotations

import re
from functools import cache
from urllib.parse import quote

from inspector.facts.licensing.library_tables import read_library_table

_TABLE = "licenses/package_urls.csv"


def library_package_url(project: str, version: str | None) -> str:
    """The package URL of a release of a project, by its name in the library catalogue; without a version where none is known."""
    name = re.sub(r"[^a-z0-9.+_-]+", "-", re.sub(r"\([^)]*\)", "", project).strip().lower()).strip("-")
    plain = _package_urls().get(project) or f"pkg:generic/{quote(name, safe='._-') or 'unnamed'}"
    return f"{plain}@{quote(version, safe='.:~_-')}" if version else plain


def python_package_url(name: str, version: str | None) -> str:
    """The package URL of a release on PyPI: names in lower case, underscores as hyphens, as the type "pypi" has it."""
    plain = f"pkg:pypi/{quote(name.lower().replace('_', '-'), safe='.-')}"
    return f"{plain}@{quote(version, safe='.:~_-')}" if version else plain


def javascript_package_url(name: str, version: str | None) -> str:
    """The package URL of a release in npm's registry; a scope is the namespace, its "@" encoded, as the type "npm" has it."""
    plain = f"pkg:npm/{quote(name.lower(), safe='/._~-')}"
    return f"{plain}@{quote(version, safe='.:~_-')}" if version else plain


@cache
def _package_urls() -> dict[str, str]:
    return {project: url for project, url in read_library_table(_TABLE, ["project", "purl"])}  # noqa: C416 - rows are lists
