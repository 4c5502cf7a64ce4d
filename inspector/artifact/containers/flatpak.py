"""Flatpak: single-file bundles, build directories and OSTree repositories, all as the tree that ``ostree checkout`` would leave.

When it runs, ``files/`` of an application lies at ``/app`` and that of a runtime at ``/usr``, in a root file system that the runtime makes; libraries
name each other by these paths.  So the tree has one link more than a checkout: ``app`` or ``usr``, which leads to ``files``.
"""

from __future__ import annotations

import os
import posixpath
import re
import stat
from collections.abc import Mapping

from msgspec.structs import replace

from inspector.artifact.artifact import Artifact, RuntimeLayout
from inspector.artifact.gaps import byte_map
from inspector.artifact.package_metadata import PackageInfo, with_package
from inspector.artifact.reader import Candidate
from inspector.artifact.tree import Kind, Node, Tree
from inspector.artifact.tree_making.archive_tree import ArchiveTree, note_damages
from inspector.artifact.tree_making.container_tree import problem_of
from inspector.errors import FormatError, NothingInspected
from inspector.formats.key_file import parse_key_file
from inspector.formats.ostree.commit import CommitTree, read_commit
from inspector.formats.ostree.repository import Repository, StoredFile
from inspector.formats.ostree.static_delta import StaticDelta
from inspector.limits import Limits
from inspector.model import Problem
from inspector.result import EnvelopeInfo

KeyFile = Mapping[str, Mapping[str, str]]

_LONGEST_REFERENCE = 4096
_LARGEST_MANIFEST = 1 << 20
_MOST_REFERENCES = 10_000
_CONTEXT = ("shared", "sockets", "devices", "features", "filesystems", "persistent")  # flatpak-metadata(5), [Context]


def open_bundle(candidate: Candidate) -> Artifact:
    """Open a single-file bundle (flatpak build-bundle)."""
    source, limits = candidate.source, candidate.limits
    problems: list[Problem] = []
    delta = StaticDelta(source, limits)
    note_damages(delta.damages, problems)
    commit = read_commit(delta, delta.commit, limits)
    tree = _tree_of(commit, problems, limits)
    if not any(True for _ in tree.files()):
        raise NothingInspected(
            f"{candidate.path} is a Flatpak bundle that holds no readable file", "the file may be damaged"
        )
    entries = sorted(delta.part_ranges)
    headers, position = [], 0
    for start, end in entries:
        headers.append((position, start))
        position = end
    headers.append((position, source.size))
    stated = delta.statements
    metadata = (
        stated["metadata"].text().encode() if "metadata" in stated and stated["metadata"].type.code == "s" else b""
    )
    reference = stated["ref"].text() if "ref" in stated and stated["ref"].type.code == "s" else ""
    artifact = Artifact(
        path=candidate.path,
        format="flatpak",
        arch=None,
        size=source.size,
        tree=tree,
        envelope=EnvelopeInfo(compression="xz", created=commit.created),
        source=source,
        problems=problems,
        byte_map=byte_map(source, headers=headers, entries=entries, end=source.size, padding_end=source.size),
    )
    return _as_flatpak(artifact, metadata, reference, limits)


def is_build_directory(tree: Tree) -> bool:
    """Whether a directory is one of ``flatpak build-init``: ``metadata`` that names an application or a runtime, beside ``files``."""
    node, files = tree.get("metadata"), tree.get("files") or tree.get("usr")
    if node is None or not node.is_file or files is None or files.kind is not Kind.DIRECTORY:
        return False
    try:
        groups = parse_key_file(node.read_at(0, min(node.size, 1 << 16)))
    except FormatError:
        return False
    return "Application" in groups or "Runtime" in groups


def open_build_directory(listed: Artifact, limits: Limits) -> Artifact:
    """The artifact of a build directory."""
    return _as_flatpak(replace(listed, format="flatpak-build"), b"", "", limits)


def is_repository(tree: Tree) -> bool:
    """Whether a directory is an OSTree repository: its configuration states the version, beside ``objects`` and ``refs``."""
    node = tree.get("config")
    if node is None or not node.is_file or "objects" not in tree or "refs" not in tree:
        return False
    try:
        return "repo_version" in parse_key_file(node.read_at(0, min(node.size, 1 << 16))).get("core", {})
    except FormatError:
        return False


def open_repository(listed: Artifact, limits: Limits) -> Artifact:
    """The artifact of a repository: the commit of one of its branches, an application's first."""
    files = listed.tree
    config = files.get("config")
    core = parse_key_file(config.read(limits=limits) if config is not None else b"").get("core", {})
    references = _references(files)
    if not references:
        raise NothingInspected(
            f"{listed.path} is an OSTree repository without a branch", "commit or export something into it first"
        )
    reference = min(references, key=lambda name: (not name.startswith("app/"), not name.startswith("runtime/"), name))
    others = sorted(name for name in references if name != reference)
    if others:
        message = f"of {len(references)} branches {reference} was read, not: {', '.join(others[:10])}"
        listed.problems.append(Problem(kind="not-analysed", subject="", message=message))

    def lookup(path: str) -> StoredFile | None:
        return _stored_file(listed.path, files.get(path))

    repository = Repository(core.get("mode", "bare"), lookup, limits)
    commit = read_commit(repository, references[reference], limits)
    tree = _tree_of(commit, listed.problems, limits)
    if not any(True for _ in tree.files()):
        raise NothingInspected(f"{listed.path}: {reference} holds no readable file", "the repository may be damaged")
    artifact = replace(listed, format="ostree", tree=tree, envelope=EnvelopeInfo(created=commit.created))
    return _as_flatpak(artifact, b"", reference, limits)


