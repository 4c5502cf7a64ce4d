"""``inspect slim`` from end to end: audit, plan, products, planned tree, proof, rebuild, proof of the output, account."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from msgspec.structs import replace

from inspector.artifact import open_artifact
from inspector.artifact.artifact import Artifact
from inspector.errors import InspectorError, UsageError
from inspector.facts.facts import Facts
from inspector.limits import Limits
from inspector.pipeline import Audited, audit_opened
from inspector.progress import SILENT, Progress
from inspector.quantities import format_size
from inspector.result import Result, SlimCheck, SlimInfo, SlimKept
from inspector.slim.account import component_rows, slim_info, total_bytes
from inspector.slim.making.planned_tree import PlannedTree
from inspector.slim.making.products import Products
from inspector.slim.planning.plan import Plan, load_plan, plan_json
from inspector.slim.planning.plan_maker import PlanMaker
from inspector.slim.planning.subjects import Subjects
from inspector.slim.planning.target_digest import check_target
from inspector.slim.proving.proof import AuditConditions, Proof, Prover, audit_checks
from inspector.slim.proving.proved_plan import Plans, ProvedPlan, WrittenPlan
from inspector.slim.proving.smoke import compare_smoke, run_baseline
from inspector.slim.proving.verification import compare_trees
from inspector.slim.rebuilding.archive_records import with_records
from inspector.slim.rebuilding.output import PendingOutput, default_output, ended_by_exception
from inspector.slim.rebuilding.rebuild import check_rebuildable, rebuild, rebuild_options
from inspector.slim.rebuilding.wheels_inside import WheelsInside
from inspector.slim.request import SlimOutcome, SlimRequest
from inspector.slim.undoing.undo import write_undo


def slim(request: SlimRequest, *, limits: Limits | None = None, progress: Progress = SILENT) -> SlimOutcome:
    """Slim one artifact.  The input is never touched, and the output has its name only when it is whole and proved.

    :raises UsageError: where the request contradicts itself, names what is not there, or the output's place is taken.
    :raises NothingInspected: where the input cannot be opened.
    :raises InspectorError: where the output cannot be written.
    """
    limits = limits or Limits()
    progress.stage("Opening")
    with open_artifact(request.path, limits) as opened, closing(WheelsInside(opened, limits)) as wheels:
        artifact = wheels.artifact
        if not request.dry_run:
            check_rebuildable(
                opened, rebuild_options(request.options, request.runtime, request.sign, force=request.force)
            )
        target = Path(request.output) if request.output else default_output(request.path, runtime=request.runtime)
        pending = None if request.dry_run else PendingOutput(target, inputs=[request.path], force=request.force)
        if request.undo_file:  # whether the name can be taken
            PendingOutput(request.undo_file, inputs=[request.path], force=request.force)
        audited = audit_opened(
            artifact, limits=limits, hosts=request.hosts, environment=request.environment or None, progress=progress
        )
        run = _Run(request, limits, progress, opened, wheels, audited)
        if request.plan_file:
            _write_plan(Path(request.plan_file), run.plan)
        if pending is None or run.plan.budget_gap:
            return run.unwritten()
        with ended_by_exception(), _scratch(target) as scratch:
            return run.write(pending, scratch)


class _Run:
    """One artifact on its way."""

    def __init__(
        self, request: SlimRequest, limits: Limits, progress: Progress, container: Artifact, wheels: WheelsInside, audited: Audited,
    ) -> None:  # fmt: skip
        self._request, self._limits, self._progress = request, limits, progress
        self._container, self._wheels = container, wheels
        self._artifact, self._facts, self._before = wheels.artifact, audited.facts, audited.result
        self._plans = self._planner(audited.facts)
        self.plan = self._plans.plan()
        self._left_out: list[SlimKept] = []
        self._notices = [f"{path} stays as it is: {why}" for path, why in sorted(wheels.left.items())]

    def _planner(self, facts: Facts) -> Plans:
        if self._request.apply_file is None:
            return PlanMaker(self._artifact, facts, self._request.options, self._limits, self._progress)
        written = load_plan(self._request.apply_file)
        check_target(written, self._artifact)
        return WrittenPlan(written)

    def unwritten(self) -> SlimOutcome:
        """The plan alone."""
        gap = self.plan.budget_gap
        if gap:
            self._notices.append(
                f"the budget is missed by {format_size(gap)}: a higher level, --languages, --drop or --recompress may close the gap"
            )
        info = slim_info(self.plan, path=self._artifact.path, size=self._artifact.size, notices=self._notices)
        return SlimOutcome(replace(self._before, slim=info), self.plan, not gap)

    def write(self, pending: PendingOutput, scratch: Path) -> SlimOutcome:
        """Everything from the products to the output's name."""
        request, options = self._request, self._request.options
        conditions = AuditConditions(limits=self._limits, hosts=request.hosts, environment=request.environment or None)
        products = Products(scratch)
        try:
            prover = Prover(
                self._artifact, self._facts, self._before, conditions,
                run=options.run, smoke=() if self._wheels else options.smoke, scratch=scratch, progress=self._progress,
            )  # fmt: skip
            proved = ProvedPlan(
                self._plans, self.plan, self._artifact, options, prover, products, self._limits, self._progress
            )
            planned, proof = proved.prove()
            self.plan, self._left_out = proved.plan, proved.left_out
            self._notices += proved.notices
            if not proof.ok:
                return self._failed(proof.checks)
            return self._rebuilt(pending, planned, proof, scratch)
        finally:
            products.close()

    # -- the output

    def _rebuilt(self, pending: PendingOutput, planned: PlannedTree, proof: Proof, scratch: Path) -> SlimOutcome:
        request = self._request
        with pending as path:
            self._progress.stage("Writing the result")
            planned = with_records(self._artifact, planned, lambda wheel, tree: self._wheels.pack(wheel, tree, scratch))
            as_files = self._wheels.files(planned, scratch)
            outcome = rebuild(
                self._container, as_files, path, rebuild_options(request.options, request.runtime, request.sign, force=request.force),
                final_name=pending.target.name, limits=self._limits, progress=self._progress,
            )  # fmt: skip
            self._notices += outcome.notices
            with open_artifact(path, self._limits) as made, closing(WheelsInside(made, self._limits)) as made_wheels:
                written = made_wheels.artifact
                self._progress.stage("Checking the result")
                differences = compare_trees(planned, written.tree)
                after = audit_opened(
                    written, limits=self._limits, hosts=request.hosts, environment=request.environment or None
                ).result
                checks = self._final_checks(differences, after, path, proof)
                if any(check.outcome == "failed" for check in checks):
                    return self._failed(tuple(checks))
                info = replace(
                    self._info(checks),
                    output=str(pending.target),
                    size_after=written.size,
                    before=total_bytes(self._artifact.tree),
                    after=total_bytes(written.tree),
                    by_component=component_rows(self._artifact.tree, written.tree, Subjects(self._facts)),
                )
            if request.undo_file:
                self._progress.stage("Writing the undo file")
                undo = write_undo(
                    self._container, as_files, path, request.undo_file,
                    final_name=pending.target.name, force=request.force, limits=self._limits, progress=self._progress,
                )  # fmt: skip
                info = replace(
                    info, notices=(*info.notices, f"inspect unslim {pending.target} {undo.path} brings the input back")
                )
            final = pending.commit()
            outcome.finish(final)
        result = replace(after, artifact=replace(after.artifact, path=str(final)), slim=info)
        return SlimOutcome(result, self.plan, passed=True)

    def _final_checks(self, differences: list[str], after: Result, path: Path, proof: Proof) -> list[SlimCheck]:
        tree = SlimCheck(
            name="tree", outcome="passed", detail="the output opens again, and its tree is the planned one"
        )
        if differences:
            more = f"; and {len(differences) - 5} more" if len(differences) > 5 else ""
            tree = SlimCheck(name="tree", outcome="failed", detail="; ".join(differences[:5]) + more)
        checks = [tree, *audit_checks(self._before, after)]
        checks += [check for check in proof.checks if check.name in ("imports", "smoke")]
        if self._artifact.source is not None or self._wheels:  # an image is started in another way than its tree
            checks = [check for check in checks if check.name != "smoke"]
            for command in self._request.options.smoke:
                found = compare_smoke(run_baseline(command, Path(self._artifact.path)), path)
                outcome = {"agrees": "passed", "differs": "failed", "fails before": "not checked"}[found.verdict]
                checks.append(SlimCheck(name="smoke", outcome=outcome, detail=f"{command}: {found.message}"))  # type: ignore[arg-type]
        return checks

    def _info(self, checks: Collection[SlimCheck]) -> SlimInfo:
        return slim_info(
            self.plan, path=self._artifact.path, size=self._artifact.size, checks=checks, left_out=self._left_out, notices=self._notices
        )  # fmt: skip

    def _failed(self, checks: tuple[SlimCheck, ...]) -> SlimOutcome:
        """Nothing is written: a check failed, and no action could be found that is to blame."""
        self._notices.append("nothing was written, because a check failed")
        return SlimOutcome(replace(self._before, slim=self._info(checks)), self.plan, passed=False)


@contextmanager
def _scratch(target: Path) -> Iterator[Path]:
    """A directory for what is only looked at: where temporary files go (TMPDIR)."""
    try:
        with tempfile.TemporaryDirectory(prefix="inspect-slim-", ignore_cleanup_errors=True) as directory:
            yield Path(directory)
    except OSError as error:
        if error.errno is None or error.strerror is None:
            raise
        raise InspectorError(
            f"{target} was not written: {error.strerror}",
            "slim needs room for the input, the output and once more for both in TMPDIR",
        ) from error


def _write_plan(path: Path, plan: Plan) -> None:
    temporary = path.with_name(f".{path.name[:200]}.part")
    try:
        temporary.write_bytes(plan_json(plan))
        temporary.replace(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", "name another file with --plan") from error
