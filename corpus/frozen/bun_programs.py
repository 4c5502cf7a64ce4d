"""Programs that Bun compiled: the runtime with a script in it, appended (until 1.1) or in a section of its own (1.4)."""

from __future__ import annotations

import tarfile
from functools import partial
from pathlib import Path

from corpus.programs import ProgramFailed, run
from corpus.recipe import Bounds, CheckFailed, Recipe, Unavailable, sha256_of
from corpus.store import scratch_directory

_RELEASES = {
    "1.4.5": "0c72edca57b0cbf0a07a242daf0ea8ea96711827f042b80a1c383ce1cc51c771",
    "1.1.30": "c15c1776dc4acf2f1dee31b9d7e5e3d37cab60a17766d327825e52e74577d7c4",
}
"""SHA-256 of the npm package ``@oven/bun-linux-x64``, by release."""
_SCRIPT = 'console.log("hello", ...process.argv.slice(2));\n'


def recipes() -> list[Recipe]:
    """One program of each release."""
    return [
        Recipe(
            f"frozen/bun-{version}",
            f"a program compiled by Bun {version}",
            partial(_build, version=version),
            Bounds((80_000_000, 140_000_000)),
            needs=("npm",),
        )
        for version in _RELEASES
    ]


def _build(result: Path, version: str) -> None:
    package_name = f"@oven/bun-linux-x64@{version}"
    with scratch_directory() as scratch:
        try:
            run(["npm", "pack", "--silent", package_name], directory=scratch)
        except ProgramFailed as failure:
            raise Unavailable(f"npm: {str(failure).splitlines()[-1]}") from failure
        package = next(scratch.glob("*.tgz"))
        digest = sha256_of(package)
        if digest != _RELEASES[version]:
            raise CheckFailed(f"{package_name}: sha256 is {digest}, expected {_RELEASES[version]}")
        with tarfile.open(package) as archive:
            archive.extractall(scratch, filter="data")
        bun = scratch / "package/bin/bun"
        bun.chmod(0o755)
        (scratch / "hello.js").write_text(_SCRIPT, encoding="utf-8")
        environment = {"BUN_INSTALL": str(scratch / "home"), "HOME": str(scratch), "DO_NOT_TRACK": "1"}
        try:
            run(
                [bun, "build", "--compile", "hello.js", "--outfile", scratch / "hello"],
                directory=scratch,
                environment=environment,
            )
        except ProgramFailed as failure:
            raise Unavailable(f"bun: {str(failure).splitlines()[-1]}") from failure
        said = run([scratch / "hello", "corpus"])
        if said != "hello corpus\n":
            raise CheckFailed(f"the program says {said!r}")
        (scratch / "hello").rename(result)
