"""The page without a browser: its frame, its escapes, its numbers and its size."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from corpus.report_samples import DIRECTORY, STACKS
from inspector.difference import difference
from inspector.render.html_report.changes import render as render_changes
from inspector.render.html_report.inert_json import inert_json
from inspector.render.html_report.licensing import licensing_of
from inspector.render.html_report.size_tree import SizeNode, columns, size_tree, walk
from inspector.render.html_report.texts import blocks_of, identifier
from inspector.render.html_report.treemap import Rectangle, squarify, tiles
from inspector.result import Exposure, LicensesInfo, Result
from tests import render_samples
from tests.html_report import samples
from tests.html_report.conftest import rendered

SAMPLES = {
    "complete": samples.complete(),
    "tiny": render_samples.tiny_elf(),
    "hostile": samples.hostile(),
    "hostile bundle": render_samples.hostile_bundle(),
    "no file list": samples.without_file_list(),
}
VOID = {"meta", "link", "br", "hr", "img", "input", "col", "wbr", "area", "base", "embed", "source", "track"}


class Reader(HTMLParser):
    """Collects elements, ids and texts, and holds that every element is closed where it should be."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)


def read(page: bytes) -> Reader:
    reader = Reader()
    reader.feed(page.decode())
    reader.close()
    assert reader.open == []
    return reader


