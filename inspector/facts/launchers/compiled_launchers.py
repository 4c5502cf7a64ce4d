"""Launchers that are programs and keep their settings in files or format strings: AppImageKit's AppRun, AppRun 2 and 3, sharun.

Each is recognised by what is in the bundle; its settings are read as the program itself reads them.

- AppImageKit: src/AppRun.c.  It changes to ``$APPDIR/usr``, fills format strings and starts the first word of the desktop file's Exec.
- AppRun 2 (appimage-builder): ``AppRun.env`` beside it, lines of NAME=VALUE with ``$NAME`` (AppImageCrafters/AppRun, docs/USAGE.md).
- AppRun 3: ``AppRun.config`` and ``config`` of each module, in libconfig's format (docs/MODULES.md).
- sharun: ``shared/bin``, ``shared/lib/lib.path``, ``.env``, ``.preload``, ``.app`` (VHSgunzo/sharun, src/main.rs).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct, field

from inspector.artifact.tree import Kind, Node, Tree
from inspector.errors import FormatError
from inspector.facts.launchers.desktop_entries import desktop_commands
from inspector.facts.launchers.libconfig import read_settings
from inspector.facts.launchers.shell_expansion import ARGUMENTS, UNKNOWN, Expander
from inspector.facts.launchers.shell_files import ShellFiles
from inspector.facts.loading.run_time_paths import Mount
from inspector.patterns import lazy_pattern

LauncherFamily = Literal["appimagekit", "apprun-2", "apprun-3", "sharun"]

_MOST_BYTES = 16 << 20
_MOST_LINES = 2_000
_FORMAT_STRING = lazy_pattern(rb"(?<=\0)([A-Z][A-Z0-9_]{2,40})=((?:%s/|\.{1,2}/)[\w./:%-]{0,4000})(?=\0)")
_ENVIRONMENT_LINE = lazy_pattern(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)")
_OLD_VALUES = {"XDG_DATA_DIRS": "/usr/local/share/:/usr/share/", "PATH": UNKNOWN}
_LOADERS = ("ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "ld-linux-armhf.so.3", "ld-linux-riscv64-lp64d.so.1")
_OTHER_LOADERS = ("ld-musl-x86_64.so.1", "ld-musl-aarch64.so.1", "ld-linux.so.2")
_SHARUN_HOST_PATH = ":/usr/lib:/lib:/usr/lib64:/lib64"
_SHARUN_ARCHITECTURE_PATH = {"x86_64": ":/usr/lib/x86_64-linux-gnu", "aarch64": ":/usr/lib/aarch64-linux-gnu"}
_SHARUN_NIX_PATH = ":/run/opengl-driver/lib:/run/current-system/sw/lib"
_SHARUN_VARIABLES = (
    # directory of shared/lib, variable, what is added to the directory: src/main.rs, "lib.path" part
    ("gio", "GIO_MODULE_DIR", "modules"),
    ("dri", "LIBGL_DRIVERS_PATH", ""),
    ("gconv", "GCONV_PATH", ""),
    ("gtk-", "GTK_PATH", ""),
    ("qt", "QT_PLUGIN_PATH", "plugins"),
    ("gstreamer-", "GST_PLUGIN_SYSTEM_PATH_1_0", ""),
    ("spa-", "SPA_PLUGIN_DIR", ""),
    ("pipewire-", "PIPEWIRE_MODULE_DIR", ""),
    ("imlib2", "IMLIB2_LOADER_PATH", "loaders"),
    ("libheif", "LIBHEIF_PLUGIN_PATH", ""),
)


class CompiledLauncher(Struct, frozen=True):
    """What a compiled launcher does.

    :ivar variables: what it sets for the program, run-time paths.
    :ivar unset: names that it takes out of the environment.
    :ivar commands: the words that it starts, one for each way in which it can be started; the program first.
    :ivar settings: tree path of the file that holds LD_LIBRARY_PATH or its like, or None for the program itself.
    :ivar own_loader: tree path of a loader of the bundle that the program is started with.
    :ivar own_loader_up_to: the glibc version up to which a host's is passed over for the bundle's; None where the bundle's is always taken.
    :ivar own_loader_library_path: what is searched when it is; None for LD_LIBRARY_PATH.
    :ivar preloads: libraries loaded before all others.
    """

    family: LauncherFamily
    variables: Mapping[str, str] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()
    settings: str | None = None
    own_loader: str | None = None
    own_loader_up_to: str | None = None
    own_loader_library_path: str | None = None
    preloads: tuple[str, ...] = ()


def recognise_launcher(
    node: Node, called: str, tree: Tree, mount: Mount, machine: str | None, known: Mapping[str, str]
) -> CompiledLauncher | None:
    """What the ELF file ``node`` does when it is started as ``called``; None where it is none of the known launchers.

    :param called: the tree path by which it is started.
    :param known: variables that are set already, run-time paths.
    """
    files = ShellFiles(tree, mount)
    if (found := _sharun(node, called, tree, mount, machine, files)) is not None:
        return found
    if not posixpath.basename(called).startswith("AppRun"):
        return None
    directory = posixpath.dirname(node.path)
    for name, read in (("AppRun.env", _apprun_2), ("AppRun.config", _apprun_3), (".env", _apprun_2)):
        settings = tree.resolve(posixpath.join(directory, name))
        if settings is not None and settings.is_file and (name != ".env" or _contains(node, b"APPIMAGE_UUID")):
            return read(settings, tree, mount, files, known)
    return _appimagekit(node, tree, mount)


def _content(node: Node) -> bytes:
    try:
        return node.read_at(0, min(node.size, _MOST_BYTES))
    except (FormatError, OSError):
        return b""


def _contains(node: Node, text: bytes) -> bool:
    return text in _content(node)


# -- AppImageKit -----------------------------------------------------------------------------------------------------------------------


def _appimagekit(node: Node, tree: Tree, mount: Mount) -> CompiledLauncher | None:
    content = _content(node) if node.size <= 4 << 20 else b""
    formats = {name.decode(): text.decode() for name, text in _FORMAT_STRING.findall(content)}
    if "LD_LIBRARY_PATH" not in formats:
        return None
    root = mount.run_time(posixpath.dirname(node.path))
    variables = {name: _filled(name, text, root) for name, text in formats.items()}
    if b"\0PYTHONDONTWRITEBYTECODE=1\0" in content:
        variables["PYTHONDONTWRITEBYTECODE"] = "1"
    commands = tuple((*command.words, ARGUMENTS) for command in desktop_commands(tree) if command.action is None)
    return CompiledLauncher("appimagekit", variables, commands=commands)


def _filled(name: str, text: str, root: str) -> str:
    """A format string with the directory in place of each ``%s``, and in place of the last one what the variable was before."""
    elements = []
    for element in text.split(":"):
        if element == "%s":
            elements.append(_OLD_VALUES.get(name, ""))
        elif element.startswith("./"):  # it runs in $APPDIR/usr
            elements.append(f"{root}/usr/{element[2:]}")
        elif element.startswith("../"):
            elements.append(f"{root}/{element[3:]}")
        else:
            elements.append(element.replace("%s", root))
    return ":".join(elements)


# -- AppRun 2 and 3 of appimage-builder --------------------------------------------------------------------------------------------------


def _apprun_2(
    settings: Node, tree: Tree, mount: Mount, files: ShellFiles, known: Mapping[str, str]
) -> CompiledLauncher:
    root = mount.run_time(posixpath.dirname(settings.path))
    variables = {**known, "ORIGIN": root}
    expander = Expander(variables, root, files)
    for name, value in _environment_lines(files.text(mount.run_time(settings.path)) or ""):
        variables[name] = expander.expand(value.strip().strip('"').replace('"', ""))
    library_path = variables.get("APPDIR_LIBRARY_PATH", variables.get("LD_LIBRARY_PATH", ""))
    program = variables.get("APPDIR_EXEC_PATH") or variables.get("EXEC_PATH") or ""
    arguments = variables.get("APPDIR_EXEC_ARGS", variables.get("EXEC_ARGS", "")).split()
    linker = variables.get("APPDIR_LIBC_LINKER_PATH", "").split(":")[0].strip("{}' ")
    loader = (
        tree.resolve(posixpath.join(posixpath.dirname(settings.path), "runtime/compat", linker)) if linker else None
    )
    libc_path = variables.get("APPDIR_LIBC_LIBRARY_PATH", variables.get("LIBC_LIBRARY_PATH", ""))
    variables["LD_LIBRARY_PATH"] = library_path
    changed = {name: value for name, value in variables.items() if known.get(name) != value}
    is_bundled = loader is not None and loader.is_file
    return CompiledLauncher(
        "apprun-2",
        changed,
        commands=((program, *arguments),) if program else (),
        settings=settings.path,
        own_loader=loader.path if loader is not None and is_bundled else None,
        own_loader_up_to=variables.get("APPDIR_LIBC_VERSION") if is_bundled else None,
        own_loader_library_path=":".join(part for part in (library_path, libc_path) if part) if is_bundled else None,
        preloads=_hooks(tree),
    )


def _apprun_3(
    settings: Node, tree: Tree, mount: Mount, files: ShellFiles, known: Mapping[str, str]
) -> CompiledLauncher:
    directory = posixpath.dirname(settings.path)
    root = mount.run_time(directory)
    variables = {**known, "ORIGIN": root, "APPDIR": root}
    expander = Expander(variables, root, files)
    stated = read_settings(files.text(mount.run_time(settings.path)) or "")
    library_path = ":".join(expander.expand(path) for path in stated.get("runtime.library_paths", ()))
    for key, values in stated.items():
        if key.startswith("runtime.environment."):
            variables[key.removeprefix("runtime.environment.")] = expander.expand(values[0])
    modules = expander.expand(stated.get("runtime.modules_dir", ["$APPDIR/opt"])[0])
    module = read_settings(files.text(f"{modules}/glibc/config") or "")
    runtime = expander.expand(module.get("module.runtime_dir", [f"{modules}/glibc"])[0])
    loader = next(
        (path for pattern in ("lib64", "lib") for path in files.matching(f"{runtime}/{pattern}/ld-linux*")), None
    )
    node = files.node(loader) if loader is not None and module else None
    libc_path = ":".join(expander.expand(path) for path in module.get("module.library_paths", ()))
    variables["LD_LIBRARY_PATH"] = library_path
    preloads = [name for name in re.split(r"[: ]+", variables.get("LD_PRELOAD", "")) if name]
    words = tuple(expander.expand(word) for word in stated.get("runtime.exec", ()))
    return CompiledLauncher(
        "apprun-3",
        {name: value for name, value in variables.items() if known.get(name) != value},
        commands=(words,) if words else (),
        settings=settings.path,
        own_loader=None if node is None else node.path,
        own_loader_up_to=None if node is None else module.get("check.required_glibc", [None])[0],
        own_loader_library_path=None if node is None else ":".join(part for part in (libc_path, library_path) if part),
        preloads=tuple(preloads) or _hooks(tree),
    )


def _hooks(tree: Tree) -> tuple[str, ...]:
    """The library by which AppRun 2 and 3 follow what the program starts."""
    return ("libapprun_hooks.so",) if any(node.name == "libapprun_hooks.so" for node in tree) else ()


def _environment_lines(text: str) -> Iterable[tuple[str, str]]:
    for line in text.splitlines()[:_MOST_LINES]:
        match = None if line.lstrip().startswith("#") else _ENVIRONMENT_LINE.fullmatch(line)
        if match is not None:
            yield match[1], match[2]


# -- sharun ------------------------------------------------------------------------------------------------------------------------------


def _sharun(
    node: Node, called: str, tree: Tree, mount: Mount, machine: str | None, files: ShellFiles
) -> CompiledLauncher | None:
    directory = posixpath.dirname(node.path)
    base = posixpath.dirname(directory) if posixpath.basename(directory) == "bin" else directory
    shared = posixpath.join(base, "shared")
    libraries = tree.resolve(f"{shared}/lib")
    if tree.resolve(f"{shared}/bin") is None or libraries is None or libraries.kind is not Kind.DIRECTORY:
        return None
    if node.path.startswith(f"{shared}/") or not _contains(node, b"SHARUN_"):
        return None
    names = (*_LOADERS, *_OTHER_LOADERS)
    loader = next((path for name in names if (path := tree.resolve(f"{libraries.path}/{name}")) is not None), None)
    root, library = mount.run_time(base), mount.run_time(libraries.path)
    variables: dict[str, str] = {"SHARUN_DIR": root}
    unset: list[str] = ["LD_PRELOAD", "QT_PLUGIN_PATH"]
    for line in (files.text(f"{root}/.env") or "").splitlines()[:_MOST_LINES]:
        if line.strip().startswith("unset "):
            unset += line.split()[1:]
    expander = Expander({**variables}, root, files)
    for name, value in _environment_lines(files.text(f"{root}/.env") or ""):
        variables.setdefault(name, expander.expand(value.strip()))
    listed = (files.text(f"{library}/lib.path") or "").strip()
    search = listed.replace("\n", ":").replace("+", library) if listed else library
    for line in listed.splitlines()[:_MOST_LINES]:
        name = line.split("/")[1] if "/" in line else ""
        for prefix, variable, below in _SHARUN_VARIABLES:
            if (
                name == prefix
                or (prefix.endswith("-") and name.startswith(prefix))
                or (prefix == "qt" and name[:2] == "qt")
            ):
                variables.setdefault(variable, posixpath.join(library, name, below).rstrip("/"))
    search += _SHARUN_HOST_PATH + _SHARUN_ARCHITECTURE_PATH.get(machine or "", "") + _SHARUN_NIX_PATH
    preloads = [line.strip() for line in (files.text(f"{root}/.preload") or "").splitlines() if line.strip()]
    return CompiledLauncher(
        "sharun",
        variables,
        unset=tuple(unset),
        commands=tuple(_sharun_commands(called, base, tree, mount, files)),
        settings=f"{libraries.path}/lib.path" if listed else None,
        own_loader=None if loader is None else loader.path,
        own_loader_library_path=search,
        preloads=tuple(preloads),
    )


def _sharun_commands(called: str, base: str, tree: Tree, mount: Mount, files: ShellFiles) -> Iterable[tuple[str, ...]]:
    """As ``AppRun`` it starts ``bin/<name of .app or of the desktop file's Exec>``, as ``bin/<name>`` it starts ``shared/bin/<name>``."""
    name = posixpath.basename(called)
    if name != "AppRun":
        yield mount.run_time(posixpath.join(base, "shared/bin", name)), ARGUMENTS
        return
    stated = (files.text(f"{mount.run_time(base)}/.app") or "").strip().splitlines()
    names = stated[:1] or [command.words[0] for command in desktop_commands(tree) if command.action is None]
    for found in names:
        yield mount.run_time(posixpath.join(base, "bin", posixpath.basename(found.strip("'\"")))), ARGUMENTS
