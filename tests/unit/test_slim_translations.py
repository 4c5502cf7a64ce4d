"""Languages of translations by their paths, and which of them were asked for."""

from __future__ import annotations

import pytest

from inspector.slim.planning.translations import AskedLanguages, language_of
from tests.slim_bundles import SITE, plan_of, python_bundle, removed


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("usr/share/locale/pt_BR/LC_MESSAGES/app.mo", "pt_BR"),
        ("usr/share/locale/sr@latin/LC_MESSAGES/app.mo", "sr@latin"),
        (f"{SITE}/django/conf/locale/zh_Hans/LC_MESSAGES/django.mo", "zh_Hans"),
        ("usr/translations/qtbase_de.qm", "de"),
        ("usr/translations/qtbase_zh_TW.qm", "zh_TW"),
        ("usr/translations/qt_help_gl.qm", "gl"),
        ("usr/share/app/i18n/fr.qm", "fr"),
        ("usr/translations/qtwebengine_locales/en-US.pak", "en-US"),
        ("opt/app/locales/fil.pak", "fil"),
        ("usr/share/tcltk/tk8.6/msgs/en_gb.msg", "en_gb"),
        (f"{SITE}/babel/locale-data/zh_Hans_CN.dat", "zh_Hans_CN"),
        ("usr/translations/app_main.qm", None),
        ("usr/share/app/dialog_ok.qm", None),  # no language of ISO 639-1
        ("usr/share/locale/locale.alias", None),
        ("usr/lib/locale/C.utf8/LC_CTYPE", None),
        (f"{SITE}/pkg/de.py", None),
        ("usr/share/locale/template/README", None),
    ],
)
def test_the_language_of_a_path(path: str, language: str | None) -> None:
    assert language_of(path) == language


@pytest.mark.parametrize(
    ("asked", "language", "stays"),
    [
        (("de",), "de", True),
        (("de",), "de_AT", True),
        (("de_DE",), "de", True),
        (("de_DE",), "de_AT", False),
        (("pt_BR",), "pt_PT", False),
        (("pt-br",), "pt_BR", True),
        (("zh_CN",), "zh_Hans", True),
        (("zh_CN",), "zh_TW", False),
        (("sr",), "sr@latin", True),
        (("de",), "fr", False),
        (("de",), "en-US", True),
        (("de",), "root", True),
        ((), "fr", False),
    ],
)
def test_wider_and_narrower_languages_stay(asked: tuple[str, ...], language: str, stays: bool) -> None:
    assert AskedLanguages(asked).include(language) is stays


def test_translations_go_only_where_languages_are_named() -> None:
    files = {f"usr/share/locale/{code}/LC_MESSAGES/app.mo": b"m" for code in ("de", "fr", "pt_BR")}
    assert not removed(plan_of(python_bundle(files)))
    gone = removed(plan_of(python_bundle(files), languages=("de", "pt")))
    assert {path for path in gone if path.endswith(".mo")} == {"usr/share/locale/fr/LC_MESSAGES/app.mo"}
    assert gone["usr/share/locale/fr"] == "translations"
