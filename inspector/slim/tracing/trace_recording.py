"""Recording what a bundle uses when it runs: it is unpacked to a scratch directory and started from there by its own launcher.

It is watched in up to three ways.  Python's audit events tell imports and files (PEP 578): a ``.pth`` file in every ``site-packages`` of the copy
installs :mod:`inspector.slim.tracing.trace_hook`, which reaches interpreters that ignore the environment, and child processes.  strace tells the
files of all programs.  Where it is not there or not permitted, glibc's loader tells its libraries (``LD_DEBUG``), and so do the memory
maps of processes.
The program runs in the caller's session, with its terminal, its display and its arguments.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from time import monotonic

from inspector import __version__
from inspector.artifact import Artifact, open_artifact
from inspector.errors import UsageError
from inspector.limits import Limits
from inspector.progress import SILENT, Progress
from inspector.slim.making.planned_tree import unchanged_tree
from inspector.slim.planning.target_digest import target_digest
from inspector.slim.proving.bounded_process import ThrowAwayHome
from inspector.slim.proving.unpacked_tree import write_tree
from inspector.slim.tracing.trace import Trace, TraceRun, TraceSource, TraceTarget, check_trace, merge_traces
from inspector.slim.tracing.trace_collection import (
    Sightings,
    read_hook_reports,
    read_loader_reports,
    read_memory_map,
    read_strace_reports,
    used_paths,
)

_HOOK = Path(__file__).with_name("trace_hook.py")
_HOOK_NAME = "__inspector_trace__.pth"
_PACKAGES = ("site-packages", "dist-packages")
_SAMPLE_SECONDS = 0.2
_GRACE_SECONDS = 3.0


def record_trace(
    target: str | os.PathLike[str],
    arguments: Sequence[str] = (),
    *,
    append_to: Trace | None = None,
    seconds: float | None = None,
    clean_home: bool = False,
    use_strace: bool = True,
    environment: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    before_run: Callable[[], object] = lambda: None,
    progress: Progress = SILENT,
) -> Trace:
    """Run a bundle once and say what it used.

    :param target: an AppImage or an AppDir; it is not changed.
    :param arguments: what its launcher is given.
    :param append_to: the trace of earlier runs, which the new run is added to.
    :param seconds: after which the program is ended, or None; what it had used by then counts.
    :param clean_home: whether it gets a throw-away home instead of the caller's.
    :param use_strace: False where it must not be slowed down, or watches itself.
    :param environment: the environment to run it in; by default the caller's.
    :param before_run: called once all is ready; from then on the terminal belongs to the program.
    :raises NothingInspected: where the target cannot be opened.
    :raises UsageError: where there is nothing to start, or ``append_to`` is of another artifact.
    :raises OSError: where it cannot be unpacked or started.
    """
    progress.stage("Opening")
    with open_artifact(target, limits) as artifact, ExitStack() as stack:
        launcher = artifact.layout.launcher
        node = artifact.tree.resolve(launcher) if launcher is not None else None
        if launcher is None or node is None or not node.is_file:
            raise UsageError(
                f"{artifact.path} has no launcher to start", "give an AppImage, or an AppDir with an AppRun"
            )
        digest = target_digest(artifact)
        if append_to is not None:
            check_trace(append_to, digest)
        scratch = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="inspect-trace-", ignore_cleanup_errors=True))
        )
        scratch = scratch.resolve()
        root = scratch / "bundle"
        write_tree(unchanged_tree(artifact.tree), root, progress=progress)
        given = dict(os.environ if environment is None else environment)
        if clean_home:
            own = stack.enter_context(ThrowAwayHome()).environment()
            given |= {
                name: own[name]
                for name in own
                if name == "HOME" or (name.startswith("XDG_") and name != "XDG_RUNTIME_DIR")
            }
        given |= _set_by_runtime(artifact, root)
        before_run()
        run, seen = _Recording(scratch, root, use_strace=use_strace).run(
            [str(root / launcher), *arguments], given, seconds
        )
        used = used_paths(seen, root, artifact.tree)
        trace = Trace(
            tool=f"bundle-inspect {__version__}",
            target=TraceTarget(path=artifact.path, format=artifact.format, digest=digest),
            runs=(run,),
            modules=tuple(sorted(used.modules)),
            files=tuple(sorted(used.files)),
            libraries=tuple(sorted(used.libraries)),
            examined=tuple(sorted(used.examined)),
        )
    return trace if append_to is None else merge_traces(append_to, trace)


def strace_command(report: Path) -> list[str] | None:
    """The words in front of a command that make strace write to ``report.PID``; None where it is not there or not permitted."""
    strace = shutil.which("strace")
    if strace is None:
        return None
    words = [strace, "-f", "-ff", "-qq", "-y", "-e", "trace=%file", "-e", "signal=none"]
    with tempfile.TemporaryDirectory(prefix="inspect-trace-") as probe:
        for more in (["--seccomp-bpf"], []):  # of strace 5.3: system calls that name no file are not stopped
            command = [*words, *more, "-o"]
            try:
                done = subprocess.run(  # noqa: S603 - strace itself, on a program of this machine
                    [*command, f"{probe}/call", "/bin/true"],
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=20,
                    check=False,
                )
            except (OSError, subprocess.TimeoutExpired):
                return None
            if done.returncode == 0 and any(Path(probe).iterdir()):
                return [*command, str(report)]
    return None


class _Recording:
    """One run of one command, and the places where it is told of."""

    def __init__(self, scratch: Path, root: Path, *, use_strace: bool) -> None:
        self._root = root
        self._hook, self._strace, self._loader = scratch / "hook", scratch / "strace", scratch / "loader"
        for directory in (self._hook, self._strace, self._loader):
            directory.mkdir()
        self._tracer = strace_command(self._strace / "call") if use_strace else None
        self._seen = Sightings()

    def run(
        self, command: Sequence[str], environment: Mapping[str, str], seconds: float | None
    ) -> tuple[TraceRun, Sightings]:
        """Run it to its end or to the time limit."""
        sources: list[TraceSource] = []
        if install_hook(self._root, self._hook):
            sources.append("audit hook")
        words, variables = list(command), dict(environment)
        if self._tracer is not None:
            words = [*self._tracer, *words]
            sources.append("strace")
        else:
            variables |= {"LD_DEBUG": "files", "LD_DEBUG_OUTPUT": str(self._loader / "load")}
            sources += ["loader", "memory maps"]
        began = monotonic()
        status = self._watch(subprocess.Popen(words, env=variables), seconds)  # noqa: S603 - what the user asks to run
        read_hook_reports(self._hook, self._seen)
        read_strace_reports(self._strace, self._seen)
        read_loader_reports(self._loader, self._seen)
        self._seen.opened.add(command[0])
        self._seen.processes.discard(0)
        run = TraceRun(
            arguments=tuple(command[1:]),
            status=status,
            seconds=round(monotonic() - began, 3),
            processes=len(self._seen.processes),
            sources=tuple(sources),
        )
        return run, self._seen

    def _watch(self, process: subprocess.Popen[bytes], seconds: float | None) -> int | None:
        """Its status; None where the time limit ended it.  Ctrl-C reaches the program itself, and its end is waited for."""
        over = threading.Event()
        sampler = None
        if self._tracer is None:
            sampler = threading.Thread(target=self._sample, args=(process.pid, over), daemon=True)
            sampler.start()
        try:
            deadline = None if seconds is None else monotonic() + seconds
            while True:
                try:
                    return process.wait(None if deadline is None else max(deadline - monotonic(), 0))
                except KeyboardInterrupt:
                    continue
                except subprocess.TimeoutExpired:
                    _end(process, is_tracer=self._tracer is not None)
                    return None
        finally:
            over.set()
            if sampler is not None:
                sampler.join()

    def _sample(self, process: int, over: threading.Event) -> None:
        while not over.wait(_SAMPLE_SECONDS):
            for found in _family(process):
                read_memory_map(found, self._seen)


def install_hook(root: Path, report: Path) -> int:
    """Put the audit hook into every ``site-packages`` of an unpacked tree; how many there are.

    :param report: the directory that the processes write to.
    """
    line = (
        f"import sys; exec(compile(open({str(_HOOK)!a}, encoding='utf-8').read(), 'inspector_trace', 'exec'),"
        f" {{'__name__': 'inspector_trace', 'REPORT': {str(report)!a}}})\n"
    )
    count = 0
    for directory, names, _ in os.walk(root):
        for name in names:
            if name in _PACKAGES and not (place := Path(directory, name)).is_symlink():
                with suppress(OSError):
                    (place / _HOOK_NAME).write_text(line, encoding="ascii")
                    count += 1
    return count


def _set_by_runtime(artifact: Artifact, root: Path) -> dict[str, str]:
    """What an AppImage's runtime sets for its AppRun (type2-runtime, src/runtime/runtime.c; AppImageKit, src/runtime.c)."""
    if not artifact.format.startswith("appimage"):
        return {}
    path = str(Path(artifact.path).resolve())
    here = str(Path.cwd())
    return {"APPDIR": str(root), "APPIMAGE": path, "ARGV0": artifact.path, "OWD": here}


def _family(process: int) -> list[int]:
    """A process and those that descend from it (proc(5), "/proc/pid/stat": the fourth field is the parent)."""
    parents: dict[int, list[int]] = {}
    for place in os.scandir("/proc"):
        if not place.name.isdecimal():
            continue
        try:
            text = Path(place.path, "stat").read_bytes()
        except OSError:
            continue
        fields = text.rpartition(b")")[2].split()
        if len(fields) > 1:
            parents.setdefault(int(fields[1]), []).append(int(place.name))
    found = [process]
    for parent in found:
        found += parents.get(parent, ())
    return found


def _end(process: subprocess.Popen[bytes], *, is_tracer: bool) -> None:
    """End a program and its descendants: politely, so that they can write what they have to, then at once.

    :param is_tracer: whether the process only watches the program; it ends by itself when the program does.
    """
    family: dict[int, None] = {}
    for number in (signal.SIGTERM, signal.SIGKILL):
        family |= dict.fromkeys(_family(process.pid))
        for member in family:
            if member != process.pid or not is_tracer:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(member, number)
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return
    process.kill()
    process.wait()
