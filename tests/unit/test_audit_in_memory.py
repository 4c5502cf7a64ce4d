"""Facts and findings on bundles of small ELF files built in memory, one case a test."""

from __future__ import annotations

from typing import Any

from inspector.checks import run_checks
from inspector.facts.facts import Facts
from inspector.model import Finding
from tests.bundles import Content, facts_of, of_rule
from tests.elf_builder import EM_AARCH64, TinyElf

LOADER = "/lib64/ld-linux-x86-64.so.2"
PRINTF = ("printf", "libc.so.6", "GLIBC_2.2.5")
START = ("__libc_start_main", "libc.so.6", "GLIBC_2.34")
APPRUN = '#!/bin/sh\nHERE="$(dirname "$(readlink -f "$0")")"\nexec "$HERE/usr/bin/app" "$@"\n'


def app(**options: Any) -> TinyElf:
    options.setdefault("needed", ("libc.so.6",))
    options.setdefault("imports", (START,))
    return TinyElf(interpreter=LOADER, program=True, **options)


def audit(files: dict[str, Content], **options: object) -> tuple[Facts, list[Finding]]:
    facts = facts_of({"AppRun": APPRUN, **files}, **options)
    return facts, run_checks(facts)


def rules(findings: list[Finding]) -> set[str]:
    return {found.rule for found in findings}


def test_a_sound_bundle_has_no_more_than_its_floor() -> None:
    facts, findings = audit(
        {
            "usr/bin/app": app(needed=("libfoo.so.1", "libc.so.6"), runpath="$ORIGIN/../lib"),
            "usr/lib/libfoo.so.1": TinyElf(soname="libfoo.so.1", needed=("libc.so.6",), imports=(PRINTF,)),
        }
    )
    assert rules(findings) == {"glibc-floor"}
    (floor,) = facts.floors
    assert (floor.namespace, floor.version, floor.host_version) == ("GLIBC", "2.34", "2.34")
    assert [(cause.file, cause.version) for cause in floor.causes] == [("usr/bin/app", "GLIBC_2.34")]
    assert facts.graph.roots[0].path == "usr/bin/app"
    assert facts.graph.roots[0].role == "entry"
    (need, _) = facts.graph.needs["usr/bin/app"]
    assert (need.path, need.origin, need.via) == ("usr/lib/libfoo.so.1", "bundle", "RUNPATH $ORIGIN/../lib")


def test_a_missing_library_of_the_entry_is_an_error_with_its_chain() -> None:
    _, findings = audit(
        {
            "usr/bin/app": app(needed=("libfoo.so.1",), runpath="$ORIGIN/../lib"),
            "usr/lib/libfoo.so.1": TinyElf(soname="libfoo.so.1", needed=("libgone.so.3",)),
        }
    )
    (missing,) = of_rule(findings, "missing-library")
    assert missing.severity == "error"
    assert missing.subject == "libgone.so.3"
    assert missing.evidence == ("usr/bin/app -> usr/lib/libfoo.so.1 -> libgone.so.3",)


def test_a_missing_library_of_an_extension_is_a_warning() -> None:
    _, findings = audit(
        {
            "usr/bin/app": app(),
            "usr/lib/python3.11/lib-dynload/_x.cpython-311-x86_64-linux-gnu.so": TinyElf(needed=("libgone.so.3",)),
        }
    )
    (missing,) = of_rule(findings, "missing-library")
    assert missing.severity == "warning"


def test_a_copy_off_the_search_path_is_named() -> None:
    _, findings = audit(
        {
            "usr/bin/app": app(needed=("libfoo.so.1",)),
            "usr/lib/libfoo.so.1": TinyElf(soname="libfoo.so.1"),
        }
    )
    (missing,) = of_rule(findings, "missing-library")
    assert "a copy lies at usr/lib/libfoo.so.1" in missing.message


def test_the_search_path_that_apprun_sets_is_followed() -> None:
    facts, findings = audit(
        {
            "AppRun": APPRUN.replace("exec", 'export LD_LIBRARY_PATH="$HERE/usr/lib"\nexec'),
            "usr/bin/app": app(needed=("libfoo.so.1",)),
            "usr/lib/libfoo.so.1": TinyElf(soname="libfoo.so.1"),
        }
    )
    assert "missing-library" not in rules(findings)
    assert facts.graph.needs["usr/bin/app"][0].via == "LD_LIBRARY_PATH $APPDIR/usr/lib"


