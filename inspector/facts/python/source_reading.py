"""From the bytes of a Python source to :class:`inspector.facts.python.source_imports.SourceImports`, whatever version of Python it is written for."""

from __future__ import annotations

import warnings
from collections.abc import Collection

from inspector.facts.python.import_statements import read_imports
from inspector.facts.python.source_imports import SourceImports, statements_in_text


def read_any_source(content: bytes, module_names: Collection[str] = ()) -> SourceImports:
    """What a source says about imports: by :mod:`ast`; newer or older syntax by tree-sitter; the rest by the form of its lines.

    :param module_names: top-level modules of the bundle.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SyntaxWarning and DeprecationWarning of somebody else's strings
            return read_imports(content, module_names)
    except (SyntaxError, ValueError):
        pass
    except (RecursionError, MemoryError):
        return _by_lines(content)  # nested so deeply that ast refuses it; a second parser would build the same tree
    try:
        from inspector.facts.python.newer_syntax import read_newer_imports
    except ImportError:  # a platform without wheels of tree-sitter
        return _by_lines(content)
    return read_newer_imports(content, module_names)


def _by_lines(content: bytes) -> SourceImports:
    text = content.decode("utf-8", "replace")
    return SourceImports(statements=statements_in_text(text, 0, "module"))
