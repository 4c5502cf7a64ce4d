"""Where members lie at run time, as the beginning of every path that messages write."""

from __future__ import annotations

import pytest

from inspector.artifact import Artifact, Tree
from inspector.artifact.artifact import RuntimeLayout
from inspector.facts.collect import collect_facts
from inspector.facts.loading.run_time_paths import mount_of
from inspector.limits import Limits
from tests.bundles import appdir
from tests.elf_builder import TinyElf


def root_of(format_name: str, **layout: object) -> str:
    return mount_of(Artifact("App", format_name, None, 0, Tree([]), RuntimeLayout(**layout))).root  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("place", "root"),
    [
        ("/tmp/_MEIxxxxxx", "/tmp/_MEIxxxxxx"),
        ("//var//tmp/./_MEIxxxxxx", "/var/tmp/_MEIxxxxxx"),
        ("~/.shiv/app", "$HOME/.shiv/app"),
        ("{TEMP}/onefile_{PID}_{TIME}", "${TEMP}/onefile_{PID}_{TIME}"),
        ("$TMPDIR/selfgz*", "$TMPDIR/selfgz*"),
        ("site-packages", "$ROOT"),
        ("./_MEIxxxxxx", "$ROOT"),
        ("a directory for each, below ~/.cache", "$ROOT"),
        ("/tmp/a:b/_MEIxxxxxx", "$ROOT"),
        ("/tmp/a;b", "$ROOT"),
        ("", "$ROOT"),
    ],
)
def test_members_of_what_unpacks_itself_lie_where_its_format_says(place: str, root: str) -> None:
    assert root_of("pyinstaller", members_at=place, launcher="bootloader") == root


def test_others() -> None:
    assert root_of("appimage-2", launcher="AppRun") == root_of("appdir") == "$APPDIR"
    assert root_of("tar", launcher="App-1.0/AppRun") == "$APPDIR"
    assert (
        root_of("tar", launcher="start.sh") == root_of("directory") == root_of("cx_freeze", launcher="hello") == "$ROOT"
    )
    assert root_of("flatpak", file_system_root=True, members_at="/app", launcher="app/bin/hello") == ""


def test_run_time_paths_lead_back_into_the_tree() -> None:
    mount = mount_of(Artifact("App", "shiv", None, 0, Tree([]), RuntimeLayout(members_at="~/.shiv/app")))
    assert mount.run_time("lib/a.so") == "$HOME/.shiv/app/lib/a.so"
    assert mount.tree_path("$HOME/.shiv/app/lib/../lib/a.so") == "lib/a.so"
    assert mount.tree_path("$HOME/.shiv/apple/a.so") is None
    assert mount.tree_path("/usr/lib/a.so") is None


def test_variables_of_the_starter_lead_to_plugins_wherever_the_members_lie() -> None:
    """A snap's environment names its own directory, and so do the roots: what Qt opens below it is a plugin."""
    artifact = appdir(
        {"bin/app": TinyElf(program=True).build(), "own/libstyle.so": TinyElf(soname="libstyle.so").build()}
    )
    artifact.format = "snap"
    artifact.layout = RuntimeLayout(
        launcher="bin/app", environment={"QT_PLUGIN_PATH": "{root}/own"}, members_at="/snap/app/current"
    )
    facts = collect_facts(artifact, Limits())
    roots = {root.path: root.reason for root in facts.graph.roots}
    assert roots["own/libstyle.so"] == "lies below QT_PLUGIN_PATH, where Qt looks"
