"""The program's frame: help, version, mistakes in usage, last resort."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

import inspector
from inspector.cli import VERBS
from inspector.errors import InstallationError, NothingInspected
from inspector.render.registry import FORMATS

HEAVY = {
    "argparse", "auditwheel", "dataclasses", "difflib", "elftools", "importlib.metadata", "inspect", "inspector.cli.parser", "json", "lief",
    "logging", "msgspec", "packaging", "rich", "tempfile", "tomllib", "typing_extensions",
}  # fmt: skip


def modules_after(*arguments: str) -> set[str]:
    """Modules that a run of the program leaves in ``sys.modules`` beyond those of a bare interpreter."""
    program = (
        "import sys; before = set(sys.modules)\nfrom inspector.cli import main\n"
        "try: main({})\nexcept SystemExit: pass\n"
        "sys.stderr.write(' '.join(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program.format(list(arguments))], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


def test_version_imports_nothing_heavy() -> None:
    loaded = modules_after("--version")
    assert "inspector.cli" in loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize(
    "arguments", [["--help"], ["audit", "--help"], ["why", "--help"], ["rules", "--help"], ["explain", "--help"]]
)
def test_help_imports_no_library(arguments: list[str]) -> None:
    loaded = modules_after(*arguments)
    assert "inspector.cli.parser" in loaded
    assert not loaded & {"auditwheel", "elftools", "lief", "msgspec", "packaging", "rich", "tempfile", "tomllib"}


@pytest.mark.timed
def test_version_costs_at_most_five_times_a_bare_interpreter() -> None:
    def best(*command: str) -> float:
        times = []
        for _ in range(9):
            start = time.perf_counter()
            subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
            times.append(time.perf_counter() - start)
        return min(times)

    assert best("-m", "inspector", "--version") <= 5 * best("-c", "pass")


def test_version(run) -> None:
    done = run("--version")
    assert (done.code, done.out, done.err) == (0, f"inspect {inspector.__version__} (bundle-inspect)\n", "")


def test_help_names_every_verb_and_every_exit_code(run) -> None:
    done = run("--help")
    assert done.code == 0
    for verb, summary in VERBS.items():
        assert f"  {verb}" in done.out
        assert summary in done.out
    assert all(word in done.out for word in ("0  passed", "1  ", "2  ", "3  ", "4  ", "70 "))
    assert max(map(len, done.out.split("\n"))) <= 80
    assert run("help").out == run("-h").out == done.out


def test_no_arguments_is_wrong_usage_with_help(run) -> None:
    done = run()
    assert done.code == 2
    assert "usage: inspect VERB" in done.out


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb_has_groups_and_examples(run, verb: str) -> None:
    done = run(verb, "--help")
    assert done.code == 0
    assert done.out.startswith(f"usage: inspect {verb}")
    assert "examples:" in done.out
    assert done.out.count(":\n") >= 3
    assert max(map(len, done.out.split("\n"))) <= 80
    assert run("help", verb).out == done.out


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (["aduit", "x"], "there is no verb aduit", "did you mean audit?"),
        (["xyzzy"], "there is no verb xyzzy", f"there are {', '.join(VERBS)}; see inspect --help"),
        (["MyApp.AppImage"], "MyApp.AppImage is not a verb", "to audit a file: inspect audit MyApp.AppImage"),
        (
            ["-v", "audit"],
            "-v stands before the verb, or is not known",
            "options follow the verb: inspect audit MyApp.AppImage -v",
        ),
        (["audit", "x", "--fromat", "json"], "inspect audit has no option --fromat", "did you mean --format?"),
        (["audit", "x", "--zzz=1"], "inspect audit has no option --zzz", "inspect audit --help"),
        (
            ["audit", "x", "--format", "jsno"],
            f"--format: 'jsno' is none of {', '.join(FORMATS)}; did you mean json?",
            "inspect audit --help",
        ),
        (
            ["audit", "x", "--fail-on", "errors"],
            "--fail-on: 'errors' is none of error, warning, info, never; did you mean error?",
            None,
        ),
        (["audit", "x", "-o"], "-o/--output: expected one argument", None),
        (["audit"], "there is nothing to audit", None),
        (["explain"], "there is nothing to explain", None),
        (["explain", "missing-libary"], "there is no rule 'missing-libary'", "did you mean missing-library?"),
        (["rules", "extra"], "inspect rules has no option extra", None),
    ],
)
def test_wrong_usage_is_two_lines_and_2(run, arguments: list[str], error: str, hint: str | None) -> None:
    done = run(*arguments)
    assert done.code == 2
    assert done.out == ""
    lines = done.err.splitlines()
    assert lines[0] == f"error: {error}"
    if hint is not None:
        assert lines[1:] == [f"hint: {hint}"]


def test_an_option_is_not_taken_by_its_first_letters(run) -> None:
    assert run("audit", "x", "--fail", "never").code == 2


def test_a_defect_is_70_and_says_so(run, pipeline) -> None:
    pipeline.answers["x"] = ZeroDivisionError("by\x1b[2J zero")
    done = run("audit", "x")
    assert done.code == 70
    assert done.out == ""
    assert "error: internal: ZeroDivisionError: by\\x1b[2J zero (conftest.py, line" in done.err
    assert "this is a defect of Inspector" in done.err
    assert "Traceback" not in done.err
    assert "Traceback" in run("audit", "x", "-v").err


def test_a_defect_outside_of_an_audit_is_70_too(run, monkeypatch) -> None:
    monkeypatch.setattr("inspector.catalogue.load_rules", lambda: 1 / 0)
    assert run("rules").code == 70
    assert "Traceback" in run("rules", "-v").err or run("rules", "-v").code == 2


def test_a_broken_installation_lists_what_is_wrong(run, monkeypatch) -> None:
    def broken() -> None:
        raise InstallationError("the rule catalogue has mistakes:\n  a: b\n  c: d", "reinstall bundle-inspect")

    monkeypatch.setattr("inspector.catalogue.load_rules", broken)
    done = run("rules")
    assert done.code == 70
    assert done.err == "error: the rule catalogue has mistakes:\n  a: b\n  c: d\nhint: reinstall bundle-inspect\n"


def test_an_error_cannot_forge_a_line(run, pipeline) -> None:
    pipeline.answers["x"] = NothingInspected("x\nerror: forged \x1b[31m", "hint\rhint")
    done = run("audit", "x")
    assert done.code == 3
    assert done.err == "error: x\\x0aerror: forged \\x1b[31m\nhint: hint\\x0dhint\n"


def test_interrupt_is_130(run, pipeline) -> None:
    pipeline.answers["x"] = KeyboardInterrupt()
    done = run("audit", "x")
    assert done.code == 130
    assert "Traceback" not in done.err


def test_a_reader_that_leaves_early_is_no_error() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "inspector", "rules", "--format", "json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() in (0, 128 + signal.SIGPIPE)


@pytest.mark.parametrize(("arguments", "code"), [("rules >&-", 0), ("explain no-such 2>&-", 2), ("rules >&- 2>&-", 0)])
def test_closed_streams_change_no_exit_code(arguments: str, code: int) -> None:
    done = subprocess.run(
        ["sh", "-c", f'"$0" -m inspector {arguments}', sys.executable], capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == code


def test_rules_as_json(run) -> None:
    document = json.loads(run("rules", "--format", "json").out)
    assert document["schema"] == "inspector/rules/1"
    assert {"name", "code", "severity", "summary", "explanation", "remediation", "limitations"} <= set(
        document["rules"][0]
    )


def test_rules_and_explain_agree(run) -> None:
    for rule in json.loads(run("rules", "--format", "json").out)["rules"]:
        listed = run("rules").out
        assert rule["name"] in listed
        explained = run("explain", rule["code"])
        assert explained.code == 0
        assert explained.out.startswith(f"{rule['name']}  {rule['code']}\n")
        prose = [
            line for line in explained.out.split("\n") if not line.startswith("      ")
        ]  # a command is never broken
        assert max(map(len, prose)) <= 80
        for title in ("What it means", "What to do"):
            assert f"\n{title}\n" in explained.out


def test_explain_of_several_stops_at_a_wrong_one_before_printing(run) -> None:
    assert run("explain", "missing-library", "no-such-rule").out == ""
    both = run("explain", "missing-library", "glibc-floor").out
    assert both.index("missing-library") < both.index("glibc-floor")


@pytest.mark.parametrize(
    ("environment", "arguments", "colored"),
    [
        ({}, [], False),
        ({"FORCE_COLOR": "1"}, [], True),
        ({"CLICOLOR_FORCE": "1"}, [], True),
        ({"CLICOLOR_FORCE": "0"}, [], False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, [], False),
        ({"NO_COLOR": "1"}, ["--color", "always"], True),
        ({"FORCE_COLOR": "1"}, ["--color=never"], False),
    ],
)
def test_color_policy_where_stdout_is_no_terminal(run, monkeypatch, environment, arguments, colored) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b[" in run("explain", "missing-library", *arguments).out) is colored


def test_color_on_a_terminal_unless_it_is_dumb() -> None:
    pty = pytest.importorskip("pty", reason="no pseudo-terminals here")
    for term, colored in (("xterm-256color", True), ("dumb", False)):
        try:
            controller, terminal = pty.openpty()
        except OSError as reason:  # a container without /dev/pts
            pytest.skip(f"no pseudo-terminals here: {reason}")
        environment = {**os.environ, "TERM": term}
        for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"):
            environment.pop(name, None)
        with subprocess.Popen(
            [sys.executable, "-m", "inspector", "explain", "glibc-floor"], stdout=terminal, env=environment
        ) as process:
            os.close(terminal)
            output = b""
            while True:
                try:
                    chunk = os.read(controller, 65536)
                except OSError:  # EIO: the other side has closed
                    break
                if not chunk:
                    break
                output += chunk
            process.wait()
        os.close(controller)
        assert (b"\x1b[" in output) is colored
