"""Words for a licence that do not agree: metadata and texts, metadata and what a wheel carries, FFmpeg's own word and its codecs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from inspector.facts.licensing.component import Component
from inspector.facts.licensing.library_components import FoundLicense, LibraryComponent, LibraryEvidence
from inspector.facts.licensing.license_classes import license_class
from inspector.facts.licensing.license_disagreements import LicenseDisagreement, find_disagreements
from inspector.facts.loading.load_graph import LoadFacts


def component(name: str, licenses: str | None, kind: str = "python", **fields: Any) -> Component:
    return Component(
        name=name, version=None, kind=cast(Any, kind), licenses=licenses, license_class=license_class(licenses), evidence=(),
        files=fields.pop("files", ()), **fields,
    )  # fmt: skip


def distribution(declared: str | None, *found: FoundLicense, words: str = "") -> Component:
    statement = FoundLicense(declared, "x.dist-info/METADATA: License", () if declared else (words,))
    return component("wheel", declared, declared=statement, found=found)


def disagreements(
    *components: Component, owners: dict[str, str] | None = None, needs: dict[str, Any] | None = None
) -> tuple[LicenseDisagreement, ...]:
    return find_disagreements(components, owners or {}, LoadFacts(needs=needs or {}))


@pytest.mark.parametrize(
    ("declared", "found", "expected"),
    [
        ("MIT", FoundLicense("MIT", "LICENSE"), None),
        ("GPL-2.0-or-later", FoundLicense(None, "LICENSE", ("GPL-2.0-only", "GPL-2.0-or-later")), None),
        ("BSD-3-Clause", FoundLicense(None, "LICENSE", ("GPL-2.0-only", "GPL-2.0-or-later")), ("GPL-2.0", True)),
        ("MIT", FoundLicense("BSD-3-Clause", "LICENSE"), ("BSD-3-Clause", False)),
        ("MIT", FoundLicense(None, "LICENSE", ("MIT", "GPL-3.0-only")), None),
        (
            "BSD-3-Clause",
            FoundLicense(
                None, "LICENSE", ("GPL-3.0-only WITH GCC-exception-3.1", "GPL-3.0-or-later WITH GCC-exception-3.1")
            ),
            None,
        ),
        ("MIT", FoundLicense(None, "NOTICE", ("BSD-2-Clause", "ISC")), None),
    ],
)
def test_metadata_and_text(declared: str, found: FoundLicense, expected: tuple[str, bool] | None) -> None:
    told = disagreements(distribution(declared, found))
    assert [(each.found, each.stricter) for each in told] == ([expected] if expected else [])


def test_what_a_distribution_carries() -> None:
    codec = component("x264", "GPL-2.0-or-later", "library", files=("wheel.libs/libx264.so",))
    glib = component("GLib", "LGPL-2.1-or-later", "library", files=("wheel.libs/libglib.so",))
    owners = {"wheel.libs/libx264.so": "wheel", "wheel.libs/libglib.so": "wheel"}
    (told,) = disagreements(distribution("BSD-3-Clause"), codec, glib, owners=owners)
    assert (told.component, told.subject, told.carrier_of, told.stricter) == (
        "wheel",
        "wheel.libs/libx264.so",
        "x264",
        True,
    )
    assert disagreements(distribution("GPL-2.0-only"), codec, owners=owners) == ()
    assert disagreements(distribution("BSD-3-Clause AND GPL-2.0-or-later"), codec, owners=owners) == ()
    assert disagreements(distribution(None, words="custom"), codec, owners=owners) == ()
    assert disagreements(distribution("BSD-3-Clause"), codec, owners={"wheel.libs/libx264.so": "other"}) == ()


def ffmpeg(said: str) -> Component:
    library = LibraryComponent(
        path="lib/libavcodec.so", soname="libavcodec.so.62", build_id=None, project="FFmpeg", version=None, at_least=None, licenses=said,
        license_class=license_class(said), concluded_from="licence text", found=(FoundLicense(said, "licence text"),), package_url="", note=None,
        renamed="", evidence=(LibraryEvidence("licence text", "libavcodec license: LGPL version 3 or later"),),
    )  # fmt: skip
    return component("FFmpeg", said, "library", files=(library.path,), libraries=(library,))


def test_what_ffmpeg_says_and_the_codecs_that_it_is_linked_with() -> None:
    codec = component("x264", "GPL-2.0-or-later", "library", files=("lib/libx264.so",))
    needs = {"lib/libavcodec.so": (SimpleNamespace(path="lib/libx264.so"), SimpleNamespace(path=None))}
    (told,) = disagreements(ffmpeg("LGPL-3.0-or-later"), codec, needs=needs)
    assert (told.component, told.stated, told.found) == ("FFmpeg", "LGPL-3.0-or-later", "GPL-2.0-or-later")
    assert told.evidence[0] == "it says: libavcodec license: LGPL version 3 or later"
    assert disagreements(ffmpeg("GPL-3.0-or-later"), codec, needs=needs) == ()
    assert disagreements(ffmpeg("LGPL-3.0-or-later"), codec) == ()


def test_a_codec_inside_the_library_itself() -> None:
    inside = component("x265", "GPL-2.0-or-later", "static", files=("lib/libavcodec.so",))
    (told,) = disagreements(ffmpeg("LGPL-2.1-or-later"), inside)
    assert told.carrier_of == "x265"
