"""Peers that list Python distributions, on the corpus's applications: ``cyclonedx-py`` (cyclonedx-bom) and ``pip-licenses``.

Both ask an interpreter for its ``sys.path`` and read the metadata there; they are given the Python of an AppDir, and live in a virtual environment of
their own below the corpus's cache. Neither sees a distribution that another vendors, a library, or what is linked statically: what they list has to
be in our list too, what we list beyond it ``tests/corpus/test_license_documents.py`` explains.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.programs import ProgramFailed, run
from corpus.recipe import Unavailable
from corpus.store import cache_directory, locked

_PACKAGES = ("cyclonedx-bom==7.5.0", "pip-licenses==5.5.5")


def normalized_name(name: str) -> str:
    """As PEP 503 compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


@dataclass(frozen=True, slots=True)
class ListedDistribution:
    """What a peer says of one.

    :ivar license: an SPDX identifier or expression where it says one, else "".
    """

    name: str
    version: str
    license: str = ""


def cyclonedx_py(python: Path) -> list[ListedDistribution]:
    """What ``cyclonedx-py environment`` lists for an interpreter; of a licence it says the identifier that it made of the metadata.

    :raises Unavailable: where the peer cannot be installed.
    """
    listed = json.loads(run([_environment(), "-m", "cyclonedx_py", "environment", python]))
    return [
        ListedDistribution(row["name"], row["version"], _stated(row.get("licenses", [])))
        for row in listed["components"]
    ]


def _stated(licenses: list[dict[str, Any]]) -> str:
    if len(licenses) != 1:
        return ""
    expression = licenses[0].get("expression") or licenses[0].get("license", {}).get("id", "")
    return str(expression)


def pip_licenses(python: Path) -> list[ListedDistribution]:
    """What ``pip-licenses`` lists, build tools included; of licences it says the words of the metadata, which are not compared.

    :raises Unavailable: where the peer cannot be installed.
    """
    listed = json.loads(
        run([_environment(), "-m", "piplicenses", "--python", python, "--format", "json", "--with-system"])
    )
    return [ListedDistribution(row["Name"], row["Version"]) for row in listed]


def _environment() -> Path:
    directory = cache_directory() / "licenses" / "distribution-peers"
    python = directory / "bin" / "python"
    with locked("licenses-distribution-peers"):
        if not (directory / "installed").exists():
            try:
                run(["python3", "-m", "venv", directory])
                run([python, "-m", "pip", "install", "--quiet", *_PACKAGES])
            except ProgramFailed as failure:
                raise Unavailable(f"the peers cannot be installed: {str(failure).splitlines()[-1]}") from failure
            (directory / "installed").touch()
    return python
