"""What a project copies into its pipeline: the action's steps under bash, the GitLab job under sh, both by their schemas, and the hook."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

CHECKOUT = Path(__file__).resolve().parents[2]
Artifact = Callable[[str], Path]
ECHO = "libappimage/Echo-x86_64.AppImage"

pytestmark = pytest.mark.corpus


def document(name: str) -> Any:
    return yaml.safe_load((CHECKOUT / name).read_text("utf-8"))


@pytest.mark.parametrize(
    ("name", "schema"), [("action.yml", "github-actions.json"), ("ci/gitlab.yml", "gitlab-ci.json")]
)
def test_files_follow_their_schemas(name: str, schema: str, corpus_artifact: Artifact) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    rules = json.loads((corpus_artifact("schemas/ci-files") / schema).read_text("utf-8"))
    validator = jsonschema.validators.validator_for(rules)(rules)
    content = document(name)
    assert [error.message for error in validator.iter_errors(content)] == []
    broken = {**content, "runs": {"using": "composite"}} if name == "action.yml" else {"job": {"script": 3}}
    assert not validator.is_valid(broken)


def test_no_input_is_pasted_into_a_script() -> None:
    steps = document("action.yml")["runs"]["steps"]
    for step in steps:
        assert "${{" not in step.get("run", "")
    assert {"INSPECT_ARTIFACT", "INSPECT_OPTIONS"} <= steps[1]["env"].keys()


class Runner:
    """Runs the action's steps as GitHub's runner does: ``bash --noprofile --norc -eo pipefail FILE`` in an environment that it makes."""

    def __init__(self, directory: Path) -> None:
        self.work = directory / "work"
        self.work.mkdir()
        self.temporary = directory / "temporary"
        program = self.temporary / "bundle-inspect" / "bin" / "bundle-inspect"
        program.parent.mkdir(parents=True)
        # In the place of what the step "Install" makes, which test_the_action_installs_itself runs for itself.
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m inspector "$@"\n', "utf-8")
        program.chmod(0o755)
        self.output = directory / "output"
        self.summary = directory / "summary.md"
        self.definition = document("action.yml")

    def run(self, **inputs: str) -> subprocess.CompletedProcess[str]:
        known = self.definition["inputs"]
        values = {name: entry.get("default", "") for name, entry in known.items()}
        values |= {name.replace("_", "-"): value for name, value in inputs.items()}
        assert values.keys() == known.keys()
        step = self.definition["runs"]["steps"][1]
        assert step["shell"] == "bash"
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.work), "CI": "true", "GITHUB_ACTIONS": "true", "PYTHONPATH": str(CHECKOUT),
            "RUNNER_TEMP": str(self.temporary), "GITHUB_OUTPUT": str(self.output), "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_ACTION_PATH": str(CHECKOUT),
        }  # fmt: skip
        for name, expression in step["env"].items():
            wanted = re.fullmatch(r"\$\{\{ inputs\.([a-z-]+) \}\}", expression)
            assert wanted is not None, expression
            environment[name] = values[wanted[1]]
        script = self.work.parent / "step.sh"
        script.write_text(step["run"], "utf-8")
        self.output.write_text("", "utf-8")
        self.summary.write_text("", "utf-8")
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", script], cwd=self.work, env=environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip

    @property
    def outputs(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.output.read_text("utf-8").splitlines())


@pytest.fixture
def runner(tmp_path: Path, corpus_artifact: Artifact) -> Runner:
    made = Runner(tmp_path)
    (made.work / "dist").mkdir()
    shutil.copy(corpus_artifact(ECHO), made.work / "dist" / "My App.AppImage")
    return made


def test_the_action_audits_what_a_glob_names(runner: Runner) -> None:
    done = runner.run(artifact="dist/*.AppImage\n\n", fail_on="never")
    assert done.returncode == 0, done.stderr
    assert "My App.AppImage" in done.stdout
    assert (runner.outputs["gate"], runner.outputs["exit-code"]) == ("passed", "0")
    assert json.loads((runner.work / "inspect-result.json").read_bytes())["artifact"]["path"] == "dist/My App.AppImage"
    assert json.loads((runner.work / "inspect.sarif").read_bytes())["version"] == "2.1.0"
    assert runner.summary.read_text("utf-8").startswith("## ✅ My App.AppImage")
    declared = {re.fullmatch(r"\$\{\{ steps\.audit\.outputs\.([a-z-]+) \}\}", entry["value"])[1]  # type: ignore[index]
                for entry in runner.definition["outputs"].values()}  # fmt: skip
    assert declared == runner.outputs.keys()


def test_the_action_fails_where_the_gate_does(runner: Runner) -> None:
    (runner.work / "last.json").write_bytes(b"")
    done = runner.run(artifact="dist/My App.AppImage", options="--max-size=1kB\n--max-glibc=2.0", sarif="")
    assert done.returncode == 1
    assert runner.outputs["gate"] == "failed"
    assert "over the budget" in done.stdout
    assert not (runner.work / "inspect.sarif").exists()


def test_the_action_heeds_the_configuration_and_a_baseline_that_is_there(runner: Runner) -> None:
    first = runner.run(artifact="dist/My App.AppImage", baseline="last.json", report="last.json", fail_on="never")
    assert first.returncode == 0, first.stderr
    (runner.work / "inspector.toml").write_text('[gate]\nfail-on = "info"\nnew-only = true\n', "utf-8")
    second = runner.run(artifact="dist/My App.AppImage", baseline="last.json")
    assert second.returncode == 0, second.stdout
    assert "against" in runner.summary.read_text("utf-8")
    (runner.work / "other.toml").write_text("[gate]\nfail-onn = 3\n", "utf-8")
    third = runner.run(artifact="dist/My App.AppImage", config="other.toml")
    assert third.returncode == 2
    assert "did you mean fail-on?" in third.stderr


def test_an_input_is_no_command(runner: Runner) -> None:
    done = runner.run(artifact="dist/$(touch forged).AppImage")
    assert done.returncode == 3
    assert "does not exist" in done.stdout
    done = runner.run(artifact="dist/$(touch forged)*.AppImage")
    assert done.returncode == 3
    assert done.stdout.startswith("::error title=Inspector::no artifact")
    runner.run(
        artifact="dist/My App.AppImage",
        options="--max-size=1kB; touch forged\n`touch forged`",
        fail_on="$(touch forged)",
    )
    assert not list(runner.work.glob("**/forged"))


def test_the_action_takes_the_exit_code_of_what_cannot_be_read(runner: Runner) -> None:
    (runner.work / "empty.AppImage").touch()
    done = runner.run(artifact="empty.AppImage")
    assert done.returncode == 3
    assert runner.outputs["exit-code"] == "3"


@pytest.mark.heavy
def test_the_action_installs_itself(tmp_path: Path) -> None:
    """The step "Install", with a package index as pip is configured here."""
    source = tmp_path / "action"
    source.mkdir()
    for name in ("inspector", "rules", "reports", "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE"):
        original = CHECKOUT / name
        if original.is_dir():
            shutil.copytree(original, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(original, source / name)
    script = tmp_path / "step.sh"
    script.write_text(document("action.yml")["runs"]["steps"][0]["run"], "utf-8")
    environment = {**os.environ, "RUNNER_TEMP": str(tmp_path), "GITHUB_ACTION_PATH": str(source)}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", script], env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    if "No matching distribution" in done.stderr or "Could not fetch" in done.stderr:
        pytest.skip(f"the package index cannot be reached: {done.stderr[-200:]}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("inspect ")


# ---- GitLab ------------------------------------------------------------------------------------------------------------------------


def test_the_gitlab_job(tmp_path: Path, corpus_artifact: Artifact) -> None:
    """Its script under sh, which is what the runner has where an image has no bash."""
    job = document("ci/gitlab.yml")[".bundle-inspect"]
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "bundle-inspect").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m inspector "$@"\n', "utf-8")
    (programs / "bundle-inspect").chmod(0o755)
    work = tmp_path / "work"
    work.mkdir()
    shutil.copy(corpus_artifact(ECHO), work / "Echo.AppImage")
    script = "set -e\n" + "\n".join([*job["before_script"], *job["script"]])

    def run(**variables: str) -> subprocess.CompletedProcess[str]:
        given = {name: value for name, value in job["variables"].items() if name.startswith("INSPECT")} | variables
        environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": str(work),
            "GITLAB_CI": "true",
            "CI": "true",
            **given,
        }
        environment["PYTHONPATH"] = str(CHECKOUT)
        return subprocess.run(
            ["sh", "-c", script], cwd=work, env=environment, capture_output=True, text=True, check=False, timeout=300
        )

    assert run().returncode == 2
    done = run(INSPECT_ARTIFACT="*.AppImage", INSPECT_OPTIONS="--fail-on never")
    assert done.returncode == 0, done.stderr
    reports = job["artifacts"]["reports"]
    for name in (reports["codequality"], reports["junit"], *job["artifacts"]["paths"]):
        assert (work / name).is_file()
    failed = run(
        INSPECT_ARTIFACT="Echo.AppImage", INSPECT_OPTIONS="--max-size 1kB", INSPECT_BASELINE="inspect-result.json"
    )
    assert failed.returncode == 1


# ---- pre-commit --------------------------------------------------------------------------------------------------------------------


def test_the_hook_names_a_command_that_checks_files(tmp_path: Path) -> None:
    (hook,) = document(".pre-commit-hooks.yaml")
    program, *arguments = hook["entry"].split()
    assert program == "bundle-inspect"
    good, bad, foreign = tmp_path / "inspector.toml", tmp_path / "a" / "pyproject.toml", tmp_path / "pyproject.toml"
    bad.parent.mkdir()
    good.write_text('[gate]\nfail-on = "warning"\n', "utf-8")
    bad.write_text(
        "[tool.inspector.gate]\nfail-on = 'fatal'\n[[tool.inspector.ignore]]\nrule = 'rpath-absolute'\n", "utf-8"
    )
    foreign.write_text("[tool.other]\na = 1\n", "utf-8")
    for path in (good, bad, foreign):
        assert re.search(hook["files"], str(path.relative_to(tmp_path)))
    assert not re.search(hook["files"], "docs/myinspector.toml.md")

    def run(*files: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "inspector", *arguments, *map(str, files)]
        return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)

    assert run(good, foreign).returncode == 0
    done = run(good, bad, foreign)
    assert done.returncode == 2
    assert "pyproject.toml:2: gate.fail-on" in done.stderr
    assert "ignore[1].reason is missing" in done.stderr
    assert done.stdout == ""


@pytest.mark.peer
def test_pre_commit_takes_the_hook() -> None:
    program = shutil.which("pre-commit", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if program is None:
        pytest.skip("pre-commit is not installed")
    done = subprocess.run(
        [program, "validate-manifest", CHECKOUT / ".pre-commit-hooks.yaml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


# ---- the container -----------------------------------------------------------------------------------------------------------------


def test_the_container_copies_what_the_package_is_made_of() -> None:
    """The recipe needs an engine and a registry to be run; that it misses no source of the wheel is seen without them."""
    import tomllib

    lines = (CHECKOUT / "Containerfile").read_text("utf-8").splitlines()
    copied = {
        word for line in lines if line.startswith("COPY ") and "--from" not in line for word in line.split()[1:-1]
    }
    build = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]
    assert copied >= {*build["sdist"]["include"], "pyproject.toml"}
    assert all((CHECKOUT / name).exists() for name in copied)
    sent = (CHECKOUT / ".dockerignore").read_text("utf-8").splitlines()
    assert {line[1:] for line in sent if line.startswith("!")} == copied
    assert sent.index("*") < sent.index("!inspector")
    assert 'ENTRYPOINT ["bundle-inspect"]' in lines
    assert lines.index("USER inspect") < lines.index('ENTRYPOINT ["bundle-inspect"]')


@pytest.mark.peer
def test_shellcheck_finds_nothing_in_the_scripts(tmp_path: Path) -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    job = document("ci/gitlab.yml")[".bundle-inspect"]
    scripts = {
        f"{number}.bash": step["run"]
        for number, step in enumerate(document("action.yml")["runs"]["steps"])
        if "run" in step
    }
    scripts["gitlab.sh"] = "\n".join([*job["before_script"], *job["script"]])
    for name, text in scripts.items():
        shell = "bash" if name.endswith("bash") else "sh"
        (tmp_path / name).write_text(text, "utf-8")
        # SC2154: variables of the environment; SC2086, SC2206: words and globs that are meant to be split
        command = ["shellcheck", "--shell", shell, "--exclude", "SC2154,SC2086,SC2206", tmp_path / name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


# ---- what the README shows ---------------------------------------------------------------------------------------------------------


def shown(language: str) -> list[str]:
    text = (CHECKOUT / "README.md").read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_gate_of_the_readme_has_five_lines_and_names_options_that_exist() -> None:
    from inspector.cli.audit import make_parser

    gate = next(text for text in shown("yaml") if "audit --ci" in text)
    assert len(gate.splitlines()) == 5
    steps = yaml.safe_load(gate)
    command = next(step["run"] for step in steps if "audit" in step.get("run", ""))
    options = make_parser().parse(shlex.split(command)[2:])
    assert (options.ci, options.max_glibc, options.paths) == (True, "2.31", ["dist/*.AppImage"])
    assert steps[2]["with"]["path"] in options.output


def test_the_configuration_of_the_readme_has_no_mistakes() -> None:
    import tomllib

    from inspector.policy.configuration_check import find_mistakes

    texts = shown("toml")
    assert texts
    for text in texts:
        assert find_mistakes(tomllib.loads(text)) == []
