"""What PYTHON.json states, and what it may say without breaking anything."""

from __future__ import annotations

import json

import pytest

from inspector.artifact.tree import Kind, Node, Tree
from inspector.facts.licensing.standalone_python import stated_by_build
from inspector.facts.licensing.static_component import StaticComponent
from inspector.source import BytesSource


def tree_of(description: object) -> Tree:
    content = description if isinstance(description, bytes) else json.dumps(description).encode()
    files = ("python/install/bin/python3", "python/install/lib/m.so")
    directories = ("python", "python/install", "python/install/bin", "python/install/lib")
    nodes = [Node(path, Kind.FILE, size=4, content=BytesSource(b"text")) for path in files]
    nodes += [Node(path, Kind.DIRECTORY) for path in directories]
    return Tree([*nodes, Node("python/PYTHON.json", Kind.FILE, size=len(content), content=BytesSource(content))])


def described(links: list[dict[str, object]], **variant: object) -> dict[str, object]:
    extensions = {"module": [{"links": links, **variant}]}
    return {"python_exe": "install/bin/python3", "build_info": {"extensions": extensions}}


READLINE = {"name": "readline", "path_static": "build/lib/libreadline.a"}


def test_a_library_is_named_by_the_catalogue_and_licensed_by_the_statement() -> None:
    (found,) = stated_by_build(tree_of(described([READLINE], licenses=["GPL-3.0-only"])))
    assert (found.name, found.licenses, found.license_class) == ("GNU Readline", "GPL-3.0-only", "strong-copyleft")
    assert (found.path, found.stated) == ("python/install/bin/python3", True)


def test_of_several_libraries_the_catalogue_knows_each_licence() -> None:
    links = [READLINE, {"name": "unheard-of", "path_static": "x.a"}, {"name": "m", "system": True}]
    found = {
        one.name: one.licenses for one in stated_by_build(tree_of(described(links, licenses=["GPL-3.0-only", "MIT"])))
    }
    assert found == {"GNU Readline": "GPL-3.0-or-later", "unheard-of": None}


def test_a_shared_module_carries_its_libraries_itself() -> None:
    (found,) = stated_by_build(tree_of(described([READLINE], shared_lib="install/lib/m.so")))
    assert found.path == "python/install/lib/m.so"


def test_what_the_scan_found_is_not_told_twice() -> None:
    known = StaticComponent(
        name="GNU Readline",
        version="8.2",
        licenses="GPL-3.0-or-later",
        license_class="strong-copyleft",
        path="python/install/bin/python3",
    )
    assert stated_by_build(tree_of(described([READLINE])), [known]) == []


@pytest.mark.parametrize(
    "description",
    [b"", b"[]", b"{", b"[" * 100_000, {"build_info": 5}, {"build_info": {"extensions": {"x": [5, {"links": [{"name": 7, "path_static": 8}]}]}}},
     {"build_info": {"extensions": {"x": 1}}}, described([READLINE], licenses=[1, None]) | {"python_exe": "../../etc/passwd"}],
)  # fmt: skip
def test_descriptions_that_make_no_sense_say_nothing(description: object) -> None:
    assert stated_by_build(tree_of(description)) == []
