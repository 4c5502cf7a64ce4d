"""Static answer and real imports side by side."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from corpus.imports.oracle import Run
from inspector.artifact import Artifact, open_artifact
from inspector.facts.binaries.elf_objects import read_elf_objects
from inspector.facts.launchers.launcher import Launcher, read_launcher
from inspector.facts.loading.run_time_paths import mount_of
from inspector.facts.python.application_entries import application_entries
from inspector.facts.python.distributions import collect_python_distributions
from inspector.facts.python.environments import find_environments
from inspector.facts.python.import_graph import ImportGraph, build_import_graph
from inspector.facts.python.module_index import index_modules
from inspector.facts.python.reachability import Reachability, reach
from inspector.limits import Limits


@dataclass(frozen=True, slots=True)
class Comparison:
    """One program.

    :ivar imported: modules of the bundle that it really imported.
    :ivar missed: those of them that the static answer does not have, by name.
    :ivar reached: modules that the static answer has.
    :ivar total: modules of the bundle.
    :ivar seconds: of the static closure, sources that earlier programs share not read again.
    """

    name: str
    status: int
    imported: int
    missed: tuple[str, ...]
    reached: int
    total: int
    seconds: float
    output: str


class Bundle:
    """One AppDir with its import graph; several programs share the sources that were read."""

    def __init__(self, appdir: Path) -> None:
        self.appdir = appdir
        self.artifact: Artifact = open_artifact(str(appdir))
        self.launcher: Launcher = read_launcher(self.artifact)
        self.objects = read_elf_objects(self.artifact, Limits())
        distributions = collect_python_distributions(self.artifact.tree).distributions
        environments = find_environments(
            self.artifact.tree, self.objects, environment=self.launcher.environment, mount=mount_of(self.artifact)
        )
        index = index_modules(self.artifact.tree, environments, distributions)
        self.graph: ImportGraph = build_import_graph(self.artifact.tree, index, distributions)

    def reach(self, entries: tuple[str, ...] = ()) -> Reachability:
        """The static answer for the launcher, or for entries that the user declares."""
        found = application_entries(self.artifact, self.launcher, self.graph.index, self.objects, entries)
        return reach(self.graph, found, self.artifact.tree)

    def compare(self, name: str, done: Run, entries: tuple[str, ...] = ()) -> Comparison:
        """One program's real imports and the static answer."""
        start = time.perf_counter()
        reached = self.reach(entries)
        seconds = time.perf_counter() - start
        index = self.graph.index
        imported, missed = 0, []
        for module_name, path in sorted(done.modules, key=lambda row: row[0]):
            module = index.at(path) if path is not None else next(iter(index.find(module_name)), None)
            if module is None:
                continue
            imported += 1
            if not reached.reaches(module):
                missed.append(module.name)
        return Comparison(
            name, done.status, imported, tuple(missed), len(reached.edges), len(index), seconds, done.output
        )
