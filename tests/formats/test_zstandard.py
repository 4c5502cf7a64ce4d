"""Which module decodes Zstandard, and what is said where there is none."""

from __future__ import annotations

import subprocess
import sys

import pytest

from inspector.errors import FormatError
from inspector.formats.zstandard import decompressed, zstandard

_OLDER = "import sys; sys.modules['compression'] = sys.modules['compression.zstd'] = None\n"
_NEWER = (
    "import sys, types\n"
    "from backports import zstd\n"
    "sys.modules['compression'] = types.ModuleType('compression'); sys.modules['compression.zstd'] = zstd\n"
    "sys.modules['backports.zstd'] = None\n"
)
_READS = (
    "import io\n"
    "from inspector.formats.compressed_stream import decode_stream\n"
    "from inspector.formats.zstandard import zstandard\n"
    "from inspector.limits import Limits\n"
    "from inspector.source import BytesSource\n"
    "stored = zstandard().compress(b'content')\n"
    "assert decode_stream(BytesSource(stored), Limits(), 'zstd').read_at(0, 7) == b'content'\n"
)


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="this Python has the module itself")
@pytest.mark.parametrize("modules", [_OLDER, _NEWER], ids=["the package", "the standard library"])
def test_either_module_serves(modules: str) -> None:
    subprocess.run([sys.executable, "-c", modules + _READS], check=True)


def test_neither_is_told() -> None:
    program = (
        "import sys; sys.modules.update(dict.fromkeys(('compression', 'compression.zstd', 'backports.zstd')))\n"
        "from inspector.errors import UnsupportedFormat\n"
        "from inspector.formats.zstandard import zstandard\n"
        "try:\n    zstandard()\nexcept UnsupportedFormat as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert "backports.zstd" in done.stdout


def test_damaged_data() -> None:
    assert decompressed(zstandard().compress(b"whole")) == b"whole"
    with pytest.raises(FormatError, match="zstd"):
        decompressed(b"no frame")
