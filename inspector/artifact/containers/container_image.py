"""Container images: OCI image layouts, as a directory or in a tar archive, and what ``docker save`` writes.

The layers are merged into one root file system as the OCI image specification says ("Image Layer Filesystem Changeset", version 1.1): a whiteout
``.wh.name`` takes away what lower layers have under that name, an opaque whiteout everything that they have in its directory, and both before the
layer's own members are added.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from inspector.artifact.artifact import RuntimeLayout
from inspector.artifact.names import text_of
from inspector.artifact.tree import Node, Tree
from inspector.artifact.tree_making.archive_tree import ArchiveTree, note_damages
from inspector.artifact.tree_making.container_tree import problem_of
from inspector.artifact.tree_making.stored_archive import open_stored
from inspector.errors import FormatError
from inspector.formats.archive_entry import ArchiveEntry
from inspector.formats.compressed_stream import Spool
from inspector.formats.tar import read_tar
from inspector.limits import Limits
from inspector.model import Problem

_WHITEOUT = b".wh."
_OPAQUE = b".wh..wh..opq"
_RESERVED = b".wh..wh."  # of AUFS; image specification: "files with this prefix are reserved"
_MOST_NESTED_INDEXES = 8
_MOST_LAYERS = 1000
_STEP = 1 << 20
_DEFAULT_PATH = (
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # runc, libcontainer: where an image sets none
)
_MACHINES = {
    "amd64": "x86_64", "386": "i686", "arm64": "aarch64", "arm": "armv7l", "ppc64le": "ppc64le", "s390x": "s390x", "riscv64": "riscv64",
}  # fmt: skip
"""Machine names as ``uname -m`` prints them, by the names of Go's GOARCH, which the image specification uses."""


class ContainerImage(Struct, frozen=True):
    """A merged image.

    :ivar arch: as ``uname -m`` prints it; None where the configuration names none that is known.
    :ivar architecture: as the configuration names it.
    :ivar command: what the configuration starts, with its arguments.
    :ivar compressions: those of the layers, each once.
    """

    tree: Tree
    layout: RuntimeLayout
    arch: str | None
    architecture: str
    command: str | None
    compressions: tuple[str, ...]


def holds_image(tree: Tree) -> bool:
    """Whether a tree of files is an image layout, or what ``docker save`` writes."""
    if "oci-layout" in tree and "index.json" in tree:
        return True
    node = tree.get("manifest.json")
    if node is None or not node.is_file or node.size > _STEP:
        return False
    try:
        return b'"Layers"' in node.read_at(0, node.size)
    except FormatError:
        return False


def read_image(files: Tree, limits: Limits, problems: list[Problem]) -> ContainerImage:
    """The image in a layout.  Of several, that for x86-64 Linux, else the first; the others are named among the problems.

    :raises FormatError: where no configuration, or not a single layer, can be read.
    """
    store = _Store(files, limits, problems)
    if "index.json" in files:
        manifest = store.manifest(store.json_of("index.json"), 0)
        config = store.json_blob(manifest.get("config"), "configuration")
        layers = [store.layer(descriptor) for descriptor in _objects(manifest.get("layers"))[:_MOST_LAYERS]]
    else:
        listed = _objects(store.json_of("manifest.json"))
        if not listed:
            raise FormatError("manifest.json names no image")
        _name_others(
            problems, [", ".join(_texts(other.get("RepoTags"))) or "an image without a tag" for other in listed[1:]]
        )
        config = store.json_object(_text(listed[0].get("Config")), "configuration")
        layers = [store.file(path) for path in _texts(listed[0].get("Layers"))[:_MOST_LAYERS]]
    builder = ArchiveTree(problems, limits, root_file_system=True)
    spool = Spool(limits.small_file)
    merged = [_merge(builder, layer, spool, limits, problems) for layer in layers if layer is not None]
    done = [compression for compression in merged if compression is not None]
    if not done:
        raise FormatError("not a single layer of the image can be read")
    tree = builder.tree()
    return ContainerImage(
        tree=tree,
        layout=_layout(tree, config),
        arch=_MACHINES.get(_text(config.get("architecture"))),
        architecture=_text(config.get("architecture")),
        command=shlex.join(_command(config)) or None,
        compressions=tuple(sorted({compression for compression in done if compression})),
    )


