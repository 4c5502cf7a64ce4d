"""Installed Python distributions: what is read of their metadata, which files are theirs, and what broken ones do."""

from __future__ import annotations

import importlib.metadata
import os
import sysconfig
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.artifact.tree import Kind, Node, Tree
from inspector.errors import FormatError
from inspector.facts.python.core_metadata import parse_headers
from inspector.facts.python.distributions import PythonDistribution, collect_python_distributions
from inspector.limits import Limits
from inspector.source import BytesSource, FileSource, Source
from tests.judged_time import assert_at_most

SITE = "usr/lib/python3.11/site-packages"


def tree_of(files: dict[str, bytes]) -> Tree:
    directories = {""}
    for path in files:
        parts = path.split("/")[:-1]
        directories.update("/".join(parts[: count + 1]) for count in range(len(parts)))
    nodes = [Node(path, Kind.DIRECTORY, 0o755) for path in sorted(directories)]
    nodes += [
        Node(path, Kind.FILE, size=len(content), opener=lambda content=content: BytesSource(content))
        for path, content in files.items()
    ]
    return Tree(nodes)


def only(files: dict[str, bytes]) -> PythonDistribution:
    found = collect_python_distributions(tree_of(files))
    assert not found.problems
    (distribution,) = found.distributions
    return distribution


def test_a_wheel_that_an_installer_recorded() -> None:
    info = f"{SITE}/Example_Package-1.0.dist-info"
    distribution = only(
        {
            f"{info}/METADATA": (
                b"Metadata-Version: 2.4\nName: Example.Package\nVersion: 1.0\n"
                b"License-Expression: mit\nLicense-File: LICENSE\n\nLicense: x\n"
            ),
            f"{info}/RECORD": (
                b"example/__init__.py,sha256=x,0\n"
                b'"example/a,b.py",,\n'
                b"example/gone.py,,\n"
                b"../../../bin/example,,\n"
                b"/etc/passwd,,\n"
                b"../../../../../outside,,\n"
                b"Example_Package-1.0.dist-info/METADATA,,\n"
            ),
            f"{info}/licenses/LICENSE": b"text",
            f"{SITE}/example/__init__.py": b"",
            f"{SITE}/example/a,b.py": b"",
            f"{SITE}/other.py": b"",
            "usr/bin/example": b"#!",
            "etc/passwd": b"",
        }
    )
    assert (distribution.name, distribution.normalized_name, distribution.version) == (
        "Example.Package",
        "example-package",
        "1.0",
    )
    assert (distribution.licenses, distribution.license_class, distribution.license_source) == (
        "MIT",
        "permissive",
        "License-Expression",
    )
    assert distribution.license_files == (f"{info}/licenses/LICENSE",)
    assert distribution.recorded
    assert distribution.files == (
        "usr/bin/example",
        f"{info}/METADATA",
        f"{info}/RECORD",
        f"{info}/licenses/LICENSE",
        f"{SITE}/example/__init__.py",
        f"{SITE}/example/a,b.py",
    )


def test_a_distribution_package_without_a_record_owns_what_its_names_say() -> None:
    info = f"{SITE}/PyYAML-6.0.egg-info"
    distribution = only(
        {
            f"{info}/PKG-INFO": b"Name: PyYAML\r\nVersion: 6.0\r\nLicense: UNKNOWN\r\nClassifier: License :: OSI Approved :: MIT License\r\n\r\n",
            f"{info}/top_level.txt": b"yaml\n_yaml\n\n../outside\n",
            f"{SITE}/yaml/__init__.py": b"",
            f"{SITE}/yaml/__pycache__/x.pyc": b"",
            f"{SITE}/_yaml.cpython-311-x86_64-linux-gnu.so": b"",
            f"{SITE}/yaml2.py": b"",
        }
    )
    assert (distribution.licenses, distribution.license_source, distribution.recorded) == ("MIT", "classifiers", False)
    assert distribution.files == (
        f"{info}/PKG-INFO",
        f"{info}/top_level.txt",
        f"{SITE}/_yaml.cpython-311-x86_64-linux-gnu.so",
        f"{SITE}/yaml/__init__.py",
        f"{SITE}/yaml/__pycache__/x.pyc",
    )


