"""Bundles in memory for tests of facts and checks: paths and contents in, an opened artifact or its facts out."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from inspector.artifact import Artifact, Kind, Node, RuntimeLayout, Tree
from inspector.facts.collect import collect_facts
from inspector.facts.facts import Facts
from inspector.limits import Limits
from inspector.model import Finding
from inspector.source import BytesSource
from tests.elf_builder import TinyElf

Content = bytes | str | TinyElf


def appdir(
    files: Mapping[str, Content], *, links: Mapping[str, str] | None = None, launcher: str | None = "AppRun"
) -> Artifact:
    """An AppDir of these files; text that begins with ``#!`` and programs are executable."""
    nodes: dict[str, Node] = {"": Node("", Kind.DIRECTORY, 0o755)}
    for path, content in files.items():
        add_directories(nodes, path)
        raw = (
            content.build()
            if isinstance(content, TinyElf)
            else content.encode()
            if isinstance(content, str)
            else content
        )
        mode = 0o755 if raw.startswith((b"#!", b"\x7fELF")) else 0o644
        nodes[path] = Node(path, Kind.FILE, mode, len(raw), len(raw), opener=lambda raw=raw: BytesSource(raw))
    for path, target in (links or {}).items():
        add_directories(nodes, path)
        nodes[path] = Node(path, Kind.SYMLINK, 0o777, target=target)
    return Artifact(
        path="Test.AppDir",
        format="appdir" if launcher else "directory",
        arch=None,
        size=sum(node.size for node in nodes.values()),
        tree=Tree(nodes.values()),
        layout=RuntimeLayout(launcher=launcher),
    )


def add_directories(nodes: dict[str, Node], path: str) -> None:
    """The directories above a path."""
    while path := posixpath.dirname(path):
        nodes.setdefault(path, Node(path, Kind.DIRECTORY, 0o755))


def facts_of(files: Mapping[str, Content], **options: object) -> Facts:
    """The facts of an AppDir."""
    return collect_facts(appdir(files, **options), Limits())  # type: ignore[arg-type]


def of_rule(findings: list[Finding], rule: str) -> list[Finding]:
    """The findings of one rule."""
    return [found for found in findings if found.rule == rule]