class _Store:
    """Blobs by digest, and files by path; what is missing or not what its digest says becomes a problem."""

    def __init__(self, files: Tree, limits: Limits, problems: list[Problem]) -> None:
        self._files = files
        self._limits = limits
        self._problems = problems

    def file(self, path: str) -> Node | None:
        """A file of the layout; links inside of it are followed, as ``docker save`` once wrote them."""
        node = self._files.resolve(path)
        if node is None or not node.is_file:
            self._problems.append(
                Problem(kind="missing-member", subject=path, message="the image names it and it is not there")
            )
            return None
        return node

    def blob(self, descriptor: object) -> Node | None:
        """The blob that a descriptor names, its bytes compared with the digest."""
        digest = _text(descriptor.get("digest")) if isinstance(descriptor, dict) else ""
        algorithm, _, value = digest.partition(":")
        if not algorithm.isalnum() or not value.isalnum():
            raise FormatError(f"a descriptor of the image has no digest: {digest[:80]!r}")
        node = self.file(f"blobs/{algorithm}/{value}")
        if node is not None and algorithm in ("sha256", "sha512") and _digest(node, algorithm) != value.lower():
            self._problems.append(
                Problem(
                    kind="corrupt-member",
                    subject=node.path,
                    message=f"its {algorithm} is not the one that it is named by",
                )
            )
        return node

    def layer(self, descriptor: Mapping[str, Any]) -> Node | None:
        """The blob of a layer, None for one that cannot be read."""
        media_type = _text(descriptor.get("mediaType"))
        if "encrypted" in media_type:
            self._problems.append(
                Problem(kind="unreadable", subject=_text(descriptor.get("digest")), message="the layer is encrypted")
            )
            return None
        return self.blob(descriptor)

    def json_of(self, path: str) -> object:
        """A JSON file of the layout.

        :raises FormatError: where it is missing, too large or no JSON.
        """
        return self._parsed(self.file(path), path)

    def json_object(self, path: str, what: str) -> Mapping[str, Any]:
        """A JSON file that must hold an object."""
        found = self.json_of(path)
        if not isinstance(found, dict):
            raise FormatError(f"the image's {what} is no JSON object")
        return found

    def json_blob(self, descriptor: object, what: str) -> Mapping[str, Any]:
        """A JSON blob that must hold an object."""
        found = self._parsed(self.blob(descriptor), what)
        if not isinstance(found, dict):
            raise FormatError(f"the image's {what} is no JSON object")
        return found

    def manifest(self, index: object, depth: int) -> Mapping[str, Any]:
        """The manifest that an index leads to, through further indexes where there are some."""
        described = _objects(index.get("manifests")) if isinstance(index, dict) else []
        described = [found for found in described if "attestation" not in str(found.get("annotations", ""))[:1000]]
        if not described:
            raise FormatError("the image's index names no manifest")
        chosen = next((found for found in described if _platform(found) == "linux/amd64"), described[0])
        _name_others(self._problems, [_platform(other) or "an image" for other in described if other is not chosen])
        found = self.json_blob(chosen, "manifest")
        if "manifests" in found and "layers" not in found:
            if depth >= _MOST_NESTED_INDEXES:
                raise FormatError("the image's indexes lead on and on")
            return self.manifest(found, depth + 1)
        return found

    def _parsed(self, node: Node | None, what: str) -> object:
        if node is None:
            raise FormatError(f"the image's {what} is not there")
        try:
            return json.loads(node.read(limits=self._limits))
        except (ValueError, RecursionError):
            raise FormatError(f"the image's {what} is no JSON") from None


