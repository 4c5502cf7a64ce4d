"""Every report format against what its makers publish: schemas and validators out of registry packages (``corpus/report_schemas.py``)."""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from inspector.model import Finding, Problem
from inspector.pipeline import audit
from inspector.render.registry import RenderOptions, load_renderer
from inspector.result import Result
from tests import render_samples

pytestmark = [pytest.mark.corpus, pytest.mark.peer]

Artifact = Callable[[str], Path]

ANCHOR = RenderOptions(anchor="packaging/AppImageBuilder.yml", several=True)
NO_ANCHOR = RenderOptions()
GHAS_MOST_RUNS, GHAS_MOST_RESULTS, GHAS_MOST_GZIP = 20, 25_000, 10_000_000


def _findings(count: int, *, evidence: int = 2, subject: Callable[[int], str] = "usr/lib/lib{}.so".format) -> Result:
    """A Result with many findings of several rules."""
    rules = ("missing-library", "rpath-absolute", "executable-stack")
    severities = ("info", "warning", "error")
    base = render_samples.tiny_elf()
    found = tuple(
        Finding(rule=rules[number % 3], severity=severities[number % 3], confidence="high", subject=subject(number),  # type: ignore[arg-type]
                message="is so", evidence=tuple(f"clause {each} of {subject(number)}" for each in range(evidence)))
        for number in range(count)
    )  # fmt: skip
    return replace(base, findings=found)


@pytest.fixture(scope="module")
def samples(corpus_artifact: Artifact) -> dict[str, list[Result]]:
    accepted = _findings(3)
    accepted = replace(accepted, findings=tuple(replace(each, suppressed="by design") for each in accepted.findings))
    problems = tuple(Problem(kind="corrupt-member", subject=f"a{number}", message="is cut") for number in range(300))
    return {
        "an AppImage": [audit(str(corpus_artifact("libappimage/appimagetool-x86_64.AppImage")))],
        "several": [render_samples.pyqt5_appimage(), render_samples.tiny_elf(), render_samples.tiny_elf()],
        "hostile": [render_samples.hostile_bundle()],
        "nothing found": [replace(render_samples.tiny_elf(), findings=())],
        "accepted": [accepted],
        "unreadable": [replace(render_samples.tiny_elf(), problems=problems)],
    }


