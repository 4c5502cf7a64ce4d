"""The matrix of systems, on Results made by hand."""

from __future__ import annotations

from msgspec.structs import replace
from rich.cells import cell_len

from inspector.render.host_summary import summarize_hosts, systems_lacking
from inspector.render.terminal import render_text
from inspector.result import FailedObject, HostVerdict, NeededInfo, Result
from tests import render_samples

_RELEASED = {
    "rhel-8": "2019-05-07",
    "debian-11": "2021-08-14",
    "rhel-9": "2022-05-17",
    "debian-12": "2023-06-10",
    "fedora-44": "2026-04-14",
    "arch": "2026-08-01",
}


def judged() -> Result:
    result = render_samples.pyqt5_appimage()
    return replace(result, hosts=render_samples.judged_hosts(result))


def dated() -> Result:
    result = judged()
    hosts = tuple(replace(host, released=_RELEASED.get(host.id, "2025-01-01")) for host in result.hosts)
    return replace(result, hosts=hosts)


def test_one_sentence_sums_it_up_and_musl_is_counted_apart() -> None:
    readline = "opt/demo/lib/python3.11/lib-dynload/readline.cpython-311-x86_64-linux-gnu.so"
    glibc, musl = summarize_hosts(dated())
    assert glibc == (
        "Starts on 4 of 6 supported systems (1 degraded, 1 assumed); oldest: RHEL 9; "
        f"first to fail: Debian 11 (bullseye), GLIBC_2.34 wanted by {readline} (pthread_create and 13 more)"
    )
    assert musl == "musl: starts on none of 3 systems; libc.so.6 wanted by AppRun"


def test_without_dates_nothing_is_said_of_the_oldest() -> None:
    glibc, _ = summarize_hosts(judged())
    assert "oldest" not in glibc
    assert "first to fail" not in glibc
    assert "fails for example on Debian 11 (bullseye), GLIBC_2.34 wanted by" in glibc


def test_no_hosts_no_sentence() -> None:
    result = render_samples.pyqt5_appimage()
    assert summarize_hosts(result) == []
    assert "Systems" not in render_text(result, 80, color=False, detail="full")


def test_all_start_and_unknown_is_counted() -> None:
    result = judged()
    started = [host for host in result.hosts if host.verdict == "starts"]
    assert summarize_hosts(replace(result, hosts=tuple(started)))[0].startswith("Starts on 3 of 3 supported systems")
    unknown = replace(started[0], verdict="unknown", message="nobody measured libfoo.so.1")
    assert summarize_hosts(replace(result, hosts=(unknown,))) == [
        "Starts on none of 1 supported system (1 unknown); unknown for example on RHEL 9, nobody measured libfoo.so.1"
    ]


def test_both_variants_of_a_system_are_told_apart() -> None:
    result = dated()
    minimal = tuple(replace(host, variant="minimal") for host in result.hosts if host.id in ("rhel-9", "debian-11"))
    sentence = summarize_hosts(replace(result, hosts=(*result.hosts[:4], *minimal)))[0]
    assert "RHEL 9 desktop" in sentence or "RHEL 9 minimal" in sentence


def test_the_matrix_has_a_row_a_system() -> None:
    result = judged()
    text = render_text(result, 100, color=False, detail="full")
    for host in result.hosts:
        libc = "musl" if host.id.startswith("alpine") else "glibc"
        row = next(line for line in text.split("\n") if line.strip().startswith(host.name) and "desktop" in line)
        assert row.split()[-5:] == [host.verdict, host.basis, "desktop", libc, "411"]
    assert text.index("Arch Linux") < text.index("Alpine Linux 3.22    ")


def test_a_failure_shows_the_loader_s_message_and_what_is_behind_it() -> None:
    text = " ".join(render_text(judged(), 120, color=False, detail="full").split())
    assert "libc.so.6: version `GLIBC_2.34' not found" in text
    assert "libc.so.6 has no GLIBC_2.34 wanted by opt/demo/lib/python3.11/lib-dynload/readline" in text
    assert "(pthread_create, dlopen, __libc_start_main, dlsym and 10 more) does not load: AppRun" in text
    assert "there is no library libxcb-cursor.so.0 wanted by" in text
    assert "Alpine Linux 3.22, Alpine Linux 3.23, Alpine Linux 3.24: fails" in text


def test_systems_are_counted_once_for_each_thing_that_they_lack() -> None:
    result = judged()
    minimal = replace(result.hosts[0], variant="minimal")
    lacking = systems_lacking(replace(result, hosts=(*result.hosts, minimal)))
    assert lacking == {"GLIBC_2.34": (2, 2), "libxcb-cursor.so.0": (0, 2)}  # an entry lacks it, anything lacks it


def test_hostile_names_fit_and_stay_harmless() -> None:
    result = render_samples.hostile_bundle()
    hosts = tuple(
        HostVerdict(
            id=name,
            name=name,
            variant="desktop",
            basis="captured",
            verdict="fails",
            message=name,
            objects=(
                FailedObject(
                    path=name,
                    missing_libraries=(name,),
                    missing_versions=({"library": name, "version": name, "needed_by": name}, {}),
                    missing_symbols=(name,),
                ),
            ),
        )
        for name in render_samples.HOSTILE_NAMES
    )
    for detail in ("normal", "full"):
        for width in (60, 80):
            text = render_text(replace(result, hosts=hosts), width, color=False, detail=detail)
            for line in text[:-1].split("\n"):
                assert line.isprintable()
                assert cell_len(line) <= width or line.lstrip().startswith("inspect ")


def test_of_a_bundle_for_musl_the_systems_with_musl_count() -> None:
    result = render_samples.tiny_elf()
    needed = (NeededInfo(name="libc.musl-x86_64.so.1", path=None, origin="missing"),)
    libraries = (replace(result.libraries[0], needed=needed),)
    lacking = FailedObject(path="hello", missing_libraries=("libfoo.so.1",))
    hosts = tuple(
        HostVerdict(
            id=id_,
            name=id_,
            variant="desktop",
            basis="measured",
            verdict="fails",
            message="",
            objects=(lacking,),
            libc="musl" if id_.startswith("alpine") else "glibc",
        )
        for id_ in ("alpine-3.22", "alpine-3.23", "debian-12")
    )
    assert systems_lacking(replace(result, libraries=libraries, hosts=hosts)) == {"libfoo.so.1": (2, 2)}
    assert systems_lacking(replace(result, hosts=hosts)) == {"libfoo.so.1": (1, 1)}
