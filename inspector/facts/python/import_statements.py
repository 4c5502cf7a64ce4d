"""Reads a Python source by :mod:`ast` and notes what it says about imports (:class:`inspector.facts.python.source_imports.SourceImports`).

The walk is a loop of its own instead of :class:`ast.NodeVisitor`, because it sees every node of some thousand modules; annotations are left out.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Sequence
from itertools import pairwise
from typing import Any

from inspector.facts.python.import_functions import import_functions
from inspector.facts.python.import_names import ConstantNames, Scope
from inspector.facts.python.source_imports import (
    ImportStatement,
    SourceImports,
    StatementKind,
    statements_in_text,
)

_LONGEST_STRING = 200  # characters; no module and hardly a file has a longer name
_LONGEST_CODE = 64 << 10  # characters of a string that is searched for import statements
_PATH_CHANGES = frozenset({"insert", "append", "extend"})
_CATCHES_IMPORT_ERROR = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
_LAZY, _OPTIONAL, _MAIN = 1, 2, 4
_MOST_ARGUMENTS = 3  # of a call that are looked at: names of modules come first

_SKIPPED: frozenset[type] = frozenset(
    {type(None), ast.Load, ast.Store, ast.Del, ast.Pass, ast.Break, ast.Continue, ast.Global, ast.Nonlocal}
    | set(ast.operator.__subclasses__())
    | set(ast.unaryop.__subclasses__())
    | set(ast.cmpop.__subclasses__())
    | set(ast.boolop.__subclasses__())
)


def read_imports(source: bytes | str, module_names: Collection[str] = ()) -> SourceImports:
    """Parse a source and note what it says.

    :param module_names: top-level modules of the bundle; of calls with constants only those are noted that may name one of them.
    :raises SyntaxError: where this Python cannot parse it.
    :raises ValueError: for NUL bytes, on Pythons that do not call that a SyntaxError.
    :raises RecursionError: for nesting that the parser refuses; MemoryError likewise.
    """
    walk = _Walk(module_names)
    walk.run(ast.parse(source))
    return walk.found


class _Walk:
    def __init__(self, module_names: Collection[str]) -> None:
        self.found = SourceImports()
        self.functions = import_functions()
        self.names = ConstantNames()
        self.module_names = module_names
        self.stack: list[tuple[ast.AST, int, Scope | None]] = []
        self.pending: list[tuple[ast.Call, Scope | None]] = []
        self.offers_attributes = False
        self.exports: list[ast.expr] = []

    def run(self, tree: ast.Module) -> None:
        """Visit every node once, and then tell the names of calls, for which all bindings must be known."""
        stack = self.stack
        self.push_block(tree.body, 0, None)
        while stack:
            node, flags, scope = stack.pop()
            kind = node.__class__
            visit = _VISITS.get(kind)
            if visit is not None:
                visit(self, node, flags, scope)
            else:
                self.push_children(node, flags, scope)
        for value in self.exports:
            self.found.exported.update(self.names.constants_in(value))
        if self.offers_attributes and not any(row.function == "__getattr__" for row in self.found.statements):
            self.found.lazy_attributes = True
        for call, scope in self.pending:
            for name in self.names.of_call(call, scope):
                self.found.named.append(name)

    def push(self, node: ast.AST | None, flags: int, scope: Scope | None) -> None:
        """Visit a node later."""
        if node is not None:
            self.stack.append((node, flags, scope))

    def push_all(self, nodes: Sequence[ast.AST | None], flags: int, scope: Scope | None) -> None:
        """Visit nodes later, the first first."""
        self.stack.extend([(node, flags, scope) for node in reversed(nodes) if node is not None])

    def push_block(self, body: Sequence[ast.stmt], flags: int, scope: Scope | None) -> None:
        """Visit statements later, those left out that are nothing but a constant: docstrings."""
        self.stack.extend(
            [
                (node, flags, scope)
                for node in reversed(body)
                if not (node.__class__ is ast.Expr and node.value.__class__ is ast.Constant)
            ]
        )

    def push_children(self, node: ast.AST, flags: int, scope: Scope | None) -> None:
        """Visit everything below a node later."""
        stack = self.stack
        for name in node._fields:
            child: Any = getattr(node, name, None)
            kind = child.__class__
            if kind is list:
                for item in child:
                    if item.__class__ not in _SKIPPED and isinstance(item, ast.AST):
                        stack.append((item, flags, scope))
            elif kind not in _SKIPPED and isinstance(child, ast.AST):
                stack.append((child, flags, scope))

    # -- statements ------------------------------------------------------------------------------------------------------------------

    def import_(self, node: ast.Import, flags: int, scope: Scope | None) -> None:
        kind, where = _kind(flags), "" if scope is None else scope.path
        self.found.statements += [
            ImportStatement(kind, alias.name, 0, None, node.lineno, where) for alias in node.names
        ]

    def import_from(self, node: ast.ImportFrom, flags: int, scope: Scope | None) -> None:
        names, where = tuple([alias.name for alias in node.names]), "" if scope is None else scope.path
        self.found.statements.append(
            ImportStatement(_kind(flags), node.module or "", node.level, names, node.lineno, where)
        )
        for alias in node.names:
            if alias.asname is not None:
                self.names.aliases[alias.asname] = alias.name

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, flags: int, scope: Scope | None) -> None:
        if scope is None and node.name == "__getattr__":
            self.offers_attributes = True
        arguments = node.args
        names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
        defaults = (*arguments.defaults, *arguments.kw_defaults)
        self.push_all(defaults, flags, scope)
        self.push_all(node.decorator_list, flags, scope)
        self.push_block(node.body, flags | _LAZY, Scope(node.name, frozenset(names), scope))

    def lambda_(self, node: ast.Lambda, flags: int, scope: Scope | None) -> None:
        self.push_all((*node.args.defaults, *node.args.kw_defaults), flags, scope)
        names = frozenset(argument.arg for argument in node.args.args)
        self.push(node.body, flags | _LAZY, Scope("<lambda>", names, scope))

    def class_(self, node: ast.ClassDef, flags: int, scope: Scope | None) -> None:
        self.push_all((*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)), flags, scope)
        self.push_block(node.body, flags, Scope(node.name, frozenset(), scope))

    def if_(self, node: ast.If, flags: int, scope: Scope | None) -> None:
        when = _type_checking(node.test)
        if when is not True:
            self.push_block(node.body, flags | _MAIN if _is_main(node.test) else flags, scope)
        if when is not False:
            self.push_block(node.orelse, flags, scope)
        self.push(node.test, flags, scope)

    def try_(self, node: ast.Try, flags: int, scope: Scope | None) -> None:
        caught = flags | _OPTIONAL if any(_catches(handler.type) for handler in node.handlers) else flags
        self.push_block(node.body, caught, scope)
        for handler in node.handlers:
            self.push_block(handler.body, caught, scope)
        self.push_block(node.orelse, flags, scope)
        self.push_block(node.finalbody, flags, scope)

    def with_(self, node: ast.With | ast.AsyncWith, flags: int, scope: Scope | None) -> None:
        suppressed = False
        for item in node.items:
            self.push(item.context_expr, flags, scope)
            call = item.context_expr
            if isinstance(call, ast.Call) and _last_name(call.func) == "suppress":
                suppressed = suppressed or any(_catches(argument) for argument in call.args)
        self.push_block(node.body, flags | _OPTIONAL if suppressed else flags, scope)

    def block(self, node: ast.For | ast.AsyncFor | ast.While, flags: int, scope: Scope | None) -> None:
        if isinstance(node, ast.While):
            self.push(node.test, flags, scope)
        else:
            self.names.bind(node.target, node.iter)
            self.push(node.iter, flags, scope)
        self.push_block(node.body, flags, scope)
        self.push_block(node.orelse, flags, scope)

    def assign(self, node: ast.Assign | ast.AnnAssign | ast.AugAssign, flags: int, scope: Scope | None) -> None:
        value = node.value
        if value is None:
            return
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            self.names.bind(target, value)
            if isinstance(target, ast.Name) and target.id == "__all__":
                self._export(value)
            elif isinstance(target, ast.Subscript):
                if _last_name(target.value) == "modules":
                    self.found.lazy_attributes = True
                self.push(target.slice, flags, scope)
            elif isinstance(target, ast.Attribute) and _is_sys_path(target):
                self.found.changes_path = True
        self.push(value, flags, scope)

    def _export(self, value: ast.expr) -> None:
        self.exports.append(value)

    # -- expressions -----------------------------------------------------------------------------------------------------------------

    def constant(self, node: ast.Constant, _flags: int, _scope: Scope | None) -> None:
        value = node.value
        if value.__class__ is not str:
            return
        assert isinstance(value, str)  # noqa: S101 - for the type checker
        if len(value) <= _LONGEST_STRING:
            self.found.strings.setdefault(value, node.lineno)
        if "import " in value and len(value) <= _LONGEST_CODE:
            self.found.code += statements_in_text(value, node.lineno)

    def name(self, node: ast.Name, _flags: int, _scope: Scope | None) -> None:
        if node.id == "__file__":
            self.found.reads_files = True

    def attribute(self, node: ast.Attribute, flags: int, scope: Scope | None) -> None:
        self.found.attributes.add(node.attr)
        self.stack.append((node.value, flags, scope))

    def joined(self, node: ast.JoinedStr, flags: int, scope: Scope | None) -> None:
        for part in node.values:
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                if len(part.value) <= _LONGEST_STRING:
                    self.found.fragments.add(part.value)
                if "import " in part.value:
                    self.found.code += statements_in_text(part.value, node.lineno)
            else:
                self.push(part, flags, scope)

    def comprehension(self, node: ast.comprehension, flags: int, scope: Scope | None) -> None:
        self.names.bind(node.target, node.iter)
        self.push(node.iter, flags, scope)
        self.push_all(node.ifs, flags, scope)

    def named(self, node: ast.NamedExpr, flags: int, scope: Scope | None) -> None:
        self.names.bind(node.target, node.value)
        self.push(node.value, flags, scope)

    def words(self, node: ast.List | ast.Tuple, flags: int, scope: Scope | None) -> None:
        elements = node.elts
        for before, after in pairwise(elements):
            if _text(before) == "-m" and (module := _text(after)) is not None:
                self.found.run_modules.setdefault(module, node.lineno)
        self.push_all(elements, flags, scope)

    def call(self, node: ast.Call, flags: int, scope: Scope | None) -> None:
        function = node.func
        name = _last_name(function)
        name = self.names.aliases.get(name, name)
        if name in self.functions.importers:
            self.pending.append((node, scope))
        elif name in _PATH_CHANGES:
            if isinstance(function, ast.Attribute) and _is_sys_path(function.value):
                self.found.changes_path = True
            elif isinstance(function, ast.Attribute) and _last_name(function.value) == "__all__" and node.args:
                self._export(node.args[-1])
        else:
            self._other_call(name, node, scope)
        self.push(function, flags, scope)
        self.push_all(node.args, flags, scope)
        self.push_all([keyword.value for keyword in node.keywords], flags, scope)

    def _other_call(self, name: str, node: ast.Call, scope: Scope | None) -> None:
        found, functions = self.found, self.functions
        if name in functions.walkers:
            found.walks = True
        elif name in functions.file_readers:
            found.reads_files = True
        elif name in functions.runners:
            found.runs_code = True
        elif name in functions.stub_readers:
            found.reads_stub = True
        elif name in functions.lazy_attributes:
            found.lazy_attributes = True
        elif name in functions.path_changers:
            found.changes_path = True
        constant = False
        for value in (*node.args[:_MOST_ARGUMENTS], *(keyword.value for keyword in node.keywords)):
            text = _text(value)
            if text is not None:
                constant = True
                if text.partition(".")[0] in self.module_names or text[:1] == ".":
                    found.calls.append((name, text, node.lineno))
            elif scope is not None and value.__class__ is ast.Name and (owner := scope.owner_of(_last_name(value))):
                found.forwards.add((name, owner))
        if not constant and node.args and name:
            found.asked.add(name)


_VISITS: dict[type, Callable[..., None]] = {
    ast.Import: _Walk.import_,
    ast.ImportFrom: _Walk.import_from,
    ast.FunctionDef: _Walk.function,
    ast.AsyncFunctionDef: _Walk.function,
    ast.Lambda: _Walk.lambda_,
    ast.ClassDef: _Walk.class_,
    ast.If: _Walk.if_,
    ast.Try: _Walk.try_,
    ast.TryStar: _Walk.try_,
    ast.With: _Walk.with_,
    ast.AsyncWith: _Walk.with_,
    ast.For: _Walk.block,
    ast.AsyncFor: _Walk.block,
    ast.While: _Walk.block,
    ast.Assign: _Walk.assign,
    ast.AnnAssign: _Walk.assign,
    ast.AugAssign: _Walk.assign,
    ast.Constant: _Walk.constant,
    ast.Name: _Walk.name,
    ast.Attribute: _Walk.attribute,
    ast.JoinedStr: _Walk.joined,
    ast.comprehension: _Walk.comprehension,
    ast.NamedExpr: _Walk.named,
    ast.List: _Walk.words,
    ast.Tuple: _Walk.words,
    ast.Call: _Walk.call,
}


def _kind(flags: int) -> StatementKind:
    if flags & _MAIN:
        return "main"
    if flags & _OPTIONAL:
        return "optional"
    return "lazy" if flags & _LAZY else "module"


def _last_name(node: ast.AST) -> str:
    if node.__class__ is ast.Name:
        return node.id
    if node.__class__ is ast.Attribute:
        return node.attr
    return ""


def _text(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _is_sys_path(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "path" and _last_name(node.value) == "sys"


def _catches(node: ast.expr | None) -> bool:
    if node is None:
        return True
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    return any(_last_name(part) in _CATCHES_IMPORT_ERROR for part in parts)


def _is_main(test: ast.expr) -> bool:
    return (
        isinstance(test, ast.Compare)
        and len(test.ops) == 1
        and isinstance(test.ops[0], ast.Eq)
        and {"__name__", "__main__"}
        == {
            side.id if isinstance(side, ast.Name) else side.value if isinstance(side, ast.Constant) else None
            for side in (test.left, *test.comparators)
        }
    )


def _type_checking(test: ast.expr) -> bool | None:
    """True where the body never runs, False where the other branch never runs, None where nothing is known."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = _type_checking(test.operand)
        return None if inner is None else not inner
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return True if any(_type_checking(value) is True for value in test.values) else None
    if _last_name(test) == "TYPE_CHECKING":
        return True
    if isinstance(test, ast.Constant) and test.value in (False, 0):
        return True
    return None
