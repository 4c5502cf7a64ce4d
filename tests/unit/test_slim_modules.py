"""What an application does not reach goes, and every trap on the way: what stays because something imports, names or reads it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from inspector.errors import UsageError
from inspector.slim.planning.plan import Plan
from tests.bundles import Content, appdir
from tests.slim_bundles import (
    CLOSED,
    LIB,
    OPEN,
    SCRIPT,
    SITE,
    cached,
    kept_reasons,
    library,
    plan_of,
    program,
    pyc,
    python_bundle,
    removed,
)

DYNLOAD = f"{LIB}/lib-dynload"
WITH_LIBRARIES = CLOSED.replace("exec", 'export LD_LIBRARY_PATH="$APPDIR/usr/lib"\nexec')


def application(script: str, files: Mapping[str, Content], *, apprun: str = CLOSED, **options: object) -> Plan:
    """The plan for an application with this script."""
    return plan_of(python_bundle({SCRIPT: script, **files}, apprun=apprun), **options)


def test_what_nothing_reaches_goes_with_its_bytecode_and_data() -> None:
    files = {
        f"{SITE}/used/__init__.py": "from . import part\n",
        f"{SITE}/used/part.py": "\n",
        f"{SITE}/used/table.csv": "x\n",
        f"{SITE}/spare/__init__.py": "from . import part\n",
        cached(f"{SITE}/spare/__init__.py"): pyc(b"from . import part\n"),
        f"{SITE}/spare/part.py": "\n",
        f"{SITE}/spare/table.csv": "x\n",
        f"{SITE}/spare/templates/page.html": "x\n",
        f"{SITE}/spare-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: spare\nVersion: 1.0\n",
    }
    plan = application("import used\n", files)
    assert plan.closed
    assert plan.roots == (f"{SCRIPT}: AppRun starts it",)
    gone = removed(plan)
    assert {path for path in gone if "/used/" in path} == set()
    assert {path for path in files if "/spare/" in path} <= {path for path in gone if gone[path] == "unreached-modules"}
    assert f"{SITE}/spare" in gone
    assert f"{SITE}/spare-1.0.dist-info/METADATA" not in gone
    assert not removed(plan_of(python_bundle({SCRIPT: "import used\n", **files}, apprun=OPEN)))


def test_tests_that_something_imports_stay() -> None:
    files = {
        f"{SITE}/numpy/__init__.py": "\n",
        f"{SITE}/numpy/_core/__init__.py": "\n",
        f"{SITE}/numpy/_core/tests/__init__.py": "\n",
        f"{SITE}/numpy/_core/tests/_natype.py": "\n",
        f"{SITE}/numpy/_core/tests/test_x.py": "import numpy\n",
        f"{SITE}/numpy/testing/__init__.py": "\n",
        f"{SITE}/scipy/__init__.py": "from numpy._core.tests import _natype\nimport numpy.testing\n",
        f"{SITE}/scipy/tests/test_y.py": "\n",
        f"{SITE}/scipy/tests/data/y.npz": b"x" * 100,
    }
    gone = removed(application("import scipy\n", files))
    assert {path: rule for path, rule in gone.items() if path in files} == {
        f"{SITE}/numpy/_core/tests/test_x.py": "package-tests",
        f"{SITE}/scipy/tests/test_y.py": "package-tests",
        f"{SITE}/scipy/tests/data/y.npz": "package-tests",
    }


def test_a_package_of_the_application_that_is_called_tests_stays() -> None:
    beside = SCRIPT.replace("app.py", "tests/__init__.py")
    files = {beside: "\n", f"{SITE}/tests/__init__.py": "\n"}
    assert not removed(application("import tests\n", files)).keys() & files.keys()


def test_data_that_a_reached_module_names_stays_even_in_a_package_that_goes() -> None:
    files = {
        f"{SITE}/pkg/__init__.py": "from importlib.resources import files\nX = files('pkg.unread') / 'table.csv'\n",
        f"{SITE}/pkg/old/__init__.py": "\n",
        f"{SITE}/pkg/old/units.json": "{}",
        f"{SITE}/pkg/old/unused.bin": b"x",
        f"{SITE}/pkg/reader.py": "\n",
    }
    script = "import pkg\nNAME = 'units.json'\n"
    gone = removed(application(script, files))
    assert f"{SITE}/pkg/old/units.json" not in gone
    assert gone[f"{SITE}/pkg/old/__init__.py"] == gone[f"{SITE}/pkg/old/unused.bin"] == "unreached-modules"


def test_lazy_optional_and_named_imports_count() -> None:
    modules = ("lazy", "optional", "named", "prefixed_one", "prefixed_two", "quoted", "spare")
    files = {f"{SITE}/{name}.py": "\n" for name in modules}
    script = """
