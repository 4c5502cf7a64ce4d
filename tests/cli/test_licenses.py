"""``inspect licenses`` on AppDirs on disk, and on reports; the pipeline's stand-in only where what is asked of it matters."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import pytest

from inspector.facts.licensing.obligations import disclaimer
from tests import render_samples
from tests.elf_builder import TinyElf

APPRUN = '#!/bin/sh\nHERE="$(dirname "$(readlink -f "$0")")"\nexec "$HERE/usr/bin/app" "$@"\n'
SITE = "usr/lib/python3.11/site-packages"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A program that loads GNU Readline, and a distribution whose licence has no text anywhere."""
    program = TinyElf(
        interpreter="/lib64/ld-linux-x86-64.so.2", program=True, needed=("libreadline.so.8",), runpath="$ORIGIN/../lib"
    )
    files = {
        "AppRun": APPRUN.encode(),
        "usr/bin/app": program.build(),
        "usr/lib/libreadline.so.8": TinyElf(soname="libreadline.so.8").build(),
        f"{SITE}/ada-1.0.dist-info/METADATA": b"Metadata-Version: 2.4\nName: ada\nVersion: 1.0\nLicense-Expression: MIT\n\n",
    }
    root = tmp_path / "Ada.AppDir"
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if content.startswith((b"#!", b"\x7fELF")):
            path.chmod(0o755)
    return root


def with_own_licence(bundle: Path) -> None:
    metadata = bundle / SITE / "ada-1.0.dist-info/METADATA"
    metadata.write_text(metadata.read_text().replace("MIT", "LicenseRef-Ada"))


def test_the_screen(run, bundle: Path) -> None:
    done = run("licenses", str(bundle), "--isolated")
    assert done.code == 0
    lines = done.out.splitlines()
    assert "  GNU Readline  GPL-3.0-or-later  strong copyleft, loaded as a library" in lines
    assert "    app → libreadline.so.8" in lines
    assert [line.split() for line in lines if line.strip().startswith("ada ")] == [["ada", "1.0", "MIT", "package"]]
    assert disclaimer() in " ".join(done.out.split())
    assert max(map(len, lines[1:])) <= 80
    assert "glibc" not in done.out  # what is not about licences


def test_quiet_leaves_the_table_out_and_very_quiet_all(run, bundle: Path) -> None:
    brief = run("licenses", str(bundle), "--isolated", "-q").out
    assert "GNU Readline" in brief
    assert "Components" not in brief
    assert run("licenses", str(bundle), "--isolated", "-qq").out == ""


def test_verbose_shows_evidence_and_files(run, bundle: Path) -> None:
    out = run("licenses", str(bundle), "--isolated", "-v").out
    assert "evidence  SONAME libreadline.so.8" in out
    assert "usr/bin/app → usr/lib/libreadline.so.8" in out


def test_the_tree(run, bundle: Path) -> None:
    lines = run("licenses", str(bundle), "--isolated", "--tree").out.splitlines()
    place = lines.index("  app")
    assert lines[place + 1] == "  └─ libreadline.so.8  GNU Readline, GPL-3.0-or-later"
    assert not any(line.startswith("  ada ") for line in lines)
    assert "  ada 1.0  MIT" in run("licenses", str(bundle), "--isolated", "--tree", "-v").out.splitlines()


def test_the_gate_heeds_licences_only(run, bundle: Path, tmp_path: Path) -> None:
    assert run("licenses", str(bundle), "--isolated", "--fail-on", "warning").code == 1
    assert run("licenses", str(bundle), "--isolated", "--fail-on", "error").code == 0
    configuration = tmp_path / "inspector.toml"
    configuration.write_text(
        '[target]\nglibc = "2.0"\n[budget]\ntotal = "1B"\n[[ignore]]\nrule = "strong-copyleft-reached"\nreason = "we are GPL"\n'
    )
    done = run("licenses", str(bundle), "--config", str(configuration), "--fail-on", "warning")
    assert done.code == 0, done.out + done.err


