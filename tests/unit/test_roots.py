"""What counts as a root, in whose process it is loaded, and why."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

import corpus
from inspector.artifact import open_artifact
from inspector.facts.binaries.elf_objects import read_elf_objects
from inspector.facts.launchers.launcher import read_launcher
from inspector.facts.loading.opened_libraries import find_opened_libraries, names_in_data
from inspector.facts.loading.roots import Root, find_roots
from inspector.limits import Limits
from inspector.resources import load_table
from tests.bundles import Content, appdir
from tests.elf_builder import EM_AARCH64, TinyElf
from tests.unit.test_launcher import SHARUN_FILES

LOADER = "/lib64/ld-linux-x86-64.so.2"


def program(*needed: str, loader: str = LOADER, machine: int = 62) -> bytes:
    return TinyElf(interpreter=loader, program=True, needed=(*needed, "libc.so.6"), machine=machine).build()


def library(soname: str | None = None, *needed: str, machine: int = 62) -> bytes:
    return TinyElf(soname=soname, needed=needed, machine=machine).build()


def roots_of(files: Mapping[str, Content], **options: object) -> dict[str, Root]:
    artifact = appdir(files, **options)  # type: ignore[arg-type]
    objects = read_elf_objects(artifact, Limits())
    return {root.path: root for root in find_roots(objects, artifact.tree, read_launcher(artifact))}


APPRUN = '#!/bin/sh\nexport QT_PLUGIN_PATH="$APPDIR/opt/qt"\nexec "$APPDIR/usr/bin/app" "$@"\n'


def test_programs_are_entries_by_who_starts_them() -> None:
    roots = roots_of(
        {
            "AppRun": APPRUN,
            "app.desktop": "[Desktop Entry]\nExec=app\n[Desktop Action Edit]\nExec=edit --new\n",
            "usr/bin/app": program(),
            "usr/bin/edit": '#!/bin/sh\nexec "$APPDIR/usr/lib/edit/edit.bin"\n',
            "usr/lib/edit/edit.bin": program(),
            "usr/bin/wrapper": '#!/bin/sh\n"$APPDIR/usr/lib/helper" &\n',
            "usr/lib/helper": program(),
            "usr/bin/stray": program(),
        }
    )
    assert {path: (root.role, root.reason) for path, root in roots.items()} == {
        "usr/bin/app": ("entry", "is started by AppRun"),
        "usr/lib/edit/edit.bin": ("entry", "is started by usr/bin/edit, which app.desktop names"),
        "usr/lib/helper": ("optional", "is started by usr/bin/wrapper"),
        "usr/bin/stray": ("optional", "is a program that the launcher does not start"),
    }
    assert all(root.program == path for path, root in roots.items())


def test_programs_of_sharun_run_by_the_bundles_loader() -> None:
    plugin = {"shared/lib/gio/modules/libgiox.so": library("libgiox.so")}
    roots = roots_of({**SHARUN_FILES, **plugin})
    assert roots["shared/bin/app"].loader == "shared/lib/ld-linux-x86-64.so.2"
    assert roots["shared/bin/tool"].loader == "shared/lib/ld-linux-x86-64.so.2"
    assert roots["shared/lib/gio/modules/libgiox.so"].loader == "shared/lib/ld-linux-x86-64.so.2"
    assert roots["shared/lib/gio/modules/libgiox.so"].role == "plugin"


INTERPRETERS: dict[str, Content] = {
    "AppRun": '#!/bin/sh\nexec "$APPDIR/usr/bin/python3.11" "$@"\n',
    "usr/bin/python3.11": program(),
    "opt/python3.13t/bin/python3.13t": program(),
    "opt/host/app": program("libpython3.12.so.1.0"),
}


@pytest.mark.parametrize(
    ("path", "interpreter"),
    [
        ("usr/lib/python3.11/site-packages/a.cpython-311-x86_64-linux-gnu.so", "usr/bin/python3.11"),
        ("opt/anything/a.cpython-311-x86_64-linux-gnu.so", "usr/bin/python3.11"),
        ("opt/host/a.cpython-312-x86_64-linux-gnu.so", "opt/host/app"),
        ("usr/lib/python3.11/site-packages/a.cpython-313t-x86_64-linux-gnu.so", "opt/python3.13t/bin/python3.13t"),
        ("usr/lib/python3.11/site-packages/a.abi3.so", "usr/bin/python3.11"),
        ("opt/host/lib/python3.12/site-packages/a.abi3.so", "opt/host/app"),
        ("opt/python3.13t/lib/python3.13t/site-packages/a.so", "opt/python3.13t/bin/python3.13t"),
        ("usr/lib/python3.11/lib-dynload/a.so", "usr/bin/python3.11"),
    ],
)
def test_extension_modules_belong_to_the_interpreter_that_fits(path: str, interpreter: str) -> None:
    root = roots_of({**INTERPRETERS, path: library()})[path]
    assert (root.role, root.program, root.reason) == ("extension", interpreter, f"is imported by {interpreter}")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (
            "usr/lib/python3.11/site-packages/a.cpython-310-x86_64-linux-gnu.so",
            "is for CPython 3.10, and the bundle has",
        ),
        (
            "usr/lib/python3.11/site-packages/a.cpython-313-x86_64-linux-gnu.so",
            "is for CPython 3.13, and the bundle has",
        ),
        ("usr/lib/python3.11/site-packages/a.pypy310-pp73-x86_64-linux-gnu.so", "is for PyPy 3.10, and the bundle has"),
        (
            "usr/lib/python3.11/site-packages/a.cpython-311-x86_64-linux-musl.so",
            "is for CPython 3.11, and the bundle has",
        ),
        ("usr/lib/python3.11/lib-dynload/_testcapi.cpython-311-x86_64-linux-gnu.so", "is a module for tests"),
        ("usr/lib/python3.11/lib-dynload/xxlimited.cpython-311-x86_64-linux-gnu.so", "is a module for tests"),
        ("usr/lib/python3.11/site-packages/p/tests/a.cpython-311-x86_64-linux-gnu.so", "is a module for tests"),
    ],
)
def test_modules_that_nobody_imports_are_optional(path: str, reason: str) -> None:
    root = roots_of({**INTERPRETERS, path: library()})[path]
    assert root.role == "optional"
    assert root.reason.startswith(reason)


def test_the_more_exact_suffix_hides_the_other_and_foreign_machines_are_told() -> None:
    packages = "usr/lib/python3.11/site-packages"
    roots = roots_of(
        {
            **INTERPRETERS,
            f"{packages}/a.abi3.so": library(),
            f"{packages}/a.cpython-311-x86_64-linux-gnu.so": library(),
            f"{packages}/a.cpython-310-x86_64-linux-gnu.so": library(),
            f"{packages}/b.abi3.so": library(machine=EM_AARCH64),
        }
    )
    assert roots[f"{packages}/a.cpython-311-x86_64-linux-gnu.so"].role == "extension"
    assert roots[f"{packages}/a.abi3.so"].reason.startswith("is passed over")
    assert roots[f"{packages}/b.abi3.so"].reason == "is for aarch64, and no interpreter of the bundle is"


def test_modules_without_an_interpreter_wait_for_the_hosts() -> None:
    root = roots_of({"a.cpython-311-x86_64-linux-gnu.so": library(), "b.so": library()}, launcher=None)
    module = root["a.cpython-311-x86_64-linux-gnu.so"]
    assert (module.role, module.program) == ("extension", None)


def test_plugin_folders_by_catalogue_environment_and_settings() -> None:
    roots = roots_of(
        {
            "AppRun": APPRUN,
            "usr/bin/app": program(),
            "usr/bin/qt.conf": "[Paths]\nPrefix = ../share/qt\nPlugins = modules\n",
            "usr/plugins/platforms/libqxcb.so": library(),
            "opt/qt/styles/libkvantum.so": library(),
            "usr/share/qt/modules/tls/libqx.so": library(),
            "usr/lib/sasl2/libplain.so.3": library(),
            "usr/lib/security/pam_x.so": library(),
            "usr/lib/libplain.so.1": library("libplain.so.1"),
        }
    )
    told = {path: root.reason for path, root in roots.items() if root.role == "plugin"}
    assert told == {
        "usr/plugins/platforms/libqxcb.so": "is a plugin of Qt platform plugins",
        "opt/qt/styles/libkvantum.so": "lies below QT_PLUGIN_PATH, where Qt looks",
        "usr/share/qt/modules/tls/libqx.so": "lies in a folder that usr/bin/qt.conf names",
        "usr/lib/security/pam_x.so": "is a plugin of PAM",
    }  # no libsasl2 is in the bundle, so nobody opens plugins of Cyrus SASL
    assert roots["opt/qt/styles/libkvantum.so"].program == "usr/bin/app"


def test_what_a_cache_does_not_list_is_never_opened() -> None:
    folder = "usr/lib/gdk-pixbuf-2.0/2.10.0"
    roots = roots_of(
        {
            "AppRun": APPRUN,
            "usr/bin/app": program(),
            f"{folder}/loaders.cache": '# made by gdk-pixbuf-query-loaders\n"/x/libpixbufloader-png.so"\n"png" 5 "gdk-pixbuf"\n',
            f"{folder}/loaders/libpixbufloader-png.so": library(),
            f"{folder}/loaders/libpixbufloader-svg.so": library(),
        }
    )
    assert roots[f"{folder}/loaders/libpixbufloader-png.so"].role == "plugin"
    svg = roots[f"{folder}/loaders/libpixbufloader-svg.so"]
    assert (svg.role, svg.reason) == (
        "optional",
        f"is not listed in {folder}/loaders.cache, so GdkPixbuf never opens it",
    )


def test_libraries_that_are_opened_by_name() -> None:
    files: dict[str, Content] = {
        "AppRun": APPRUN,
        "usr/bin/app": program("libSDL2-2.0.so.0", "libnss3.so"),
        "usr/lib/libSDL2-2.0.so.0": library("libSDL2-2.0.so.0", "libc.so.6"),
        "usr/lib/libXcursor.so.1": library("libXcursor.so.1"),
        "usr/lib/libpulse.so.0": library("libpulse.so.0"),
        "usr/lib/libnss3.so": library("libnss3.so"),
        "usr/lib/libsoftokn3.so": library("libsoftokn3.so"),
    }
    roots = roots_of(files)
    assert (roots["usr/lib/libXcursor.so.1"].role, roots["usr/lib/libpulse.so.0"].role) == ("optional", "plugin")
    assert roots["usr/lib/libpulse.so.0"].reason == "is opened by usr/lib/libSDL2-2.0.so.0 (sound)"
    assert roots["usr/lib/libsoftokn3.so"].reason == "is a plugin of Mozilla NSS"
    artifact = appdir(files)
    opened = find_opened_libraries(read_elf_objects(artifact, Limits()))
    required = [found.sonames for found in opened if found.priority == "required"]
    assert required == [("libsoftokn3.so",), ("libfreeblpriv3.so", "libfreebl3.so")]


def test_preloaded_libraries_are_roots() -> None:
    roots = roots_of(
        {
            "AppRun": '#!/bin/sh\nexport LD_PRELOAD="$APPDIR/usr/lib/hook.so:libother.so"\nexec "$APPDIR/usr/bin/app"\n',
            "usr/bin/app": program(),
            "usr/lib/hook.so": library(),
        }
    )
    assert roots["usr/lib/hook.so"] == Root(
        "usr/lib/hook.so", "plugin", "usr/bin/app", "is loaded before all others (LD_PRELOAD)"
    )


def test_every_entry_of_the_tables_says_where_it_is_from() -> None:
    for entry in load_table("libraries/plugins.toml")["plugin"]:
        assert entry["source"]
        assert ("path" in entry) != ("names" in entry)
        assert entry.get("role", "plugin") in ("plugin", "optional")
    for entry in load_table("libraries/opened.toml")["opened"]:
        assert entry["source"].startswith("https://")
        assert entry["sonames"]
        assert entry["priority"] in ("required", "recommended", "suggested")


@pytest.mark.corpus
def test_roots_of_a_real_application() -> None:
    try:
        path = corpus.artifact("pyqt5-widgets.AppDir")
    except corpus.Unavailable as reason:
        pytest.skip(str(reason))
    with open_artifact(str(path), Limits()) as artifact:
        objects = read_elf_objects(artifact, Limits())
        roots = find_roots(objects, artifact.tree, read_launcher(artifact))
        assert [root.path for root in roots if root.role == "entry"] == ["usr/bin/python3.11"]
        modules = [root for root in roots if root.role == "extension"]
        assert len(modules) > 50
        assert {root.program for root in modules} == {"usr/bin/python3.11"}
        assert any(root.path.endswith("/platforms/libqxcb.so") and root.role == "plugin" for root in roots)
        assert any("_testcapi" in root.path and root.role == "optional" for root in roots)
        assert len({root.path for root in roots}) == len(roots)
        x11 = next(found for found in objects if found.elf.soname == "libX11.so.6")
        assert [found.sonames for found in names_in_data(x11, artifact.tree)] == [("libXcursor.so.1",)]


def test_what_the_format_itself_opens_is_a_root_and_its_python_judges_the_modules() -> None:
    artifact = appdir(
        {
            "starter": program(),
            "libpython3.11.so.1.0": library("libpython3.11.so.1.0"),
            "lib-dynload/_json.cpython-311-x86_64-linux-gnu.so": library(),
            "lib-dynload/_old.cpython-310-x86_64-linux-gnu.so": library(),
            "libother.so": library("libother.so"),
        }
    )
    objects = read_elf_objects(artifact, Limits())
    opened = ("starter", "libpython3.11.so.1.0", "not-there.so")
    roots = {root.path: root for root in find_roots(objects, artifact.tree, read_launcher(artifact), opened)}
    assert (roots["starter"].role, roots["starter"].reason) == (
        "entry",
        "is started by the starter of the bundle's own format",
    )
    python = roots["libpython3.11.so.1.0"]
    assert (python.role, python.program) == ("entry", "starter")
    module = roots["lib-dynload/_json.cpython-311-x86_64-linux-gnu.so"]
    assert (module.role, module.program) == ("extension", "libpython3.11.so.1.0")
    assert roots["lib-dynload/_old.cpython-310-x86_64-linux-gnu.so"].role == "optional"
    assert "libother.so" not in roots
