"""What launcher scripts export and start; each expectation is what bash does with the same text."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from inspector.facts.launchers.shell_files import ShellFiles
from inspector.facts.launchers.shell_script import ARGUMENTS, UNKNOWN, ScriptEnvironment, read_script
from inspector.facts.loading.run_time_paths import Mount
from tests.bundles import appdir

APPRUNS = {
    "dirname of readlink": 'HERE="$(dirname "$(readlink -f "${0}")")"\nexport LD_LIBRARY_PATH="${HERE}/usr/lib:${HERE}/usr/lib64"',
    "parameter expansion": 'SELF=$(readlink -f "$0")\nHERE=${SELF%/*}\nexport LD_LIBRARY_PATH="$HERE/usr/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"',
    "trailing colon": 'HERE="$(dirname "$(readlink -f "$0")")"\nexport LD_LIBRARY_PATH="${HERE}/usr/lib:${LD_LIBRARY_PATH}"',
    "cd and pwd": 'HERE=$(cd "$(dirname "$0")" && pwd)\nLD_LIBRARY_PATH=$HERE/lib\nexport LD_LIBRARY_PATH',
    "default value": 'HERE="$(dirname "$(readlink -f "$0")")"\nexport LD_LIBRARY_PATH="${MISSING:-$HERE/usr/lib}"',
    "single quotes": 'HERE="$(dirname "$(readlink -f "$0")")"\nexport LD_LIBRARY_PATH="$HERE"\'/with $dollar\'',
    "backticks": 'HERE=`dirname "$0"`\nexport LD_LIBRARY_PATH=$HERE/usr/lib',
    "line continuation": 'HERE="$(dirname "$0")"\nexport \\\n  LD_LIBRARY_PATH="$HERE/a:\\\n$HERE/b"',
    "condition on a variable": 'HERE="$(dirname "$0")"\nif [ -z "$NOT_SET" ]; then P="$HERE/a"; else P="$HERE/b"; fi\nexport LD_LIBRARY_PATH="$P"',
    "elif chain": 'A=two\nif [ "$A" = one ]; then P=1\nelif [ "$A" = two ] && [ -n "$A" ]; then P=2\nelse P=3; fi\nexport LD_LIBRARY_PATH="/$P"',
    "and-or list": 'A=\n[ -n "$A" ] && P=/set || P=/unset\n[ "x$A" != x ] || P="$P/or"\nexport LD_LIBRARY_PATH=$P',
    "case": 'A=lib64\ncase "$A" in\n  lib32|libx32) P=/32 ;;\n  lib6*) P=/64 ;;\n  *) P=/other ;;\nesac\nexport LD_LIBRARY_PATH=$P',
    "loop": 'for dir in usr/lib lib "usr/lib/my app"; do\n  LIST="$LIST:/x/$dir"\ndone\nexport LD_LIBRARY_PATH="${LIST#:}"',
    "function": 'add() { LD_LIBRARY_PATH="$1${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"; export LD_LIBRARY_PATH; }\nadd /one\nadd /two',
    "function keyword": 'function add {\n  export LD_LIBRARY_PATH="$LD_LIBRARY_PATH/$1/$2"\n}\nadd a "b c"',
    "here-document": 'cat > /dev/null <<-"END"\n\texport LD_LIBRARY_PATH=/wrong\n\tEND\nexport LD_LIBRARY_PATH=/right 2>&1',
    "redirections": 'export LD_LIBRARY_PATH=$(cd / 2>/dev/null && pwd)/lib; true >/dev/null 2>&1 && LD_LIBRARY_PATH="$LD_LIBRARY_PATH:/b"',
    "array": 'dirs=("/a" \'/b c\')\ndirs+=(/d)\nexport LD_LIBRARY_PATH="${dirs[*]}"',
    "longest and shortest ends": 'A=/opt/app/lib/x.so.1\nexport LD_LIBRARY_PATH="${A%/*}:${A%%.so*}:${A#/*/}:${A##*/}:${A%.1}:${A%%o*}:${A#*p}"',
    "patterns with several wildcards": 'A=/opt/app/lib/x.so.1\nexport LD_LIBRARY_PATH="${A%/*/*}:${A%%/*/*}:${A#*/*/}:${A##*/?}:${A%[0-9]}"',
    "backslashes in quotes": 'export LD_LIBRARY_PATH="/a\\b\\\\c\\$d"',
    "allexport": "set -a\nLD_LIBRARY_PATH=/a\nset +a",
    "appending": "export LD_LIBRARY_PATH=/a\nLD_LIBRARY_PATH+=:/b",
    "pipeline": 'L="Exec=app --flag"\nexport LD_LIBRARY_PATH=/$(echo "$L" | head -n 1 | cut -d "=" -f 2 | cut -d " " -f 1)',
    "assigning default": ': "${P:=/a}" "${P:=/b}"\nexport LD_LIBRARY_PATH="$P${Q-/unset}${Q+/set}"',
    "slices": 'A=abcdef\nexport LD_LIBRARY_PATH="/${A:2}/${A:1:3}"',
    "dirname twice": 'export LD_LIBRARY_PATH="$(dirname "$(dirname "/a/b/c/")")/lib:$(basename /x/y.so .so)"',
    "negation": 'if ! [ -n "$NOT_SET" ]; then export LD_LIBRARY_PATH=/no; fi\nif [[ abc == a* && -z "" ]]; then LD_LIBRARY_PATH+=/glob; fi',
    "nothing after exit": 'end() { printf %s "$LD_LIBRARY_PATH"; exit; }\nexport LD_LIBRARY_PATH=/a\n[ -z "$Q" ] && end\nLD_LIBRARY_PATH=/never',
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


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_files_of_the_bundle_decide_as_they_do_for_bash(tmp_path: Path) -> None:
    text = (
        'HERE="$(dirname "$(readlink -f "$0")")"\n'
        'EXEC=$(grep -e "^Exec=.*" "${HERE}"/*.desktop | head -n 1 | cut -d "=" -f 2 | cut -d " " -f 1)\n'
        'if [ -e "$HERE"/usr/lib/there ] && [ -d "$HERE/usr" ]; then export LD_LIBRARY_PATH="$HERE/usr/lib"; else export LD_LIBRARY_PATH=/no; fi\n'
        '[ -f "$HERE/usr/gone" ] && LD_LIBRARY_PATH="$LD_LIBRARY_PATH:/gone"\n'
        'for hook in "$HERE"/hooks/*.sh; do [ -f "$hook" ] && . "$hook"; done\n'
        'LD_LIBRARY_PATH="$LD_LIBRARY_PATH:$EXEC"\n'
    )
    files = {
        "usr/AppRun": text + "printf '%s' \"$LD_LIBRARY_PATH\"\n",
        "usr/app.desktop": "[Desktop Entry]\nName=App\nExec=app --run %U\n",
        "usr/usr/lib/there": "x",
        "usr/hooks/1.sh": 'LD_LIBRARY_PATH="$LD_LIBRARY_PATH:/one"',
        "usr/hooks/2.sh": 'LD_LIBRARY_PATH="$LD_LIBRARY_PATH:$(dirname "${BASH_SOURCE[0]}")"',
    }
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    (tmp_path / "AppRun").symlink_to("usr/AppRun")
    real = subprocess.run(
        ["bash", str(tmp_path / "AppRun")], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True
    ).stdout
    artifact = appdir(files, links={"AppRun": "usr/AppRun"})
    root = str(tmp_path)
    shell_files = ShellFiles(artifact.tree, Mount(root))
    state = read_script(
        files["usr/AppRun"],
        f"{root}/AppRun",
        files=shell_files,
        source=lambda path: [(path, shell_files.text(path) or "")],
    )
    assert state.environment()["LD_LIBRARY_PATH"] == real


def test_a_variable_that_is_not_exported_reaches_nobody() -> None:
    state = read_script("LD_LIBRARY_PATH=/a\nPATH=/b", "/AppRun")
    assert state.environment() == {"PATH": "/b"}


def test_what_the_user_says_is_fixed() -> None:
    state = ScriptEnvironment({"LD_LIBRARY_PATH": "/mine"}, {"LD_LIBRARY_PATH"}, fixed=frozenset({"LD_LIBRARY_PATH"}))
    read_script('export LD_LIBRARY_PATH="/a:$LD_LIBRARY_PATH"\nunset LD_LIBRARY_PATH', "/AppRun", into=state)
    assert state.environment() == {"LD_LIBRARY_PATH": "/mine"}


def test_both_branches_count_where_the_host_decides() -> None:
    state = read_script("if [ -e /etc/debian_version ]; then exec /a; else exec /b; fi\nexec /c\nexec /d", "/AppRun")
    assert state.commands == [("exec", "/a"), ("exec", "/b"), ("exec", "/c")]


@pytest.mark.parametrize(
    "text",
    [
        'x="$("$("' * 3000,
        "x=" + "${a:-" * 3000,
        "f() { f; f; }; f",
        "for a in 1 2 3 4 5 6 7 8; do " * 12 + "foo;" + "done;" * 12,
        "x=aaaaaaaaaaaaaaaa;" + "x=$x$x$x$x$x$x$x$x;" * 50 + "y=" + "$x" * 50_000,
        "[ " + "x -a " * 3000 + "]",
        "if " * 5000,
        "x=" + "a/" * 250 + ";" + "y=${x%%*a*a*a*a*a*a*a*b};" * 3000,
        "for a in 1 2 3 4 5 6 7 8 9; do for b in 1 2 3 4 5 6 7 8 9; do " * 8 + "f;" + "done;done;" * 8,
    ],
)
def test_hostile_scripts_end_soon(text: str) -> None:
    state = read_script(text, "/AppRun")
    assert all(len(value) <= 65_536 for value in state.variables.values())
    assert len(state.commands) <= 20_000


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
