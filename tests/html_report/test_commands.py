"""The report as the commands write it, of directories that lie on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.browser import Browser
from inspector.cli import main
from inspector.result import load_result
from tests.elf_builder import TinyElf
from tests.html_report.test_in_browser import assert_calm


def bundle(directory: Path, *names: str) -> Path:
    """An AppDir with a program that needs a library it does not have, and a text file of each of these names."""
    directory.mkdir()
    (directory / "usr/bin").mkdir(parents=True)
    (directory / "usr/bin/app").write_bytes(TinyElf(needed=("libnowhere.so.7", "libc.so.6"), program=True).build())
    (directory / "usr/bin/app").chmod(0o755)
    (directory / "AppRun").symlink_to("usr/bin/app")
    for name in names:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text\n" * 500)
    return directory


def run(*arguments: str | Path) -> int:
    return main([str(argument) for argument in arguments])


def test_the_list_of_files_is_in_the_page_and_not_in_the_json_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app = bundle(tmp_path / "My.AppDir", "usr/share/doc/of-the-small-file.txt")
    page, document, full = tmp_path / "report.html", tmp_path / "result.json", tmp_path / "full.json"
    assert run("audit", app, "-o", page, "-o", document, "--fail-on", "never") == 0
    assert "of-the-small-file.txt" in page.read_text()
    assert load_result(document).files.entries is None
    assert run("audit", app, "-o", full, "--files", "--fail-on", "never") == 0
    entries = load_result(full).files.entries
    assert entries is not None
    found = next(entry for entry in entries if entry.path.endswith("of-the-small-file.txt"))
    assert found.component in {row.name for row in load_result(full).sizes.by_component}
    capsys.readouterr()


def test_a_kept_report_is_rendered_with_what_changed_since_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    assert run("audit", bundle(tmp_path / "Old.AppDir"), "-o", old, "--fail-on", "never") == 0
    newer = bundle(tmp_path / "New.AppDir", "usr/lib/python3.11/test/test_added.py")
    (newer / "usr/lib/libold.so").write_bytes(TinyElf(runpath="/home/build/lib").build())
    assert run("audit", newer, "-o", new, "--fail-on", "never") == 0
    report, changes = tmp_path / "report.html", tmp_path / "changes.htm"
    assert run("report", new, "-o", report, "--baseline", old) == 0
    assert 'id="changes"' in report.read_text()
    assert "/home/build/lib" in report.read_text()
    assert run("report", new, "-o", changes) == 0
    assert 'id="changes"' not in changes.read_text()
    page = tmp_path / "diff.html"
    assert run("diff", old, new, "-o", page) == 0
    assert "rpath-leaks-build-path" in page.read_text()
    assert "New.AppDir" in page.read_text()
    capsys.readouterr()


@pytest.mark.peer
@pytest.mark.slow
def test_a_bundle_with_files_that_are_called_like_markup_does_nothing(
    tmp_path: Path, browser: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    names = (
        "<img src=x onerror=alert(1)>",
        "</script><script>alert(2)</script>.py",  # a directory "<" with a directory "script><script>alert(2)<" in it
        "usr/lib/\"><svg onload=alert(3)>.so",
        "usr/lib/python3.11/site-packages/<b>bold<!--/__init__.py",
        "usr/lib/{{ 7 * 7 }}.txt",
    )  # fmt: skip
    app = bundle(tmp_path / "<img src=x onerror=alert(0)>.AppDir", *names)
    (app / "usr/lib/<iframe>.so").write_bytes(TinyElf(needed=("<script>alert(4)<",), soname="<style>").build())
    page = tmp_path / "report.html"
    assert run("audit", app, "-o", page, "--fail-on", "never") == 0
    capsys.readouterr()
    with browser.open(page) as opened:
        assert opened.run("document.querySelectorAll('img, iframe, svg[onload], b').length") == 0
        assert opened.run("document.querySelector('h1').textContent") == "<img src=x onerror=alert(0)>.AppDir"
        opened.type("#sizes input[name=search]", "onerror")
        opened.until("document.querySelector('#sizes .shown').textContent.startsWith('1 file,')")
        assert "<img src=x onerror=alert(1)>" in opened.run("document.querySelector('.inside').textContent")
        opened.type("#sizes input[name=search]", "</script><script>")
        opened.until("document.querySelector('.inside').textContent.includes('</script><script>alert(2)</script>.py')")
        opened.type("#library-search", "<script>alert(4)<")
        opened.click(".explorer button[type=submit]")
        opened.until("document.querySelector('.explorer .chosen').textContent === '<script>alert(4)<'")
        assert_calm(opened, page)
