"""Rule family libraries: what is missing, what is there and must not be, and whether the bundle can be started at all."""

from __future__ import annotations

from collections.abc import Iterator

from inspector.checks.finding import finding
from inspector.facts.facts import Facts
from inspector.facts.hosts.libraries import host_library
from inspector.facts.hosts.shared_libraries import OlderThanHost
from inspector.model import Finding, Fix

RULES = (
    "missing-library",
    "host-library-bundled",
    "needed-absolute-path",
    "wrong-architecture-library",
    "no-entry-point",
    "launcher-not-executable",
    "library-path-reaches-host-programs",
    "bundled-library-older-than-host",
    "program-without-its-members",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Findings of this family."""
    yield from _launcher(facts)
    yield from _refusal(facts)
    yield from _missing(facts)
    yield from _host_libraries(facts)
    yield from _absolute_needs(facts)
    yield from _foreign(facts)
    yield from _host_programs(facts)
    yield from _older_than_host(facts)


def _launcher(facts: Facts) -> Iterator[Finding]:
    launcher = facts.launcher
    if launcher.path is None:
        return
    if launcher.kind == "absent":
        yield finding("no-entry-point", "", f"there is no {launcher.path} at the root, so nothing starts")
    elif not launcher.executable:
        yield finding("launcher-not-executable", launcher.path, f"{launcher.path} is not executable")


def _refusal(facts: Facts) -> Iterator[Finding]:
    refusal = facts.refusal
    if refusal is None or not refusal.certain:
        return
    yield finding(
        "program-without-its-members",
        refusal.subject,
        f"the program takes members from {refusal.subject} and does not find them there: it starts nowhere",
        evidence=[refusal.message],
        fix=Fix(
            text=f"ship {refusal.subject} of the same build where the program looks for it, or build without MERGE"
        ),
    )


def _missing(facts: Facts) -> Iterator[Finding]:
    by_name: dict[str, list[tuple[str, str]]] = {}
    for path, need in facts.graph.missing:
        by_name.setdefault(need.name, []).append((path, need.role))
    places: dict[str, list[str]] = {}
    for found in facts.objects:
        for name in {found.name, found.elf.soname or found.name}:
            if name in by_name:
                places.setdefault(name, []).append(found.path)
    for name, needers in sorted(by_name.items()):
        path, role = needers[0]
        elsewhere = places.get(name, [])
        others = f" and {len(needers) - 1} more objects" if len(needers) > 1 else ""
        message = f"{name} is needed by {path}{others}, and neither in the bundle nor expected on every host"
        if elsewhere:
            message = f"{name} is needed by {path}{others}; a copy lies at {elsewhere[0]}, where their search paths do not lead"
        evidence = [" -> ".join((*facts.graph.chain_to(needer), name)) for needer, _ in needers[:5]]
        evidence += [line for missing_path, need in facts.graph.missing if need.name == name for line in need.skipped][
            :5
        ]
        yield finding(
            "missing-library",
            name,
            message,
            evidence=evidence,
            severity="error" if role == "entry" else "warning",
            confidence=None if role == "entry" or not elsewhere else "low",
            fix=Fix(text=_missing_fix(name, path, elsewhere)),
        )


def _missing_fix(name: str, needer: str, elsewhere: list[str]) -> str:
    if elsewhere:
        return f"give {needer} a RUNPATH of $ORIGIN/… that leads to {elsewhere[0].rpartition('/')[0] or '.'}"
    return f"bundle {name}, or remove what needs it"


def _host_libraries(facts: Facts) -> Iterator[Finding]:
    if facts.own_loader is not None:
        return  # the bundle brings its loader and C library, and starts with them
    for found in facts.objects:
        if found.elf.type != "DYN" or found.elf.is_program or not found.elf.has_dynamic:
            continue
        listed = host_library(found.elf.soname or found.name)
        if listed is None or listed.supplier != "host":
            continue
        yield finding(
            "host-library-bundled",
            found.path,
            f"{found.elf.soname or found.name} must come from the host: {listed.reason}",
            evidence=[" -> ".join(facts.graph.chain_to(found.path))],
            confidence="low" if listed.debated else None,
            fix=Fix(
                text=f"remove {found.path} from the bundle",
                action="remove-host-library",
                saves=facts.size_of(found.path),
            ),
        )


def _absolute_needs(facts: Facts) -> Iterator[Finding]:
    for found in facts.objects:
        for name in found.elf.needed:
            if name.startswith("/"):
                yield finding(
                    "needed-absolute-path",
                    found.path,
                    f"needs {name}, a path of the machine that it was linked on",
                    fix=Fix(text=f"patchelf --replace-needed {name} {name.rpartition('/')[2]} {found.path}"),
                    key=name,
                )


def _foreign(facts: Facts) -> Iterator[Finding]:
    if facts.arch is None:
        return
    for found in facts.objects:
        if found.elf.arch != facts.arch and found.elf.has_dynamic:
            yield finding(
                "wrong-architecture-library",
                found.path,
                f"is for {found.elf.arch}, and the bundle is for {facts.arch}",
                fix=Fix(text=f"remove {found.path}", action="remove-foreign-object", saves=facts.size_of(found.path)),
            )


def _host_programs(facts: Facts) -> Iterator[Finding]:
    reached = facts.host_programs_reached
    if not reached or facts.own_loader is not None or not facts.launcher.library_path_inherited:
        return
    libraries = sorted({path for program in reached for path in program.libraries})
    names = ", ".join(path.rpartition("/")[2] for path in libraries[:4])
    more = f" and {len(libraries) - 4} more" if len(libraries) > 4 else ""
    yield finding(
        "library-path-reaches-host-programs",
        facts.launcher.library_path_from or facts.launcher.path or "",
        f"exports LD_LIBRARY_PATH={facts.launcher.library_path}, so that host programs load the bundle's {names}{more}",
        evidence=[f"{program.program}: {', '.join(program.libraries)}" for program in reached],
    )


def _older_than_host(facts: Facts) -> Iterator[Finding]:
    if facts.own_loader is not None:
        return
    by_path: dict[str, list[OlderThanHost]] = {}
    for older in facts.older_than_host:
        by_path.setdefault(older.path, []).append(older)
    for path, all_older in sorted(by_path.items()):
        first = all_older[0]
        has = f"ends with {first.has}, and" if first.has else "is older than what the host has:"
        yield finding(
            "bundled-library-older-than-host",
            path,
            f"{has} {first.asker} may ask for {first.asked}",
            evidence=[f"{older.asker}: {older.asked}" for older in all_older],
            fix=Fix(text=f"remove {path} from the bundle", action="remove-host-library", saves=facts.size_of(path)),
        )