def _merge(builder: ArchiveTree, layer: Node, spool: Spool, limits: Limits, problems: list[Problem]) -> str | None:
    """Merge one layer into the tree; gives its compression ("" for none), or None where it cannot be read.

    :param spool: keeps the decoded bytes of all layers.
    """
    own: list[Problem] = []
    try:
        stored = open_stored(layer, limits, spool=spool)
        stored.note_damage(own)
        archive = read_tar(stored.content, limits)
    except FormatError as error:
        problems.append(problem_of(layer.path, error))
        return None
    note_damages(archive.damages, own)
    problems += [Problem(kind=found.kind, subject=found.subject or layer.path, message=found.message) for found in own]
    builder.begin_archive()
    members = []
    for entry, directory, name in _named(archive.entries):
        if name == _OPAQUE:
            path = builder.place_of(entry.path, missing_parents=False)
            if path is not None:
                builder.clear(posixpath.dirname(path))
        elif name.startswith(_RESERVED):
            continue
        elif name.startswith(_WHITEOUT):
            path = builder.place_of(directory + b"/" + name[len(_WHITEOUT) :], missing_parents=False)
            if path:
                builder.remove(path)
        else:
            members.append(entry)
    for entry in members:
        builder.add(entry, stored.stored_size(entry.data_start, entry.end))
    return stored.compression or ""


def _named(entries: Sequence[ArchiveEntry]) -> Iterator[tuple[ArchiveEntry, bytes, bytes]]:
    for entry in entries:
        directory, _, name = entry.path.rstrip(b"/").rpartition(b"/")
        yield entry, directory, name


def _layout(tree: Tree, config: Mapping[str, Any]) -> RuntimeLayout:
    """What the image's configuration starts, and with which environment (image specification, "Image Configuration")."""
    settings = _settings(config)
    environment = dict(part.split("=", 1) for part in _texts(settings.get("Env")) if "=" in part)
    command = _command(config)
    program = _program(tree, command[0], environment, _text(settings.get("WorkingDir"))) if command else None
    return RuntimeLayout(
        launcher=program,
        file_system_root=True,
        search_path=(),
        environment=environment,
        roots=() if program is None else (program,),
    )


def _settings(config: Mapping[str, Any]) -> Mapping[str, Any]:
    settings = config.get("config")
    return settings if isinstance(settings, dict) else {}


def _command(config: Mapping[str, Any]) -> list[str]:
    settings = _settings(config)
    return _texts(settings.get("Entrypoint")) + _texts(settings.get("Cmd"))


def _program(tree: Tree, word: str, environment: Mapping[str, str], directory: str) -> str | None:
    """The tree path of what a command's first word starts."""
    if "/" in word:
        places = [posixpath.join(directory or "/", word)]
    else:
        places = [posixpath.join(place, word) for place in environment.get("PATH", _DEFAULT_PATH).split(":") if place]
    for place in places:
        node = tree.resolve(place, root="")
        if node is not None and node.is_file:
            return node.path
    return None


def _digest(node: Node, algorithm: str) -> str:
    digest = hashlib.new(algorithm)
    for offset in range(0, node.size, _STEP):
        digest.update(node.read_at(offset, _STEP))
    return digest.hexdigest()


def _platform(descriptor: Mapping[str, Any]) -> str:
    platform = descriptor.get("platform")
    if not isinstance(platform, dict):
        return ""
    return f"{_text(platform.get('os'))}/{_text(platform.get('architecture'))}"


def _name_others(problems: list[Problem], others: Sequence[str]) -> None:
    if others:
        named = text_of(", ".join(others[:10]).encode("utf-8", "backslashreplace"))
        problems.append(
            Problem(kind="not-analysed", subject="", message=f"{len(others)} more in the same file, not read: {named}")
        )


def _objects(found: object) -> list[Mapping[str, Any]]:
    return [part for part in found if isinstance(part, dict)] if isinstance(found, list) else []


def _texts(found: object) -> list[str]:
    return [part for part in found if isinstance(part, str)] if isinstance(found, list) else []


def _text(found: object) -> str:
    return found if isinstance(found, str) else ""
