"""The excludelist as data: complete, with a reason for each name, and first-match as documented."""

from __future__ import annotations

import pytest

from inspector.facts.hosts.libraries import excludelist_date, host_library, library_sets, split_sets
from inspector.resources import load_table

TABLE = load_table("appimage/excludelist.toml")

# The 52 sonames of the list at the commit that ``source`` names, written down here a second time so that an edit by mistake is seen.
LISTED = """
ld-linux.so.2 ld-linux-x86-64.so.2 libanl.so.1 libBrokenLocale.so.1 libcidn.so.1 libc.so.6 libdl.so.2 libm.so.6 libmvec.so.1
libnss_compat.so.2 libnss_dns.so.2 libnss_files.so.2 libnss_hesiod.so.2 libnss_nisplus.so.2 libnss_nis.so.2 libpthread.so.0 libresolv.so.2
librt.so.1 libthread_db.so.1 libutil.so.1 libstdc++.so.6 libgcc_s.so.1 libGL.so.1 libEGL.so.1 libGLdispatch.so.0 libGLX.so.0 libOpenGL.so.0
libdrm.so.2 libglapi.so.0 libgbm.so.1 libxcb.so.1 libX11.so.6 libX11-xcb.so.1 libxcb-dri2.so.0 libxcb-dri3.so.0 libwayland-client.so.0
libICE.so.6 libSM.so.6 libasound.so.2 libjack.so.0 libpipewire-0.3.so.0 libfontconfig.so.1 libfreetype.so.6 libharfbuzz.so.0 libfribidi.so.0
libcom_err.so.2 libexpat.so.1 libgpg-error.so.0 libusb-1.0.so.0 libuuid.so.1 libz.so.1 libgmp.so.10
""".split()  # noqa: SIM905 - fifty-two quoted names would hide the list


def test_every_name_of_the_community_list_is_there_and_no_other_claims_to_be() -> None:
    claimed = [soname for row in TABLE["library"] if row["listed"] for soname in row["sonames"]]
    assert sorted(claimed) == sorted(LISTED)
    assert len(claimed) == 52


@pytest.mark.parametrize("soname", LISTED)
def test_a_listed_library_comes_from_the_host_and_has_a_reason(soname: str) -> None:
    entry = host_library(soname)
    assert entry is not None
    assert entry.supplier == "host"
    assert entry.listed
    assert len(entry.reason) > 20
    assert entry.reference.startswith("https://")


@pytest.mark.parametrize(
    ("soname", "supplier"),
    [
        ("ld-linux-aarch64.so.1", "host"),
        ("ld64.so.2", "host"),
        ("libgallium-25.0.7-2.so", "host"),
        ("libnvidia-glcore.so.535.183.01", "host"),
        ("libdrm_amdgpu.so.1", "host"),
        ("libwayland-egl.so.1", "either"),
        ("libvulkan.so.1", "either"),
        ("libcrypt.so.1", "bundle"),
        ("libnsl.so.1", "bundle"),
        ("libssl.so.1.1", "bundle"),
        ("libglib-2.0.so.0", "bundle"),
    ],
)
def test_gaps_of_the_list_and_names_that_must_be_bundled(soname: str, supplier: str) -> None:
    entry = host_library(soname)
    assert entry is not None
    assert (entry.supplier, entry.listed) == (supplier, False)


@pytest.mark.parametrize(
    "soname", ["libcrypt.so.2", "libpcre2-8.so.0", "libreadline.so.8", "libGL.so.10", "libz.so.1.2", "", "LIBZ.SO.1"]
)
def test_the_list_says_nothing_of_other_names(soname: str) -> None:
    assert host_library(soname) is None


def test_no_soname_stands_in_two_entries() -> None:
    sonames = [soname for row in TABLE["library"] for soname in row["sonames"]]
    assert len(sonames) == len(set(sonames))


def test_a_set_of_which_a_part_is_bundled_is_found() -> None:
    found = split_sets({"libpango-1.0.so.0", "libharfbuzz.so.0", "libfoo.so.1"})
    assert [(row[0].name, row[1]) for row in found] == [("text layout", ("libpango-1.0.so.0", "libharfbuzz.so.0"))]
    assert "libfreetype.so.6" in found[0][2]
    assert split_sets({"libfoo.so.1"}) == []
    everything = {name for library_set in library_sets() for name in library_set.sonames}
    assert split_sets(everything) == []


def test_the_data_are_dated() -> None:
    assert excludelist_date() == "2026-08-22"


def test_a_debated_library_says_why() -> None:
    entry = host_library("libharfbuzz.so.0")
    assert entry is not None
    assert entry.debated is not None
    assert "Pango" in entry.debated
    entry = host_library("libGL.so.1")
    assert entry is not None
    assert entry.debated is None
