"""Every reader has an artifact that it opens in these tests, and accounts for every byte of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from inspector.artifact import open_artifact
from inspector.artifact.format_list import known_formats
from inspector.artifact.opening import DIRECTORY_READERS, READERS
from inspector.errors import NothingInspected
from inspector.render.terminal_identity import FORMAT_NAMES
from inspector.slim.rebuilding.rebuild import rewritten_formats
from tests.format_fixtures import BUILT, CORPUS, REFUSED

TITLES = [reader.title for reader in (*READERS, *DIRECTORY_READERS) if reader.format] + [
    "an AppDir",
    "any other directory",
]
REFUSED_TITLES = [reader.title for reader in READERS if not reader.format]
AUDITED_AS = {one.title: one.audited_as for one in known_formats().recognised}
FORMAT_OF = {one.title: one.format for one in known_formats().opened}


@pytest.mark.parametrize("title", TITLES)
def test_every_format_that_is_opened_has_a_fixture(title: str) -> None:
    assert title in CORPUS or title in BUILT, (
        f"{title}: name a corpus artifact or a builder in tests/format_fixtures.py"
    )


@pytest.mark.parametrize("title", REFUSED_TITLES)
def test_every_format_that_is_only_recognised_has_a_fixture(title: str) -> None:
    assert title in REFUSED, f"{title}: name its first bytes in tests/format_fixtures.py"


def test_fixtures_are_for_formats_that_there_are() -> None:
    assert {*CORPUS, *BUILT} <= set(TITLES)
    assert set(REFUSED) <= set(REFUSED_TITLES)


def test_every_format_has_a_name_for_people() -> None:
    assert {one.format for one in known_formats().opened} <= set(FORMAT_NAMES)


def opened_as(path: Path, title: str) -> None:
    with open_artifact(path) as artifact:
        assert artifact.format == FORMAT_OF[title]
        assert any(True for _ in artifact.tree.files())
        if artifact.source is None:
            assert not artifact.byte_map
        else:
            assert sum(artifact.byte_map.values()) == artifact.size == path.stat().st_size
            assert set(artifact.byte_map) == {"headers", "entries", "padding", "appended", "unexplained"}
            assert all(count >= 0 for count in artifact.byte_map.values())


@pytest.mark.parametrize("title", BUILT)
def test_a_built_artifact_opens_as_what_it_is(title: str, tmp_path: Path) -> None:
    opened_as(BUILT[title](tmp_path), title)


@pytest.mark.parametrize(
    "title",
    [
        pytest.param(title, marks=pytest.mark.heavy if "Nuitka" in title else ())  # it compiles C for minutes
        for title in CORPUS
    ],
)
def test_a_genuine_artifact_opens_as_what_it_is(corpus_artifact: Callable[[str], Path], title: str) -> None:
    name, _, member = CORPUS[title].partition("::")
    opened_as(corpus_artifact(name) / member, title)


@pytest.mark.parametrize("title", REFUSED)
def test_what_is_only_recognised_is_named_and_refused_or_audited_as_the_list_says(title: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(REFUSED[title]())
    name = title.split(maxsplit=1)[1].split()[0].lower()
    try:
        artifact = open_artifact(path)
    except NothingInspected as refusal:
        assert not AUDITED_AS[title]
        said, advice = refusal.message, refusal.hint
    else:
        with artifact:
            assert artifact.format == AUDITED_AS[title]
            [problem] = artifact.problems
            said = advice = problem.message
    assert name in said.lower()
    assert advice


def test_what_slim_writes_is_opened() -> None:
    assert rewritten_formats() <= {one.format for one in known_formats().opened}


def test_every_limitation_is_a_sentence() -> None:
    known = known_formats()
    for one in (*known.opened, *known.recognised):
        assert one.limitations, one.title
        assert all(
            (sentence.endswith(".") and sentence[0].isupper()) or sentence[0].islower() for sentence in one.limitations
        )
