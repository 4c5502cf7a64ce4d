"""What each kind of launcher makes of the environment, and which programs it starts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

import corpus
from inspector.artifact import open_artifact
from inspector.facts.launchers.launcher import Launcher, Start, read_launcher
from inspector.facts.launchers.shell_script import ARGUMENTS
from inspector.limits import Limits
from tests.bundles import Content, appdir
from tests.elf_builder import TinyElf

PROGRAM = TinyElf(interpreter="/lib64/ld-linux-x86-64.so.2", program=True, needed=("libc.so.6",)).build()
LIBRARY = TinyElf(soname="libx.so.1").build()
DESKTOP = "[Desktop Entry]\nName=App\nExec=app --play %U\n\n[Desktop Action New]\nExec=app --new\n"


def elf_with(*texts: str) -> bytes:
    """A program whose bytes hold these NUL-terminated texts."""
    strings = bytearray(b"\0" + b"".join(text.encode() + b"\0" for text in texts))
    return TinyElf(interpreter="/lib64/ld-linux-x86-64.so.2", program=True, strings=strings).build()


def launcher_of(
    files: Mapping[str, Content], environment: Mapping[str, str] | None = None, **options: object
) -> Launcher:
    return read_launcher(appdir(files, **options), environment)  # type: ignore[arg-type]


def genuine(name: str) -> Launcher:
    try:
        path = corpus.artifact(name)
    except corpus.Unavailable as reason:
        pytest.skip(str(reason))
    with open_artifact(str(path), Limits()) as artifact:
        return read_launcher(artifact)


def test_the_compiled_launcher_of_appimagekit() -> None:
    launcher = launcher_of(
        {
            "AppRun": elf_with(
                "PYTHONHOME=%s/usr/",
                "LD_LIBRARY_PATH=%s/usr/lib/:%s/lib/:%s",
                "XDG_DATA_DIRS=%s/usr/share/:%s",
                "PATH=%s/usr/bin/:%s",
                "PYTHONDONTWRITEBYTECODE=1",
            ),
            "app.desktop": DESKTOP,
            "usr/bin/app": PROGRAM,
        }
    )
    assert launcher.family == "appimagekit"
    assert launcher.programs == ("AppRun", "usr/bin/app")
    assert launcher.starts[1].arguments == ("--play", ARGUMENTS)
    assert launcher.library_path == "$APPDIR/usr/lib/:$APPDIR/lib/:"
    assert launcher.library_path_from == "AppRun"
    assert launcher.environment["PYTHONHOME"] == "$APPDIR/usr/"
    assert launcher.environment["XDG_DATA_DIRS"] == "$APPDIR/usr/share/:/usr/local/share/:/usr/share/"
    assert launcher.environment["PYTHONDONTWRITEBYTECODE"] == "1"


@pytest.mark.corpus
def test_genuine_compiled_launchers() -> None:
    echo = genuine("libappimage/Echo-x86_64.AppImage")
    assert (echo.family, echo.programs) == ("appimagekit", ("AppRun", "usr/bin/echo"))
    assert echo.environment["PYTHONHOME"] == "$APPDIR/usr/"
    assert echo.library_path is not None
    assert echo.library_path.endswith("$APPDIR/lib64/:")
    first = genuine("libappimage/AppImageExtract_6-x86_64.AppImage")  # its paths are relative to $APPDIR/usr
    assert first.library_path is not None
    assert first.library_path.startswith("$APPDIR/usr/lib/:$APPDIR/usr/lib/i386-linux-gnu/:")
    assert "usr/bin/appimageextract" in first.scripts


@pytest.mark.corpus
@pytest.mark.parametrize("name", ["appimagetool-x86_64", "appimaged-i686"])
def test_genuine_shell_launchers_find_the_program_of_the_desktop_file(name: str) -> None:
    launcher = genuine(f"libappimage/{name}.AppImage")
    assert launcher.programs == (f"usr/bin/{name.partition('-')[0]}",)
    assert launcher.passes_arguments


@pytest.mark.corpus
def test_layouts_of_builders() -> None:
    python = genuine("layouts/python-appimage.AppDir")
    assert python.programs == ("opt/python3.11/bin/python3.11",)
    assert python.environment["SSL_CERT_FILE"] == "$APPDIR/opt/_internal/certs.pem"
    assert python.library_path is None
    linuxdeploy = genuine("layouts/linuxdeploy.AppDir")
    assert linuxdeploy.programs == ("usr/bin/sqlite3",)
    assert "apprun-hooks/10-terminfo.sh" in linuxdeploy.scripts
    assert genuine("pyqt5-widgets.AppDir").starts[0].arguments[0].endswith("pyqt5_widgets.py")


SHARUN_FILES: dict[str, Content] = {
    "AppRun": elf_with("SHARUN_DIR"),
    "sharun": elf_with("SHARUN_DIR"),
    "bin/app": elf_with("SHARUN_DIR"),
    "bin/tool": elf_with("SHARUN_DIR"),
    "shared/bin/app": PROGRAM,
    "shared/bin/tool": PROGRAM,
    "shared/lib/ld-linux-x86-64.so.2": LIBRARY,
    "shared/lib/lib.path": "+\n+/gio/modules\n+/qt6\n",
    ".env": "GTK_THEME=Default\nMY_DIR=${SHARUN_DIR}/share\nunset LD_LIBRARY_PATH\n",
    ".preload": "path-mapping.so\n",
    "app.desktop": DESKTOP,
}


def test_sharun_starts_the_bundles_loader() -> None:
    launcher = launcher_of(SHARUN_FILES)
    assert launcher.family == "sharun"
    assert launcher.starts == (Start("shared/bin/app", (ARGUMENTS,), "bin/app", "shared/lib/ld-linux-x86-64.so.2"),)
    assert launcher.own_loader == "shared/lib/ld-linux-x86-64.so.2"
    assert launcher.own_loader_up_to is None
    assert launcher.library_path is not None
    assert launcher.library_path.startswith(
        "$APPDIR/shared/lib:$APPDIR/shared/lib/gio/modules:$APPDIR/shared/lib/qt6:/usr/lib:/lib"
    )
    assert not launcher.library_path_inherited
    assert launcher.library_path_from == "shared/lib/lib.path"
    assert launcher.preloads == ("path-mapping.so",)
    assert launcher.environment["GTK_THEME"] == "Default"
    assert launcher.environment["MY_DIR"] == "$APPDIR/share"
    assert launcher.environment["GIO_MODULE_DIR"] == "$APPDIR/shared/lib/gio/modules"
    assert "LD_LIBRARY_PATH" not in launcher.environment
    assert [start.program for start in launcher.further] == ["shared/bin/tool"]


def test_sharun_takes_the_name_of_its_app_file_first() -> None:
    launcher = launcher_of({**SHARUN_FILES, ".app": "'tool'\n"})
    assert launcher.programs == ("shared/bin/tool",)


def test_apprun_2_takes_the_bundles_libc_on_older_hosts_only() -> None:
    launcher = launcher_of(
        {
            "AppRun": PROGRAM,
            "AppRun.env": (
                "# made by a builder\nAPPDIR=$ORIGIN\nAPPDIR_EXEC_PATH=$APPDIR/usr/bin/app\nAPPDIR_EXEC_ARGS=$@\n"
                "APPDIR_LIBRARY_PATH=$APPDIR/usr/lib:$APPDIR/lib/x86_64\nQT_PLUGIN_PATH=$APPDIR/usr/plugins\n"
                "APPDIR_LIBC_VERSION=2.31\nAPPDIR_LIBC_LINKER_PATH=lib64/ld-linux-x86-64.so.2\n"
                "APPDIR_LIBC_LIBRARY_PATH=$APPDIR/runtime/compat/lib/x86_64-linux-gnu\n"
            ),
            "usr/bin/app": PROGRAM,
            "runtime/compat/lib64/ld-linux-x86-64.so.2": LIBRARY,
            "lib/x86_64/libapprun_hooks.so": LIBRARY,
        }
    )
    assert launcher.family == "apprun-2"
    assert launcher.programs == ("AppRun", "usr/bin/app")
    assert launcher.starts[1].arguments == (ARGUMENTS,)
    assert launcher.library_path == "$APPDIR/usr/lib:$APPDIR/lib/x86_64"
    assert launcher.library_path_from == "AppRun.env"
    assert launcher.own_loader == "runtime/compat/lib64/ld-linux-x86-64.so.2"
    assert launcher.own_loader_up_to == "2.31"
    assert launcher.own_loader_library_path == (
        "$APPDIR/usr/lib:$APPDIR/lib/x86_64:$APPDIR/runtime/compat/lib/x86_64-linux-gnu"
    )
    assert launcher.preloads == ("libapprun_hooks.so",)
    assert launcher.environment["QT_PLUGIN_PATH"] == "$APPDIR/usr/plugins"


def test_apprun_3_and_its_modules() -> None:
    launcher = launcher_of(
        {
            "AppRun": PROGRAM,
            "AppRun.config": (
                'version = "1.0";\nruntime :\n{\n  exec = ( "$APPDIR/usr/bin/app", "--flag", "$@" );\n'
                '  library_paths = [ "$APPDIR/usr/lib", "$APPDIR/lib" ];\n  environment :\n  {\n'
                '    LD_PRELOAD = "libapprun_hooks.so:$LD_PRELOAD";\n    PYTHONHOME = "$APPDIR/usr";\n  };\n};\n'
            ),
            "opt/glibc/config": (
                'check : { required_glibc = "2.35"; };\nmodule :\n{\n  runtime_dir = "$APPDIR/opt/glibc";\n'
                '  library_paths = ( "$APPDIR/opt/glibc/lib" );\n};\n'
            ),
            "opt/glibc/lib64/ld-linux-x86-64.so.2": LIBRARY,
            "usr/bin/app": PROGRAM,
        }
    )
    assert launcher.family == "apprun-3"
    assert launcher.starts[1] == Start("usr/bin/app", ("--flag", ARGUMENTS), "AppRun")
    assert launcher.library_path == "$APPDIR/usr/lib:$APPDIR/lib"
    assert (launcher.own_loader, launcher.own_loader_up_to) == ("opt/glibc/lib64/ld-linux-x86-64.so.2", "2.35")
    assert launcher.own_loader_library_path == "$APPDIR/opt/glibc/lib:$APPDIR/usr/lib:$APPDIR/lib"
    assert launcher.preloads == ("libapprun_hooks.so",)
    assert launcher.environment["PYTHONHOME"] == "$APPDIR/usr"


SELF_CONTAINED = (
    '#!/bin/sh\nHERE="$(dirname "$(readlink -f "$0")")"\n'
    'MAIN=$(grep -r "^Exec=.*" "$HERE"/*.desktop | head -n 1 | cut -d "=" -f 2 | cut -d " " -f 1)\n'
    'BIN=$(find "$HERE/usr/bin" -name "$MAIN" | head -n 1)\n'
    "LD=$(find \"$HERE\" -name 'ld-linux-*.so.*' | head -n 1)\n"
    'if [ -e "$LD" ]; then\n  exec "$LD" --inhibit-cache --library-path "$HERE/usr/lib:$HERE/lib" --preload /x.so "$BIN" "$@"\n'
    'else\n  exec "$BIN" "$@"\nfi\n'
)


def test_a_loader_that_the_script_finds_in_the_bundle() -> None:
    files: dict[str, Content] = {"AppRun": SELF_CONTAINED, "app.desktop": DESKTOP, "usr/bin/app": PROGRAM}
    with_loader = launcher_of({**files, "lib64/ld-linux-x86-64.so.2": LIBRARY})
    assert with_loader.starts == (Start("usr/bin/app", (ARGUMENTS,), "AppRun", "lib64/ld-linux-x86-64.so.2"),)
    assert with_loader.own_loader == "lib64/ld-linux-x86-64.so.2"
    assert with_loader.library_path == "$APPDIR/usr/lib:$APPDIR/lib"
    assert not with_loader.library_path_inherited
    assert with_loader.preloads == ("/x.so",)
    without = launcher_of(files)
    assert without.starts == (Start("usr/bin/app", (ARGUMENTS,), "AppRun"),)
    assert (without.own_loader, without.library_path) == (None, None)


def test_wrappers_of_wrappers_and_scripts_with_an_interpreter_of_the_bundle() -> None:
    launcher = launcher_of(
        {
            "AppRun": '#!/bin/sh\nHERE=${0%/*}\nexport PATH="$HERE/usr/bin:$PATH"\nexec tool "$@"\n',
            "usr/bin/tool": "#!/usr/bin/env python3\nprint()\n",
            "usr/bin/python3": PROGRAM,
            "usr/bin/other": '#!/bin/sh\nexec "$(dirname "$0")/../lib/app/other.bin"\n',
            "usr/lib/app/other.bin": PROGRAM,
            "usr/bin/system": "#!/usr/bin/python3\n",
        }
    )
    assert launcher.starts == (Start("usr/bin/python3", ("$APPDIR/usr/bin/tool", ARGUMENTS), "usr/bin/tool"),)
    assert launcher.further == (Start("usr/lib/app/other.bin", (), "usr/bin/other"),)


def test_env_sets_and_takes_away() -> None:
    launcher = launcher_of(
        {
            "AppRun": '#!/bin/sh\nexec env -u PYTHONPATH LD_LIBRARY_PATH="$APPDIR/usr/lib" "$APPDIR/usr/bin/app"\n',
            "usr/bin/app": PROGRAM,
        }
    )
    assert launcher.library_path == "$APPDIR/usr/lib"
    assert launcher.library_path_inherited
    assert launcher.programs == ("usr/bin/app",)


def test_what_the_user_says_holds_whatever_the_launcher_does() -> None:
    files: dict[str, Content] = {
        "AppRun": '#!/bin/sh\nexport LD_LIBRARY_PATH="$APPDIR/usr/lib"\nexec "$APPDIR/$WHICH"\n',
        "usr/bin/app": PROGRAM,
    }
    launcher = launcher_of(files, {"LD_LIBRARY_PATH": "$APPDIR/lib64", "WHICH": "usr/bin/app"})
    assert launcher.library_path == "$APPDIR/lib64"
    assert launcher.programs == ("usr/bin/app",)
    assert launcher_of({"usr/bin/app": PROGRAM}, {"LD_LIBRARY_PATH": "/x"}, launcher=None).library_path == "/x"


def test_the_runtime_of_an_appimage_sets_its_names() -> None:
    artifact = appdir(
        {"AppRun": '#!/bin/sh\n[ -n "$APPIMAGE" ] && export MOUNTED=1\nexec "$APPDIR/app"\n', "app": PROGRAM}
    )
    assert "MOUNTED" not in read_launcher(artifact).environment
    assert read_launcher(replace(artifact, format="appimage-2")).environment["MOUNTED"] == "1"


def test_circles_and_broken_settings_end(tmp_path: Path) -> None:
    circle = launcher_of(
        {
            "AppRun": '#!/bin/sh\n. "$APPDIR/hook.sh"\nexec "$APPDIR/b.sh"\n',
            "b.sh": '#!/bin/sh\nexec "$APPDIR/AppRun"\n',
            "hook.sh": ". $0\n",
        }
    )
    assert circle.programs == ()
    for settings in ("AppRun.env", "AppRun.config", ".env"):
        assert launcher_of(
            {"AppRun": elf_with("APPIMAGE_UUID"), settings: "=\nA\n$(\nexec = (" + '"' * 5000}
        ).programs == ("AppRun",)


@pytest.mark.parametrize(
    "settings",
    [
        '"a=(", ' * 9000,
        "a" * 200_000,
        "a={" * 60_000,
        "/*" * 100_000,
        '"\\' * 100_000,
        "x=(" + '"a"  ' * 20_000,
        "}" * 200_000,
    ],
)
def test_hostile_settings_end_soon(settings: str) -> None:
    files: dict[str, Content] = {
        "AppRun": PROGRAM,
        "AppRun.config": f"runtime : {{ {settings}",
        "opt/glibc/config": settings,
    }
    assert launcher_of(files).programs == ("AppRun",)
