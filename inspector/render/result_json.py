"""The Result as JSON, schema ``inspector/result/1``: one document, or an array of them under ``results``."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.render.registry import RenderOptions
from inspector.result import Result, to_json


def render(results: Sequence[Result], options: RenderOptions) -> bytes:
    """UTF-8 JSON; an array where the run was asked for several artifacts, whichever of them could be read."""
    return to_json(list(results) if options.several else results[0])
