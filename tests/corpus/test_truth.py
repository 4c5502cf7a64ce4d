"""The loader's model beside a real loader: a small part of ``python -m corpus.truth``, and how the loader's words are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.recipe import Unavailable
from corpus.truth import __main__ as harness
from corpus.truth.asking import Answer, Question, run_in_tree
from corpus.truth.comparing import compare
from corpus.truth.loader_output import MissingVersion, Opening, Trace, read_opening, read_start, read_trace
from corpus.truth.model import ModelAnswer
from corpus.truth.trees import tree, why_impossible

SYSTEM = "bookworm"


@pytest.fixture(scope="module")
def root() -> Path:
    """One tree, or a skip that says why there is none."""
    reason = why_impossible()
    if reason is not None:
        pytest.skip(reason)
    try:
        return tree(SYSTEM)
    except Unavailable as unavailable:
        pytest.skip(str(unavailable))


@pytest.mark.corpus
@pytest.mark.peer
@pytest.mark.slow
def test_model_and_loader_agree_about_every_object_of_a_python_application(root: Path) -> None:
    pairs = harness.run([SYSTEM], ["python-runtime"])
    if not pairs:
        pytest.skip("the bundle cannot be built here, or the tree cannot be entered")
    assert len(pairs) > 90
    assert [pair for pair in pairs if pair.differences] == []


@pytest.mark.corpus
@pytest.mark.peer
@pytest.mark.slow
def test_variables_reach_the_asked_program_alone(root: Path) -> None:
    jobs = [
        {"argv": ["/usr/bin/env"], "env": {"ONLY": "this"}},
        {"argv": ["/bin/sh", "-c", "echo said; exit 3"], "env": {}},
        {"argv": ["/bin/true"], "env": {"LD_TRACE_LOADED_OBJECTS": "1"}},
        {"argv": ["/nowhere"], "env": {}},
    ]
    try:
        environment, shell, traced, nowhere = run_in_tree(root, {}, jobs)
    except Unavailable as unavailable:
        pytest.skip(str(unavailable))
    assert environment["out"] == "ONLY=this\n"
    assert (shell["out"], shell["status"]) == ("said\n", 3)
    assert "libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6" in traced["out"]
    assert nowhere == {"error": "No such file or directory"}


# What glibc 2.31 to 2.42 wrote for real, shortened.


def test_a_trace_is_read() -> None:
    out = (
        "\tlinux-vdso.so.1 (0x00007ffe1a5d4000)\n"
        "\t/bundle/lib/module.so (0x00007f0c1a000000)\n"
        "\tlibz.so.1 => /bundle/bin/../lib/libz.so.1 (0x00007f0c19000000)\n"
        "\tlibgone.so.2 => not found\n"
        "\t/lib64/ld-linux-x86-64.so.2 (0x00007f0c1b000000)\n"
    )
    err = (
        "/bundle/bin/app: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found (required by /bundle/lib/module.so)\n"
        "/bundle/bin/app: /bundle/lib/libz.so.1: no version information available (required by /bundle/lib/module.so)\n"
        "/bundle/bin/app: /bundle/lib/libv.so.1: weak version `V_2' not found (required by /bundle/lib/module.so)\n"
        "undefined symbol: plain\t(/bundle/lib/module.so)\n"
        "undefined symbol: versioned, version V_2\t(/bundle/lib/module.so)\n"
        "symbol bound version GLIBC_2.2.5 not defined in file libc.so.6 with link time reference\t(/bundle/bin/app)\n"
    )
    trace = read_trace(out, err, 0)
    assert trace.resolved["libz.so.1"] == "/bundle/bin/../lib/libz.so.1"
    assert trace.resolved["/bundle/lib/module.so"] == "/bundle/lib/module.so"
    assert trace.missing == {"libgone.so.2"}
    assert trace.versions == {MissingVersion("libc.so.6", "GLIBC_2.38", "/bundle/lib/module.so")}
    assert trace.symbols == {
        ("plain", "/bundle/lib/module.so"),
        ("versioned", "/bundle/lib/module.so"),
        ("bound", "/bundle/bin/app"),
    }
    assert (trace.fatal, trace.preload, trace.silent, trace.unread) == (None, None, False, [])


def test_a_loader_that_stops_is_read() -> None:
    text = "/bundle/bin/app: error while loading shared libraries: /bundle/lib/libz.so.1: invalid ELF header\n"
    assert read_trace("", text, 127).fatal == "/bundle/lib/libz.so.1: invalid ELF header"
    assertion = "Inconsistency detected by ld.so: dl-version.c: 204: _dl_check_map_versions: Assertion `needed != NULL' failed!\n"
    assert (
        read_trace("", assertion, 127).fatal
        == "dl-version.c: 204: _dl_check_map_versions: Assertion `needed != NULL' failed!"
    )
    assert read_trace("", "", -7).fatal == "signal 7"
    ignored = "ERROR: ld.so: object '/bundle/a.so' from LD_PRELOAD cannot be preloaded (file too short): ignored.\n" * 2
    assert read_trace("", ignored, 0).preload == "file too short"
    assert read_trace("\tstatically linked\n", "", 0).silent
    assert read_trace("", "something new\n", 0).unread == ["something new"]


def test_the_probes_are_read() -> None:
    opened = "probe: object linux-vdso.so.1\nprobe: object /bundle/a.so\nprobe: opened\n"
    assert read_opening(opened, "", 0) == Opening(None, True, ("linux-vdso.so.1", "/bundle/a.so"))
    refused = "probe: refused libgone.so: cannot open shared object file: No such file or directory\n"
    assert read_opening(refused, "", 0) == Opening(
        "libgone.so: cannot open shared object file: No such file or directory", True
    )
    assert not read_opening("", "/bundle/bin/app: symbol lookup error: undefined symbol: x\n", 127).started
    assert read_start("probe: started\n", "", 0) is None
    assert read_start("", "", -11) == "signal 11"


PROGRAM = Question("/bundle/bin/app", "/bundle/bin/app")
MODULE = Question("/bundle/lib/module.so", "/bundle/bin/app")


def _about(question: Question, real: Answer, model: ModelAnswer, alone: Answer | None = None) -> list[str]:
    return [difference.about for difference in compare(question, real, model, alone)]


def test_every_kind_of_disagreement_is_seen() -> None:
    libc = "/lib/x86_64-linux-gnu/libc.so.6"
    real = Answer(Trace(resolved={"libc.so.6": libc}))
    agreeing = ModelAnswer(resolved={"libc.so.6": "/usr" + libc}, versions=set(), symbols=set())
    assert _about(PROGRAM, real, agreeing) == []
    assert _about(PROGRAM, real, ModelAnswer(resolved={"libc.so.6": "/bundle/lib/libc.so.6"})) == ["libraries"]
    assert _about(PROGRAM, real, ModelAnswer()) == ["libraries"]
    assert _about(PROGRAM, real, ModelAnswer(missing={"libz.so.1"})) == ["missing libraries"]
    assert _about(PROGRAM, Answer(Trace(missing={"libz.so.1"}), start="…"), ModelAnswer()) == ["missing libraries"]
    assert _about(PROGRAM, real, ModelAnswer(failure="file too short")) == ["failure"]
    assert _about(PROGRAM, Answer(Trace(fatal="file too short"), start="…"), ModelAnswer()) == ["failure"]
    version = MissingVersion("libc.so.6", "GLIBC_2.38", "/bundle/bin/app")
    with_version = Answer(Trace(resolved={"libc.so.6": libc}, versions={version}), start="…")
    assert _about(PROGRAM, with_version, agreeing) == ["missing versions", "verdict"]
    with_symbol = Answer(Trace(resolved={"libc.so.6": libc}, symbols={("x", "/bundle/bin/app")}), start="…")
    assert _about(PROGRAM, with_symbol, agreeing) == ["undefined symbols", "verdict"]
    assert _about(PROGRAM, Answer(Trace(), error="Exec format error"), agreeing) == ["failure"]
    assert _about(PROGRAM, Answer(Trace(resolved={"libc.so.6": libc}, unread=["?"])), agreeing) != []


def test_what_preloading_changed_is_answered_by_opening() -> None:
    alone = Answer(Trace(missing={"libz.so.1"}), start="…")
    cured = Answer(
        Trace(resolved={"/bundle/lib/module.so": "/bundle/lib/module.so"}), opening=Opening("libz.so.1: …", False)
    )
    assert _about(MODULE, cured, ModelAnswer(missing={"libz.so.1"}), alone) == []
    assert _about(MODULE, cured, ModelAnswer(), alone) == ["verdict"]
    silent = Answer(Trace(silent=True), opening=Opening(None, True, ("linux-vdso.so.1", "/bundle/lib/module.so")))
    assert _about(MODULE, silent, ModelAnswer()) == []
    assert _about(MODULE, silent, ModelAnswer(missing={"libz.so.1"})) == ["verdict"]
