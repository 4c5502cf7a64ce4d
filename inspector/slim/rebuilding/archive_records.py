"""What a PEX or a shiv file records of its own members, made true for a planned tree.

Both unpack themselves into a cache whose directories are named by these records, so a changed archive under the old names would run the old files.
Facts: PEX-INFO and the hashes of pex 2.x as its documentation and artifacts show them, ``environment.json`` of shiv 1.0.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from inspector.artifact.artifact import Artifact
from inspector.artifact.tree import Kind
from inspector.errors import FormatError
from inspector.slim.making.planned_tree import PlannedEntry, PlannedTree, unchanged_tree
from inspector.source import BytesSource, Source

Pack = Callable[[str, PlannedTree], Source | None]
"""Gives the file that a wheel becomes, by its tree path and the planned tree with its members; None where it stays what it is."""

_PEX_INFO, _ENVIRONMENT = "PEX-INFO", "environment.json"
_BOOTSTRAP, _DEPENDENCIES, _LAYOUT = ".bootstrap", ".deps", ".layout.json"
_SITE_PACKAGES = "site-packages"
_BOOT_FILES = ("__main__.py", "__pex__/__init__.py")  # they state the PEX's own hash
_LARGEST = 16 << 20  # bytes of a record
_STEP = 1 << 20


def with_records(artifact: Artifact, planned: PlannedTree, pack: Pack | None = None) -> PlannedTree:
    """The planned tree with the records of its format made true; other formats as they are.

    :param pack: of a PEX whose tree has the members of its wheels: gives the file that a changed wheel becomes.
    :raises FormatError: where a record cannot be read.
    """
    if artifact.format in ("pex", "pex-directory"):
        return _Pex(artifact, planned, pack).recorded()
    if artifact.format == "shiv":
        return _with_environment(artifact, planned)
    return planned


def prefix_of(artifact: Artifact, planned: PlannedTree, prefix: bytes) -> bytes:
    """What stands in front of the archive: the shell header of a PEX looks its own hash up in the cache."""
    if artifact.format != "pex":
        return prefix
    old = _json(_bytes(unchanged_tree(artifact.tree).get(_PEX_INFO))).get("pex_hash")
    new = _json(_bytes(planned.get(_PEX_INFO))).get("pex_hash")
    if not isinstance(old, str) or not isinstance(new, str) or len(old) != len(new) or len(old) < 40:
        return prefix
    return prefix.replace(old.encode(), new.encode())


class _Pex:
    def __init__(self, artifact: Artifact, planned: PlannedTree, pack: Pack | None) -> None:
        self._before = unchanged_tree(artifact.tree)
        self._entries = dict(planned.entries)
        self._pack = pack

    def recorded(self) -> PlannedTree:
        info = _json(_bytes(self._entries.get(_PEX_INFO)))
        old_hash = info.get("pex_hash")
        changed = self._changed_tops()
        if not changed:
            return PlannedTree(self._entries)
        distributions = info.get("distributions")
        if isinstance(distributions, dict):
            for name in sorted(distributions):
                if f"{_DEPENDENCIES}/{name}" in changed:
                    are_files = info.get("deps_are_wheel_files") is True
                    distributions[name] = self._distribution(f"{_DEPENDENCIES}/{name}", is_file=are_files)
        if _BOOTSTRAP in changed:
            info["bootstrap_hash"] = directory_hash(self._below(_BOOTSTRAP), hashlib.sha1)
        if "" in changed:
            info["code_hash"] = directory_hash(self._user_code(), hashlib.sha1)
        info.pop("pex_hash", None)
        info["pex_hash"] = hashlib.sha1(_dumped(info), usedforsecurity=False).hexdigest()
        self._put(_PEX_INFO, _dumped(info))
        for path in _BOOT_FILES:
            if isinstance(old_hash, str) and len(old_hash) == 40 and path in self._entries:
                content = _bytes(self._entries[path])
                self._put(path, content.replace(old_hash.encode(), info["pex_hash"].encode()))
        return PlannedTree(self._entries)

    def _changed_tops(self) -> set[str]:
        """What has other content than before: directories of distributions, the bootstrap, "" for the user's own code."""
        tops = set()
        for path in {*self._before.entries, *self._entries}:
            before, after = self._before.get(path), self._entries.get(path)
            found = after or before
            if before == after or found is None or found.kind is Kind.DIRECTORY:
                continue
            first, _, rest = path.partition("/")
            if first == _DEPENDENCIES:
                tops.add(f"{first}/{rest.partition('/')[0]}")
            else:
                tops.add(_BOOTSTRAP if first == _BOOTSTRAP else "")
        return tops

    def _distribution(self, directory: str, *, is_file: bool) -> str:
        """The fingerprint of an unpacked wheel, also where the wheel's own layout file states it; of a whole wheel the digest of its file.

        In the packed layout an unpacked wheel is a file too, and has the fingerprint of what is in it all the same (seen of 2.105).
        """
        whole = self._entries.get(directory)
        if whole is not None and whole.kind is Kind.FILE:
            return _digest(whole, hashlib.sha256())
        if is_file and self._pack is not None:
            packed = self._pack(directory, PlannedTree(self._entries))
            if packed is not None:
                return _digest_of(packed, hashlib.sha256())
        self._forget_gone_entries(directory)
        fingerprint = directory_hash(
            ((name, entry) for name, entry in self._below(directory) if name != _LAYOUT), hashlib.sha256
        )
        layout_path = f"{directory}/{_LAYOUT}"
        if layout_path in self._entries:
            layout = _json(_bytes(self._entries[layout_path]))
            layout["fingerprint"] = fingerprint
            self._put(layout_path, _dumped(layout))
        return fingerprint

    def _forget_gone_entries(self, directory: str) -> None:
        """The list by which the original wheel can be made again: what is gone cannot be in it."""
        for name, entry in list(self._below(directory)):
            if not name.endswith(".pex-info/original-whl-info.json"):
                continue
            listed = _json(_bytes(entry))
            rows = listed.get("entries")
            if isinstance(rows, list):
                gone = {
                    path.removeprefix(f"{directory}/") for path in self._before.entries if path not in self._entries
                }
                listed["entries"] = [row for row in rows if not (isinstance(row, list) and row and row[0] in gone)]
                self._put(entry.path, _dumped(listed))

    def _user_code(self) -> Iterable[tuple[str, PlannedEntry]]:
        apart = {_PEX_INFO, "PEX-LAYOUT", *_BOOT_FILES}
        for path, entry in self._entries.items():
            is_own = not path.startswith((f"{_BOOTSTRAP}/", f"{_DEPENDENCIES}/", "__pex__/")) and path not in apart
            if entry.kind is Kind.FILE and is_own and not posixpath.basename(path).startswith("."):
                yield path, entry

    def _below(self, directory: str) -> Iterable[tuple[str, PlannedEntry]]:
        prefix = f"{directory}/"
        for path, entry in list(self._entries.items()):
            if path.startswith(prefix) and entry.kind is Kind.FILE:
                yield path.removeprefix(prefix), entry

    def _put(self, path: str, content: bytes) -> None:
        self._entries[path] = _changed(self._entries[path], content)


