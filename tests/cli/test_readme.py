"""The README shows what the program prints: each block after ``<!-- output of: COMMAND -->`` is compared with the command's output."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[2] / "README.md"
BLOCK = re.compile(r"(<!-- output of: (?P<command>.+?) -->\n```\n)(?P<output>.*?)(```\n<!-- end -->)", re.DOTALL)


def _artifact_name(words: list[str]) -> str | None:
    """The artifact that a command looks at, where it is a real one."""
    return next((word for word in words if word.endswith(".AppImage")), None)


COMMANDS = [
    pytest.param(match["command"], marks=[pytest.mark.corpus] if _artifact_name(match["command"].split()) else [])
    for match in BLOCK.finditer(README.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("command", COMMANDS)
def test_blocks_of_the_readme(
    command: str, run, same_as_golden, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A command that ends with ``2>&1`` shows what it says on stderr, which is all where its report goes to a file."""
    program, *arguments = shlex.split(command.removesuffix(" 2>&1"))
    assert program == "inspect"
    name = _artifact_name(arguments)
    if name:
        (tmp_path / name).symlink_to(_artifact(name))
        monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert done.code in (0, 1), done.err
    shown = done.err + done.out if command.endswith(" 2>&1") else done.out
    text = README.read_text(encoding="utf-8")

    def with_output(match: re.Match[str]) -> str:
        return match[1] + shown + match[4] if match["command"] == command else match[0]

    same_as_golden(README, BLOCK.sub(with_output, text))


def test_the_first_commands_are_those_of_a_fresh_machine() -> None:
    head = README.read_text(encoding="utf-8").split("\n")[:8]
    assert any(line.startswith("./bootstrap demo") for line in head)
    assert any(line.startswith("./bootstrap test") for line in head)
    assert README.with_name("bootstrap").stat().st_mode & 0o111


def _artifact(file_name: str) -> Path:
    corpus = pytest.importorskip("corpus", reason="the corpus is not beside this checkout")
    try:
        return Path(corpus.artifact(f"libappimage/{file_name}"))
    except corpus.Unavailable as reason:
        pytest.skip(f"{file_name} cannot be built here: {reason}")
