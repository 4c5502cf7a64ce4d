"""Tar archives in every form, Debian and RPM packages, self-extracting scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from corpus.debian import download
from corpus.packages.sample_tree import write_application, write_sparse_file
from corpus.programs import run
from corpus.recipe import Bounds, Recipe
from corpus.store import scratch_directory

_SIZE = (100_000, 4_000_000)
_COMPRESSIONS = {"tar": "", "tar.gz": "gzip", "tar.bz2": "bzip2", "tar.xz": "xz", "tar.zst": "zstd"}
_SPARSE = {
    "gnu-sparse": ("--format=gnu", "--sparse"),
    "pax-sparse-0.0": ("--format=posix", "--sparse", "--sparse-version=0.0"),
    "pax-sparse-0.1": ("--format=posix", "--sparse", "--sparse-version=0.1"),
    "pax-sparse-1.0": ("--format=posix", "--sparse", "--sparse-version=1.0"),
}
_SPEC = """\
Name: sample
Version: 1.2
Release: 3
Summary: A sample application
License: MIT AND GPL-3.0-or-later
AutoReqProv: no
Requires: bash
%define __strip /bin/true
%define _build_id_links none
%description
A sample application.
%files -f files
"""


def recipes() -> Iterator[Recipe]:
    """``packages/sample.<form>``."""
    for suffix, program in _COMPRESSIONS.items():
        yield Recipe(
            f"packages/sample.{suffix}", f"tar, {program or 'not compressed'}", partial(_tar, ["--format=posix"]), Bounds(_SIZE),
            ("tar", *((program,) if program else ())),
        )  # fmt: skip
    yield Recipe(
        "packages/sample-gnu.tar.gz", "tar, GNU's own form", partial(_tar, ["--format=gnu"]), Bounds(_SIZE), ("tar",)
    )
    for name, options in _SPARSE.items():
        yield Recipe(
            f"packages/{name}.tar.gz",
            "tar with a sparse file",
            partial(_sparse_tar, options),
            Bounds((500, 100_000)),
            ("tar",),
        )
    yield Recipe(
        "packages/standalone-python.tar.zst", "the layout of python-build-standalone, made of Debian's Python",
        _standalone_python, Bounds((1_000_000, 60_000_000)), ("tar", "zstd"),
    )  # fmt: skip
    yield Recipe("packages/libgdbm.deb", "a Debian package", _deb, Bounds((20_000, 300_000)))
    for name, payload in {"gzip": "w9.gzdio", "xz": "w6.xzdio", "zstd": "w19.zstdio", "bzip2": "w9.bzdio"}.items():
        yield Recipe(
            f"packages/sample-{name}.rpm",
            f"an RPM package, {name}",
            partial(_rpm, payload),
            Bounds(_SIZE),
            ("rpmbuild",),
        )
    for name in ("gzip", "bzip2", "xz", "nocomp"):
        yield Recipe(
            f"packages/sample-{name}.run", f"makeself, {name}", partial(_makeself, name), Bounds(_SIZE), ("makeself",)
        )
    yield Recipe(
        "packages/installer.sh", "a script with a tar.gz behind its last line", _script, Bounds(_SIZE), ("tar",)
    )


def _tar(options: Sequence[str], destination: Path) -> None:
    with scratch_directory() as scratch:
        write_application(scratch / "sample-1.2")
        # The suffix tells tar the compression
        run(["tar", "--sort=name", "--numeric-owner", *options, "-C", scratch, "-acf", destination, "sample-1.2"])


def _sparse_tar(options: Sequence[str], destination: Path) -> None:
    with scratch_directory() as scratch:
        write_sparse_file(scratch / "sparse")
        (scratch / "plain").write_text("behind it\n", encoding="utf-8")
        run(["tar", *options, "-C", scratch, "-acf", destination, "sparse", "plain"])


def _deb(destination: Path) -> None:
    destination.write_bytes(download(["libgdbm6"])[0].read_bytes())


def _rpm(payload: str, destination: Path) -> None:
    with scratch_directory() as scratch:
        root = scratch / "root"
        write_application(root / "opt/sample")
        odd = [path for path in root.rglob("*") if not path.name.isascii()]  # rpmbuild takes UTF-8 only
        for path in odd:
            path.unlink()
        lines = []
        for path in sorted(root.rglob("*")):
            kind = "%dir " if path.is_dir() and not path.is_symlink() else ""
            lines.append(f'{kind}"/{path.relative_to(root)}"\n')
        (scratch / "BUILD").mkdir()
        (scratch / "BUILD/files").write_text("".join(lines), encoding="utf-8")
        (scratch / "sample.spec").write_text(_SPEC, encoding="utf-8")
        definitions = {"_topdir": scratch, "_binary_payload": payload}
        options = [part for name, value in definitions.items() for part in ("--define", f"{name} {value}")]
        run(["rpmbuild", *options, "--buildroot", root, "--noclean", "-bb", scratch / "sample.spec"])
        built = next((scratch / "RPMS").rglob("*.rpm"))
        destination.write_bytes(built.read_bytes())


def _makeself(compression: str, destination: Path) -> None:
    with scratch_directory() as scratch:
        write_application(scratch / "sample")
        options = [f"--{compression}", "--nox11", "--sha256", "--tar-format", "posix"]
        run(["makeself", *options, scratch / "sample", destination, "Sample", "./start"])


def _script(destination: Path) -> None:
    with scratch_directory() as scratch:
        write_application(scratch / "sample")
        run(["tar", "--format=posix", "-C", scratch, "-czf", scratch / "sample.tar.gz", "sample"])
        text = '#!/bin/sh\nlines=4\ntail -n +$((lines + 1)) "$0" | tar -xz -C "$1"\nexit\n'
        destination.write_bytes(text.encode() + (scratch / "sample.tar.gz").read_bytes())
        destination.chmod(0o755)


def _standalone_python(destination: Path) -> None:
    """``python/PYTHON.json`` and what it names (python-build-standalone, docs/distributions.rst, version 8), of Debian's Python."""
    from corpus.debian import unpack

    with scratch_directory() as scratch:
        files = scratch / "files"
        for package in download(
            ["python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib", "libreadline-dev", "libgdbm-dev"]
        ):
            unpack(package, files)
        python = scratch / "python"
        (python / "install").mkdir(parents=True)
        for name in ("bin", "lib"):
            (files / "usr" / name).rename(python / "install" / name)
        (python / "build/lib").mkdir(parents=True)
        for name in ("libreadline.a", "libgdbm.a"):
            (python / "install/lib/x86_64-linux-gnu" / name).rename(python / "build/lib" / name)
        (python / "licenses").mkdir()
        for name in ("readline", "gdbm", "cpython"):
            (python / f"licenses/LICENSE.{name}.txt").write_text(f"The licence of {name}\n", encoding="utf-8")
        (python / "PYTHON.json").write_text(json.dumps(_description(), indent=2), encoding="utf-8")
        run(["tar", "--format=posix", "-C", scratch, "-acf", destination, "python"])


def _description() -> dict[str, object]:
    def extension(name: str, library: str, license_name: str) -> list[dict[str, object]]:
        return [
            {
                "in_core": False,
                "init_fn": f"PyInit_{name}",
                "license_paths": [f"licenses/LICENSE.{library}.txt"],
                "license_public_domain": False,
                "licenses": [license_name],
                "links": [{"name": library, "path_static": f"build/lib/lib{library}.a"}],
                "objs": [],
                "required": False,
                "variant": "default",
            }
        ]

    return {
        "version": "8",
        "target_triple": "x86_64-unknown-linux-gnu",
        "python_implementation_name": "cpython",
        "python_version": "3.11.2",
        "python_major_minor_version": "3.11",
        "python_exe": "install/bin/python3.11",
        "python_stdlib": "install/lib/python3.11",
        "license_path": "licenses/LICENSE.cpython.txt",
        "licenses": ["Python-2.0", "CNRI-Python"],
        "build_info": {
            "core": {"objs": [], "links": []},
            "extensions": {
                "readline": extension("readline", "readline", "GPL-3.0-or-later"),
                "_gdbm": extension("_gdbm", "gdbm", "GPL-3.0-or-later"),
            },
        },
    }
