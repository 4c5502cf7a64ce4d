"""Options that say where and how the artifact would run: ``--host``, ``--host-variant``, ``--env``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from inspector.cli.parser import one_of
from inspector.errors import UsageError
from inspector.patterns import lazy_pattern

_VARIANTS = ("desktop", "minimal")
_NAME = lazy_pattern(r"[A-Za-z_][A-Za-z0-9_]*")  # POSIX, Base Definitions 8.1, and what shells accept


def add_host_options(group: argparse._ArgumentGroup) -> None:
    """``--host`` and ``--host-variant``."""
    group.add_argument(
        "--host",
        action="append",
        default=[],
        metavar="ID|FILE",
        help="judge against this system (inspect host list), or a profile that inspect host capture wrote; "
        "ID:minimal for an installation without a desktop; may be repeated; every supported release if not given",
    )
    group.add_argument(
        "--host-variant",
        type=one_of(_VARIANTS),
        metavar="VARIANT",
        help="desktop (default) or minimal, for each --host that does not say it itself",
    )


def add_environment_option(group: argparse._ArgumentGroup) -> None:
    """``--env``."""
    group.add_argument(
        "--env",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a variable that is set when it starts, such as LD_LIBRARY_PATH=/opt/lib; may be repeated",
    )


def chosen_hosts(options: argparse.Namespace) -> list[str]:
    """``ID``, ``ID:desktop``, ``ID:minimal`` or the path of a profile, with or without a variant; empty where no host was named.

    :raises UsageError: for a host that is not known, is named twice, or whose file cannot be read.
    """
    if options.host_variant and not options.host:
        raise UsageError("--host-variant needs a --host", f"--host debian-12 --host-variant {options.host_variant}")
    chosen: list[str] = []
    for written in options.host:
        name, variant = split_host(written)
        if not name:
            raise UsageError("--host needs a name or a file", "inspect host list names the systems that are known")
        _check_known(name)
        variant = variant or options.host_variant
        host = f"{name}:{variant}" if variant else name
        if host in chosen:
            raise UsageError(f"--host {written} is given twice", "name each system once")
        chosen.append(host)
    return chosen


def split_host(written: str) -> tuple[str, str | None]:
    """Name and variant; a colon of another meaning stays in the name ("ubuntu:22.04").

    :raises UsageError: for a last part that is neither a variant nor a part of a name, such as "debian-12:minmal".
    """
    name, colon, last = written.rpartition(":")
    if colon and last in _VARIANTS:
        return name, last
    if colon and last.isalpha() and "/" not in last:
        raise UsageError(f"--host {written}: {last!r} is no variant", f"there are {' and '.join(_VARIANTS)}")
    return written, None


def chosen_environment(options: argparse.Namespace) -> dict[str, str]:
    """The variables, by name; empty where none was given.

    :raises UsageError: for a text without ``=``, a name that no shell could set, or one that is given twice.
    """
    return parse_environment(options.env)


def parse_environment(written: Sequence[str]) -> dict[str, str]:
    """Texts ``NAME=VALUE`` as variables.

    :raises UsageError: see :func:`chosen_environment`.
    """
    variables: dict[str, str] = {}
    for text in written:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(
                f"--env {text} has no value",
                f"--env {text or 'NAME'}=VALUE; --env {text or 'NAME'}= sets it to nothing",
            )
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"--env {text}: {name!r} is no name of a variable", "letters, digits and _, no digit first"
            )
        if name in variables:
            raise UsageError(f"--env {name} is given twice", "one value each")
        variables[name] = value
    return variables


def _check_known(name: str) -> None:
    """Whether a profile is there for any architecture: a mistyped name is told before the work, not after it.

    :raises UsageError: with the nearest names.
    """
    from inspector.facts.hosts.profiles import load_any_architecture

    load_any_architecture(name)
