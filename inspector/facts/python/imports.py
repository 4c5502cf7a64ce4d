"""The Python world of a bundle in one call: its modules, what imports what, and what the application reaches.

For slim and licences; a plain audit does not ask.
"""

from __future__ import annotations

from collections.abc import Sequence

from inspector.artifact.artifact import Artifact
from inspector.facts.binaries.elf_objects import ElfObject
from inspector.facts.launchers.launcher_facts import Launcher
from inspector.facts.loading.run_time_paths import mount_of
from inspector.facts.python.application_entries import application_entries
from inspector.facts.python.distributions import PythonDistribution
from inspector.facts.python.environments import find_environments
from inspector.facts.python.import_graph import build_import_graph
from inspector.facts.python.module_index import index_modules
from inspector.facts.python.reachability import Reachability, reach
from inspector.limits import Limits


def collect_imports(
    artifact: Artifact,
    launcher: Launcher,
    objects: Sequence[ElfObject],
    distributions: Sequence[PythonDistribution],
    *,
    entries: Sequence[str] = (),
    limits: Limits | None = None,
) -> Reachability:
    """Which modules the application reaches; a bundle without Python reaches none.

    :param distributions: from :func:`inspector.facts.python.distributions.collect_python_distributions`.
    :param entries: what the user declares as the application's start; see :func:`inspector.facts.python.application_entries.application_entries`.
    :raises UsageError: for an entry that the bundle does not have.
    """
    tree = artifact.tree
    environments = find_environments(tree, objects, environment=launcher.environment, mount=mount_of(artifact))
    index = index_modules(tree, environments, distributions)
    graph = build_import_graph(tree, index, distributions, limits)
    return reach(graph, application_entries(artifact, launcher, index, objects, entries), tree)
