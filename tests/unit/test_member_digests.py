from __future__ import annotations

import hashlib
from pathlib import Path

from inspector.pipeline import audit


def test_digests_of_every_regular_file(tmp_path: Path) -> None:
    contents = {"AppRun": b"#!/bin/sh\n", "usr/share/large": b"x" * ((1 << 20) + 3), "usr/share/empty": b""}
    for name, content in contents.items():
        path = tmp_path / "app.AppDir" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (tmp_path / "app.AppDir/link").symlink_to("AppRun")
    result = audit(tmp_path / "app.AppDir", digest_files=True)
    entries = {entry.path: entry for entry in result.files.entries or ()}
    for name, content in contents.items():
        assert entries[name].sha1 == hashlib.sha1(content).hexdigest()
        assert entries[name].sha256 == hashlib.sha256(content).hexdigest()
    assert entries["link"].sha256 is None
    plain = audit(tmp_path / "app.AppDir", list_files=True)
    assert {entry.sha256 for entry in plain.files.entries or ()} == {None}
