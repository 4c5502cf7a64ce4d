"""The documentation: every output in it is the program's own, and mkdocs builds it without a dead link.

A page with ``<!-- session: ARTIFACT -->`` is run from top to bottom in a directory that has the corpus artifacts: a block behind
``<!-- file: NAME -->`` is written as a file, a block behind ``<!-- output of: COMMAND -->`` is compared with what the command prints.
Numbers may differ, as what is made of Debian's packages changes with their updates; a "session of this machine" has an artifact that the
machine's own Python shapes, and is compared only where ``--heavy`` asks for it.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
DOCS = CHECKOUT / "docs"
BLOCK = re.compile(
    r"<!-- (?P<kind>output of|file): (?P<what>.+?) -->\n```\w*\n(?P<text>.*?)```\n(?:<!-- end -->)?", re.DOTALL
)
SESSION = re.compile(r"<!-- session(?: of this machine)?: (.+?) -->")
PAGES = sorted(DOCS.rglob("*.md"))


def _without_numbers(text: str) -> str:
    return " ".join(re.sub(r"\d[\d.,]*", "#", text).split())


def _page(page: Path) -> object:
    text = page.read_text(encoding="utf-8")
    asked_for = "<!-- session: pandas" in text or "<!-- session of this machine" in text
    marks = [pytest.mark.corpus, *([pytest.mark.heavy] if asked_for else [])]
    return pytest.param(page, marks=marks, id=page.stem)


@pytest.mark.parametrize("page", [_page(page) for page in PAGES if "<!-- output of:" in page.read_text("utf-8")])
def test_outputs_are_the_program_s(
    page: Path, run, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = page.read_text(encoding="utf-8")
    session = SESSION.search(text)
    for name in session[1].split() if session is not None else ():
        artifact = _artifact(name)
        (tmp_path / artifact.name).symlink_to(artifact)
    monkeypatch.chdir(tmp_path)
    run("--version")  # takes what building the artifacts has printed
    written, end = "", 0
    for block in BLOCK.finditer(text):
        if block["kind"] == "file":
            (tmp_path / block["what"]).write_text(block["text"], encoding="utf-8")
            continue
        program, *arguments = shlex.split(block["what"])
        assert program == "inspect"
        done = run(*arguments)
        assert done.code in (0, 1, 2), done.err
        printed = (done.out + done.err).replace(f"{tmp_path}/", "")
        if not request.config.getoption("--update-golden"):
            assert _without_numbers(printed) == _without_numbers(block["text"]), block["what"]
        written += text[end : block.start("text")] + printed
        end = block.end("text")
    written += text[end:]
    if request.config.getoption("--update-golden") and _without_numbers(written) != _without_numbers(text):
        page.write_text(written, encoding="utf-8")


def test_it_builds_without_a_dead_link(tmp_path: Path) -> None:
    pytest.importorskip("material", reason="mkdocs-material is not installed")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "site/reference/rules/missing-library/index.html").is_file()
    assert (tmp_path / "site/reference/formats/pyinstaller-program/index.html").is_file()


def _artifact(name: str) -> Path:
    corpus = pytest.importorskip("corpus", reason="the corpus is not beside this checkout")
    try:
        return Path(corpus.artifact(name))
    except corpus.Unavailable as reason:
        pytest.skip(f"{name} cannot be built here: {reason}")
