"""``--host``, ``--host-variant`` and ``--env``: what is passed on, and what is refused before any work."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.cli.run_options import split_host
from tests import render_samples


@pytest.fixture
def artifact(pipeline):
    pipeline.answers["app"] = render_samples.tiny_elf()
    return pipeline


def test_nothing_is_passed_where_nothing_is_given(run, artifact) -> None:
    assert run("audit", "app").code == 0
    assert artifact.runs == [{}]


def test_hosts_and_variables_are_passed_on(run, artifact) -> None:
    done = run(
        "audit",
        "app",
        "--host",
        "debian-12",
        "--host=ubuntu:22.04:minimal",
        "--env",
        "QT_PLUGIN_PATH=",
        "--env",
        "A=b=c",
    )
    assert done.code == 0, done.err
    assert artifact.runs == [
        {"hosts": ["debian-12", "ubuntu:22.04:minimal"], "environment": {"QT_PLUGIN_PATH": "", "A": "b=c"}}
    ]


def test_the_variant_is_for_those_that_do_not_say_it(run, artifact) -> None:
    done = run("audit", "app", "--host", "debian-12", "--host", "debian-12:desktop", "--host-variant", "minimal")
    assert done.code == 0, done.err
    assert artifact.runs == [{"hosts": ["debian-12:minimal", "debian-12:desktop"]}]


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        ("debian-12", ("debian-12", None)),
        ("debian-12:minimal", ("debian-12", "minimal")),
        ("ubuntu:22.04", ("ubuntu:22.04", None)),
        ("ubuntu:22.04:desktop", ("ubuntu:22.04", "desktop")),
        ("dir:x/fleet.toml", ("dir:x/fleet.toml", None)),
        ("./my.toml:minimal", ("./my.toml", "minimal")),
    ],
)
def test_only_a_variant_is_cut_off(written: str, parts: tuple[str, str | None]) -> None:
    assert split_host(written) == parts


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--host", "debian-12:minmal"], "--host debian-12:minmal: 'minmal' is no variant"),
        (["--host", "debain-12"], "there is no host profile debain-12"),
        (["--host", ""], "--host needs a name or a file"),
        (["--host", ":minimal"], "--host needs a name or a file"),
        (["--host", "./absent.toml"], "absent.toml cannot be read: No such file or directory"),
        (["--host", "debian-12", "--host", "debian-12"], "--host debian-12 is given twice"),
        (["--host-variant", "minimal"], "--host-variant needs a --host"),
        (["--host", "debian-12", "--host-variant", "tiny"], "--host-variant: 'tiny' is none of desktop, minimal"),
        (["--env", "A"], "--env A has no value"),
        (["--env", ""], "--env  has no value"),
        (["--env", "=b"], "--env =b: '' is no name of a variable"),
        (["--env", "1A=b"], "--env 1A=b: '1A' is no name of a variable"),
        (["--env", "A B=c"], "--env A B=c: 'A B' is no name of a variable"),
        (["--env", "A=b", "--env", "A=c"], "--env A is given twice"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(run, artifact, arguments: list[str], error: str) -> None:
    done = run("audit", "app", *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[0] == f"error: {error}"
    assert artifact.calls == []


def test_a_file_that_is_no_profile_is_refused(run, artifact, tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text("x = 1\n")
    done = run("audit", "app", "--host", f"{tmp_path}/my.toml")
    assert done.code == 2
    assert "my.toml" in done.err
    assert artifact.calls == []