def refuse_manifest(candidate: Candidate) -> Artifact:
    """Name the manifest that :func:`manifest_of` told, and what to audit instead."""
    name, runtime = manifest_of(candidate) or ("", "")
    raise NothingInspected(
        f"{candidate.path} is a manifest of flatpak-builder for {name} on the runtime {runtime}: it says what is to be built, no more",
        "build it, and audit the build directory or the bundle (flatpak-builder, flatpak build-bundle)",
    )


def manifest_of(candidate: Candidate) -> tuple[str, str] | None:
    """Application and runtime of a manifest of flatpak-builder, JSON or YAML (flatpak-manifest(5)); None of any other file."""
    if candidate.source.size > _LARGEST_MANIFEST:
        return None
    text = candidate.source.read_at(0, candidate.source.size)
    if text.lstrip().startswith((b"{", b"/")):
        patterns = (
            rb'"(?:app-)?id"\s*:\s*"([\w.-]{1,255})"',
            rb'"runtime"\s*:\s*"([\w./-]{1,255})"',
            rb'"modules"\s*:\s*(\[)',
        )
    else:
        patterns = (
            rb"(?m)^(?:app-)?id:\s*['\"]?([\w.-]{1,255})",
            rb"(?m)^runtime:\s*['\"]?([\w./-]{1,255})",
            rb"(?m)^(modules):",
        )
    found = [re.search(pattern, text) for pattern in patterns]
    if not (found[0] and found[1] and found[2]):
        return None
    return found[0][1].decode("ascii", "replace"), found[1][1].decode("ascii", "replace")


def _references(files: Tree) -> dict[str, bytes]:
    """Checksums of commits by the names of their branches."""
    found: dict[str, bytes] = {}
    for node in files.files():
        if not node.path.startswith(("refs/heads/", "refs/remotes/")) or len(found) >= _MOST_REFERENCES:
            continue
        try:
            checksum = bytes.fromhex(node.read_at(0, 65).decode("ascii", "replace").strip())
        except (ValueError, FormatError):
            continue
        name = node.path.split("/", 2)[2]
        if len(checksum) == 32 and len(name) <= _LONGEST_REFERENCE:
            found[name] = checksum
    return found


def _stored_file(directory: str, node: Node | None) -> StoredFile | None:
    if node is None or node.kind not in (Kind.FILE, Kind.SYMLINK):
        return None
    meta: bytes | None = None
    if node.kind is Kind.FILE and node.name.endswith(".file"):
        try:
            meta = os.getxattr(f"{directory}/{node.path}", "user.ostreemeta", follow_symlinks=False)
        except OSError:
            meta = None
    kind = stat.S_IFREG if node.kind is Kind.FILE else stat.S_IFLNK
    target = None if node.target is None else node.target.encode("utf-8", "surrogateescape")
    return StoredFile(kind | node.mode, node.uid, node.gid, node, target, meta)


def _tree_of(commit: CommitTree, problems: list[Problem], limits: Limits) -> Tree:
    note_damages(commit.damages, problems)
    builder = ArchiveTree(problems, limits)
    for entry, stored in commit.entries:
        builder.add(entry, stored)
    return builder.tree()


def _as_flatpak(artifact: Artifact, metadata: bytes, reference: str, limits: Limits) -> Artifact:
    """The layout and the statements of an application or a runtime; of any other commit, that of a root file system."""
    tree = artifact.tree
    node = tree.get("metadata")
    try:
        if node is not None and node.is_file:
            metadata = node.read(limits=limits)
    except FormatError as error:
        artifact.problems.append(problem_of("metadata", error))
    groups = parse_key_file(metadata)
    if "Application" not in groups and "Runtime" not in groups:
        is_root = "usr" in tree and ("etc" in tree or "usr/etc" in tree)
        return replace(artifact, layout=RuntimeLayout(file_system_root=is_root))
    is_application = "Application" in groups
    stated = groups["Application" if is_application else "Runtime"]
    place = "app" if is_application else "usr"
    if place not in tree and "files" in tree:
        tree = Tree([*tree, Node(place, Kind.SYMLINK, 0o777, target="files", inode=-1)])
    command = stated.get("command", "")
    program = posixpath.join("files/bin", command) if command and "/" not in command else command.lstrip("/")
    found = tree.resolve(program, root="") if program else None
    if command and found is None and is_application:
        artifact.problems.append(
            Problem(
                kind="missing-member",
                subject=program,
                message="the metadata name it as what is started, and it is not there",
            )
        )
    layout = RuntimeLayout(
        launcher=found.path if found is not None and found.is_file else None,
        file_system_root=True,
        search_path=(f"{place}/lib",) if is_application else (),
        environment={
            "PATH": "/app/bin:/usr/bin",
            "XDG_DATA_DIRS": "/app/share:/usr/share",
            **groups.get("Environment", {}),
        },
        roots=(found.path,) if found is not None and found.is_file else (),
        members_at=f"/{place}",
    )
    runtime = stated.get("runtime") if is_application else None
    parts = (reference or runtime or "").split("/")
    package = PackageInfo(
        system="flatpak",
        name=stated.get("name", ""),
        version=reference.rpartition("/")[2],
        architecture=parts[-2] if len(parts) > 2 else "",
        base=runtime,
        command=command or None,
        permissions=_permissions(groups),
    )
    return with_package(replace(artifact, tree=tree, layout=layout, arch=package.architecture or None), package)


def _permissions(groups: KeyFile) -> tuple[str, ...]:
    context = groups.get("Context", {})
    stated = [f"{key}: {value.strip(';')}" for key in _CONTEXT if (value := context.get(key, ""))]
    for bus in ("Session Bus Policy", "System Bus Policy"):
        stated += [f"{bus.lower()}: {name} {policy}" for name, policy in groups.get(bus, {}).items()]
    return tuple(stated)
