"""Results made by hand, for renderers: a PyQt5 AppImage, a tiny ELF file, and a bundle whose every name is an attack."""

from __future__ import annotations

from typing import Literal

from inspector.model import ByteCount, Coverage, Finding, Fix, Problem, Skipped
from inspector.result import (
    ArtifactInfo,
    ComponentInfo,
    DuplicateGroup,
    EnvelopeInfo,
    Exposure,
    FailedObject,
    FilesInfo,
    Floor,
    FloorCause,
    HostVerdict,
    LibraryInfo,
    LicensesInfo,
    NeededInfo,
    NestedArtifact,
    Result,
    RootInfo,
    RuleInfo,
    RuntimeInfo,
    SizeRow,
    SizesInfo,
    SplashScreenInfo,
    TagInfo,
    ToolInfo,
    Verdict,
)

MIB = 1024 * 1024
TOOL = ToolInfo(name="inspect", version="0.1.0", data={"excludelist": "2026-09-14", "catalogues": "2026-11-01"})
HOSTILE_NAMES = (
    "usr/lib/\x1b[2J\x1b[31mred.so",
    "usr/lib/line\nerror forged-rule  a line of the attacker's.so",
    "usr/lib/\u202egnp.os",
    "<script>alert(1)</script>.so",
    "<img src=x onerror=alert(1)>",
    "usr/" + "/".join(["directory-with-a-rather-long-name"] * 60) + "/library.so",
    "x" * 3000,
    "usr/lib/\N{CJK UNIFIED IDEOGRAPH-5E93}" * 30,
    "bell\x07 tab\t return\r delete\x7f c1\x9b31m zero\u200bwidth \\x80",
    "[bold red]rich markup[/bold red] :bomb:",
)


