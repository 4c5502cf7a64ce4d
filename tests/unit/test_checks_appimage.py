"""The appimage family on facts written by hand: runtime, payload, update information, signature."""

from __future__ import annotations

from typing import Any

import pytest

from inspector.checks import appimage
from inspector.checks.update_information import mistakes
from inspector.facts.facts import Facts
from inspector.result import EnvelopeInfo, RuntimeInfo, SignatureInfo

CLASSIC = RuntimeInfo(
    kind="appimagekit", compressors=("gzip", "xz"), needs=("libfuse.so.2", "libz.so.1"), linkage="dynamic"
)
STATIC = RuntimeInfo(kind="type2-runtime", compressors=("gzip", "zstd"), needs=("fusermount",), linkage="static")


def rules(*, artifact_format: str = "appimage-2", **envelope: Any) -> list[str]:
    envelope.setdefault("magic_bytes", True)
    envelope.setdefault("runtime", STATIC)
    facts = Facts(name="App-x86_64.AppImage", format=artifact_format, arch="x86_64", envelope=EnvelopeInfo(**envelope))
    return [found.rule for found in appimage.check(facts)]


def test_a_current_runtime_with_a_payload_that_it_reads_is_silent() -> None:
    assert rules(compression="zstd") == []


def test_the_classic_runtime_needs_libfuse2() -> None:
    assert rules(runtime=CLASSIC, compression="gzip") == ["runtime-needs-libfuse2"]


def test_a_payload_that_its_runtime_cannot_read() -> None:
    assert rules(compression="xz") == ["runtime-cannot-read-payload"]
    assert rules(runtime=CLASSIC, compression="zstd") == ["runtime-needs-libfuse2", "runtime-cannot-read-payload"]


def test_an_unknown_runtime_is_not_judged() -> None:
    assert rules(runtime=RuntimeInfo(kind="unknown"), compression="xz") == []


def test_missing_magic_bytes() -> None:
    assert rules(magic_bytes=False) == ["appimage-without-magic"]


def test_a_signature_that_nobody_can_verify() -> None:
    assert rules(signature=SignatureInfo(status="unverifiable", reason="the file carries no public key")) == [
        "signature-without-key"
    ]
    assert rules(signature=SignatureInfo(status="good", key="AB")) == []


def test_other_formats_have_no_envelope_to_judge() -> None:
    assert rules(artifact_format="elf", magic_bytes=False) == []


SOUND = [
    "zsync|https://example.org/App-x86_64.AppImage.zsync",
    "gh-releases-zsync|me|app|latest|App-*x86_64.AppImage.zsync",
    "gh-releases-zsync|me|app|continuous|App-x86_64.AppImage.zsync",
    "pling-v1-zsync|1234|App-*x86_64.AppImage.zsync",
]


@pytest.mark.parametrize("text", SOUND)
def test_sound_update_information(text: str) -> None:
    assert list(mistakes(text, "App-1.2-x86_64.AppImage" if "*" in text else "App-x86_64.AppImage", "x86_64")) == []


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("bintray-zsync|probono|AppImages|Leafpad|Leafpad-_latestVersion-x86_64.AppImage.zsync", "closed in 2021"),
        ("ftp|somewhere", "unknown kind"),
        ("zsync", "0 fields"),
        ("gh-releases-zsync|me|app|latest", "3 fields"),
        ("gh-releases-zsync|me||latest|App-*x86_64.AppImage.zsync", "is empty"),
        ("zsync|https://example.org/linuxdeploy-x86_64.AppImage", "no .zsync file"),
        ("zsync|http://example.org/App-x86_64.AppImage.zsync", "not fetched over https"),
        ("gh-releases-zsync|me|app|latest|App-*i686.AppImage.zsync", "a file for i686"),
        ("gh-releases-zsync|me|app|latest|App-*.AppImage.zsync", "every architecture"),
        ("gh-releases-zsync|me|app|latest|Other-x86_64.AppImage.zsync", "does not match this file's own"),
        ("zsync|https://example.org/" + "a" * 1100 + ".zsync", "longer than"),
    ],
)
def test_mistakes_in_update_information(text: str, word: str) -> None:
    found = list(mistakes(text, "App-1.2-x86_64.AppImage", "x86_64"))
    assert any(word in sentence for sentence in found), found


def test_the_defects_that_real_appimages_carry() -> None:
    # libappimage's appimaged-i686.AppImage, and linuxdeploy of 2020
    assert list(
        mistakes(
            "gh-releases-zsync|AppImage|AppImageKit|continuous|appimaged-x86_64.AppImage.zsync",
            "appimaged-i686.AppImage",
            "i686",
        )
    )
    assert list(
        mistakes(
            "gh-releases-zsync|linuxdeploy|linuxdeploy|continuous|linuxdeploy-x86_64.AppImage",
            "linuxdeploy-x86_64.AppImage",
            "x86_64",
        )
    )
