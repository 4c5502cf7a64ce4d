"""Images: OCI and docker, snap, squashfs, XAR, Flatpak; each by its own tool where there is one."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from corpus.debian import download, unpack
from corpus.packages.sample_tree import write_application
from corpus.programs import run
from corpus.pypi import Wheel, download_wheel
from corpus.recipe import Bounds, Recipe, Unavailable
from corpus.squashfs_image import squash
from corpus.store import scratch_directory

_SIZE = (100_000, 5_000_000)
_XAR = Wheel("xar-20.12.2-py2.py3-none-any.whl", "175d063081f82d7828743f45537e15515d935128690351083bfbc277484f5944")

SNAP_YAML = """\
name: sample
version: '1.2'
summary: A sample application
description: |
  Text: with a colon
  - and a dash
architectures:
- amd64
base: core22
confinement: strict
grade: stable
environment:
  LD_LIBRARY_PATH: ${SNAP_LIBRARY_PATH}${SNAP_LIBRARY_PATH:+:}$SNAP/lib
apps:
  sample:
    command: bin/sample --quiet
    plugs: [network, home]
    environment:
      SAMPLE_HOME: $SNAP/share
"""

FLATPAK_METADATA = """\
[Application]
name=org.example.Sample
runtime=org.freedesktop.Platform/x86_64/23.08
sdk=org.freedesktop.Sdk/x86_64/23.08
command=sample

[Context]
shared=network;ipc;
sockets=wayland;
filesystems=home;

[Environment]
SAMPLE_HOME=/app/share
"""


def recipes() -> Iterator[Recipe]:
    """``packages/sample.<form>`` and ``packages/debian.<form>``."""
    yield Recipe(
        "packages/debian.oci", "an OCI image layout of three layers", _oci_layout, Bounds(_SIZE, (7, 40)), ("umoci",)
    )
    yield Recipe("packages/debian.oci.tar", "the same as an archive", _oci_archive, Bounds(_SIZE), ("umoci", "tar"))
    yield Recipe(
        "packages/debian.docker.tar",
        "what docker save wrote before version 25",
        _docker_archive,
        Bounds((100_000, 20_000_000)),
        ("umoci",),
    )
    for compressor in ("xz", "gzip"):
        yield Recipe(
            f"packages/sample-{compressor}.snap",
            f"a snap, {compressor}",
            partial(_snap, compressor),
            Bounds(_SIZE),
            ("mksquashfs",),
        )
    yield Recipe("packages/sample.squashfs", "a squashfs image", _squashfs, Bounds(_SIZE), ("mksquashfs",))
    for compressor in ("zstd", "gzip"):
        yield Recipe(
            f"packages/sample-{compressor}.xar",
            f"a XAR file, {compressor}",
            partial(_xar, compressor),
            Bounds(_SIZE),
            ("mksquashfs",),
        )
    needed = ("flatpak", "ostree")
    yield Recipe("packages/flatpak-build", "a Flatpak build directory", _flatpak_build, Bounds(_SIZE, (10, 40)), needed)
    yield Recipe("packages/sample.flatpak", "a single-file Flatpak bundle", _flatpak_bundle, Bounds(_SIZE), needed)
    yield Recipe(
        "packages/ostree-archive",
        "an OSTree repository, mode archive-z2",
        partial(_ostree, "archive-z2"),
        Bounds(_SIZE, (10, 80)),
        needed,
    )
    yield Recipe(
        "packages/ostree-bare-user",
        "an OSTree repository, mode bare-user",
        partial(_ostree, "bare-user"),
        Bounds(_SIZE, (10, 80)),
        needed,
    )


def _artifact(name: str) -> Path:
    import corpus

    return corpus.artifact(name)


def _oci_layout(destination: Path) -> None:
    """Debian's packages in three layers: the second adds, the third takes a file and a directory away and puts a directory anew."""
    with scratch_directory() as scratch:
        layout, image, bundle = scratch / "layout", f"{scratch}/layout:sample", scratch / "bundle"
        run(["umoci", "init", "--layout", layout])
        run(["umoci", "new", "--image", image])
        run(["umoci", "unpack", "--rootless", "--image", image, bundle])
        root = bundle / "rootfs"
        unpack(download(["libgdbm6"])[0], root)
        (root / "usr/bin").mkdir(parents=True)
        (root / "lib").symlink_to("usr/lib")
        (root / "etc/old/deeper").mkdir(parents=True)
        (root / "etc/old/deeper/file").write_text("below\n", encoding="utf-8")
        (root / "etc/old/file").write_text("below\n", encoding="utf-8")
        _repack(image, bundle)
        unpack(download(["libreadline8"])[0], root)
        shutil.copy(Path("/bin/true").resolve(), root / "usr/bin/sample")
        (root / "usr/bin/sample-2").hardlink_to(root / "usr/bin/sample")
        _repack(image, bundle)
        shutil.rmtree(root / "usr/share/doc/libgdbm6")
        shutil.rmtree(root / "etc/old")
        (root / "etc/old").mkdir()
        (root / "etc/old/new").write_text("above\n", encoding="utf-8")
        (root / "lib/added-through-the-link").write_text("above\n", encoding="utf-8")
        _repack(image, bundle)
        run(["umoci", "config", "--image", image, "--config.entrypoint", "sample", "--config.env", "PATH=/usr/bin"])
        run(["umoci", "config", "--image", image, "--config.env", "LD_LIBRARY_PATH=/opt/lib"])
        run(["umoci", "gc", "--layout", layout])
        layout.rename(destination)


