"""What another process reads of texts is what the components ask for, and it comes back whole."""

from __future__ import annotations

import msgspec

from inspector.artifact import Artifact
from inspector.artifact.tree import Tree
from inspector.facts.binaries.elf_objects import read_elf_objects
from inspector.facts.licensing.bundled_copyright import BundledCopyrights
from inspector.facts.licensing.components import Components, begin_components, finish_components
from inspector.facts.licensing.read_texts import ReadTexts, read_texts
from inspector.facts.licensing.recognised_files import RecognisedFiles
from inspector.facts.licensing.spdx_texts import spdx_text
from inspector.facts.licensing.static_component import StaticScan
from inspector.facts.python.distributions import collect_python_distributions
from inspector.limits import Limits
from tests.bundles import Content, appdir
from tests.elf_builder import TinyElf

SITE = "usr/lib/python3.11/site-packages"
COPYRIGHT = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: {name}

Files: *
Copyright: 2001 Somebody
License: Zlib
"""


def text_of(identifier: str) -> str:
    return spdx_text(identifier) or ""


FILES: dict[str, Content] = {
    f"{SITE}/pip-24.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: pip\nVersion: 24.0\nLicense-Expression: MIT\nLicense-File: LICENSE\n\n",
    f"{SITE}/pip-24.0.dist-info/licenses/LICENSE": text_of("MIT"),
    f"{SITE}/pip-24.0.dist-info/RECORD": "pip/_vendor/idna/core.py,,\npip/_vendor/idna/LICENSE.md,,\n",
    f"{SITE}/pip/_vendor/idna/core.py": "x = 1\n",
    "usr/lib/python3.11/os.py": "x = 1\n",
    "usr/lib/python3.11/LICENSE.txt": text_of("Python-2.0.1"),
    f"{SITE}/pip/_vendor/idna/LICENSE.md": text_of("BSD-3-Clause"),
    # By its own name, by that of a link, and by the package that the catalogue names.
    "usr/lib/libspecial.so.2": TinyElf(soname="libspecial.so.2"),
    "usr/share/doc/libspecial2/copyright": COPYRIGHT.format(name="special"),
    "usr/lib/libX11.so.6.4.0": TinyElf(soname="libX11.so.6"),
    "usr/share/doc/libx11-6/copyright": COPYRIGHT.format(name="libX11"),
    "usr/lib/libcrypto.so.3": TinyElf(soname="libcrypto.so.3"),
    "usr/share/doc/libssl3/copyright": COPYRIGHT.format(name="OpenSSL"),
    "usr/share/doc/nobody-asks/copyright": COPYRIGHT.format(name="nobody"),
}
LINKS = {"usr/lib/libX11.so.6": "libX11.so.6.4.0"}


def sent(tree: Tree) -> ReadTexts:
    made = read_texts(tree, collect_python_distributions(tree).distributions)
    return msgspec.msgpack.decode(msgspec.msgpack.encode(made), type=ReadTexts)


def components_of(artifact: Artifact, made: ReadTexts | None = None) -> Components:
    tree = artifact.tree
    texts, copyrights = RecognisedFiles(tree), BundledCopyrights(tree)
    if made is not None:
        texts.known, copyrights.known = made.texts, made.copyrights
    distributions = collect_python_distributions(tree).distributions
    begun = begin_components(tree, read_elf_objects(artifact, Limits()), distributions, texts, copyrights)
    return finish_components(begun, StaticScan())


def test_nothing_is_left_to_be_read() -> None:
    artifact = appdir(FILES, links=LINKS)
    tree = artifact.tree
    made = sent(tree)
    read, said = set(made.texts.read), {package: set(names) for package, names in made.copyrights.said.items()}
    assert set(said) == {"libspecial2", "libx11-6", "libssl3"}
    assert {path.rpartition("/")[2] for path in read} >= {"LICENSE", "LICENSE.md", "LICENSE.txt"}
    found = components_of(artifact, made)
    assert set(made.texts.read) == read
    assert {package: set(names) for package, names in made.copyrights.said.items()} == said
    assert found == components_of(artifact)
    assert {component.name for component in found.components} >= {"pip", "idna", "special", "OpenSSL"}


def test_problems_come_back_too() -> None:
    artifact = appdir(FILES, links=LINKS)
    broken = artifact.tree.get("usr/share/doc/libspecial2/copyright")
    assert broken is not None

    def refuse() -> None:
        raise OSError("the medium fails")

    broken.opener = refuse  # type: ignore[assignment]
    assert [(problem.kind, problem.subject) for problem in sent(artifact.tree).copyrights.problems] == [
        ("unreadable-member", "usr/share/doc/libspecial2/copyright")
    ]
