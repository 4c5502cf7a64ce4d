"""The page in headless Chromium: what runs, what does not, and what somebody does with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus.browser import Browser, Page
from inspector.difference import difference
from inspector.render.html_report.changes import render as render_changes
from inspector.result import Result
from tests import render_samples
from tests.html_report import samples
from tests.html_report.conftest import Written, rendered

pytestmark = [pytest.mark.peer, pytest.mark.slow]


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "complete.html"
    path.write_bytes(rendered([samples.complete()], baselines=(render_samples.tiny_elf(),)))
    return path


@pytest.fixture
def page(browser: Browser, complete: Path) -> Iterator[Page]:
    """The complete report, and after the test the proof that nothing went wrong in it."""
    with browser.open(complete) as opened:
        yield opened
        assert_calm(opened, complete)


def assert_calm(page: Page, path: Path) -> None:
    """No complaint, and no request but for the file itself."""
    assert page.complaints == []
    assert [request for request in page.requests if not request.startswith(path.resolve().as_uri())] == []


def test_the_probes_of_these_tests_can_fail(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "bad.html"
    path.write_text(
        "<script>console.error('x'); setTimeout(() => { throw new Error('y') })</script><img src='other.png'>"
        "<link rel=stylesheet href=other.css>"
    )
    (tmp_path / "other.css").write_text("p { color: red }")
    with browser.open(path) as opened:
        opened.run("new Promise((done) => setTimeout(done, 100))")
        assert any("console" in each for each in opened.complaints)
        assert any("exception" in each for each in opened.complaints)
        assert any(request.endswith("other.png") for request in opened.requests)
        assert any(answer.endswith("other.css") for answer in opened.answers)


@pytest.mark.parametrize(
    "result",
    [samples.complete(), render_samples.tiny_elf(), samples.without_file_list(), render_samples.pyqt5_appimage()],
    ids=["complete", "tiny", "no file list", "pyqt5"],
)
def test_it_opens_without_a_complaint_or_a_request(browser: Browser, written: Written, result: Result) -> None:
    path = written(result)
    with browser.open(path) as opened:
        assert opened.run("document.querySelector('h1').textContent") != ""
        assert_calm(opened, path)


@pytest.mark.parametrize("result", [samples.hostile(), render_samples.hostile_bundle()], ids=["markup", "bundle"])
def test_names_that_are_markup_do_nothing(browser: Browser, written: Written, result: Result) -> None:
    path = written(result)
    with browser.open(path) as opened:
        exercise = """(async () => {
          const pause = () => new Promise((done) => setTimeout(done, 150));
          for (const form of document.querySelectorAll('.map-tools')) for (const by of ['class', 'removable', 'component']) {
            form.elements.colour.value = by;
            form.elements.colour.dispatchEvent(new Event('change'));
          }
          const buttons = '.sort, .legend button, .explorer-list button, .libraries-table .link, .more';
          for (const button of document.querySelectorAll(buttons)) button.click();
          for (const field of document.querySelectorAll('input[type=search]')) {
            field.value = '<img src=x onerror=alert(1)>';
            field.dispatchEvent(new Event('input', { bubbles: true }));
            field.dispatchEvent(new Event('change', { bubbles: true }));
          }
          await pause();
          const click = () => new MouseEvent('click', { bubbles: true });
          for (const tile of [...document.querySelectorAll('.treemap g')].slice(0, 20)) tile.dispatchEvent(click());
          for (const details of document.querySelectorAll('details')) details.open = true;
          location.hash = '#<img src=x onerror=alert(1)>';
          location.hash = '#%E0%A4%A';
          await pause();
          return document.querySelectorAll('img, iframe, object, embed, [onerror], [onload], [onfocus], [style*=url], script:not([type])').length;
        })()"""
        assert opened.run(exercise) == 2  # our own two scripts
        assert opened.run("document.querySelectorAll('a[href^=javascript], a[href^=data]').length") == 0
        assert_calm(opened, path)


def test_the_policy_stops_scripts_handlers_styles_and_requests(browser: Browser, tmp_path: Path) -> None:
    """Even where an escape were forgotten: the same page with markup put into it by hand."""
    path = tmp_path / "broken.html"
    (tmp_path / "x").write_bytes(b"GIF89a")
    (tmp_path / "other.css").write_text("p { color: red }")
    (tmp_path / "other.html").write_text("other")
    planted = (
        b"<img src=x onerror=\"document.title='handler'\"><script>document.title='script'</script>"
        b"<link rel=stylesheet href=other.css><iframe src=other.html></iframe><p id=styled style='color:red'>x</p>"
    )
    path.write_bytes(rendered([render_samples.tiny_elf()]).replace(b"</main>", planted + b"</main>"))
    with browser.open(path) as opened:
        opened.run("new Promise((done) => setTimeout(done, 200))")
        assert opened.run("document.title") == "hello · Inspector"
        assert opened.run("getComputedStyle(document.querySelector('#styled')).color") != "rgb(255, 0, 0)"
        refused = " ".join(opened.complaints)
        for directive in ("img-src", "script-src", "style-src", "frame-src"):
            assert directive in refused or "default-src" in refused
        assert {Path(answer).name for answer in opened.answers if answer.startswith("file:")} == {"broken.html"}
        with pytest.raises(AssertionError, match="TrustedHTML"):
            opened.run("document.body.innerHTML = '<b>x</b>'")


def test_findings_are_searched_filtered_and_sorted(page: Page) -> None:
    shown = "[...document.querySelectorAll('#findings-table tbody tr:not([hidden])')]"
    rules = f"{shown}.map((row) => row.dataset.rule)"
    everything = page.run("document.querySelectorAll('#findings-table tbody tr').length")
    assert everything > 15

    page.type("#findings input[name=text]", "libxcb-cursor error")
    page.until(f"{shown}.length === 1")
    assert page.run(rules) == ["missing-library"]
    assert page.run("document.querySelector('#findings .shown').textContent") == f"1 finding of {everything}"
    page.type("#findings input[name=text]", " ")
    page.until(f"{shown}.length > 10")

    page.run("document.querySelector('#findings select').value = 'host-library-bundled'")
    page.run("document.querySelector('#findings form').dispatchEvent(new Event('input'))")
    page.until(f"{shown}.length === 3")
    page.run("document.querySelector('#findings form').reset()")
    page.click("#findings input[value=warning]")
    page.until(f"!{rules}.includes('host-library-bundled')")
    page.click("#findings input[value=warning]")
    page.until(f"{rules}.includes('host-library-bundled')")

    page.click("#findings input[name=fails]")
    page.until(f"{rules}.join() === 'missing-library'")  # the accepted one of the same rule does not fail it
    page.click("#findings input[name=fails]")
    page.until(f"{shown}.length > 10")

    saves = f"{shown}.map((row) => Number(row.cells[3].dataset.value))"
    page.click("#findings-table th:nth-child(4) .sort")
    values = page.run(saves)
    assert values == sorted(values, reverse=True)
    assert values[0] == 31_000_000
    assert (
        page.run("document.querySelector('#findings-table th:nth-child(4)').getAttribute('aria-sort')") == "descending"
    )
    page.click("#findings-table th:nth-child(1) .sort")
    severities = page.run(f"{shown}.map((row) => row.dataset.severity)")
    assert severities == sorted(severities, key=["error", "warning", "note"].index)


def test_long_tables_are_cut_until_somebody_wants_them_whole_or_finds_a_row_by_a_link(
    browser: Browser, written: Written
) -> None:
    path = written(samples.large(200, libraries=60))
    last = f"finding-{59:016x}"
    with browser.open(path, fragment=last) as opened:
        assert opened.run(f"document.getElementById('{last}').hidden") is False
        assert opened.run(f"document.getElementById('{last}').querySelector('details').open") is True
        top = opened.run(f"document.getElementById('{last}').getBoundingClientRect().top")
        assert 0 <= top < 900
        rows = "document.querySelectorAll('#libraries-table tbody tr:not([hidden])').length"
        assert opened.run(rows) == 12
        opened.click("#libraries-table + .more")
        assert opened.run(rows) == 60
        assert_calm(opened, path)


def test_links_to_findings_rules_and_systems(page: Page) -> None:
    page.run("location.hash = '#finding-0000000000000005'")
    page.until("document.getElementById('finding-0000000000000005').classList.contains('named')")
    assert page.run("document.querySelector('#finding-0000000000000005 details').open") is True
    page.type("#findings input[name=text]", "nothing has this in it")
    page.until("document.getElementById('finding-0000000000000007').hidden")
    page.run("location.hash = '#finding-0000000000000007'")
    page.until("!document.getElementById('finding-0000000000000007').hidden")
    page.click("#finding-0000000000000007 td:nth-child(2) a")
    page.until("document.querySelector('.rule[open] .rule-name') !== null")
    page.click(".release.state-fails")
    page.until(
        "location.hash.startsWith('#system-') && document.querySelector('tr.named')?.id === location.hash.slice(1)"
    )


def test_the_map_zooms_with_the_mouse_and_the_keyboard(page: Page) -> None:
    crumbs = "document.querySelector('.crumbs').textContent"
    tiles = "[...document.querySelectorAll('.treemap g')]"
    assert page.run(f"{tiles}.length") > 5
    assert page.run(crumbs).startswith("everything")
    page.run(f"{tiles}.find((tile) => tile.node.name === 'lib').querySelector('text').id = 'lib'")
    page.click("#lib")
    page.until(f"{crumbs}.startsWith('everything/usr/lib')")
    assert "libbig.so" in page.run("document.querySelector('.inside').textContent")

    page.run(f"{tiles}[0].focus()")
    before = page.run("document.activeElement.getAttribute('aria-label')")
    page.press("ArrowRight")
    after = page.run("document.activeElement.getAttribute('aria-label')")
    assert before != after
    page.run(f"{tiles}.find((tile) => tile.node.name === 'test').focus()")
    page.press("Enter")
    page.until(f"{crumbs}.startsWith('everything/usr/lib/python3.11/test')")
    assert page.run("document.activeElement.closest('.treemap') !== null") is True
    page.press("Backspace")
    page.until(f"!{crumbs}.includes('/test')")
    page.click(".crumbs button")
    page.until(f"!{crumbs}.includes('/')")


def test_the_map_shows_raw_and_stored_bytes_and_finds_files(page: Page) -> None:
    area = (
        "(() => { const tile = [...document.querySelectorAll('.treemap g')].find((each) => each.node.name === 'libbig.so');"
        " const box = tile.querySelector('rect'); return box.getAttribute('width') * box.getAttribute('height'); })()"
    )
    assert page.run(area) > 0
    page.click("#sizes input[value=stored]")
    page.until("document.querySelector('.crumbs').textContent.includes('2.6 MB')")
    page.click("#sizes input[value=raw]")
    page.type("#sizes input[name=search]", "test_")
    page.until("document.querySelector('#sizes .shown').textContent === '2 files, 1.3 MB'")
    hits = page.run("[...document.querySelectorAll('.treemap .hit')].map((tile) => tile.node.name).sort()")
    assert hits == ["test_io.py", "test_os.py"]
    assert "usr/lib/python3.11/test/test_os.py" in page.run("document.querySelector('.inside').textContent")
    page.type("#sizes input[name=search]", "no file has this name")
    page.until("document.querySelector('#sizes .shown').textContent === '0 files, 0 B'")


def test_the_colours_of_the_map_are_said_in_words_and_patterns(page: Page) -> None:
    legend = "[...document.querySelectorAll('.legend li')].map((each) => each.textContent)"
    assert {"Qt", "CPython 3.11", "documentation"} <= set(page.run(legend))
    page.run(
        "(() => { const field = document.querySelector('#sizes select'); field.value = 'class'; field.dispatchEvent(new Event('change')); })()"
    )
    assert {"weak-copyleft", "permissive", "no component known"} <= set(page.run(legend))
    page.run(
        "(() => { const field = document.querySelector('#sizes select'); field.value = 'removable'; field.dispatchEvent(new Event('change')); })()"
    )
    assert {"tests", "static libraries and objects", "nothing says that it can go"} <= set(page.run(legend))
    labels = page.run("[...document.querySelectorAll('.treemap g')].map((tile) => tile.getAttribute('aria-label'))")
    assert any("test_os.py" in label and label.endswith("tests") for label in labels)
    assert page.run("document.querySelectorAll('.treemap .hatched, .treemap .dotted').length") >= 3
    page.click(".legend button")
    page.until("document.querySelector('.legend button').getAttribute('aria-pressed') === 'true'")
    assert page.run("document.querySelectorAll('.treemap .dimmed').length") > 0


def test_a_library_shows_who_needs_it_and_what_it_needs(page: Page) -> None:
    centre = "document.querySelector('.explorer .chosen').textContent"
    page.type("#library-search", "libqxcb.so")
    page.click(".explorer button[type=submit]")
    page.until(f"{centre} === 'libqxcb.so'")
    needs = page.run("document.querySelectorAll('.explorer-column')[2].textContent")
    assert "libxcb-cursor.so.0found nowhere" in needs
    assert "libQt5Core.so.5" in needs
    page.run(
        "[...document.querySelectorAll('.explorer-column')[2].querySelectorAll('button')]"
        ".find((each) => each.textContent === 'libQt5Core.so.5').id = 'core'"
    )
    page.click("#core")
    page.until(f"{centre} === 'libQt5Core.so.5'")
    assert (
        page.run("document.querySelectorAll('.explorer-column')[0].querySelector('h3').textContent") == "Needed by 28"
    )
    page.type("#library-search", "libxcb-cursor.so.0")
    page.click(".explorer button[type=submit]")
    page.until(f"{centre} === 'libxcb-cursor.so.0'")
    assert "libqxcb.so" in page.run("document.querySelectorAll('.explorer-column')[0].textContent")


def test_the_theme_follows_the_system_until_it_is_chosen_and_is_remembered(browser: Browser, complete: Path) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    with browser.open(complete) as light, browser.open(complete, dark=True) as dark:
        assert light.run(paper) != dark.run(paper)
        papers = {"light": light.run(paper), "dark": dark.run(paper)}
        light.click("#theme")
        assert (light.run("document.querySelector('#theme').textContent"), light.run(paper)) == (
            "Light",
            papers["light"],
        )
        light.click("#theme")
        assert (light.run("document.querySelector('#theme').textContent"), light.run(paper)) == ("Dark", papers["dark"])
        with browser.open(complete) as again:
            assert again.run(paper) == papers["dark"]
            again.click("#theme")
            assert again.run("document.querySelector('#theme').textContent") == "System"
            assert again.run(paper) == papers["light"]
        assert_calm(light, complete)


def test_without_scripts_the_tables_the_map_and_the_texts_are_there(browser: Browser, complete: Path) -> None:
    with browser.open(complete, scripts=False) as opened:
        visible = (
            "(selector) => [...document.querySelectorAll(selector)].filter((each) => each.checkVisibility()).length"
        )
        assert opened.run("document.documentElement.classList.contains('scripted')") is False
        assert opened.run(f"({visible})('.treemap .tile')") > 5
        assert opened.run(f"({visible})('.treemap text')") > 3
        for table in (
            "findings-table",
            "systems-table",
            "libraries-table",
            "components",
            "exposures",
            "by-component",
            "slim-components",
        ):
            rows = opened.run(f"document.querySelectorAll('#{table} tbody tr').length")
            assert rows > 0
            assert opened.run(f"({visible})('#{table} tbody tr')") == rows
        assert opened.run(f"({visible})('.needs-script')") == 0
        opened.click("#finding-0000000000000000 summary")
        assert opened.run("document.querySelector('#finding-0000000000000000 details').open") is True
        assert_calm(opened, complete)


def test_print_shows_everything_and_no_controls(page: Page) -> None:
    page.call("Emulation.setEmulatedMedia", media="print")
    visible = "(selector) => [...document.querySelectorAll(selector)].filter((each) => each.checkVisibility()).length"
    assert page.run(f"({visible})('.filters, .contents, .masthead-tools, .explorer, .more')") == 0
    page.run("dispatchEvent(new Event('beforeprint'))")
    assert page.run("document.querySelectorAll('#libraries-table tbody tr[hidden]').length") == 0
    assert page.run("document.querySelectorAll('.rule:not([open])').length") == 0
    page.run("dispatchEvent(new Event('afterprint'))")
    assert page.run("document.querySelectorAll('#libraries-table tbody tr[hidden]').length") > 0
    printed = page.call("Page.printToPDF", printBackground=True)
    assert len(printed["data"]) > 10_000
    page.call("Emulation.setEmulatedMedia", media="")


@pytest.mark.parametrize("width", [1280, 768, 400, 320])
def test_nothing_is_wider_than_the_window(browser: Browser, complete: Path, width: int) -> None:
    with browser.open(complete, width=width) as opened:
        assert opened.run("document.documentElement.scrollWidth") <= width


def test_the_map_has_the_same_layout_in_both_languages(browser: Browser, complete: Path) -> None:
    """The script's tree has the bytes of the Result: what its columns say is what the server-made tables say."""
    with browser.open(complete) as opened:
        block = opened.run("JSON.parse(document.querySelector('script.data').textContent).sizes.files.raw")
        entries = samples.complete().files.entries
        assert entries is not None
        assert sorted(block) == sorted(entry.size for entry in entries)
        assert f"{len(entries):,} files" in opened.run("document.querySelector('.crumbs').textContent")


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (400, True)], ids=["wide and light", "narrow and dark"])
def test_axe_finds_no_serious_fault(browser: Browser, complete: Path, axe_core: str, width: int, dark: bool) -> None:
    with browser.open(complete, width=width, dark=dark) as opened:
        opened.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        assert_no_serious_fault(opened, axe_core)


