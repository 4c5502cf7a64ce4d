"""JSON documents with a schema's name: how they are written, and how they are read with a word to people where they are something else."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from inspector.errors import UsageError

_READABLE = 256 * 1024
"""Bytes up to which a document is indented for people; larger ones are for programs, and kept small."""

Shape = TypeVar("Shape")


def encode_document(document: Any, *, indent: int = 2, always: bool = False) -> bytes:  # noqa: ANN401 - whatever msgspec encodes
    """The document as UTF-8 JSON with a line feed at its end.

    :param indent: columns a level, where it is indented: small documents are, others with ``always``.
    """
    encoded = msgspec.json.encode(document)
    readable = always or len(encoded) <= _READABLE
    return (msgspec.json.format(encoded, indent=indent) if readable else encoded) + b"\n"


def read_document(path: str | Path) -> bytes:
    """The bytes of a document.

    :raises UsageError: where the file cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def decode_document(content: bytes, shape: type[Shape], path: str | Path, schema: str, advice: str) -> Shape:
    """The document in its shape.

    :param path: where it was read, for the message.
    :param advice: how one is made.
    :raises UsageError: where it has another shape.
    """
    try:
        return msgspec.json.decode(content, type=shape)
    except msgspec.DecodeError as error:
        raise UsageError(f"{path} is not a document of {schema}: {error}", advice) from error


def json_schema_of(kind: type) -> dict[str, Any]:
    """The JSON schema of a document, made from its class.

    Docstrings are the descriptions, without the indentation that Python 3.13 leaves out and 3.12 keeps.
    """
    from inspect import cleandoc

    def cleaned(part: Any) -> Any:  # noqa: ANN401 - any part of a JSON document
        if isinstance(part, dict):
            return {
                name: cleandoc(value) if name == "description" and isinstance(value, str) else cleaned(value)
                for name, value in part.items()
            }
        return [cleaned(item) for item in part] if isinstance(part, list) else part

    made: dict[str, Any] = cleaned(msgspec.json.schema(kind))
    return made