def test_every_output(run, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    names = ["l.txt", "l.json", "l.csv", "l.cdx.json", "l.spdx.json"]
    arguments = [part for name in names for part in ("-o", str(tmp_path / name))]
    done = run("licenses", str(bundle), "--isolated", *arguments)
    assert (done.code, done.out) == (0, "")
    assert [line for line in done.err.splitlines() if line.startswith("written: ")] == [
        f"written: {tmp_path / name}" for name in names
    ]
    assert "GNU Readline" in (tmp_path / "l.txt").read_text()
    document = json.loads((tmp_path / "l.json").read_bytes())
    assert any(entry["sha256"] for entry in document["files"]["entries"])
    with (tmp_path / "l.csv").open(newline="") as stream:
        assert {row["component"] for row in csv.DictReader(stream)} == {"GNU Readline", "ada"}
    assert json.loads((tmp_path / "l.cdx.json").read_bytes())["specVersion"] == "1.6"
    assert json.loads((tmp_path / "l.spdx.json").read_bytes())["spdxVersion"] == "SPDX-2.3"


def test_from_a_report(run, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    report = tmp_path / "r.json"
    run("licenses", str(bundle), "--isolated", "-o", str(report), "-o", str(tmp_path / "direct.spdx.json"))
    assert run("licenses", str(report), "--isolated").out == run("licenses", str(bundle), "--isolated").out
    again = run("licenses", str(report), "--isolated", "-o", str(tmp_path / "later.spdx.json"))
    assert "digests" not in again.err
    assert (tmp_path / "later.spdx.json").read_bytes() == (tmp_path / "direct.spdx.json").read_bytes()
    assert run("report", str(report), "-o", str(tmp_path / "report.spdx.json")).code == 0
    assert (tmp_path / "report.spdx.json").read_bytes() == (tmp_path / "direct.spdx.json").read_bytes()


def test_a_report_without_digests_is_said_to_have_none(run, bundle: Path, tmp_path: Path) -> None:
    report = tmp_path / "r.json"
    run("audit", str(bundle), "--isolated", "-o", str(report))
    done = run("licenses", str(report), "--isolated", "-o", str(tmp_path / "l.cdx.json"))
    assert "has no digests of files" in done.err
    assert "has no digests of files" in run("report", str(report), "-o", str(tmp_path / "l.spdx.json")).err
    assert "digests" not in run("report", str(report), "-o", str(tmp_path / "l.csv")).err


def test_an_audit_writes_the_same_documents(run, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    run("audit", str(bundle), "--isolated", "-o", str(tmp_path / "a.cdx.json"))
    run("licenses", str(bundle), "--isolated", "-o", str(tmp_path / "l.cdx.json"))
    assert (tmp_path / "a.cdx.json").read_bytes() == (tmp_path / "l.cdx.json").read_bytes()
    refused = run("audit", str(bundle), str(tmp_path), "-o", str(tmp_path / "a.cdx.json"))
    assert refused.code == 2
    assert "describes one artifact" in refused.err


def test_notices(run, bundle: Path, tmp_path: Path) -> None:
    for name, start in (
        ("N.txt", "Third-party licences of Ada.AppDir"),
        ("N.md", "# Third-party licences of Ada.AppDir"),
    ):
        path = tmp_path / name
        done = run("licenses", str(bundle), "--isolated", "--notices", str(path))
        assert done.code == 0
        assert f"written: {path}: 2 components, 2 texts" in done.err
        assert "GNU Readline" in done.out
        assert path.read_text().startswith(start)
        assert "GNU GENERAL PUBLIC LICENSE" in path.read_text()


def test_a_text_that_is_missing_fails_the_gate_and_the_file_is_written(run, bundle: Path, tmp_path: Path) -> None:
    with_own_licence(bundle)
    path = tmp_path / "N.txt"
    done = run("licenses", str(bundle), "--isolated", "--notices", str(path))
    assert done.code == 1
    assert "1 licence text missing: ada 1.0 (LicenseRef-Ada)" in done.out
    assert "no text of" not in done.err
    quiet = run("licenses", str(bundle), "--isolated", "-qq", "--notices", str(path))
    assert quiet.code == 1
    assert "warning: no text of the licence of ada 1.0: LicenseRef-Ada" in quiet.err
    assert "TEXTS THAT ARE MISSING" in path.read_text()
    assert run("licenses", str(bundle), "--isolated", "--notices", str(path), "--fail-on", "never").code == 0


def test_a_program_of_its_own(run, tmp_path: Path) -> None:
    program = tmp_path / "app"
    program.write_bytes(TinyElf(interpreter="/lib64/ld-linux-x86-64.so.2", program=True).build())
    done = run("licenses", str(program), "--isolated", "--notices", str(tmp_path / "N.txt"))
    assert done.code == 0
    assert "none is known in it" in done.out


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ((), "there is nothing to look at"),
        (("x", "-o", "l.sarif"), "inspect licenses writes no sarif"),
        (("x", "-o", "l.xml"), "inspect licenses writes no junit"),
        (("x", "--format", "sarif"), "'sarif' is none of text, json, csv, cyclonedx, spdx, html"),
        (("x", "--notices", "N.pdf"), "--notices writes text or Markdown"),
        (("r.json", "--notices", "N.txt"), "has no licence texts in it"),
        (("x", "--notices", "-"), "would both go to stdout"),
        (("x", "--notices", "N.txt", "-o", "N.txt"), "two reports would be written to N.txt"),
        (("x", "--notices", "no/such/N.txt"), "is not there"),
        (("x", "--tree", "-o", "l.json"), "--tree is a form of the text"),
        (("x", "--config", "c.toml", "--isolated"), "--isolated heeds none"),
    ],
)
def test_wrong_usage(run, pipeline, arguments: tuple[str, ...], part: str) -> None:
    done = run("licenses", *arguments)
    assert done.code == 2
    assert part in done.err
    assert pipeline.calls == []


def test_digests_are_taken_where_a_document_names_them(run, pipeline, tmp_path: Path) -> None:
    pipeline.answers["app"] = render_samples.pyqt5_appimage()
    run("licenses", "app", "--isolated")
    run("licenses", "app", "--isolated", "-o", str(tmp_path / "l.spdx.json"))
    run("licenses", "app", "--isolated", "-o", str(tmp_path / "l.json"))
    assert [one.get("digest_files") for one in pipeline.runs] == [False, True, True]


@pytest.mark.parametrize("name", ["pyqt5_appimage", "tiny_elf", "hostile_bundle"])
@pytest.mark.parametrize("form", [(), ("-v",), ("-q",), ("--tree",), ("--tree", "-v")])
def test_no_line_is_wider_than_the_screen_and_none_is_an_attack(
    run, pipeline, name: str, form: tuple[str, ...]
) -> None:
    pipeline.answers["app"] = getattr(render_samples, name)()
    out = run("licenses", "app", "--isolated", *form).out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert all(len(line) <= 80 for line in out.splitlines()), max(out.splitlines(), key=len)


def test_a_licence_that_is_denied_is_told_with_the_component(run, bundle: Path) -> None:
    done = run("licenses", str(bundle), "--isolated", "--deny-license", "GPL-*")
    assert done.code == 1
    assert "licences not allowed: GNU Readline is GPL-3.0-or-later" in " ".join(done.out.split())
    assert run("licenses", str(bundle), "--isolated", "--deny-license", "AGPL-3.0-only").code == 0


def test_a_clarification_is_bound_to_the_files_content(run, bundle: Path, tmp_path: Path) -> None:
    content = (bundle / "usr/lib/libreadline.so.8").read_bytes()
    configuration = tmp_path / "inspector.toml"
    for digest, code in ((hashlib.sha256(content).hexdigest(), 0), ("0" * 64, 1)):
        configuration.write_text(
            '[licenses]\ndeny = ["GPL-3.0-or-later"]\n[[licenses.clarify]]\npath = "usr/lib/libreadline.so.8"\n'
            f'expression = "MIT"\nsha256 = "{digest}"\nreason = "bought"\n'
        )
        for verb in ("licenses", "audit"):
            done = run(verb, str(bundle), "--config", str(configuration), "-q")
            assert ("licences not allowed: GNU Readline" not in done.out) is (code == 0), (verb, digest, done.out)
        assert run("licenses", str(bundle), "--config", str(configuration)).code == code
