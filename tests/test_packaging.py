"""The wheel: one top-level name, the data inside, a program that starts; built and installed for real, in an empty environment."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.slow


def call(*command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that is made of the sdist that is made of this checkout, so that the sdist is shown to be complete."""
    pytest.importorskip(
        "hatchling", reason="hatchling is not installed, and a build environment would need the network"
    )
    pytest.importorskip("build", reason="build is not installed")
    source = tmp_path_factory.mktemp("source")
    for name in (
        "inspector",
        "rules",
        "reports",
        "pyproject.toml",
        "README.md",
        "CHANGELOG.md",
        "LICENSE",
        ".gitignore",
    ):
        original = CHECKOUT / name
        if original.is_dir():
            shutil.copytree(original, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(original, source / name)
    for rival in ("corpus", "tests"):  # what must not be taken along, even where it is there
        (source / rival).mkdir()
        (source / rival / "__init__.py").touch()
    call(sys.executable, "-m", "build", "--no-isolation", "--outdir", source / "dist", cwd=source)
    return next((source / "dist").glob("*.whl"))


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty virtual environment with the wheel and nothing that it depends on."""
    directory = tmp_path_factory.mktemp("environment")
    venv.create(directory, with_pip=False)
    call(sys.executable, "-m", "pip", "--python", directory / "bin/python", "install", "--no-deps", "--no-index", wheel)
    return directory


def test_inspector_is_the_only_name_at_the_top(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/", 1)[0] for name in archive.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"inspector"}
    assert len(tops) == 2


def test_inspector_is_the_only_new_name_in_site_packages(environment: Path) -> None:
    (site_packages,) = environment.glob("lib/python3*/site-packages")
    names = {path.name for path in site_packages.iterdir() if not path.name.endswith(".dist-info")}
    assert names - {"__pycache__"} == {"inspector"}


def test_all_data_is_inside_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {
            name.removeprefix("inspector/_data/") for name in archive.namelist() if name.startswith("inspector/_data/")
        }
    expected = {
        path.relative_to(CHECKOUT).as_posix()
        for folder in ("rules", "reports")
        for path in (CHECKOUT / folder).rglob("*")
        if path.is_file() and (folder, "samples") != path.relative_to(CHECKOUT).parts[:2]
    }
    assert {name for name in packed if not name.endswith(".inspector-data")} == {
        name for name in expected if not name.endswith(".inspector-data")
    }
    assert any(name.startswith("rules/") and name.endswith(".toml") for name in packed)
    assert "reports/result-1.schema.json" in packed


def test_the_installed_program_finds_its_data(environment: Path, tmp_path: Path) -> None:
    program = (
        "import inspector; from inspector.resources import data_directory\n"
        "for name in ('rules', 'reports'): print(data_directory(name), sum(path.is_file() for path in data_directory(name).rglob('*')))"
    )
    done = call(environment / "bin/python", "-I", "-c", program, cwd=tmp_path)
    for line, name in zip(done.stdout.splitlines(), ("rules", "reports"), strict=True):
        place, count = line.rsplit(" ", 1)
        assert place.startswith(str(environment))
        assert place.endswith(f"inspector/_data/{name}")
        assert int(count) >= 1


@pytest.mark.parametrize("command", ["inspect", "bundle-inspect"])
def test_both_commands_start_without_any_dependency(environment: Path, command: str, tmp_path: Path) -> None:
    from inspector import __version__

    assert (
        call(environment / "bin" / command, "--version", cwd=tmp_path).stdout
        == f"inspect {__version__} (bundle-inspect)\n"
    )


def test_a_stranger_beside_the_package_is_never_taken_for_our_data(environment: Path, tmp_path: Path) -> None:
    (site_packages,) = environment.glob("lib/python3*/site-packages")
    (site_packages / "rules").mkdir()  # such as another distribution would install
    (site_packages / "rules" / "__init__.py").touch()
    try:
        done = call(
            environment / "bin/python",
            "-c",
            "from inspector.resources import data_directory; print(data_directory('rules'))",
            cwd=tmp_path,
        )
    finally:
        shutil.rmtree(site_packages / "rules")
    assert done.stdout.strip().endswith("inspector/_data/rules")


def test_the_type_marker_is_shipped(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert "inspector/py.typed" in archive.namelist()
