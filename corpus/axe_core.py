"""axe-core, Deque's accessibility checks (MPL-2.0), which tests run in the HTML report: as a PyPI wheel carries it, so that pip alone is needed."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

from corpus.pypi import Wheel, download_wheel
from corpus.recipe import Digest, Recipe, Unavailable

_WHEEL = Wheel(
    "axe_playwright_python-0.1.8-py3-none-any.whl", "fdd263c998388f1a8e67cad02677e612d946248bd44d163be5e8650ea31f95f8"
)
_MEMBER = "axe_playwright_python/axe.min.js"
_SHA256 = "84494fec757e4710dc751c8d7a636e457f4532f08f85c86dc9070133fbff53bc"


def recipes() -> Iterator[Recipe]:
    """The one script, axe-core 4.12.1."""
    yield Recipe("axe-core/axe.min.js", f"accessibility checks; {_WHEEL.requirement}", _script, Digest(_SHA256))


def _script(destination: Path) -> None:
    with zipfile.ZipFile(download_wheel(_WHEEL)) as archive:
        if _MEMBER not in archive.namelist():
            raise Unavailable(f"{_WHEEL.file_name} no longer carries {_MEMBER}")
        destination.write_bytes(archive.read(_MEMBER))