def test_an_empty_element_of_the_search_path_is_found() -> None:
    _, findings = audit(
        {
            "AppRun": APPRUN.replace("exec", 'export LD_LIBRARY_PATH="$HERE/usr/lib:$LD_LIBRARY_PATH"\nexec'),
            "usr/bin/app": app(),
        }
    )
    (found,) = of_rule(findings, "library-path-has-empty-element")
    assert found.subject == "AppRun"


def test_libraries_of_the_host_must_not_be_bundled() -> None:
    _, findings = audit(
        {
            "usr/bin/app": app(needed=("libwayland-client.so.0",), runpath="$ORIGIN/../lib"),
            "usr/lib/libwayland-client.so.0": TinyElf(soname="libwayland-client.so.0"),
        }
    )
    (found,) = of_rule(findings, "host-library-bundled")
    assert found.subject == "usr/lib/libwayland-client.so.0"


def test_each_kind_of_rpath_has_its_rule() -> None:
    elements = {
        "/opt/vendor/lib": "rpath-absolute",
        "/home/alice/build/lib": "rpath-leaks-build-path",
        "../lib": "rpath-relative",
        "": "rpath-empty-element",
        "$ORIGIN/../nowhere": "rpath-useless",
    }
    for element, rule in elements.items():
        _, findings = audit({"usr/bin/app": app(runpath=f"$ORIGIN/../bin:{element}")})
        assert rules(findings) == {"glibc-floor", rule}, element
    _, findings = audit({"usr/bin/app": app(runpath="$ORIGIN/../bin:$ORIGIN")})
    assert rules(findings) == {"glibc-floor", "rpath-useless"}


def test_versions_that_a_bundled_library_answers_are_not_asked_of_the_host() -> None:
    facts, findings = audit(
        {
            "usr/bin/app": app(
                needed=("libstdc++.so.6", "libc.so.6"),
                imports=(("_ZSt4cout", "libstdc++.so.6", "GLIBCXX_3.4.30"), START),
                runpath="$ORIGIN/../lib",
            ),
            "usr/lib/libstdc++.so.6": TinyElf(soname="libstdc++.so.6", exports=(("_ZSt4cout", "GLIBCXX_3.4.30"),)),
        }
    )
    floor = next(floor for floor in facts.floors if floor.namespace == "GLIBCXX")
    assert (floor.version, floor.host_version) == ("3.4.30", None)
    assert "version-missing-in-bundled-library" not in rules(findings)


def test_a_bundled_library_that_lacks_a_version_is_an_error() -> None:
    _, findings = audit(
        {
            "usr/bin/app": app(
                needed=("libfoo.so.1",), imports=(("foo", "libfoo.so.1", "FOO_2"),), runpath="$ORIGIN/../lib"
            ),
            "usr/lib/libfoo.so.1": TinyElf(soname="libfoo.so.1", exports=(("foo", "FOO_1"),)),
        }
    )
    (found,) = of_rule(findings, "version-missing-in-bundled-library")
    assert found.severity == "error"
    assert "FOO_2" in found.message


def test_weak_versions_make_no_floor() -> None:
    facts, _ = audit(
        {"usr/bin/app": app(imports=(PRINTF, ("arc4random", "libc.so.6", "GLIBC_2.36")), weak_versions=("GLIBC_2.36",))}
    )
    (floor,) = facts.floors
    assert floor.version == "2.2.5"


def test_markers_are_no_numbers() -> None:
    facts, findings = audit(
        {
            "usr/bin/app": app(
                imports=(
                    START,
                    ("a", "libc.so.6", "GLIBC_ABI_DT_RELR"),
                    ("b", "libc.so.6", "GLIBC_ABI_DT_X86_64_PLT"),
                    ("c", "libc.so.6", "GLIBC_PRIVATE"),
                )
            )
        }
    )
    (floor,) = facts.floors
    assert floor.version == "2.34"
    assert floor.markers == ("GLIBC_ABI_DT_RELR", "GLIBC_ABI_DT_X86_64_PLT", "GLIBC_PRIVATE")
    assert "glibc-private-symbol" in rules(findings)


def test_hardening() -> None:
    _, findings = audit({"usr/bin/app": app(stack_flags=7, textrel=True)})
    assert rules(findings) == {"glibc-floor", "executable-stack", "text-relocations"}
    _, findings = audit({"usr/bin/app": app(stack_flags=None)})
    assert "executable-stack" in rules(findings)
    _, findings = audit({"usr/bin/app": app(machine=EM_AARCH64, stack_flags=None)})
    assert "executable-stack" not in rules(findings)


