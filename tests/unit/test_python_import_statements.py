"""What a source says about imports: by ast, and for newer syntax by tree-sitter, which must say the same of every source that both can read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import inspector
from inspector.facts.python.import_statements import read_imports
from inspector.facts.python.newer_syntax import read_newer_imports
from inspector.facts.python.source_imports import NamedImport, SourceImports, statements_in_text
from inspector.facts.python.source_reading import read_any_source

PACKAGE = Path(inspector.__file__).parent


def kinds(source: str) -> dict[str, str]:
    """The kind of each imported module."""
    return {statement.module: statement.kind for statement in read_imports(source).statements}


def named(source: str) -> list[NamedImport]:
    """The calls that import by name."""
    return read_imports(source).named


def test_when_a_statement_runs() -> None:
    source = """
import a
def function():
    import b
try:
    import c
except ImportError:
    import d
try:
    import e
except ValueError:
    import f
with contextlib.suppress(ImportError):
    import g
class Class:
    import h
    def method(self):
        import i
if __name__ == "__main__":
    import j
async def task():
    try:
        import k
    except (ModuleNotFoundError, OSError):
        pass
"""
    assert kinds(source) == {
        "a": "module", "b": "lazy", "c": "optional", "d": "optional", "e": "module", "f": "module", "g": "optional", "h": "module", "i": "lazy",
        "j": "main", "k": "optional",
    }  # fmt: skip


@pytest.mark.parametrize(
    "condition", ["TYPE_CHECKING", "typing.TYPE_CHECKING", "t.TYPE_CHECKING", "False", "TYPE_CHECKING and x", "0"]
)
def test_what_only_type_checkers_read_does_not_run(condition: str) -> None:
    assert kinds(f"if {condition}:\n    import a\nelse:\n    import b") == {"b": "module"}


def test_the_other_branch_of_type_checking_runs_alone() -> None:
    assert kinds("if not TYPE_CHECKING:\n    import a\nelse:\n    import b") == {"a": "module"}


def test_forms_of_statements() -> None:
    found = read_imports("import a.b as c, d\nfrom ..e import f as g, h\nfrom . import i\nfrom j import *").statements
    assert [(row.module, row.level, row.names) for row in found] == [
        ("a.b", 0, None),
        ("d", 0, None),
        ("e", 2, ("f", "h")),
        ("", 1, ("i",)),
        ("j", 0, ("*",)),
    ]


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ('import_module("a.b")', [("a.b", False, False)]),
        ('importlib.import_module(".b", __package__)', [(".b", False, False)]),
        ('__import__(name="a")', [("a", False, False)]),
        ("import_module(__name__ + '.b')", [(".b", False, True)]),
        ('import_module(f"{__name__}.{x}")', [(".", True, True)]),
        ('import_module(f"a.{x}")', [("a.", True, False)]),
        ('import_module("a." + x)', [("a.", True, False)]),
        ('import_module("a.%s" % x)', [("a.", True, False)]),
        ('import_module("a.{}".format(x))', [("a.", True, False)]),
        ('import_module("a" if x else "b")', [("a", False, False), ("b", False, False)]),
        ('x = "a"\nimport_module(x)', [("a", False, False)]),
        ('from importlib import import_module as im\nim("a")', [("a", False, False)]),
        ("import_module(x)", [("", False, False)]),
        ("import_module(self.x)", [("", False, False)]),
    ],
)
def test_names_of_calls(source: str, names: list[tuple[str, bool, bool]]) -> None:
    assert [(row.name, row.prefix, row.own) for row in named(source)] == names


@pytest.mark.parametrize(
    "source",
    [
        'for x in ("a", "b"):\n    import_module(x)',
        'TABLE = {"k": "a"}\ndef f(k):\n    y = TABLE[k]\n    import_module(y)',
        '[import_module(x) for x in ["a"]]',
        'for k, v in {"x": "a"}.items():\n    __import__(v)',
    ],
)
def test_names_from_literals_are_among_the_strings(source: str) -> None:
    found = read_imports(source)
    assert not any(row.is_unknown for row in found.named)
    assert "a" in found.strings


def test_a_parameter_is_the_callers_to_decide() -> None:
    source = """
def optional(name):
    return import_module(name)
class Lazy:
    def __init__(self, module):
        self.module = __import__(module)
