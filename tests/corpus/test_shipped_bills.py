"""Bills of materials of real wheels against their files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from inspector.artifact import open_artifact
from inspector.facts.collect import collect_facts
from inspector.facts.licensing.shipped_bills import CheckedBill
from inspector.limits import Limits

PILLOW = "unpacked-wheels/pillow-13.0.0-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64"
AV = "unpacked-wheels/av-18.1.0-cp311-abi3-manylinux_2_28_x86_64"
CRYPTOGRAPHY = "unpacked-wheels/cryptography-50.0.2-cp311-abi3-manylinux_2_34_x86_64"


def bills(path: Path) -> dict[str, CheckedBill]:
    with open_artifact(path) as artifact:
        return {bill.path.rpartition("/")[2]: bill for bill in collect_facts(artifact, Limits()).shipped_bills}


def names(entries: tuple[str, ...]) -> set[str]:
    return {entry.partition(" ")[0] for entry in entries}


@pytest.mark.corpus
def test_pillow_lists_what_its_wheel_was_built_without(corpus_artifact: Callable[[str], Path]) -> None:
    found = bills(corpus_artifact(PILLOW))
    own = found["pillow-13.0.0.cdx.json"]
    assert {"libimagequant", "FriBiDi", "zlib"} <= names(own.absent)
    assert len(own.confirmed) >= 9
    assert {"libpng", "Zstandard", "Brotli", "bzip2", "libaom", "dav1d"} <= names(own.unlisted)
    assert found["auditwheel.cdx.json"].absent == ()


@pytest.mark.corpus
def test_auditwheel_lists_what_packages_own_and_nothing_that_the_project_built(
    corpus_artifact: Callable[[str], Path],
) -> None:
    (bill,) = bills(corpus_artifact(AV)).values()
    assert (bill.of, bill.absent) == ("av", ())
    assert {"FFmpeg", "x264", "x265"} <= names(bill.unlisted)


@pytest.mark.corpus
def test_crates_are_held_against_the_binary_only_where_it_tells_them(corpus_artifact: Callable[[str], Path]) -> None:
    found = bills(corpus_artifact(CRYPTOGRAPHY))
    assert len(found) == 2
    assert all((bill.absent, bill.unlisted) == ((), ()) for bill in found.values())