def pyqt5_appimage() -> Result:
    """9,214 files, 412 of them ELF, findings of every severity, exposures, a problem, a bundle inside."""
    plugin = "opt/demo/lib/python3.11/site-packages/PyQt5/Qt5/plugins/platforms/libqxcb.so"
    core = "opt/demo/lib/python3.11/site-packages/PyQt5/Qt5/lib/libQt5Core.so.5"
    readline = "opt/demo/lib/python3.11/lib-dynload/readline.cpython-311-x86_64-linux-gnu.so"
    host = tuple(
        NeededInfo(name=name, path=None, origin="host", via="host list")
        for name in ("libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2")
    )
    more_host = tuple(
        NeededInfo(name=name, path=None, origin="host", via="host list")
        for name in ("libGL.so.1", "libX11.so.6", "libfontconfig.so.1", "libEGL.so.1", "libz.so.1", "libgcc_s.so.1")
    )
    bundled = NeededInfo(name="libQt5Core.so.5", path=core, origin="bundle", via="RUNPATH $ORIGIN/../../lib")
    missing = NeededInfo(name="libxcb-cursor.so.0", path=None, origin="missing")
    libraries = tuple(
        LibraryInfo(
            path=f"opt/demo/lib/python3.11/site-packages/PyQt5/QtModule{number:03}.abi3.so",
            role="extension",
            soname=None,
            rpath="/home/build/qt5/lib" if number % 40 == 0 else None,
            runpath="$ORIGIN/Qt5/lib" if number % 2 else None,
            needed=(*host, bundled),
        )
        for number in range(409)
    )
    libraries += (
        LibraryInfo(
            path=plugin,
            role="plugin",
            soname="libqxcb.so",
            rpath=None,
            runpath="$ORIGIN/../../lib:",
            needed=(*host, *more_host, bundled, missing),
        ),
        LibraryInfo(path=core, role="library", soname="libQt5Core.so.5", rpath="/usr/lib", runpath=None, needed=host),
        LibraryInfo(path=readline, role="extension", soname=None, rpath=None, runpath=None, needed=host),
    )
    chain = ("AppRun", "opt/demo/bin/python3.11", readline, "usr/lib/x86_64-linux-gnu/libreadline.so.8")
    components = tuple(
        ComponentInfo(
            name=f"component-{number:02}",
            version="1.0",
            kind="python",
            licenses=None if number % 9 == 0 else "MIT",
            file_count=20,
        )
        for number in range(58)
    )
    return Result(
        tool=TOOL,
        rules={
            "missing-library": RuleInfo(
                code="LIB001", severity="error", summary="A needed library is neither in the bundle nor on every host"
            ),
            "strong-copyleft-reached": RuleInfo(
                code="LIC001", severity="warning", summary="The application reaches a component under the GPL"
            ),
            "host-library-bundled": RuleInfo(
                code="LIB002", severity="warning", summary="The bundle carries a library that must come from the host"
            ),
            "rpath-leaks-build-path": RuleInfo(
                code="RPT004", severity="warning", summary="RPATH or RUNPATH names a directory of the build machine"
            ),
            "duplicate-files": RuleInfo(
                code="SIZ002", severity="info", summary="Files with the same content are shipped more than once"
            ),
            "tests-shipped": RuleInfo(code="SIZ003", severity="info", summary="Test suites are shipped"),
        },
        artifact=ArtifactInfo(
            id="a1",
            path="dist/Demo-Application-1.4.0-x86_64.AppImage",
            format="appimage-2",
            arch="x86_64",
            size=187_400_192,
            unpacked_size=490_217_431,
            sha256="0" * 64,
            envelope=EnvelopeInfo(
                runtime=RuntimeInfo(
                    kind="appimagekit",
                    version="12",
                    compressors=("gzip", "xz"),
                    needs=("libfuse.so.2", "fusermount"),
                    linkage="dynamic",
                ),
                offset=188_392,
                payload_size=187_211_800,
                compression="zstd",
                block_size=131_072,
                created=1_790_000_000,
                update_information="gh-releases-zsync|demo-maker|demo-application|latest|Demo-Application-*x86_64.AppImage.zsync",
            ),
        ),
        nested=(
            NestedArtifact(
                id="a1.1",
                parent="a1",
                path="opt/demo/share/helper.AppImage",
                format="appimage-2",
                coverage=Coverage(seen=214, analysed=0),
            ),
        ),
        files=FilesInfo(count=9_214, elf_count=412),
        floors={
            "GLIBC": Floor(
                version="2.34",
                host_version="2.34",
                markers=("GLIBC_PRIVATE", "GLIBC_ABI_DT_RELR"),
                causes=(
                    FloorCause(
                        file=readline,
                        library="libc.so.6",
                        version="GLIBC_2.34",
                        symbols=("pthread_create", "dlopen", "__libc_start_main", "dlsym"),
                        symbol_count=14,
                        from_host=True,
                    ),
                    FloorCause(
                        file=core,
                        library="libc.so.6",
                        version="GLIBC_2.34",
                        symbols=("pthread_key_create",),
                        symbol_count=1,
                        from_host=True,
                    ),
                    FloorCause(
                        file=plugin,
                        library="libm.so.6",
                        version="GLIBC_2.29",
                        symbols=("exp", "pow"),
                        symbol_count=2,
                        from_host=True,
                        weak=True,
                    ),
                ),
                remedy="build on a distribution with glibc 2.31 or older, such as Debian 11: pthread_create moved into libc.so.6 in 2.34",
            ),
            "GLIBCXX": Floor(
                version="3.4.30",
                host_version="3.4.21",
                causes=(
                    FloorCause(
                        file=core,
                        library="libstdc++.so.6",
                        version="GLIBCXX_3.4.21",
                        symbols=("_ZSt24__throw_out_of_range_fmtPKcz",),
                        symbol_count=9,
                        from_host=True,
                    ),
                ),
            ),
            "CXXABI": Floor(version="1.3.13", host_version=None),
            "OPENSSL": Floor(version="3.0.0", host_version=None),
        },
        tag=TagInfo(allowed="manylinux_2_34_x86_64"),
        libraries=libraries,
        roots=(RootInfo(path="AppRun", role="entry"), RootInfo(path=plugin, role="plugin")),
        components=components,
        licenses=LicensesInfo(
            exposures=(
                Exposure(
                    license="GPL-3.0-or-later",
                    license_class="strong-copyleft",
                    component="readline 8.2",
                    linkage="dynamic",
                    chain=chain,
                ),
                Exposure(
                    license="GPL-3.0-only",
                    license_class="strong-copyleft",
                    component="PyQt5 5.15.11",
                    linkage="python",
                    chain=("AppRun", "opt/demo/app/main.py", "PyQt5/QtWidgets.abi3.so"),
                ),
                Exposure(
                    license="LGPL-3.0-only",
                    license_class="weak-copyleft",
                    component="Qt 5.15.2",
                    linkage="dynamic",
                    chain=("AppRun", "opt/demo/bin/python3.11", "QtCore.abi3.so", core),
                ),
                Exposure(
                    license="LGPL-3.0-only",
                    license_class="weak-copyleft",
                    component="Qt 5.15.2",
                    linkage="dynamic",
                    chain=("AppRun", "opt/demo/bin/python3.11", "QtGui.abi3.so", core),
                ),
            )
        ),
        sizes=SizesInfo(
            total=ByteCount(raw=490_217_431, stored=186_900_000),
            by_component=(
                SizeRow(name="PyQt5-Qt5 5.15.2", raw=221_000_000, stored=80_100_000, files=1_402),
                SizeRow(name="Python 3.11.2", raw=120_400_000, stored=41_000_000, files=5_300),
                SizeRow(name="usr/lib (no component known)", raw=61_000_000, stored=30_000_000, files=80),
                *(
                    SizeRow(name=f"component-{number:02}", raw=1_500_000 - number, stored=600_000 - number, files=20)
                    for number in range(58)
                ),
            ),
            by_directory=(SizeRow(name="opt", raw=420_000_000, stored=150_000_000, files=9_000),),
            by_type=(
                SizeRow(name="ELF library", raw=300_000_000, stored=110_000_000, files=412),
                SizeRow(name="Python bytecode", raw=80_000_000, stored=30_000_000, files=4_000),
                SizeRow(name="Python source", raw=60_000_000, stored=18_000_000, files=2_800),
                SizeRow(name="translation", raw=9_000_000, stored=3_000_000, files=300),
            ),
            largest=(
                SizeRow(
                    name="opt/demo/lib/python3.11/site-packages/PyQt5/Qt5/lib/libQt5WebEngineCore.so.5",
                    raw=131_000_000,
                    stored=46_000_000,
                ),
                SizeRow(name=core, raw=6_500_000, stored=2_300_000),
            ),
            duplicates=(
                DuplicateGroup(paths=("a", "b"), count=2, size=100, wasted=100, wasted_stored=0, proof="same blocks"),
            ),
            duplicate_bytes=ByteCount(raw=12_300_000, stored=0),
            debug_bytes=ByteCount(raw=3_100_000, stored=1_000_000),
            test_bytes=ByteCount(raw=31_000_000, stored=9_000_000),
            bytecode_bytes=ByteCount(raw=80_000_000, stored=30_000_000),
        ),
        findings=(
            Finding(
                rule="missing-library",
                severity="error",
                confidence="medium",
                subject="libxcb-cursor.so.0",
                message=f"libxcb-cursor.so.0 is needed by {plugin}, and neither in the bundle nor expected on every host",
                evidence=("AppRun starts opt/demo/bin/python3.11", "QApplication loads the platform plugin xcb"),
                fix=Fix(text="bundle libxcb-cursor.so.0, or remove what needs it"),
            ),
            *(
                Finding(
                    rule="rpath-leaks-build-path",
                    severity="warning",
                    confidence="high",
                    subject=library.path,
                    message="has RPATH /home/build/qt5/lib, a directory of the machine that built it",
                    fix=Fix(text=f"patchelf --set-rpath '$ORIGIN' {library.path}", action="repair-rpath"),
                )
                for library in libraries
                if library.rpath == "/home/build/qt5/lib"
            ),
            *(
                Finding(
                    rule="host-library-bundled",
                    severity="warning",
                    confidence="high",
                    subject=f"usr/lib/{name}",
                    message=f"{name} belongs to the host: {why}",
                )
                for name, why in (
                    ("libstdc++.so.6", "the GPU driver needs the newer one"),
                    ("libgcc_s.so.1", "it must fit libc"),
                    ("libxcb.so.1", "it must fit the X server's libraries"),
                )
            ),
            Finding(
                rule="strong-copyleft-reached",
                severity="warning",
                confidence="high",
                subject="usr/lib/x86_64-linux-gnu/libreadline.so.8",
                message="the Python module readline loads GNU Readline (GPL-3.0-or-later)",
                evidence=chain,
                fix=Fix(text=f"remove {readline}; it is imported by code and cmd", action="drop-license"),
            ),
            Finding(
                rule="duplicate-files",
                severity="info",
                confidence="high",
                subject="",
                message="12.3 MB lie in 214 groups of equal files",
                fix=Fix(text="replace the copies by links", action="dedupe", saves=12_300_000, safe=True),
            ),
            Finding(
                rule="tests-shipped",
                severity="info",
                confidence="medium",
                subject="opt/demo/lib/python3.11/test",
                message="the standard library's tests are shipped",
                fix=Fix(text="remove the test suites", action="remove-tests", saves=31_000_000),
            ),
            Finding(
                rule="missing-library",
                severity="error",
                confidence="medium",
                subject="libold.so",
                message="libold.so is needed by opt/x",
                suppressed="never loaded",
            ),
        ),
        problems=(
            Problem(
                kind="corrupt-member",
                subject="opt/demo/share/broken.png",
                message="block 3 does not decompress (at byte 18812)",
            ),
        ),
        coverage=Coverage(
            seen=9_871,
            analysed=9_870,
            skipped=(Skipped(path="opt/demo/share/broken.png", why="corrupt"),),
            rules_run=tuple(f"rule-{number}" for number in range(34)),
        ),
        verdict=Verdict(gate="failed", reasons=("1 finding of severity error: missing-library",)),
    )


