"""Copyright files with several licences: which one is the library's, by the names of directories and files and by what stands first."""

from __future__ import annotations

from tests.unit.test_debian_copyright import copyright_file, read

WORDS = "It comes without any warranty, not even that it is of use to anybody for anything.\n\n"


def test_the_end_of_a_name_stands_for_its_directory_however_it_is_written() -> None:
    text = copyright_file(("*", "LGPL-3+"), ("lib/view/PyConsole/*", "LGPL-2.1+"), ("lib/view/console/*", "GPL-2"))
    assert read(text, "libexamplepyconsole.so.0") == ("LGPL-2.1-or-later", "paragraph")
    assert read(text, "libexampleconsole.so.0") == ("LGPL-3.0-or-later", "default")


def test_a_file_called_like_the_library_among_its_directories() -> None:
    text = copyright_file(("*", "GPL-2+"), ("src/base/* src/job/* src/fm.*", "LGPL-2.1+"), ("src/gtk/fm.c", "MIT"))
    assert read(text, "libfm.so.4") == ("LGPL-2.1-or-later", "paragraph")
    assert read(copyright_file(("*", "GPL-2+"), ("src/fm.c", "LGPL-2.1+")), "libfm.so.4") == (
        "GPL-2.0-or-later",
        "default",
    )


def test_programs_in_src_beside_a_library_elsewhere() -> None:
    text = copyright_file(("*", "LGPL-2.1+"), ("src/* tools/*", "GPL-3+"))
    assert read(text, "libexample.so.0") == ("LGPL-2.1-or-later", "default")
    assert read(copyright_file(("*", "LGPL-2.1+"), ("src/*", "GPL-3+")), "libexample.so.0") == (
        "GPL-3.0-or-later",
        "paragraph",
    )


def test_of_several_licences_in_a_free_file_the_first_is_that_of_the_whole() -> None:
    lesser = f"This may be given on under the GNU Lesser General Public License version 2.1 or later.\n{WORDS}"
    strong = f"The program is under the GNU General Public License version 2 or later.\n{WORDS}"
    assert read(f"{lesser}{strong}", "libexample.so.1") == ("LGPL-2.1-or-later", "text")
    assert read(f"{strong}{lesser}", "libexample.so.1") == (None, "text")
    assert read(f"{lesser}Alternatively: {strong}", "libexample.so.1") == (None, "text")


def test_a_directory_that_is_listed_goes_before_one_above_a_place() -> None:
    text = copyright_file(("*", "GPL-2+"), ("src/*", "Expat"), ("src/lib/*", "LGPL-2.1+"))
    assert read(text, "libexample.so.0") == ("LGPL-2.1-or-later", "paragraph")


def test_a_directory_that_is_written_with_signs_between_its_words() -> None:
    text = copyright_file(("*", "GPL-2+"), ("lib/*", "GPL-3+"), ("image-sharer/*", "LGPL-2.1+"))
    assert read(text, "libexampleimagesharer.so") == ("LGPL-2.1-or-later", "paragraph")
    assert read(text, "libexamplechat.so") == ("GPL-3.0-or-later", "paragraph")


def test_the_last_of_several_words_is_a_directory_in_the_one_for_sources() -> None:
    text = copyright_file(("*", "GPL-2+"), ("src/page/* src/table/*", "LGPL-2.1+"), ("code/view/*", "MIT"))
    assert read(text, "libExampleMonitorPage.so") == ("LGPL-2.1-or-later", "paragraph")
    assert read(text, "libExamplepage.so") == ("GPL-2.0-or-later", "default")
    assert read(text, "libExampleView.so") == ("GPL-2.0-or-later", "default")


def test_names_end_with_lib_and_with_versions_that_have_letters() -> None:
    parts = copyright_file(("*", "Apache-2.0"), ("parts/ann_1.1/*", "LGPL-2.1+"))
    assert read(parts, "libANNlib-5.0.so.1") == ("LGPL-2.1-or-later", "paragraph")
    others = copyright_file(("*", "BSD-3-clause"), ("ThirdParty/sqlite/vtksqlite/*", "blessing"))
    assert read(others, "libvtksqlite-pv5.11.so.1") == ("blessing", "paragraph")


def test_a_directory_without_lib_beside_one_with_it_is_the_programs() -> None:
    program = "pepper/a.cpp pepper/b.cpp pepper/c.cpp"
    assert read(copyright_file(("*", "GPL-3"), (program, "LGPL-2+")), "libpepper.so.1") == (
        "LGPL-2.0-or-later",
        "paragraph",
    )
    text = copyright_file(("*", "GPL-3"), (f"{program} libpepper/debug.cpp", "LGPL-2+"))
    assert read(text, "libpepper.so.1") == ("GPL-3.0-only", "default")


