"""AppImages that others built: from Debian source packages, and from the directory ``../shared`` where the project is developed."""

from __future__ import annotations

import shutil
import tarfile
import tomllib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from corpus.debian import source_tarball
from corpus.recipe import Digest, Recipe, Unavailable

CATALOGUE = Path(__file__).with_suffix(".toml")
SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "corpus" / "appimages"


def recipes() -> Iterator[Recipe]:
    """One recipe a file, named ``<family>/<file name>`` as the catalogue beside this module lists them."""
    for family, content in tomllib.loads(CATALOGUE.read_text(encoding="utf-8")).items():
        for file in content["files"]:
            name = file["name"]
            if "package" in content:
                member = f"{content['directory']}/{name}"
                build = partial(_from_source_package, content["package"], content["version"], member)
                needs: tuple[str, ...] = ("apt-get",)
            else:
                build, needs = partial(_from_shared, name), ()
            yield Recipe(f"{family}/{name}", file["summary"], build, Digest(file["sha256"]), needs)


def _from_source_package(package: str, version: str, member: str, destination: Path) -> None:
    with tarfile.open(source_tarball(package, version)) as tarball:
        for entry in tarball:
            if entry.isfile() and entry.name.split("/", 1)[-1] == member:
                content = tarball.extractfile(entry)
                assert content is not None
                destination.write_bytes(content.read())
                destination.chmod(entry.mode & 0o777)
                return
    raise Unavailable(f"the source package {package} no longer carries {member}")


def _from_shared(name: str, destination: Path) -> None:
    if not (SHARED / name).is_file():
        raise Unavailable(f"{name} is kept in ../shared/corpus/appimages beside the checkout, which is not here")
    shutil.copyfile(SHARED / name, destination)
    destination.chmod(0o755)
