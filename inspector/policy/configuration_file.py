"""Finds and reads a project's configuration: ``inspector.toml``, else ``[tool.inspector]`` of ``pyproject.toml``, from a directory upwards."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from inspector.errors import UsageError
from inspector.policy.configuration import Configuration, configuration_of
from inspector.policy.configuration_check import Mistake, find_mistakes, written_key
from inspector.policy.configuration_lines import key_lines, line_of

OWN_NAME = "inspector.toml"
PYPROJECT = "pyproject.toml"
_REPOSITORIES = (".git", ".hg", ".svn", ".jj")


def find_configuration(start: str | os.PathLike[str] = ".") -> Path | None:
    """The nearest file that configures this program, not above the repository's root; None where there is none.

    Its path is as the start's: relative to the working directory, as people read it in messages, where that is where the search begins.
    """
    found = _find(Path(start).resolve())
    return found if found is None or Path(start).is_absolute() else Path(os.path.relpath(found))


def _find(directory: Path) -> Path | None:
    for place in (directory, *directory.parents):
        if (place / OWN_NAME).is_file():
            return place / OWN_NAME
        pyproject = place / PYPROJECT
        if pyproject.is_file() and "tool.inspector" in pyproject.read_text("utf-8", "replace"):
            return pyproject
        if any((place / name).exists() for name in _REPOSITORIES):
            return None
    return None


def load_configuration(path: str | os.PathLike[str] | None) -> Configuration:
    """Read a file; None gives what holds without one.

    :raises UsageError: naming every mistake with its key, its line and the mend.
    """
    if path is None:
        return Configuration()
    file = Path(path)
    text, document, prefix = _read(file)
    lines = key_lines(text)
    mistakes = find_mistakes(document)
    if mistakes:
        raise _error(file, mistakes, prefix, lines)
    sources = {}
    for key in _keys(document, ()):
        line = line_of(lines, (*prefix, *key))
        sources[written_key(key)] = str(file) if line is None else f"{file}, line {line}"
    configuration = configuration_of(document, sources)
    return replace(configuration, hosts=tuple(_located(host, file.parent) for host in configuration.hosts))


def _located(host: str, directory: Path) -> str:
    """A system as it stands, or a profile's path, which the file means from where it lies itself."""
    name, colon, variant = host.rpartition(":")
    path, ending = (name, f":{variant}") if colon and variant in ("desktop", "minimal") else (host, "")
    if "/" not in path and not path.endswith(".toml"):
        return host
    return f"{path if directory == Path() else os.path.join(directory, path)}{ending}"  # noqa: PTH118 - "./" tells a path from an id


def read_document(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The tables of a file as they stand, without ``tool.inspector`` around them.

    :raises UsageError: where it cannot be read.
    """
    return _read(Path(path))[1]


def _read(file: Path) -> tuple[str, dict[str, Any], tuple[str, ...]]:
    """The text, its tables, and the way to them in the file."""
    import tomllib  # most runs have no file to read

    try:
        text = file.read_text("utf-8")
        document = tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}", "name another file with --config") from error
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{file} is not UTF-8 (byte {error.start})", "TOML files are UTF-8; save it as that"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file} is not TOML: {error}", "strings stand in quotes, tables in [brackets]") from error
    if file.name != PYPROJECT:
        return text, document, ()
    return text, document.get("tool", {}).get("inspector", {}), ("tool", "inspector")


def _error(
    file: Path, mistakes: list[Mistake], prefix: tuple[str, ...], lines: dict[tuple[str | int, ...], int]
) -> UsageError:
    """All mistakes in one error."""
    texts = []
    for mistake in mistakes:
        line = line_of(lines, (*prefix, *mistake.path))
        place = f"{file}:{line}" if line is not None else str(file)
        texts.append(f"{place}: {mistake.key} {mistake.message}; {mistake.mend}")
    hint = "inspect config --keys explains every key"
    if len(texts) == 1:
        return UsageError(texts[0], hint)
    return UsageError(f"{file} has {len(texts)} mistakes", hint, tuple(texts))


def _keys(table: Mapping[str, Any], path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    for name, value in table.items():
        here = (*path, name)
        if isinstance(value, dict):
            yield from _keys(value, here)
        elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            for number, each in enumerate(value):
                yield from _keys(each, (*here, number))
        else:
            yield here
