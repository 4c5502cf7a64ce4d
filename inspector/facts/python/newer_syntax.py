"""What a source says about imports whose syntax this Python does not know: newer than the interpreter that runs us, or Python 2.

tree-sitter's grammar of Python takes what it can and goes on behind what it cannot.  Names that calls import are told from their own
arguments only, so that more of them stay unknown than by :mod:`inspector.facts.python.import_statements`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache

from tree_sitter import Language, Node, Parser

from inspector.facts.python.import_functions import import_functions
from inspector.facts.python.source_imports import (
    ImportStatement,
    NamedImport,
    SourceImports,
    StatementKind,
    statements_in_text,
)

_LONGEST_STRING = 200
_LONGEST_CODE = 64 << 10
_KINDS: dict[str, StatementKind] = {"function_definition": "lazy", "lambda": "lazy", "try_statement": "optional"}


@cache
def _parser() -> Parser:
    import tree_sitter_python

    return Parser(Language(tree_sitter_python.language()))


def read_newer_imports(source: bytes, module_names: Collection[str] = ()) -> SourceImports:
    """What a source says, as :func:`inspector.facts.python.import_statements.read_imports` tells it.

    :param module_names: top-level modules of the bundle.
    """
    reader = _Reader(module_names)
    reader.read(_parser().parse(source).root_node)
    return reader.found


class _Reader:
    def __init__(self, module_names: Collection[str]) -> None:
        self.found = SourceImports()
        self.functions = import_functions()
        self.module_names = module_names

    def read(self, root: Node) -> None:
        """Visit every node once, with the kind that import statements have there."""
        stack: list[tuple[Node, StatementKind]] = [(root, "module")]
        while stack:
            node, kind = stack.pop()
            kind = _KINDS.get(node.type, kind) if kind in ("module", "lazy") else kind
            match node.type:
                case "import_statement":
                    self._import(node, kind)
                    continue
                case "import_from_statement":
                    self._import_from(node, kind)
                    continue
                case "string":
                    self._string(node)
                case "attribute":
                    self.found.attributes.add(_text(node.child_by_field_name("attribute")))
                case "identifier":
                    self.found.reads_files |= node.text == b"__file__"
                case "call":
                    self._call(node)
                case "function_definition":
                    name = _text(node.child_by_field_name("name"))
                    self.found.lazy_attributes |= name == "__getattr__" and node.parent == root
                case "assignment":
                    self._assignment(node)
                case "if_statement":
                    stack += [(child, kind) for child in reversed(self._taken(node))]
                    continue
            stack += [(child, kind) for child in reversed(node.named_children)]

    def _taken(self, node: Node) -> list[Node]:
        """The children of an ``if`` without what only type checkers read."""
        condition = _text(node.child_by_field_name("condition"))
        skipped = node.child_by_field_name("consequence") if condition.rpartition(".")[2] == "TYPE_CHECKING" else None
        return [child for child in node.named_children if child != skipped]

    def _import(self, node: Node, kind: StatementKind) -> None:
        for name in _names(node):
            self.found.statements.append(ImportStatement(kind, name, 0, None, _line(node)))

    def _import_from(self, node: Node, kind: StatementKind) -> None:
        module = _text(node.child_by_field_name("module_name")).replace(" ", "")
        star = any(child.type == "wildcard_import" for child in node.named_children)
        names = ("*",) if star else tuple(_names(node))
        level = len(module) - len(module.lstrip("."))
        self.found.statements.append(ImportStatement(kind, module[level:], level, names, _line(node)))

    def _assignment(self, node: Node) -> None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if right is not None and _text(left) == "__all__":
            self.found.exported.update(text for text in _strings(right))
        elif left is not None and left.type == "subscript" and _text(left).startswith("sys.modules"):
            self.found.lazy_attributes = True

    def _string(self, node: Node) -> None:
        if node.parent is not None and node.parent.type == "expression_statement":
            return  # a docstring
        parts = [_text(child) for child in node.named_children if child.type == "string_content"]
        whole = "".join(parts)
        if "import " in whole and len(whole) <= _LONGEST_CODE:
            self.found.code += statements_in_text(whole, _line(node))
        if len(whole) <= _LONGEST_STRING:
            if any(child.type == "interpolation" for child in node.named_children):
                self.found.fragments.update(parts)
            else:
                self.found.strings.setdefault(whole, _line(node))

    def _call(self, node: Node) -> None:
        name = _text(node.child_by_field_name("function")).rpartition(".")[2]
        arguments = node.child_by_field_name("arguments")
        first = arguments.named_children[0] if arguments is not None and arguments.named_children else None
        if name in self.functions.importers:
            self.found.named.append(self._named(first, _line(node)))
        self.found.walks |= name in self.functions.walkers
        self.found.reads_files |= name in self.functions.file_readers
        self.found.runs_code |= name in self.functions.runners
        self.found.reads_stub |= name in self.functions.stub_readers
        self.found.lazy_attributes |= name in self.functions.lazy_attributes
        for child in arguments.named_children if arguments is not None else ():
            for text in _strings(child) if child.type == "string" else ():
                if text.partition(".")[0] in self.module_names or text.startswith("."):
                    self.found.calls.append((name, text, _line(node)))

    @staticmethod
    def _named(node: Node | None, line: int) -> NamedImport:
        if node is None or node.type != "string":
            return NamedImport("", line)
        content = node.named_children
        begins = next((child for child in content if child.type in ("string_content", "interpolation")), None)
        text = _text(begins) if begins is not None and begins.type == "string_content" else ""
        return NamedImport(text, line, prefix=any(child.type == "interpolation" for child in content))


def _names(node: Node) -> Iterator[str]:
    for child in node.children_by_field_name("name"):
        name = child.child_by_field_name("name") if child.type == "aliased_import" else child
        yield _text(name).replace(" ", "")


def _strings(node: Node) -> Iterator[str]:
    todo = [node]
    while todo:
        current = todo.pop()
        if current.type == "string_content":
            yield _text(current)
        todo.extend(current.named_children)


def _text(node: Node | None) -> str:
    return "" if node is None or node.text is None else node.text.decode("utf-8", "replace")


def _line(node: Node) -> int:
    return node.start_point.row + 1
