"""What a package states of itself, in words: name, licence, what it runs on, starts, may and needs."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.quantities import format_amount
from inspector.result import PackageInfo, Result

_MOST = 8


def package_rows(result: Result) -> list[tuple[str, str]]:
    """Label and text, one pair for each thing that the package states; unescaped."""
    package = result.artifact.envelope.package if result.artifact.envelope is not None else None
    if package is None:
        return []
    licence = f", {package.license}" if package.license else ""
    rows = [("package", f"{package.name} {package.version}{licence}".strip())]
    if package.base is not None:
        rows.append(("runs on", f"{package.base}{_judged(package, result)}"))
    if package.command is not None:
        rows.append(("starts", package.command))
    if package.permissions:
        rows.append(("may", _listed(package.permissions, "permission")))
    if package.depends:
        rows.append(("needs", _listed(package.depends, "package")))
    return [(label, text) for label, text in rows if text]


def package_sentence(result: Result) -> str:
    """The same in one line, without what only the details tell; "" where there is no package."""
    rows = {label: text for label, text in package_rows(result) if label in ("package", "runs on", "starts")}
    parts = [rows.get("package", ""), *(f"{label} {rows[label]}" for label in ("runs on", "starts") if label in rows)]
    return "; ".join(part for part in parts if part)


def _judged(package: PackageInfo, result: Result) -> str:
    """How what it runs on enters the verdict."""
    names = {host.name for host in result.hosts}
    if len(names) == 1:
        return f", judged as {names.pop()}"
    if package.system == "flatpak":
        return ", of which there is no profile; capture one in its shell (inspect host capture) and give it with --host"
    return ", of which there is no profile" if names else ""


def _listed(texts: Sequence[str], noun: str) -> str:
    more = len(texts) - _MOST
    return ", ".join(texts[:_MOST]) + (f" and {format_amount(more, f'more {noun}')}" if more > 0 else "")
