"""Which licences a release may carry: allow, deny, classes, OR and AND, exceptions with a date, files that the project clarified."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from msgspec.structs import replace

from inspector.errors import ExitCode
from inspector.facts.licensing.license_classes import license_class
from inspector.policy.configuration import (
    Configuration,
    LicenseClarification,
    LicenseException,
    LicensePolicy,
    configuration_of,
)
from inspector.policy.configuration_check import find_mistakes
from inspector.result import ComponentInfo, FileEntry, FilesInfo, Result
from tests.unit.test_judgement import judged, result

DIGEST = "ab" * 32


def component(expression: str | None, name: str = "thing", **fields: Any) -> ComponentInfo:
    return ComponentInfo(
        name=name, version="1.0", kind="library", licenses=expression, license_class=fields.pop("class_", license_class(expression)),
        files=fields.pop("files", ("lib/a.so",)), file_count=1, **fields,
    )  # fmt: skip


def bundle(*components: ComponentInfo, digest: str | None = None) -> Result:
    entries = (FileEntry(path="lib/a.so", kind="file", mode=0o644, size=1, stored_size=1, sha256=digest),)
    return replace(result(), components=components, files=FilesInfo(count=1, elf_count=1, entries=entries))


def complaints(policy: LicensePolicy, *components: ComponentInfo, digest: str | None = None) -> list[str]:
    found = judged(bundle(*components, digest=digest), Configuration(licenses=policy)).result.findings
    return [each.message for each in found if each.rule == "license-not-allowed" and each.suppressed is None]


@pytest.mark.parametrize(
    ("expression", "passes"),
    [
        ("MIT", True),
        ("mit", True),
        ("GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", False),
        ("(MIT OR GPL-3.0-only) AND BSD-2-Clause", True),
        ("MIT AND (GPL-2.0-only OR LGPL-2.1-or-later)", True),
        ("LGPL-2.1-only", True),
        ("LGPL-2.0-or-later", True),  # 2.1 may be chosen
        ("LGPL-2.0-only", False),
        ("LGPL-2.1-only WITH OCCT-exception-1.0", True),
        ("BSD-3-Clause-Clear", True),
        ("LicenseRef-x", False),
    ],
)
def test_an_allowed_list(expression: str, passes: bool) -> None:
    policy = LicensePolicy(allow=("MIT", "BSD-*", "LGPL-2.1-or-later"))
    assert (complaints(policy, component(expression)) == []) is passes


@pytest.mark.parametrize(
    ("denied", "expression", "passes"),
    [
        ("GPL-3.0", "GPL-3.0-only", False),
        ("GPL-3.0", "GPL-3.0-or-later", False),
        ("GPL-3.0", "GPL-2.0-or-later", True),  # version 2 may be chosen
        ("GPL-3.0", "LGPL-3.0-only", True),
        ("GPL-*", "GPL-2.0-or-later", False),
        ("GPL-*", "GPL-3.0-or-later WITH GCC-exception-3.1", True),
        ("GPL-3.0-or-later WITH GCC-exception-3.1", "GPL-3.0-or-later WITH GCC-exception-3.1", False),
        ("AGPL-3.0-only", "MIT OR AGPL-3.0-only", True),
    ],
)
def test_a_denied_licence(denied: str, expression: str, passes: bool) -> None:
    assert (complaints(LicensePolicy(deny=(denied,)), component(expression)) == []) is passes


def test_a_denied_class_and_what_the_gate_says() -> None:
    found = judged(
        bundle(component("GPL-2.0-or-later", "x264"), component("MIT", "zlib")),
        Configuration(licenses=LicensePolicy(deny_classes=("strong-copyleft",))),
    )
    assert found.code == ExitCode.GATE_FAILED
    assert found.result.verdict.reasons == (
        "licences not allowed: x264 1.0 is GPL-2.0-or-later: GPL-2.0-or-later is strong-copyleft",
    )
    assert found.result.rules["license-not-allowed"].code == "POL003"


def test_a_class_that_words_alone_tell_is_denied_too() -> None:
    policy = LicensePolicy(deny_classes=("strong-copyleft",), unknown="ignore")
    assert complaints(policy, component(None, class_="strong-copyleft", stated="GPL v3")) == [
        "thing 1.0 is GPL v3, which is strong-copyleft"
    ]


@pytest.mark.parametrize(("unknown", "severities"), [("error", ["error"]), ("warning", ["warning"]), ("ignore", [])])
def test_an_unknown_licence(unknown: Any, severities: list[str]) -> None:
    found = judged(bundle(component(None)), Configuration(licenses=LicensePolicy(deny=("MIT",), unknown=unknown)))
    assert [each.severity for each in found.result.findings] == severities


def test_nothing_is_said_where_nothing_is_asked() -> None:
    found = judged(bundle(component(None), component("AGPL-3.0-only")), Configuration())
    assert found.result.findings == ()
    assert "license-not-allowed" not in found.result.coverage.rules_run


def test_an_exception_accepts_with_its_reason_until_its_day() -> None:
    def policy(expires: dt.date) -> LicensePolicy:
        entry = LicenseException(
            component="ffm*", allow=("GPL-2.0-or-later",), reason="a program of its own", expires=expires
        )
        return LicensePolicy(deny_classes=("strong-copyleft",), exceptions=(entry,))

    ours, other = component("GPL-2.0-or-later", "ffmpeg"), component("GPL-2.0-or-later", "x264")
    found = judged(bundle(ours, other), Configuration(licenses=policy(dt.date(2027, 1, 1))))
    assert [
        (each.key if hasattr(each, "key") else each.message.split()[0], each.suppressed)
        for each in found.result.findings
    ] == [
        ("ffmpeg", "a program of its own (until 2027-01-01)"),
        ("x264", None),
    ]
    assert len(complaints(policy(dt.date(2026, 1, 1)), ours, other)) == 2


def test_an_exception_covers_only_the_licences_that_it_names() -> None:
    entry = LicenseException(component="*", allow=("LGPL-3.0-only",), reason="r")
    policy = LicensePolicy(allow=("MIT",), exceptions=(entry,))
    assert complaints(policy, component("LGPL-3.0-only AND MIT")) == []
    assert complaints(policy, component("LGPL-3.0-only AND GPL-3.0-only")) != []


def test_a_clarification_holds_for_the_very_file() -> None:
    entry = LicenseClarification(path="lib/*.so", expression="Zlib", sha256=DIGEST, reason="its home page")
    policy = LicensePolicy(allow=("Zlib",), unknown="error", clarify=(entry,))
    assert complaints(policy, component(None), digest=DIGEST) == []
    assert complaints(policy, component("GPL-3.0-only"), digest=DIGEST) == []
    assert complaints(policy, component(None), digest="cd" * 32) == ["thing 1.0: its licence is not known"]
    found = judged(bundle(component(None)), Configuration(licenses=policy)).result.findings
    assert "no digest of lib/a.so" in found[0].evidence[-1]


def test_the_configuration_reads_every_key() -> None:
    table = {
        "licenses": {
            "allow": ["MIT", "LicenseRef-Ours", "BSD-*", "GPL-2.0-only WITH Classpath-exception-2.0"],
            "deny-classes": ["proprietary"],
            "unknown": "error",
            "exceptions": [{"component": "x", "allow": ["ISC"], "reason": "r"}],
            "clarify": [{"path": "a", "expression": "MIT OR ISC", "sha256": DIGEST, "reason": "r"}],
        }
    }
    assert find_mistakes(table) == []
    policy = configuration_of(table).licenses
    assert (policy.deny_classes, policy.exceptions[0].allow, policy.clarify[0].expression) == (
        ("proprietary",),
        ("ISC",),
        "MIT OR ISC",
    )


@pytest.mark.parametrize(
    ("table", "key", "mend"),
    [
        ({"allow": ["MTI"]}, "licenses.allow[1]", "did you mean MIT?"),
        ({"deny": ["MIT", "GPL-3.0-or-latter"]}, "licenses.deny[2]", "did you mean GPL-3.0-or-later?"),
        ({"deny": ["MIT AND ISC"]}, "licenses.deny[1]", "list its licences one by one"),
        ({"deny": ["Foo*"]}, "licenses.deny[1]", "https://spdx.org/licenses/ has them"),
        ({"deny-classes": ["strong copyleft"]}, "licenses.deny-classes[1]", 'did you mean "strong-copyleft"?'),
        ({"deny-classes": "proprietary"}, "licenses.deny-classes", 'write deny-classes = ["strong-copyleft"]'),
        ({"clarify": [{"path": "a", "expression": "MITT", "sha256": DIGEST, "reason": "r"}]},
         "licenses.clarify[1].expression", 'write expression = "Zlib"'),
        ({"clarify": [{"path": "a", "expression": "MIT", "sha256": "12", "reason": "r"}]}, "licenses.clarify[1].sha256", 'write sha256 = "..."'),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_the_mend(table: dict[str, Any], key: str, mend: str) -> None:
    assert [(mistake.key, mistake.mend) for mistake in find_mistakes({"licenses": table})] == [(key, mend)]


def test_exceptions_that_are_over_and_those_that_nothing_needs_are_told() -> None:
    def exception(component: str, expires: dt.date | None = None) -> LicenseException:
        return LicenseException(
            component=component, allow=("GPL-3.0-or-later",), reason="a program of its own", expires=expires
        )

    today = dt.date(2026, 11, 21)  # as ``judged`` has it
    policy = LicensePolicy(
        deny_classes=("strong-copyleft",),
        exceptions=(exception("ffmpeg"), exception("readline", today), exception("gone"), exception("zlib", today)),
    )
    given = bundle(
        component("GPL-3.0-or-later", "ffmpeg"), component("GPL-3.0-or-later", "readline"), component("Zlib", "zlib")
    )
    verdict = judged(given, Configuration(licenses=policy)).result.verdict
    assert verdict.notices == (
        "licenses.exceptions[2] (readline) expired on 2026-11-21: readline again; it said: a program of its own",
        "licenses.exceptions[3] (gone) lets nothing through any more; remove it",
        "licenses.exceptions[4] (zlib) lets nothing through any more; remove it",
    )
    assert len(verdict.reasons) == 1
    assert judged(given, Configuration()).result.verdict.notices == ()
