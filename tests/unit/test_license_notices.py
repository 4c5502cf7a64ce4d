"""The notice file: which texts belong to which component, what stands in for a text that is not there, and what is missing."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.artifact.nested_trees import NestedTrees
from inspector.facts.licensing.copyright_lines import copyright_lines
from inspector.facts.licensing.license_files import is_license_file
from inspector.facts.licensing.notices import Notices, collect_notices
from inspector.facts.licensing.spdx_texts import spdx_text
from inspector.facts.licensing.standard_text_coverage import is_covered, runs_of
from inspector.limits import Limits
from inspector.pipeline import audit_opened
from inspector.render.notices import render_notices
from inspector.result import ComponentInfo, Result
from tests.bundles import Content, appdir
from tests.elf_builder import TinyElf

SITE = "usr/lib/python3.11/site-packages"
MIT = (spdx_text("MIT") or "").replace("<year> <copyright holders>", "2019 Ada Lovelace")
BSD = (spdx_text("BSD-3-Clause") or "").replace("<year> <owner>", "2001 Grace Hopper")


def distribution(name: str, version: str, expression: str, **texts: str) -> dict[str, Content]:
    """Metadata 2.4 of one distribution with licence files."""
    place = f"{SITE}/{name}-{version}.dist-info"
    headers = f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\nLicense-Expression: {expression}\n"
    headers += "".join(f"License-File: {file}\n" for file in texts)
    files: dict[str, Content] = {f"{place}/METADATA": headers + "\n", f"{SITE}/{name}.py": "\n"}
    files.update({f"{place}/licenses/{file}": text for file, text in texts.items()})
    files[f"{place}/RECORD"] = "".join(f"{path.removeprefix(SITE + '/')},,\n" for path in files)
    return files


def noticed(files: Mapping[str, Content]) -> tuple[Notices, Result]:
    artifact = appdir({"AppRun": "#!/bin/sh\n", **files})
    result = audit_opened(artifact, limits=Limits(), list_files=True).result
    return collect_notices(NestedTrees(artifact), result.components), result


def texts_of(notices: Notices, name: str) -> list[tuple[str, ...]]:
    (found,) = [noted for noted in notices.components if noted.component.name == name]
    return [notices.texts[number - 1].sources for number in found.texts]


class TestCoverage:
    @pytest.mark.parametrize(
        "identifier", ["MIT", "BSD-2-Clause", "BSD-3-Clause", "ISC", "Zlib", "Apache-2.0", "GPL-3.0-only", "MPL-2.0"]
    )
    def test_a_text_covers_itself_in_another_layout(self, identifier: str) -> None:
        text = spdx_text(identifier) or ""
        words = text.replace("<year>", "1999").replace("<copyright holders>", "Somebody & Co.").split()
        shuffled = "\n".join(" * " + " ".join(words[start : start + 9]) for start in range(0, len(words), 9))
        assert is_covered(identifier, [runs_of(shuffled.upper())])

    @pytest.mark.parametrize(
        ("identifier", "text"),
        [
            (
                "GPL-3.0-only",
                "On Debian systems, the complete text of the GNU General Public License is in /usr/share/common-licenses/GPL-3.",
            ),
            ("BSD-3-Clause", spdx_text("BSD-2-Clause")),
            ("LGPL-3.0-only", spdx_text("GPL-3.0-only")),
            ("GPL-2.0-only", spdx_text("GPL-3.0-only")),
            ("MIT", spdx_text("ISC")),
            ("LicenseRef-Mine", "anything"),
        ],
    )
    def test_another_text_does_not(self, identifier: str, text: str) -> None:
        assert not is_covered(identifier, [runs_of(text)])


class TestCopyrightLines:
    def test_lines_of_a_text(self) -> None:
        text = """
            Copyright (c) 2019   Ada Lovelace
             * (C) 1943-1952 Charles Babbage <cb@example.org>
            © The Analytical Engine Authors
            The copyright of the above does not count, nor does
            Copyright (C) <year> <name of author>
            Copyright [yyyy] [name of copyright owner]
            Copyright holders may demand 1000 things
            Copyright (c) 2019 Ada Lovelace
        """
        assert copyright_lines(text) == (
            "Copyright (c) 2019 Ada Lovelace",
            "(C) 1943-1952 Charles Babbage <cb@example.org>",
            "© The Analytical Engine Authors",
        )

    @pytest.mark.parametrize(
        "identifier",
        [
            "MIT",
            "BSD-3-Clause",
            "Apache-2.0",
            "GPL-2.0-only",
            "GPL-3.0-only",
            "LGPL-2.1-only",
            "LGPL-3.0-only",
            "AGPL-3.0-only",
        ],
    )
    def test_standard_texts_name_no_holder(self, identifier: str) -> None:
        assert copyright_lines(spdx_text(identifier) or "") == ()

    def test_fields_of_a_debian_file(self) -> None:
        text = (
            "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n"
            "Files: *\nCopyright: 1995-2013 Jean-loup Gailly and Mark Adler\n 2001 Somebody Else\nLicense: Zlib\n\n"
            "Files: debian/*\nCopyright: Copyright (C) 2000 A Maintainer\nLicense: Zlib\n"
        )
        assert copyright_lines(text, debian=True) == (
            "Copyright 1995-2013 Jean-loup Gailly and Mark Adler",
            "Copyright 2001 Somebody Else",
            "Copyright (C) 2000 A Maintainer",
        )

    @given(st.text(max_size=300))
    def test_anything_is_read(self, text: str) -> None:
        for debian in (False, True):
            assert all(len(line) <= 200 for line in copyright_lines(text, debian=debian))


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("LICENSE", True),
        ("a/COPYING.LESSER", True),
        ("a/LICENCE.txt", True),
        ("UNLICENSE", True),
        ("a/NOTICE", True),
        ("pip-26.dist-info/licenses/AUTHORS.txt", True),
        ("pip-26.dist-info/licenses/src/pip/_vendor/x/anything", True),
        ("LICENSES/MIT.txt", False),
        ("license_expression/__init__.py", False),
        ("packaging/licenses/_spdx.py", False),
        ("license.svg", False),
        ("setup.py", False),
    ],
)
def test_names_of_licence_files(path: str, answer: bool) -> None:
    assert is_license_file(path) is answer


class TestNotices:
    def test_the_distributions_own_text_is_enough(self) -> None:
        notices, _ = noticed(distribution("ada", "1.0", "MIT", LICENSE=MIT))
        assert texts_of(notices, "ada") == [(f"{SITE}/ada-1.0.dist-info/licenses/LICENSE",)]
        assert notices.components[0].copyright == ("Copyright (c) 2019 Ada Lovelace",)
        assert notices.missing == ()

    def test_the_same_text_stands_once(self) -> None:
        again = MIT.replace("\n", "\n  ")
        notices, _ = noticed(
            {**distribution("ada", "1.0", "MIT", LICENSE=MIT), **distribution("bab", "2.0", "MIT", COPYING=again)}
        )
        assert len(notices.texts) == 1
        assert notices.texts[0].sources == (
            f"{SITE}/ada-1.0.dist-info/licenses/LICENSE",
            f"{SITE}/bab-2.0.dist-info/licenses/COPYING",
        )

    def test_the_standard_text_stands_in_for_what_is_not_shipped(self) -> None:
        notices, _ = noticed(distribution("ada", "1.0", "MIT AND BSD-3-Clause", LICENSE=MIT))
        (own, standard) = texts_of(notices, "ada")
        assert own == (f"{SITE}/ada-1.0.dist-info/licenses/LICENSE",)
        assert standard == ("BSD-3-Clause, SPDX License List 3.28.0",)
        assert notices.missing == ()

    def test_both_texts_of_an_exception(self) -> None:
        notices, _ = noticed(distribution("ada", "1.0", "GPL-3.0-or-later WITH GCC-exception-3.1"))
        assert [sources[0].partition(",")[0] for sources in texts_of(notices, "ada")] == [
            "GPL-3.0-or-later",
            "GCC-exception-3.1",
        ]

    def test_a_licence_of_ones_own_needs_a_text(self) -> None:
        notices, result = noticed(distribution("ada", "1.0", "LicenseRef-Ada"))
        assert [(each.component, each.license) for each in notices.missing] == [("ada 1.0", "LicenseRef-Ada")]
        assert b"TEXTS THAT ARE MISSING" in render_notices(notices, result, markdown=False)
        with_text, _ = noticed(distribution("ada", "1.0", "LicenseRef-Ada", LICENSE="You may do as you like.\n"))
        assert with_text.missing == ()
        with_choice, _ = noticed(distribution("ada", "1.0", "LicenseRef-Ada OR MIT"))
        assert with_choice.missing == ()

    def test_an_unknown_licence_is_missing_unless_a_text_says_it(self) -> None:
        metadata = f"{SITE}/ada-1.0.dist-info/METADATA"
        nothing: dict[str, Content] = {metadata: "Metadata-Version: 2.1\nName: ada\nVersion: 1.0\n\n"}
        assert [each.component for each in noticed(nothing)[0].missing] == ["ada 1.0"]
        told = {**nothing, f"{SITE}/ada-1.0.dist-info/LICENSE": BSD}
        assert noticed(told)[0].missing == ()

    def test_words_that_leave_the_version_clause_open_name_a_text(self) -> None:
        metadata = "Metadata-Version: 2.1\nName: ada\nVersion: 1.0\nLicense: GPL v3\n\n"
        notices, _ = noticed({f"{SITE}/ada-1.0.dist-info/METADATA": metadata})
        assert [sources[0].partition(",")[0] for sources in texts_of(notices, "ada")] == ["GPL-3.0-only"]
        assert notices.missing == ()

    def test_the_public_domain_needs_no_text(self) -> None:
        assert noticed(distribution("ada", "1.0", "LicenseRef-public-domain"))[0].missing == ()

    def test_a_release_that_is_not_known_leaves_the_choice_open(self) -> None:
        artifact = appdir({"AppRun": "#!/bin/sh\n"})
        for stated, missing in (
            ("LicenseRef-public-domain or 0BSD", 0),
            ("MIT or LicenseRef-Old", 0),
            ("LicenseRef-Old or LicenseRef-New", 1),
        ):
            component = ComponentInfo(name="xz", version=None, kind="static", licenses=None, stated=stated)
            assert len(collect_notices(NestedTrees(artifact), [component]).missing) == missing, stated

    def test_vendored_distributions_keep_their_texts(self) -> None:
        vendored = f"{SITE}/ada/_vendor/bab-2.0.dist-info"
        files = distribution("ada", "1.0", "MIT", LICENSE=MIT)
        files[f"{vendored}/METADATA"] = (
            "Metadata-Version: 2.4\nName: bab\nVersion: 2.0\nLicense-Expression: BSD-3-Clause\nLicense-File: LICENSE\n\n"
        )
        files[f"{vendored}/licenses/LICENSE"] = BSD
        record = f"{SITE}/ada-1.0.dist-info/RECORD"
        files[record] = (
            f"{files[record]}ada/_vendor/bab-2.0.dist-info/METADATA,,\nada/_vendor/bab-2.0.dist-info/licenses/LICENSE,,\n"
        )
        notices, _ = noticed(files)
        assert texts_of(notices, "ada") == [(f"{SITE}/ada-1.0.dist-info/licenses/LICENSE",)]
        assert texts_of(notices, "bab") == [(f"{vendored}/licenses/LICENSE",)]

    def test_a_librarys_copyright_file_and_the_text_that_it_refers_to(self) -> None:
        copyright_file = (
            "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n"
            "Files: *\nCopyright: 1987-2022 Free Software Foundation, Inc.\nLicense: GPL-3+\n"
            " On Debian systems the licence is in /usr/share/common-licenses/GPL-3.\n"
        )
        notices, _ = noticed(
            {
                "usr/lib/libreadline.so.8": TinyElf(soname="libreadline.so.8"),
                "usr/share/doc/libreadline8/copyright": copyright_file,
            }
        )
        (own, standard) = texts_of(notices, "GNU Readline")
        assert own == ("usr/share/doc/libreadline8/copyright",)
        assert standard[0].startswith("GPL-3.0-or-later, SPDX")
        assert notices.components[0].copyright == ("Copyright 1987-2022 Free Software Foundation, Inc.",)

    def test_licences_as_fedora_and_arch_ship_them(self) -> None:
        notices, _ = noticed(
            {
                "usr/lib/libz.so.1": TinyElf(soname="libz.so.1"),
                "usr/share/licenses/zlib/LICENSE": spdx_text("Zlib") or "",
            }
        )
        assert texts_of(notices, "zlib") == [("usr/share/licenses/zlib/LICENSE",)]

    def test_a_wheels_own_text_about_what_it_bundles(self) -> None:
        bundled = f"ada is under MIT.\n\n{MIT}\n===== zlib =====\n{spdx_text('Zlib')}"
        files = distribution("ada", "1.0", "MIT", LICENSE=bundled)
        record = f"{SITE}/ada-1.0.dist-info/RECORD"
        library = "ada.libs/libz-1a2b3c4d.so.1.3.1"
        files[f"{SITE}/{library}"] = TinyElf(soname="libz-1a2b3c4d.so.1.3.1")
        files[f"{SITE}/ada.libs/libbz2-1a2b3c4d.so.1.0.8"] = TinyElf(soname="libbz2-1a2b3c4d.so.1.0.8")
        files[record] = f"{files[record]}{library},,\nada.libs/libbz2-1a2b3c4d.so.1.0.8,,\n"
        notices, result = noticed(files)
        assert texts_of(notices, "zlib") == [(f"{SITE}/ada-1.0.dist-info/licenses/LICENSE",)]
        (standard,) = texts_of(notices, "bzip2")  # which that text does not speak of
        assert standard[0].startswith("bzip2-1.0.6, SPDX")
        assert b"Copyright holders: see its texts" in render_notices(notices, result, markdown=False)

    def test_what_cannot_be_read_is_as_good_as_not_there(self) -> None:
        notices, _ = noticed(distribution("ada", "1.0", "MIT", LICENSE="MIT\0" * 100))
        assert texts_of(notices, "ada") == [("MIT, SPDX License List 3.28.0",)]


class TestRendering:
    def hostile(self) -> tuple[Notices, Result]:
        return noticed(
            {
                **distribution("ada", "1.0", "MIT", LICENSE=MIT + "\x1b[2J clear\n````\n# heading\n\u202ereversed\n"),
                **distribution("bab", "2.0", "BSD-3-Clause", LICENSE=BSD),
            }
        )

    def test_text(self) -> None:
        notices, result = self.hostile()
        text = render_notices(notices, result, markdown=False).decode()
        assert text.startswith("Third-party licences of Test.AppDir\n===")
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "\\x1b[2J clear" in text
        assert "\nada 1.0\n  Licence: MIT\n  Copyright (c) 2019 Ada Lovelace\n" in text
        assert text.count("Permission is hereby granted, free of charge") == 1
        assert text.count("Redistribution and use in source and binary forms") == 1

    def test_markdown_keeps_its_fences(self) -> None:
        notices, result = self.hostile()
        text = render_notices(notices, result, markdown=True).decode()
        assert "\n`````text\n" in text  # one tick more than the text has
        assert text.startswith("# Third-party licences of Test.AppDir\n")
        assert "### ada 1.0\n" in text

    @pytest.mark.parametrize("markdown", [False, True])
    def test_the_same_bytes_each_time(self, markdown: bool) -> None:
        assert render_notices(*self.hostile(), markdown=markdown) == render_notices(*self.hostile(), markdown=markdown)

    def test_a_component_without_holders_says_so(self) -> None:
        notices, result = noticed(distribution("ada", "1.0", "MIT"))
        assert b"Copyright holders: not named in the artifact" in render_notices(notices, result, markdown=False)


def test_components_without_files_are_no_trouble() -> None:
    artifact = appdir({"AppRun": "#!/bin/sh\n"})
    component = ComponentInfo(name="ghost", version=None, kind="python", licenses="MIT")
    assert collect_notices(NestedTrees(artifact), [component]).missing == ()


def test_texts_of_an_artifact_inside_the_artifact() -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("__main__.py", "import ada\n")
        for path, content in distribution("ada", "1.0", "LicenseRef-Ada", LICENSE="You may do as you like.\n").items():
            packed.writestr(path.removeprefix(f"{SITE}/"), str(content))
    files = {"AppRun": "#!/bin/sh\n", "usr/bin/app.pyz": b"#!/usr/bin/env python3\n" + archive.getvalue()}
    artifact = appdir(files)
    result = audit_opened(artifact, limits=Limits(), list_files=True).result
    assert [inside.path for inside in result.nested] == ["usr/bin/app.pyz"]
    notices = collect_notices(NestedTrees(artifact, ["usr/bin/app.pyz"]), result.components)
    assert notices.missing == ()
    assert texts_of(notices, "ada") == [("usr/bin/app.pyz!/ada-1.0.dist-info/licenses/LICENSE",)]
    without = collect_notices(NestedTrees(artifact), result.components)
    assert [each.license for each in without.missing] == ["LicenseRef-Ada"]