def test_an_egg_info_file_and_an_egg_directory() -> None:
    distribution = only(
        {f"{SITE}/six-1.16.0.egg-info": b"Name: six\nVersion: 1.16.0\nLicense: MIT\n\n", f"{SITE}/six.py": b""}
    )
    assert (distribution.name, distribution.licenses) == ("six", "MIT")
    assert distribution.files == (f"{SITE}/six.py",)
    egg = f"{SITE}/old-2.0-py3.11.egg/EGG-INFO"
    distribution = only(
        {
            f"{egg}/PKG-INFO": b"Name: old\nVersion: 2.0\n\n",
            f"{egg}/top_level.txt": b"old\n",
            f"{SITE}/old-2.0-py3.11.egg/old.py": b"",
        }
    )
    assert (distribution.name, distribution.version) == ("old", "2.0")
    assert f"{SITE}/old-2.0-py3.11.egg/old.py" in distribution.files


def test_old_records_of_egg_info_are_relative_to_it() -> None:
    info = f"{SITE}/old-1.egg-info"
    distribution = only(
        {
            f"{info}/PKG-INFO": b"Name: old\nVersion: 1\n\n",
            f"{info}/installed-files.txt": b"../old/a.py\nPKG-INFO\n./top_level.txt\n",
            f"{info}/top_level.txt": b"old\n",
            f"{SITE}/old/a.py": b"",
            f"{SITE}/old/b.py": b"",
        }
    )
    assert distribution.recorded
    assert f"{SITE}/old/a.py" in distribution.files
    assert f"{SITE}/old/b.py" not in distribution.files


@pytest.mark.parametrize(
    ("metadata", "licenses", "license_class"),
    [
        ("License-Expression: apache-2.0 or bsd-2-clause", "Apache-2.0 OR BSD-2-Clause", "permissive"),
        ("License-Expression: GPL-3.0-or-later WITH GCC-exception-3.1", "GPL-3.0-or-later WITH GCC-exception-3.1", "permissive"),
        ("License-Expression: LicenseRef-Ours", "LicenseRef-Ours", "unknown"),
        ("License: Apache License, Version 2.0", "Apache-2.0", "permissive"),
        ("License: BSD-3-Clause", "BSD-3-Clause", "permissive"),
        ("License: BSD", None, "permissive"),
        ("License: GPL v3", None, "strong-copyleft"),
        ("License: LGPL with exceptions", None, "weak-copyleft"),
        ("License: see LICENSE", None, "unknown"),
        ("License: MIT License\n\n        Copyright (c) 2020 Somebody", "MIT", "permissive"),
        ("License: MIT License\n        \n        Copyright (c) 2020 Somebody", "MIT", "permissive"),
        ("License: MIT License\nCopyright (c) 2020: Somebody\nPermission is granted", "MIT", "permissive"),
        ("Classifier: License :: OSI Approved :: GNU General Public License v2 or later (GPLv2+)", "GPL-2.0-or-later", "strong-copyleft"),
        ("Classifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)", None, "strong-copyleft"),
        ("Classifier: License :: OSI Approved :: BSD License\nClassifier: License :: OSI Approved :: MIT License", None, "permissive"),
        ("Classifier: License :: OSI Approved :: Sleepycat License\nClassifier: License :: OSI Approved :: MIT License", None, "unknown"),
        ("Classifier: License :: OSI Approved\nClassifier: License :: Other/Proprietary License", None, "proprietary"),
        ("Classifier: Programming Language :: Python", None, "unknown"),
        # the more exact statement wins
        ("License: BSD\nClassifier: License :: OSI Approved :: MIT License", "MIT", "permissive"),
        ("License: see LICENSE\nClassifier: License :: OSI Approved :: BSD License", None, "permissive"),
        ("License-Expression: MIT\nLicense: GPL v3", "MIT", "permissive"),
    ],
)  # fmt: skip
def test_the_licence_that_metadata_state(metadata: str, licenses: str | None, license_class: str) -> None:
    # The blank line of the first pasted text ends the headers, as it does for every reader of them.
    distribution = only({f"{SITE}/x-1.dist-info/METADATA": f"Name: x\nVersion: 1\n{metadata}\n\n".encode()})
    if licenses == "MIT" and metadata.startswith("License: MIT License\n\n"):
        assert distribution.license_words == "MIT License"
    assert (distribution.licenses, distribution.license_class) == (licenses, license_class)


