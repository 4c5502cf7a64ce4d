"""What launcher scripts export and start; each expectation is what bash does with the same text."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from inspector.facts.shell_script import ARGUMENTS, UNKNOWN, ScriptEnvironment, read_script

APPRUNS = {
    "dirname of readlink": 'HERE="$(dirname "$(readlink -f "${0}")")"\nexport LD_LIBRARY_PATH="${HERE}/usr/lib:${HERE}/usr/lib64"',
    "parameter expansion": 'SELF=$(readlink -f "$0")\nHERE=${SELF%/*}\nexport LD_LIBRARY_PATH="$HERE/usr/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"',
    "trailing colon": 'HERE="$(dirname "$(readlink -f "$0")")"\nexport LD_LIBRARY_PATH="${HERE}/usr/lib:${LD_LIBRARY_PATH}"',
    "cd and pwd": 'HERE=$(cd "$(dirname "$0")" && pwd)\nLD_LIBRARY_PATH=$HERE/lib\nexport LD_LIBRARY_PATH',
    "default value": 'HERE="$(dirname "$(readlink -f "$0")")"\nexport LD_LIBRARY_PATH="${MISSING:-$HERE/usr/lib}"',
    "single quotes": 'HERE="$(dirname "$(readlink -f "$0")")"\nexport LD_LIBRARY_PATH="$HERE"\'/with $dollar\'',
    "backticks": 'HERE=`dirname "$0"`\nexport LD_LIBRARY_PATH=$HERE/usr/lib',
    "line continuation": 'HERE="$(dirname "$0")"\nexport \\\n  LD_LIBRARY_PATH="$HERE/a:\\\n$HERE/b"',
    "two on one line": 'HERE="$(dirname "$0")"; export A=1 LD_LIBRARY_PATH="$HERE/usr/lib" # comment = no',
}


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize("name", APPRUNS)
def test_library_path_is_what_bash_exports(name: str, tmp_path: Path) -> None:
    script = tmp_path / "AppRun"
    script.write_text(f"{APPRUNS[name]}\nprintf '%s' \"$LD_LIBRARY_PATH\"\n")
    real = subprocess.run(
        ["bash", str(script)], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True
    ).stdout
    assert read_script(script.read_text(), str(script)).environment()["LD_LIBRARY_PATH"] == real


def test_arguments_and_programs_are_told() -> None:
    state = read_script(
        'cd "$APPDIR" && exec "$APPDIR/usr/bin/python3" -I "$APPDIR/app.py" "$@"',
        "$APPDIR/AppRun",
        into=ScriptEnvironment({"APPDIR": "$APPDIR"}),
    )
    assert state.commands[-1] == ("exec", "$APPDIR/usr/bin/python3", "-I", "$APPDIR/app.py", ARGUMENTS)


def test_what_cannot_be_known_is_said() -> None:
    state = read_script('EXEC=$(grep -e "^Exec=" *.desktop | cut -d= -f2)\nexec "$EXEC"', "/AppRun")
    assert state.variables["EXEC"] == UNKNOWN


def test_sourced_hooks_add_to_the_same_environment() -> None:
    hooks = {"/a/apprun-hooks/*.sh": [("/a/apprun-hooks/qt.sh", 'export QT_PLUGIN_PATH="$this_dir/usr/plugins"')]}
    state = read_script(
        'this_dir="$(readlink -f "$(dirname "$0")")"\nfor hook in "$this_dir"/apprun-hooks/*.sh; do\n  source "$hook"\ndone',
        "/a/AppRun",
        source=lambda pattern: hooks.get(pattern, []),
    )
    assert state.environment()["QT_PLUGIN_PATH"] == "/a/usr/plugins"


@pytest.mark.parametrize(
    "text",
    ["'", '"', "$(", "${", "`", "a=$(b", "case x in", "for", "for x in", "\\", "$", "((", "export", "x=" + "$(" * 500],
)
def test_broken_scripts_do_no_harm(text: str) -> None:
    read_script(text, "/AppRun")
