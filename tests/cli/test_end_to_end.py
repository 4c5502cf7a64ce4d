"""The whole program on real files, as a user calls it: from bytes on disk to exit code, report and document."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from inspector.result import load_result


def inspect(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "80", "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    command = [sys.executable, "-m", "inspector", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=cwd, check=False, stdin=subprocess.DEVNULL
    )


@pytest.fixture
def program() -> Path:
    """An ELF file that every test machine has: the interpreter itself."""
    path = Path(sys.executable).resolve()
    if path.read_bytes()[:4] != b"\x7fELF":
        pytest.skip("the interpreter is no ELF file here")
    return path


def test_one_elf_file(program: Path, tmp_path: Path) -> None:
    done = inspect("audit", program, "-o", "-", "-o", tmp_path / "r.json", "--fail-on", "never")
    assert done.returncode == 0
    assert "ELF file" in done.stdout
    assert "Needs glibc " in done.stdout
    assert "\x1b" not in done.stdout
    result = load_result(tmp_path / "r.json")
    assert result.artifact.format == "elf"
    assert result.artifact.size == program.stat().st_size
    assert result.floors["GLIBC"].host_version is not None


def test_a_directory_with_hostile_names(program: Path, tmp_path: Path) -> None:
    directory = tmp_path / "My\nApp.AppDir"
    directory.mkdir()
    shutil.copy(program, directory / "evil\x1b[2J\n\u202ename")
    (directory / os.fsdecode(b"not-utf8-\xff")).write_text("x")
    done = inspect("audit", directory, "--files", "-v", "--color", "always", "--fail-on", "never")
    assert done.returncode == 0, done.stderr
    assert "\x1b[2J" not in done.stdout
    assert "\u202e" not in done.stdout
    assert "evil\\x1b[2J\\x0a\\u202ename" in done.stdout
    document = json.loads(inspect("audit", directory, "--files", "--format", "json").stdout)
    assert "not-utf8-\\xff" in {entry["path"] for entry in document["files"]["entries"]}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty", b""),
        ("text.txt", b"hello\n"),
        ("zip.zip", b"PK\x05\x06" + bytes(18)),
        ("truncated", b"\x7fELF"),
        ("magic", b"\x7fELF\x02\x01\x01\0AI\x02" + bytes(53)),
    ],
)
def test_what_cannot_be_inspected_is_one_line_and_3(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    done = inspect("audit", name, "-o", "r.json", cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[0].startswith(f"error: {name}")
    assert all(line.startswith("hint: ") for line in lines[1:])
    assert not (tmp_path / "r.json").exists()


def test_an_absent_path_and_an_unreadable_one(tmp_path: Path) -> None:
    done = inspect("audit", "absent", cwd=tmp_path)
    assert done.returncode in (2, 3)
    assert done.stderr.startswith("error: absent ")
    assert "Traceback" not in done.stderr
    (tmp_path / "locked").write_bytes(b"\x7fELF")
    (tmp_path / "locked").chmod(0)
    if not os.access(tmp_path / "locked", os.R_OK):
        assert inspect("audit", "locked", cwd=tmp_path).returncode == 3


def wait_until_a_file_is_open(process: subprocess.Popen[str], below: Path) -> None:
    """Until the process reads something below a directory, so that the signal meets it in the middle of its work."""
    descriptors = Path(f"/proc/{process.pid}/fd")
    if not descriptors.is_dir():
        pytest.skip("there is no /proc here that shows which files a process has open")
    while process.poll() is None:
        for descriptor in descriptors.iterdir():
            with contextlib.suppress(OSError):  # closed meanwhile
                if descriptor.readlink().is_relative_to(below):
                    return
        time.sleep(0.01)
    pytest.fail(f"it ended with {process.returncode} before anybody interrupted it")


def test_an_interrupt_leaves_no_report_and_no_litter(program: Path, tmp_path: Path) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for number in range(60):
        shutil.copy(program, many / f"copy-{number}")
    reports = tmp_path / "reports"
    reports.mkdir()
    command = [sys.executable, "-m", "inspector", "audit", *[str(many)] * 40, "-o", str(reports / "r.json")]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    # Where the tests run in a shell's background, SIGINT is ignored, and a child inherits that; a signal with a handler is reset for it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        wait_until_a_file_is_open(process, below=many)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert list(reports.iterdir()) == []


def test_the_same_file_gives_the_same_bytes(program: Path) -> None:
    first, second = (inspect("audit", program, "--format", "json").stdout for _ in range(2))
    assert first == second


_LIBRARIES = ("libstdc++.so.6", "libz.so.1", "libcrypto.so.3", "libssl.so.3", "libexpat.so.1", "libreadline.so.8")


@pytest.fixture
def bundle(program: Path, tmp_path: Path) -> Path:
    """A directory with a program, with those of the system's libraries that are there, and with a licensed distribution."""
    found = [path for name in _LIBRARIES for path in Path("/").glob(f"usr/lib*/{name}")]
    found += [path for name in _LIBRARIES for path in Path("/").glob(f"usr/lib/*/{name}")]
    if not found:
        pytest.skip(f"this system has none of {', '.join(_LIBRARIES)}")
    directory = tmp_path / "App"
    for place in ("bin", "lib", "share/doc", "lib/python3/site-packages/some-1.0.dist-info"):
        (directory / place).mkdir(parents=True)
    shutil.copy(program, directory / "bin")
    for path in found:
        real = shutil.copy(path.resolve(), directory / "lib")
        if real != directory / "lib" / path.name and not (directory / "lib" / path.name).exists():
            (directory / "lib" / path.name).symlink_to(Path(real).name)
    for path in Path("/usr/share/doc").glob("lib*/copyright"):
        if path.parent.name.startswith(("libstdc++6", "libssl3", "libexpat1", "libreadline8")):
            (directory / "share/doc" / path.parent.name).mkdir()
            shutil.copy(path, directory / "share/doc" / path.parent.name)
    some = directory / "lib/python3/site-packages/some-1.0.dist-info"
    (some / "METADATA").write_text("Metadata-Version: 2.1\nName: some\nVersion: 1.0\n\n", encoding="utf-8")
    (some / "LICENSE").write_text("Permission to use this is not granted.\n", encoding="utf-8")
    return directory


def test_one_processor_or_several_and_any_hash_seed_give_the_same_document(bundle: Path) -> None:
    several = sorted(os.sched_getaffinity(0))
    alone = "import os, sys; os.sched_setaffinity(0, {int(sys.argv.pop(1))}); from inspector.cli import main; sys.exit(main())"
    together = "import sys; from inspector.cli import main; sys.exit(main())"
    documents = set()
    for seed, script in enumerate((alone, together, alone, together)):
        processor = [str(several[0])] if script is alone else []
        done = subprocess.run(
            [sys.executable, "-c", script, *processor, "audit", bundle, "--format", "json", "--fail-on", "never"],
            capture_output=True, check=False, stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2]), "PYTHONHASHSEED": str(seed)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        documents.add(done.stdout)
    assert len(documents) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_behind_the_standard_output_is_told(program: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "inspector", "audit", program, "--fail-on", "never"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "error: the standard output cannot be written: No space left on device",
        "hint: part of the report may be there",
    ]


def test_a_reader_that_has_left_changes_no_exit_code(program: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "inspector", "audit", program, "--fail-on", "never"],
            stdout=writer, stderr=subprocess.PIPE, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        )  # fmt: skip
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
