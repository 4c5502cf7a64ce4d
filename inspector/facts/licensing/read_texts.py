"""The licence and copyright texts of a tree, read by another process while this one reads the ELF files."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from msgspec import Struct

from inspector.artifact.tree import Kind, Tree
from inspector.facts.licensing.bundled_copyright import BundledCopyrights, KnownCopyrights
from inspector.facts.licensing.library_licenses import identify_library, plain_library_name
from inspector.facts.licensing.python_components import may_be_interpreter_license, read_license_files
from inspector.facts.licensing.recognised_files import KnownTexts, RecognisedFiles
from inspector.facts.python.distributions import PythonDistribution


class ReadTexts(Struct):
    """What the other process has read; whatever it has not, is read when somebody asks for it."""

    texts: KnownTexts
    copyrights: KnownCopyrights


def read_texts(tree: Tree, distributions: Sequence[PythonDistribution]) -> ReadTexts:
    """Read what the components will ask for, as far as the names of files and the metadata of distributions tell."""
    texts, copyrights = RecognisedFiles(tree), BundledCopyrights(tree)
    read_license_files(distributions, texts)
    texts.statements(node.path for node in tree.files() if may_be_interpreter_license(node.path))
    for path, name in _likely_sonames(tree) if copyrights else ():
        copyrights.read_for_name(path, plain_library_name(name), identify_library(name))
    return ReadTexts(texts.known, copyrights.known)


def _likely_sonames(tree: Tree) -> Iterator[tuple[str, str]]:
    """Path of each file that looks like a shared library, and what its SONAME may be: a link is mostly called like it, the file itself often like its
    release (``libX11.so.6 -> libX11.so.6.4.0``)."""
    links: dict[str, list[str]] = {}
    for node in tree:
        if node.kind is Kind.SYMLINK and node.target is not None and ".so." in node.name and "/" not in node.target:
            links.setdefault(posixpath.join(posixpath.dirname(node.path), node.target), []).append(node.name)
    for node in tree.files():
        if ".so" in node.name:
            names = links.get(node.path, [])
            for name in names if names and ".so." in node.name else [*names, node.name]:
                yield node.path, name