def test_a_foreign_library_is_named_and_makes_no_floor() -> None:
    facts, findings = audit(
        {
            "usr/bin/app": app(),
            "usr/bin/tool": app(),
            "usr/lib/libfoo.so.1": TinyElf(
                soname="libfoo.so.1",
                machine=EM_AARCH64,
                imports=(("x", "libc.so.6", "GLIBC_2.38"),),
                needed=("libc.so.6",),
            ),
        }
    )
    (found,) = of_rule(findings, "wrong-architecture-library")
    assert found.subject == "usr/lib/libfoo.so.1"
    assert facts.floors[0].version == "2.34"


def test_an_appdir_needs_an_executable_apprun() -> None:
    facts = facts_of({"usr/bin/app": app()})
    assert "no-entry-point" in rules(run_checks(facts))
    facts = facts_of({"AppRun": "echo no shebang", "usr/bin/app": app()})
    assert "launcher-not-executable" in rules(run_checks(facts))


def test_readline_is_reached_through_its_module() -> None:
    module = "usr/lib/python3.11/lib-dynload/readline.cpython-311-x86_64-linux-gnu.so"
    facts, findings = audit(
        {
            "AppRun": APPRUN.replace("usr/bin/app", "usr/bin/python3.11"),
            "usr/bin/python3.11": app(),
            module: TinyElf(needed=("libreadline.so.8",), runpath="$ORIGIN/../.."),
            "usr/lib/libreadline.so.8": TinyElf(soname="libreadline.so.8"),
        }
    )
    exposure = next(exposure for exposure in facts.exposures if exposure.license_class == "strong-copyleft")
    assert exposure.license == "GPL-3.0-or-later"
    assert exposure.linkage == "dynamic"
    assert exposure.chain == ("usr/bin/python3.11", module, "usr/lib/libreadline.so.8")
    assert "strong-copyleft-reached" in rules(findings)


def test_duplicates_of_a_directory_are_proved_by_content() -> None:
    content = bytes(range(256)) * 1024
    other = content[:-1] + b"x"
    facts, findings = audit({"usr/bin/app": app(), "a/one.dat": content, "b/two.dat": content, "c/three.dat": other})
    (group,) = facts.sizes.duplicates
    assert (group.paths, group.wasted, group.proof) == (("a/one.dat", "b/two.dat"), len(content), "same content")
    assert "duplicate-files" in rules(findings)


def test_sizes_add_up() -> None:
    facts, _ = audit({"usr/bin/app": app(), "usr/lib/python3.11/os.py": "x" * 5000, "usr/share/doc/x.txt": "y" * 100})
    sizes = facts.sizes
    for rows in (sizes.by_component, sizes.by_type):
        assert sum(row.raw for row in rows) == sizes.total.raw
        assert sum(row.files for row in rows) == len(facts.files)


def test_a_link_to_the_program_is_the_launcher() -> None:
    facts = facts_of({"usr/bin/app": app()}, links={"AppRun": "usr/bin/app"})
    assert facts.launcher.kind == "elf"
    assert [root.path for root in facts.graph.roots if root.role == "entry"] == ["usr/bin/app"]
    assert "no-entry-point" not in rules(run_checks(facts))


def test_hooks_and_wrapped_programs_are_followed() -> None:
    facts = facts_of(
        {
            "AppRun": '#!/bin/bash\nthis_dir="$(readlink -f "$(dirname "$0")")"\nsource "$this_dir"/apprun-hooks/"x.sh"\n'
            'exec "$this_dir"/AppRun.wrapped "$@"\n',
            "apprun-hooks/x.sh": 'export LD_LIBRARY_PATH="$this_dir/usr/lib"\n',
            "usr/bin/app": app(needed=("libfoo.so.1",)),
            "usr/lib/libfoo.so.1": TinyElf(soname="libfoo.so.1"),
        },
        links={"AppRun.wrapped": "usr/bin/app"},
    )
    assert facts.launcher.programs == ("usr/bin/app",)
    assert facts.launcher.library_path_from == "apprun-hooks/x.sh"
    assert facts.launcher.passes_arguments
    assert facts.graph.needs["usr/bin/app"][0].origin == "bundle"


def test_fingerprints_survive_a_rebuild() -> None:
    def fingerprint(name: str) -> str:
        _, findings = audit(
            {"usr/bin/app": app(), f"usr/lib/{name}": TinyElf(soname=name, runpath="/opt/x", needed=("libc.so.6",))}
        )
        return of_rule(findings, "rpath-absolute")[0].fingerprint

    assert fingerprint("libfoo-1a2b3c4d.so.1.2.3") == fingerprint("libfoo-99887766.so.1.2.4")
    assert fingerprint("libfoo.so.1") != fingerprint("libbar.so.1")