# ---- SARIF -------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sarif_complaints(
    corpus_artifact: Artifact, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., list[set[str]]]:
    """What Microsoft's validator says of documents: the schema, the specification's other rules, and GitHub's."""
    tool = corpus_artifact("schemas/sarif-multitool") / "Sarif.Multitool"
    if os.uname().machine != "x86_64":
        pytest.skip("the SARIF validator is a program for x86-64")

    def complaints(*documents: bytes) -> list[set[str]]:
        """By document the names of the rules that it violates, or "unread"."""
        directory = tmp_path_factory.mktemp("sarif")
        for number, document in enumerate(documents):
            (directory / f"{number}.sarif").write_bytes(document)
        environment = {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "PATH": os.environ["PATH"], "HOME": str(directory)}
        environment["DOTNET_BUNDLE_EXTRACT_BASE_DIR"] = str(directory / "dotnet")
        done = subprocess.run(
            [tool, "validate", directory / "*.sarif", "--rule-kind", "Sarif;Ghas", "--output", directory / "said.json"],
            env=environment, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        said = directory / "said.json"
        if not said.exists():
            pytest.skip(f"the SARIF validator does not run here: {done.stdout[-300:]}{done.stderr[-300:]}")
        run = json.loads(said.read_text("utf-8-sig"))["runs"][0]
        rules = run["tool"]["driver"].get("rules", [])
        found: list[set[str]] = [set() for _ in documents]
        for each in run.get("results", ()):
            uri = each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
            found[int(Path(uri).stem)].add(rules[each["ruleIndex"]]["id"])
        # The project has no site that "informationUri" could name, so each document that was read to its end gets this one remark,
        # and one that the validator gave up on, which it does without a word where an enumeration is violated, gets none.
        return [each - {"SARIF2005"} if "SARIF2005" in each else {*each, "unread"} for each in found]

    return complaints


def test_sarif_satisfies_the_validator_with_the_rules_of_github(
    samples: dict[str, list[Result]], sarif_complaints: Callable[..., list[set[str]]]
) -> None:
    render = load_renderer("sarif")
    documents = [render(results, options) for results in samples.values() for options in (ANCHOR, NO_ANCHOR)]
    assert sarif_complaints(*documents) == [set()] * len(documents)


SPOILED: dict[str, Callable[[dict[str, Any]], object]] = {
    "unread": lambda run: run["results"][0].update(level="fatal"),
    "JSON1005": lambda run: run["results"][0].update(colour="red"),
    "SARIF1009": lambda run: run["results"][0].update(ruleIndex=99),
    "GH1017": lambda run: run["results"][0].pop("locations"),
    "JSON1008": lambda run: run["results"][0]["locations"][0]["physicalLocation"]["region"].update(startLine=0),
}


def test_the_validator_sees_what_is_wrong(sarif_complaints: Callable[..., list[set[str]]]) -> None:
    documents = {}
    for rule, spoil in SPOILED.items():
        document = json.loads(load_renderer("sarif")([_findings(3)], ANCHOR))
        spoil(document["runs"][0])
        documents[rule] = json.dumps(document).encode()
    assert sarif_complaints(documents.pop("unread")) == [{"unread"}]  # it would keep the others from being read
    for rule, said in zip(documents, sarif_complaints(*documents.values()), strict=True):
        assert rule in said


@pytest.mark.parametrize("several", [1, 25])
def test_what_github_takes(several: int) -> None:
    """docs.github.com, "SARIF support for code scanning", section "Validating your SARIF file" and its limits."""
    results = [_findings(6_000 if several == 1 else 40)] * several
    document = load_renderer("sarif")(results, ANCHOR)
    log = json.loads(document)
    assert len(gzip.compress(document)) <= GHAS_MOST_GZIP
    assert len(log["runs"]) <= GHAS_MOST_RUNS
    categories = [run["automationDetails"]["id"] for run in log["runs"]]
    assert len(set(categories)) == len(categories)
    for run in log["runs"]:
        rules = run["tool"]["driver"]["rules"]
        assert len(run["results"]) <= GHAS_MOST_RESULTS
        assert len(rules) <= GHAS_MOST_RESULTS
        assert all(len(rule["properties"]["tags"]) <= 20 for rule in rules)
        marks = [found["partialFingerprints"]["primaryLocationLineHash"] for found in run["results"]]
        assert len(set(marks)) == len(marks)
        for found in run["results"]:
            assert 1 <= len(found["locations"]) <= 1000
            assert len(found.get("relatedLocations", ())) <= 1000
            place = found["locations"][0]["physicalLocation"]
            assert place["artifactLocation"]["uri"] == "packaging/AppImageBuilder.yml"
            assert place["region"]["startLine"] >= 1
            assert rules[found["ruleIndex"]]["id"] == found["ruleId"]
    said = [
        notice["message"]["text"] for notice in log["runs"][-1]["invocations"][0].get("toolExecutionNotifications", ())
    ]
    if several == 1:
        assert len(log["runs"][0]["results"]) == 5000
        assert said == ["1000 findings of the least severity are left out"]
        assert "note" in {found["level"] for found in log["runs"][0]["results"]}
    else:
        assert said == ["5 artifacts are left out, as GitHub takes 20 runs a file"]


def test_names_that_do_not_compress_stay_below_githubs_limit() -> None:
    numbers = random.Random(6)

    def noise(number: int) -> str:
        return "".join(chr(numbers.randrange(0x4E00, 0x9FFF)) for _ in range(700))

    document = load_renderer("sarif")([_findings(1_000, evidence=3, subject=noise)], ANCHOR)
    assert len(gzip.compress(document)) <= GHAS_MOST_GZIP
    run = json.loads(document)["runs"][0]
    assert 500 < len(run["results"]) < 1_000
    assert run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].endswith("are left out")


def test_a_new_version_of_an_artifact_keeps_its_category_and_its_alerts() -> None:
    one = render_samples.pyqt5_appimage()
    runs = []
    for name in ("App-1.2.3-x86_64.AppImage", "App-1.3-x86_64.AppImage"):
        result = replace(one, artifact=replace(one.artifact, path=f"dist/{name}"))
        runs.append(json.loads(load_renderer("sarif")([result], ANCHOR))["runs"][0])
        gitlab = json.loads(load_renderer("gitlab")([result], ANCHOR))
        runs[-1]["gitlab"] = [row["fingerprint"] for row in gitlab]
    assert runs[0]["automationDetails"] == runs[1]["automationDetails"]
    assert [each["partialFingerprints"] for each in runs[0]["results"]] == [
        each["partialFingerprints"] for each in runs[1]["results"]
    ]
    assert runs[0]["gitlab"] == runs[1]["gitlab"]
    assert len(set(runs[0]["gitlab"])) == len(runs[0]["gitlab"]) > 1


