"""What one Python source says about imports, in its own words: statements, calls that import by name, strings.  Nothing is resolved here."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from inspector.patterns import lazy_pattern

StatementKind = Literal["module", "lazy", "optional", "main"]
"""When an import statement runs: with the module; inside a function; where it may fail; only in a started script (``__name__ == "__main__"``)."""

_STATEMENT = lazy_pattern(
    r"(?:^|[;\n\r:])[ \t]*(?:from[ \t]+(?P<level>\.*)(?P<package>[A-Za-z_][\w.]*|)[ \t]+import[ \t]+(?P<names>\(?[\w ,*\t]+)"
    r"|import[ \t]+(?P<modules>[A-Za-z_][\w., \t]*))"
)


class ImportStatement(Struct, frozen=True):
    """``import module`` or ``from module import names``.

    :ivar module: as written; "" for ``from . import x``.
    :ivar level: the number of leading dots.
    :ivar names: of the ``from`` form; None for ``import module``.
    :ivar function: the function or class around it, with those around that ("Tester.__call__"); "" at the top of the module.
    """

    kind: StatementKind
    module: str
    level: int
    names: tuple[str, ...] | None
    line: int
    function: str = ""


class NamedImport(Struct, frozen=True):
    """A call that takes a module's name: ``import_module("x")``.

    :ivar name: the constant, with leading dots where it is relative; "" where nothing of it is known.
    :ivar prefix: whether ``name`` is only the beginning (of an f-string, of ``"x." + name``).
    :ivar own: whether ``__name__`` or ``__package__`` stands in front of ``name``.
    :ivar parameter_of: where the name is a parameter: the function that has it.
    :ivar function: as of :class:`ImportStatement`.
    """

    name: str
    line: int
    prefix: bool = False
    own: bool = False
    parameter_of: str | None = None
    function: str = ""

    @property
    def is_unknown(self) -> bool:
        """Whether any module may be meant."""
        return not self.name and not self.own and self.parameter_of is None


class SourceImports(Struct):
    """The facts of one source.

    :ivar statements: import statements that run; those below ``if TYPE_CHECKING`` are left out.
    :ivar named: calls of functions that import by name, one for each value that the name may have.
    :ivar calls: other calls with a constant that looks like the name of a module of the bundle: function, constant, line.
    :ivar asked: last names of functions that are called with something else than a constant.
    :ivar forwards: functions that are called with a parameter, and the function that has it.
    :ivar strings: its constants of at most 200 characters, docstrings left out, with the line of the first.
    :ivar fragments: constant parts of f-strings.
    :ivar attributes: names of attributes that it uses.
    :ivar code: import statements inside strings, which may be handed to ``exec`` or ``python -c``.
    :ivar runs_code: whether it calls something that runs code or programs.
    :ivar exported: names of ``__all__``.
    :ivar lazy_attributes: whether it puts something into ``sys.modules``, or has a module-level ``__getattr__`` (PEP 562) that
        contains no import statements, so that its strings may be what it imports.
    :ivar reads_stub: whether it hands its own stub to a lazy loader (``attach_stub``).
    :ivar walks: whether it lists the modules of packages (pkgutil).
    :ivar changes_path: whether it changes ``sys.path``.
    :ivar reads_files: whether it opens files beside code (``__file__``, ``importlib.resources``, ``pkgutil.get_data``).
    :ivar run_modules: names behind ``"-m"`` in lists of words, with the line.
    """

    statements: list[ImportStatement] = field(default_factory=list)
    named: list[NamedImport] = field(default_factory=list)
    calls: list[tuple[str, str, int]] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    forwards: set[tuple[str, str]] = field(default_factory=set)
    strings: dict[str, int] = field(default_factory=dict)
    fragments: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    code: list[ImportStatement] = field(default_factory=list)
    runs_code: bool = False
    exported: set[str] = field(default_factory=set)
    lazy_attributes: bool = False
    reads_stub: bool = False
    walks: bool = False
    changes_path: bool = False
    reads_files: bool = False
    run_modules: dict[str, int] = field(default_factory=dict)

    @property
    def imports_by_name(self) -> bool:
        """Whether its strings may be names of modules that it imports."""
        return bool(self.named) or self.lazy_attributes or self.walks


def statements_in_text(text: str, line: int, kind: StatementKind = "lazy") -> list[ImportStatement]:
    """Import statements that stand in a piece of text, found by their form."""
    found = []
    for match in _STATEMENT.finditer(text):
        if match["modules"] is not None:
            found += [
                ImportStatement(kind, name.split()[0], 0, None, line)
                for name in match["modules"].split(",")
                if name.split()
            ]
        elif match["level"] or match["package"]:
            names = tuple(part.split()[0] for part in match["names"].lstrip("(").split(",") if part.split())
            found.append(ImportStatement(kind, match["package"], len(match["level"]), names, line))
    return found
