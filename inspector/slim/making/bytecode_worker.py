"""Compiles sources to .pyc files.  Runs under the bundle's own Python, 3.6 or newer, never under ours.

It imports nothing that an interpreter has not loaded by then or has built in.  Each source is compiled in a process forked from the same state: what
marshal writes depends on which strings are alive, and a compiler that crashes takes nothing else with it.

Arguments: a job file, a directory, and the seconds that one source may take.  The job, fields ended by NUL: optimization level, then for each source
its path, the file name that goes into the bytecode, and its time in seconds.  Source N becomes ``N.pyc`` in the directory, or ``N.error``, or nothing
where the compiler crashed.
"""

import _imp
import _signal  # type: ignore[import-not-found]  # the signal module without what it imports
import marshal
import os
import sys

HEAD: bytes = sys.modules["_frozen_importlib_external"].MAGIC_NUMBER
UNCHECKED_HASH = 1  # PEP 552: hash-based, the source is not looked at


def header(source: bytes, mtime: int) -> bytes:
    """What stands before the code: an unchecked hash; before Python 3.7 the source's time and size."""
    if not hasattr(_imp, "source_hash"):
        return HEAD + (mtime & 0xFFFFFFFF).to_bytes(4, "little") + (len(source) & 0xFFFFFFFF).to_bytes(4, "little")
    known = bytes(_imp.source_hash(int.from_bytes(HEAD, "little"), source))
    return HEAD + UNCHECKED_HASH.to_bytes(4, "little") + known


def compile_file(path: str, name: str, mtime: int, level: int) -> bytes:
    """The .pyc file of a source."""
    with open(path, "rb") as stream:  # noqa: PTH123 - pathlib may be gone
        source = stream.read()
    code = compile(source, name, "exec", dont_inherit=True, optimize=level)
    return header(source, mtime) + marshal.dumps(code)


def write(path: str, content: bytes) -> None:
    """Write a file under its final name only when it is whole."""
    with open(path + ".part", "wb") as stream:  # noqa: PTH123
        stream.write(content)
    os.rename(path + ".part", path)  # noqa: PTH104


def main() -> None:
    """Compile every source of the job."""
    with open(sys.argv[1], "rb") as job:  # noqa: PTH123
        level, *fields = os.fsdecode(job.read()).split("\0")[:-1]
    for number in range(len(fields) // 3):
        path, name, mtime = fields[3 * number : 3 * number + 3]
        stem = sys.argv[2] + "/" + str(number)
        child = os.fork()
        if child:
            _, status = os.waitpid(child, 0)
            if os.WIFSIGNALED(status) and os.WTERMSIG(status) == _signal.SIGALRM:
                write(stem + ".error", b"it takes more than " + sys.argv[3].encode() + b" s")
            continue
        try:
            _signal.alarm(int(sys.argv[3]))  # nobody handles it, so it ends this process
            try:
                write(stem + ".pyc", compile_file(path, name, int(mtime), int(level)))
            except Exception as error:  # noqa: BLE001 - SyntaxError, ValueError, RecursionError, MemoryError, UnicodeDecodeError …
                text = type(error).__name__ + ": " + " ".join(str(error).split())[:300]
                write(stem + ".error", text.encode("utf-8", "backslashreplace"))
        finally:
            os._exit(0)


if __name__ == "__main__":
    main()