def tiny_elf() -> Result:
    """One small executable without a finding."""
    needed = (NeededInfo(name="libc.so.6", path=None, origin="host", via="host list"),)
    return Result(
        tool=TOOL,
        rules={},
        artifact=ArtifactInfo(
            id="a1", path="hello", format="elf", arch="aarch64", size=14_472, unpacked_size=14_472, sha256="1" * 64
        ),
        files=FilesInfo(count=1, elf_count=1),
        floors={
            "GLIBC": Floor(
                version="2.17",
                host_version="2.17",
                causes=(
                    FloorCause(
                        file="hello",
                        library="libc.so.6",
                        version="GLIBC_2.17",
                        symbols=("puts",),
                        symbol_count=1,
                        from_host=True,
                    ),
                ),
            )
        },
        tag=TagInfo(allowed="manylinux2014_aarch64"),
        libraries=(LibraryInfo(path="hello", role="executable", soname=None, rpath=None, runpath=None, needed=needed),),
        roots=(RootInfo(path="hello", role="entry"),),
        sizes=SizesInfo(
            total=ByteCount(raw=14_472, stored=14_472),
            by_type=(SizeRow(name="ELF executable", raw=14_472, stored=14_472),),
            largest=(SizeRow(name="hello", raw=14_472, stored=14_472),),
        ),
        coverage=Coverage(seen=1, analysed=1, rules_run=("glibc-floor",)),
    )


