"""Modules, edges and reachability of small bundles in memory; each case is a way of importing."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

import pytest

from inspector.artifact import Artifact
from inspector.errors import UsageError
from inspector.facts.binaries.elf_objects import read_elf_objects
from inspector.facts.launchers.launcher import read_launcher
from inspector.facts.python.distributions import collect_python_distributions
from inspector.facts.python.imports import collect_imports
from inspector.facts.python.reachability import Reachability
from inspector.limits import Limits
from tests.bundles import Content
from tests.elf_builder import TinyElf
from tests.slim_bundles import CLOSED, LIB, OPEN, SCRIPT, SITE, library, python_bundle

TAG = "cpython-311-x86_64-linux-gnu"


def reached(
    script: str,
    packages: Mapping[str, Content],
    *,
    apprun: str = CLOSED,
    entries: tuple[str, ...] = (),
    **more: Content,
) -> Reachability:
    """The answer for an application with these files below site-packages (a path that begins with "/" is the tree's)."""
    files: dict[str, Content] = {SCRIPT: script} if apprun == CLOSED else {}
    for path, content in {**packages, **more}.items():
        files[path[1:] if path.startswith("/") else f"{SITE}/{path}"] = content
    return answer(python_bundle(files, apprun=apprun), entries)


def answer(artifact: Artifact, entries: tuple[str, ...] = ()) -> Reachability:
    """The answer for an opened bundle."""
    distributions = collect_python_distributions(artifact.tree).distributions
    objects = read_elf_objects(artifact, Limits())
    return collect_imports(artifact, read_launcher(artifact), objects, distributions, entries=entries)


def names(found: Reachability) -> set[str]:
    """Reached modules of site-packages."""
    return {module.name for module in found.modules if not module.standard_library and not module.loose}


def unreached(found: Reachability) -> set[str]:
    return {module.name for module in found.unreached()}


def dist_info(name: str, files: tuple[str, ...], *, metadata: str = "", entry_points: str = "") -> dict[str, Content]:
    """A distribution with a record."""
    base = f"{name}-1.dist-info"
    record = "".join(f"{path},,\n" for path in (*files, f"{base}/METADATA", f"{base}/entry_points.txt"))
    return {
        f"{base}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n{metadata}\n",
        f"{base}/entry_points.txt": entry_points,
        f"{base}/RECORD": record,
    }


# -- statements ----------------------------------------------------------------------------------------------------------------------------


def test_a_package_brings_its_parents_and_no_siblings() -> None:
    found = reached(
        "import a.b.c", {"a/__init__.py": "", "a/b/__init__.py": "", "a/b/c.py": "", "a/b/d.py": "", "e.py": ""}
    )
    assert names(found) == {"a", "a.b", "a.b.c"}
    assert unreached(found) == {"a.b.d", "e"}


def test_relative_imports_and_submodules_by_from() -> None:
    found = reached(
        "from a import b",
        {
            "a/__init__.py": "",
            "a/b/__init__.py": "from . import c\nfrom ..d import x",
            "a/b/c.py": "",
            "a/d.py": "",
            "a/e.py": "",
        },
    )
    assert names(found) == {"a", "a.b", "a.b.c", "a.d"}


def test_a_star_takes_what_all_names() -> None:
    found = reached("from a import *", {"a/__init__.py": '__all__ = ["b", "x"]', "a/b.py": "", "a/c.py": ""})
    assert names(found) == {"a", "a.b"}


def test_imports_below_main_count_for_the_started_script_alone() -> None:
    guarded = 'if __name__ == "__main__":\n    import b'
    assert names(reached(f"import a\n{guarded}", {"a.py": "", "b.py": ""})) == {"a", "b"}
    assert names(reached("import a", {"a.py": guarded, "b.py": ""})) == {"a"}


def test_type_checking_is_no_import() -> None:
    assert names(reached("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import a", {"a.py": ""})) == set()


def test_lazy_and_optional_imports_count() -> None:
    found = reached(
        "def f():\n    import a\ntry:\n    import b\nexcept ImportError:\n    pass", {"a.py": "", "b.py": ""}
    )
    assert {edge.target.name: edge.kind for edge in found.edges.values() if edge.target.name in "ab"} == {
        "a": "lazy",
        "b": "optional",
    }


# -- names that are values -----------------------------------------------------------------------------------------------------------------


def test_a_constant_name() -> None:
    assert names(reached('import importlib\nimportlib.import_module("a.b")', {"a/__init__.py": "", "a/b.py": ""})) == {
        "a",
        "a.b",
    }


@pytest.mark.parametrize(
    "call", ['f"a.plugins.{x}"', '"a.plugins." + x', '"a.plugins.%s" % x', '"a.plugins.{}".format(x)']
)
def test_the_beginning_of_a_name_means_the_whole_package(call: str) -> None:
    files = {
        "a/__init__.py": "",
        "a/plugins/__init__.py": "",
        "a/plugins/b.py": "",
        "a/c.py": "",
        "a/plugins/tests/__init__.py": "",
    }
    assert names(reached(f"import_module({call})", files)) == {"a", "a.plugins", "a.plugins.b"}


def test_a_name_that_nothing_tells_means_the_package_around_it() -> None:
    files = {
        "a/__init__.py": "",
        "a/b/__init__.py": "import_module(x)",
        "a/b/c.py": "",
        "a/d.py": "",
        "a/b/tests/t.py": "",
    }
    assert names(reached("import a.b", files)) == {"a", "a.b", "a.b.c"}


def test_a_table_of_lazy_attributes() -> None:
    package = 'TABLE = {"X": ".b", "Y": "a.c"}\ndef __getattr__(name):\n    return getattr(import_module(TABLE[name], __name__), name)'
    found = reached("import a", {"a/__init__.py": package, "a/b.py": "", "a/c.py": "", "a/d.py": ""})
    assert names(found) == {"a", "a.b", "a.c"}


def test_an_import_in_a_getattr_waits_for_the_attribute() -> None:
    package = 'def __getattr__(name):\n    if name == "b":\n        import a.b as b\n        return b\n    if name == "c":\n        import a.c as c'
    files = {"a/__init__.py": package, "a/b.py": "", "a/c.py": ""}
    assert names(reached("import a", files)) == {"a"}
    assert names(reached("import a\na.b.run()", files)) == {"a", "a.b"}
    assert names(reached('import a\ngetattr(a, "c")', files)) == {"a", "a.c"}
    assert names(reached("import z, a", {**files, "z.py": "import y", "y.py": "x.b"})) == {"a", "a.b", "y", "z"}


def test_a_function_that_imports_for_its_callers_and_theirs() -> None:
    files = {
        "a/__init__.py": "",
        "a/optional.py": "def need(name):\n    return import_module(name)\ndef want(which):\n    return need(which)",
        "a/user.py": 'from a.optional import want\nwant("b")',
        "b.py": "",
        "c.py": "",
    }
    assert names(reached("import a.user", files)) == {"a", "a.optional", "a.user", "b"}


def test_a_lazy_loader_reads_the_stub() -> None:
    files: dict[str, Content] = {
        "a/__init__.py": "import lazy_loader\n__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)",
        "a/__init__.pyi": "from . import b\nfrom .c import x",
        "a/b.py": "",
        "a/c.py": "",
        "a/d.py": "",
        "lazy_loader.py": "",
    }
    found = reached("import a", files)
    assert names(found) == {"a", "a.b", "a.c", "lazy_loader"}
    assert found.data_reference(f"{SITE}/a/__init__.pyi") == "a reads it as its stub"


def test_code_in_strings_counts_where_something_runs_code() -> None:
    assert names(reached('exec("import a")', {"a.py": ""})) == {"a"}
    assert names(reached('HELP = "import a"', {"a.py": ""})) == set()


def test_programs_that_are_started_by_dash_m() -> None:
    found = reached(
        'subprocess.run([sys.executable, "-m", "a"])', {"a/__init__.py": "", "a/__main__.py": "import b", "b.py": ""}
    )
    assert names(found) == {"a", "a.__main__", "b"}


def test_pkgutil_lists_the_package() -> None:
    files = {
        "a/__init__.py": "import pkgutil\nfor x in pkgutil.iter_modules(__path__): pass",
        "a/b.py": "",
        "a/c/d.py": "",
        "e.py": "",
    }
    assert names(reached("import a", files)) >= {"a", "a.b", "a.c.d"}


def test_entry_points_of_a_group_that_is_asked_for() -> None:
    files: dict[str, Content] = {
        "host.py": 'from importlib.metadata import entry_points\nentry_points(group="host.plugins")',
        "plugin.py": "",
        "command.py": "",
        **dist_info(
            "plugin",
            ("plugin.py", "command.py"),
            entry_points="[host.plugins]\nx = plugin:main\n[console_scripts]\nc = command:main\n",
        ),
    }
    assert names(reached("import host", files)) == {"host", "plugin"}


# -- places --------------------------------------------------------------------------------------------------------------------------------


def test_what_is_vendored_is_found_by_its_short_name() -> None:
    files = {"a/__init__.py": "import sys\nsys.path.append(x)\nimport six", "a/_vendor/six.py": "", "a/b.py": ""}
    assert "a._vendor.six" in names(reached("import a", files))


def test_modules_beside_the_script_and_elsewhere_are_loose() -> None:
    found = reached(
        "import helper, far",
        {"/usr/share/app/helper.py": "import a", "/opt/lib/far.py": "import b", "a.py": "", "b.py": ""},
    )
    assert names(found) == {"a", "b"}
    assert found.why_imported("usr/share/app/helper.py")
    assert not any(module.loose for module in found.unreached())


def test_pth_files_add_places_and_run_code() -> None:
    files = {"x.pth": "sub\nimport a; a.install()\n/outside\n", "sub/b.py": "", "a.py": "", "c.py": ""}
    assert names(reached("import b", files)) == {"a", "b"}


def test_namespace_packages() -> None:
    found = reached("import ns.a", {"ns/a.py": "", "ns/b.py": ""})
    assert {"ns", "ns.a"} <= names(found)
    assert unreached(found) == {"ns.b"}


def test_a_standard_library_in_an_archive() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("os.py", "encodings/__init__.py", "json/__init__.py"):
            archive.writestr(name, "import a" if name.startswith("json") else "")
    artifact = python_bundle(
        {"usr/lib/python311.zip": stream.getvalue(), "usr/lib/a.py": "", "usr/lib/b.py": "", SCRIPT: "import json"},
        apprun=CLOSED,
        stdlib=False,
    )
    found = answer(artifact)
    assert found.reaches("json")
    assert found.reaches("a")
    assert not found.reaches("b")


def test_bytecode_belongs_to_its_source() -> None:
    files: dict[str, Content] = {
        "a.py": "",
        "__pycache__/a.cpython-311.pyc": b"x",
        "__pycache__/a.cpython-311.opt-1.pyc": b"x",
    }
    found = reached("import os", files)
    module = next(module for module in found.unreached() if module.name == "a")
    assert module.files == tuple(sorted(f"{SITE}/{path}" for path in files))
    assert found.why_imported(f"{SITE}/__pycache__/a.cpython-311.pyc") is None


# -- binaries ------------------------------------------------------------------------------------------------------------------------------


def extension(data: bytes) -> bytes:
    """A shared object with bytes that no section header describes."""
    return TinyElf(needed=("libc.so.6",)).build() + b"\0" + data + b"\0"


def test_an_extension_module_imports_by_strings() -> None:
    files: dict[str, Content] = {
        f"a.{TAG}.so": extension(b"b.c\0nonsense\0__pyx_\0d"),
        "b/__init__.py": "",
        "b/c.py": "",
        "d.py": "",
        "e.py": "",
    }
    assert names(reached("import a", files)) >= {"a", "b", "b.c"}
    assert "e" not in names(reached("import a", files))


def test_packed_strings_of_cython() -> None:
    """Cython 3.2 compresses its strings, one behind the other; names of the own distribution are found in them."""
    text = zlib.compress(b"some textpkg.helper_valuepkg.other" + b"." * 40)
    files: dict[str, Content] = {
        "pkg/__init__.py": "",
        f"pkg/fast.{TAG}.so": extension(b"__pyx_capi__\0" + text),
        "pkg/helper.py": "",
        "pkg/unused.py": "",
        **dist_info("pkg", ("pkg/__init__.py", f"pkg/fast.{TAG}.so", "pkg/helper.py", "pkg/unused.py")),
    }
    assert names(reached("import pkg.fast", files)) == {"pkg", "pkg.fast", "pkg.helper"}


def test_a_library_is_no_module() -> None:
    """A plain .so among packages is a module only with an init function; otherwise nobody may remove it as one."""
    files: dict[str, Content] = {
        "a/__init__.py": "",
        "a/libthing.so": library("libthing.so"),
        "a/plain.so": TinyElf(exports=(("PyInit_plain", None),)).build(),
    }
    assert unreached(reached("import os", files)) == {"a", "a.plain"}


def test_bytecode_alone_keeps_its_distribution_and_what_that_requires() -> None:
    files: dict[str, Content] = {
        "a/__init__.pyc": b"\xa7\r\r\n" + b"\0" * 12 + b"code",
        "a/b.pyc": b"\xa7\r\r\n" + b"\0" * 12 + b"z\x03c.d",
        "needed.py": "",
        "other.py": "",
        "c/__init__.py": "",
        "c/d.py": "",
        **dist_info("a", ("a/__init__.pyc", "a/b.pyc"), metadata="Requires-Dist: Needed (>=1)\n"),
        **dist_info("needed", ("needed.py",)),
    }
    assert names(reached("import a", files)) == {"a", "a.b", "needed", "c", "c.d"}


def test_a_source_beside_an_extension_module_is_read() -> None:
    files: dict[str, Content] = {f"a.{TAG}.so": extension(b""), "a.py": "import b", "b.py": ""}
    assert names(reached("import a", files)) == {"a", "b"}


# -- answers -------------------------------------------------------------------------------------------------------------------------------


def test_the_chain_tells_the_way() -> None:
    found = reached("\nimport a", {"a.py": "def f():\n    import b", "b.py": ""})
    assert found.chain("b") == (
        f"{SCRIPT}: AppRun starts it",
        f"{SCRIPT} imports a (line 2)",
        "a imports b inside a function (line 2)",
    )
    assert found.why_imported(f"{SITE}/b.py") == "a imports b inside a function (line 2)"
    assert found.chain("nothing") == ()


def test_an_open_interpreter_reaches_everything() -> None:
    found = reached("", {"a.py": "", "b.py": ""}, apprun=OPEN)
    assert not found.closed
    assert names(found) == {"a", "b"}
    assert list(found.unreached()) == []
    assert found.chain("a") == ("a: AppRun hands the user's arguments to usr/bin/python3.11",)


def test_entries_close_an_open_interpreter() -> None:
    files = {"a/__init__.py": "", "a/__main__.py": "import c", "b.py": "", "c.py": "", "/usr/share/x.py": "import b"}
    assert names(reached("", files, apprun=OPEN, entries=("a",))) == {"a", "a.__main__", "c"}
    assert names(reached("", files, apprun=OPEN, entries=("usr/share/x.py",))) == {"b"}
    assert names(reached("", files, apprun=OPEN, entries=("a:main", "b"))) == {"a", "a.__main__", "b", "c"}
    with pytest.raises(UsageError, match="nothing"):
        reached("", files, apprun=OPEN, entries=("nothing",))


def test_imported_distributions() -> None:
    files: dict[str, Content] = {
        "a.py": "",
        "b.py": "",
        **dist_info("a", ("a.py",)),
        **dist_info("b", ("b.py",)),
        **dist_info("data", ("data.txt",)),
        "data.txt": "",
    }
    artifact = python_bundle(
        {SCRIPT: "import a", **{f"{SITE}/{path}": content for path, content in files.items()}}, apprun=CLOSED
    )
    distributions = collect_python_distributions(artifact.tree).distributions
    assert answer(artifact).imported_distributions(distributions) == {"a": True, "b": False, "data": None}


def test_data_that_code_names() -> None:
    files: dict[str, Content] = {
        "a/__init__.py": 'open(os.path.join(os.path.dirname(__file__), "units.json"))\nfiles("a") / "templates"\nglob("*.dat")',
        "a/units.json": "",
        "a/templates/x/page.html": "",
        "a/table.dat": "",
        "a/other.bin": "",
        "b/__init__.py": '"silent.txt"',
        "b/silent.txt": "",
    }
    found = reached("import a", files)
    assert found.data_reference(f"{SITE}/a/units.json") == "a names units.json"
    assert found.data_reference(f"{SITE}/a/templates/x/page.html") == "a names templates"
    assert found.data_reference(f"{SITE}/a/table.dat") == "a reads files that end in .dat"
    assert found.data_reference(f"{SITE}/a/other.bin") is None
    assert found.may_read_data(f"{SITE}/a/other.bin") == "a opens files beside its code"
    assert found.data_reference(f"{SITE}/b/silent.txt") is None


def test_distutils_brings_setuptools_where_its_hook_is_read() -> None:
    files = {
        "distutils-precedence.pth": "import os; enabled and __import__('_distutils_hack').add_shim();",
        "_distutils_hack/__init__.py": "import setuptools",
        "setuptools/__init__.py": "",
        "setuptools/_distutils/__init__.py": "",
        f"/{LIB}/distutils/__init__.py": "",
    }
    assert names(reached("import os", files)) == {"_distutils_hack"}
    assert names(reached("import distutils", files)) == {"_distutils_hack", "setuptools", "setuptools._distutils"}


# -- hostile trees -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\3\4 broken",
        b"PK\5\6" + b"\0" * 18,
        struct.pack("<4s18x", b"PK\5\6") + b"x" * 40,
        b"\x7fELF" + b"\xff" * 60,
    ],
)
def test_broken_files_are_passed_over(content: bytes) -> None:
    files: dict[str, Content] = {
        "/usr/lib/python311.zip": content,
        f"a.{TAG}.so": content,
        "b.py": content,
        "c.pyc": content,
        "d.pth": content,
    }
    found = reached("import a, b, c", files)
    assert {"a", "b", "c"} <= names(found)


def test_circles_and_deep_packages_end() -> None:
    deep = "/".join("p" for _ in range(150))
    files: dict[str, Content] = {
        "a.py": "import b",
        "b.py": "import a",
        f"{deep}/m.py": "from " + "." * 200 + " import x",
    }
    found = reached("import a\nimport " + deep.replace("/", ".") + ".m", files)
    assert {"a", "b"} <= names(found)


def test_a_bundle_without_python() -> None:
    found = answer(python_bundle({}, stdlib=False, apprun="#!/bin/sh\nexec true\n"))
    assert list(found.modules) == []
