"""On which systems the bundle starts: the demands of its roots against host profiles.

A shipped profile knows names and versions: the bundle was resolved once, and only the distinct names and versions that it asks of the host are
compared.  A captured profile knows every library of its system: there the whole process is loaded with the host's real objects
(:mod:`inspector.facts.hosts.processes`), and symbols are judged too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from msgspec import Struct, field

from inspector.facts.binaries.elf_objects import ElfObject
from inspector.facts.hosts.demand_judge import DemandJudge
from inspector.facts.hosts.demands import RootDemand
from inspector.facts.hosts.host_needs import HostNeeds
from inspector.facts.hosts.outcomes import FailedRoot, RootOutcome
from inspector.facts.loading.load_graph import LoadFacts, root_demands
from inspector.facts.loading.roots import Role
from inspector.facts.loading.run_time_paths import Mount
from inspector.loader.host_profile import Basis, HostProfile, Variant
from inspector.loader.objects import FileView
from inspector.loader.profile_host import libc_version

Verdict = Literal["starts", "degraded", "fails", "unknown"]

_DECIDING: tuple[frozenset[Role], ...] = (
    frozenset(("entry",)),
    frozenset(("extension", "plugin")),
    frozenset(("optional",)),
)


class SystemVerdict(Struct, frozen=True):
    """Whether the bundle starts on one variant of one system.

    :ivar verdict: "fails" where an entry does not load; "unknown" where a fact that nobody measured decides over an entry; "degraded" where only
        other roots do not load; else "starts".
    :ivar message: what the loader prints for the first entry that fails, the other roots' where only they do; "" where it starts.
    :ivar judged: how many roots were looked at; those of another machine than the profile's are not.
    :ivar objects: the roots that do not load, entries first.
    :ivar undecided: libraries, or ``library: version``, of which nobody measured whether this system has them.
    """

    id: str
    name: str
    variant: Variant
    basis: Basis
    libc: Literal["glibc", "musl"]
    verdict: Verdict
    message: str
    judged: int
    objects: tuple[FailedRoot, ...] = ()
    undecided: tuple[str, ...] = ()


class JudgedBundle(Struct, frozen=True, kw_only=True):
    """What a verdict needs of a bundle.

    :ivar graph: its load graph, with the demands of the roots.
    :ivar files: where its files lie; only captured profiles look.
    :ivar environment: what its launcher sets, run-time paths; LD_LIBRARY_PATH as the load graph was built with.
    :ivar own_loader: tree path of a loader in the bundle that starts its programs.
    :ivar own_loader_up_to: the glibc version up to which a host's loader is passed over for ``own_loader``; None: always.
    :ivar own_loader_library_path: what is searched on such hosts; None: LD_LIBRARY_PATH of ``environment``.
    """

    graph: LoadFacts
    objects: Sequence[ElfObject]
    files: FileView
    mount: Mount
    environment: Mapping[str, str] = field(default_factory=dict)
    own_loader: str | None = None
    own_loader_up_to: str | None = None
    own_loader_library_path: str | None = None

    def loader_on(self, profile: HostProfile) -> str | None:
        """The loader of the bundle that its programs are started with on a system, None where it is the system's."""
        if self.own_loader is None or self.own_loader_up_to is None or profile.libc != "glibc":
            return self.own_loader
        there, up_to = libc_version(profile.libc_version), libc_version(self.own_loader_up_to)
        return self.own_loader if there is not None and up_to is not None and there <= up_to else None

    def environment_on(self, profile: HostProfile) -> Mapping[str, str]:
        """What the programs' loader sees there."""
        if self.own_loader_library_path is None or self.own_loader_up_to is None or self.loader_on(profile) is None:
            return self.environment
        return {**self.environment, "LD_LIBRARY_PATH": self.own_loader_library_path}


def host_verdicts(
    bundle: JudgedBundle,
    hosts: Sequence[tuple[HostProfile, Variant]],
    known_elsewhere: Sequence[HostProfile] = (),
) -> tuple[SystemVerdict, ...]:
    """The verdict of every system, in their order.

    Captured systems (libraries with their objects) have one variant: what is there is there.

    :param known_elsewhere: further profiles whose lists make a soname a known one, see :class:`DemandJudge`.
    """
    known = [*(profile for profile, _ in hosts), *known_elsewhere]
    judges: dict[str | None, DemandJudge] = {}
    verdicts: list[SystemVerdict] = []
    for profile, variant in hosts:
        own_loader = bundle.loader_on(profile)
        if profile.basis == "captured":
            from inspector.facts.hosts.processes import process_outcomes

            outcomes = process_outcomes(
                bundle.graph.roots, bundle.objects, bundle.files, profile, "desktop", bundle.mount,
                bundle.environment_on(profile), own_loader,
            )  # fmt: skip
            verdicts.append(verdict_of(profile, "desktop", outcomes))
            continue
        judge = judges.get(own_loader)
        if judge is None:
            library_path = bundle.environment_on(profile).get("LD_LIBRARY_PATH")
            needs = HostNeeds(bundle.objects, bundle.files, library_path)
            demands = _demands_on(bundle, profile)
            judge = judges[own_loader] = DemandJudge(demands, bundle.objects, known, own_loader, needs)
        verdicts.append(verdict_of(profile, variant, judge.outcomes(profile, variant)))
    return tuple(verdicts)


def _demands_on(bundle: JudgedBundle, profile: HostProfile) -> Sequence[RootDemand]:
    """The demands of the load graph, unless the bundle searches elsewhere on this system."""
    environment = bundle.environment_on(profile)
    if environment is bundle.environment:
        return bundle.graph.demands
    library_path = environment.get("LD_LIBRARY_PATH")
    return root_demands(bundle.graph.roots, bundle.objects, bundle.files, bundle.mount, library_path, bundle.own_loader)


def verdict_of(profile: HostProfile, variant: Variant, outcomes: Sequence[RootOutcome]) -> SystemVerdict:
    """The verdict of one system out of its roots; a bundle without entries is judged by what is opened for its own sake."""
    deciding = _deciding_roles(outcome.root.role for outcome in outcomes)
    failed = [outcome.failed for outcome in outcomes if outcome.failed is not None]
    failed.sort(key=lambda root: root.role not in deciding)
    undecided = dict.fromkeys(
        name for outcome in outcomes if outcome.root.role in deciding for name in outcome.undecided
    )
    verdict: Verdict = "starts"
    message = ""
    if failed and failed[0].role in deciding:
        verdict, message = "fails", failed[0].message
    elif undecided or not outcomes:
        verdict = "unknown"
        message = (
            f"nobody measured whether {profile.name} has {', '.join(list(undecided)[:3])}"
            if outcomes
            else f"nothing in the bundle is for {profile.arch}"
        )
    elif failed:
        verdict, message = "degraded", failed[0].message
    return SystemVerdict(
        profile.id, profile.name, variant, profile.basis, profile.libc, verdict, message, len(outcomes), tuple(failed),
        tuple(undecided),
    )  # fmt: skip


def _deciding_roles(roles: Iterator[Role]) -> frozenset[Role]:
    present = set(roles)
    for candidates in _DECIDING:
        if candidates & present:
            return candidates
    return frozenset()
