"""Bytecode made by the bundle's own interpreter: valid on a read-only image whatever its times, and the same bytes in every build.

The files are hash-based and unchecked (PEP 552), so the interpreter runs them without looking at the source.  Python 3.6 knows no such files; there
they carry the source's time in the image.  The name that goes into them is the source's tree path: importlib replaces it by the real one on
import.  What does not compile (sources of Python 2, deliberately broken test data) is left without.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from msgspec import Struct, field

from inspector.errors import FormatError
from inspector.formats.pyc import LONGEST_HEADER, read_header
from inspector.progress import SILENT, Progress
from inspector.slim.proving.bounded_process import ThrowAwayHome, describe_status
from inspector.slim.proving.bundle_interpreter import BundleInterpreter

_WORKER = Path(__file__).with_name("bytecode_worker.py")
_BATCH = 200
_SOURCE_SECONDS = 60
"""The most that one source may take; 4 ms is the average."""

_BATCH_SECONDS = 600.0

_STEADY_OPTIONS = ("-S", "-W", "ignore")
_LEVELS = {"": 0, "1": 1, "2": 2}


class CompiledBytecode(Struct, frozen=True):
    """What :func:`compile_modules` made.

    :ivar files: whole .pyc files by tree path.
    :ivar failed: tree paths of sources that do not compile, each with what the compiler says.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def compile_modules(
    interpreter: BundleInterpreter,
    root: Path,
    sources: Mapping[str, str],
    *,
    optimization: str = "",
    times: Mapping[str, int] | None = None,
    processes: int = 2,
    scratch: Path | None = None,
    progress: Progress = SILENT,
) -> CompiledBytecode:
    """Compile sources of an unpacked tree; nothing is written into it.

    :param root: where the tree lies.
    :param sources: tree path of the source by tree path of its .pyc file.
    :param optimization: "" for none, "1" for -O, "2" for -OO.
    :param times: seconds since 1970 by tree path of the source, as the image has them; only Python 3.6 asks for them.
    :param scratch: where temporary files go.
    :raises OSError: where the interpreter cannot be started.
    """
    pairs = sorted(sources.items())
    parts = [pairs[start : start + _BATCH] for start in range(0, len(pairs), _BATCH)]
    progress.stage("Compiling bytecode", total=len(pairs))
    made = CompiledBytecode()
    with ThreadPoolExecutor(max_workers=max(processes, 1)) as pool:
        jobs = [
            pool.submit(_compile_batch, interpreter, root.resolve(), part, _LEVELS[optimization], times or {}, scratch)
            for part in parts
        ]
        for part, job in zip(parts, jobs, strict=True):
            done = job.result()
            made.files.update(done.files)
            made.failed.update(done.failed)
            progress.advance(len(part))
    return made


def _compile_batch(
    interpreter: BundleInterpreter,
    root: Path,
    pairs: Sequence[tuple[str, str]],
    level: int,
    times: Mapping[str, int],
    scratch: Path | None,
) -> CompiledBytecode:
    made = CompiledBytecode()
    with ThrowAwayHome(scratch) as home:
        job, output = home.root / "job", home.root / "output"
        output.mkdir()
        fields = [str(level)]
        for _, source in pairs:
            fields += [str(root / source), source, str(times.get(source, 0))]
        job.write_bytes("".join(f"{text}\0" for text in fields).encode("utf-8", "surrogateescape"))
        words = [*_STEADY_OPTIONS, str(_WORKER), str(job), str(output), str(_SOURCE_SECONDS)]
        done = interpreter.run(root, home, words, seconds=_BATCH_SECONDS)
        ended = f"the compiler {describe_status(done.status)}" + (f": {done.last_line}" if done.last_line else "")
        for number, (compiled, source) in enumerate(pairs):
            content = _content(output / f"{number}.pyc")
            if content is not None and _is_bytecode(content):
                made.files[compiled] = content
                continue
            error = _content(output / f"{number}.error")
            crashed = "the compiler crashed on it" if done.status == 0 else ended
            made.failed[source] = error.decode("utf-8", "replace") if error is not None else crashed
    return made


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _is_bytecode(content: bytes) -> bool:
    try:
        return len(content) > read_header(content[:LONGEST_HEADER]).size
    except FormatError:
        return False
