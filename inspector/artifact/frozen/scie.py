"""Scies: one-file programs of the science and pex tools; their files as the starter unpacks them, archives as directories of the file's name."""

from __future__ import annotations

import hashlib
import stat

from msgspec.structs import replace

from inspector.artifact.artifact import Artifact, RuntimeLayout
from inspector.artifact.gaps import byte_map
from inspector.artifact.reader import Candidate
from inspector.artifact.tree import Tree
from inspector.artifact.tree_making.archive_tree import ArchiveTree, note_damages
from inspector.artifact.tree_making.container_tree import problem_of
from inspector.artifact.tree_making.stored_archive import open_stored
from inspector.artifact.tree_making.zip_tree import zip_tree
from inspector.errors import FormatError, NothingInspected
from inspector.formats.archive_entry import ArchiveEntry
from inspector.formats.compressed_stream import Spool
from inspector.formats.scie import Scie, ScieFile, file_content, find_manifest, read_scie
from inspector.formats.tar import read_tar
from inspector.formats.zip import ZipArchive
from inspector.limits import Limits
from inspector.model import Problem
from inspector.patterns import lazy_pattern
from inspector.result import EnvelopeInfo
from inspector.source import Source

_PLACEHOLDER = lazy_pattern(r"\{([^{}:]{1,255})\}")
_STEP = 1 << 20


def is_scie(candidate: Candidate) -> bool:
    """Whether a program ends with the manifest of a scie."""
    return find_manifest(candidate.source) is not None


def open_scie(candidate: Candidate) -> Artifact:
    """Open a scie; see ``archive_readers``."""
    source, limits = candidate.source, candidate.limits
    scie = read_scie(source)
    problems: list[Problem] = []
    builder = _Unpacked(source, scie, limits, problems)
    tree = builder.tree()
    if not any(True for _ in tree.files()):
        raise NothingInspected(
            f"{candidate.path} is a scie whose files are all fetched when it runs",
            "run it once and audit what it fetched",
        )
    last = max((file.end for file in scie.files), default=scie.jump_size)
    counts = byte_map(
        source,
        headers=[(0, scie.jump_size), (last, source.size)],
        entries=[(file.start, file.end) for file in scie.files if file.end],
        end=source.size,
        padding_end=source.size,
    )
    return Artifact(
        path=candidate.path,
        format="scie",
        arch=candidate.elf.arch if candidate.elf is not None else None,
        size=source.size,
        tree=tree,
        layout=_layout(scie, tree),
        envelope=EnvelopeInfo(offset=scie.jump_size, payload_size=scie.manifest - scie.jump_size),
        source=source,
        problems=problems,
        byte_map=counts,
    )


