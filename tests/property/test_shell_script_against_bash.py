"""Random small scripts: the environment that is read out of them is the one that bash exports."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from inspector.facts.launchers.shell_script import UNKNOWN, read_script

NAMES = ("A", "B", "LD_LIBRARY_PATH")
LITERALS = ("/a", "/usr/lib", "x.so.1", "b c", "", "a:b", "*", "lib64", "don't", 'say "x"', "a\\b", "$A", "#x")


def _double(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$") + '"'


def _single(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


literals = st.sampled_from(LITERALS).flatmap(lambda text: st.sampled_from([_double(text), _single(text)]))
names = st.sampled_from(NAMES)
patterns = st.sampled_from(["/*", "*/", "*.so*", "?", "/a", "*", "lib*", "[a-z]*"])
parameters = st.one_of(
    names.map(lambda name: f'"${name}"'),
    names.map(lambda name: f'"${{{name}}}"'),
    st.tuples(names, st.sampled_from([":-", ":+", "-", "+"]), names).map(lambda t: f'"${{{t[0]}{t[1]}/d/${t[2]}}}"'),
    st.tuples(names, st.sampled_from(["%", "%%", "#", "##"]), patterns).map(lambda t: f'"${{{t[0]}{t[1]}{t[2]}}}"'),
    st.sampled_from(
        [
            '"$(dirname "$A")"',
            '"$(basename "/x/$B")"',
            '"$(cd / && pwd)"',
            '"$(echo "$A" | cut -d ":" -f 1)"',
            "`echo /b`",
        ]
    ),
)
values = st.lists(st.one_of(literals, parameters), min_size=0, max_size=3).map("".join)
tests = st.one_of(
    st.tuples(st.sampled_from(["-z", "-n"]), parameters).map(lambda t: f"[ {t[0]} {t[1]} ]"),
    st.tuples(parameters, st.sampled_from(["=", "!="]), literals).map(lambda t: f"[ {' '.join(t)} ]"),
    st.tuples(parameters, literals).map(lambda t: f"[ ! {t[0]} = {t[1]} ]"),
    st.sampled_from(["true", "false", ":", "! true"]),
)
simple = st.one_of(
    st.tuples(names, values).map(lambda t: f"{t[0]}={t[1]}"),
    st.tuples(names, values).map(lambda t: f"export {t[0]}={t[1]}"),
    names.map(lambda name: f"export {name}"),
    names.map(lambda name: f"unset {name}"),
    st.tuples(names, values).map(lambda t: f"{t[0]}+={t[1]}"),
    values.map(lambda value: f"call {value or '/none'}"),
    tests,
)


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    blocks = st.lists(inner, min_size=1, max_size=3).map("\n".join)
    return st.one_of(
        st.tuples(tests, blocks).map(lambda t: f"if {t[0]}; then\n{t[1]}\nfi"),
        st.tuples(tests, blocks, tests, blocks, blocks).map(
            lambda t: f"if {t[0]}; then {t[1]}\nelif {t[2]}\nthen\n{t[3]}\nelse {t[4]}; fi"
        ),
        st.tuples(names, st.lists(literals, min_size=1, max_size=3), blocks).map(
            lambda t: f"for {t[0]} in {' '.join(t[1])}; do\n{t[2]}\ndone"
        ),
        st.tuples(parameters, patterns, blocks, blocks).map(
            lambda t: f"case {t[0]} in\n  {t[1]}|lib32) {t[2]} ;;\n  *) {t[3]}\n;;\nesac"
        ),
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(lambda t: f"{t[0]} {t[1]} {t[2]}"),
        blocks.map(lambda block: f"{{ {block}\n}}"),
    )


scripts = st.lists(st.recursive(simple, _compound, max_leaves=8), min_size=1, max_size=6).map("\n".join)


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(scripts)
def test_the_environment_is_what_bash_exports(body: str) -> None:
    # Shells disagree on what echo makes of a backslash, so the value is unknown to us; a condition on it counts both ways, and bash goes one.
    assume(not ("echo" in body and "a\\" in body))
    script = f'call() {{\nB="$1:$B"\n}}\n{body}\n'
    run = subprocess.run(
        ["bash", "-c", f"{script}\n/usr/bin/env -0", "/opt/App/AppRun"],
        env={"PATH": "/usr/bin:/bin"},
        cwd="/",
        capture_output=True,
        check=False,
    )
    real = dict(entry.split("=", 1) for entry in run.stdout.decode().split("\0") if "=" in entry)
    read = read_script(script, "/opt/App/AppRun").environment()
    for name in NAMES:
        if UNKNOWN not in read.get(name, ""):
            assert read.get(name) == real.get(name), script
