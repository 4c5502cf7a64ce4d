"""Snaps: a squashfs image with ``meta/snap.yaml`` in it; and squashfs images without, which are opened as they are (snapcraft, "Snap format")."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from msgspec.structs import replace

from inspector.artifact.artifact import Artifact, RuntimeLayout
from inspector.artifact.package_metadata import PackageInfo, with_package
from inspector.artifact.reader import Candidate
from inspector.artifact.tree import Tree
from inspector.artifact.tree_making.conda_layout import interpreters, is_environment
from inspector.artifact.tree_making.container_tree import problem_of
from inspector.artifact.tree_making.squashfs_payload import open_payload
from inspector.errors import FormatError
from inspector.formats.squashfs import SquashfsImage
from inspector.formats.yaml_mappings import Value, parse_yaml
from inspector.limits import Limits
from inspector.model import Problem
from inspector.patterns import lazy_pattern

_MANIFEST = "meta/snap.yaml"
_OWN_DIRECTORY = lazy_pattern(r"^\$(?:SNAP|\{SNAP\})(?=/|$)")
_JOINED_IF_SET = lazy_pattern(r"\$\{\w+:\+:\}")  # "${NAME:+:}": a colon where the variable is set
_MACHINES = {
    "amd64": "x86_64", "i386": "i686", "arm64": "aarch64", "armhf": "armv7l", "ppc64el": "ppc64le", "s390x": "s390x", "riscv64": "riscv64",
}  # fmt: skip
"""Machine names as ``uname -m`` prints them, by Debian's, which snaps use."""
_SYSTEMS = ("base", "os", "kernel", "gadget", "snapd")


def is_snap(candidate: Candidate) -> bool:
    """Whether a squashfs image has a snap's manifest; it is listed again when it is opened, as nothing shorter tells."""
    try:
        return SquashfsImage(candidate.source, candidate.limits).lookup(_MANIFEST.encode()) is not None
    except FormatError:
        return False


def open_squashfs(candidate: Candidate) -> Artifact:
    """Open a file that begins with a squashfs image: a snap, or an image of anything else."""
    artifact = open_payload(candidate, 0, "squashfs", "a squashfs image")
    if _MANIFEST in artifact.tree:
        return _as_snap(replace(artifact, format="snap"), candidate.limits)
    tree = artifact.tree
    if "AppRun" in tree:
        return replace(artifact, layout=RuntimeLayout(launcher="AppRun"))
    if is_environment(tree):
        return replace(artifact, layout=interpreters(tree))
    return replace(artifact, layout=RuntimeLayout(file_system_root="usr" in tree and ("etc" in tree or "bin" in tree)))


def _as_snap(artifact: Artifact, limits: Limits) -> Artifact:
    try:
        node = artifact.tree.get(_MANIFEST)
        manifest = parse_yaml(node.read(limits=limits)) if node is not None else {}
    except FormatError as error:
        artifact.problems.append(problem_of(_MANIFEST, error))
        return artifact
    kind = _text(manifest, "type") or "app"
    architectures = _texts(manifest.get("architectures"))
    package = PackageInfo(
        system="snap",
        name=_text(manifest, "name"),
        version=_text(manifest, "version"),
        architecture=", ".join(architectures),
        license=_text(manifest, "license"),
        base=_text(manifest, "base")
        or (None if kind in _SYSTEMS else "core"),  # snapcraft.yaml reference: core where none is named
        command=_command(manifest),
        permissions=_permissions(manifest),
    )
    layout = (
        RuntimeLayout(file_system_root=True)
        if kind in ("base", "os")
        else _layout(artifact.tree, manifest, artifact.problems)
    )
    found = replace(artifact, layout=layout, arch=_MACHINES.get(architectures[0]) if len(architectures) == 1 else None)
    return with_package(found, package)


def _layout(tree: Tree, manifest: Mapping[str, Value], problems: list[Problem]) -> RuntimeLayout:
    """What snapd starts: the command of each app behind its command chain, the app that is called like the snap first."""
    apps = _mapping(manifest.get("apps"))
    name = _text(manifest, "name")
    started: dict[str, None] = {}
    for app in sorted(apps, key=lambda app: app != name):
        settings = _mapping(apps[app])
        command = _text(settings, "command").split()
        for program in [*_texts(settings.get("command-chain")), *command[:1]]:
            path = posixpath.normpath(_OWN_DIRECTORY.sub("", program).lstrip("/") or ".")
            if tree.resolve(path) is None:
                problems.append(
                    Problem(
                        kind="missing-member", subject=path, message=f"the app {app!r} starts it and it is not there"
                    )
                )
            else:
                started.setdefault(path)
    first = next(iter(apps), "")
    own = _mapping(apps.get(name if name in apps else first))
    written = {**_mapping(manifest.get("environment")), **_mapping(own.get("environment"))}
    environment, search_path = _environment({key: value for key, value in written.items() if isinstance(value, str)})
    environment |= {"SNAP": "{root}", "SNAP_NAME": name, "SNAP_VERSION": _text(manifest, "version")}
    return RuntimeLayout(
        launcher=next(iter(started), None),
        search_path=search_path,
        environment=environment,
        roots=tuple(started),
        members_at=f"/snap/{name}/current",
    )


def _environment(written: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Variables whose values are known, and the directories of the snap on LD_LIBRARY_PATH."""
    known = {}
    for name, value in written.items():
        spelled = _OWN_DIRECTORY.sub("{root}", value)
        if name != "LD_LIBRARY_PATH" and "$" not in spelled:
            known[name] = spelled
    parts = _JOINED_IF_SET.sub(":", written.get("LD_LIBRARY_PATH", "")).split(":")
    own = (_OWN_DIRECTORY.sub("", part).strip("/") for part in parts if _OWN_DIRECTORY.match(part))
    return known, tuple(dict.fromkeys(path for path in own if "$" not in path))


def _command(manifest: Mapping[str, Value]) -> str | None:
    apps = _mapping(manifest.get("apps"))
    name = _text(manifest, "name")
    chosen = name if name in apps else next(iter(apps), "")
    return _text(_mapping(apps.get(chosen)), "command") or None


def _permissions(manifest: Mapping[str, Value]) -> tuple[str, ...]:
    """Confinement and the interfaces that the apps plug into."""
    plugs = dict.fromkeys(_mapping(manifest.get("plugs")))
    for app in _mapping(manifest.get("apps")).values():
        plugs |= dict.fromkeys(_texts(_mapping(app).get("plugs")))
    confinement = _text(manifest, "confinement")
    return (*((f"confinement: {confinement}",) if confinement else ()), *(f"plug: {plug}" for plug in plugs))


def _text(mapping: Mapping[str, Value], key: str) -> str:
    value = mapping.get(key)
    return value if isinstance(value, str) else ""


def _texts(value: Value | None) -> list[str]:
    return [part for part in value if isinstance(part, str)] if isinstance(value, list) else []


def _mapping(value: Value | None) -> dict[str, Value]:
    return value if isinstance(value, dict) else {}
