"""The HTML report's tree of files against the sizes that the audit measures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

import inspector
from inspector.render.html_report.size_tree import size_tree, walk
from inspector.result_making import without_file_list


@pytest.mark.corpus
def test_the_tree_adds_up_to_the_sizes(corpus_artifact: Callable[[str], Path]) -> None:
    result = inspector.audit(corpus_artifact("layouts/python-appimage.AppImage"), list_files=True)
    tree = size_tree(result)
    assert (tree.root.raw, tree.root.stored) == (result.sizes.total.raw, result.sizes.total.stored)
    assert tree.root.files == result.files.count == tree.listed
    raw: Counter[str] = Counter()
    for directory in walk(tree.root):
        for file in directory.contents:
            raw[tree.components[file.component]] += file.raw
    assert raw == {row.name: row.raw for row in result.sizes.by_component}
    tests = sum(
        file.raw
        for node in walk(tree.root)
        for file in node.contents
        if file.removable == tree.removables.index("tests")
    )
    assert tests == result.sizes.test_bytes.raw

    # The ordinary document has only rows, of which the same directories come to the same bytes.
    rows = size_tree(without_file_list(result))
    for name, node in rows.root.directories.items():
        assert (node.raw, node.stored) == (tree.root.directories[name].raw, tree.root.directories[name].stored)
    assert (rows.root.raw, rows.root.stored) == (tree.root.raw, tree.root.stored)
