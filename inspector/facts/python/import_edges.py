"""One import: which module imports which, how, and where it is written."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from inspector.facts.python.module_index import Module

EdgeKind = Literal[
    "import", "lazy", "optional", "main", "attribute", "parent", "named", "string", "prefix", "unknown", "walk", "entry-point", "implicit",
    "native", "stub", "opaque", "start",
]  # fmt: skip
"""How a module is imported.

import       a statement that runs with the module          lazy        a statement inside a function
optional     a statement that may fail                      main        a statement that runs only in a started script
attribute    an import in a module's __getattr__ (PEP 562), where reached code uses an attribute of that name
parent       the package around a module                    named       import_module("x"), and functions that hand their argument to it
string       a constant that is a module's name             prefix      a name that is put together behind a constant beginning
unknown      a name that nothing tells: the whole package around the module, its test suites excepted
walk         pkgutil lists the package                      entry-point an entry point of a group that is asked for
implicit     rules/python/implicit_imports.toml             native      a name in an extension module, or in bytecode without a source
stub         an import in the stub that a lazy loader reads opaque      all of a distribution that is bytecode without sources
start        what is started, and what every start imports
"""

_CLAUSES: dict[EdgeKind, str] = {
    "import": "{importer} imports {target}",
    "lazy": "{importer} imports {target} inside a function",
    "optional": "{importer} imports {target} if it is there",
    "main": "{importer} imports {target} when it is started",
    "attribute": "{importer} imports {target} when its attribute is used, and the name is in use",
    "parent": "{target} is the package around {importer}",
    "named": "{importer} imports {target} by its name",
    "string": "{importer} names {target} in a string",
    "prefix": "{importer} imports modules whose names begin like {target}",
    "unknown": "{importer} imports something by a name that cannot be told, {target} may be it",
    "walk": "{importer} lists the modules around {target}",
    "entry-point": "{importer} asks for entry points, and {target} is one: {detail}",
    "implicit": "{importer} needs {target}: {detail}",
    "native": "{importer} has the name {target} in its binary",
    "stub": "the stub that {importer} reads imports {target}",
    "opaque": "{importer} has no source, and {target} belongs to it",
    "start": "{target}: {detail}",
}


class Edge(Struct, frozen=True):
    """One import.

    :ivar importer: None where a start is the reason.
    :ivar line: of the source, 0 where there is none.
    :ivar detail: a clause for kinds that need one ("AppRun starts it").
    :ivar attribute: for the kind "attribute" the name that must be used.
    """

    importer: Module | None
    target: Module
    kind: EdgeKind
    line: int = 0
    detail: str = ""
    attribute: str = ""

    @property
    def clause(self) -> str:
        """The edge in words: "pandas.io.excel imports zipfile inside a function (line 12)"."""
        who = "the interpreter" if self.importer is None else _shown(self.importer)
        text = _CLAUSES[self.kind].format(importer=who, target=_shown(self.target), detail=self.detail)
        return f"{text} (line {self.line})" if self.line else text


def _shown(module: Module) -> str:
    return module.path if module.loose else module.name
