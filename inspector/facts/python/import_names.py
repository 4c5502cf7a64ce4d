"""Which names a call may import, as far as constants tell.

``import_module("x")``, ``import_module(f"{__name__}.{x}")``, ``for name in ("x", "y"): __import__(name)``, a parameter that callers fill.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from msgspec import Struct

from inspector.facts.python.import_functions import import_functions
from inspector.facts.python.source_imports import NamedImport

_DEEPEST = 6
_MOST_BINDINGS = 20
_OWN = frozenset({"__name__", "__package__"})


class Scope(Struct, frozen=True):
    """A function or class around an expression."""

    name: str
    parameters: frozenset[str]
    parent: Scope | None

    @property
    def path(self) -> str:
        """Its name behind those of the functions and classes around it."""
        return self.name if self.parent is None else f"{self.parent.path}.{self.name}"

    def owner_of(self, parameter: str) -> str | None:
        """The nearest function that has a parameter of this name."""
        scope: Scope | None = self
        while scope is not None:
            if parameter in scope.parameters:
                constructed = scope.name in ("__init__", "__new__") and scope.parent is not None
                return scope.parent.name if constructed and scope.parent is not None else scope.name
            scope = scope.parent
        return None


class _Value(Struct, frozen=True):
    """One value that an expression may have; ``listed`` stands for constants that are among the module's strings anyway."""

    text: str = ""
    prefix: bool = False
    own: bool = False
    parameter_of: str | None = None
    listed: bool = False


class ConstantNames:
    """What names are bound to in one source, without regard to the order of statements.

    :ivar aliases: names under which functions were imported (``from importlib import import_module as im``).
    """

    def __init__(self) -> None:
        self.aliases: dict[str, str] = {}
        self._bindings: dict[str, list[ast.expr]] = {}

    def bind(self, target: ast.expr, value: ast.expr) -> None:
        """Note an assignment, or a loop over a value."""
        if isinstance(target, ast.Name):
            self._bindings.setdefault(target.id, []).append(value)
        elif isinstance(target, ast.Tuple | ast.List):
            for part in target.elts:
                if isinstance(part, ast.Name):
                    self._bindings.setdefault(part.id, []).append(value)

    def constants_in(self, value: ast.expr, depth: int = 0) -> Iterator[str]:
        """Every string in an expression, those of names in it included, as far as they are bound to such expressions."""
        for node in ast.walk(value):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.Name) and depth < _DEEPEST:
                for bound in self._bindings.get(node.id, ())[:_MOST_BINDINGS]:
                    if bound is not value:
                        yield from self.constants_in(bound, depth + 2)

    def of_call(self, call: ast.Call, scope: Scope | None) -> Iterator[NamedImport]:
        """What a call imports: one row for each value of its first argument."""
        argument = call.args[0] if call.args else None
        for keyword in call.keywords:
            if argument is None and keyword.arg in import_functions().importer_keywords:
                argument = keyword.value
        if argument is None:
            return
        for value in dict.fromkeys(self._values(argument, scope, 0)):
            if not value.listed:
                yield NamedImport(
                    value.text,
                    call.lineno,
                    value.prefix,
                    value.own,
                    value.parameter_of,
                    "" if scope is None else scope.path,
                )

    def _values(self, node: ast.expr, scope: Scope | None, depth: int) -> list[_Value]:
        if depth > _DEEPEST:
            return [_Value()]
        if isinstance(node, ast.Constant):
            return [_Value(node.value)] if isinstance(node.value, str) else [_Value(listed=True)]
        if isinstance(node, ast.Name):
            return self._of_name(node.id, scope, depth)
        if isinstance(node, ast.JoinedStr):
            return [self._of_parts(node.values)]
        if isinstance(node, ast.FormattedValue):
            return self._values(node.value, scope, depth + 1)
        if isinstance(node, ast.BinOp):
            return self._of_operation(node, scope, depth)
        if isinstance(node, ast.IfExp):
            return self._values(node.body, scope, depth + 1) + self._values(node.orelse, scope, depth + 1)
        if isinstance(node, ast.BoolOp):
            return [value for part in node.values for value in self._values(part, scope, depth + 1)]
        if isinstance(node, ast.Dict | ast.List | ast.Tuple | ast.Set):
            return [_Value(listed=True)] if _is_literal(node, depth) else [_Value()]
        if isinstance(node, ast.Subscript | ast.Starred | ast.Await):
            return self._values(node.value, scope, depth + 1)
        if isinstance(node, ast.Call):
            return self._of_answer(node, scope, depth)
        return [_Value()]

    def _of_name(self, name: str, scope: Scope | None, depth: int) -> list[_Value]:
        if name in _OWN:
            return [_Value(own=True)]
        owner = None if scope is None else scope.owner_of(name)
        found = [_Value(parameter_of=owner)] if owner is not None else []
        for value in self._bindings.get(name, ())[:_MOST_BINDINGS]:
            found += self._values(value, None if owner is not None else scope, depth + 1)
        if owner is not None:
            found = [value for value in found if value.parameter_of is not None or value != _Value()]
        return found or [_Value()]

    def _of_parts(self, parts: list[ast.expr]) -> _Value:
        """An f-string: the constant at its beginning, behind the module's own name where that comes first."""
        own = False
        for number, part in enumerate(parts):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                return _Value(part.value, prefix=number + 1 < len(parts), own=own)
            name = part.value if isinstance(part, ast.FormattedValue) else None
            if number == 0 and isinstance(name, ast.Name) and name.id in _OWN:
                own = True
                continue
            break
        return _Value(own=own, prefix=own)

    def _of_operation(self, node: ast.BinOp, scope: Scope | None, depth: int) -> list[_Value]:
        found = []
        for left in self._values(node.left, scope, depth + 1):
            if isinstance(node.op, ast.Mod) and left.text:
                found.append(_Value(left.text.partition("%")[0], prefix=True, own=left.own))
            elif not isinstance(node.op, ast.Add) or left.listed or not (left.text or left.own):
                found.append(_Value())
            else:
                for right in self._values(node.right, scope, depth + 1):
                    exact = bool(right.text) and not right.own and not left.prefix
                    text = left.text + (right.text if exact else "")
                    found.append(_Value(text, prefix=left.prefix or right.prefix or not exact, own=left.own))
        return found

    def _of_answer(self, node: ast.Call, scope: Scope | None, depth: int) -> list[_Value]:
        function = node.func
        if isinstance(function, ast.Attribute):
            if function.attr == "format":
                return [
                    _Value(value.text.partition("{")[0], prefix=True, own=value.own)
                    for value in self._values(function.value, scope, depth + 1)
                ]
            if function.attr in import_functions().transparent:
                return self._values(function.value, scope, depth + 1)
        elif isinstance(function, ast.Name) and function.id in import_functions().transparent and node.args:
            return self._values(node.args[0], scope, depth + 1)
        return [_Value()]


def _is_literal(node: ast.AST, depth: int) -> bool:
    """Whether nothing but constants stands in it."""
    if isinstance(node, ast.Constant):
        return True
    if depth > _DEEPEST or not isinstance(node, ast.Dict | ast.List | ast.Tuple | ast.Set):
        return False
    return all(
        child is None or _is_literal(child, depth + 1)
        for child in ast.iter_child_nodes(node)
        if not isinstance(child, ast.Load)
    )