def test_an_expression_that_is_none_is_a_problem_and_the_classifiers_speak() -> None:
    found = collect_python_distributions(
        tree_of(
            {
                f"{SITE}/x-1.dist-info/METADATA": (
                    b"Name: x\nVersion: 1\nLicense-Expression: MIT AND\nClassifier: License :: OSI Approved :: ISC License (ISCL)\n\n"
                )
            }
        )
    )
    assert found.distributions[0].licenses == "ISC"
    assert [(problem.kind, problem.subject) for problem in found.problems] == [
        ("broken-metadata", f"{SITE}/x-1.dist-info/METADATA")
    ]
    assert "MIT AND" in found.problems[0].message


@pytest.mark.parametrize(
    "expression", ["(" * 300 + "MIT" + ")" * 300, "MIT AND " * 400 + "MIT OR", "é WITH ü", "MIT)(", "A" * 5000]
)
def test_hostile_expressions_are_problems_and_nothing_worse(expression: str) -> None:
    metadata = f"Name: x\nVersion: 1\nLicense-Expression: {expression}\n\n".encode()
    found = collect_python_distributions(tree_of({f"{SITE}/x-1.dist-info/METADATA": metadata}))
    assert found.distributions[0].licenses is None


def test_broken_distributions_are_listed_under_their_directorys_name() -> None:
    found = collect_python_distributions(
        tree_of(
            {
                f"{SITE}/empty-3.2.dist-info/METADATA": b"",
                f"{SITE}/half-1.dist-info/RECORD": b"half.py,,\n",
                f"{SITE}/half.py": b"",
                f"{SITE}/quoted-1.dist-info/METADATA": b"\xef\xbb\xbfName: quoted\nVersion: 1\nAuthor: J\xf6rg \xff\n\n",
                f"{SITE}/quoted-1.dist-info/RECORD": b'quoted.py,,\n"never closed,,\n',
                f"{SITE}/quoted.py": b"",
                "plain.egg-info": b"\x00\xff\xfe" * 100,
            }
        )
    )
    by_name = {distribution.name: distribution for distribution in found.distributions}
    assert set(by_name) == {"empty", "half", "quoted", "plain"}
    assert by_name["empty"].version == "3.2"
    assert by_name["half"].files == (f"{SITE}/half-1.dist-info/RECORD", f"{SITE}/half.py")
    assert by_name["half"].metadata_path == f"{SITE}/half-1.dist-info"
    assert f"{SITE}/quoted.py" in by_name["quoted"].files
    kinds = {(problem.subject, problem.kind) for problem in found.problems}
    assert (f"{SITE}/quoted-1.dist-info/RECORD", "broken-record") in kinds
    assert (f"{SITE}/half-1.dist-info", "broken-metadata") in kinds
    assert (f"{SITE}/empty-3.2.dist-info/METADATA", "broken-metadata") in kinds


def test_members_that_cannot_be_read_are_problems() -> None:
    def broken() -> Source:
        raise FormatError("block 3 is damaged", 17)

    nodes = [
        Node(f"{SITE}/x-1.dist-info/METADATA", Kind.FILE, size=10, opener=broken),
        Node(
            f"{SITE}/y-1.dist-info/METADATA", Kind.FILE, size=20, opener=lambda: BytesSource(b"Name: y\nVersion: 1\n\n")
        ),
        Node(f"{SITE}/y-1.dist-info/RECORD", Kind.FILE, size=1000, opener=lambda: BytesSource(b"y" * 1000)),
    ]
    found = collect_python_distributions(Tree(nodes), Limits(small_file=100))
    assert [distribution.name for distribution in found.distributions] == ["x", "y"]
    messages = {problem.subject: problem.message for problem in found.problems if problem.kind == "unreadable-member"}
    assert "block 3 is damaged" in messages[f"{SITE}/x-1.dist-info/METADATA"]
    assert "small_file" in messages[f"{SITE}/y-1.dist-info/RECORD"]


def test_headers_behind_a_long_text_are_still_read() -> None:
    metadata = (
        b"Name: x\nVersion: 1\nLicense: " + b"        line of a licence text\n" * 2000 + b"License-Expression: MIT\n\n"
    )
    assert only({f"{SITE}/x-1.dist-info/METADATA": metadata}).licenses == "MIT"


