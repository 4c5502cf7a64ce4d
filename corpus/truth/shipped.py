"""``python -m corpus.truth.shipped``: the verdicts of the shipped Debian profiles beside those of profiles captured from the trees.

A captured profile loads whole processes, symbols included; a shipped one compares names and versions.  Both must give the same verdict.  Roots on
which they differ are shown: what a default desktop or a minimal installation brings is not what these trees hold, package by package.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus.recipe import Unavailable
from corpus.truth.bundles import bundles
from corpus.truth.trees import DESKTOP, tree, why_impossible
from inspector.artifact import open_artifact
from inspector.facts.binaries.elf_objects import read_elf_objects
from inspector.facts.hosts.capture import capture
from inspector.facts.hosts.profiles import load_profile
from inspector.facts.hosts.verdicts import JudgedBundle, SystemVerdict, host_verdicts
from inspector.facts.launchers.launcher import read_launcher
from inspector.facts.loading.load_graph import TreeFiles, build_load_graph
from inspector.facts.loading.roots import find_roots
from inspector.facts.loading.run_time_paths import mount_of
from inspector.limits import Limits
from inspector.loader.host_profile import HostProfile, Variant

RELEASES = {"bullseye": "debian-11", "bookworm": "debian-12", "trixie": "debian-13", "testing": "debian-testing"}


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What two profiles of one release say of one bundle."""

    system: str
    bundle: str
    captured: SystemVerdict
    shipped: SystemVerdict

    @property
    def differing(self) -> list[str]:
        """Roots of which one says that they load and the other that they do not."""
        return sorted(_failing(self.captured) ^ _failing(self.shipped))

    @property
    def agree(self) -> bool:
        """Whether the verdict is the same."""
        return self.captured.verdict == self.shipped.verdict


def _failing(verdict: SystemVerdict) -> set[str]:
    return {root.path for root in verdict.objects}


def judged_bundle(path: Path) -> JudgedBundle:
    """A bundle as the verdicts want it."""
    with open_artifact(path) as artifact:
        objects = read_elf_objects(artifact, Limits())
        launcher = read_launcher(artifact)
        mount = mount_of(artifact)
        roots = find_roots(objects, artifact.tree, launcher)
        graph = build_load_graph(objects, artifact.tree, roots, mount, launcher.library_path)
        files = TreeFiles(artifact.tree, objects, mount)
    return JudgedBundle(
        graph=graph,
        objects=objects,
        files=files,
        mount=mount,
        environment=launcher.environment,
        own_loader=launcher.own_loader,
    )


def run(systems: Sequence[str], names: Sequence[str]) -> list[Verdicts]:
    """Judge the bundles by both profiles of each system; what cannot be made is named on standard error and left out."""
    found: list[Verdicts] = []
    captured: dict[str, HostProfile] = {}
    for name in names:
        try:
            bundle = judged_bundle(bundles()[name].path())
        except Unavailable as reason:
            print(f"{name}: left out: {reason}", file=sys.stderr)
            continue
        for system in systems:
            variant: Variant = "desktop" if system.endswith(DESKTOP) else "minimal"
            try:
                if system not in captured:
                    captured[system] = capture(tree(system), id_=system)
            except Unavailable as reason:
                print(f"{system}: left out: {reason}", file=sys.stderr)
                continue
            shipped = load_profile(RELEASES[system.removesuffix(DESKTOP)], "x86_64")
            (theirs,) = host_verdicts(bundle, [(captured[system], "desktop")])
            (ours,) = host_verdicts(bundle, [(shipped, variant)])
            found.append(Verdicts(system, name, theirs, ours))
    return found


def main(arguments: list[str] | None = None) -> int:
    """0 where all verdicts agree or nothing can be compared here, 1 where one does not."""
    systems = [*RELEASES, *(f"{suite}{DESKTOP}" for suite in RELEASES)]
    fitting = [name for name, bundle in bundles().items() if systems[0] in bundle.systems and name != "rules"]
    parser = argparse.ArgumentParser(prog="python -m corpus.truth.shipped")
    parser.add_argument(
        "--system", action="append", choices=systems, metavar="NAME", help=f"of {', '.join(systems)}; all"
    )
    parser.add_argument(
        "--bundle", action="append", choices=fitting, metavar="NAME", help=f"of {', '.join(fitting)}; all"
    )
    options = parser.parse_args(arguments)
    reason = why_impossible()
    if reason is not None:
        print(f"nothing was compared: {reason}")
        return 0
    verdicts = run(options.system or systems, options.bundle or fitting)
    for row in verdicts:
        if not row.agree or row.differing:
            print(f"{row.system} | {row.bundle} | captured: {row.captured.verdict}, shipped: {row.shipped.verdict}")
            for path in row.differing[:5]:
                by_both = (
                    next((root.message for root in verdict.objects if root.path == path), "loads")
                    for verdict in (row.captured, row.shipped)
                )
                print(f"    {path}\n        captured: {next(by_both)}\n        shipped:  {next(by_both)}")
    agreeing = sum(row.agree for row in verdicts)
    same_roots = sum(row.agree and not row.differing for row in verdicts)
    print(f"{len(verdicts)} verdicts compared: {agreeing} the same, {same_roots} for the same roots")
    return 0 if agreeing == len(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