def directory_hash(files: Iterable[tuple[str, PlannedEntry]], algorithm: Callable[[], Any]) -> str:
    """The hash of a directory as pex makes it: all names one behind the other, sorted, then all contents; bytecode left out."""
    kept = sorted(((name, entry) for name, entry in files if _is_hashed(name)), key=lambda pair: pair[0])
    digest = algorithm()
    digest.update("".join(name for name, _ in kept).encode())
    for _, entry in kept:
        _digest(entry, digest)
    return str(digest.hexdigest())


def _is_hashed(name: str) -> bool:
    return not name.endswith((".pyc", ".pyo")) and "__pycache__" not in name.split("/")[:-1]


# -- shiv


def _with_environment(artifact: Artifact, planned: PlannedTree) -> PlannedTree:
    entry = planned.get(_ENVIRONMENT)
    before = unchanged_tree(artifact.tree)
    if entry is None or _site_files(before) == _site_files(planned):
        return planned
    environment = _json(_bytes(entry))
    own = build_id(before)
    build = build_id(planned)
    # A build identifier that somebody chose stays recognisable, and is another one all the same
    environment["build_id"] = (
        build if environment.get("build_id") == own else f"{environment.get('build_id')}_{build[:16]}"
    )
    hashes = environment.get("hashes")
    if isinstance(hashes, dict):
        environment["hashes"] = {
            name: _digest(found, hashlib.sha256())
            for name in hashes
            if (found := planned.get(f"{_SITE_PACKAGES}/{name}")) is not None
        }
    entries = dict(planned.entries)
    entries[_ENVIRONMENT] = _changed(entry, json.dumps(environment).encode())
    return PlannedTree(entries)


def build_id(planned: PlannedTree) -> str:
    """The sha256 by which shiv names what it unpacks: each file's content and name, in the order of their paths, bytecode left out."""
    digest = hashlib.sha256()
    for name, entry in sorted(_site_files(planned).items()):
        if not name.endswith(".pyc"):
            _digest(entry, digest)
            digest.update(name.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _site_files(planned: PlannedTree) -> dict[str, PlannedEntry]:
    prefix = f"{_SITE_PACKAGES}/"
    return {
        entry.path.removeprefix(prefix): entry
        for entry in planned
        if entry.kind is Kind.FILE and entry.path.startswith(prefix)
    }


# -- reading and writing records


def _changed(entry: PlannedEntry, content: bytes) -> PlannedEntry:
    return replace(entry, size=len(content), content=BytesSource(content), link_to=None)


def _bytes(entry: PlannedEntry | None) -> bytes:
    source = None if entry is None else entry.source()
    if entry is None or source is None:
        raise FormatError("a record of the archive is missing")
    if entry.size > _LARGEST:
        raise FormatError(f"{entry.path} has {entry.size} bytes, more than a record can have")
    return source.read_at(0, entry.size)


def _json(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"a record of the archive is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise FormatError("a record of the archive is no JSON object")
    return found


def _dumped(value: dict[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _digest(entry: PlannedEntry, digest: Any) -> str:  # noqa: ANN401 -- hashlib's objects have no public type
    return _digest_of(entry.source() or BytesSource(b""), digest)


def _digest_of(source: Source, digest: Any) -> str:  # noqa: ANN401 -- likewise
    for offset in range(0, source.size, _STEP):
        digest.update(source.read_at(offset, min(_STEP, source.size - offset)))
    return str(digest.hexdigest())
