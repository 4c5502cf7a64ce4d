"""What is to be removed, while the plan is made: who claims which path, what a guard kept, and what is given back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from msgspec import Struct, field

from inspector.artifact.tree import Kind, Tree
from inspector.model import Confidence
from inspector.slim.planning.guards import Guards
from inspector.slim.planning.plan import action_key
from inspector.slim.planning.prune_rules import PruneRule

_SURER: dict[Confidence, Confidence] = {"low": "medium", "medium": "high", "high": "high"}


class Removal(Struct):
    """One removing action in the making.

    :ivar paths: tree paths of files and links, in the order in which they were claimed.
    :ivar reasons: clauses, the rule's own first.
    """

    rule: PruneRule
    subject: str
    confidence: Confidence
    reasons: dict[str, None] = field(default_factory=dict)
    paths: dict[str, None] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What names it in every plan for the same input."""
        return action_key(self.rule.name, self.subject)


class Removals:
    """All of them; a path belongs to the first that claims it.

    :param left_out: keys of actions that are not to be done; no other rule takes what they would have taken.
    :param confirmed: whether traced runs did without what goes, which makes what is known of imports surer by one step.
    """

    def __init__(self, tree: Tree, guards: Guards, left_out: Collection[str] = (), *, confirmed: bool = False) -> None:
        self._tree = tree
        self._guards = guards
        self._left_out = left_out
        self._confirmed = confirmed
        self._by_key: dict[str, Removal] = {}
        self._owner: dict[str, Removal] = {}
        self._left_alone: set[str] = set()
        self._kept: dict[tuple[str, str, str], dict[str, None]] = {}

    def __contains__(self, path: object) -> bool:
        return path in self._owner

    def __iter__(self) -> Iterator[Removal]:
        return (removal for removal in self._by_key.values() if removal.paths)

    @property
    def paths(self) -> Collection[str]:
        """The tree paths of everything that goes."""
        return self._owner.keys()

    def kept(self) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
        """Rule, subject, reason and paths of what a guard kept."""
        for (rule, subject, reason), paths in self._kept.items():
            yield rule, subject, reason, tuple(paths)

    def claim(
        self,
        rule: PruneRule,
        subject: str,
        paths: Iterable[str],
        *,
        reasons: Iterable[str] = (),
        confidence: Confidence | None = None,
        by_command: bool = False,
    ) -> int:
        """Take the files and links among ``paths`` that nobody has taken and no guard keeps, and say how many those were.

        :param reasons: clauses behind the rule's own.
        :param by_command: whether the user named the paths, which outranks all guards but licence texts, the launcher and ``--keep``.
        """
        key = action_key(rule.name, subject)
        if key in self._left_out:
            self._left_alone.update(path for path in paths if path not in self._owner)
            return 0
        taken = []
        for path in paths:
            if path in self._owner or path in self._left_alone:
                continue
            node = self._tree.get(path)
            if node is None or node.kind is Kind.DIRECTORY:
                continue
            why = self._guards.reason_to_keep(rule, path, by_command=by_command)
            if why is None:
                taken.append(path)
            else:
                self.keep(rule.name, subject, why, path)
        if not taken:
            return 0
        removal = self._by_key.get(key)
        if removal is None:
            sure = confidence or rule.confidence
            if self._confirmed and rule.for_applications:
                sure = _SURER[sure]
            removal = self._by_key[key] = Removal(rule, subject, sure)
            removal.reasons[rule.reason] = None
        removal.reasons.update(dict.fromkeys(reasons))
        removal.paths.update(dict.fromkeys(taken))
        self._owner.update(dict.fromkeys(taken, removal))
        return len(taken)

    def refusal(self, rule: PruneRule, subject: str, path: str) -> str | None:
        """Why an action would not take a path, a clause; None where it would, or another has taken it already."""
        if action_key(rule.name, subject) in self._left_out:
            return f"{rule.name} is left out"
        if path in self._left_alone:
            return "a rule that is left out would have taken it"
        return None if path in self._owner else self._guards.reason_to_keep(rule, path)

    def leave_alone(self, path: str) -> None:
        """Let no rule that comes later take a path."""
        self._left_alone.add(path)

    def give_back(self, path: str, reason: str) -> None:
        """Leave a path where it is although a rule took it, and say why."""
        removal = self._owner.pop(path, None)
        if removal is not None:
            del removal.paths[path]
            self.keep(removal.rule.name, removal.subject, reason, path)

    def take_along(self, path: str, leader: str) -> None:
        """Let a path go with another one, under the action that takes that."""
        removal = self._owner[leader]
        removal.paths[path] = None
        self._owner[path] = removal

    def keep(self, rule: str, subject: str, reason: str, path: str) -> None:
        """Remember that a rule would have taken a path."""
        self._kept.setdefault((rule, subject, reason), {})[path] = None

    def owner(self, path: str) -> Removal | None:
        """The action that takes a path."""
        return self._owner.get(path)