def outer(which):
    return optional(which)
"""
    found = read_imports(source)
    assert [row.parameter_of for row in found.named] == ["optional", "Lazy"]
    assert ("optional", "outer") in found.forwards


def test_strings_and_what_they_are_for() -> None:
    source = '''"""A docstring names a.b."""
x = "c.d"
exec("import e\\nfrom f.g import h")
subprocess.run([sys.executable, "-m", "i.j"])
y = f"{x}.k.{z}"
'''
    found = read_imports(source)
    assert "c.d" in found.strings
    assert not any("docstring" in text for text in found.strings)
    assert [(row.module, row.names) for row in found.code] == [("e", None), ("f.g", ("h",))]
    assert found.runs_code
    assert set(found.run_modules) == {"i.j"}
    assert ".k." in found.fragments


def test_exports_through_names() -> None:
    source = (
        '_parts = {"a", "b"}\n__all__ = list(_parts | {"c"}) + other.__all__\n__all__ += ["d"]\n__all__.extend(["e"])'
    )
    assert read_imports(source).exported >= {"a", "b", "c", "d", "e"}


def test_facts_about_the_module() -> None:
    assert read_imports("def __getattr__(name):\n    return load(name)").lazy_attributes
    assert not read_imports("def __getattr__(name):\n    import a.b").lazy_attributes
    assert read_imports("sys.modules[__name__] = Lazy()").lazy_attributes
    assert read_imports("sys.path.insert(0, x)").changes_path
    assert read_imports("pkgutil.iter_modules(p)").walks
    assert read_imports("here = __file__").reads_files
    assert read_imports("a, b, c = lazy.attach_stub(__name__, __file__)").reads_stub


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py"))[::6], ids=lambda path: path.relative_to(PACKAGE).as_posix()
)
def test_both_parsers_agree(path: Path) -> None:
    """Over our own sources: the same statements, and all of the strings."""
    content = path.read_bytes()
    one, other = read_imports(content), read_newer_imports(content)
    assert _shape(one) == _shape(other)
    plain = {text for text in one.strings if "\\" not in text and text.isascii() and text.isprintable()}
    assert {text for text in plain if text.isidentifier()} <= set(other.strings) | one.exported
    assert one.reads_files == other.reads_files


def _shape(found: SourceImports) -> set[tuple[str, int, tuple[str, ...] | None]]:
    # tree-sitter's grammar has a statement of its own for __future__, which imports nothing
    return {(row.module, row.level, row.names) for row in found.statements if row.module != "__future__"}


def test_syntax_that_no_ast_of_ours_knows() -> None:
    """except without parentheses is Python 3.14 (PEP 758); a print statement is Python 2."""
    source = b"""
def f():
    try:
        import a
    except ImportError, ValueError:
        from ..b import c
print "x"
if TYPE_CHECKING:
    import never
importlib.import_module("d.e")
importlib.import_module(f"g.{x}")
__all__ = ["h"]
"""
    found = read_any_source(source)
    assert [(row.module, row.level, row.kind) for row in found.statements] == [
        ("a", 0, "optional"),
        ("b", 2, "optional"),
    ]
    assert {(row.name, row.prefix) for row in found.named} == {("d.e", False), ("g.", True)}
    assert found.exported == {"h"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        b"import a\0",
        b"\xff\xfe",
        b"(" * 5000,
        b"-" * 100_000 + b"1",
        b"x = " + b"[" * 3000 + b"]" * 3000,
        b"# coding: nonsense\nimport a",
    ],
)
def test_hostile_sources_raise_nothing(content: bytes) -> None:
    read_any_source(content)


@given(st.binary(max_size=200) | st.text(alphabet="import frm.,*()\n\t:;#'\"\\x", max_size=80).map(str.encode))
def test_any_bytes_raise_nothing(content: bytes) -> None:
    read_any_source(content)


def test_statements_in_text() -> None:
    found = statements_in_text("x = 1; import a, b.c as d\n  from .e import (f, g)\nsee import h\nfrom i import j", 7)
    assert [(row.module, row.level, row.names) for row in found] == [
        ("a", 0, None),
        ("b.c", 0, None),
        ("e", 1, ("f", "g")),
        ("i", 0, ("j",)),
    ]
    assert {row.line for row in found} == {7}
