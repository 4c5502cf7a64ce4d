"""Root directories of real Debian releases, made by debootstrap when they are first asked for.

``<suite>`` is debootstrap's smallest variant, ``<suite>-desktop`` a copy of it with the libraries that a desktop brings, ``<suite>-arm64`` the
unpacked packages of the smallest variant for 64-bit ARM, and ``musl-<suite>`` nothing but musl as that release packages it.  They lie in the
corpus's cache below ``truth/trees``.  The mirror is the one that this machine's own apt is configured with.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Sequence
from pathlib import Path

from corpus import debian
from corpus.programs import ProgramFailed, require, run
from corpus.recipe import Unavailable
from corpus.store import BUILD_VARIABLE, cache_directory, locked, remove

SUITES = ("bullseye", "bookworm", "trixie", "testing")
DESKTOP = "-desktop"
ARM64 = "-arm64"
MUSL = "musl-"
SYSTEMS = (*SUITES, *(f"{suite}{DESKTOP}" for suite in SUITES))
MUSL_SYSTEMS = ("musl-bullseye", "musl-bookworm", "musl-trixie")
ARM64_SYSTEMS = ("bullseye-arm64", "bookworm-arm64", "trixie-arm64")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

DESKTOP_PACKAGES = (
    "libgl1",
    "libegl1",
    "libgles2",
    "libopengl0",
    "libx11-6",
    "libx11-xcb1",
    "libxcb1",
    "libxext6",
    "libxrender1",
    "libxi6",
    "libxkbcommon0",
    "libxkbcommon-x11-0",
    "libwayland-client0",
    "libwayland-cursor0",
    "libwayland-egl1",
    "libglib2.0-0",
    "libfontconfig1",
    "libfreetype6",
    "libdbus-1-3",
    "libasound2",
    "libpulse0",
    "libnss3",
    "libcups2",
    "libsm6",
    "libice6",
    "libpulse-mainloop-glib0",
    "libxcomposite1",
    "libxdamage1",
    "libxfixes3",
    "libxrandr2",
    "libxtst6",
    "libdrm2",
    "libgbm1",
    "libreadline8",
    "libgssapi-krb5-2",
    "libexpat1",
    "libfuse2",
    "fuse3",
)
"""Names of Debian 11 and 12.  Later releases renamed some for 64-bit time ("libglib2.0-0t64") and dropped others, which are left out there."""


def why_impossible() -> str | None:
    """Why no tree can be made or asked on this machine; None where it can."""
    if os.geteuid() != 0:
        return "the real loaders run in a chroot, and that needs root"
    if platform.machine() != "x86_64":
        return f"the trees are for x86-64, and this machine is {platform.machine()}"
    return None


def tree_path(name: str) -> Path:
    """Where a tree lies once it is made."""
    return cache_directory() / "truth/trees" / name


def tree(name: str) -> Path:
    """The root directory of a tree, made first when it is not there (one to three minutes, 200 to 700 MB).

    :raises Unavailable: without root or debootstrap, or where the mirror does not serve the suite.
    """
    reason = why_impossible()
    if reason is not None:
        raise Unavailable(reason)
    path = tree_path(name)
    with locked(f"truth-tree-{name}"):
        if not path.is_dir():
            if os.environ.get(BUILD_VARIABLE) == "0":
                raise Unavailable(f"the tree {name} is not there, and {BUILD_VARIABLE}=0 forbids making it")
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f"{name}.partial")
            remove_tree(partial)
            if name.endswith(DESKTOP):
                _add_desktop(tree(name.removesuffix(DESKTOP)), partial)
            elif name.endswith(ARM64):
                _debootstrap(name.removesuffix(ARM64), partial, "arm64")
            elif name.startswith(MUSL):
                _unpack_musl(name.removeprefix(MUSL), partial)
            else:
                _debootstrap(name, partial)
            partial.rename(path)
    return path


def remove_tree(path: Path) -> None:
    """Remove a tree that no process runs in."""
    if path.is_dir():
        remove(path)


def _debootstrap(suite: str, destination: Path, architecture: str = "amd64") -> None:
    require(["debootstrap", "apt-get", "dpkg-deb"])
    if not KEYRING.is_file():
        raise Unavailable(f"{KEYRING} is not there (package debian-archive-keyring)")
    packages = cache_directory() / "downloads/debootstrap"
    packages.mkdir(parents=True, exist_ok=True)
    options = ["--variant=minbase", f"--arch={architecture}", f"--keyring={KEYRING}", f"--cache-dir={packages}"]
    foreign = architecture != "amd64"
    if suite == "bookworm" and foreign:
        options.append("--include=python3.11-minimal")  # the interpreter that the bundle for this machine takes along
    try:
        run(["debootstrap", *options, *(["--foreign"] if foreign else []), suite, destination, _mirror()])
    except ProgramFailed as failure:
        raise Unavailable(f"debootstrap of {suite}: {str(failure).splitlines()[-1]}") from failure
    if foreign:  # nothing of it can be configured without running it; the loader needs the files only
        for package in sorted((destination / "var/cache/apt/archives").glob("*.deb")):
            run(["dpkg-deb", "-x", package, destination])


def _unpack_musl(suite: str, destination: Path) -> None:
    for package in debian.download(
        ["musl"], None if suite == platform.freedesktop_os_release().get("VERSION_CODENAME") else suite
    ):
        debian.unpack(package, destination)
    # Debian searches directories of its own; without this file musl searches those that it was written for, as on Alpine (ldso/dynlink.c).
    (destination / "etc/ld-musl-x86_64.path").unlink()
    if not (destination / "lib").exists():
        (destination / "lib").symlink_to("usr/lib")


def _mirror() -> str:
    """The archive that this machine's apt reads its own release from."""
    listed = run(
        ["apt-get", "indextargets", "--format", "$(SITE) $(CODENAME) $(COMPONENT)", "Created-By: Packages"]
    ).splitlines()
    own = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    for line in listed:
        site, _, rest = line.partition(" ")
        if own and rest == f"{own} main":
            return site
    raise Unavailable("this machine's apt names no Debian archive")


def _add_desktop(minimal: Path, destination: Path) -> None:
    run(["cp", "-a", "--reflink=auto", minimal, destination])
    shutil.copyfile("/etc/resolv.conf", destination / "etc/resolv.conf")
    (destination / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
    (destination / "usr/sbin/policy-rc.d").chmod(0o755)
    _apt_in(destination, ["update"])
    known = set(run(["chroot", destination, "/usr/bin/apt-cache", "pkgnames"]).split())
    named = [f"{name}t64" if f"{name}t64" in known else name for name in DESKTOP_PACKAGES]
    packages = [name for name in named if name in known]
    _apt_in(destination, ["install", "--yes", "--no-install-recommends", *packages])
    _apt_in(destination, ["clean"])


def _apt_in(root: Path, arguments: Sequence[str]) -> None:
    environment = ["env", "DEBIAN_FRONTEND=noninteractive", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
    try:
        # A mirror may lag behind, and then a tree of testing is as good as it was; signatures are verified all the same.
        run(["chroot", root, *environment, "apt-get", "-q", "-o", "Acquire::Check-Valid-Until=false", *arguments])
    except ProgramFailed as failure:
        raise Unavailable(f"apt in {root.name}: {str(failure).splitlines()[-1]}") from failure
