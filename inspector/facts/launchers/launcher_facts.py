"""What is known of how a bundle starts: values only, made by :func:`inspector.facts.launchers.launcher.read_launcher`."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from inspector.facts.launchers.compiled_launchers import LauncherFamily

LauncherKind = Literal["shell", "python", "elf", "other", "absent"]


class Start(Struct, frozen=True):
    """One program that is started.

    :ivar program: tree path of the ELF executable, links followed.
    :ivar arguments: the words behind it, run-time paths; :data:`inspector.facts.launchers.shell_script.ARGUMENTS` for the user's.
    :ivar by: tree path of the script, the desktop file or the launcher that starts it.
    :ivar loader: tree path of a loader of the bundle by which it is started, or None for the one that it names itself.
    """

    program: str
    arguments: tuple[str, ...] = ()
    by: str | None = None
    loader: str | None = None


class Launcher(Struct, frozen=True):
    """How the bundle starts.

    :ivar path: tree path of the launcher, or None where the layout names none.
    :ivar executable: whether its mode lets it be executed.
    :ivar environment: what its children see, by name; run-time paths.
    :ivar library_path: what the last program's loader searches as LD_LIBRARY_PATH, empty elements kept, or None where it is not set.
    :ivar library_path_from: tree path of the file that sets it.
    :ivar library_path_inherited: whether child processes search it too: it is in the environment, not an option of the loader.
    :ivar programs: tree paths of the ELF executables that it starts, links followed, in order.
    :ivar scripts: tree paths of the scripts that were read on the way.
    :ivar passes_arguments: whether the user's arguments reach the last program.
    :ivar family: which known compiled launcher it is, or passes through.
    :ivar starts: each program with its arguments, in the order of ``programs``.
    :ivar commands: every start of a program, in order: one program may be started in several ways.
    :ivar further: programs that scripts in the bundle's directories of programs start, which the launcher itself does not start.
    :ivar own_loader: tree path of the bundle's dynamic loader that the program is started with, or None.
    :ivar own_loader_up_to: the glibc version up to which a host's own is passed over for the bundle's ("2.31"); None: the bundle's, always.
    :ivar own_loader_library_path: what is searched where the bundle's loader is taken only on older hosts; None: ``library_path``.
    :ivar preloads: libraries that are loaded before all others (LD_PRELOAD, ``--preload``), names or run-time paths.
    """

    path: str | None = None
    kind: LauncherKind = "absent"
    executable: bool = False
    environment: dict[str, str] = field(default_factory=dict)
    library_path: str | None = None
    library_path_from: str | None = None
    programs: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    passes_arguments: bool = False
    library_path_inherited: bool = True
    family: LauncherFamily | None = None
    starts: tuple[Start, ...] = ()
    commands: tuple[Start, ...] = ()
    further: tuple[Start, ...] = ()
    own_loader: str | None = None
    own_loader_up_to: str | None = None
    own_loader_library_path: str | None = None
    preloads: tuple[str, ...] = ()
