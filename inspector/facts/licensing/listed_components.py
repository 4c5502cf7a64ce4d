"""Static components that a build lists itself: the crates of a Rust program and the modules of a Go program, each with its release."""

from __future__ import annotations

from inspector.facts.licensing.fingerprint_scan import StaticEvidence
from inspector.facts.licensing.go_modules import GoBuild
from inspector.facts.licensing.license_classes import license_class
from inspector.facts.licensing.rust_crates import RustBuild
from inspector.facts.licensing.static_component import StaticComponent

_GO_LICENSE = "BSD-3-Clause"


def rust_crates(build: RustBuild | None, path: str) -> list[StaticComponent]:
    """The crates of a Rust build as components of the file ``path``; none without a build."""
    if build is None:
        return []
    return [
        StaticComponent(
            name=crate.name,
            version=crate.version,
            licenses=None,
            license_class="unknown",
            path=path,
            kind="rust-crate",
            package_url=f"pkg:cargo/{crate.name}@{crate.version}" if crate.source == "crates.io" else "",
            evidence=(StaticEvidence("build information", f"{build.stated_by}: {crate.name} {crate.version}"),),
        )
        for crate in build.crates
    ]


def go_modules(build: GoBuild | None, path: str) -> list[StaticComponent]:
    """Go's standard library and the modules of a Go build, without the program itself, as components of the file ``path``; none without a build."""
    if build is None:
        return []
    release = build.go_version.removeprefix("go") if build.go_version.startswith("go1") else None
    said = (StaticEvidence("build information", f"Go build information: {build.go_version}"),)
    found = [
        StaticComponent(
            name="Go standard library",
            version=release,
            licenses=_GO_LICENSE,
            license_class=license_class(_GO_LICENSE),
            path=path,
            kind="go-module",
            package_url=f"pkg:golang/std@{release}" if release else "pkg:golang/std",
            evidence=said,
        )
    ]
    for module in build.modules:
        if module.main:
            continue  # the program itself
        found.append(
            StaticComponent(
                name=module.path,
                version=module.version or None,
                licenses=None,
                license_class="unknown",
                path=path,
                kind="go-module",
                package_url=f"pkg:golang/{module.path}@{module.version}",
                evidence=(
                    StaticEvidence("build information", f"Go build information: {module.path} {module.version}"),
                ),
            )
        )
    return found
