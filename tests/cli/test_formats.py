"""``inspect formats``: the list for people and for programs."""

from __future__ import annotations

import json

from inspector.artifact.opening import DIRECTORY_READERS, READERS
from inspector.slim.rebuilding.rebuild import rewritten_formats


def test_every_reader_is_in_the_list(run) -> None:
    done = run("formats")
    assert done.code == 0
    for reader in (*READERS, *DIRECTORY_READERS):
        assert reader.title in done.out
    assert "a 7z archive" in " ".join(done.out.split())
    assert max(map(len, done.out.split("\n"))) <= 100


def test_what_is_audited_without_its_payload_is_not_called_refused(run) -> None:
    audited, refused = run("formats").out.split("Recognised, not read")
    for title in ("a Bun program", "a .NET single-file program", "a PyApp program"):
        assert title in audited
        assert title not in refused
    assert "a py2exe program" in refused
    rows = {row["title"]: row["audited_as"] for row in json.loads(run("formats", "--format", "json").out)["recognised"]}
    assert rows["a Bun program"] == "elf"
    assert rows["a py2exe program"] is None


def test_limitations_are_told_when_asked_for(run) -> None:
    short, long = " ".join(run("formats").out.split()), " ".join(run("formats", "-v").out.split())
    sentence = READERS[0].limitations[0]
    assert sentence not in short
    assert sentence in long


def test_json_says_what_is_opened_where_and_what_slim_writes(run) -> None:
    done = run("formats", "--format", "json")
    document = json.loads(done.out)
    assert document["schema"] == "inspector/formats/1"
    assert {row["format"] for row in document["opened"] if row["rewritten"]} == rewritten_formats()
    assert {"wheel", "pex", "appimage-2", "directory"} <= {row["format"] for row in document["opened"]}
    wheel = next(row for row in document["opened"] if row["format"] == "wheel")
    assert wheel["nested"]
    assert wheel["lies_as"] == "file"
    assert wheel["limitations"]
    assert {row["title"] for row in document["recognised"]} == {reader.title for reader in READERS if not reader.format}


def test_a_wrong_format_is_told(run) -> None:
    done = run("formats", "--format", "xml")
    assert done.code == 2
    assert "text, json" in done.err
