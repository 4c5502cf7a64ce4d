"""Python interpreters of this machine to test against: our own, and other versions that lie beside it or on the PATH."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

_MINORS = range(6, 20)


@cache
def interpreters() -> dict[tuple[int, int], str]:
    """Working CPython interpreters from 3.6 on, by version; our own is always among them."""
    found: dict[tuple[int, int], str] = {sys.version_info[:2]: sys.executable}
    beside = sorted(Path(sys.base_prefix).parent.glob("*/bin/python3"))  # where a version manager keeps several
    named = [shutil.which(f"python3.{minor}") for minor in _MINORS]
    for candidate in [*map(str, beside), *filter(None, named), "/usr/bin/python3"]:
        version = _version(candidate)
        if version is not None and version >= (3, 6):
            found.setdefault(version, candidate)
    return dict(sorted(found.items()))


def _version(candidate: str) -> tuple[int, int] | None:
    code = "import sys; print(*sys.version_info[:2]) if sys.implementation.name == 'cpython' else None"
    try:
        done = subprocess.run([candidate, "-I", "-c", code], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    words = done.stdout.split()
    return (int(words[0]), int(words[1])) if done.returncode == 0 and len(words) == 2 else None
