"""What a plan removes without an import graph, and every trap on the way: what stays because something reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.artifact import Artifact, open_artifact
from inspector.errors import UsageError
from inspector.facts.collect import collect_facts
from inspector.limits import Limits
from inspector.model import ByteCount
from inspector.slim.options import SlimOptions
from inspector.slim.planning.plan import load_plan, plan_json
from inspector.slim.planning.plan_maker import PlanMaker, make_plan
from inspector.slim.planning.target_digest import check_target, target_digest
from tests.elf_builder import TinyElf
from tests.slim_bundles import (
    LIB,
    SITE,
    actions,
    cached,
    kept_reasons,
    library,
    plan_of,
    program,
    pyc,
    python_bundle,
    removed,
)

ARCHIVE = b"!<arch>\n" + bytes(200)
CONFIG = f"{LIB}/config-3.11-x86_64-linux-gnu"


def test_what_only_a_compiler_reads_goes_and_what_sysconfig_reads_stays() -> None:
    plan = plan_of(
        python_bundle(
            {
                f"{CONFIG}/libpython3.11.a": ARCHIVE,
                f"{CONFIG}/Makefile": "all:\n",
                f"{CONFIG}/python.o": b"\x7fELFxxxx",
                f"{LIB}/_sysconfigdata__linux_x86_64-linux-gnu.py": "build_time_vars = {}\n",
                "usr/include/python3.11/Python.h": "#define X\n",
                "usr/include/python3.11/pyconfig.h": "#define Y\n",
                "usr/include/zlib.h": "#define Z\n",
                "usr/lib/pkgconfig/zlib.pc": "Name: zlib\n",
                "usr/lib/libz.a": ARCHIVE,
                "usr/lib/libz.la": "# libz.la - a libtool library file\n",
                "usr/bin/python3.11-config": "#!/bin/sh\n",
            }
        )
    )
    assert removed(plan) == {
        f"{CONFIG}/libpython3.11.a": "python-build-files",
        f"{CONFIG}/python.o": "python-build-files",
        "usr/include/python3.11/Python.h": "python-headers",
        "usr/include/zlib.h": "development-files",
        "usr/lib/pkgconfig/zlib.pc": "development-files",
        "usr/lib/pkgconfig": "development-files",
        "usr/lib/libz.a": "static-libraries",
        "usr/lib/libz.la": "static-libraries",
        "usr/bin/python3.11-config": "python-build-files",
    }


@pytest.mark.parametrize("package", ["torch", "triton"])
def test_headers_and_static_libraries_stay_beside_a_package_that_compiles(package: str) -> None:
    files = {
        f"{SITE}/{package}/__init__.py": "\n",
        f"{SITE}/{package}/include/ATen.h": "x",
        "usr/lib/libz.a": ARCHIVE,
        "usr/include/python3.11/Python.h": "x",
    }
    plan = plan_of(python_bundle(files))
    assert not removed(plan)
    assert "compiles code while the program runs" in kept_reasons(plan)[f"{SITE}/{package}/include/ATen.h"]


def test_a_file_that_is_called_like_an_archive_and_is_none_stays() -> None:
    plan = plan_of(python_bundle({"usr/share/app/level1.a": b"GAMEDATA", "usr/share/app/lib.a": ARCHIVE}))
    assert removed(plan) == {"usr/share/app/lib.a": "static-libraries"}
    assert kept_reasons(plan)["usr/share/app/level1.a"] == "it is no archive and no object file"


def test_the_standard_librarys_own_tests_go_from_an_open_interpreter_and_its_developer_tools_stay() -> None:
    tests = [
        f"{LIB}/test/__init__.py",
        f"{LIB}/test/support/__init__.py",
        f"{LIB}/test/data/x.txt",
        f"{LIB}/unittest/test/__init__.py",
        f"{LIB}/idlelib/idle_test/__init__.py",
        f"{LIB}/lib2to3/tests/data/bad.py",
        f"{LIB}/lib-dynload/_testcapi.cpython-311-x86_64-linux-gnu.so",
        f"{LIB}/lib-dynload/_ctypes_test.cpython-311-x86_64-linux-gnu.so",
        f"{LIB}/lib-dynload/xxlimited_35.cpython-311-x86_64-linux-gnu.so",
    ]
    stay = [
        f"{LIB}/unittest/__init__.py",
        f"{LIB}/idlelib/__init__.py",
        f"{LIB}/ensurepip/__init__.py",
        f"{LIB}/tkinter/__init__.py",
        f"{LIB}/lib2to3/__init__.py",
        f"{LIB}/lib-dynload/_xxsubinterpreters.cpython-311-x86_64-linux-gnu.so",
        f"{SITE}/numpy/tests/__init__.py",
        f"{SITE}/numpy/testing/__init__.py",
        f"{SITE}/test/__init__.py",  # a package of the application that is called so
        f"{SITE}/tests/__init__.py",
    ]
    files = {path: library(None) if path.endswith(".so") else "X = 1\n" for path in (*tests, *stay)}
    gone = removed(plan_of(python_bundle(files)))
    assert {path for path in tests if gone.get(path) == "python-tests"} == set(tests)
    assert not gone.keys() & set(stay)
    assert f"{LIB}/test" in gone  # the directory is empty and goes too
    assert f"{LIB}/unittest" not in gone


# -- metadata and licence texts


METADATA = f"{SITE}/pkg-1.0.dist-info"


def test_metadata_and_licence_texts_outrank_every_rule_and_the_record_is_rewritten() -> None:
    files = {
        f"{METADATA}/METADATA": "Metadata-Version: 2.1\nName: pkg\nVersion: 1.0\n",
        f"{METADATA}/RECORD": "pkg/__init__.py,,\npkg/native.c,,\npkg-1.0.dist-info/RECORD,,\n",
        f"{METADATA}/entry_points.txt": "[console_scripts]\npkg = pkg:main\n",
        f"{METADATA}/licenses/LICENSE.c": "text\n",
        f"{SITE}/other-1.0.dist-info/RECORD": "other.py,,\n",
        f"{SITE}/other-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: other\nVersion: 1.0\n",
        f"{SITE}/other.py": "\n",
        f"{SITE}/pkg/__init__.py": "\n",
        f"{SITE}/pkg/native.c": "int x;\n",
        "usr/share/doc/libz1/copyright": "zlib\n",
        "usr/share/doc/libz1/changelog.gz": b"\x1f\x8b",
        "usr/share/doc/libz1/COPYING.LIB": "x",
    }
    plan = plan_of(python_bundle(files))
    assert removed(plan) == {
        f"{SITE}/pkg/native.c": "package-sources",
        "usr/share/doc/libz1/changelog.gz": "documentation",
    }
    assert [action.paths for action in actions(plan, "rewrite")] == [(f"{METADATA}/RECORD",)]
    assert kept_reasons(plan)["usr/share/doc/libz1/copyright"] == "it is a licence text"


def test_drop_removes_what_it_names_but_no_licence_text_and_not_the_launcher() -> None:
    files = {
        f"{METADATA}/METADATA": "Metadata-Version: 2.1\nName: pkg\nVersion: 1.0\n",
        f"{METADATA}/LICENSE": "text",
        f"{SITE}/pkg/data/big.bin": b"x" * 5000,
        "usr/share/doc/libz1/copyright": "zlib\n",
    }
    plan = plan_of(python_bundle(files), drop=("*/data/*", "*pkg-1.0.dist-info", "*copyright", "AppRun", "usr/bin/*"))
    gone = removed(plan)
    assert gone[f"{SITE}/pkg/data/big.bin"] == "asked-for"
    assert gone[f"{METADATA}/METADATA"] == "asked-for"
    assert not {"AppRun", "usr/bin/python3.11", f"{METADATA}/LICENSE", "usr/share/doc/libz1/copyright"} & gone.keys()
    assert kept_reasons(plan)["AppRun"] == "it is the launcher"
    assert kept_reasons(plan)["usr/bin/python3.11"] == "the launcher starts it"


def test_keep_outranks_rules_and_drop_and_a_star_crosses_directories() -> None:
    files = {"usr/include/a/x.h": "x", "usr/include/b/x.h": "x", "usr/share/man/man1/x.1": "x"}
    plan = plan_of(python_bundle(files), keep=("usr/*/a/*", "usr/share/man"), drop=("usr/share/man/*",))
    assert removed(plan) == {"usr/include/b/x.h": "development-files", "usr/include/b": "development-files"}
    assert kept_reasons(plan)["usr/share/man/man1/x.1"] == "--keep names it"


# -- stubs and headers that something reads


def test_stubs_go_unless_the_package_reads_them_or_a_completer_is_there() -> None:
    files = {
        f"{SITE}/plain/__init__.py": "X = 1\n",
        f"{SITE}/plain/__init__.pyi": "X: int\n",
        f"{SITE}/plain/py.typed": "",
        f"{SITE}/lazy/__init__.py": "import lazy_loader\n__getattr__, *_ = lazy_loader.attach_stub(__name__, __file__)\n",
        f"{SITE}/lazy/__init__.pyi": "from . import part\n",
    }
    plan = plan_of(python_bundle(files))
    assert removed(plan) == {
        f"{SITE}/plain/__init__.pyi": "package-stubs",
        f"{SITE}/plain/py.typed": "package-stubs",
    }
    assert f"{SITE}/lazy/__init__.py reads" in kept_reasons(plan)[f"{SITE}/lazy/__init__.pyi"]
    files |= {f"{SITE}/jedi/__init__.py": "\n", f"{SITE}/jedi/third_party/typeshed/os.pyi": "x: int\n"}
    assert not removed(plan_of(python_bundle(files)))


def test_headers_of_a_package_stay_where_another_package_asks_for_them() -> None:
    files = {f"{SITE}/numpy/__init__.py": "def get_include(): ...\n", f"{SITE}/numpy/include/array.h": "x"}
    assert f"{SITE}/numpy/include/array.h" in removed(plan_of(python_bundle(files)))
    files[f"{SITE}/runner/__init__.py"] = "import numpy\nflags = numpy.get_include()\n"
    plan = plan_of(python_bundle(files))
    assert not removed(plan)
    assert f"{SITE}/runner/__init__.py asks" in kept_reasons(plan)[f"{SITE}/numpy/include/array.h"]


def test_certificates_and_a_desktops_files_stay_even_in_a_place_that_goes() -> None:
    files = {"usr/share/doc/app/cacert.pem": "x", "usr/share/man/app.png": b"x", "app.png": b"x", "app.desktop": "x"}
    assert removed(plan_of(python_bundle(files))) == {
        "usr/share/man/app.png": "documentation",
        "usr/share/man": "documentation",
    }


# -- libraries and links


def test_libraries_that_only_a_removed_module_needs_go_and_shared_ones_stay() -> None:
    plan = plan_of(
        python_bundle(
            {
                f"{LIB}/lib-dynload/_testcapi.cpython-311-x86_64-linux-gnu.so": library(
                    None, "libonly.so.1", "libboth.so.1"
                ),
                f"{LIB}/lib-dynload/_ssl.cpython-311-x86_64-linux-gnu.so": library(None, "libboth.so.1"),
                "usr/lib/libonly.so.1.2": library("libonly.so.1", "libdeep.so.1"),
                "usr/lib/libdeep.so.1": library("libdeep.so.1"),
                "usr/lib/libboth.so.1": library("libboth.so.1"),
                "usr/lib/libnobody.so.1": library("libnobody.so.1"),
            },
            apprun='#!/bin/sh\nexport LD_LIBRARY_PATH="$APPDIR/usr/lib"\nexec "$APPDIR/usr/bin/python3.11" "$@"\n',
            links={"usr/lib/libonly.so.1": "libonly.so.1.2"},
        )
    )
    gone = removed(plan)
    assert gone["usr/lib/libonly.so.1.2"] == gone["usr/lib/libdeep.so.1"] == "unneeded-libraries"
    assert gone["usr/lib/libonly.so.1"] == "unneeded-libraries"  # the link would lead nowhere
    assert "usr/lib/libboth.so.1" not in gone
    assert gone["usr/lib/libnobody.so.1"] == "unimportable-libraries"


def test_a_library_that_a_kept_file_names_stays() -> None:
    files = {
        f"{LIB}/lib-dynload/_testcapi.cpython-311-x86_64-linux-gnu.so": library(None, "libonly.so.1"),
        "usr/lib/libonly.so.1": library("libonly.so.1"),
    }
    apprun = '#!/bin/sh\nexport LD_LIBRARY_PATH="$APPDIR/usr/lib"\nexec "$APPDIR/usr/bin/python3.11" "$@"\n'
    assert "usr/lib/libonly.so.1" in removed(plan_of(python_bundle(files, apprun=apprun)))
    by_python = {f"{SITE}/opener.py": "import ctypes.util\nfound = ctypes.util.find_library('only')\n"}
    plan = plan_of(python_bundle({**files, **by_python}, apprun=apprun))
    assert "usr/lib/libonly.so.1" not in removed(plan)
    assert kept_reasons(plan)["usr/lib/libonly.so.1"] == f"{SITE}/opener.py names it"
    by_code = {"usr/bin/helper": program() + b"\0libonly.so.1\0"}
    assert "usr/lib/libonly.so.1" not in removed(plan_of(python_bundle({**files, **by_code}, apprun=apprun)))
    unrelated = {f"{SITE}/other.py": "words = ['only']\n"}  # it opens no library
    assert "usr/lib/libonly.so.1" in removed(plan_of(python_bundle({**files, **unrelated}, apprun=apprun)))


def test_a_library_that_a_rule_takes_is_given_back_where_something_needs_it() -> None:
    files = {
        "usr/bin/tool": program("libodd.so.1"),
        "usr/include/libodd.so.1": library("libodd.so.1", "libfar.so.1"),
        "usr/include/libfar.so.1": library("libfar.so.1"),
        "usr/include/odd.h": "x",
    }
    apprun = '#!/bin/sh\nexport LD_LIBRARY_PATH="$APPDIR/usr/include"\nexec "$APPDIR/usr/bin/tool"\n'
    plan = plan_of(python_bundle(files, apprun=apprun))
    assert removed(plan) == {"usr/include/odd.h": "development-files"}
    assert kept_reasons(plan)["usr/include/libodd.so.1"] == "usr/bin/tool needs it"


def test_a_kept_link_keeps_its_target() -> None:
    artifact = python_bundle({"usr/include/x.h": "x"}, links={"usr/share/app/x.h": "../../include/x.h"})
    assert removed(plan_of(artifact)).keys() >= {"usr/include/x.h", "usr/share/app/x.h"}
    plan = plan_of(artifact, keep=("usr/share/app/x.h",))
    assert not removed(plan)
    assert "usr/share/app/x.h is a link to it" in kept_reasons(plan)["usr/include/x.h"]


# -- options


def test_rules_are_switched_by_name_and_what_one_would_take_goes_under_no_other() -> None:
    artifact = python_bundle({"usr/include/python3.11/Python.h": "x", "usr/share/man/x.1": "x"})
    assert "usr/include/python3.11/Python.h" not in removed(plan_of(artifact, rules_off=("python-headers",)))
    assert "usr/share/man/x.1" in removed(plan_of(artifact, rules_off=("python-headers",)))
    with pytest.raises(UsageError, match="no prune rule 'python-header'"):
        plan_of(artifact, rules_on=("python-header",))


@pytest.mark.parametrize("options", [{"level": "aggressive"}, {"bytecode": "hot"}])
def test_what_needs_a_trace_is_refused_without_one(options: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="there is no trace"):
        plan_of(python_bundle({}), **options)


def test_an_excluded_action_is_left_out_and_nothing_else_takes_its_files() -> None:
    artifact = python_bundle({"usr/include/python3.11/Python.h": "x", "usr/include/x.h": "x"})
    key = next(action.key for action in plan_of(artifact).actions if action.rule == "python-headers")
    gone = removed(plan_of(artifact, exclude=(key,)))
    assert "usr/include/python3.11/Python.h" not in gone
    assert "usr/include/x.h" in gone


def _budget_bundle() -> Artifact:
    return python_bundle(
        {
            "usr/include/big.h": b"x" * 30_000,
            "usr/lib/libz.a": ARCHIVE + bytes(10_000),
            "usr/share/locale/fr/LC_MESSAGES/a.mo": b"m" * 20_000,
        }
    )


def test_a_budget_is_met_with_the_least_risk() -> None:
    artifact = _budget_bundle()
    whole = plan_of(artifact, languages=("de",))
    total = whole.target.size.stored
    assert {action.rule for action in whole.actions} >= {"development-files", "static-libraries", "translations"}
    enough = plan_of(artifact, languages=("de",), budget=total - 25_000)
    assert [action.rule for action in actions(enough, "remove")] == ["development-files"]
    assert enough.predicted.stored <= total - 25_000
    assert enough.budget_gap == 0
    asked = plan_of(artifact, languages=("de",), budget=total - 25_000, drop=("usr/lib/libz.a",))
    assert "asked-for" in {action.rule for action in actions(asked, "remove")}
    more = plan_of(artifact, languages=("de",), budget=total - 35_000)
    assert {action.rule for action in actions(more, "remove")} == {"development-files", "static-libraries"}
    assert more.predicted.stored <= total - 35_000


def test_a_budget_that_cannot_be_met_tells_the_gap() -> None:
    plan = plan_of(_budget_bundle(), languages=("de",), budget=100)
    assert plan.budget_gap == plan.predicted.stored - 100 > 0


# -- the document


def test_the_plan_is_the_same_every_time_and_adds_up(tmp_path: Path) -> None:
    artifact = _budget_bundle()
    first, second = plan_of(artifact), plan_of(artifact)
    assert plan_json(first) == plan_json(second)
    saved = sum((action.saves for action in first.actions), ByteCount())
    assert first.target.size.raw - saved.raw == first.predicted.raw
    assert all(action.reasons and action.refuted_by for action in first.actions)
    (tmp_path / "plan.json").write_bytes(plan_json(first))
    assert load_plan(tmp_path / "plan.json") == first
    maker = PlanMaker(artifact, collect_facts(artifact, Limits()), SlimOptions(), Limits())
    assert plan_json(maker.plan()) == plan_json(maker.plan()) == plan_json(first)


def test_a_plan_is_refused_for_another_input(tmp_path: Path) -> None:
    for name, text in (("one", "x"), ("two", "y"), ("same", "x")):
        (tmp_path / name / "usr").mkdir(parents=True)
        (tmp_path / name / "AppRun").write_text("#!/bin/sh\n")
        (tmp_path / name / "usr/data").write_text(text)
    with open_artifact(tmp_path / "one") as one:
        plan = make_plan(one, collect_facts(one, Limits()), SlimOptions(), Limits())
        assert plan.target.digest == target_digest(one)
        check_target(plan, one)
    with open_artifact(tmp_path / "same") as same:
        check_target(plan, same)
    with open_artifact(tmp_path / "two") as two, pytest.raises(UsageError, match="made for another input"):
        check_target(plan, two)
    (tmp_path / "same/usr/data").chmod(0o600)
    with open_artifact(tmp_path / "same") as same, pytest.raises(UsageError, match="made for another input"):
        check_target(plan, same)


def test_a_bundle_without_python_is_planned_too() -> None:
    plan = plan_of(python_bundle({"usr/include/x.h": "x"}, apprun="#!/bin/sh\nexec /bin/true\n", stdlib=False))
    assert "usr/include/x.h" in removed(plan)


# -- what is no removal


def test_search_paths_of_a_build_machine_become_relative() -> None:
    build = "/home/me/build/lib"
    files = {
        "usr/bin/tool": TinyElf(
            interpreter="/lib64/ld-linux-x86-64.so.2", program=True, needed=("libown.so.1",), runpath=f"{build}:/opt/x"
        ),
        "usr/lib/libown.so.1": library("libown.so.1", runpath=build),
        "usr/lib/libsystem.so.1": library("libsystem.so.1", runpath="/usr/lib/x86_64-linux-gnu"),
        "usr/lib/liblost.so.1": library("liblost.so.1", "libnowhere.so.7", runpath=build),  # its only way to it
    }
    apprun = '#!/bin/sh\nexport LD_LIBRARY_PATH="$APPDIR/usr/lib"\nexec "$APPDIR/usr/bin/tool"\n'
    repaired = actions(plan_of(python_bundle(files, apprun=apprun)), "search-path")
    details = {path: text for action in repaired for path, text in action.details.items()}
    assert details == {"usr/bin/tool": "runpath:$ORIGIN/../lib:/opt/x", "usr/lib/libown.so.1": "runpath:"}


def test_equal_files_share_one_but_not_sources_of_different_times() -> None:
    files = {
        "usr/share/app/a.bin": b"data" * 3000,
        "usr/share/app/b.bin": b"data" * 3000,
        f"{SITE}/one.py": "# same\n" * 400,
        f"{SITE}/two.py": "# same\n" * 400,
    }
    artifact = python_bundle(files)
    other = artifact.tree.get(f"{SITE}/two.py")
    assert other is not None
    other.mtime = 5
    (action,) = actions(plan_of(artifact), "share")
    assert action.paths == ("usr/share/app/a.bin", "usr/share/app/b.bin")
    assert action.saves == ByteCount(raw=12_000, stored=12_000)


def test_unwanted_licences_go_with_the_optional_modules_that_need_them() -> None:
    dynload = f"{LIB}/lib-dynload"
    apprun = '#!/bin/sh\nexport LD_LIBRARY_PATH="$APPDIR/usr/lib"\nexec "$APPDIR/usr/bin/python3.11" "$@"\n'
    files = {
        f"{dynload}/readline.cpython-311-x86_64-linux-gnu.so": library(None, "libreadline.so.8"),
        f"{dynload}/_gdbm.cpython-311-x86_64-linux-gnu.so": library(None, "libgdbm.so.6"),
        f"{dynload}/_curses.cpython-311-x86_64-linux-gnu.so": library(None, "libtinfo.so.6"),
        f"{LIB}/dbm/__init__.py": "\n",
        f"{LIB}/dbm/gnu.py": "from _gdbm import *\n",
        "usr/lib/libreadline.so.8": library("libreadline.so.8", "libtinfo.so.6"),
        "usr/lib/libtinfo.so.6": library("libtinfo.so.6"),
        "usr/lib/libgdbm.so.6": library("libgdbm.so.6", "libleft.so.1"),
        "usr/lib/libleft.so.1": library("libleft.so.1"),
    }
    assert not removed(plan_of(python_bundle(files, apprun=apprun)))
    gone = removed(plan_of(python_bundle(files, apprun=apprun), drop_licenses=("GPL-3.0",)))
    assert gone == {
        f"{dynload}/readline.cpython-311-x86_64-linux-gnu.so": "dropped-licenses",
        f"{dynload}/_gdbm.cpython-311-x86_64-linux-gnu.so": "dropped-licenses",
        f"{LIB}/dbm/gnu.py": "dropped-licenses",  # it imports _gdbm without a choice
        "usr/lib/libreadline.so.8": "dropped-licenses",
        "usr/lib/libgdbm.so.6": "dropped-licenses",
        "usr/lib/libleft.so.1": "unneeded-libraries",
    }
    files["usr/bin/shell"] = program("libreadline.so.8")
    plan = plan_of(python_bundle(files, apprun=apprun), drop_licenses=("GPL-3.0",))
    assert "usr/lib/libreadline.so.8" not in removed(plan)
    assert any("usr/bin/shell needs usr/lib/libreadline.so.8" in kept.reason for kept in plan.kept)


def test_libraries_of_the_host_go_on_request_although_something_needs_them() -> None:
    files = {
        "usr/bin/tool": program("libGL.so.1", "libstdc++.so.6"),
        "usr/lib/libGL.so.1": library("libGL.so.1"),
    }
    apprun = '#!/bin/sh\nexport LD_LIBRARY_PATH="$APPDIR/usr/lib"\nexec "$APPDIR/usr/bin/tool"\n'
    assert not removed(plan_of(python_bundle(files, apprun=apprun)))
    gone = removed(plan_of(python_bundle(files, apprun=apprun), fix_portability=True))
    assert gone["usr/lib/libGL.so.1"] == "host-libraries"
    assert "usr/lib/libGL.so.1" in removed(plan_of(python_bundle(files, apprun=apprun), drop=("*/libGL.so.1",)))


def test_bytecode_follows_its_source() -> None:
    source = f"{LIB}/test/support.py"
    plan = plan_of(python_bundle({source: "X = 1\n", cached(source): pyc(b"X = 1\n")}))
    assert removed(plan)[cached(source)] == "python-tests"


def test_a_wheel_keeps_what_others_check_and_compile_against() -> None:
    files = {
        "pkg/__init__.py": "\n",
        "pkg/__init__.pyi": "x: int\n",
        "pkg/lib/libpkg.a": b"!<arch>\n",
        "pkg/py.typed": "",
    }
    artifact = python_bundle(files, stdlib=False)
    assert {"pkg/__init__.pyi", "pkg/lib/libpkg.a"} <= removed(plan_of(artifact)).keys()
    artifact.format = "wheel"
    assert not set(files) & removed(plan_of(artifact)).keys()
