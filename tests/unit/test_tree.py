"""Tree and Node: looking up, following links, reading on demand."""

from __future__ import annotations

import pytest

from inspector.artifact import Kind, Node, Tree
from inspector.artifact.names import safe_name, text_of
from inspector.errors import LimitExceeded
from inspector.limits import Limits
from inspector.source import BytesSource, Source


def directory(path: str) -> Node:
    return Node(path, Kind.DIRECTORY, 0o755)


def link(path: str, target: str) -> Node:
    return Node(path, Kind.SYMLINK, 0o777, target=target)


def file(path: str, content: bytes = b"") -> Node:
    return Node(path, Kind.FILE, 0o755, len(content), content=BytesSource(content))


@pytest.fixture
def tree() -> Tree:
    return Tree(
        [
            directory(""),
            directory("usr"),
            directory("usr/lib"),
            file("usr/lib/libz.so.1.3"),
            link("usr/lib/libz.so.1", "libz.so.1.3"),
            link("usr/lib64", "lib"),
            link("lib", "usr/lib64"),
            link("absolute", "/usr/lib/libz.so.1"),
            link("out", "../../etc/passwd"),
            link("loop", "loop2"),
            link("loop2", "loop"),
            link("dangling", "nowhere"),
        ]
    )


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("usr/lib/libz.so.1.3", "usr/lib/libz.so.1.3"),
        ("lib/libz.so.1", "usr/lib/libz.so.1.3"),
        ("./usr//lib/../lib64/libz.so.1", "usr/lib/libz.so.1.3"),
        ("lib", "usr/lib"),
        ("", ""),
        ("absolute", None),
        ("out", None),
        ("../usr", None),
        ("loop", None),
        ("dangling", None),
        ("usr/missing", None),
    ],
)
def test_resolve(tree: Tree, path: str, found: str | None) -> None:
    node = tree.resolve(path)
    assert (None if node is None else node.path) == found


def test_resolve_with_a_root(tree: Tree) -> None:
    node = tree.resolve("absolute", root="")
    assert node is not None
    assert node.path == "usr/lib/libz.so.1.3"
    assert tree.resolve("absolute", root="usr") is None


def test_get_does_not_follow(tree: Tree) -> None:
    node = tree.get("lib")
    assert node is not None
    assert node.kind is Kind.SYMLINK
    assert tree.get("lib/libz.so.1") is None
    assert "usr" in tree
    assert len(tree) == 12


def test_children(tree: Tree) -> None:
    assert [node.name for node in tree.children("usr/lib")] == ["libz.so.1.3", "libz.so.1"]
    assert "usr" in [node.name for node in tree.children("")]
    assert tree.children("nothing") == []


def test_read_order_is_the_containers() -> None:
    nodes = [file("b"), directory("d"), file("a")]
    assert [node.path for node in Tree(nodes).files_in_read_order()] == ["b", "a"]
    ordered = Tree(nodes, read_order=lambda files: iter(sorted(files, key=lambda node: node.path)))
    assert [node.path for node in ordered.files_in_read_order()] == ["a", "b"]


def test_content_is_opened_once_and_only_when_read() -> None:
    opened = 0

    def opener() -> Source:
        nonlocal opened
        opened += 1
        return BytesSource(b"0123456789")

    node = Node("f", Kind.FILE, size=10, opener=opener)
    assert opened == 0
    assert node.read_at(8, 10) == b"89"
    assert node.read(2, 3) == b"234"
    assert node.read() == b"0123456789"
    assert opened == 1
    with pytest.raises(LimitExceeded, match="small_file"):
        node.read(limits=Limits(small_file=9))
    assert node.read(5, limits=Limits(small_file=9)) == b"56789"


def test_what_is_no_file_has_no_content() -> None:
    assert directory("d").read_at(0, 10) == b""
    assert link("l", "t").read() == b""


def test_executable() -> None:
    assert file("f").is_executable
    assert not Node("f", Kind.FILE, 0o644).is_executable
    assert not directory("d").is_executable


@pytest.mark.parametrize(
    ("name", "text", "is_safe"),
    [
        (b"plain", "plain", True),
        ("umlaut ä".encode(), "umlaut ä", True),
        (b"\xff", "\\xff", True),
        (b"..", "\\x2e\\x2e", False),
        (b".", "\\x2e", False),
        (b"...", "...", True),
        (b"a/b", "a\\x2fb", False),
        (b"/", "\\x2f", False),
        (b"a\0", "a\\x00", False),
        (b"", "\\x", False),
    ],
)
def test_names(name: bytes, text: str, is_safe: bool) -> None:
    assert safe_name(name) == (text, None) if is_safe else safe_name(name)[0] == text
    assert (safe_name(name)[1] is None) == is_safe


def test_text_of() -> None:
    assert text_of(b"../x\xfe") == "../x\\xfe"