def _repack(image: str, bundle: Path) -> None:
    run(["umoci", "repack", "--refresh-bundle", "--image", image, bundle])


def _oci_archive(destination: Path) -> None:
    run(["tar", "--sort=name", "-C", _artifact("packages/debian.oci"), "-cf", destination, "."])


def _docker_archive(destination: Path) -> None:
    """The layers as ``<id>/layer.tar``, ``manifest.json`` in front (moby, image/spec/v1.2.md)."""
    layout = _artifact("packages/debian.oci")
    index = json.loads((layout / "index.json").read_text(encoding="utf-8"))
    manifest = json.loads(_blob(layout, index["manifests"][0]).read_text(encoding="utf-8"))
    config = _blob(layout, manifest["config"]).read_bytes()
    with scratch_directory() as scratch, tarfile.open(destination, "w") as archive:
        names = []
        for number, layer in enumerate(manifest["layers"]):
            plain = scratch / f"{number}.tar"
            plain.write_bytes(_gunzipped(_blob(layout, layer)))
            name = f"{hashlib.sha256(plain.read_bytes()).hexdigest()}/layer.tar"
            archive.add(plain, name)
            names.append(name)
        config_name = f"{hashlib.sha256(config).hexdigest()}.json"
        listed = [{"Config": config_name, "RepoTags": ["sample:1.2"], "Layers": names}]
        for name, content in ((config_name, config), ("manifest.json", json.dumps(listed).encode())):
            (scratch / "file").write_bytes(content)
            archive.add(scratch / "file", name)


def _blob(layout: Path, descriptor: dict[str, str]) -> Path:
    return layout / "blobs" / descriptor["digest"].replace(":", "/")


def _gunzipped(path: Path) -> bytes:
    import gzip

    return gzip.decompress(path.read_bytes())


def _snap(compressor: str, destination: Path) -> None:
    with scratch_directory() as scratch:
        write_application(scratch / "root")
        (scratch / "root/meta").mkdir()
        (scratch / "root/meta/snap.yaml").write_text(SNAP_YAML, encoding="utf-8")
        squash(scratch / "root", destination, compressor, options=["-no-fragments"])  # as snapcraft pack does


def _squashfs(destination: Path) -> None:
    with scratch_directory() as scratch:
        write_application(scratch / "root")
        squash(scratch / "root", destination, "zstd")


def _xar(compressor: str, destination: Path) -> None:
    with scratch_directory() as scratch:
        write_application(scratch / "root")
        (scratch / "root/share/long-link").unlink()  # make_xar copies what links lead to
        run([sys.executable, "-m", "zipfile", "-e", download_wheel(_XAR), scratch / "xar"])
        command: list[str | Path] = [
            sys.executable,
            "-m",
            "xar.make_xar",
            "--raw",
            scratch / "root",
            "--raw-executable",
            "start",
        ]
        command += ["--xar-compression-algorithm", compressor, "--output", destination]
        run(command, environment={"PYTHONPATH": f"{scratch}/xar"})


def _write_flatpak_build(directory: Path) -> None:
    write_application(directory / "files")
    for path in (directory / "files").rglob("*"):
        if not path.name.isascii():
            path.unlink()  # OSTree takes UTF-8 only
    (directory / "export").mkdir()
    (directory / "metadata").write_text(FLATPAK_METADATA, encoding="utf-8")


def _flatpak_build(destination: Path) -> None:
    _write_flatpak_build(destination)


def _export(scratch: Path) -> Path:
    """A repository with the application in it, by ``flatpak build-export``."""
    _write_flatpak_build(scratch / "build")
    repository = scratch / "repository"
    home = {"HOME": f"{scratch}/home", "XDG_DATA_HOME": f"{scratch}/home"}
    run(["flatpak", "build-export", "--no-update-summary", repository, scratch / "build"], environment=home)
    return repository


def _flatpak_bundle(destination: Path) -> None:
    with scratch_directory() as scratch:
        repository = _export(scratch)
        home = {"HOME": f"{scratch}/home", "XDG_DATA_HOME": f"{scratch}/home"}
        run(["flatpak", "build-bundle", repository, destination, "org.example.Sample"], environment=home)


def _ostree(mode: str, destination: Path) -> None:
    with scratch_directory() as scratch:
        exported = _export(scratch)
        run(["ostree", f"--repo={scratch}/copy", "init", f"--mode={mode}"])
        run(["ostree", f"--repo={scratch}/copy", "pull-local", exported, "app/org.example.Sample/x86_64/master"])
        shutil.rmtree(scratch / "copy/tmp")
        if not (scratch / "copy/refs/heads/app").is_dir():
            raise Unavailable("ostree pull-local did not copy the branch")
        (scratch / "copy").rename(destination)
