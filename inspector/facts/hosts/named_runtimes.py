"""The system that a package names itself: a snap's base, a Flatpak's runtime."""

from __future__ import annotations

from inspector.resources import load_table
from inspector.result import PackageInfo


def named_hosts(package: PackageInfo | None) -> tuple[str, ...]:
    """The host that stands for what a package runs on, as ``--host`` would name it; () where it names nothing, or nothing that has a profile."""
    if package is None or package.base is None:
        return ()
    host = load_table("hosts/runtimes.toml").get(package.system, {}).get(package.base)
    return () if host is None else (host,)
