"""The Result as JSON, schema ``inspector/result/1``: one document, or an array of them under ``results``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from inspector.render.registry import RenderOptions
from inspector.result import SCHEMA, Result, json_schema, to_json


def render(results: Sequence[Result], options: RenderOptions) -> bytes:
    """UTF-8 JSON; an array where the run was asked for several artifacts, whichever of them could be read."""
    return to_json(list(results) if options.several else results[0])


def published_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of what :func:`render` writes: one Result, or an object with an array of them."""
    of_one = json_schema()
    several = {
        "title": "Results",
        "type": "object",
        "properties": {"schema": {"const": SCHEMA}, "results": {"type": "array", "items": {"$ref": of_one["$ref"]}}},
        "required": ["schema", "results"],
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": SCHEMA,
        "anyOf": [{"$ref": of_one["$ref"]}, several],
        "$defs": of_one["$defs"],
    }
