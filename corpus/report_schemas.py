"""What the makers of report formats publish to check documents by, each out of the registry package that carries it.

- ``schemas/junit-10.xsd``: the schema of Jenkins' xunit plug-in (MIT), in the source package of pytest, which checks its own reports by it.
- ``schemas/sarif-multitool``: Microsoft's validator of SARIF 2.1.0 (MIT, npm ``@microsoft/sarif-multitool-linux``).  It has OASIS' schema in it, the
  specification's further rules, and those that GitHub states for code scanning (rule kind "Ghas").
- ``schemas/ci-files``: the schemas of a GitHub action and of a GitLab pipeline, which ``check-jsonschema`` (Apache-2.0, PyPI) took from SchemaStore
  and from GitLab.
- ``schemas/spdx-2.3.schema.json``: the SPDX project's JSON schema of SPDX 2.3, which ``lib4sbom`` (Apache-2.0, PyPI) carries. The schema of
  CycloneDX 1.6 is in ``cyclonedx-python-lib``, which the program uses itself.

GitLab's Code Quality report has no published schema, only the documented fields.
"""

from __future__ import annotations

import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from corpus.programs import ProgramFailed, run
from corpus.pypi import Wheel, download_wheel
from corpus.recipe import Bounds, CheckFailed, Digest, Recipe, Unavailable, sha256_of
from corpus.store import scratch_directory

_PYTEST = "pytest==9.0.0"
_JUNIT_MEMBER = "testing/example_scripts/junit-10.xsd"
_JUNIT_SHA256 = "a1a816f58d1bf95ebabf371994df0b9246dee66ea9572fbec4f9296f1b2c0ff6"
_MULTITOOL = "@microsoft/sarif-multitool-linux@5.7.0"
_MULTITOOL_SHA256 = "27d8e3e96dde578a23b7c45035b8d741fece5731e2700aa068015b8c44d1514e"
_CHECK_JSONSCHEMA = Wheel(
    "check_jsonschema-0.39.0-py3-none-any.whl", "14ce5c94871c551268ea948ffe21e9f1464dc48fb20bf9a4c13deeaaf756cf9b"
)
_LIB4SBOM = Wheel(
    "lib4sbom-0.10.4-py3-none-any.whl", "ba6652ac2d0ba767d48f912c762f41ab3843cf5817303082aaa2ee8a1952de04"
)
_SPDX_MEMBER = "lib4sbom/schemas/spdx/2.3-schema.json"
_SPDX_SHA256 = "239208b7ac287b3cf5d9a9af23f9d69863971102a5e1587a27a398b43490b89b"
_CI_SCHEMAS = ("github-actions.json", "gitlab-ci.json")
_VENDORED = "check_jsonschema/builtin_schemas/vendor"


def recipes() -> Iterator[Recipe]:
    """All of them."""
    yield Recipe(
        "schemas/junit-10.xsd", f"JUnit XML as Jenkins reads it; {_PYTEST}", _junit_schema, Digest(_JUNIT_SHA256)
    )
    yield Recipe("schemas/ci-files", f"GitHub actions and GitLab pipelines; {_CHECK_JSONSCHEMA.requirement}", _ci_schemas,
                 Bounds((100_000, 400_000), (2, 2)))  # fmt: skip
    yield Recipe(
        "schemas/spdx-2.3.schema.json", f"SPDX 2.3 as JSON; {_LIB4SBOM.requirement}", _spdx_schema, Digest(_SPDX_SHA256)
    )
    yield Recipe("schemas/sarif-multitool", f"validator of SARIF; npm {_MULTITOOL}", _multitool,
                 Bounds((90_000_000, 130_000_000), (5, 60)), needs=("npm",))  # fmt: skip


def _junit_schema(destination: Path) -> None:
    with scratch_directory() as scratch:
        command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", "download"]
        try:
            run([*command, "--no-deps", "--no-binary=:all:", "--dest", scratch, _PYTEST])
        except ProgramFailed as failure:
            raise Unavailable(f"pip: {str(failure).splitlines()[-1]}") from failure
        with tarfile.open(next(scratch.glob("pytest-*.tar.gz"))) as archive:
            member = next(name for name in archive.getnames() if name.endswith(_JUNIT_MEMBER))
            stream = archive.extractfile(member)
            if stream is None:
                raise CheckFailed(f"{member} is no file")
            destination.write_bytes(stream.read())


def _ci_schemas(destination: Path) -> None:
    destination.mkdir()
    with zipfile.ZipFile(download_wheel(_CHECK_JSONSCHEMA)) as archive:
        for name in _CI_SCHEMAS:
            (destination / name).write_bytes(archive.read(f"{_VENDORED}/{name}"))


def _spdx_schema(destination: Path) -> None:
    with zipfile.ZipFile(download_wheel(_LIB4SBOM)) as archive:
        destination.write_bytes(archive.read(_SPDX_MEMBER))


def _multitool(destination: Path) -> None:
    with scratch_directory() as scratch:
        try:
            run(["npm", "pack", "--silent", _MULTITOOL], directory=scratch)
        except ProgramFailed as failure:
            raise Unavailable(f"npm: {str(failure).splitlines()[-1]}") from failure
        package = next(scratch.glob("*.tgz"))
        digest = sha256_of(package)
        if digest != _MULTITOOL_SHA256:
            raise CheckFailed(f"{_MULTITOOL}: sha256 is {digest}, expected {_MULTITOOL_SHA256}")
        with tarfile.open(package) as archive:
            archive.extractall(scratch, filter="data")
        (scratch / "package").rename(destination)
    (destination / "Sarif.Multitool").chmod(0o755)
