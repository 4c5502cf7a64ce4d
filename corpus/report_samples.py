"""``python -m corpus.report_samples``: pictures of the HTML report about the four Python applications of the corpus, for ``reports/samples/``.

Each application is audited with the program's own command line, and its report is opened in headless Chromium.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import corpus
from corpus.browser import PROGRAMS, Browser, Page, find_browser

DIRECTORY = Path(__file__).resolve().parents[1] / "reports" / "samples"
_MOST_BYTES = 300_000
_CHOOSE = "(() => {{ const field = document.querySelector('#sizes select'); field.value = '{}'; field.dispatchEvent(new Event('change')); }})()"


@dataclass(frozen=True, slots=True)
class Picture:
    """A window onto a report.

    :ivar section: the id of what stands at its top; "" for the top of the page.
    :ivar prepare: JavaScript that is run before, such as a choice of colours.
    """

    name: str
    section: str = ""
    width: int = 1280
    height: int = 1000
    dark: bool = False
    prepare: str = ""


@dataclass(frozen=True, slots=True)
class Stack:
    """An AppImage of the corpus, options of its audit, and the pictures of it."""

    artifact: str
    options: tuple[str, ...]
    pictures: tuple[Picture, ...]


STACKS = (
    Stack("python-runtime", (), (Picture("overview"), Picture("sizes", "sizes", dark=True))),
    Stack("flask-app", (), (Picture("overview", dark=True), Picture("licences", "licences"))),
    Stack(
        "pandas-report",
        (),
        (Picture("overview"), Picture("removable", "sizes", dark=True, prepare=_CHOOSE.format("removable"))),
    ),
    Stack(
        "pyqt5-widgets",
        ("--max-glibc", "2.31"),
        (
            Picture("overview"),
            Picture("findings", "findings", dark=True),
            Picture("sizes", "sizes"),
            Picture(
                "libraries",
                "libraries",
                prepare="(() => { const field = document.querySelector('#library-search'); field.value = 'libQt5Core.so.5';"
                " field.dispatchEvent(new Event('change')); })()",
            ),
            Picture("narrow", width=400, height=1000),
        ),
    ),
)


def main() -> int:
    """Write all pictures; 1 where something is missing here."""
    program = find_browser()
    if program is None:
        print(f"none of {', '.join(PROGRAMS)} is installed", file=sys.stderr)
        return 1
    DIRECTORY.mkdir(exist_ok=True)
    with Browser(program) as browser, tempfile.TemporaryDirectory() as scratch:
        for stack in STACKS:
            try:
                artifact = corpus.artifact(f"{stack.artifact}.AppImage")
            except corpus.Unavailable as reason:
                print(f"{stack.artifact}: {reason}", file=sys.stderr)
                return 1
            report = Path(scratch) / f"{stack.artifact}.html"
            _audit(artifact, report, stack.options)
            for picture in stack.pictures:
                _take(browser, report, picture, DIRECTORY / f"{stack.artifact}-{picture.name}.png")
    return 0


def _audit(artifact: Path, report: Path, options: tuple[str, ...]) -> None:
    """From the artifact's own directory, so that the report has no path of this machine."""
    command = [
        sys.executable,
        "-m",
        "inspector",
        "audit",
        "--isolated",
        "-q",
        artifact.name,
        "-o",
        str(report),
        *options,
    ]
    done = subprocess.run(command, cwd=artifact.parent, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}")


def _take(browser: Browser, report: Path, picture: Picture, target: Path) -> None:
    page: Page
    with browser.open(report, width=picture.width, height=picture.height, dark=picture.dark) as page:
        if picture.prepare:
            page.run(picture.prepare)
        if picture.section:
            page.run(f"document.getElementById('{picture.section}').scrollIntoView({{ behavior: 'instant' }})")
        page.run("new Promise((done) => setTimeout(done, 300))")
        png = page.screenshot()
    if len(png) > _MOST_BYTES:
        raise SystemExit(f"{target.name} has {len(png):,} bytes")
    target.write_bytes(png)
    print(f"{target.name}: {len(png):,} bytes")


if __name__ == "__main__":
    sys.exit(main())