def hostile_bundle() -> Result:
    """Every text that comes from the artifact is one of :data:`HOSTILE_NAMES`."""
    names = HOSTILE_NAMES
    return Result(
        tool=TOOL,
        rules={"missing-library": RuleInfo(code="LIB001", severity="error", summary="A needed library is missing")},
        artifact=ArtifactInfo(
            id="a1",
            path=names[0],
            format="appimage-2",
            arch=names[2],
            size=2**63,
            unpacked_size=0,
            envelope=EnvelopeInfo(
                runtime=RuntimeInfo(kind=names[1], version=names[0], needs=names, compressors=names[:2]),
                compression=names[3],
                created=2**62,
                update_information=names[8],
                options=names,
                splash_screen=SplashScreenInfo(member=names[2], size=1, libraries=names),
                members_from=names,
            ),
        ),
        nested=tuple(
            NestedArtifact(id=f"a1.{number}", parent="a1", path=name, format=name) for number, name in enumerate(names)
        ),
        files=FilesInfo(count=len(names), elf_count=len(names)),
        floors={
            name: Floor(
                version=name,
                host_version=name,
                markers=(name,),
                remedy=name,
                causes=(
                    FloorCause(file=name, library=name, version=name, symbols=names, symbol_count=99, from_host=True),
                ),
            )
            for name in names
        },
        tag=TagInfo(allowed=names[0], claimed=names[1]),
        libraries=tuple(
            LibraryInfo(
                path=name,
                role=name,
                soname=name,
                rpath=name,
                runpath=name,
                needed=tuple(NeededInfo(name=each, path=name, origin="missing") for each in names),
            )
            for name in names
        ),
        components=(ComponentInfo(name=names[0], version=names[1], kind="python", licenses=None),),
        licenses=LicensesInfo(
            exposures=tuple(
                Exposure(license=name, license_class=name, component=name, linkage="static", chain=names)
                for name in names
            )
        ),
        sizes=SizesInfo(
            total=ByteCount(raw=1000, stored=10),
            by_component=tuple(SizeRow(name=name, raw=100, stored=1) for name in names),
            by_type=tuple(SizeRow(name=name, raw=100, stored=1) for name in names),
            largest=tuple(SizeRow(name=name, raw=100, stored=1) for name in names),
        ),
        findings=tuple(
            Finding(
                rule="missing-library",
                severity="error",
                confidence="low",
                subject=name,
                message=f"{name} needs {name}",
                evidence=names,
                fix=Fix(text=name),
            )
            for name in names
        ),
        problems=tuple(Problem(kind=name, subject=name, message=name) for name in names),
        coverage=Coverage(seen=len(names), analysed=0, skipped=tuple(Skipped(path=name, why=name) for name in names)),
        verdict=Verdict(gate="failed", reasons=names),
    )


