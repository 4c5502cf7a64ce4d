"""inspector.toml: what it may say, and what is said of every mistake in it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from inspector.errors import UsageError
from inspector.policy.configuration import Configuration
from inspector.policy.configuration_check import parse_size
from inspector.policy.configuration_file import find_configuration, load_configuration
from inspector.policy.configuration_lines import key_lines, line_of

WHOLE = """
edition = "0.1"

[target]
glibc = "2.31"
hosts = ["debian-12", "rhel-9"]
anchor = "packaging/recipe.yml"

[gate]
fail-on = "warning"
new-only = true
incomplete = "fail"
require = ["signature-without-key"]
forbid = ["RPT001"]

[budget]
total = "180 MB"
growth = { percent = 5, bytes = "4 MiB" }
components = { "Qt*" = "70 MB" }
duplicates = 0
debug = "1.5 MB"
tests = "10kB"

[rules.rpath-absolute]
level = "off"

[[ignore]]
rule = "rpath-absolute"
path = "usr/lib/dri/*.so"
reason = "by design"
expires = 2026-12-01

[[ignore]]
rule = "missing-library"
reason = "supplied by the driver"

[licenses]
allow = ["MIT"]
deny = ["AGPL-3.0-only"]
deny-classes = ["network-copyleft"]
unknown = "error"
exceptions = [{ component = "ffmpeg", allow = ["GPL-2.0-or-later"], reason = "a program of its own" }]

[[licenses.clarify]]
path = "usr/lib/libx.so*"
expression = "Zlib"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
reason = "its LICENSE"

[slim]
level = "safe"
keep = ["a/*"]
languages = ["de"]
"""


def written(tmp_path: Path, text: str, name: str = "inspector.toml") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_everything_that_can_be_said_is_understood(tmp_path: Path) -> None:
    found = load_configuration(written(tmp_path, WHOLE))
    assert (found.edition, found.glibc, found.hosts, found.anchor) == (
        "0.1", "2.31", ("debian-12", "rhel-9"), "packaging/recipe.yml",
    )  # fmt: skip
    assert (found.fail_on, found.new_only, found.incomplete_fails) == ("warning", True, True)
    assert (found.require, found.forbid) == (("signature-without-key",), ("RPT001",))
    budget = found.budget
    assert (budget.total, budget.growth_percent, budget.growth_bytes) == (180_000_000, 5, 4 * 1024 * 1024)
    assert (dict(budget.components), budget.duplicates, budget.debug, budget.tests) == (
        {"Qt*": 70_000_000}, 0, 1_500_000, 10_000,
    )  # fmt: skip
    assert found.levels == {"rpath-absolute": "off"}
    assert [(each.rule, each.path, each.expires) for each in found.ignores] == [
        ("rpath-absolute", "usr/lib/dri/*.so", dt.date(2026, 12, 1)),
        ("missing-library", "*", None),
    ]
    assert found.licenses.exceptions[0].allow == ("GPL-2.0-or-later",)
    assert found.licenses.clarify[0].expression == "Zlib"
    assert (found.licenses.unknown, found.licenses.deny_classes) == ("error", ("network-copyleft",))
    assert (found.slim.level, found.slim.keep, found.slim.languages) == ("safe", ("a/*",), ("de",))
    assert found.sources["budget.growth.bytes"].endswith("inspector.toml, line 18")
    assert found.sources["ignore[2].reason"].endswith("line 35")


def test_pyproject_has_a_table_for_it(tmp_path: Path) -> None:
    path = written(tmp_path, '[project]\nname = "x"\n[tool.inspector.gate]\nfail-on = "info"\n', "pyproject.toml")
    found = load_configuration(path)
    assert found.fail_on == "info"
    assert found.sources == {"gate.fail-on": f"{path}, line 4"}
    written(tmp_path, '[tool.inspector.gate]\nfail-onn = "info"\n', "pyproject.toml")
    with pytest.raises(UsageError, match=r"pyproject.toml:2: gate.fail-onn is not known; did you mean fail-on\?"):
        load_configuration(path)


def test_systems_by_id_variant_and_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile's path is meant from where the file lies, wherever the program is started."""
    hosts = [
        "debian-12",
        "rhel-9:minimal",
        "ubuntu-22.04:desktop",
        "fleet.toml",
        "hosts/fleet.toml:minimal",
        "./mine",
        "/etc/fleet.toml",
    ]
    written(tmp_path, f"[target]\nhosts = {hosts}")
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    assert load_configuration("../inspector.toml").hosts == (
        "debian-12", "rhel-9:minimal", "ubuntu-22.04:desktop", "../fleet.toml", "../hosts/fleet.toml:minimal", ".././mine", "/etc/fleet.toml",
    )  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert load_configuration("inspector.toml").hosts[3:6] == ("fleet.toml", "hosts/fleet.toml:minimal", "./mine")


def test_without_a_file_nothing_is_asked() -> None:
    assert load_configuration(None) == Configuration()