@given(st.text(max_size=300))
def test_any_text_parses_into_headers(text: str) -> None:
    for values in parse_headers(text).values():
        assert all(isinstance(value, str) for value in values)


@given(st.binary(max_size=300), st.binary(max_size=200))
def test_any_bytes_make_a_distribution_or_a_problem(metadata: bytes, record: bytes) -> None:
    info = "site/x-1.dist-info"
    found = collect_python_distributions(
        tree_of({f"{info}/METADATA": metadata, f"{info}/RECORD": record, "site/x.py": b""})
    )
    (distribution,) = found.distributions
    assert distribution.name
    assert set(distribution.files) <= {f"{info}/METADATA", f"{info}/RECORD", "site/x.py"}


def test_a_megabyte_of_folded_lines_takes_a_moment() -> None:
    start = time.perf_counter()
    headers = parse_headers("License: x\n" + " y\n" * 300_000)
    assert_at_most(5, time.perf_counter() - start)  # measured: 0.1 s; joining line by line took minutes
    assert len(headers["license"][0]) == 1 + 2 * 300_000 + 1


def test_distributions_that_all_claim_one_directory_cost_no_square(monkeypatch: pytest.MonkeyPatch) -> None:
    from inspector.facts.python import distributions as python_distributions

    monkeypatch.setattr(python_distributions, "_MOST_FILES_BY_NAME", 500)
    files = {f"{SITE}/shared/file{number}.py": b"" for number in range(100)}
    for number in range(20):
        files[f"{SITE}/x{number}-1.egg-info/PKG-INFO"] = f"Name: x{number}\nVersion: 1\n\n".encode()
        files[f"{SITE}/x{number}-1.egg-info/top_level.txt"] = b"shared\n" * 1000
    found = collect_python_distributions(tree_of(files))
    assert len(found.distributions) == 20
    assert 450 < sum(len(distribution.files) for distribution in found.distributions) <= 500 + 2 * 20
    assert "limit-exceeded" in {problem.kind for problem in found.problems}


def directory_tree(root: Path) -> Tree:
    nodes = []
    for directory, _, names in os.walk(root):
        relative = os.path.relpath(directory, root)
        prefix = "" if relative == "." else relative + "/"
        nodes.append(Node(prefix[:-1], Kind.DIRECTORY))
        for name in names:
            path = Path(directory, name)
            if not path.is_symlink():
                nodes.append(
                    Node(prefix + name, Kind.FILE, size=path.stat().st_size, opener=lambda path=path: FileSource(path))
                )
    return Tree(nodes)


def test_the_distributions_of_this_environment_equal_those_of_the_standard_library() -> None:
    site = Path(sysconfig.get_path("purelib"))
    expected = {found.metadata["Name"]: found for found in importlib.metadata.distributions(path=[str(site)])}
    if len(expected) < 5:
        pytest.skip("an environment with few distributions")
    top = collect_python_distributions(directory_tree(site))
    found = {row.name: row for row in top.distributions if row.metadata_path.count("/") <= 1}
    assert set(found) == set(expected)
    for name, distribution in expected.items():
        row = found[name]
        assert row.version == distribution.version
        recorded = {os.path.normpath(path) for path in map(str, distribution.files or ())}
        there = {
            path
            for path in recorded
            if not path.startswith("..") and (site / path).is_file() and not (site / path).is_symlink()
        }
        if row.recorded:
            assert there <= set(row.files)
            assert all(path in recorded or ".dist-info/" in path or ".egg-info/" in path for path in row.files)


def test_nine_thousand_recorded_files_take_a_moment() -> None:
    names = [f"package/module{number // 100}/file{number}.py" for number in range(9000)]
    files = {f"{SITE}/{name}": b"" for name in names}
    files[f"{SITE}/p-1.dist-info/METADATA"] = b"Name: p\nVersion: 1\n\n"
    files[f"{SITE}/p-1.dist-info/RECORD"] = "".join(f"{name},sha256=abcdefghijk,100\n" for name in names).encode()
    tree = tree_of(files)
    start = time.perf_counter()
    found = collect_python_distributions(tree)
    elapsed = time.perf_counter() - start
    assert len(found.distributions[0].files) == 9002
    assert_at_most(0.5, elapsed)  # measured: 0.03 s
