"""What is found out once about a bundle that is to be slimmed, whichever actions its plans leave out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from inspector.artifact.artifact import Artifact
from inspector.artifact.frozen.pyinstaller_takers import taken_members
from inspector.facts.facts import Facts
from inspector.facts.python.extension_modules import is_python_program
from inspector.limits import Limits
from inspector.slim.options import SlimOptions
from inspector.slim.planning.bytecode_plan import BytecodePlanner, bytecode_facts
from inspector.slim.planning.guards import Guards
from inspector.slim.planning.library_needs import LibraryNeeds
from inspector.slim.planning.module_reach import find_reach
from inspector.slim.planning.plan import PlanTarget
from inspector.slim.planning.prune_rules import PruneRule, active_rules
from inspector.slim.planning.savings import Savings
from inspector.slim.planning.subjects import Subjects
from inspector.slim.planning.target_digest import target_digest
from inspector.slim.planning.traced_use import read_traces


class BundleKnowledge:
    """One bundle with one set of options.

    :ivar rules: the rules that run, by name.
    :ivar imports_are_known: whether the bundle is an application whose Python modules are known; False: an open interpreter, or no Python.
    :ivar starts_are_known: the same, or an application of programs alone.
    :ivar has_python: whether there is an interpreter.
    :ivar interpreter_is_open: whether it takes the user's own programs, so that everything that can be imported is a root.
    :ivar taken: members that other programs take from it when they start.
    :ivar roots: what it starts from, or why its interpreter is open, a clause each.
    :raises UsageError: where the options name a rule, an entry or a trace that there is not.
    """

    def __init__(self, artifact: Artifact, facts: Facts, options: SlimOptions, limits: Limits) -> None:
        self.artifact, self.facts, self.options, self.limits = artifact, facts, options, limits
        self.rules = active_rules(options)
        self.savings = Savings(artifact.tree)
        self.traced = read_traces(options.traces, lambda: self.target.digest)
        self.reach = find_reach(artifact, facts, options, self.rules, limits, sorted(self.traced.modules))
        self.imports_are_known = self.reach.closed
        self.has_python = any(is_python_program(found) for found in facts.objects)
        self.starts_are_known = self.imports_are_known or (bool(facts.launcher.programs) and not self.has_python)
        self.interpreter_is_open = not self.imports_are_known and self.has_python
        self.roots = self.reach.roots if self.imports_are_known or not self.starts_are_known else _programs(facts)
        self.subjects = Subjects(facts)
        self.taken = taken_members(artifact, limits)
        imports = self.reach if self.imports_are_known else None
        self.guards = Guards(artifact, facts, options, imports, self.traced, self.taken.members)
        self.libraries = LibraryNeeds(facts, artifact.tree, {*self.traced.libraries, *_wanted_inside(facts)})
        self.bytecode = BytecodePlanner(
            artifact.tree,
            bytecode_facts(facts, options.environment),
            options.bytecode,
            self._bytecode_rules(),
            self.subjects,
            hot=self.traced.sources,
        )

    def _bytecode_rules(self) -> Mapping[str, PruneRule]:
        """The rules of the chosen policy are asked for by choosing it."""
        asked = {"none": "all-bytecode", "hot": "cold-bytecode"}.get(self.options.bytecode)
        return {name: rule for name, rule in self.rules.items() if not rule.asked or name == asked}

    @cached_property
    def target(self) -> PlanTarget:
        """What the plan is for."""
        return PlanTarget(
            path=self.artifact.path,
            format=self.artifact.format,
            digest=target_digest(self.artifact),
            size=self.savings.total,
        )


def _wanted_inside(facts: Facts) -> list[str]:
    """Libraries that a program inside an archive of the artifact may load: its starter inherits the launcher's search path."""
    wanted = facts.wanted_inside
    return [found.path for found in facts.objects if found.name in wanted or found.elf.soname in wanted]


def _programs(facts: Facts) -> tuple[str, ...]:
    return tuple(f"{start.program}: {start.by or facts.launcher.path} starts it" for start in facts.launcher.starts)