def test_the_nearest_file_up_to_the_repository_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = tmp_path / "repository/packaging/deep"
    inner.mkdir(parents=True)
    written(tmp_path, "")
    assert find_configuration(inner) == tmp_path / "inspector.toml"
    monkeypatch.chdir(inner)
    assert find_configuration() == Path("../../../inspector.toml")
    assert str(find_configuration("../..")) == "../../../inspector.toml"
    (tmp_path / "repository/.git").mkdir()
    assert find_configuration(inner) is find_configuration() is None
    written(tmp_path / "repository", "[project]\n", "pyproject.toml")
    assert find_configuration(inner) is None
    written(tmp_path / "repository", "[tool.inspector]\n", "pyproject.toml")
    assert find_configuration(inner) == tmp_path / "repository/pyproject.toml"
    written(tmp_path / "repository/packaging", "")
    assert find_configuration(inner) == tmp_path / "repository/packaging/inspector.toml"


WRONG = [
    # text, line, what the message says of it
    ('edtion = "1"', 1, "edtion is not known; did you mean edition?"),
    ("edition = 2026", 1, 'edition is 2026 where a version belongs; write edition = "0.1"'),
    ("edition = 'next'", 1, 'edition is "next" where a version belongs'),
    ('edition = ""', 1, "edition is an empty text where a version belongs"),
    ("[gate]\nforbid = ['rpath-absolut']", 2, "gate.forbid[1] there is no rule rpath-absolut; did you mean rpath-absolute?"),
    ("[gate]\nrequire = ['LIB001', 'nothing-like-it']", 2, "gate.require[2] there is no rule nothing-like-it"),
    ("[target]\nhosts = ['debian-99']", 2, "target.hosts[1] there is no host profile debian-99; did you mean debian-1"),
    ("[target]\nhosts = ['debian-12', 'debian-12:minmal']", 2, "target.hosts[2] there is no host profile debian-12:minmal"),
    ("target = 1", 1, "target is 1 where a table belongs; [target] with glibc, hosts, anchor"),
    ("[targets]\nglibc = '2.31'", 1, "targets is not known; did you mean target?"),
    ("[target]\nglibc = 2.31", 2, 'target.glibc is 2.31 where a version belongs; write glibc = "2.31"'),
    ("[target]\nglibc = 'new'", 2, 'target.glibc is "new" where a version belongs'),
    ("[target]\nglib = '2.31'", 2, "target.glib is not known; did you mean glibc?"),
    ("[target]\nhosts = 'debian-12'", 2, 'target.hosts is "debian-12" where a list of texts belongs'),
    ("[target]\nhosts = [1]", 2, "target.hosts is a list where a list of texts belongs"),
    ("[target]\nhosts = ['']", 2, "target.hosts is a list where a list of texts belongs"),
    ("[target]\nanchor = false", 2, "target.anchor is false where a text belongs"),
    ("[gate]\nfail-on = 'errors'", 2, "gate.fail-on 'errors' is none of error, warning, info, never; did you mean \"error\"?"),
    ("[gate]\nfail-on = 3", 2, "gate.fail-on 3 is none of error, warning, info, never; write one of"),
    ("[gate]\nfail_on = 'error'", 2, "gate.fail_on is not known; did you mean fail-on?"),
    ("[gate]\nnew-only = 'yes'", 2, 'gate.new-only is "yes" where true or false belongs; write new-only = true'),
    ("[gate]\nnewOnly = true", 2, "gate.newOnly is not known; did you mean new-only?"),
    ("[gate]\nincomplete = true", 2, "gate.incomplete True is none of pass, fail"),
    ("[gate]\nrequire = 'x-y'", 2, 'gate.require is "x-y" where a list of texts belongs'),
    ("[gate]\nforbid = {}", 2, "gate.forbid is a table where a list of texts belongs"),
    ("[budget]\ntotal = '180'", None, None),
    ("[budget]\ntotal = '180 XB'", 2, 'budget.total is "180 XB" where a size belongs; write total = "180 MB"'),
    ("[budget]\ntotal = -1", 2, "budget.total is -1 where a size belongs"),
    ("[budget]\ntotal = 1.5", 2, "budget.total is 1.5 where a size belongs"),
    ("[budget]\ntotal = true", 2, "budget.total is true where a size belongs"),
    ("[budget]\ngrowth = 5", 2, "budget.growth is 5 where a table belongs"),
    ("[budget]\ngrowth = { percent = -5 }", 2, "budget.growth.percent is -5 where a number of per cent belongs"),
    ("[budget]\ngrowth = { precent = 5 }", 2, "budget.growth.precent is not known; did you mean percent?"),
    ("[budget.growth]\nbytes = 'many'", 2, 'budget.growth.bytes is "many" where a size belongs'),
    ("[budget]\ncomponents = ['Qt']", 2, "budget.components is a list where a table belongs"),
    ("[budget]\ncomponents = { Qt = 'x' }", 2, 'budget.components.Qt is "x" where a size belongs'),
    ("[budget.components]\n'Qt*' = []", 2, 'budget.components."Qt*" is a list where a size belongs'),
    ("[budget]\ndebug = 'no'", 2, 'budget.debug is "no" where a size belongs'),
    ("rules = 'x'", 1, 'rules is "x" where a table belongs'),
    ("[rules.rpath-absolut]\nlevel = 'off'", 1, "there is no rule rpath-absolut; did you mean rpath-absolute?"),
    ("[rules.rpath-absolute]\nlevel = 'of'", 2, "rules.rpath-absolute.level 'of' is none of error, warning, info, off; did you mean \"off\"?"),
    ("[rules.rpath-absolute]\nseverity = 'error'", 2, "rules.rpath-absolute.severity is not known; there are level"),
    ("[rules.rpath-absolute]", 1, "rules.rpath-absolute.level is missing"),
    ("[rules]\nrpath-absolute = 'off'", 2, 'rules.rpath-absolute is "off" where a table belongs'),
    ("[ignore]\nrule = 'rpath-absolute'", 1, "ignore is a table where an array of tables belongs; write ignore = [[ignore]]"),
    ("[[ignore]]\nrule = 'rpath-absolute'", 1, "ignore[1].reason is missing; say why"),
    ("[[ignore]]\nreason = 'x'", 1, "ignore[1].rule is missing"),
    ("[[ignore]]\nreason = 'x'\nrule = 'nothing-such'", 3, "ignore[1].rule there is no rule nothing-such; inspect rules lists them"),
    ("[[ignore]]\nreason = 'x'\nrule = 7", 3, "ignore[1].rule is 7 where a rule's name belongs"),
    ("[[ignore]]\nreason = ''\nrule = 'rpath-absolute'", 2, "ignore[1].reason is an empty text"),
    ("[[ignore]]\nreason = 'x'\nrule = 'rpath-absolute'\nexpires = '2026-12-01'", 4, "expires = 2027-06-30"),
    ("[[ignore]]\nreason = 'x'\nrule = 'rpath-absolute'\nexpires = 2026-12-01T00:00:00", 4, "where a date belongs"),
    ("[[ignore]]\nreason = 'x'\nrule = 'LIB001'\n[[ignore]]\nrule = 'LIB001'\nreson = 'y'", 6, "ignore[2].reson is not known; did you mean reason?"),
    ("[licenses]\nallow = 'MIT'", 2, 'licenses.allow is "MIT" where a list of texts belongs'),
    ("[licenses]\nunknown = 'fail'", 2, "licenses.unknown 'fail' is none of error, warning, ignore"),
    ("[licenses]\ndeny_classes = ['x']", 2, "licenses.deny_classes is not known; did you mean deny-classes?"),
    ("[[licenses.exceptions]]\ncomponent = 'x'\nreason = 'y'", 1, "licenses.exceptions[1].allow is missing"),
    ("[[licenses.clarify]]\npath = 'x'\nexpression = 'MIT'\nreason = 'y'", 1, "licenses.clarify[1].sha256 is missing"),
    ("[slim]\nlevel = 'hard'", 2, "slim.level 'hard' is none of safe, moderate, aggressive"),
    ("[slim]\npyc = true", 2, "slim.pyc True is none of keep, hot, none"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "said"), WRONG, ids=range(len(WRONG)))
