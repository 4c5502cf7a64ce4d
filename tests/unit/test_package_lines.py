"""What packages say of themselves on the screen, and the host that a base stands for."""

from __future__ import annotations

import msgspec
import pytest

from inspector.facts.hosts.named_runtimes import named_hosts
from inspector.facts.hosts.profiles import load_profile
from inspector.render.package_lines import package_rows, package_sentence
from inspector.render.registry import Detail, RenderOptions, load_renderer
from inspector.resources import load_table
from inspector.result import EnvelopeInfo, PackageInfo, Result
from tests.render_samples import judged_hosts, pyqt5_appimage


def with_package(package: PackageInfo | None, hosts: int = 0) -> Result:
    sample = pyqt5_appimage()
    artifact = msgspec.structs.replace(sample.artifact, format="snap", envelope=EnvelopeInfo(package=package))
    return msgspec.structs.replace(sample, artifact=artifact, hosts=judged_hosts(sample)[:hosts])


def test_what_a_package_states_is_one_line_and_its_details_are_rows() -> None:
    package = PackageInfo(
        system="snap", name="sample", version="1.2", license="MIT", base="core22", command="bin/sample",
        permissions=("plug: home",), depends=tuple(f"lib{number}" for number in range(11)),
    )  # fmt: skip
    result = with_package(package, hosts=1)
    judged = result.hosts[0].name
    assert package_sentence(result) == f"sample 1.2, MIT; runs on core22, judged as {judged}; starts bin/sample"
    rows = dict(package_rows(result))
    assert rows["may"] == "plug: home"
    assert rows["needs"].endswith("lib7 and 3 more packages")
    assert "no profile" in dict(package_rows(with_package(package, hosts=2)))["runs on"]
    assert package_rows(with_package(None)) == []


@pytest.mark.parametrize("detail", ["normal", "full"])
def test_a_hostile_name_reaches_no_terminal(detail: Detail) -> None:
    result = with_package(PackageInfo(system="deb", name="\x1b[31mred\x07", version="\n1", permissions=("\x9b1m",)))
    text = load_renderer("text")([result], RenderOptions(detail=detail)).decode()
    assert not {"\x1b", "\x07", "\x9b"} & set(text)


def test_every_base_that_is_known_has_a_profile() -> None:
    for name, host in load_table("hosts/runtimes.toml")["snap"].items():
        assert named_hosts(PackageInfo(system="snap", base=name)) == (host,)
        load_profile(host.partition(":")[0], "x86_64")
    assert named_hosts(PackageInfo(system="flatpak", base="org.example.Platform/x86_64/1")) == ()
    assert named_hosts(PackageInfo(system="snap", base=None)) == named_hosts(None) == ()