@pytest.mark.parametrize("name", SAMPLES)
def test_elements_are_closed_and_ids_are_unique_and_links_lead_somewhere(name: str) -> None:
    reader = read(rendered([SAMPLES[name]]))
    ids = [attributes["id"] for _, attributes in reader.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+", each or "") for each in ids)
    links = [attributes["href"] or "" for tag, attributes in reader.elements if tag in ("a", "use")]
    inner = [link[1:] for link in links if link.startswith("#")]
    assert set(inner) <= set(ids)
    assert all(link.startswith(("#", "https://")) for link in links)


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_of_the_artifact_is_an_element_or_an_attribute(name: str) -> None:
    reader = read(rendered([SAMPLES[name]]))
    tags = {tag for tag, _ in reader.elements}
    assert not tags & {"img", "iframe", "object", "embed", "link", "base", "audio", "video", "frame", "b", "textarea"}
    for tag, attributes in reader.elements:
        assert not [each for each in attributes if each.startswith("on") or each in ("style", "src", "srcdoc")], tag
    assert sum(tag == "script" for tag, _ in reader.elements) == 3
    assert sum(tag == "style" for tag, _ in reader.elements) == 1


def test_the_policy_names_exactly_our_style_and_scripts() -> None:
    reader = read(rendered([SAMPLES["complete"]]))
    policy = next(
        attributes["content"] or ""
        for tag, attributes in reader.elements
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    )
    directives = {words.split()[0]: words.split()[1:] for words in policy.split(";")}
    assert directives["default-src"] == ["'none'"]
    assert "unsafe-inline" not in policy
    assert directives["base-uri"] == directives["form-action"] == ["'none'"]

    def hashed(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    (style,) = reader.texts["style"]
    first, *_, last = reader.texts["script"]
    assert directives["style-src"] == [hashed(style)]
    assert directives["script-src"] == [hashed(first), hashed(last)]


def test_every_attack_is_shown_as_text_and_nothing_is_lost() -> None:
    page = rendered([SAMPLES["hostile"]])
    reader = read(page)
    shown = " ".join(text for texts in reader.texts.values() for text in texts)
    for attack in samples.MARKUP[:5]:
        assert attack in shown
    for raw in (b"<img", b"onerror=alert(1)>\n", b"\x1b", b"\x00", "\u202e".encode(), "\u2028".encode()):
        assert raw not in page
    assert "\\u202egnp.os\\x00\\x1b[2J" in shown


def test_the_data_block_says_the_same_and_cannot_end_its_element() -> None:
    page = rendered([SAMPLES["hostile"]]).decode()
    block = re.search(r'<script type="application/json" class="data">(.*?)</script>', page, re.DOTALL)
    assert block is not None
    assert not set(block[1]) & set("<>&\u2028\u2029")
    data = json.loads(block[1])
    assert samples.MARKUP[0] in data["sizes"]["components"]


@settings(max_examples=60)
@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_inert_json_comes_back_and_has_no_markup(value: object) -> None:
    text = str(inert_json(value))
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == value


def test_ten_thousand_files_take_less_than_one_and_a_half_megabytes() -> None:
    page = rendered([samples.large(10_000)])
    assert len(page) <= 1_500_000
    assert b"10,000 files" in page


def test_files_that_there_is_no_room_for_are_counted_in_their_directory() -> None:
    result = samples.large(20_000, libraries=20)
    tree = size_tree(result)
    assert tree.listed < 20_000
    assert tree.root.files == 20_000
    assert tree.root.raw == result.sizes.total.raw
    for node in walk(tree.root):
        children = [*node.directories.values(), *node.contents]
        assert node.raw == sum(child.raw for child in children)
        assert node.files == sum(child.files for child in children)
    assert len(rendered([result])) <= 2_000_000


def test_without_a_list_of_files_the_larger_rows_make_the_tree() -> None:
    tree = size_tree(samples.without_file_list())
    usr = tree.root.directories["usr"]
    library = usr.directories["lib"]
    assert (tree.root.raw, usr.raw, library.raw) == (1010, 1000, 900)
    assert {file.name: file.raw for file in library.contents} == {"big.so": 600, "test.a": 100, "": 200}
    assert sum(file.files for file in library.contents) == 20
    assert [file.raw for file in tree.root.contents] == [10]


def test_bytes_that_the_container_keeps_once_are_counted_once() -> None:
    entries = [samples.entry("a/one.so", 900), samples.entry("a/two.so", 900, shared=True)]
    tree = size_tree(samples.with_files(samples.complete(), entries))
    assert (tree.root.raw, tree.root.stored, tree.root.files) == (1800, 300, 2)


def decoded(data: dict) -> dict[str, int]:
    """The script's decoder in Python: raw bytes by path."""
    names, file_names = data["directories"]["names"].split("/"), data["files"]["names"].split("/")
    waiting: list[str] = []
    found: dict[str, int] = {}
    file = 0
    for number, name in enumerate(names):
        path = f"{waiting.pop()}{name}/" if number else ""
        waiting += [path] * data["directories"]["directories"][number]
        for _ in range(data["directories"]["files"][number]):
            found[path + file_names[file]] = data["files"]["raw"][file]
            file += 1
    return found


def test_columns_come_back() -> None:
    result = samples.complete()
    assert result.files.entries is not None
    assert decoded(columns(size_tree(result))) == {entry.path: entry.size for entry in result.files.entries}


weights = st.lists(st.integers(0, 10**9), max_size=60).map(lambda given: sorted(given, reverse=True))


@given(weights, st.floats(20, 2000), st.floats(20, 2000))
def test_rectangles_fill_their_place_in_proportion(given_weights: list[int], width: float, height: float) -> None:
    places = squarify(given_weights, Rectangle(10, 20, width, height))
    assert len(places) == len(given_weights)
    total = sum(given_weights)
    if not total:
        return
    slack = 1e-6 * (width + height)
    for weight, place in zip(given_weights, places, strict=True):
        assert place.width * place.height == pytest.approx(weight / total * width * height, rel=1e-6, abs=1e-3)
        if place.width and place.height:
            assert 10 - slack <= place.x <= place.x + place.width <= 10 + width + slack
            assert 20 - slack <= place.y <= place.y + place.height <= 20 + height + slack


def test_tiles_do_not_overlap_and_lie_in_their_frame() -> None:
    drawn = tiles(size_tree(samples.large(3000, libraries=10)).root, 1000, 520)
    leaves = [tile for tile in drawn if not tile.is_frame]
    assert 50 < len(leaves) < 1000
    for number, one in enumerate(leaves):
        for other in leaves[number + 1 :]:
            a, b = one.place, other.place
            apart = (
                a.x + a.width <= b.x + 0.01 or b.x + b.width <= a.x + 0.01 or a.y + a.height <= b.y + 0.01 or b.y + b.height <= a.y + 0.01
            )  # fmt: skip
            assert apart, (one.path, other.path)


def test_a_tree_of_thousands_of_levels_is_drawn() -> None:
    root = node = SizeNode("", 10, 5, 1)
    for _ in range(5000):
        inner = SizeNode("d", 10, 5, 1)
        node.directories["d"] = inner
        node = inner
    node.contents.append(SizeNode("f", 10, 5, 1))
    assert len(tiles(root, 1000, 520)) == 1 + 1


def test_several_artifacts_share_a_page() -> None:
    reader = read(rendered([samples.complete(), render_samples.tiny_elf()], several=True))
    ids = [attributes["id"] for _, attributes in reader.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {"a1-overview", "a2-overview", "a1-sizes"} <= set(ids)
    assert not {"a1-changes", "a2-changes"} & set(ids)


def test_each_of_several_artifacts_is_compared_with_its_own_last_release() -> None:
    tiny = render_samples.tiny_elf()
    reader = read(rendered([samples.complete(), tiny], baselines=(None, tiny)))
    ids = {attributes["id"] for _, attributes in reader.elements if "id" in attributes}
    assert "a1-changes" not in ids
    assert "a2-changes" in ids


def test_changes_against_the_baseline_stand_in_the_report_and_on_a_page_of_their_own() -> None:
    old, new = render_samples.tiny_elf(), samples.complete()
    report = read(rendered([new], baselines=(old,)))
    assert any(attributes.get("id") == "changes" for _, attributes in report.elements)
    assert any("data-new" in attributes for _, attributes in report.elements)
    assert not any(attributes.get("id") == "changes" for _, attributes in read(rendered([new])).elements)
    page = read(render_changes(difference(old, new)))
    shown = " ".join(text for texts in page.texts.values() for text in texts)
    assert "libxcb-cursor.so.0" in shown
    assert "readline" in shown
    assert all(change.name in shown for change in difference(old, new).libraries)
    assert difference(old, new).libraries


def test_hostile_changes() -> None:
    page = render_changes(difference(render_samples.tiny_elf(), samples.hostile()))
    reader = read(page)
    assert b"<img" not in page
    assert sum(tag == "script" for tag, _ in reader.elements) == 2


def test_the_same_result_makes_the_same_bytes() -> None:
    result: Result = samples.complete()
    assert rendered([result]) == rendered([samples.complete()])


def test_what_a_licence_asks_stands_with_its_component_once_for_all_ways_to_it() -> None:
    exposure = Exposure(
        license="GPL-3.0-or-later",
        license_class="strong-copyleft",
        component="readline",
        linkage="dynamic",
        chain=("usr/bin/app", "usr/lib/libreadline.so.8"),
        obligations=("give its source", "keep its notices"),
        removed_by=("remove it",),
        slim_options=("--drop-license", "GPL-3.0-or-later"),
    )
    other = replace(exposure, linkage="dlopen", obligations=("keep its notices", "pass on the text"), slim_options=())
    result = replace(samples.complete(), licenses=LicensesInfo(exposures=(exposure, other)))
    (row,) = licensing_of(result).exposures
    assert row.obligations == ("give its source", "keep its notices", "pass on the text")
    shown = " ".join(text for texts in read(rendered([result])).texts.values() for text in texts)
    assert "--drop-license GPL-3.0-or-later" in shown
    assert licensing_of(result).disclaimer in shown
    assert not licensing_of(samples.complete()).disclaimer


def test_rule_texts_keep_their_paragraphs_and_commands() -> None:
    blocks = blocks_of("One\nline.\n\n    cp a b\n\n    ls\n\nTwo.")
    assert [(block.text, block.is_code) for block in blocks] == [
        ("One line.", False), ("cp a b", True), ("ls", True), ("Two.", False),
    ]  # fmt: skip


@given(st.text())
def test_identifiers_are_plain(text: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", identifier(text))


def test_the_pictures_are_those_of_the_command_and_small() -> None:
    taken = {f"{stack.artifact}-{picture.name}.png" for stack in STACKS for picture in stack.pictures}
    shown = {path.name: path.stat().st_size for path in DIRECTORY.glob("*.png")}
    assert set(shown) == taken
    assert max(shown.values()) <= 300_000


def test_jinja2_is_imported_only_for_this_format() -> None:
    code = (
        "import sys; from inspector.render.registry import *; import inspector.cli.audit, inspector.render.markdown;"
        "assert not {'jinja2', 'markupsafe'} & set(sys.modules); load_renderer('html'); assert 'jinja2' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