def judged_hosts(result: Result) -> tuple[HostVerdict, ...]:
    """Six systems with glibc, of which two fail for a version and one is degraded, and three with musl, which all fail for libc."""
    cause = result.floors["GLIBC"].causes[0]
    program = next(root.path for root in result.roots if root.role == "entry")
    version = FailedObject(
        path=program,
        missing_versions=({"library": cause.library, "version": cause.version, "needed_by": cause.file},),
    )
    library = FailedObject(path=result.libraries[0].path, missing_libraries=("libxcb-cursor.so.0",))
    glibc_message = f"/lib64/libc.so.6: version `{cause.version}' not found (required by /tmp/.mount_Demo/{cause.file})"
    musl_message = f"Error loading shared library libc.so.6: No such file or directory (needed by {program})"

    def verdict(
        id_: str,
        name: str,
        word: Literal["starts", "degraded", "fails", "unknown"],
        *objects: FailedObject,
        message: str = "",
        basis: Literal["captured", "measured", "assumed"] = "measured",
    ) -> HostVerdict:
        return HostVerdict(
            id=id_,
            name=name,
            variant="desktop",
            basis=basis,
            verdict=word,
            message=message,
            judged=411,
            objects=objects,
            libc="musl" if id_.startswith("alpine") else "glibc",
        )

    no_libc = FailedObject(path=program, missing_libraries=("libc.so.6",))
    return (
        verdict("rhel-8", "RHEL 8", "fails", version, library, message=glibc_message),
        verdict("debian-11", "Debian 11 (bullseye)", "fails", version, message=glibc_message),
        verdict("rhel-9", "RHEL 9", "starts"),
        verdict("debian-12", "Debian 12 (bookworm)", "starts", basis="captured"),
        verdict("fedora-44", "Fedora 44", "starts", basis="assumed"),
        verdict("arch", "Arch Linux", "degraded", library, message="1 of 411 objects does not load"),
        *(
            verdict(f"alpine-3.{number}", f"Alpine Linux 3.{number}", "fails", no_libc, message=musl_message)
            for number in (22, 23, 24)
        ),
    )
