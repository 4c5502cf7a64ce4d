"""Regular expressions that are compiled at their first use: all of them compile."""

from __future__ import annotations

import importlib
import pkgutil
import re
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

import inspector
from inspector.facts.licensing.fingerprints import load_fingerprints
from inspector.patterns import fits_glob, glob_pattern, lazy_pattern

MODULES = sorted(
    found.name
    for found in pkgutil.walk_packages(inspector.__path__, "inspector.")
    if not found.name.endswith("__main__")
)


def test_it_does_what_the_compiled_one_does() -> None:
    late, early = lazy_pattern(r"(?P<word>[a-z]+)", re.IGNORECASE), re.compile(r"(?P<word>[a-z]+)", re.IGNORECASE)
    assert late.sub("-", "Ab 1") == early.sub("-", "Ab 1") == "- 1"
    assert (late.pattern, late.flags, late.groups) == (early.pattern, early.flags, early.groups)
    assert late.fullmatch("Ab") is not None
    assert lazy_pattern(b"[0-9]").findall(b"a1b2") == [b"1", b"2"]


def test_what_a_pattern_has_not_is_told() -> None:
    with pytest.raises(AttributeError):
        lazy_pattern("a").nothing_of_the_kind  # type: ignore[attr-defined]  # noqa: B018


def test_every_expression_compiles() -> None:
    kind = type(lazy_pattern("a"))
    found = []
    for name in MODULES:
        module = importlib.import_module(name)
        found += [value for value in vars(module).values() if isinstance(value, kind)]
    assert len(found) > 100
    for value in found:
        assert value.flags is not None


def test_every_expression_of_the_fingerprints_compiles() -> None:
    found = [
        pattern
        for fingerprint in load_fingerprints().fingerprints.values()
        for pattern in (
            *(version.pattern for version in fingerprint.versions),
            *(statement.pattern for statement in fingerprint.statements),
            *fingerprint.symbol_versions,
        )
    ]
    assert len(found) > 100
    assert all(pattern.groups for pattern in found)  # the version, or the words of the licence


_GLOB_LETTERS = st.text(alphabet="ab*?[]!-.", max_size=6)


@given(name=_GLOB_LETTERS, globs=st.lists(_GLOB_LETTERS, min_size=1, max_size=3))
def test_globs_are_those_of_the_standard_library(name: str, globs: list[str]) -> None:
    fitting = [fnmatchcase(name, glob) for glob in globs]
    assert [fits_glob(name, glob) for glob in globs] == fitting
    assert (glob_pattern(globs).fullmatch(name) is not None) == any(fitting)
