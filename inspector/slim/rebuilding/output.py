"""Output that appears whole under its name or not at all: made beside it under a temporary name, and renamed when it is complete.

The input is never written to.  Something that lies at the output's name stays until the new output is complete, and is replaced only if that was
asked for.  What is left unfinished is removed when the work fails, on Ctrl-C, and on SIGTERM and SIGHUP; only SIGKILL and a power cut leave a hidden
``.NAME.….part`` behind, never a half-written file of the final name.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import signal
import stat
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType

from inspector.errors import InspectorError, UsageError

_SUFFIXES = (".appimage", ".appdir", ".pex", ".pyz", ".shiv", ".whl")
_LONGEST_PREFIX = 100  # bytes of the name that go into the temporary one; a name has at most 255 (NAME_MAX, limits.h)
_ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def default_output(path: str | os.PathLike[str], *, runtime: str | None = None) -> Path:
    """Where the copy goes if nobody says: ``NAME-slim`` beside the input.

    >>> default_output("dist/MyApp-x86_64.AppImage").as_posix()
    'dist/MyApp-x86_64-slim.AppImage'
    >>> default_output("app-1.0-py3-none-any.whl").as_posix()  # a wheel's name has a meaning: a build tag is the only place for it
    'app-1.0-0slim-py3-none-any.whl'
    >>> default_output("AppDir/").as_posix()
    'AppDir-slim'
    >>> default_output("MyApp.AppDir", runtime="runtime-x86_64").as_posix()
    'MyApp-slim.AppImage'

    :param runtime: given where a directory becomes an AppImage.
    """
    place = Path(path)
    if place.name in ("", ".."):
        place = Path(os.path.realpath(path))
    parts = place.name.split("-")
    if (
        place.name.endswith(".whl") and len(parts) == 5
    ):  # PyPA specification "Binary distribution format", file name convention
        return place.with_name("-".join((*parts[:2], "0slim", *parts[2:])))
    stem, suffix = place.name, ""
    for known in _SUFFIXES:
        if len(stem) > len(known) and stem.lower().endswith(known):
            stem, suffix = stem[: -len(known)], stem[-len(known) :]
            break
    return place.with_name(f"{stem}-slim{suffix if runtime is None else '.AppImage'}")


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


class PendingOutput:
    """A file or a directory in the making.  As a context manager it gives the path at which it is to be made, where nothing is yet, and removes what
    is there in the end unless :meth:`commit` was called.

    :param target: the name that it gets.
    :param inputs: what is read; none of it is replaced, whatever ``force`` says.
    :raises UsageError: where the name cannot be taken: something is there and ``force`` is not given; it is an input, lies in one or around one; its
        directory is not there, or nothing may be written there.
    """

    def __init__(
        self, target: str | os.PathLike[str], *, inputs: Sequence[str | os.PathLike[str]], force: bool
    ) -> None:
        with writing_to(target):  # a name may be too long even to be looked for
            self.target = _checked_target(target, inputs, force=force)
        self._force = force
        self._committed = False
        prefix = self.target.name.encode("utf-8", "surrogateescape")[:_LONGEST_PREFIX].decode("utf-8", "ignore")
        self._beside = f".{prefix}.{secrets.token_hex(4)}"
        self._path = self.target.with_name(f"{self._beside}.part")
        self._stack = ExitStack()
        with writing_to(self.target):  # whoever may not write here is told now, and not when all the work is done
            self._path.mkdir(mode=0o700)
            self._path.rmdir()

    def commit(self) -> Path:
        """Give it its name.  What was there before goes only when the new one is in its place.

        :raises UsageError: where something has come to lie there meanwhile, or the rename fails; the unfinished output is then removed.
        """
        with writing_to(self.target):
            is_directory = self._path.is_dir()
            if not is_directory:
                _sync(self._path)
            if not os.path.lexists(self.target):
                _take_free_name(self._path, self.target)
            elif self._force:
                self._replace(is_directory=is_directory)
            else:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            self._committed = True
            with suppress(OSError):  # some file systems cannot sync a directory
                _sync(self.target.parent)
        return self.target

    def _replace(self, *, is_directory: bool) -> None:
        if not is_directory and not self.target.is_dir():
            self._path.replace(self.target)
            return
        aside = self.target.with_name(f"{self._beside}.old")
        self.target.rename(aside)
        try:
            self._path.rename(self.target)
        except BaseException:
            aside.rename(self.target)
            raise
        remove(aside)

    def __enter__(self) -> Path:
        self._stack.enter_context(ended_by_exception())
        return self._path

    def __exit__(self, *_: object) -> None:
        if not self._committed:
            remove(self._path)
        self._stack.close()


def _checked_target(target: str | os.PathLike[str], inputs: Sequence[str | os.PathLike[str]], *, force: bool) -> Path:
    place = Path(target)
    if place.name in ("", ".."):
        raise UsageError(f"{target} names no file", "give the output a name: -o dist/MyApp.AppImage")
    if place.is_symlink() and force:
        place = Path(os.path.realpath(place))  # what the link points to is replaced, and the link stays
    real = Path(os.path.realpath(place.parent)) / place.name
    for given in inputs:
        source = Path(os.path.realpath(given))
        if real == source or _is_same(real, source):
            raise UsageError(f"{target} is the input itself, which is never touched", "name another output with -o")
        if source in real.parents:
            raise UsageError(f"{target} lies in the input, which is never touched", "name another output with -o")
        if real in source.parents:
            raise UsageError(f"{target} holds the input, which is never touched", "name another output with -o")
    if not real.parent.is_dir():
        raise UsageError(f"the directory {real.parent} is not there", "make it first, or name another place with -o")
    if os.path.lexists(place) and not force:
        raise UsageError(f"{target} is there already", "replace it with --force, or name another output with -o")
    return place


def _take_free_name(path: Path, target: Path) -> None:
    if path.is_dir():
        path.rename(target)
        return
    try:
        os.link(path, target)  # unlike rename(2), never over anything
    except OSError as error:
        if error.errno == errno.EEXIST:
            raise
        path.rename(target)  # a file system without hard links
        return
    path.unlink()


def remove(path: Path) -> None:
    """Remove a file, or a directory with all that is in it, as far as that is possible; links are not followed."""
    if path.is_dir() and not path.is_symlink():
        for parent, _, _ in os.walk(path):  # from above: a directory without permissions is opened before it is listed
            with suppress(OSError):
                Path(parent).chmod(stat.S_IRWXU)
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


@contextmanager
def writing_to(target: str | os.PathLike[str]) -> Iterator[None]:
    """Turn the errors of the system into ones that a person can act on.

    :raises UsageError: for every OSError, naming the target and what to do.
    """
    try:
        yield
    except OSError as error:
        raise write_error(error, target) from error


def write_error(error: OSError, target: str | os.PathLike[str]) -> InspectorError:
    """What to tell of an output that could not be written."""
    place = Path(target)
    shown = os.fsencode(place).decode("utf-8", "backslashreplace")
    directory = str(place.parent)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        what = "the disk is full" if error.errno == errno.ENOSPC else "the quota is used up"
        free = _free_bytes(place.parent)
        said = "" if free is None else f" ({free // 1_000_000:,} MB are free)"
        return UsageError(
            f"{shown} cannot be written: {what}",
            f"make room in {directory}{said}, or name another place with -o; nothing was left behind",
        )
    if error.errno == errno.EFBIG:
        return UsageError(
            f"{shown} cannot be written: it would be larger than a file may be here",
            "raise the limit (ulimit -f), or name another place with -o; nothing was left behind",
        )
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        why = "the file system is read-only" if error.errno == errno.EROFS else "you may not write there"
        return UsageError(f"{shown} cannot be written: {why}", "name another place with -o")
    if error.errno == errno.EEXIST:
        return UsageError(f"{shown} is there already", "replace it with --force, or name another output with -o")
    return UsageError(
        f"{shown} cannot be written: {error.strerror or error}", "nothing was left behind; name another place with -o"
    )


def _free_bytes(directory: Path) -> int | None:
    try:
        found = os.statvfs(directory)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def ended_by_exception() -> Iterator[None]:
    """While this lasts, SIGTERM and SIGHUP end the program as an exception does, so that what is unfinished is removed.

    Signals that somebody handles or ignores already are left alone, and so are all of them outside of the main thread.
    """
    changed = []
    if threading.current_thread() is threading.main_thread():
        for number in _ENDING_SIGNALS:
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _end)
                changed.append(number)
    try:
        yield
    finally:
        for number in changed:
            signal.signal(number, signal.SIG_DFL)


def _end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the interpreter's interface
    raise SystemExit(128 + number)  # as a shell says of a program that a signal ended
