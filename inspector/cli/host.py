"""``inspect host``: the systems that a bundle is judged against: capture one, list those that are known, show what is known of one."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from inspector.cli.color import use_color
from inspector.cli.output import STDOUT, Destination, write_report, write_stdout
from inspector.cli.parser import VerbParser, one_of, suggest
from inspector.cli.screen_options import (
    add_color_option,
    add_help_option,
    add_verbose_option,
    heed_color,
    make_group,
    screen_width,
)
from inspector.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from inspector.loader.host_profile import HostProfile

ACTIONS = ("capture", "list", "show")

_EXAMPLES = """\
  inspect host list                              every system that is shipped
  inspect host show ubuntu-22.04                 one of them, with sources
  inspect host show jammy libstdc++.so.6         one library there
  inspect host capture -o this.toml              this machine
  inspect host capture /srv/image -o fleet.toml  a root directory, not run"""


def make_parser() -> VerbParser:
    """The options of the verb."""
    parser = VerbParser(
        "host",
        usage="inspect host (capture [ROOTFS] | list | show ID [SONAME...]) [options]",
        description="The systems that a bundle is judged against.  capture writes a profile of a\n"
        "system from its root directory, list names the profiles that are shipped, show\n"
        "says what is known of one.",
        examples=_EXAMPLES,
    )
    what = make_group(parser, "what to do")
    what.add_argument("action", nargs="?", metavar="ACTION", help="capture, list or show")
    what.add_argument(
        "subjects",
        nargs="*",
        metavar="SUBJECT",
        help="capture: a root directory, / by default; show: a profile, and sonames",
    )
    what.add_argument(
        "--arch",
        metavar="ARCH",
        help="architecture as uname -m says it; x86_64 by default, capture: that of the system",
    )
    what.add_argument("--id", metavar="ID", help="capture: the profile's id; by default from the system's os-release")
    report = make_group(parser, "the report")
    report.add_argument("-o", "--output", default=STDOUT, metavar="FILE", help="where to write; stdout by default")
    report.add_argument(
        "--format", type=one_of(("text", "json")), default="text", metavar="FORMAT", help="list: text (default) or json"
    )
    report.add_argument("--all", action="store_true", help="show: every library by name")
    screen = make_group(parser, "the screen")
    add_color_option(screen)
    add_verbose_option(screen)
    add_help_option(screen)
    return parser


def execute(options: argparse.Namespace) -> ExitCode:
    """Do what is asked for.

    :raises UsageError: for an action, profile or root directory that is not there.
    """
    heed_color(options)
    if options.action not in ACTIONS:
        if options.action is None:
            raise UsageError("inspect host needs to know what to do", "inspect host list, or inspect host --help")
        raise UsageError(
            f"inspect host cannot {options.action}",
            suggest(options.action, ACTIONS) or f"it can {', '.join(ACTIONS)}",
        )
    if options.action == "capture":
        return _capture(options)
    return _list(options) if options.action == "list" else _show(options)


def _capture(options: argparse.Namespace) -> ExitCode:
    if len(options.subjects) > 1:
        raise UsageError("inspect host capture takes one root directory", "capture the others by commands of their own")

    from datetime import UTC, datetime

    from inspector.facts.hosts.capture import capture
    from inspector.facts.hosts.profile_writing import profile_to_toml

    root = options.subjects[0] if options.subjects else "/"
    profile = capture(root, arch=options.arch, id_=options.id)
    text = profile_to_toml(profile, as_of=datetime.now(UTC).date().isoformat(), source=f"captured from {root}")
    write_report(Destination("toml", options.output), text.encode())
    if options.output != STDOUT:
        from inspector.cli.failure import note

        note(
            f"{options.output}: {profile.name}, {profile.arch}, {profile.libc} {profile.libc_version}, {len(profile.libraries)} names of libraries"
        )
    return ExitCode.PASSED


def _list(options: argparse.Namespace) -> ExitCode:
    from inspector.facts.hosts.profiles import architectures, data_date, list_profiles, load_profile

    if options.subjects:
        raise UsageError("inspect host list takes no names", f"inspect host show {options.subjects[0]}")
    wanted = options.arch or "x86_64"
    known = list_profiles(wanted)
    if not known:
        raise UsageError(f"no profile of {wanted} is shipped", f"there are profiles of {', '.join(architectures())}")
    profiles = {host.id: load_profile(host.id, wanted) for host in known}
    if options.format == "json":
        import msgspec

        hosts = [
            {
                "id": host.id,
                "name": host.name,
                "aliases": host.aliases,
                "libc": host.libc,
                "libc_version": profiles[host.id].libc_version,
                "basis": profiles[host.id].basis,
                "released": host.released or None,
                "supported_until": host.supported_until or None,
                "supported": host.supported,
            }
            for host in known
        ]
        document = {"schema": "inspector/hosts/1", "arch": wanted, "as_of": data_date(), "hosts": hosts}
        write_report(
            Destination("json", options.output), msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
        )
        return ExitCode.PASSED

    from inspector.render.terminal_page import Column, Page

    page = Page(screen_width(), color=options.output == STDOUT and use_color(sys.stdout))
    page.heading(f"Systems for {wanted}", f"as of {data_date()}; those marked * are judged by default")
    rows = [
        (
            (f"* {host.id}" if host.supported else f"  {host.id}", "bold" if host.supported else ""),
            host.name,
            f"{host.libc} {profiles[host.id].libc_version}",
            profiles[host.id].basis,
            f"until {host.supported_until}"
            if host.supported_until
            else "rolling"
            if host.supported
            else "no promise of support",
        )
        for host in known
    ]
    page.table([Column(), Column(), Column(), Column(), Column()], rows)
    write_report(Destination("text", options.output), page.text().encode())
    return ExitCode.PASSED


def _show(options: argparse.Namespace) -> ExitCode:
    if not options.subjects:
        raise UsageError("there is no profile to show", "name one: inspect host show ubuntu-22.04")

    from inspector.facts.hosts.profiles import load_any_architecture, load_profile

    name, *sonames = options.subjects
    profile = load_profile(name, options.arch) if options.arch else load_any_architecture(name)
    page_text = _library_text(profile, sonames) if sonames else _profile_text(profile, every=options.all)
    if options.output == STDOUT:
        write_stdout(page_text.encode())
    else:
        write_report(Destination("text", options.output), page_text.encode())
    return ExitCode.PASSED


def _profile_text(profile: HostProfile, *, every: bool) -> str:
    from inspector.facts.hosts.profiles import profile_sources
    from inspector.render.terminal_page import Cell, Column, Page

    page = Page(screen_width(), color=use_color(sys.stdout))
    page.line((profile.name, "bold"), f"  {profile.id}, {profile.arch}", indent=0)
    sources = profile_sources(profile)
    facts: list[tuple[str, str, str]] = [
        ("C library", f"{profile.libc} {profile.libc_version}", "libc_version"),
        ("basis", profile.basis, ""),
        ("released", profile.released or "not known", "released"),
        ("supported until", profile.supported_until or "not known, or rolling", "supported_until"),
        ("kernel", profile.kernel or "not known", "kernel"),
        ("page sizes", f"{', '.join(map(str, profile.page_sizes))} bytes", "page_sizes"),
        (
            "helpers",
            ", ".join(f"{name} ({where})" for name, where in profile.programs.items())
            or ("none" if profile.complete else "not known"),
            "programs",
        ),
        ("other libraries", "absent" if profile.complete else "not known", "complete"),
    ]
    if profile.isa_level is not None:
        facts.insert(5, ("processor", f"x86-64-v{profile.isa_level}", "isa_level"))
    page.heading("What is known")
    page.table(
        [Column(), Column(), Column(fit="wrap", minimum=20)],
        [(title, text, (sources.get(key, ""), "dim")) for title, text, key in facts],
    )
    groups: dict[tuple[str, str], list[str]] = {}
    for soname, library in profile.libraries.items():
        groups.setdefault((library.presence, library.basis), []).append(soname)
    for (presence, basis), names in groups.items():
        page.heading(_PLACES[presence], f"{basis}, {len(names)}")
        if not every and len(names) > _MANY:
            names, rest = names[:_MANY], len(names) - _MANY
            page.line(", ".join(names), f" and {rest} more (--all)")
        else:
            page.line(", ".join(names))
    named = [
        (key, text) for key, text in sources.items() if key in ("measured", "assumed", "versions", "exports", "capture")
    ]
    if named:
        page.heading("Sources")
        rows: list[tuple[Cell, ...]] = [(key, (text, "dim")) for key, text in named]
        page.table([Column(), Column(fit="wrap", minimum=30)], rows)
    return page.text()


_MANY = 60
_PLACES = {
    "minimal": "On every installation",
    "desktop": "On a default desktop",
    "package": "Only after a package was installed",
    "absent": "In no package",
}


def _library_text(profile: HostProfile, sonames: list[str]) -> str:
    from inspector.render.terminal_page import Column, Page

    page = Page(screen_width(), color=use_color(sys.stdout))
    for soname in sonames:
        library = profile.libraries.get(soname)
        page.heading(soname, f"{profile.name}, {profile.arch}")
        if library is None:
            page.line(
                "absent: this profile names all that is there"
                if profile.complete
                else "not known, and so it decides nothing alone"
            )
            continue
        rows = [
            ("where", f"{_PLACES[library.presence].lower()} ({library.basis})"),
            ("package", library.package or "not known"),
        ]
        if library.path:
            rows.append(("path", library.path))
        versions = (
            "not known" if library.versions is None else ", ".join(sorted(library.versions, key=_version_key)) or "none"
        )
        rows.append(("versions", versions))
        rows.append(("symbols", "not known" if library.exports is None else f"{len(library.exports)} exported"))
        if library.object is not None:
            rows.append(("needs", ", ".join(library.object.needed) or "nothing"))
        page.table([Column(), Column(fit="wrap", minimum=30)], rows)
    return page.text()


def _version_key(name: str) -> tuple[str, list[int], str]:
    """So that 2.10 stands behind 2.9."""
    namespace, _, tail = name.rpartition("_")
    numbers = tail.split(".")
    return (
        (namespace, [int(number) for number in numbers], "")
        if all(part.isdecimal() for part in numbers)
        else (name, [], tail)
    )
