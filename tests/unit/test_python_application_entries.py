"""What launchers start of Python: a closed application, or an interpreter that is open to its user."""

from __future__ import annotations

import pytest

from inspector.facts.binaries.elf_objects import read_elf_objects
from inspector.facts.launchers.launcher import read_launcher
from inspector.facts.loading.run_time_paths import mount_of
from inspector.facts.python.application_entries import ApplicationEntries, application_entries
from inspector.facts.python.environments import find_environments
from inspector.facts.python.module_index import index_modules
from inspector.limits import Limits
from tests.bundles import Content
from tests.slim_bundles import SCRIPT, SITE, program, python_bundle

PYTHON = '"$APPDIR/usr/bin/python3.11"'


def entries(apprun: str, declared: tuple[str, ...] = (), **files: Content) -> ApplicationEntries:
    """The entries of a bundle with this AppRun."""
    content: dict[str, Content] = {
        SCRIPT: "",
        "usr/bin/tool": "#!/usr/bin/env python3\nfrom app.cli import main\nmain()\n",
        "usr/bin/shell": "#!/usr/bin/env python3\nfrom IPython import start_ipython\nstart_ipython()\n",
        f"{SITE}/app/__init__.py": "",
        **{path.replace("__", "/"): value for path, value in files.items()},
    }
    artifact = python_bundle(content, apprun=f"#!/bin/sh\n{apprun}\n")
    objects = read_elf_objects(artifact, Limits())
    launcher = read_launcher(artifact)
    environments = find_environments(artifact.tree, objects, environment=launcher.environment, mount=mount_of(artifact))
    return application_entries(artifact, launcher, index_modules(artifact.tree, environments), objects, declared)


@pytest.mark.parametrize(
    ("apprun", "modules", "files"),
    [
        (f'exec {PYTHON} "$APPDIR/{SCRIPT}" "$@"', (), (SCRIPT,)),
        (f'{PYTHON} -u -X utf8 -W ignore "$APPDIR/{SCRIPT}"', (), (SCRIPT,)),
        (f'exec {PYTHON} -m app "$@"', ("app",), ()),
        (f'exec {PYTHON} -Esm app "$@"', ("app",), ()),
        (f'exec {PYTHON} "$APPDIR/usr/bin/tool" "$@"', (), ("usr/bin/tool",)),
        (f'{PYTHON} -m app\nexec {PYTHON} "$APPDIR/{SCRIPT}" "$@"', ("app",), (SCRIPT,)),
    ],
)
def test_closed_applications(apprun: str, modules: tuple[str, ...], files: tuple[str, ...]) -> None:
    found = entries(apprun)
    assert (found.closed, found.modules, found.files) == (True, modules, files)
    assert len(found.reasons) == len(modules) + len(files)


def test_code_is_an_entry() -> None:
    found = entries(f"exec {PYTHON} -c 'import app; app.main()' \"$@\"")
    assert found.closed
    assert found.code == ("import app; app.main()",)


@pytest.mark.parametrize(
    ("apprun", "reason"),
    [
        (f'exec {PYTHON} "$@"', "hands the user's arguments"),
        (f'exec {PYTHON} -s "$@"', "hands the user's arguments"),
        (f'exec {PYTHON} -m "$@"', "cannot be told"),
        (f"exec {PYTHON}", "without a script"),
        (f'exec {PYTHON} -i "$APPDIR/{SCRIPT}"', "-i"),
        (f'exec {PYTHON} - "$@"', "from its input"),
        (f'exec {PYTHON} -m IPython "$@"', "runs any code"),
        (f'exec {PYTHON} "$APPDIR/usr/bin/shell" "$@"', "runs any code"),
        (f'exec {PYTHON} -c "$1"', "cannot be told"),
        (f"exec {PYTHON} -c 'exec(input())'", "runs other code"),
        (f'exec {PYTHON} "$APPDIR/usr/share/missing.py"', "does not have"),
        (f'exec {PYTHON} "$HOME/mine.py"', "does not have"),
        (
            f'if [ -e /etc/develop ]; then exec {PYTHON} "$@"; fi\nexec {PYTHON} "$APPDIR/{SCRIPT}"',
            "hands the user's arguments",
        ),
        (f'{PYTHON} "$APPDIR/{SCRIPT}"\nexec {PYTHON} "$@"', "hands the user's arguments"),
        ("exec true", "no launcher"),
    ],
)
def test_open_interpreters(apprun: str, reason: str) -> None:
    found = entries(apprun)
    assert not found.closed
    assert reason in found.reasons[0]


def test_a_program_with_python_inside_is_open() -> None:
    found = entries('exec "$APPDIR/usr/bin/editor"', usr__bin__editor=program("libpython3.11.so.1.0"))
    assert not found.closed
    assert "built in" in found.reasons[0]


def test_declared_entries_join_those_of_a_closed_launcher() -> None:
    found = entries(f'exec {PYTHON} "$APPDIR/{SCRIPT}"', ("app",))
    assert (found.closed, found.modules, found.files) == (True, ("app",), (SCRIPT,))
    assert found.reasons == ("--entry names it", "AppRun starts it")