import importlib
def later():
    import lazy
try:
    import optional
except ImportError:
    optional = None
importlib.import_module("named")
for number in ("one", "two"):
    importlib.import_module(f"prefixed_{number}")
"""
    gone = removed(application(script, files)).keys() & files.keys()
    assert gone == {f"{SITE}/quoted.py", f"{SITE}/spare.py"}


def test_encodings_stay_although_no_import_names_them() -> None:
    files = {
        f"{LIB}/encodings/idna.py": "\n",
        f"{LIB}/encodings/cp437.py": "\n",
        f"{DYNLOAD}/_codecs_jp.cpython-311-x86_64-linux-gnu.so": library(None),
        f"{DYNLOAD}/_multibytecodec.cpython-311-x86_64-linux-gnu.so": library(None),
    }
    assert not removed(application("\n", files)).keys() & files.keys()


@pytest.mark.parametrize(("script", "stays"), [("import zoneinfo\n", True), ("\n", False)])
def test_time_zones_stay_with_what_reads_them(script: str, stays: bool) -> None:
    zone = f"{SITE}/tzdata/zoneinfo/Europe/Berlin"
    files = {
        f"{LIB}/zoneinfo/__init__.py": "\n",
        f"{SITE}/tzdata/__init__.py": "\n",
        f"{SITE}/tzdata/zoneinfo/__init__.py": "\n",
        f"{SITE}/tzdata/zoneinfo/Europe/__init__.py": "\n",
        zone: b"TZif2",
    }
    assert (zone not in removed(application(script, files))) is stays


def test_tk_goes_with_its_libraries_and_scripts_and_stays_where_a_lazy_import_names_it() -> None:
    files = {
        f"{LIB}/tkinter/__init__.py": "import _tkinter\n",
        f"{DYNLOAD}/_tkinter.cpython-311-x86_64-linux-gnu.so": library(None, "libtk8.6.so", "libtcl8.6.so"),
        "usr/lib/libtk8.6.so": library("libtk8.6.so", "libtcl8.6.so", "libXft.so.2"),
        "usr/lib/libtcl8.6.so": library("libtcl8.6.so"),
        "usr/lib/libXft.so.2": library("libXft.so.2"),
        "usr/share/tcltk/tcl8.6/init.tcl": "x",
        f"{SITE}/plot/__init__.py": "def window():\n    import tkinter\n",
    }
    gone = removed(application("\n", files, apprun=WITH_LIBRARIES))
    assert {path: gone.get(path) for path in files} == {
        f"{LIB}/tkinter/__init__.py": "python-tk",
        f"{DYNLOAD}/_tkinter.cpython-311-x86_64-linux-gnu.so": "python-tk",
        "usr/lib/libtk8.6.so": "unneeded-libraries",
        "usr/lib/libtcl8.6.so": "unneeded-libraries",
        "usr/lib/libXft.so.2": "unneeded-libraries",
        "usr/share/tcltk/tcl8.6/init.tcl": "library-data",
        f"{SITE}/plot/__init__.py": "unreached-modules",
    }
    assert not removed(application("import plot\n", files, apprun=WITH_LIBRARIES)).keys() & files.keys()


PTH = "import os; enabled = True; enabled and __import__('_distutils_hack').add_shim();\n"


def test_installers_go_as_one_with_their_programs_and_the_pth_file_that_serves_them() -> None:
    files = {
        f"{SITE}/pip/__init__.py": "import setuptools\nfrom pip._vendor import certifi\n",
        f"{SITE}/pip/_vendor/certifi/__init__.py": "\n",
        f"{SITE}/pip/_vendor/certifi/cacert.pem": "x",
        f"{SITE}/setuptools/__init__.py": "import pip\n",
        f"{SITE}/_distutils_hack/__init__.py": "def add_shim():\n    import setuptools\n",
        f"{SITE}/distutils-precedence.pth": PTH,
        "usr/bin/pip3": "#!/usr/bin/python3\nimport sys\nfrom pip._internal.cli.main import main\nfrom pip import main\n",
        "usr/bin/tool": "#!/bin/sh\nexec true\n",
        f"{SITE}/pip-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: pip\nVersion: 1\n",
    }
    gone = removed(application("\n", files))
    stay = {"usr/bin/tool", f"{SITE}/pip-1.dist-info/METADATA"}
    assert {path: gone.get(path) for path in files} == {
        path: None if path in stay else "python-installers" for path in files
    }
    needed = application("import pkg_resources\n", {**files, f"{SITE}/pkg_resources.py": "import setuptools\n"})
    assert not removed(needed).keys() & files.keys()


def test_a_group_is_switched_off_by_its_name_and_stays_whole() -> None:
    files = {f"{LIB}/idlelib/__init__.py": "import tkinter\n", f"{LIB}/ensurepip/__init__.py": "\n"}
    assert set(removed(application("\n", files)).values()) >= {"python-idle", "python-ensurepip"}
    gone = removed(application("\n", files, rules_off=("python-idle",)))
    assert f"{LIB}/idlelib/__init__.py" not in gone
    assert f"{LIB}/ensurepip/__init__.py" in gone
    assert f"{LIB}/ensurepip/__init__.py" not in removed(
        application("import venv\n", {**files, f"{LIB}/venv.py": "import ensurepip\n"})
    )


@pytest.mark.parametrize("how", ["keep", "rules_off", "exclude"])
def test_what_stays_all_the_same_keeps_what_it_imports(how: str) -> None:
    files = {
        f"{LIB}/idlelib/__init__.py": "\n",
        f"{LIB}/idlelib/editor.py": "import tkinter\nimport helper\n",
        f"{LIB}/tkinter/__init__.py": "import _tkinter\n",
        f"{DYNLOAD}/_tkinter.cpython-311-x86_64-linux-gnu.so": library(None, "libtk8.6.so"),
        f"{LIB}/helper.py": "\n",
        f"{LIB}/spare.py": "\n",
        "usr/lib/libtk8.6.so": library("libtk8.6.so"),
    }
    assert files.keys() <= removed(application("\n", files, apprun=WITH_LIBRARIES)).keys()
    options = {
        "keep": {"keep": ("*/idlelib",)},
        "rules_off": {"rules_off": ("python-idle",)},
        "exclude": {"exclude": ("python-idle:idlelib",)},
    }[how]
    plan = application("\n", files, apprun=WITH_LIBRARIES, **options)
    assert removed(plan).keys() & files.keys() == {f"{LIB}/spare.py"}
    assert kept_reasons(plan)[f"{LIB}/helper.py"] == "idlelib.editor imports it, which stays"


def test_pythons_own_tests_go_although_a_self_test_of_the_standard_library_names_them() -> None:
    files = {
        f"{LIB}/test/__init__.py": "\n",
        f"{LIB}/test/support/__init__.py": "import tkinter\n",
        f"{LIB}/tkinter/__init__.py": "\n",
        f"{LIB}/util.py": "def _cleanup_tests():\n    from test import support\n",
    }
    gone = removed(application("import util\n", files))
    assert gone[f"{LIB}/test/support/__init__.py"] == "python-tests"
    assert gone[f"{LIB}/tkinter/__init__.py"] == "python-tk"
    files[f"{SITE}/suite.py"] = "from test.support import requires\n"
    plan = application("import util, suite\n", files)
    assert not removed(plan).keys() & files.keys()
    assert "suite imports test" in kept_reasons(plan)[f"{LIB}/test/support/__init__.py"]


def test_lazy_stubs_stay_and_lead_on() -> None:
    files = {
        f"{SITE}/lazy_loader/__init__.py": "def attach_stub(name, path): ...\n",
        f"{SITE}/image/__init__.py": "import lazy_loader\n__getattr__, _, _ = lazy_loader.attach_stub(__name__, __file__)\n",
        f"{SITE}/image/__init__.pyi": "from . import draw\n",
        f"{SITE}/image/draw.py": "\n",
    }
    assert not removed(application("import image\n", files)).keys() & files.keys()


def test_entry_points_that_reached_code_asks_for_stay() -> None:
    files = {
        f"{SITE}/host.py": "from importlib.metadata import entry_points\nfound = entry_points(group='host.plugins')\n",
        f"{SITE}/plugin.py": "\n",
        f"{SITE}/plugin-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: plugin\nVersion: 1\n",
        f"{SITE}/plugin-1.dist-info/RECORD": "plugin.py,,\n",
        f"{SITE}/plugin-1.dist-info/entry_points.txt": "[host.plugins]\none = plugin:main\n",
        f"{SITE}/stray.py": "\n",
    }
    assert removed(application("import host\n", files)).keys() & files.keys() == {f"{SITE}/stray.py"}


def test_extension_modules_that_nothing_imports_go_with_the_libraries_that_only_they_need() -> None:
    files = {
        f"{DYNLOAD}/_curses.cpython-311-x86_64-linux-gnu.so": library(None, "libncursesw.so.6"),
        f"{DYNLOAD}/_ssl.cpython-311-x86_64-linux-gnu.so": library(None, "libssl.so.3"),
        f"{LIB}/ssl.py": "import _ssl\n",
        "usr/lib/libncursesw.so.6": library("libncursesw.so.6", "libtinfo.so.6"),
        "usr/lib/libtinfo.so.6": library("libtinfo.so.6"),
        "usr/lib/libssl.so.3": library("libssl.so.3", "libcrypto.so.3"),
        "usr/lib/libcrypto.so.3": library("libcrypto.so.3"),
        "usr/lib/libnobody.so.1": library("libnobody.so.1"),
    }
    gone = removed(application("import ssl\n", files, apprun=WITH_LIBRARIES))
    assert {path: gone[path] for path in files if path in gone} == {
        f"{DYNLOAD}/_curses.cpython-311-x86_64-linux-gnu.so": "unreached-modules",
        "usr/lib/libncursesw.so.6": "unneeded-libraries",
        "usr/lib/libtinfo.so.6": "unneeded-libraries",
        "usr/lib/libnobody.so.1": "unreached-libraries",
    }


def test_libraries_that_nothing_loads_go_from_an_open_interpreter_too_but_not_its_own() -> None:
    files = {
        "usr/lib/libnobody.so.1": library("libnobody.so.1"),
        "usr/lib/libpython3.11.so.1.0": library("libpython3.11.so.1.0"),
        f"{SITE}/used.py": "\n",
    }
    gone = removed(plan_of(python_bundle(files, apprun=OPEN)))
    assert {path: gone[path] for path in files if path in gone} == {"usr/lib/libnobody.so.1": "unimportable-libraries"}


def test_level_safe_removes_no_module() -> None:
    files = {f"{SITE}/spare.py": "\n", "usr/include/x.h": "x"}
    assert removed(application("\n", files, level="safe")).keys() == {"usr/include/x.h", "usr/include"}


def test_an_entry_closes_an_open_interpreter() -> None:
    files = {SCRIPT: "import used\n", f"{SITE}/used.py": "\n", f"{SITE}/spare.py": "\n"}
    bundle = python_bundle(files, apprun=OPEN)
    assert not plan_of(bundle).closed
    for entry in (SCRIPT, "used"):
        gone = removed(plan_of(bundle, entries=(entry,)))
        assert f"{SITE}/spare.py" in gone
        assert f"{SITE}/used.py" not in gone
    with pytest.raises(UsageError, match="no such file"):
        plan_of(bundle, entries=("missing",))


# -- Qt


QT = f"{SITE}/PyQt5/Qt5"


def qt_files() -> dict[str, Content]:
    """PyQt5 with widgets, QML and two families of plugins."""
    binding = f"{SITE}/PyQt5/{{}}.abi3.so"

    def qt(name: str, *needed: str) -> bytes:
        return library(f"libQt5{name}.so.5", *(f"libQt5{other}.so.5" for other in needed), runpath="$ORIGIN")

    def module(*needed: str) -> bytes:
        return library(None, *(f"libQt5{other}.so.5" for other in needed), runpath="$ORIGIN/Qt5/lib")

    def plugin(*needed: str) -> bytes:
        return library(None, *(f"libQt5{other}.so.5" for other in needed), runpath="$ORIGIN/../../lib")

    return {
        f"{SITE}/PyQt5/__init__.py": "\n",
        binding.format("QtCore"): module("Core"),
        binding.format("QtWidgets"): module("Widgets"),
        binding.format("QtQml"): module("Qml"),
        binding.format("QtMultimedia"): module("Multimedia"),
        f"{QT}/lib/libQt5Core.so.5": qt("Core"),
        f"{QT}/lib/libQt5Gui.so.5": qt("Gui", "Core"),
        f"{QT}/lib/libQt5Widgets.so.5": qt("Widgets", "Gui"),
        f"{QT}/lib/libQt5Qml.so.5": qt("Qml", "Core"),
        f"{QT}/lib/libQt5Quick.so.5": qt("Quick", "Qml", "Gui"),
        f"{QT}/lib/libQt5WebSockets.so.5": qt("WebSockets", "Core"),
        f"{QT}/lib/libQt5Multimedia.so.5": qt("Multimedia", "Gui"),
        f"{QT}/plugins/platforms/libqxcb.so": plugin("Gui"),
        f"{QT}/plugins/platforms/libqwebgl.so": plugin("Gui", "Quick", "WebSockets"),
        f"{QT}/plugins/imageformats/libqjpeg.so": plugin("Gui"),
        f"{QT}/plugins/mediaservice/libgstmediaplayer.so": plugin("Multimedia"),
        f"{QT}/qml/QtQuick/qmldir": "module QtQuick\n",
        f"{QT}/qml/QtQuick/libqtquick2plugin.so": library(None, "libQt5Quick.so.5", runpath="$ORIGIN/../../lib"),
        f"{SITE}/PyQt5/bindings/QtCore/QtCore.toml": "x",
    }


def test_of_qt_stays_what_the_loaded_modules_open() -> None:
    files = qt_files()
    gone = removed(application("from PyQt5 import QtCore, QtWidgets\n", files))
    assert {path.removeprefix(f"{SITE}/PyQt5/"): gone[path] for path in files if path in gone} == {
        "QtQml.abi3.so": "unreached-modules",
        "QtMultimedia.abi3.so": "unreached-modules",
        "Qt5/lib/libQt5Qml.so.5": "unneeded-libraries",
        "Qt5/lib/libQt5Quick.so.5": "unneeded-libraries",
        "Qt5/lib/libQt5WebSockets.so.5": "unneeded-libraries",
        "Qt5/lib/libQt5Multimedia.so.5": "unneeded-libraries",
        "Qt5/plugins/platforms/libqwebgl.so": "qt-plugins",  # it alone would load Quick
        "Qt5/plugins/mediaservice/libgstmediaplayer.so": "qt-plugins",
        "Qt5/qml/QtQuick/qmldir": "qt-qml",
        "Qt5/qml/QtQuick/libqtquick2plugin.so": "qt-qml",
        "bindings/QtCore/QtCore.toml": "qt-developer-files",
    }


def test_qml_stays_whole_where_the_engine_is_loaded() -> None:
    files = qt_files()
    gone = removed(application("from PyQt5 import QtWidgets, QtQml\n", files))
    assert not [path for path in gone if "/qml/" in path or "Quick" in path or "Qml" in path]


def test_an_open_interpreter_keeps_all_of_qt_but_what_a_developer_reads() -> None:
    gone = removed(plan_of(python_bundle({SCRIPT: "\n", **qt_files()}, apprun=OPEN)))
    assert set(gone.values()) == {"qt-developer-files"}


def test_a_program_in_bin_goes_with_the_submodule_that_it_starts() -> None:
    files = {
        f"{SITE}/PyQt5/__init__.py": "\n",
        f"{SITE}/PyQt5/uic/__init__.py": "\n",
        f"{SITE}/PyQt5/uic/pyuic.py": "\n",
        "usr/bin/pyuic5": "#!/usr/bin/env python3\nfrom PyQt5.uic.pyuic import main\n",
        "usr/bin/other": "#!/usr/bin/env python3\nimport PyQt5\n",
        "usr/bin/tool": program(),
    }
    gone = removed(application("import PyQt5\n", files))
    assert gone["usr/bin/pyuic5"] == "unreached-modules"
    assert not {"usr/bin/other", "usr/bin/tool"} & gone.keys()


def test_qt_of_a_program_without_python_is_closed_by_what_it_links() -> None:
    def qt(name: str, *needed: str) -> bytes:
        return library(f"libQt6{name}.so.6", *(f"libQt6{other}.so.6" for other in needed))

    files: dict[str, Content] = {
        "AppRun": '#!/bin/sh\nexport LD_LIBRARY_PATH="$APPDIR/usr/lib"\nexec "$APPDIR/usr/bin/viewer" "$@"\n',
        "usr/bin/viewer": program("libQt6Widgets.so.6"),
        "usr/lib/libQt6Core.so.6": qt("Core"),
        "usr/lib/libQt6Gui.so.6": qt("Gui", "Core"),
        "usr/lib/libQt6Widgets.so.6": qt("Widgets", "Gui"),
        "usr/lib/libQt6Sql.so.6": qt("Sql", "Core"),
        "usr/lib/libpq.so.5": library("libpq.so.5"),
        "usr/lib/libperhaps.so.1": library("libperhaps.so.1"),
        "usr/plugins/platforms/libqxcb.so": library(None, "libQt6Gui.so.6"),
        "usr/plugins/sqldrivers/libqsqlpsql.so": library(None, "libQt6Sql.so.6", "libpq.so.5"),
    }
    gone = removed(plan_of(appdir(files)))
    assert gone == {
        "usr/plugins/sqldrivers/libqsqlpsql.so": "qt-plugins",
        "usr/plugins/sqldrivers": "qt-plugins",
        "usr/lib/libQt6Sql.so.6": "unneeded-libraries",
        "usr/lib/libpq.so.5": "unneeded-libraries",
    }  # what nothing ever needed may be opened by a name that nobody sees
