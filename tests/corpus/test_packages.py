"""Archives, packages and images out of their own tools: the tree is the one that the form's own program unpacks."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from inspector import audit
from inspector.artifact import open_artifact
from inspector.artifact.tree import Kind
from tests.extracted import assert_whole, described, extracted, linked_names, names_of_one_file

Extract = Callable[[Path, Path], None]
pytestmark = pytest.mark.corpus


def run(*command: str | Path, **options: object) -> None:
    """Run a program of the oracle; skip where it is not installed."""
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"{command[0]} is not installed")
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "HOME": os.environ.get("TMPDIR", "/tmp")}
    subprocess.run([str(part) for part in command], check=True, capture_output=True, env=environment, **options)  # type: ignore[call-overload]


def tar(path: Path, target: Path) -> None:
    run("tar", "-xpf", path, "-C", target)


def dpkg_deb(path: Path, target: Path) -> None:
    run("dpkg-deb", "-x", path, target)


def rpm2cpio(path: Path, target: Path) -> None:
    if shutil.which("rpm2cpio") is None or shutil.which("cpio") is None:
        pytest.skip("rpm2cpio or cpio is not installed")
    payload = subprocess.run(["rpm2cpio", path], check=True, capture_output=True).stdout
    run("cpio", "-idm", "--quiet", cwd=target, input=payload)


def makeself(path: Path, target: Path) -> None:
    run("sh", path, "--noexec", "--keep", "--nox11", "--quiet", "--nochown", "--target", target)


def script(path: Path, target: Path) -> None:
    run("sh", path, target)


def umoci(path: Path, target: Path) -> None:
    layout = path if path.is_dir() else path.with_name("debian.oci")
    target.rmdir()
    run("umoci", "raw", "unpack", "--rootless", "--image", f"{layout}:sample", target)


def unsquashfs(path: Path, target: Path) -> None:
    offset = 4096 if path.suffix == ".xar" else 0
    run("unsquashfs", "-quiet", "-no-progress", "-force", "-offset", str(offset), "-dest", target, path)


def flatpak(path: Path, target: Path) -> None:
    repository = target.parent / "imported"
    run("ostree", f"--repo={repository}", "init", "--mode=bare-user")
    run("flatpak", "build-import-bundle", "--no-update-summary", repository, path)
    ostree(repository, target)


def ostree(path: Path, target: Path) -> None:
    target.rmdir()
    run("ostree", f"--repo={path}", "checkout", "--user-mode", "app/org.example.Sample/x86_64/master", target)


def itself(path: Path, target: Path) -> None:
    target.rmdir()
    target.symlink_to(path)


FORMS: dict[str, tuple[str, Extract]] = {
    **{f"sample.tar{suffix}": ("tar", tar) for suffix in ("", ".gz", ".bz2", ".xz", ".zst")},
    "sample-gnu.tar.gz": ("tar", tar),
    **{f"{name}.tar.gz": ("tar", tar) for name in ("gnu-sparse", "pax-sparse-0.0", "pax-sparse-0.1", "pax-sparse-1.0")},
    "standalone-python.tar.zst": ("python-build-standalone", tar),
    "libgdbm.deb": ("deb", dpkg_deb),
    **{f"sample-{name}.rpm": ("rpm", rpm2cpio) for name in ("gzip", "bzip2", "xz", "zstd")},
    **{f"sample-{name}.run": ("makeself", makeself) for name in ("gzip", "bzip2", "xz", "nocomp")},
    "installer.sh": ("script-archive", script),
    "debian.oci": ("oci", umoci),
    "debian.oci.tar": ("oci", umoci),
    "debian.docker.tar": ("docker", umoci),
    "sample-xz.snap": ("snap", unsquashfs),
    "sample-gzip.snap": ("snap", unsquashfs),
    "sample.squashfs": ("squashfs", unsquashfs),
    "sample-zstd.xar": ("xar", unsquashfs),
    "sample-gzip.xar": ("xar", unsquashfs),
    "flatpak-build": ("flatpak-build", itself),
    "sample.flatpak": ("flatpak", flatpak),
    "ostree-archive": ("ostree", ostree),
    "ostree-bare-user": ("ostree", ostree),
}
OWNER_ONLY = (makeself, script)
"""They unpack with the permissions that the umask of whoever runs them leaves."""


@pytest.mark.parametrize("name", FORMS)
def test_the_tree_is_what_the_own_tool_unpacks(
    name: str, corpus_artifact: Callable[[str], Path], tmp_path: Path
) -> None:
    form, extract = FORMS[name]
    path = corpus_artifact(f"packages/{name}")
    target = tmp_path / "unpacked"
    target.mkdir()
    extract(path, target)
    expected = extracted(target)
    with open_artifact(path) as artifact:
        assert artifact.format == form
        assert_whole(artifact)
        shown = described(artifact.tree)
        if form in ("flatpak", "flatpak-build", "ostree"):
            assert shown.pop("app") == ("symlink", 0, 0, "files")
        if extract in OWNER_ONLY:
            assert _without_permissions(shown) == _without_permissions(expected)
        else:
            assert shown == expected
        # ostree links what it checks out to its objects, where both are on one file system, and so two names of one object to each other.
        links = name != "ostree-bare-user" or path.stat().st_dev == target.stat().st_dev
        if (
            links
            and form not in ("oci", "docker", "flatpak-build")
            and extract not in OWNER_ONLY
            and name != "ostree-archive"
        ):
            assert linked_names(artifact.tree) == names_of_one_file(target)


def _without_permissions(shown: dict[str, tuple[str, int, int, str]]) -> dict[str, tuple[str, int, str]]:
    return {path: (kind, size, content) for path, (kind, _, size, content) in shown.items()}


SAMPLES = [
    "sample.tar.gz",
    "sample-zstd.rpm",
    "sample-xz.run",
    "sample-xz.snap",
    "sample-zstd.xar",
    "sample.flatpak",
    "flatpak-build",
]


@pytest.mark.parametrize("name", SAMPLES)
def test_every_form_of_one_application_gives_the_same_answer(name: str, corpus_artifact: Callable[[str], Path]) -> None:
    result = audit(corpus_artifact(f"packages/{name}"))
    assert {"GNU dbm", "GNU Readline"} <= {component.name for component in result.components}
    assert {exposure.license_class for exposure in result.licenses.exposures} >= {"strong-copyleft"}
    module = next(row for row in result.libraries if "_gdbm." in row.path)
    started = name not in (
        "sample.tar.gz",
        "sample-zstd.rpm",
    )  # nothing says that ``start``, which sets the search path, is started
    assert {need.name: need.origin for need in module.needed}["libgdbm.so.6"] == ("bundle" if started else "missing")
    assert result.problems == ()


def test_packages_state_what_they_are(corpus_artifact: Callable[[str], Path]) -> None:
    def stated(name: str) -> dict[str, object]:
        with open_artifact(corpus_artifact(f"packages/{name}")) as artifact:
            assert artifact.envelope is not None
            package = artifact.envelope.package
            assert package is not None
            return {field: getattr(package, field) for field in package.__struct_fields__}

    deb = stated("libgdbm.deb")
    assert deb["name"] == "libgdbm6"
    assert any(str(need).startswith("libc6 ") for need in deb["depends"])  # type: ignore[attr-defined]
    rpm = stated("sample-xz.rpm")
    assert (rpm["name"], rpm["version"], rpm["license"]) == ("sample", "1.2-3", "MIT AND GPL-3.0-or-later")
    assert "bash" in rpm["depends"]  # type: ignore[operator]
    snap = stated("sample-xz.snap")
    assert (snap["name"], snap["version"], snap["base"], snap["command"]) == (
        "sample",
        "1.2",
        "core22",
        "bin/sample --quiet",
    )
    assert snap["permissions"] == ("confinement: strict", "plug: network", "plug: home")
    flatpak_app = stated("sample.flatpak")
    assert (flatpak_app["name"], flatpak_app["base"]) == ("org.example.Sample", "org.freedesktop.Platform/x86_64/23.08")
    assert flatpak_app["permissions"] == ("shared: network;ipc", "sockets: wayland", "filesystems: home")
    assert stated("debian.oci.tar")["command"] == "sample"


def test_layouts_say_how_the_members_lie(corpus_artifact: Callable[[str], Path]) -> None:
    def layout(name: str) -> tuple[object, ...]:
        with open_artifact(corpus_artifact(f"packages/{name}")) as artifact:
            found = artifact.layout
            return found.launcher, found.file_system_root, found.search_path, found.roots

    assert layout("libgdbm.deb") == (None, True, (), ())
    assert layout("sample-xz.rpm") == (None, True, (), ())
    assert layout("sample-gzip.run") == ("start", False, (), ("start",))
    assert layout("sample-xz.snap") == ("bin/sample", False, ("lib",), ("bin/sample",))
    assert layout("sample-gzip.xar") == ("start", False, (), ("start",))
    assert layout("sample.flatpak") == ("files/bin/sample", True, ("app/lib",), ("files/bin/sample",))
    assert layout("debian.docker.tar") == ("usr/bin/sample", True, (), ("usr/bin/sample",))
    with open_artifact(corpus_artifact("packages/debian.oci")) as artifact:
        assert artifact.layout.environment == {"PATH": "/usr/bin", "LD_LIBRARY_PATH": "/opt/lib"}
    with open_artifact(corpus_artifact("packages/standalone-python.tar.zst")) as artifact:
        assert artifact.layout.roots == ("python/install/bin/python3.11",)


def test_a_bare_repository_with_links(corpus_artifact: Callable[[str], Path], tmp_path: Path) -> None:
    """The mode ``bare``, whose objects are the files themselves; it needs root to be written."""
    if os.geteuid() != 0:
        pytest.skip("a repository in mode bare is written by root only")
    repository = tmp_path / "repository"
    run("ostree", f"--repo={repository}", "init", "--mode=bare")
    source = corpus_artifact("packages/ostree-archive")
    run("ostree", f"--repo={repository}", "pull-local", source, "app/org.example.Sample/x86_64/master")
    ostree(repository, _made(tmp_path / "checkout"))
    with open_artifact(repository) as artifact:
        shown = described(node for node in artifact.tree if node.path != "app")
        assert shown == extracted(tmp_path / "checkout")
        assert any(node.kind is Kind.SYMLINK for node in artifact.tree if node.path.startswith("files/"))


def _made(path: Path) -> Path:
    path.mkdir()
    return path


def test_static_libraries_that_the_build_of_a_python_states(corpus_artifact: Callable[[str], Path]) -> None:
    result = audit(corpus_artifact("packages/standalone-python.tar.zst"))
    stated = {component.name: component for component in result.components if component.kind == "static"}
    assert {"GNU Readline", "GNU dbm"} <= set(stated)
    assert stated["GNU Readline"].licenses == "GPL-3.0-or-later"
    assert stated["GNU Readline"].files == ("python/install/bin/python3.11",)
    assert ("GNU dbm", "static") in {(found.component, found.linkage) for found in result.licenses.exposures}
