"""Completion scripts in real shells, and the manual page under real readers of manual pages."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import pytest

from inspector.catalogue import load_rules
from inspector.cli import VERBS
from inspector.cli.command_model import first_sentence, verbs
from inspector.cli.completing import bash, fish, zsh

pytestmark = pytest.mark.peer

# What is typed, and some of what must be offered; everything offered begins with the last word.
TYPED = [
    ("inspect aud", {"audit"}),
    ("inspect ", set(VERBS)),
    ("bundle-inspect comp", {"completion"}),
    ("inspect audit --fail-on w", {"warning"}),
    ("inspect audit --format ", {"json", "sarif", "junit"}),
    ("inspect audit --max-", {"--max-glibc", "--max-size"}),
    ("inspect audit --host debian-1", {"debian-11", "debian-12"}),
    ("inspect explain missing-", {"missing-library"}),
    ("inspect host ", {"capture", "list", "show"}),
    ("inspect host show ubuntu-22.0", {"ubuntu-22.04"}),
    ("inspect completion ", {"bash", "zsh", "fish"}),
    ("inspect slim --level ", {"safe", "moderate", "aggressive"}),
    ("inspect audit My", {"My App.AppImage", "MyApp.AppImage"}),
    ("inspect report My", {"My App.AppImage", "MyApp.AppImage"}),
    ("inspect config --key", {"--keys"}),
]


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for name in ("MyApp.AppImage", "My App.AppImage", "other.txt"):
        (tmp_path / name).touch()
    return tmp_path


def call(*command: str | Path, directory: Path) -> str:
    environment = {**os.environ, "HOME": str(directory), "XDG_CONFIG_HOME": str(directory), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@needs("bash")
def test_bash(directory: Path) -> None:
    (directory / "script").write_text(bash.script(verbs()), "utf-8")
    lines = ["source ./script", 'try() { COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); COMPREPLY=(); _bundle_inspect']
    lines += ["printf '%s\\n' \"${COMPREPLY[@]}\" END; }"]
    lines += ["complete -p inspect bundle-inspect >/dev/null"]
    # bash cuts a line at "=" too (COMP_WORDBREAKS)
    typed = [*TYPED, ("inspect audit --format=js", {"json"}), ("inspect audit --format=", {"sarif", "text"})]
    for line, _ in typed:
        words = " ".join(f"'{word}'" for word in line.replace("=", " = ").split(" "))
        lines.append(f"try {words}".removesuffix(" ''") if line.endswith("=") else f"try {words}")
    answers = call("bash", "--norc", "-c", "\n".join(lines), directory=directory).split("END\n")
    for (line, expected), answer in zip(typed, answers, strict=False):
        offered = {word for word in answer.splitlines() if word}
        assert expected <= offered, line
        start = line.replace("=", " ").rpartition(" ")[2]
        assert all(word.startswith(start) for word in offered), line


@needs("fish")
def test_fish(directory: Path) -> None:
    (directory / "script").write_text(fish.script(verbs()), "utf-8")
    lines = ["source ./script"] + [f"complete -C '{line}'; echo END" for line, _ in TYPED]
    answers = call("fish", "--no-config", "-c", "\n".join(lines), directory=directory).split("END\n")
    for (line, expected), answer in zip(TYPED, answers, strict=False):
        offered = {row.partition("\t")[0].replace("\\ ", " ") for row in answer.splitlines()}
        assert expected <= offered, line
        assert "other.txt" not in offered, line
    assert "audit\twhat a bundle needs" in answers[0]


@needs("zsh")
def test_zsh(directory: Path) -> None:
    """In a terminal, as zsh completes nowhere else: one way is completed, several are listed."""
    (directory / "script").write_text(zsh.script(verbs()), "utf-8")
    with Terminal(directory) as terminal:
        terminal.prepare("autoload -Uz compinit && compinit -D -u && source ./script && LISTMAX=1000")
        for line, expected in TYPED:
            terminal.complete(line, expected)
        assert "other.txt" not in terminal.complete("inspect audit --fail-on ", {"warning"})


class Terminal:
    """An interactive zsh on a pseudo-terminal."""

    def __init__(self, directory: Path) -> None:
        self._process, self._terminal = pty.fork()
        if self._process == 0:
            os.chdir(directory)
            os.environ |= {"TERM": "dumb", "HOME": str(directory), "ZDOTDIR": str(directory), "LC_ALL": "C.UTF-8"}
            os.execvp("zsh", ["zsh", "-f", "-i"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.kill(self._process, 9)
        os.waitpid(self._process, 0)
        os.close(self._terminal)

    def prepare(self, commands: str) -> None:
        os.write(self._terminal, f"stty rows 60 cols 200; PS1=; unset zle_bracketed_paste; {commands}\n".encode())
        self._settle()

    def complete(self, line: str, expected: set[str]) -> str:
        """What the screen shows after the line and a tab, once it shows what is expected; the line is taken back."""
        os.write(self._terminal, f"{line}\t".encode())
        shown = self._read(lambda text: all(word in text for word in expected), line)
        os.write(self._terminal, b"\x15")  # ^U
        self._settle()
        return shown

    def _settle(self) -> None:
        """Wait until everything that was typed has been answered; the word is typed in two halves, so that its echo is not the answer."""
        os.write(self._terminal, b"print -r -- SET''TLED\n")
        self._read(lambda text: "SETTLED" in text, "settle")

    def _read(self, done: Callable[[str], bool], what: str) -> str:
        shown = b""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            ready, _, _ = select.select([self._terminal], [], [], 1)
            if ready:
                shown += os.read(self._terminal, 65536)
                text = shown.decode("utf-8", "replace").replace("\\ ", " ")
                if done(text):
                    return text
        pytest.fail(f"{what}: {shown!r}")


@needs("shellcheck")
def test_the_script_for_bash_is_clean(tmp_path: Path) -> None:
    (tmp_path / "script").write_text(bash.script(verbs()), "utf-8")
    # SC2207 and SC2034 are about style of words that bash itself made
    assert call("shellcheck", "--shell", "bash", "--severity", "warning", tmp_path / "script", directory=tmp_path) == ""


def test_the_verb_prints_what_shells_read(run: Callable) -> None:
    for shell in ("bash", "zsh", "fish"):
        done = run("completion", shell)
        assert done.code == 0
        assert f"made by: inspect completion {shell}" in done.out
    assert run("completion").code == 2
    assert "did you mean zsh?" in run("completion", "zhs").err


# ---- the model -------------------------------------------------------------------------------------------------------------------


def test_the_model_has_every_verb_and_option() -> None:
    model = {verb.name: verb for verb in verbs()}
    assert tuple(model) == tuple(VERBS)
    audit = {name: option for option in model["audit"].options for name in option.names}
    assert audit["-o"].kind == audit["--config"].kind == "files"
    assert audit["-o"].repeated
    assert not audit["--color"].repeated
    assert not audit["--isolated"].takes_value
    (rule,) = model["explain"].operands
    assert set(rule.words) == set(load_rules())
    for verb in model.values():
        assert {"-h", "--help"} <= {name for option in verb.options for name in option.names}, verb.name
        assert all(option.help for option in verb.options)
        assert verb.examples, verb.name
        assert verb.usage.startswith(f"inspect {verb.name}")


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("cap no list", "cap no list"),
        ("auto (default), always or never; auto heeds NO_COLOR", "auto"),
        ("exit 1 where a newer glibc is needed: 2.31", "exit 1 where a newer glibc is needed"),
        ("a " * 60, f"{'a ' * 33}a…"),
    ],
)
def test_first_sentences(text: str, short: str) -> None:
    assert first_sentence(text) == short


# ---- the manual page -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def page(run: Callable, tmp_path: Path) -> Path:
    file = tmp_path / "inspect.1"
    file.write_text(run("manual").out, "utf-8")
    return file


@needs("mandoc")
def test_mandoc_has_nothing_to_say(page: Path) -> None:
    assert call("mandoc", "-T", "lint", "-W", "warning", page, directory=page.parent) == ""


@needs("groff")
def test_groff_has_no_warnings(page: Path) -> None:
    shown = call("groff", "-man", "-ww", "-Tutf8", "-P-cbou", page, directory=page.parent)
    assert "inspect audit PATH... [options]" in shown
    for verb in VERBS:
        assert f"INSPECT {verb.upper()}" in shown


def test_the_page_says_what_the_help_says(page: Path) -> None:
    text = page.read_text("utf-8")
    for verb in verbs():
        for option in verb.options:
            assert rf"\fB{option.names[-1].replace('-', chr(92) + '-')}\fR" in text
    assert all(line.isprintable() for line in text.splitlines())
    for line in text.splitlines():  # a control line is one of ours
        assert not line.startswith("'")
        assert not line.startswith(".") or line.split()[0] in (
            ".TH",
            ".SH",
            ".SS",
            ".TP",
            ".PP",
            ".B",
            ".I",
            ".BR",
            ".nf",
            ".fi",
        )