class _Unpacked:
    """The files of a scie as they lie once its starter has unpacked them."""

    def __init__(self, source: Source, scie: Scie, limits: Limits, problems: list[Problem]) -> None:
        self._source = source
        self._scie = scie
        self._limits = limits
        self._problems = problems
        self._builder = ArchiveTree(problems, limits)
        self._spool = Spool(limits.small_file)

    def tree(self) -> Tree:
        """All members."""
        members = any(file.is_member for file in self._scie.files)
        carried = [file for file in self._scie.files if file.end]
        for file in self._scie.files:
            if file.source is not None:
                message = f"is fetched when the program runs (by {file.source}) and is not in the file"
                self._problems.append(Problem(kind="not-analysed", subject=file.name, message=message))
        for file in carried:
            content = file_content(self._source, file)
            self._check(file, content)
            try:
                if members and file is carried[-1]:
                    self._add_members(content)
                else:
                    self._add(file, content)
            except FormatError as error:
                self._problems.append(problem_of(file.name, error))
        return self._builder.tree()

    def _add_members(self, content: Source) -> None:
        """The files without a size, out of the archive that carries them."""
        tote = zip_tree(ZipArchive(content, self._limits), self._limits, self._problems)
        for file in self._scie.files:
            if file.is_member:
                node = tote.get(file.name) or tote.get(f"{file.name}.zip")  # a directory is packed as such an archive
                if node is None or not node.is_file:
                    self._problems.append(
                        Problem(
                            kind="missing-member",
                            subject=file.name,
                            message="the manifest names it and it is not there",
                        )
                    )
                else:
                    self._add(file, node)

    def _add(self, file: ScieFile, content: Source) -> None:
        if file.type in ("zip", "directory"):
            self._add_zip(file, content)
        elif file.type.startswith(("tar", "tgz", "tbz2", "tlz", "tzst")):
            self._add_tar(file, content)
        else:
            mode = stat.S_IFREG | (0o755 if file.executable else 0o644)
            entry = ArchiveEntry(file.name.encode(errors="surrogateescape"), mode, size=content.size, content=content)
            self._builder.add(entry, content.size)

    def _add_tar(self, file: ScieFile, content: Source) -> None:
        stored = open_stored(
            content, self._limits, "lzma" if file.type in ("tar.lzma", "tlz") else None, spool=self._spool
        )
        archive = read_tar(stored.content, self._limits)
        own: list[Problem] = []
        stored.note_damage(own)
        note_damages(archive.damages, own)
        self._problems += [
            Problem(kind=one.kind, subject=f"{file.name}/{one.subject}".rstrip("/"), message=one.message) for one in own
        ]
        prefix = file.name.encode(errors="surrogateescape") + b"/"
        self._builder.begin_archive()
        for entry in archive.entries:
            linked = None if entry.hard_link is None else prefix + entry.hard_link
            self._builder.add(
                replace(entry, path=prefix + entry.path, hard_link=linked),
                stored.stored_size(entry.data_start, entry.end),
            )

    def _add_zip(self, file: ScieFile, content: Source) -> None:
        inner = zip_tree(ZipArchive(content, self._limits), self._limits, self._problems)
        for node in inner:
            path = f"{file.name}/{node.path}".encode(errors="surrogateescape")
            kind = stat.S_IFREG if node.is_file else stat.S_IFLNK if node.target is not None else stat.S_IFDIR
            entry = ArchiveEntry(
                path, kind | node.mode, mtime=node.mtime, size=node.size, target=(node.target or "").encode()
            )
            entry.content = node if node.is_file else None
            self._builder.add(entry, node.stored_size)

    def _check(self, file: ScieFile, content: Source) -> None:
        """Compare the content with the digest, as the starter does before it unpacks."""
        if not file.digest:
            return
        digest = hashlib.sha256()
        for offset in range(0, content.size, _STEP):
            digest.update(content.read_at(offset, _STEP))
        if digest.hexdigest() != file.digest.lower():
            self._problems.append(
                Problem(
                    kind="corrupt-member",
                    subject=file.name,
                    message="its SHA-256 is not the one that the manifest states",
                )
            )


def _layout(scie: Scie, tree: Tree) -> RuntimeLayout:
    """What each command starts, the one without a name first; ``{name}`` stands for a file, by its name or its key."""
    names = {file.key: file.name for file in scie.files if file.key} | {file.name: file.name for file in scie.files}

    def filled(text: str) -> str:
        return _PLACEHOLDER.sub(lambda match: "{root}/" + names[match[1]] if match[1] in names else match[0], text)

    roots: dict[str, None] = {}
    for name in sorted(scie.commands):
        path = filled(scie.commands[name][0]).removeprefix("{root}/")
        node = tree.resolve(path) if "{" not in path and not path.startswith("/") else None
        if node is not None and node.is_file:
            roots.setdefault(node.path)
    chosen = scie.commands.get("")
    environment = {name: filled(value) for name, value in chosen[1].items()} if chosen is not None else {}
    return RuntimeLayout(
        launcher=next(iter(roots), None),
        environment={name: value for name, value in environment.items() if "{" not in value.replace("{root}", "")},
        roots=tuple(roots),
        members_at=f"{scie.base}/<SHA-256 of each file>",
    )
