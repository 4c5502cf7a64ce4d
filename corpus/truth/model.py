"""The model's side: what Inspector says of the same objects in the same processes, on a profile of the same tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpus.truth.asking import BUNDLE, Question
from corpus.truth.loader_output import MissingVersion
from corpus.truth.rule_cases import QUESTIONS
from inspector.artifact import open_artifact
from inspector.facts.elf_objects import ElfObject, read_elf_objects
from inspector.facts.launcher import Launcher, read_launcher
from inspector.facts.load_graph import TreeFiles
from inspector.facts.roots import Root, find_roots
from inspector.facts.run_time_paths import Mount
from inspector.limits import Limits
from inspector.loader.glibc import GlibcLoader
from inspector.loader.host_profile import HostProfile
from inspector.loader.objects import Architecture, Candidate, LoaderObject, LoadGraph, Outcome


@dataclass(slots=True)
class ModelAnswer:
    """What the model says of one process; a field that is None is one that it does not judge.

    :ivar resolved: path by name, of objects in the bundle and on the host.
    :ivar failure: why the loader stops before all is mapped.
    """

    resolved: dict[str, str] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    versions: set[MissingVersion] | None = None
    symbols: set[tuple[str, str]] | None = None
    failure: str | None = None

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
    bundle: OpenedBundle, profile: HostProfile, questions: Sequence[Question], environment: Mapping[str, str]
) -> dict[Question, ModelAnswer]:
    """The model's answer to every question on the system of a profile."""
    loader = GlibcLoader(bundle.files, CapturedHost(profile), library_path=environment.get("LD_LIBRARY_PATH"))
    answers: dict[Question, ModelAnswer] = {}
    for question in questions:
        if question.is_program:
            graph = loader.load_program(question.object)
        else:
            graph, _ = loader.open_in_program(question.program, question.object)
        answers[question] = _answer(graph)
    return answers


def _answer(graph: LoadGraph) -> ModelAnswer:
    answer = ModelAnswer()
    for resolution in graph.resolutions:
        if resolution.outcome is Outcome.MISSING:
            answer.missing.add(resolution.name)
        elif resolution.outcome is Outcome.BROKEN:
            answer.failure = answer.failure or (resolution.skipped[-1] if resolution.skipped else resolution.name)
        elif resolution.target is not None:
            answer.resolved.setdefault(resolution.name, graph.objects[resolution.target].path)
    return answer


class CapturedHost:
    """A captured profile as :class:`inspector.loader.objects.HostView`."""

    def __init__(self, profile: HostProfile) -> None:
        self._libraries = profile.libraries
        self._by_path = {library.path: library.object for library in profile.libraries.values()}

    def find(self, name: str, architecture: Architecture) -> tuple[str, LoaderObject] | None:
        """See :class:`HostView`."""
        library = self._libraries.get(name)
        if library is None or library.object is None or library.object.architecture != architecture:
            return None
        return library.path or name, library.object

    def at(self, path: str) -> Candidate | None:
        """See :class:`HostView`."""
        found = self._by_path.get(path)
        return None if found is None else Candidate(found)
