"""Which bytecode stays, goes and is made anew: levels, tags, times, hashes, policies."""

from __future__ import annotations

import pytest

from inspector.formats.pyc import source_hash
from inspector.slim.planning.bytecode_plan import BytecodeFacts, bytecode_facts
from tests.bundles import facts_of
from tests.slim_bundles import (
    LIB,
    MAGIC,
    OPEN,
    SITE,
    TIME,
    actions,
    cached,
    plan_of,
    program,
    pyc,
    python_bundle,
    removed,
)

SOURCE = b"X = 1\n"
MODULE = f"{SITE}/mod.py"


def compiled(plan: object) -> dict[str, str]:
    """Sources that are compiled, by the file that is written; those of the bundle's own basis left out."""
    rows = {path: source for action in actions(plan, "compile") for path, source in action.details.items()}
    return {path: source for path, source in rows.items() if source.startswith(SITE)}


def test_one_level_stays_and_the_launcher_says_which() -> None:
    files = {MODULE: SOURCE, **{cached(MODULE, level=level): pyc(SOURCE) for level in ("", "1", "2")}}
    assert removed(plan_of(python_bundle(files))) == {
        cached(MODULE, level="1"): "spare-bytecode",
        cached(MODULE, level="2"): "spare-bytecode",
    }
    optimised = OPEN.replace('python3.11"', 'python3.11" -OO')
    assert set(removed(plan_of(python_bundle(files, apprun=optimised)))) == {cached(MODULE), cached(MODULE, level="1")}
    by_variable = OPEN.replace("exec", "export PYTHONOPTIMIZE=1\nexec")
    assert set(removed(plan_of(python_bundle(files, apprun=by_variable)))) == {
        cached(MODULE),
        cached(MODULE, level="2"),
    }


@pytest.mark.parametrize(
    ("arguments", "level"),
    [
        ("-O", "1"),
        ("-OO", "2"),
        ("-sO", "1"),
        ("-I -O", "1"),
        ("-s script.py -O", ""),
        ("-m mod -OO", ""),
        ("-c -O", ""),
    ],
)
def test_only_the_interpreters_own_options_count(arguments: str, level: str) -> None:
    facts = facts_of(
        {"AppRun": OPEN.replace('python3.11"', f'python3.11" {arguments}'), "usr/bin/python3.11": program()}
    )
    assert bytecode_facts(facts, {}).optimization == level
    assert bytecode_facts(facts, {"PYTHONOPTIMIZE": "2"}).optimization == "2"


def test_the_tag_is_the_interpreters() -> None:
    facts = facts_of({"AppRun": OPEN, "usr/bin/python3.11": program(), f"{LIB}/os.py": "\n"})
    assert bytecode_facts(facts, {}) == BytecodeFacts(frozenset({"cpython-311"}), "", "nothing starts Python with -O")
    assert bytecode_facts(facts_of({"AppRun": "#!/bin/sh\n", f"{LIB}/os.py": "\n"}), {}).tags == frozenset()


def test_bytecode_without_source_of_another_interpreter_or_beside_its_source_goes() -> None:
    files = {
        MODULE: SOURCE,
        cached(MODULE): pyc(SOURCE),
        cached(MODULE, tag="cpython-310"): pyc(SOURCE),
        f"{SITE}/__pycache__/gone.cpython-311.pyc": pyc(SOURCE),
        f"{SITE}/mod.pyc": pyc(SOURCE),
        f"{SITE}/sourceless.pyc": pyc(SOURCE),  # imported as it is (PEP 3147, flow chart)
    }
    assert removed(plan_of(python_bundle(files))) == {
        cached(MODULE, tag="cpython-310"): "foreign-bytecode",
        f"{SITE}/__pycache__/gone.cpython-311.pyc": "bytecode-without-source",
        f"{SITE}/mod.pyc": "spare-bytecode",
    }


def test_without_a_known_interpreter_every_tag_stays() -> None:
    files = {MODULE: SOURCE, cached(MODULE): pyc(SOURCE), cached(MODULE, tag="cpython-310"): pyc(SOURCE)}
    bundle = python_bundle({**files, "usr/bin/python3.11": "#!/bin/sh\n"}, apprun="#!/bin/sh\nexec true\n")
    assert not removed(plan_of(bundle))


@pytest.mark.parametrize(
    ("content", "valid"),
    [
        (pyc(SOURCE), True),
        (pyc(SOURCE, mtime=TIME - 1), False),
        (pyc(SOURCE + b"\n"), False),
        (pyc(SOURCE, magic=3413), False),  # of CPython 3.8, under the name of 3.11's
        (pyc(SOURCE, flags=1), True),
        (pyc(SOURCE, flags=3), False),
        (pyc(SOURCE, flags=3).replace(b"hash____", source_hash(MAGIC, SOURCE)), True),
        (pyc(SOURCE)[:12], False),
        (b"", False),
    ],
    ids=["valid", "time", "size", "magic", "unchecked", "checked-wrong", "checked-right", "cut", "empty"],
)
def test_what_is_not_valid_at_the_images_times_is_made_anew(content: bytes, valid: bool) -> None:
    plan = plan_of(python_bundle({MODULE: SOURCE, cached(MODULE): content}))
    assert compiled(plan) == ({} if valid else {cached(MODULE): MODULE})
    assert cached(MODULE) not in removed(plan)


def test_what_is_missing_is_compiled_and_what_no_import_names_is_not() -> None:
    files = {
        MODULE: SOURCE,
        f"{SITE}/pkg/__init__.py": SOURCE,
        f"{SITE}/pkg/templates-x/file.py": SOURCE,
        f"{SITE}/pkg-1.0.dist-info/x.py": SOURCE,
    }
    assert compiled(plan_of(python_bundle(files))) == {
        cached(MODULE): MODULE,
        f"{SITE}/pkg/__pycache__/__init__.cpython-311.pyc": f"{SITE}/pkg/__init__.py",
    }
    quiet = plan_of(python_bundle(files), run=False)
    assert not actions(quiet, "compile")
    assert any("none is compiled" in notice for notice in quiet.notices)


def test_the_policy_none_takes_all_that_has_its_source() -> None:
    files = {MODULE: SOURCE, cached(MODULE): pyc(SOURCE), f"{SITE}/sourceless.pyc": pyc(SOURCE)}
    plan = plan_of(python_bundle(files), bytecode="none")
    assert removed(plan) == {cached(MODULE): "all-bytecode", f"{SITE}/__pycache__": "all-bytecode"}
    assert not actions(plan, "compile")
