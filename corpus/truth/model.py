"""The model's side: what Inspector says of the same objects in the same processes, on a profile of the same tree."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpus.truth.asking import BUNDLE, Question
from corpus.truth.loader_output import MissingVersion
from corpus.truth.rule_cases import QUESTIONS
from inspector.artifact import open_artifact
from inspector.facts.binaries.elf_objects import ElfObject, read_elf_objects
from inspector.facts.launchers.launcher import Launcher, read_launcher
from inspector.facts.loading.load_graph import TreeFiles
from inspector.facts.loading.roots import Root, find_roots
from inspector.facts.loading.run_time_paths import Mount
from inspector.limits import Limits
from inspector.loader.answers import RootAnswer, SystemLoader
from inspector.loader.host_profile import HostProfile, Variant
from inspector.loader.hwcaps import Processor


@dataclass(slots=True)
class ModelAnswer:
    """What the model says of one process; a field that is None is one that it does not judge.

    :ivar resolved: path by name, of objects in the bundle and on the host.
    :ivar failure: why the loader stops before all is mapped.
    :ivar message: the first line that the loader prints.
    """

    resolved: dict[str, str] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    versions: set[MissingVersion] | None = None
    symbols: set[tuple[str, str]] | None = None
    failure: str | None = None
    message: str | None = None

    @property
    def fails(self) -> bool:
        """Whether the process does not come up with the object in it."""
        return bool(self.failure or self.missing or self.versions or self.symbols)

    @property
    def complaint(self) -> str | None:
        """What is wrong, for a person who compares."""
        if self.failure:
            return self.failure
        wrong: list[Any] = [*sorted(self.missing), *sorted(self.versions or ()), *sorted(self.symbols or ())]
        return ", ".join(map(str, wrong[:3])) or None


@dataclass(frozen=True, slots=True)
class OpenedBundle:
    """A bundle as Inspector reads it.

    :ivar environment: what its launcher sets, with the place that the bundle has in the trees.
    """

    path: Path
    files: TreeFiles
    roots: tuple[Root, ...]
    environment: dict[str, str]

    def questions(self) -> list[Question]:
        """One question for each root, or those that the bundle lists for itself."""
        pairs = [(root.path, root.program) for root in self.roots]
        if (listed := self.path / QUESTIONS).is_file():
            pairs = [
                (first, second)
                for first, _, second in (line.partition(" ") for line in listed.read_text().splitlines())
            ]
        return [
            Question(f"{BUNDLE}/{path}", None if program is None else f"{BUNDLE}/{program}") for path, program in pairs
        ]


def read_bundle(path: Path) -> OpenedBundle:
    """Read a bundle once, for all trees."""
    with open_artifact(path) as artifact:
        objects = read_elf_objects(artifact, Limits())
        launcher = read_launcher(artifact)
        roots = _all_roots(objects, find_roots(objects, artifact.tree, launcher))
        files = TreeFiles(artifact.tree, objects, Mount(BUNDLE))
    return OpenedBundle(path, files, roots, _environment(launcher))


def _all_roots(objects: Sequence[ElfObject], roots: Sequence[Root]) -> tuple[Root, ...]:
    """The roots, and every other library as if it were opened for its own sake in the bundle's first program."""
    known = {root.path for root in roots}
    program = next((root.path for root in roots if root.role == "entry"), None)
    libraries = [found.path for found in objects if found.elf.is_shared_library and found.path not in known]
    askable = [root for root in roots if root.program != root.path or _has_loader(objects, root.path)]
    return (*askable, *(Root(path, "optional", program) for path in libraries))


def _has_loader(objects: Sequence[ElfObject], path: str) -> bool:
    """Whether a program names a loader; one that does not would run, whatever variables are set."""
    return any(found.path == path and found.elf.interpreter is not None for found in objects)


def _environment(launcher: Launcher) -> dict[str, str]:
    return {name: value.replace("$APPDIR", BUNDLE) for name, value in launcher.environment.items()}


def model_answers(
    bundle: OpenedBundle,
    profile: HostProfile,
    questions: Sequence[Question],
    environment: Mapping[str, str],
    variant: Variant = "desktop",
) -> dict[Question, ModelAnswer]:
    """The model's answer to every question on the system of a profile, for this machine's processor."""
    processor = this_processor() if profile.arch == "x86_64" else None
    system = SystemLoader(
        bundle.files, profile, variant, environment=environment, processor=processor, working_directory="/"
    )
    glibc = profile.libc == "glibc"
    programs: dict[str, ModelAnswer] = {}
    answers: dict[Question, ModelAnswer] = {}
    for question in questions:
        answer = _answer(system.answer(question.object, question.program), glibc=glibc)
        if question.program is not None and not question.is_program:
            if question.program not in programs:
                programs[question.program] = _answer(system.answer(question.program, question.program), glibc=glibc)
            answer = _together(programs[question.program], answer)
        answers[question] = answer
    return answers


def this_processor() -> Processor:
    """The processor of this machine, as the loader sees it (x86-64 psABI, "Micro-Architecture Levels"; sysdeps/x86/cpu-features.c)."""
    text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    flags = set(next((line.partition(":")[2] for line in text.splitlines() if line.startswith("flags")), "").split())
    level = 1
    for names in _LEVELS:
        if not names <= flags:
            break
        level += 1
    intel = "GenuineIntel" in text  # glibc up to 2.36 recognises no other maker's
    platform = "haswell" if intel and level >= _HASWELL else "x86_64"
    capabilities = ("avx512_1", "x86_64") if intel and flags >= _AVX512_1 else ("x86_64",)
    return Processor(level, platform, capabilities)


_LEVELS = (
    {"cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3"},
    {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"},
    {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
)
_HASWELL = 3
_AVX512_1 = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}


def _answer(root: RootAnswer, *, glibc: bool) -> ModelAnswer:
    broken = [library.message for library in root.missing_libraries if library.broken and glibc]
    failures = [*([root.refusal] if root.refusal else []), *broken]
    if root.message in root.refusals:  # else something else is said before it comes to that
        failures += root.refusals
    failures += [version.reason for version in root.missing_versions if version.reason is not None]
    return ModelAnswer(
        resolved=dict(root.resolved),
        missing={library.name for library in root.missing_libraries if not (library.broken and glibc)},
        versions={
            MissingVersion(posixpath.basename(version.provider or ""), version.version, version.needed_by)
            for version in root.missing_versions
            if version.reason is None
        },
        symbols=None
        if root.undefined_symbols is None
        else {(symbol.name, symbol.needed_by) for symbol in root.undefined_symbols},
        failure=failures[0] if failures else None,
        message=root.message,
    )


def _together(program: ModelAnswer, opened: ModelAnswer) -> ModelAnswer:
    """The process of a program with an object opened in it; what keeps the program from starting is said first."""
    known = program.symbols is not None and opened.symbols is not None
    return ModelAnswer(
        resolved={**program.resolved, **opened.resolved},
        missing=program.missing | opened.missing,
        versions=(program.versions or set()) | (opened.versions or set()),
        symbols=(program.symbols or set()) | (opened.symbols or set()) if known else None,
        failure=program.failure or opened.failure,
        message=program.message or opened.message,
    )
