"""What a user wants to know of an exposure beyond the chain: whether the application imports it at all, what would take it out, what it obliges to.

For ``inspect licenses``; a plain audit does not ask, because the import graph is made for it.
"""

from __future__ import annotations

from msgspec.structs import replace

from inspector.artifact.artifact import Artifact
from inspector.errors import UsageError
from inspector.facts.binaries.floors import RUNTIME
from inspector.facts.facts import Facts
from inspector.facts.licensing.component import Component
from inspector.facts.licensing.exposures import ChainFinder, LicenseExposure
from inspector.facts.licensing.license_expressions import parse_license_expression
from inspector.facts.licensing.license_removal import LibraryRemovals
from inspector.facts.licensing.obligations import obligations_of
from inspector.facts.python.distributions import PythonDistribution, collect_python_distributions
from inspector.facts.python.extension_modules import is_extension_module
from inspector.facts.python.imports import collect_imports
from inspector.facts.python.reachability import Reachability
from inspector.limits import Limits
from inspector.resources import load_table

_BUILT_IN = "built-in module "
_MOST_NAMED = 3
_MOST_DROPPED = 10  # files that an option each is written for


def explain_exposures(artifact: Artifact, facts: Facts, limits: Limits | None = None) -> tuple[LicenseExposure, ...]:
    """The exposures of ``facts`` with what is to be done about each.

    :param artifact: the one that the facts are of, still open.
    """
    if not facts.exposures:
        return ()
    return tuple(map(_Explainer(artifact, facts, limits or Limits()).explained, facts.exposures))


class _Explainer:
    def __init__(self, artifact: Artifact, facts: Facts, limits: Limits) -> None:
        self._facts = facts
        self._extensions = {found.path for found in facts.objects if is_extension_module(found)}
        self._entries = {root.path for root in facts.graph.roots if root.role == "entry"}
        self._chains = ChainFinder(facts.graph)
        self._removals = LibraryRemovals(facts, artifact.tree)
        self._by_file = {
            (component.name, path): component for component in facts.components for path in component.files
        }
        self._distributions: tuple[PythonDistribution, ...] = ()
        self._imports: Reachability | None = None
        self._imported: dict[str, bool | None] = {}
        if any(self._asks_for_imports(exposure) for exposure in facts.exposures):
            self._distributions = collect_python_distributions(artifact.tree).distributions
            try:
                self._imports = collect_imports(
                    artifact, facts.launcher, facts.objects, self._distributions, limits=limits
                )
            except UsageError:
                self._imports = None  # no entry is asked for here, so that nothing can be wrong with one
            if self._imports is not None:
                self._imported = self._imports.imported_distributions(self._distributions)

    def explained(self, exposure: LicenseExposure) -> LicenseExposure:
        """One exposure."""
        imported, chain = self._imported_by(exposure)
        removed_by, options = self._removal(exposure, imported)
        return replace(
            exposure,
            chain=chain,
            imported=imported,
            removed_by=removed_by,
            slim_options=options,
            obligations=obligations_of(self._expression(exposure), exposure.linkage) if exposure.bundled else (),
        )

    def _expression(self, exposure: LicenseExposure) -> str:
        """The licence; where its words make no expression, what the component's texts can be."""
        if parse_license_expression(exposure.license) is not None:
            return exposure.license
        component = next((found for found in self._facts.components if found.name == exposure.component), None)
        mentioned = component.found[0].mentioned if component is not None and len(component.found) == 1 else ()
        return " OR ".join(mentioned)

    # -- imports

    def _asks_for_imports(self, exposure: LicenseExposure) -> bool:
        return exposure.linkage == "python" or any(
            step in self._extensions or step.startswith(_BUILT_IN) for step in exposure.chain
        )

    def _imported_by(self, exposure: LicenseExposure) -> tuple[bool | None, tuple[str, ...]]:
        """Whether the application imports a Python module that loads the component, or any module of the distribution; and the chain by one it does.

        None where it is loaded without any module, or of an open interpreter, of which nobody knows what it will import.
        """
        imports = self._imports
        if imports is None or not imports.closed:
            return None, exposure.chain
        if exposure.linkage == "python":
            names = {found.name: found.normalized_name for found in self._distributions}
            return self._imported.get(names.get(exposure.component, "")), exposure.chain
        for step in exposure.chain:
            if step.startswith(_BUILT_IN):
                return imports.reaches(step.removeprefix(_BUILT_IN)), exposure.chain
        roots = self._chains.roots_above(exposure.subject)
        modules = roots & self._extensions
        if not modules or roots & self._entries:
            return None, exposure.chain
        reached = {path for path in modules if imports.why_imported(path) is not None}
        if not reached:
            return False, exposure.chain
        if exposure.linkage != "dynamic" or reached & set(exposure.chain):
            return True, exposure.chain
        return True, self._chains.find(exposure.subject, lambda root: root.path in reached)[1]

    # -- removal

    def _removal(self, exposure: LicenseExposure, imported: bool | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
        texts: list[str] = []
        options: tuple[str, ...] = ()
        component = self._by_file.get((exposure.component, exposure.subject))
        if component is not None and component.kind == "library":
            found = self._library(component, exposure)
            if found is not None:
                text, options = found
                texts.append(text)
        elif exposure.linkage == "python" and imported is False:
            texts.append("nothing of the application imports it: inspect slim leaves it out")
        elif exposure.subject == RUNTIME:
            texts.append(
                "it is in the AppImage's runtime, a program of its own: take another one (appimagetool --runtime-file)"
            )
        elif exposure.linkage == "static":
            texts.append(f"take a build of {exposure.subject} without it; no file can be removed for it")
        if not exposure.bundled:
            texts.append(
                f"build {exposure.chain[-2]} without it; the host supplies the library"
                if len(exposure.chain) > 1
                else ""
            )
        texts += [
            row["text"]
            for row in load_table("licenses/removals.toml")["removals"]
            if exposure.component in row["projects"]
        ]
        return tuple(text for text in texts if text), options

    def _library(self, component: Component, exposure: LicenseExposure) -> tuple[str, tuple[str, ...]] | None:
        """Files that go together, as slim would take them; None where something needs the library that cannot go."""
        drops = list(self._removals.of(component))
        paths = [path for drop in drops for path in drop.paths]
        if any(drop.blocked_by for drop in drops) or not paths:
            return None
        others = [path for path in dict.fromkeys(paths) if path not in component.files]
        named = [*others, *component.files]
        more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
        text = f"remove {', '.join(named[:_MOST_NAMED])}{more}"
        if exposure.license_class == "weak-copyleft" or " " in exposure.license:
            # What stands under LGPL is seldom to go as a whole.
            return text, tuple(part for path in named for part in ("--drop", path)) if len(
                named
            ) <= _MOST_DROPPED else ()
        return text, ("--drop-license", exposure.license)