def test_headers_below_the_directory_of_another_library_are_not_public_ones_of_this() -> None:
    text = copyright_file(("*", "GPL-2+"), ("sdk/libview/include/pe/a.h sdk/libshell/include/pe/b.h", "LGPL-3+"))
    assert read(text, "libpepper.so.2") == ("GPL-2.0-or-later", "default")
    own = copyright_file(("*", "GPL-2+"), ("sdk/libpepper/include/pe/a.h sdk/libpepper/include/pe/b.h", "LGPL-3+"))
    assert read(own, "libpepper.so.2") == ("LGPL-3.0-or-later", "paragraph")


def test_a_directory_called_like_the_last_part_of_the_name_beside_programs() -> None:
    files = "src/interfaces/pepper/a.cpp src/interfaces/pepper/b.cpp src/interfaces/pepper/c.h src/settings.cpp"
    text = copyright_file(("*", "GPL-2+"), (files, "LGPL-2+"))
    assert read(text, "libpepper_interfaces.so.5") == ("LGPL-2.0-or-later", "paragraph")
    assert read(text, "libpepper_core.so.5") == ("GPL-2.0-or-later", "default")
    others = " ".join(f"peppermill/sdk/{name}/a.c" for name in ("libshell", "libview", "libwork"))
    assert read(copyright_file(("*", "GPL-2+"), (others, "LGPL-2+")), "libpe_peppermill.so.2") == (
        "GPL-2.0-or-later",
        "default",
    )


def test_a_file_of_the_same_words_as_the_library() -> None:
    text = copyright_file(("*", "GPL-2+"), ("src/pepper/PepperLoginPage.cpp src/mill/MillPage.cpp", "GPL-3"))
    assert read(text, "libpepper_login_page.so") == ("GPL-3.0-only", "paragraph")
    assert read(text, "libmill_page.so") == ("GPL-2.0-or-later", "default")


def test_the_main_file_whatever_its_ending_and_the_file_in_a_directory_of_its_name() -> None:
    text = copyright_file(("*", "GPL-2"), ("modules/ACCOUNT/libxt_account.* tool.c", "LGPL-2.1"))
    assert read(text, "libxt_account.so.1") == ("LGPL-2.1-only", "paragraph")
    text = copyright_file(("*", "LGPL-2+"), ("agents/mailreader/mailreader.cpp src/other.h", "GPL-2+"))
    assert read(text, "libmailreader.so.5") == ("GPL-2.0-or-later", "paragraph")
    whole = copyright_file(
        ("*", "MIT"), ("agents/mailreader/*", "LGPL-2+"), ("agents/mailreader/mailreader.cpp src/other.h", "GPL-2+")
    )
    assert read(whole, "libmailreader.so.5") == ("LGPL-2.0-or-later", "paragraph")


def test_a_library_of_the_project_in_a_directory_without_its_name() -> None:
    files = "libsound/src/a.cpp libsound/src/b.cpp libsound/src/c.cpp"
    text = copyright_file(("*", "GPL-2"), (files, "LGPL-2.1+"))
    assert read(text, "libexamplesound.so.0") == ("LGPL-2.1-or-later", "paragraph")
    assert read(text, "libothersound.so.0") == ("GPL-2.0-only", "default")


def test_variants_of_a_file_for_several_systems_are_one() -> None:
    files = "launcher/list.h launcher/list_win.cpp launcher/list_unix.cpp"
    text = copyright_file(("*", "GPL-2+"), (files, "LGPL-3"))
    assert read(text, "libpepper_launcher.so.3") == ("GPL-2.0-or-later", "default")


def test_more_public_headers_of_a_strong_copyleft_than_of_a_weak_one() -> None:
    strong = ("include/c.h include/d.h include/e.h", "GPL-2+")
    text = copyright_file(("*", "GPL-3+"), ("include/a.h include/b.h", "LGPL-2+"))
    assert read(text, "libpepper.so") == ("LGPL-2.0-or-later", "paragraph")
    text = copyright_file(("*", "GPL-3+"), ("include/a.h include/b.h", "LGPL-2+"), strong)
    assert read(text, "libpepper.so") == ("GPL-3.0-or-later", "default")


def test_the_directory_for_sources_is_the_programs_where_a_strong_copyleft_is_listed_there() -> None:
    weak = (" ".join(f"src/{name}.cpp" for name in "abcdef"), "LGPL-2+")
    assert read(copyright_file(("*", "GPL-2+"), weak), "libpepper.so") == ("LGPL-2.0-or-later", "paragraph")
    text = copyright_file(("*", "GPL-2+"), weak, ("src/y.cpp src/z.cpp", "GPL-2"))
    assert read(text, "libpepper.so") == ("GPL-2.0-or-later", "default")


def test_strong_copyleft_in_the_directory_of_a_library_of_a_weak_one() -> None:
    own = ("src/libpepper/* src/libpepper/corn/*", "LGPL-2")
    strong = ("src/libpepper/a.c src/libpepper/b.c src/libpepper/c/*", "GPL-2")
    text = copyright_file(("*", "GPL-2+"), own, strong)
    assert read(text, "libpepper.so.0") == ("LGPL-2.0-only AND GPL-2.0-only", "paragraph")
    assert read(text, "libcorn.so.0") == ("LGPL-2.0-only", "paragraph")