def test_each_mistake_names_the_key_the_line_and_the_mend(
    tmp_path: Path, text: str, line: int | None, said: str | None
) -> None:
    path = written(tmp_path, text)
    if said is None:
        assert load_configuration(path).budget.total == 180
        return
    with pytest.raises(UsageError) as caught:
        load_configuration(path)
    told = [caught.value.message, *caught.value.details]
    assert any(each.startswith(f"{path}:{line}: ") and said in each for each in told), told


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, "\n".join(["edtion = '1'", "[gate]", "fail-on = 1", "[[ignore]]"]))
    with pytest.raises(UsageError) as caught:
        load_configuration(path)
    assert caught.value.message == f"{path} has 4 mistakes"
    assert len(caught.value.details) == 4


@pytest.mark.parametrize(
    ("content", "said"), [(b"a = ", "is not TOML"), (b"a = '\xff'", "is not UTF-8"), (None, "cannot be read")]
)
def test_what_is_no_file_of_toml_is_told(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "inspector.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=said):
        load_configuration(path)


@pytest.mark.parametrize(
    ("value", "size"),
    [(5, 5), ("5", 5), ("5 B", 5), ("1.5kB", 1500), ("2 MiB", 2 << 20), ("1 GB", 10**9), ("5 iB", None), ("m", None), (True, None)],
)  # fmt: skip
def test_sizes(value: object, size: int | None) -> None:
    assert parse_size(value) == size


def test_lines_of_keys() -> None:
    text = 'a.b = 1\n[t]\n"x y" = """\nz = 1\n"""\nz = 2\n[[t.list]]\nk = 1\n[[t.list]]\nk = 2\n[t.list.inner]\nm = 1\n'
    lines = key_lines(text)
    assert lines["a", "b"] == 1
    assert (lines["t", "x y"], lines["t", "z"]) == (3, 6)
    assert (lines["t", "list", 0, "k"], lines["t", "list", 1, "k"]) == (8, 10)
    assert lines["t", "list", 1, "inner", "m"] == 12
    assert line_of(lines, ("t", "nowhere", "deep")) == 2
    assert line_of(lines, ("nowhere",)) is None