def test_axe_finds_no_serious_fault_in_changes_or_several_artifacts(
    browser: Browser, tmp_path: Path, axe_core: str
) -> None:
    changes, several = tmp_path / "changes.html", tmp_path / "several.html"
    changes.write_bytes(render_changes(difference(render_samples.tiny_elf(), samples.complete())))
    several.write_bytes(rendered([render_samples.tiny_elf(), render_samples.tiny_elf()], several=True))
    for path in (changes, several):
        with browser.open(path) as opened:
            assert_calm(opened, path)
            assert_no_serious_fault(opened, axe_core)


def assert_no_serious_fault(page: Page, axe_core: str) -> None:
    page.run(f"{axe_core}; undefined")
    found = page.run("axe.run(document, { resultTypes: ['violations'] })")
    assert len(found["passes"]) > 10
    serious = [each for each in found["violations"] if each["impact"] in ("serious", "critical")]
    told = [
        (
            each["id"],
            [node["html"][:160] for node in each["nodes"][:4]],
            [check["message"] for node in each["nodes"][:2] for check in node["any"]],
        )
        for each in serious
    ]
    assert serious == [], json.dumps(told, indent=1)


def test_a_report_of_ten_thousand_files_is_ready_soon(browser: Browser, written: Written) -> None:
    path = written(samples.large(10_000))
    with browser.open(path) as opened:
        assert opened.run("document.querySelectorAll('.treemap g').length") > 100
        assert opened.run("document.querySelectorAll('.treemap g').length") < 4000
        assert_calm(opened, path)
