"""A small application with a native dependency as a PEX in every layout, as a shiv file, as a zipapp, as a wheel and as a source distribution."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from corpus.frozen.tools import freezer
from corpus.programs import ProgramFailed, run
from corpus.recipe import Bounds, CheckFailed, Recipe, Unavailable
from corpus.store import scratch_directory

_SAYS = "hello &lt;corpus&gt;"
_PROJECT = {
    "pyproject.toml": """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "hello-archives"
version = "1.0"
license = {text = "Apache-2.0"}
dependencies = ["markupsafe==3.0.4"]
[project.scripts]
hello-archives = "hello_archives:main"
[tool.setuptools]
packages = ["hello_archives", "hello_archives.tests"]
""",
    "hello_archives/__init__.py": """\
import sys
import markupsafe, markupsafe._speedups
def main():
    print("hello", markupsafe.escape("<" + (sys.argv[1:] or ["nobody"])[0] + ">"))
""",
    "hello_archives/tests/__init__.py": "",
    "hello_archives/tests/test_hello.py": "def test_nothing():\n    assert True\n" * 900,
}
_ZIPAPP_MAIN = "import sys\nprint('hello &lt;' + sys.argv[1] + '&gt;')\n"


def recipes() -> list[Recipe]:
    """One application in thirteen forms."""
    file, source = Bounds((2_000, 3_000_000)), Bounds((500, 50_000))
    forms: list[tuple[str, str, Callable[[Path], None], Bounds]] = [
        ("pex-zipapp", "a PEX file", partial(_pex, options=()), file),
        ("pex-sh-boot", "a PEX file with a shell header", partial(_pex, options=("--sh-boot",)), file),
        ("pex-wheels", "a PEX file with whole wheels", partial(_pex, options=("--no-pre-install-wheels",)), file),
        ("pex-packed", "a PEX in the packed layout", partial(_pex, options=("--layout", "packed")), Bounds((500_000, 4_000_000), (5, 12))),
        ("pex-loose", "a PEX in the loose layout", partial(_pex, options=("--layout", "loose")), Bounds((2_000_000, 9_000_000), (100, 900))),
        (
            "pex-packed-wheels", "a PEX in the packed layout with whole wheels",
            partial(_pex, options=("--layout", "packed", "--no-pre-install-wheels")), Bounds((500_000, 4_000_000), (5, 12)),
        ),
        (
            "pex-loose-wheels", "a PEX in the loose layout with whole wheels",
            partial(_pex, options=("--layout", "loose", "--no-pre-install-wheels")), Bounds((2_000_000, 9_000_000), (100, 900)),
        ),
        ("shiv", "a shiv file", partial(_shiv, options=()), file),
        ("shiv-no-modify", "a shiv file that checks its files", partial(_shiv, options=("--compile-pyc", "--no-modify")), file),
        ("zipapp", "an archive of zipapp", _zipapp, Bounds((200, 5_000))),
        ("sdist.zip", "a source distribution in a ZIP archive", partial(_setuptools, command=("sdist", "--formats=zip"), made="*.zip"), source),
        ("sdist.tar.gz", "a source distribution", partial(_setuptools, command=("sdist", "--formats=gztar"), made="*.tar.gz"), source),
        ("egg", "an egg", partial(_setuptools, command=("bdist_egg",), made="*.egg"), source),
    ]  # fmt: skip
    return [
        Recipe(f"archives/{name}", summary, build, check, revision=3 if name == "sdist.zip" else 2)
        for name, summary, build, check in forms
    ]


def wheel(directory: Path) -> Path:
    """The application's own wheel, built by pip.

    :raises Unavailable: where pip cannot build it.
    """
    project = _project(directory / "project")
    _run([freezer("pex"), "-m", "pip", "--quiet", "wheel", "--no-deps", "--wheel-dir", directory, project])
    return next(directory.glob("*.whl"))


def _project(directory: Path) -> Path:
    for name, text in _PROJECT.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text, encoding="utf-8")
    return directory


def _pex(result: Path, options: tuple[str, ...]) -> None:
    with scratch_directory() as scratch:
        project = _project(scratch / "project")
        command: list[str | Path] = [freezer("pex"), "-m", "pex", project, "-c", "hello-archives", "--disable-cache"]
        _run([*command, *options, "-o", scratch / "hello.pex"])
        shutil.move(scratch / "hello.pex", result)
    if result.is_dir():
        verify([sys.executable, result / "__main__.py"])
    else:
        verify([sys.executable, result])


def _shiv(result: Path, options: tuple[str, ...]) -> None:
    with scratch_directory() as scratch:
        project = _project(scratch / "project")
        command: list[str | Path] = [freezer("shiv"), "-m", "shiv", "-c", "hello-archives"]
        _run([*command, *options, "-o", scratch / "hello.shiv", project])
        shutil.move(scratch / "hello.shiv", result)
    verify([sys.executable, result])


def _zipapp(result: Path) -> None:
    with scratch_directory() as scratch:
        source = scratch / "source"
        source.mkdir()
        (source / "__main__.py").write_text(_ZIPAPP_MAIN, encoding="utf-8")
        (source / "data.txt").write_text("data\n" * 99, encoding="utf-8")
        _run([sys.executable, "-m", "zipapp", source, "-c", "-p", "/usr/bin/env python3", "-o", result])
    verify([sys.executable, result])


def _setuptools(result: Path, command: tuple[str, ...], made: str) -> None:
    """What a command of setuptools writes; ``bdist_egg`` is in releases before 80."""
    with scratch_directory() as scratch:
        project = _project(scratch / "project")
        program = "from setuptools import setup; setup()"
        try:
            run(
                [freezer("setuptools"), "-c", program, "--quiet", *command, "--dist-dir", scratch / "dist"],
                directory=project,
            )
        except ProgramFailed as failure:
            raise Unavailable(f"setuptools: {str(failure).splitlines()[-1]}") from failure
        shutil.move(next((scratch / "dist").glob(made)), result)


def verify(command: list[str | Path]) -> None:
    """That the program runs and says hello.

    :raises CheckFailed: where it does not.
    """
    with scratch_directory() as home:
        try:
            said = run(
                [*command, "corpus"],
                environment={"PEX_ROOT": str(home / "pex"), "SHIV_ROOT": str(home / "shiv"), "HOME": str(home)},
            )
        except ProgramFailed as failure:
            raise CheckFailed(f"the program does not run: {failure}") from failure
    if said.strip() != _SAYS:
        raise CheckFailed(f"the program says {said!r}")


def _run(command: list[str | Path]) -> None:
    try:
        run(command)
    except ProgramFailed as failure:
        raise Unavailable(f"{command[2]}: {str(failure).splitlines()[-1]}") from failure
