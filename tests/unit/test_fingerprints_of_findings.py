"""A finding's fingerprint is the same after a rebuild: hashes and versions in vendored names do not enter it."""

from __future__ import annotations

import pytest

from inspector.fingerprint import fingerprint, normalise


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("numpy.libs/libopenblas64_p-r0-742d56dc.3.20.so", "numpy.libs/libopenblas64_p-r0-0cf96a72.3.23.so"),
        ("numpy.libs/libgfortran-040039e1.so.5.0.0", "numpy.libs/libgfortran-83c28eba.so.5.0.1"),
        ("Pillow.libs/libjpeg-45e70d75.so.62.3.0", "Pillow.libs/libjpeg-77ae51ab.so.62.4.0"),
        ("usr/lib/libssl.so.3", "usr/lib/libssl.so.1.1"),
        ("opt/python3.11/bin/python3.11", "opt/python3.12/bin/python3.12"),
        ("a/_x.cpython-311-x86_64-linux-gnu.so", "a/_x.cpython-312-x86_64-linux-gnu.so"),
        ("foo-1.2.3.dist-info/METADATA", "foo-1.10.dist-info/METADATA"),
    ],
)
def test_a_rebuild_changes_nothing(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)
    assert fingerprint("r", one, "k") == fingerprint("r", other, "k")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("lib/libopenblas64_p-r0-742d56dc.3.20.so", "lib/libopenblas-r0-742d56dc.3.20.so"),
        ("lib/libfoo-2.so", "lib/libfoo-3.so"),
        ("usr/lib/a.so", "usr/lib/b.so"),
        ("usr/lib/deadbeef.so", "usr/lib/cafebabe.so"),
    ],
)
def test_other_things_differ(one: str, other: str) -> None:
    assert fingerprint("r", one, "") != fingerprint("r", other, "")
    assert fingerprint("r", one, "k") != fingerprint("r", one, "l")
    assert fingerprint("r", one, "") != fingerprint("s", one, "")
