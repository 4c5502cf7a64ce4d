"""Whether an SPDX expression leaves no choice but an unwanted licence."""

from __future__ import annotations

import pytest

from inspector.facts.licensing.license_removal import asks_for


@pytest.mark.parametrize(
    ("expression", "unwanted", "asked"),
    [
        ("GPL-3.0-or-later", "GPL-3.0", True),
        ("GPL-3.0-only", "GPL-3.0", True),
        ("GPL-3.0+", "gpl-3.0", True),
        ("GPL-3.0-or-later", "GPL-3.0-only", False),
        ("GPL-2.0-or-later", "GPL-3.0", False),
        ("LGPL-3.0-or-later", "GPL-3.0", False),
        ("AGPL-3.0-only", "*GPL-*", True),
        ("GPL-3.0-or-later WITH GCC-exception-3.1", "GPL-3.0", False),
        ("LGPL-3.0-or-later OR GPL-3.0-or-later", "GPL-3.0", False),
        ("MIT AND GPL-3.0-only", "GPL-3.0", True),
        ("MIT AND (GPL-3.0-only OR Apache-2.0)", "GPL-3.0", False),
        ("(MIT OR GPL-3.0-only) AND GPL-3.0-only", "GPL-3.0", True),
        ("MIT OR BSD-3-Clause AND GPL-3.0-only", "GPL-3.0", False),  # AND binds closer
        ("", "GPL-3.0", False),
        ("(((", "GPL-3.0", False),
        (")) AND OR", "GPL-3.0", False),
        ("(" * 100_000 + "GPL-3.0", "GPL-3.0", True),
    ],
)
def test_expressions(expression: str, unwanted: str, asked: bool) -> None:
    assert asks_for(expression, (unwanted,)) is asked
