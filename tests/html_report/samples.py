"""Results for the page: one with everything in it, one of ten thousand files, and one whose every name is markup."""

from __future__ import annotations

import random
from typing import Any

from msgspec.structs import replace

from inspector.model import ByteCount, Finding
from inspector.result import (
    ComponentInfo,
    DuplicateGroup,
    Exposure,
    FileEntry,
    LibraryInfo,
    LicensesInfo,
    NeededInfo,
    Result,
    ShippedBill,
    SizeRow,
    SizesInfo,
    SlimAction,
    SlimCheck,
    SlimInfo,
    SlimKept,
    SlimRow,
    TreeRow,
)
from tests import render_samples

MARKUP = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    "</title></style></textarea><svg onload=alert(3)>",
    "\"><a href='javascript:alert(4)' autofocus onfocus=alert(4)>",
    "{{ 7 * 7 }}{% raw %}<!-- ]]>",
    "&lt;script&gt;&#x3c;b&#x3e;\u2028\u2029",
    "usr/lib/\u202egnp.os\x00\x1b[2J",
    "javascript:alert(5)",
    "__proto__",
    "constructor",
)


def entry(path: str, size: int, **fields: Any) -> FileEntry:
    return FileEntry(path=path, kind="file", mode=0o644, size=size, stored_size=size // 3, **fields)


def with_files(result: Result, entries: list[FileEntry]) -> Result:
    total = ByteCount(raw=sum(each.size for each in entries), stored=sum(each.stored_size for each in entries))
    rows: dict[str, list[int]] = {}
    for each in entries:
        row = rows.setdefault(each.component or "other", [0, 0, 0])
        row[0] += each.size
        row[1] += each.stored_size
        row[2] += 1
    by_component = tuple(
        SizeRow(name=name, raw=raw, stored=stored, files=files) for name, (raw, stored, files) in rows.items()
    )
    sizes = replace(result.sizes, total=total, by_component=by_component)
    return replace(result, files=replace(result.files, count=len(entries), entries=tuple(entries)), sizes=sizes)  # fmt: skip


def complete() -> Result:
    """Every section of the page: systems, findings of all severities, an accepted one, files, libraries, licences, slim, problems."""
    result = render_samples.pyqt5_appimage()
    files = [
        entry("usr/bin/app", 900_000, component="CPython 3.11"),
        entry("usr/lib/libbig.so", 5_000_000, component="Qt"),
        entry("usr/lib/libsmall.so", 50_000, component="Qt"),
        entry("usr/lib/python3.11/os.py", 40_000, component="CPython 3.11"),
        entry("usr/lib/python3.11/test/test_os.py", 700_000, component="CPython 3.11", removable="tests"),
        entry("usr/lib/python3.11/test/test_io.py", 600_000, component="CPython 3.11", removable="tests"),
        entry("usr/lib/libstatic.a", 400_000, component="other", removable="static libraries and objects"),
        *(entry(f"usr/share/doc/page-{number:03}.txt", 2_000 + number, component="documentation") for number in range(60)),
        entry("usr/lib/empty/empty.txt", 0, component="other"),
    ]  # fmt: skip
    findings = tuple(replace(finding, fingerprint=f"{number:016x}") for number, finding in enumerate(result.findings))
    components = (
        ComponentInfo(name="Qt", version="5.15", kind="library", licenses="LGPL-3.0-only", license_class="weak-copyleft", file_count=2),
        ComponentInfo(name="CPython", version="3.11.2", kind="interpreter", licenses="PSF-2.0", license_class="permissive", file_count=4),
        ComponentInfo(name="readline", version="8.2", kind="library", licenses="GPL-3.0-or-later", license_class="strong-copyleft"),
    )  # fmt: skip
    slim = SlimInfo(
        input="demo.AppImage",
        output="demo-slim.AppImage",
        level="moderate",
        size_before=9_000_000,
        size_after=5_000_000,
        before=ByteCount(raw=20_000_000, stored=9_000_000),
        after=ByteCount(raw=11_000_000, stored=5_000_000),
        actions=(
            SlimAction(
                rule="tests",
                level="safe",
                kind="remove",
                subject="usr/lib/python3.11/test",
                files=2,
                saves=ByteCount(raw=1_300_000, stored=400_000),
                reasons=("nothing imports it",),
            ),
        ),
        kept=(SlimKept(rule="tests", subject="usr/lib/python3.11/test/support", reason="imported by app"),),
        by_component=(
            SlimRow(
                name="CPython 3.11",
                before=ByteCount(raw=2_000_000, stored=900_000),
                after=ByteCount(raw=700_000, stored=300_000),
            ),
        ),
        checks=(
            SlimCheck(name="imports", outcome="passed", detail="120 modules"),
            SlimCheck(name="smoke", outcome="not checked", detail="no command"),
        ),
    )
    result = replace(
        result,
        hosts=render_samples.judged_hosts(result),
        libraries=result.libraries[-30:],
        findings=findings,
        components=components,
        slim=slim,
    )
    return with_files(result, files)


def large(files: int, libraries: int = 400, seed: int = 7) -> Result:
    """Names, depths and sizes like those of a Python application with a graphical interface."""
    chance = random.Random(seed)
    words = [
        "core",
        "widgets",
        "network",
        "plugins",
        "encoding",
        "internal",
        "compat",
        "testing",
        "models",
        "locale",
        "backend",
        "styles",
    ]
    directories = ["usr/lib/python3.11/site-packages"]
    for number in range(files // 12):
        directories.append(f"{chance.choice(directories)}/{chance.choice(words)}_{number}")
    entries = []
    for number in range(files):
        suffix = chance.choice([".py", ".cpython-311.pyc", ".cpython-311.opt-1.pyc", ".so", ".txt"])
        name = f"{chance.choice(words)}_{chance.choice(words)}_{number}{suffix}"
        removable = chance.choice(["", "", "tests", "spare bytecode"])
        size = int(chance.paretovariate(1.1) * 3_000)
        entries.append(
            entry(
                f"{chance.choice(directories)}/{name}",
                size,
                component=f"component-{chance.randrange(80)}",
                removable=removable,
            )
        )
    result = render_samples.pyqt5_appimage()
    paths = [
        f"usr/lib/python3.11/site-packages/package_{number}/extension_{number}.cpython-311-x86_64-linux-gnu.so"
        for number in range(libraries)
    ]
    objects = tuple(
        LibraryInfo(
            path=path, role="extension", soname=None, rpath=None, runpath="$ORIGIN/../lib",
            needed=(
                *(
                    NeededInfo(name=each.rpartition("/")[2], path=each, origin="bundle", via="RUNPATH $ORIGIN/../lib")
                    for each in chance.sample(paths, min(6, libraries))
                ),
                NeededInfo(name="libc.so.6", path=None, origin="host", via="default path"),
            ),
        )
        for path in paths
    )  # fmt: skip
    findings = tuple(
        Finding(rule="rpath-leaks-build-path", severity="warning", confidence="high", subject=path, message="has RPATH /home/build/lib",
                fingerprint=f"{number:016x}")
        for number, path in enumerate(paths)
    )  # fmt: skip
    result = replace(result, hosts=render_samples.judged_hosts(result), libraries=objects, findings=findings)
    return with_files(result, entries)


def hostile() -> Result:
    """Every text of the Result, at whatever depth, is markup, control characters or a name that JavaScript treats specially."""
    result = replace(render_samples.hostile_bundle(), hosts=render_samples.judged_hosts(complete()))
    attacks = MARKUP
    files = [entry(f"{one}/{other}", 1000 * (number + 1), component=one, removable=other)
             for number, one in enumerate(attacks) for other in attacks]  # fmt: skip
    components = tuple(
        ComponentInfo(
            name=each,
            version=each,
            kind=each,
            licenses=each,
            license_class=each,
            stated=each,
            evidence=(each,),
            files=(each,),
        )
        for each in attacks
    )
    findings = tuple(
        Finding(
            rule=each,
            severity="error",
            confidence="low",
            subject=each,
            message=each,
            evidence=(each,),
            fingerprint=each,
        )
        for each in attacks
    )
    duplicates = (DuplicateGroup(paths=(*attacks,), count=99, size=1, wasted=1, wasted_stored=1, proof="same content"),)
    libraries = tuple(
        LibraryInfo(
            path=each, role=each, soname=each, rpath=each, runpath=each,
            needed=tuple(NeededInfo(name=other, path=other, origin="bundle", via=other) for other in attacks)
            + tuple(NeededInfo(name=other, path=None, origin="missing", via=other) for other in attacks),
        )
        for each in attacks
    )  # fmt: skip
    slim = SlimInfo(
        input=attacks[0], output=attacks[1], level="safe", size_after=1,
        actions=tuple(SlimAction(rule=each, level="safe", kind=each, subject=each, files=1, reasons=(each,), refuted_by=each) for each in attacks),
        kept=tuple(SlimKept(rule=each, subject=each, reason=each) for each in attacks),
        by_component=tuple(SlimRow(name=each, before=ByteCount(raw=2), after=ByteCount(raw=1)) for each in attacks),
        notices=tuple(attacks),
    )  # fmt: skip
    exposures = tuple(
        Exposure(
            license=each, license_class=each, component=component, linkage="static", chain=attacks, obligations=attacks, removed_by=attacks,
            slim_options=attacks,
        )
        for each in attacks
        for component in attacks[:2]
    )  # fmt: skip
    bills = (ShippedBill(path=attacks[0], format=attacks[1], of=attacks[2], absent=attacks, unlisted=attacks),)
    licenses = LicensesInfo(exposures=exposures, shipped_bills=bills)
    result = replace(
        result, components=components, findings=findings, libraries=libraries, slim=slim, licenses=licenses
    )
    sized = with_files(result, files)
    return replace(sized, sizes=replace(sized.sizes, duplicates=duplicates))


def without_file_list() -> Result:
    """What an ordinary result.json has: rows of the larger directories and files only."""
    tree = (
        TreeRow(name="usr", raw=1000, stored=400, files=30),
        TreeRow(name="usr/lib", raw=900, stored=350, files=20),
        TreeRow(name="usr/lib/big.so", raw=600, stored=200, component="Qt"),
        TreeRow(name="usr/lib/test.a", raw=100, stored=50, component="other", removable="static libraries and objects"),
    )
    result = render_samples.pyqt5_appimage()
    sizes = SizesInfo(
        total=ByteCount(raw=1010, stored=404), tree=tree, by_component=(SizeRow(name="Qt", raw=600, stored=200),)
    )
    return replace(result, sizes=sizes, files=replace(result.files, count=31))