# ---- JUnit -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("xmllint") is None, reason="xmllint (libxml2-utils) is not installed")
def test_junit_satisfies_the_schema_of_jenkins(
    samples: dict[str, list[Result]], corpus_artifact: Artifact, tmp_path: Path
) -> None:
    schema = corpus_artifact("schemas/junit-10.xsd")
    files = []
    for number, results in enumerate([*samples.values(), [_findings(2_000)]]):
        files.append(tmp_path / f"{number}.xml")
        files[-1].write_bytes(load_renderer("junit")(results, ANCHOR))
    done = _xmllint(schema, *files)
    assert done.returncode == 0, done.stderr
    files[0].write_text(files[0].read_text("utf-8").replace("<testcase ", "<testcase colour='red' ", 1), "utf-8")
    assert "attribute 'colour' is not allowed" in _xmllint(schema, files[0]).stderr


def _xmllint(schema: Path, *files: Path) -> subprocess.CompletedProcess[str]:
    command = ["xmllint", "--noout", "--nonet", "--schema", schema, *files]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


# ---- GitLab ------------------------------------------------------------------------------------------------------------------------

# docs.gitlab.com, "Code Quality", "Code Quality report format": the fields that it names as required, and their values.
CODE_QUALITY = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": r"^(?!\./|/).+"},
                    "lines": {"type": "object", "required": ["begin"], "properties": {"begin": {"type": "integer", "minimum": 1}}},
                },
            },
        },
    },
}  # fmt: skip


def test_gitlab_gets_the_fields_that_it_documents(samples: dict[str, list[Result]]) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    validator = jsonschema.Draft202012Validator(CODE_QUALITY)
    for results in [*samples.values(), [_findings(2_000)]]:
        for options in (ANCHOR, NO_ANCHOR, replace_anchor("./ci/build.yml")):
            document = load_renderer("gitlab")(results, options)
            assert not document.startswith(b"\xef\xbb\xbf")  # GitLab refuses a byte order mark
            rows = json.loads(document)
            validator.validate(rows)
            assert len({row["fingerprint"] for row in rows}) == len(rows)
    assert json.loads(load_renderer("gitlab")(samples["accepted"], ANCHOR)) == []


def replace_anchor(anchor: str) -> RenderOptions:
    return RenderOptions(anchor=anchor)


# ---- GitHub ------------------------------------------------------------------------------------------------------------------------


def test_annotations_keep_to_ten_of_a_kind_a_step(samples: dict[str, list[Result]]) -> None:
    for results in [*samples.values(), [_findings(2_000)], [_findings(31)] * 3]:
        lines = load_renderer("github")(results, ANCHOR).decode().splitlines()
        for kind in ("error", "warning", "notice"):
            of_kind = [line for line in lines if line.startswith(f"::{kind} ")]
            assert len(of_kind) <= 10
        assert all(line.startswith(("::error ", "::warning ", "::notice ")) for line in lines)
        assert all(len(line) < 4_096 for line in lines)
    lines = load_renderer("github")([_findings(30)], ANCHOR).decode().splitlines()
    assert len(lines) == 30
    lines = load_renderer("github")([_findings(33)], ANCHOR).decode().splitlines()
    assert len(lines) == 30
    assert lines[9] == "::error title=Inspector::and 2 more; the report has all of them"


def test_no_name_of_an_artifact_becomes_a_workflow_command() -> None:
    name = "a%0A::error::forged,line=9\n::stop-commands::x"
    hostile = _findings(3, subject=lambda _: name)
    lines = load_renderer("github")([hostile], ANCHOR).decode().splitlines()
    assert len(lines) == 3
    for line in lines:
        head, _, text = line[2:].partition("::")
        assert head.startswith(("error file=", "warning file=", "notice file="))
        assert "%250A" in text  # what GitHub shows as %0A, and not as a line break


def test_markdown_fits_a_comment_and_a_step_summary(samples: dict[str, list[Result]]) -> None:
    for results in [*samples.values(), [_findings(5_000)] * 12]:
        text = load_renderer("markdown")(results, ANCHOR)
        assert len(text) <= 65_536 <= 1024 * 1024
        assert text.startswith(b"## ")
