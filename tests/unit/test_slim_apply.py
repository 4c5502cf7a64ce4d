"""slim/making/{apply,products}.py: from actions to the planned tree, with hard links, shared files, bytecode, records and emptied directories."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspector.artifact import Kind, Node, Tree
from inspector.limits import Limits
from inspector.slim.making.apply import apply_plan
from inspector.slim.making.planned_tree import PlannedTree
from inspector.slim.making.products import Products, make_elf_products
from inspector.slim.planning.plan import Action, Plan, PlanTarget
from inspector.slim.proving.unpacked_tree import write_tree
from inspector.source import BytesSource
from tests.elf_builder import TinyElf

TIME = 1_700_000_000


def plan(*actions: Action) -> Plan:
    return Plan(
        tool="test", target=PlanTarget(path="AppDir", format="appdir", digest="0"), level="moderate", actions=actions
    )


def action(kind: str, *paths: str, **details: str) -> Action:
    return Action(
        rule=f"rule-{kind}", level="safe", kind=kind, subject=paths[0], paths=paths,
        details={key.replace("__", "/"): value for key, value in details.items()},
    )  # type: ignore[arg-type]  # fmt: skip


def file(path: str, content: bytes = b"x", **fields: object) -> Node:
    node = Node(path, Kind.FILE, size=len(content), content=BytesSource(content), **fields)  # type: ignore[arg-type]
    node.mtime = TIME
    return node


def tree(*nodes: Node) -> Tree:
    """A tree with the directories that the paths need."""
    found = {node.path: node for node in nodes}
    for path in list(found):
        parent = path.rpartition("/")[0]
        while parent:
            found.setdefault(parent, Node(parent, Kind.DIRECTORY, 0o755))
            parent = parent.rpartition("/")[0]
    return Tree(found.values())


@pytest.fixture
def products(tmp_path: Path) -> Iterator[Products]:
    made = Products(tmp_path)
    yield made
    made.close()


def content(planned: PlannedTree, path: str) -> bytes:
    entry = planned.get(path)
    assert entry is not None
    source = entry.source()
    assert source is not None
    assert source.size == entry.size
    return source.read_at(0, source.size)


def test_what_goes_is_gone_and_the_rest_is_as_it_was(products: Products) -> None:
    before = tree(file("AppRun", mode=0o755), file("usr/share/doc/a"), file("usr/share/doc/b"), file("usr/lib/c"))
    gone = action("remove", "usr/share/doc/a", "usr/share/doc/b", "usr/share/doc", "usr/share", "usr/not there")
    planned = apply_plan(plan(gone), before, products, Limits())
    assert list(planned.entries) == ["AppRun", "usr", "usr/lib", "usr/lib/c"]
    assert all(entry.is_unchanged for entry in planned)
    run = planned.get("AppRun")
    assert run is not None
    assert (run.mode, run.mtime) == (0o755, TIME)


def test_a_directory_with_something_in_it_stays(products: Products) -> None:
    before = tree(file("usr/a"), file("usr/b"))
    planned = apply_plan(plan(action("remove", "usr/a", "usr")), before, products, Limits())
    assert list(planned.entries) == ["usr", "usr/b"]


def test_a_directory_that_was_empty_before_and_is_not_named_stays(products: Products) -> None:
    before = tree(file("usr/a"), Node("usr/empty", Kind.DIRECTORY, 0o700))
    planned = apply_plan(plan(action("remove", "usr/a")), before, products, Limits())
    assert list(planned.entries) == ["usr", "usr/empty"]


def test_a_directory_that_a_link_leads_to_stays(products: Products) -> None:
    link = Node("doc", Kind.SYMLINK, 0o777, target="usr/share/doc")
    before = tree(link, file("usr/share/doc/a"))
    gone = action("remove", "usr/share/doc/a", "usr/share/doc", "usr/share", "usr")
    planned = apply_plan(plan(gone), before, products, Limits())
    assert list(planned.entries) == ["doc", "usr", "usr/share", "usr/share/doc"]
    both = apply_plan(plan(gone, action("remove", "doc")), before, products, Limits())
    assert list(both.entries) == []


def test_names_of_one_file_stay_names_of_one_file(products: Products, tmp_path: Path) -> None:
    names = [file(f"lib/{name}", b"old", inode=7) for name in ("c", "a", "b")]
    for name in ("a", "b", "c"):
        products.put(f"lib/{name}", b"new")
    before = tree(*names)
    planned = apply_plan(plan(action("strip", "lib/a", "lib/b", "lib/c")), before, products, Limits())
    assert [entry.link_to for entry in planned if entry.kind is Kind.FILE] == [None, "lib/a", "lib/a"]
    assert {content(planned, f"lib/{name}") for name in ("a", "b", "c")} == {b"new"}
    write_tree(planned, tmp_path / "out", exact=True)
    assert len({(tmp_path / "out/lib" / name).stat().st_ino for name in ("a", "b", "c")}) == 1


def test_a_name_that_is_kept_leaves_the_others(products: Products) -> None:
    before = tree(*(file(f"lib/{name}", b"old", inode=7) for name in ("a", "b", "c")))
    products.put("lib/a", b"new")
    products.put("lib/c", b"new")
    planned = apply_plan(plan(action("strip", "lib/a", "lib/c")), before, products, Limits())
    assert [content(planned, f"lib/{name}") for name in ("a", "b", "c")] == [b"new", b"old", b"new"]
    assert [entry.link_to for entry in planned if entry.kind is Kind.FILE] == [None, None, "lib/a"]


def test_a_removed_first_name_of_a_file(products: Products, tmp_path: Path) -> None:
    before = tree(*(file(f"lib/{name}", b"old", inode=7) for name in ("a", "b", "c")))
    planned = apply_plan(plan(action("remove", "lib/a")), before, products, Limits())
    write_tree(planned, tmp_path / "out", exact=True)
    assert (tmp_path / "out/lib/b").stat().st_nlink == 2


def test_equal_files_share_what_the_first_becomes(products: Products, tmp_path: Path) -> None:
    before = tree(*(file(f"lib/{name}", b"equal") for name in ("a", "b", "c")))
    products.put("lib/a", b"new")
    shared = plan(action("share", "lib/a", "lib/b", "lib/c"), action("strip", "lib/a"))
    planned = apply_plan(shared, before, products, Limits())
    assert {content(planned, f"lib/{name}") for name in ("a", "b", "c")} == {b"new"}
    assert [entry.link_to for entry in planned if entry.kind is Kind.FILE] == [None, "lib/a", "lib/a"]
    write_tree(planned, tmp_path / "out", exact=True)
    assert (tmp_path / "out/lib/a").stat().st_nlink == 3


def test_bytecode_has_its_sources_mode_and_time(products: Products) -> None:
    before = tree(file("lib/m.py", b"X = 1\n", mode=0o750))
    products.put("lib/__pycache__/m.cpython-311.pyc", b"code")
    wanted = Action(
        rule="compile-bytecode", level="safe", kind="compile", subject="m", paths=("lib/__pycache__/m.cpython-311.pyc",),
        details={"lib/__pycache__/m.cpython-311.pyc": "lib/m.py", "lib/__pycache__/n.cpython-311.pyc": "lib/n.py"},
    )  # fmt: skip
    planned = apply_plan(plan(wanted), before, products, Limits())
    assert list(planned.entries) == ["lib", "lib/__pycache__", "lib/__pycache__/m.cpython-311.pyc", "lib/m.py"]
    made = planned.get("lib/__pycache__/m.cpython-311.pyc")
    assert made is not None
    assert (made.mode, made.mtime, content(planned, made.path)) == (0o640, TIME, b"code")


def test_records_tell_what_is_there(products: Products) -> None:
    old, new = b"old" * 50, b"new" * 20
    digest = base64.urlsafe_b64encode(hashlib.sha256(old).digest()).rstrip(b"=").decode()
    record = f"m.so,sha256={digest},150\ntests/t.py,sha256={digest},150\nkept.py,sha256={digest},150\nm-1.dist-info/RECORD,,\n"
    before = tree(
        file("site/m.so", old), file("site/tests/t.py", old), file("site/kept.py", old), file("site/m-1.dist-info/RECORD", record.encode()),
    )  # fmt: skip
    products.put("site/m.so", new)
    planned = apply_plan(
        plan(
            action("remove", "site/tests/t.py", "site/tests"),
            action("strip", "site/m.so"),
            action("rewrite", "site/m-1.dist-info/RECORD"),
        ),
        before,
        products,
        Limits(),
    )
    fresh = base64.urlsafe_b64encode(hashlib.sha256(new).digest()).rstrip(b"=").decode()
    assert content(planned, "site/m-1.dist-info/RECORD").decode() == (
        f"m.so,sha256={fresh},60\nkept.py,sha256={digest},150\nm-1.dist-info/RECORD,,\n"
    )


def test_products_lie_in_a_file_and_can_grow(products: Products, tmp_path: Path) -> None:
    products.put("a", b"a" * 3_000_000)
    first = products.get("a")
    assert first is not None
    assert first.read_at(2_999_999, 10) == b"a"
    products.put("b", b"b" * 10)
    second = products.get("b")
    assert second is not None
    assert (first.read_at(0, 2), second.read_at(8, 5), second.read_at(11, 5), second.read_at(-1, 5)) == (
        b"aa",
        b"bb",
        b"",
        b"",
    )
    assert (tmp_path / "products").stat().st_size == 3_000_010
    assert products.get("c") is None


def test_a_product_follows_what_the_plan_asks(products: Products) -> None:
    """A round of bisection may leave out the strip of a file whose search path is repaired, or the other way round."""
    built = TinyElf(soname="libx.so", needed=("libc.so.6",), runpath="/build/lib:$ORIGIN").build()
    before = tree(file("lib/libx.so", built))
    repair = Action(
        rule="repair-search-paths", level="safe", kind="search-path", subject="x", paths=("lib/libx.so",),
        details={"lib/libx.so": "runpath:$ORIGIN"},
    )  # fmt: skip
    strip = action("strip", "lib/libx.so")
    make_elf_products(plan(repair, strip), before, products, Limits())
    both = products.get("lib/libx.so")
    assert both is not None
    repaired = both.read_at(0, both.size)
    assert b"/build/lib" not in repaired
    make_elf_products(plan(strip), before, products, Limits())
    assert products.get("lib/libx.so") is None or b"/build/lib" in content(
        apply_plan(plan(strip), before, products, Limits()), "lib/libx.so"
    )
    assert both.read_at(0, both.size) == repaired  # an older planned tree still reads what it read
    make_elf_products(plan(repair, strip), before, products, Limits())
    again = products.get("lib/libx.so")
    assert again is not None
    assert again.read_at(0, again.size) == repaired


def test_a_file_that_cannot_be_stripped_keeps_its_bytes(products: Products) -> None:
    before = tree(file("lib/broken.so", b"\x7fELF broken"), file("lib/gone.so", b"text"))
    wanted = plan(action("strip", "lib/broken.so", "lib/gone.so"))
    make_elf_products(wanted, before, products, Limits())
    assert set(products.left) == {"lib/broken.so", "lib/gone.so"}
    planned = apply_plan(wanted, before, products, Limits())
    assert content(planned, "lib/broken.so") == b"\x7fELF broken"
    assert all(entry.is_unchanged for entry in planned)
