"""From names in code to modules of the index: full and relative names, constants that may be names, names that only a changed search path finds."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterator, Sequence

from inspector.artifact.tree import Tree
from inspector.errors import FormatError
from inspector.facts.python.distributions import PythonDistribution
from inspector.facts.python.module_index import Module, ModuleIndex
from inspector.patterns import lazy_pattern

_NAME = lazy_pattern(r"\.*[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?::\w[\w.]*)?")
_REQUIRES = lazy_pattern(rb"^Requires-Dist:[ \t]*([A-Za-z0-9][\w.-]*)", re.MULTILINE)  # core metadata 1.2 and later
_LONGEST_METADATA = 1 << 20
_EXTERNAL = frozenset(sys.stdlib_module_names) | frozenset(sys.builtin_module_names)
"""Names that are built into interpreters, or belong to other systems: no file of the bundle needs to have them."""


class NameResolver:
    """Answers for one tree.  Where a name can mean several modules, it means all of them.

    :ivar index: the modules.
    :ivar top_levels: the first parts of all names.
    """

    def __init__(self, tree: Tree, index: ModuleIndex, distributions: Sequence[PythonDistribution] = ()) -> None:
        self.index = index
        self.top_levels = frozenset(module.top_level for module in index.modules)
        self._tree = tree
        self._distributions = {found.normalized_name: found for found in distributions}
        self._modules_of: dict[str, list[Module]] = {}
        self._by_last: dict[str, list[Module]] = {}
        self._related: dict[str, frozenset[str]] = {}
        for module in index.modules:
            self._by_last.setdefault(module.name.rpartition(".")[2], []).append(module)
            if module.distribution is not None:
                self._modules_of.setdefault(module.distribution, []).append(module)

    def absolute(self, name: str, level: int, module: Module | None) -> str | None:
        """The full name of a relative import; None where it leads out of the package."""
        if level == 0:
            return name
        parts = module.package.split(".") if module is not None and module.package else []
        if level > len(parts):
            return None
        base = parts[: len(parts) - (level - 1)]
        return ".".join([*base, name] if name else base)

    def relative(self, text: str, module: Module | None) -> str | None:
        """The full name of a text with leading dots."""
        name = text.lstrip(".")
        return self.absolute(name, len(text) - len(name), module)

    def exactly(self, name: str, module: Module | None) -> list[Module]:
        """Modules of exactly this name; loose ones where the importer is loose, or nothing else has the name."""
        found = list(self.index.find(name))
        if module is None or module.loose or not found:
            loose = self.index.find_loose(name)
            beside = [other for other in loose if module is not None and other.place == module.place]
            found += beside or loose
        return found

    def resolve(self, name: str, module: Module | None) -> list[Module]:
        """The modules that importing a full name executes, packages around it first; what may be meant where no search path has it."""
        parts = name.split(".")
        found: list[Module] = []
        for end in range(1, len(parts) + 1):
            step = self.exactly(".".join(parts[:end]), module)
            if not step:
                break
            found += step
        else:
            return found
        if not found or found[-1].is_package:
            found += self.elsewhere(name, module)
        return found

    def elsewhere(self, name: str, module: Module | None) -> list[Module]:
        """Where a changed ``sys.path`` or an import hook may find a name: vendored in the importer's own package, or anywhere loose."""
        top, _, rest = name.partition(".")
        if top in _EXTERNAL:
            return []
        tails = [name]
        while self.index.find(top) and rest:
            tails.append(rest)
            rest = rest.partition(".")[2]
        for tail in tails:
            found = [
                other
                for other in self._by_last.get(tail.rpartition(".")[2], ())
                if other.name.endswith(f".{tail}")
                and (other.loose or module is None or other.top_level == top or _same_origin(other, module))
            ]
            if found:
                return found
        return []

    def of_constant(self, text: str, module: Module | None, *, alone: bool, any_word: bool = False) -> Iterator[Module]:
        """Modules that a constant may name: by the full name, or that with an attribute behind it.

        :param alone: whether a single word may be one too where it is near to the importer, and a name relative to the importer's package.
        :param any_word: whether any single word may be one.
        """
        if not _NAME.fullmatch(text):
            return
        text = text.partition(":")[0]
        if text.startswith("."):
            yield from self.exactly(self.relative(text, module) or "", module)
            return
        name = text
        while name and not self.index.find(name):
            name = name.rpartition(".")[0]
        whole = "." in text and (name == text or "." in name)
        if name and (whole or any_word or (alone and self._may_mean(name, module))):
            yield from self.exactly(name, module)
        if alone and module is not None and not name:
            for base in {module.name, module.package}:
                yield from (found for found in self.exactly(f"{base}.{text}", module) if not found.is_test)

    def _may_mean(self, name: str, module: Module | None) -> bool:
        """Whether a single word may be a top-level module: of the importer's own distribution, or of one that it requires."""
        if module is None or module.loose or module.distribution is None:
            return module is None or not module.standard_library
        top = name.partition(".")[0]
        return top in self.related(module) or any(found.standard_library for found in self.index.find(top))

    def related(self, module: Module) -> Collection[str]:
        """Top-level modules of a module's distribution and of those that it requires, extras included."""
        distribution = self._distributions.get(module.distribution or "")
        if distribution is None:
            return frozenset()
        name = distribution.normalized_name
        if name not in self._related:
            required = [
                re.sub(r"[-_.]+", "-", match.decode()).lower() for match in _REQUIRES.findall(self._metadata(name))
            ]
            self._related[name] = frozenset(
                found.top_level for other in (name, *required) for found in self._modules_of.get(other, ())
            )
        return self._related[name]

    def of_distribution(self, module: Module) -> Sequence[Module]:
        """The modules of the same distribution; where none owns it, those of its top-level package."""
        owned = self._modules_of.get(module.distribution or "")
        return list(self.index.below(module.top_level)) if owned is None else owned

    def _metadata(self, name: str) -> bytes:
        node = self._tree.resolve(self._distributions[name].metadata_path)
        if node is None or not node.is_file:
            return b""
        try:
            return node.read_at(0, min(node.size, _LONGEST_METADATA))
        except (FormatError, OSError):
            return b""


def _same_origin(one: Module, other: Module) -> bool:
    return one.top_level == other.top_level or (one.distribution is not None and one.distribution == other.distribution)