def test_host_programs_that_get_bundled_libraries() -> None:
    files: dict[str, Content] = {
        "AppRun": APPRUN.replace("exec", 'export LD_LIBRARY_PATH="$HERE/usr/lib"\nexec'),
        "usr/bin/app": app(),
        "usr/lib/libreadline.so.8": TinyElf(soname="libreadline.so.8"),
    }
    _, findings = audit(files)
    (found,) = of_rule(findings, "library-path-reaches-host-programs")
    assert found.subject == "AppRun"
    assert "libreadline.so.8" in found.message
    _, findings = audit(files | {"AppRun": APPRUN})
    assert not of_rule(findings, "library-path-reaches-host-programs")


def test_a_bundled_library_that_is_older_than_the_hosts() -> None:
    old = TinyElf(soname="libstdc++.so.6", exports=(("a", "GLIBCXX_3.4.19"),))
    _, findings = audit({"usr/bin/app": app(), "usr/lib/libstdc++.so.6": old})
    (found,) = of_rule(findings, "bundled-library-older-than-host")
    assert "GLIBCXX_3.4.19" in found.message
    new = TinyElf(soname="libstdc++.so.6", exports=(("a", "GLIBCXX_3.4.99"),))
    _, findings = audit({"usr/bin/app": app(), "usr/lib/libstdc++.so.6": new})
    assert not of_rule(findings, "bundled-library-older-than-host")


def test_a_wayland_client_without_the_functions_that_mesa_calls() -> None:
    old = TinyElf(soname="libwayland-client.so.0", exports=(("wl_display_connect", None),))
    _, findings = audit({"usr/bin/app": app(), "usr/lib/libwayland-client.so.0": old})
    (found,) = of_rule(findings, "bundled-library-older-than-host")
    assert "wl_display_create_queue_with_name" in found.message
    names = ("wl_display_create_queue_with_name", "wl_fixes_interface")
    new = TinyElf(soname="libwayland-client.so.0", exports=tuple((name, None) for name in names))
    _, findings = audit({"usr/bin/app": app(), "usr/lib/libwayland-client.so.0": new})
    assert not of_rule(findings, "bundled-library-older-than-host")


def verdicts(facts: Facts) -> dict[str, tuple[str, str]]:
    return {host.id: (host.verdict, host.message) for host in facts.hosts}


def test_each_supported_system_is_judged_in_the_loaders_words() -> None:
    new = app(imports=(START, ("__isoc23_strtol", "libc.so.6", "GLIBC_2.38")))
    facts, _ = audit({"usr/bin/app": new})
    hosts = verdicts(facts)
    assert hosts["debian-13"] == ("starts", "")
    state, message = hosts["debian-12"]
    assert state == "fails"
    assert message.endswith("libc.so.6: version `GLIBC_2.38' not found (required by usr/bin/app)")
    assert hosts["alpine-3.24"][0] == "fails"
    (failed,) = next(host for host in facts.hosts if host.id == "debian-12").objects
    assert [(lacking.library, lacking.version) for lacking in failed.missing_versions] == [("libc.so.6", "GLIBC_2.38")]
    assert failed.missing_versions[0].symbols == ("__isoc23_strtol",)


def test_a_forgotten_library_fails_everywhere_and_an_extension_only_degrades() -> None:
    facts, _ = audit({"usr/bin/app": app(needed=("libc.so.6", "libforgotten.so.7"))})
    assert {state for state, _ in verdicts(facts).values()} == {"fails"}
    module = "usr/lib/python3.11/site-packages/x.cpython-311-x86_64-linux-gnu.so"
    facts, _ = audit({"usr/bin/app": app(), module: TinyElf(needed=("libforgotten.so.7",))})
    assert verdicts(facts)["debian-12"][0] == "degraded"


def test_a_marker_is_a_member_of_the_hosts_set() -> None:
    marked = app(imports=(START, ("x", "libc.so.6", "GLIBC_ABI_DT_RELR")))
    hosts = verdicts(audit({"usr/bin/app": marked})[0])
    assert hosts["ubuntu-22.04"][0] == "fails"
    assert "GLIBC_ABI_DT_RELR" in hosts["ubuntu-22.04"][1]
    assert hosts["debian-12"][0] == "starts"
