"""From a plan to a planned tree that passes its proof: its products are made, it is proved, and the actions that are to blame are left out."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Protocol

from msgspec.structs import replace

from inspector.artifact.artifact import Artifact
from inspector.limits import Limits
from inspector.progress import Progress
from inspector.result import SlimKept
from inspector.slim.making.apply import apply_plan
from inspector.slim.making.bytecode import compile_modules
from inspector.slim.making.planned_tree import PlannedTree
from inspector.slim.making.products import Products, bytecode_wanted, make_elf_products
from inspector.slim.options import SlimOptions
from inspector.slim.planning.plan import Action, Plan
from inspector.slim.proving.bisection import NothingPasses, find_guilty
from inspector.slim.proving.bundle_interpreter import NotChecked
from inspector.slim.proving.proof import Proof, Prover

_MOST_ROUNDS = 12  # of bisection; each finds one failure that the round before did not show


class Plans(Protocol):
    """Gives plans that leave actions out."""

    def plan(self, exclude: Collection[str] = frozenset()) -> Plan:
        """The plan without the actions of these keys."""
        ...


class WrittenPlan:
    """A plan that was read from a file."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def plan(self, exclude: Collection[str] = frozenset()) -> Plan:
        """The plan without these actions."""
        return replace(self._plan, actions=tuple(action for action in self._plan.actions if action.key not in exclude))


class ProvedPlan:
    """One artifact's plans on their way to a tree that is known to work.

    :param plan: the one that ``plans`` gives with nothing left out.
    :ivar plan: the plan without what had to be left out.
    :ivar left_out: the actions that a check failed with.
    :ivar notices: what the user ought to know.
    """

    def __init__(
        self, plans: Plans, plan: Plan, artifact: Artifact, options: SlimOptions, prover: Prover, products: Products,
        limits: Limits, progress: Progress,
    ) -> None:  # fmt: skip
        self._plans, self._artifact, self._options = plans, artifact, options
        self._prover, self._products, self._limits, self._progress = prover, products, limits, progress
        self.plan = plan
        self.left_out: list[SlimKept] = []
        self.notices: list[str] = []

    def prove(self) -> tuple[PlannedTree, Proof]:
        """A planned tree that passes, with the guilty actions left out; or one that does not, and its proof."""
        excluded: set[str] = set()
        planned = self._planned(self.plan)
        proof = self._prover.prove(planned)
        for _ in range(_MOST_ROUNDS):
            if proof.ok:
                break
            guilty = self._guilty(proof, excluded)
            if not guilty:
                break
            for action in guilty:
                excluded.add(action.key)
                self.left_out.append(
                    SlimKept(rule=action.rule, subject=action.subject, reason=proof.failures[0], bytes=action.saves)
                )
            self.plan = self._plans.plan(excluded)
            planned = self._planned(self.plan)
            proof = self._prover.prove(planned)
        return planned, proof

    def _planned(self, plan: Plan) -> PlannedTree:
        debug = Path(self._options.split_debug) if self._options.split_debug else None
        make_elf_products(
            plan, self._artifact.tree, self._products, self._limits, debug_directory=debug, progress=self._progress
        )
        self._compile(plan)
        return apply_plan(plan, self._artifact.tree, self._products, self._limits)

    def _compile(self, plan: Plan) -> None:
        prover, products = self._prover, self._products
        wanted = {path: source for path, source in bytecode_wanted(plan).items() if path not in products}
        wanted = {path: source for path, source in wanted.items() if path not in products.left}
        if not wanted:
            return
        if isinstance(prover.answer, NotChecked) or isinstance(prover.interpreter, NotChecked):
            reason = prover.answer.reason if isinstance(prover.answer, NotChecked) else ""
            self.notices.append(f"{len(wanted)} modules stay without bytecode, because {reason}")
            products.left.update(dict.fromkeys(wanted, reason))
            return
        level = next(iter(wanted)).rpartition(".opt-")[2].removesuffix(".pyc")
        times = {node.path: node.mtime for node in self._artifact.tree if node.mtime is not None}
        made = compile_modules(
            prover.interpreter, prover.before_root, wanted, optimization=level if level in ("1", "2") else "",
            times={source: times.get(source, 0) for source in wanted.values()}, progress=self._progress,
        )  # fmt: skip
        for path, content in made.files.items():
            products.put(path, content)
        products.left.update(
            {path: made.failed.get(source, "") for path, source in wanted.items() if path not in made.files}
        )
        if made.failed:
            first = next(iter(sorted(made.failed.items())))
            self.notices.append(
                f"{len(made.failed)} modules do not compile and stay without bytecode, such as {first[0]}: {first[1]}"
            )

    def _guilty(self, proof: Proof, excluded: set[str]) -> tuple[Action, ...]:
        self._progress.stage("Looking for the action that is to blame")
        actions = {action.key: action for action in self.plan.actions if action.kind != "rewrite"}

        def fails(keys: Collection[str]) -> bool:
            chosen = set(keys)
            plan = self._plans.plan(excluded | {key for key in actions if key not in chosen})
            return self._prover.fails_like(self._planned(plan), proof)

        names = {module.partition(".")[0] for module in proof.modules}
        suspects = [
            key for key, action in actions.items() if any(f"/{name}/" in f"/{action.paths[0]}/" for name in names)
        ]
        try:
            return tuple(actions[key] for key in find_guilty(list(actions), fails, suspects=suspects))
        except NothingPasses:
            self.notices.append(
                "the check fails with no action at all: it is the check that is wrong, or the bundle behaves by chance"
            )
            return ()
