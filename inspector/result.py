"""The Result: one versioned document that renderers, the gate and ``inspect report`` read, and nothing else.

The shape is the contract of the schema ``inspector/result/1``: it is extended, never renamed.  Paths are always text; bytes of a name that are not
UTF-8 are written ``\\xNN``, so that strict encoders take every document.  Bytes are counted raw, unless a field says stored.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from inspector.errors import UsageError
from inspector.model import SEVERITY_ORDER, ByteCount, Coverage, Finding, Problem, Severity

SCHEMA = "inspector/result/1"

Origin = Literal["bundle", "host", "missing"]


class ToolInfo(Struct, frozen=True, kw_only=True):
    """The program that wrote the document, and the dates of the data that it judged by."""

    name: str
    version: str
    data: dict[str, str] = {}


class RuleInfo(Struct, frozen=True, kw_only=True):
    """A rule that fired; the full text stays in the catalogue (``inspect explain``)."""

    code: str
    severity: Severity
    summary: str


class SignatureInfo(Struct, frozen=True, kw_only=True):
    """An embedded OpenPGP signature."""

    status: Literal["good", "bad", "unverifiable", "absent"] = "absent"
    key: str | None = None
    reason: str | None = None


class RuntimeInfo(Struct, frozen=True, kw_only=True):
    """The executable part in front of an AppImage's payload.

    :ivar kind: "appimagekit", "static", "uruntime", …, or "unknown".
    :ivar version: what it says of itself (a release or a commit), or None.
    :ivar compressors: payload compressors that it reads, by squashfs name.
    :ivar needs: what it wants from the host: sonames that it links or opens, programs that it calls.
    """

    kind: str
    version: str | None = None
    compressors: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    linkage: Literal["static", "dynamic"] | None = None


class PackageInfo(Struct, frozen=True, kw_only=True):
    """What a package states of itself, as written; nothing of it is checked.

    :ivar system: "deb", "rpm", "snap", "flatpak", "oci", "conda" or "sdist".
    :ivar license: "" where the package states none, or its format has no such field.
    :ivar depends: what must be installed beside it, one requirement each.
    :ivar base: what it runs on and does not carry: a snap's base ("core22"), a Flatpak's runtime ("org.freedesktop.Platform/x86_64/23.08").
    :ivar command: what its installation starts.
    :ivar permissions: what it asks to be allowed, one clause each.
    """

    system: str
    name: str = ""
    version: str = ""
    architecture: str = ""
    license: str = ""
    depends: tuple[str, ...] = ()
    base: str | None = None
    command: str | None = None
    permissions: tuple[str, ...] = ()


class EnvelopeInfo(Struct, frozen=True, kw_only=True):
    """What lies around the tree of files: of an AppImage the runtime, the payload's place and form, the update information."""

    runtime: RuntimeInfo | None = None
    offset: int | None = None
    payload_size: int | None = None
    compression: str | None = None
    block_size: int | None = None
    created: int | None = None
    """The file system's creation time, seconds since 1970."""
    update_information: str | None = None
    signature: SignatureInfo = SignatureInfo()
    digest_md5: str | None = None
    magic_bytes: bool | None = None
    trailing_bytes: int = 0
    package: PackageInfo | None = None


class ArtifactInfo(Struct, frozen=True, kw_only=True):
    """What was audited."""

    id: str
    path: str
    format: str
    arch: str | None
    size: int
    unpacked_size: int
    parent: str | None = None
    sha256: str | None = None
    envelope: EnvelopeInfo | None = None


class NestedArtifact(Struct, frozen=True, kw_only=True):
    """A bundle inside the bundle.

    :ivar path: of the member that it is; members of it are written ``path!/member``.
    :ivar size: bytes of that member; ``unpacked_size`` of the files in it, of which there are ``files``.
    :ivar inert: why it is no part of the application, which neither starts nor imports it, so that its components and floors count for nothing;
        "" where it is.
    """

    id: str
    parent: str
    path: str
    format: str
    size: int = 0
    unpacked_size: int = 0
    files: int = 0
    elf_count: int = 0
    inert: str = ""
    coverage: Coverage = Coverage()


class FileEntry(Struct, frozen=True, kw_only=True):
    """One member of the tree (only with ``--files``).

    :ivar sha1: hexadecimal like ``sha256``, of regular files, where a report asked for them.
    :ivar shared: whether the container keeps its bytes once for it and another file, so that a sum must leave ``stored_size`` out.
    :ivar component: whose file it is, a name of ``sizes.by_component``.
    :ivar removable: the kind of files that a release seldom needs ("tests", …), or "".
    """

    path: str
    kind: str
    mode: int
    size: int
    stored_size: int
    target: str | None = None
    sha1: str | None = None
    sha256: str | None = None
    shared: bool = False
    component: str = ""
    removable: str = ""


class FilesInfo(Struct, frozen=True, kw_only=True):
    """``count`` counts regular files; hard links count once for each name."""

    count: int
    elf_count: int
    entries: tuple[FileEntry, ...] | None = None


class FloorCause(Struct, frozen=True, kw_only=True):
    """A file that asks ``library`` for ``version``; at most 20 symbols are named, all are counted."""

    file: str
    library: str
    version: str
    symbols: tuple[str, ...]
    symbol_count: int
    from_host: bool
    weak: bool = False


class FloorRequest(Struct, frozen=True, kw_only=True):
    """A file, and the highest version of the namespace that it asks of the host."""

    file: str
    version: str


class Floor(Struct, frozen=True, kw_only=True):
    """The highest version of one namespace that the artifact asks for.

    :ivar version: without the namespace ("2.34"); of all requests, whoever answers them.  None where only markers are asked for.
    :ivar host_version: the highest that the host must answer, None where the bundle answers all of them.
    :ivar markers: members that are no ordered numbers ("GLIBC_PRIVATE", "GLIBC_ABI_DT_RELR").
    :ivar causes: who asks for ``version`` and ``host_version`` and the markers, the worst first.
    :ivar requests: every file that asks the host for an ordered version, the highest first; at most 500.
    """

    version: str | None
    host_version: str | None
    markers: tuple[str, ...] = ()
    causes: tuple[FloorCause, ...] = ()
    requests: tuple[FloorRequest, ...] = ()
    remedy: str | None = None


class TagInfo(Struct, frozen=True, kw_only=True):
    """Platform tags: ``allowed`` by what the files need, ``claimed`` by a wheel's own name, several joined by ".".

    :ivar unkept: a clause for each claimed tag that the files do not keep.
    """

    allowed: str | None = None
    claimed: str | None = None
    reasons: tuple[str, ...] = ()
    unkept: tuple[str, ...] = ()


class NeededInfo(Struct, frozen=True, kw_only=True):
    """One DT_NEEDED: where it is found, and by which rule (``via``, such as "RUNPATH $ORIGIN/../lib")."""

    name: str
    path: str | None
    origin: Origin
    via: str | None = None


class LibraryInfo(Struct, frozen=True, kw_only=True):
    """One ELF object of the tree."""

    path: str
    role: str
    soname: str | None
    rpath: str | None
    runpath: str | None
    needed: tuple[NeededInfo, ...]


class RootInfo(Struct, frozen=True, kw_only=True):
    """Something that is started or loaded by name."""

    path: str
    role: Literal["entry", "extension", "plugin", "optional"]


class FailedObject(Struct, frozen=True, kw_only=True):
    """A root that does not load on a host, and what is missing for it."""

    path: str
    missing_libraries: tuple[str, ...] = ()
    missing_versions: tuple[dict[str, str], ...] = ()
    missing_symbols: tuple[str, ...] = ()


class HostVerdict(Struct, frozen=True, kw_only=True):
    """Whether the artifact starts on one system."""

    id: str
    name: str
    variant: Literal["desktop", "minimal"]
    basis: Literal["captured", "measured", "assumed"]
    verdict: Literal["starts", "degraded", "fails", "unknown"]
    message: str
    judged: int = 0
    objects: tuple[FailedObject, ...] = ()
    libc: Literal["glibc", "musl"] = "glibc"
    released: str | None = None
    """ISO date of the system's release, where it is known."""


class LicenseStatement(Struct, frozen=True, kw_only=True):
    """A licence that something in the artifact states for a component.

    :ivar expression: SPDX, or None where several licences are named and nothing says which is the component's.
    :ivar source: what states it, with its tree path where it has one.
    :ivar mentioned: all licences that the source names, where it leaves the choice open.
    :ivar words: as it is written there, where that is no expression.
    """

    expression: str | None
    source: str
    mentioned: tuple[str, ...] = ()
    words: str = ""


class ComponentInfo(Struct, frozen=True, kw_only=True, rename={"license_class": "class"}):
    """A thing with a name, a maker and a licence that the artifact contains.

    :ivar kind: "static" is code inside the files, which belong to somebody else and are not counted in ``bytes``.
    :ivar licenses: an SPDX expression, the conclusion, or None where it is not known.
    :ivar stated: the maker's own words where they make no expression ("GPL v3"), else "".
    :ivar declared: what its own metadata state; None where it has none, or they say nothing.
    :ivar found: what texts, notes and the code itself state, beside the conclusion.
    :ivar concluded_from: what ``licenses`` rests on: "declared", "licence text", "catalogue", "copyright file", …, or "".
    :ivar license_files: tree paths of the texts that belong to it: licences, notices.
    :ivar part_of: the component that carries it inside (a vendored distribution, an icon theme of a package), or "".
    :ivar end_of_life: the day on which its makers stopped or will stop to support the version (ISO), or "" where that is not known.
    :ivar package_url: https://github.com/package-url/purl-spec, or "".
    :ivar files: all paths where the Result names every file (``--files``), else at most 20; ``file_count`` counts all.
    """

    name: str
    version: str | None
    kind: str
    licenses: str | None
    license_class: str = "unknown"
    stated: str = ""
    declared: LicenseStatement | None = None
    found: tuple[LicenseStatement, ...] = ()
    concluded_from: str = ""
    license_files: tuple[str, ...] = ()
    part_of: str = ""
    end_of_life: str = ""
    package_url: str = ""
    evidence: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    file_count: int = 0
    bytes: ByteCount = ByteCount()


class Exposure(Struct, frozen=True, kw_only=True, rename={"license_class": "class"}):
    """A copyleft component and the chain by which the application reaches it, the component last.

    :ivar linkage: "dynamic": linked by DT_NEEDED; "dlopen": opened by name at run time; "static": inside the file; "python": imported;
        "executable": run as a program of its own.
    :ivar imported: whether the application itself comes to import the Python module that the chain goes through; None where no module is in it, or
        nobody asked (``inspect licenses`` does).
    :ivar removed_by: what would take it out of the artifact, a clause each; nothing where nobody asked, or nothing is known.
    :ivar slim_options: the options of ``inspect slim`` that do the first of them.
    :ivar obligations: what the licence asks of whoever passes this on in this linkage, a clause each; facts about its text, no legal advice.
    """

    license: str
    license_class: str
    component: str
    linkage: Literal["dynamic", "dlopen", "static", "python", "executable"]
    chain: tuple[str, ...]
    imported: bool | None = None
    removed_by: tuple[str, ...] = ()
    slim_options: tuple[str, ...] = ()
    obligations: tuple[str, ...] = ()


class ShippedBill(Struct, frozen=True, kw_only=True):
    """A bill of materials that the artifact carries, checked against its files.

    :ivar format: "CycloneDX 1.4", "SPDX 2.3".
    :ivar of: the component that it speaks of, or "".
    :ivar confirmed: entries whose component is in the artifact.
    :ivar absent: entries whose component is not; ``unlisted`` components in the files that it speaks of, and no entry: names with versions.
    """

    path: str
    format: str
    of: str = ""
    confirmed: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()


class LicensesInfo(Struct, frozen=True, kw_only=True):
    """Licence exposure, first part: what copyleft is in the artifact and how it is reached."""

    exposures: tuple[Exposure, ...] = ()
    shipped_bills: tuple[ShippedBill, ...] = ()


class SizeRow(Struct, frozen=True, kw_only=True):
    """Bytes of a component, a directory, a type or a file."""

    name: str
    raw: int
    stored: int
    files: int = 1


class TreeRow(SizeRow, frozen=True, kw_only=True):
    """A directory, or a file with what :class:`FileEntry` says of it."""

    component: str = ""
    removable: str = ""


class DuplicateGroup(Struct, frozen=True, kw_only=True):
    """Files with the same content.  ``wasted`` counts raw bytes of all copies but one; ``wasted_stored`` is 0 where the image shares them."""

    paths: tuple[str, ...]
    count: int
    size: int
    wasted: int
    wasted_stored: int
    proof: Literal["same blocks", "same content"]


class SizesInfo(Struct, frozen=True, kw_only=True):
    """Where the bytes are."""

    total: ByteCount = ByteCount()
    by_component: tuple[SizeRow, ...] = ()
    by_directory: tuple[SizeRow, ...] = ()
    by_type: tuple[SizeRow, ...] = ()
    largest: tuple[SizeRow, ...] = ()
    duplicates: tuple[DuplicateGroup, ...] = ()
    duplicate_bytes: ByteCount = ByteCount()
    debug_bytes: ByteCount = ByteCount()
    test_bytes: ByteCount = ByteCount()
    bytecode_bytes: ByteCount = ByteCount()
    static_library_bytes: ByteCount = ByteCount()
    elf_sections: dict[str, int] = {}
    tree: tuple[TreeRow, ...] = ()


class SlimAction(Struct, frozen=True, kw_only=True):
    """What slim did, or would do, to some files; the plan document has their paths.

    :ivar saves: an estimate for each action; what the whole came to is measured.
    """

    rule: str
    level: Literal["safe", "moderate", "aggressive"]
    kind: str
    subject: str
    files: int
    saves: ByteCount = ByteCount()
    reasons: tuple[str, ...] = ()
    refuted_by: str = ""


class SlimKept(Struct, frozen=True, kw_only=True):
    """What a rule would have taken, and why it stayed; or an action that was left out, because a check failed with it."""

    rule: str
    subject: str
    reason: str
    bytes: ByteCount = ByteCount()


class SlimRow(Struct, frozen=True, kw_only=True):
    """A component before and after."""

    name: str
    before: ByteCount
    after: ByteCount


class SlimCheck(Struct, frozen=True, kw_only=True):
    """One proof that the output works, or why there is none."""

    name: Literal["tree", "audit", "hosts", "imports", "smoke"]
    outcome: Literal["passed", "failed", "not checked"]
    detail: str = ""


class SlimInfo(Struct, frozen=True, kw_only=True):
    """What ``inspect slim`` did to the artifact, or would do.

    :ivar input: path of what was slimmed; ``output`` of what was written, None where nothing was.
    :ivar closed: whether the bundle was taken as an application whose modules are known; False: as an open interpreter, or as
        something whose programs are not known.
    :ivar interpreter: whether there is a Python at all.
    :ivar roots: what it was taken to start from, or why everything that can be imported stays; at most twenty clauses.
    :ivar size_before: bytes of the artifact's file, or of all files of a directory; ``size_after`` like it, and None where nothing was written.
    :ivar before: raw and stored bytes of all files.
    :ivar after: the same of the output; where nothing was written, what the plan predicts.
    """

    input: str
    level: Literal["safe", "moderate", "aggressive"]
    bytecode: Literal["keep", "hot", "none"] = "keep"
    closed: bool = False
    interpreter: bool = False
    roots: tuple[str, ...] = ()
    output: str | None = None
    size_before: int = 0
    size_after: int | None = None
    before: ByteCount = ByteCount()
    after: ByteCount = ByteCount()
    actions: tuple[SlimAction, ...] = ()
    kept: tuple[SlimKept, ...] = ()
    left_out: tuple[SlimKept, ...] = ()
    by_component: tuple[SlimRow, ...] = ()
    checks: tuple[SlimCheck, ...] = ()
    notices: tuple[str, ...] = ()


class Verdict(Struct, frozen=True, kw_only=True):
    """What the gate says.

    :ivar notices: what fails nothing and ought to be known: accepted findings that are gone, exceptions that have expired.
    :ivar fail_on: the mildest severity that fails it.
    :ivar known: findings that are not judged, each as rule, a space, fingerprint: where only new ones are, those that the baseline has too; and those
        of rules newer than the edition.
    """

    gate: Literal["passed", "failed"]
    reasons: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    fail_on: Literal["error", "warning", "info", "never"] = "error"
    known: tuple[str, ...] = ()

    def is_failed_by(self, finding: Finding) -> bool:
        """Whether this finding alone fails the gate."""
        if finding.suppressed is not None or self.fail_on == "never" or self.knows(finding):
            return False
        return SEVERITY_ORDER[finding.severity] <= SEVERITY_ORDER[self.fail_on]

    def knows(self, finding: Finding) -> bool:
        """Whether it is not judged, because the last release had it or because its rule is newer than the edition."""
        return f"{finding.rule} {finding.fingerprint or finding.subject}" in self.known


class Result(Struct, frozen=True, kw_only=True):
    """Everything that is said of one artifact."""

    schema: Literal["inspector/result/1"] = "inspector/result/1"
    tool: ToolInfo
    rules: dict[str, RuleInfo]
    artifact: ArtifactInfo
    nested: tuple[NestedArtifact, ...] = ()
    files: FilesInfo
    floors: dict[str, Floor] = {}
    tag: TagInfo = TagInfo()
    libraries: tuple[LibraryInfo, ...] = ()
    roots: tuple[RootInfo, ...] = ()
    hosts: tuple[HostVerdict, ...] = ()
    components: tuple[ComponentInfo, ...] = ()
    licenses: LicensesInfo = LicensesInfo()
    sizes: SizesInfo = SizesInfo()
    findings: tuple[Finding, ...] = ()
    problems: tuple[Problem, ...] = ()
    coverage: Coverage = Coverage()
    verdict: Verdict = Verdict(gate="passed")
    slim: SlimInfo | None = None


_READABLE = (
    256 * 1024
)  # bytes up to which a document is indented for people; larger ones are for programs, and kept small


def to_json(results: list[Result] | Result) -> bytes:
    """The document as UTF-8 JSON; several results become an array under ``results``.  Small documents are indented."""
    document = results if isinstance(results, Result) else {"schema": SCHEMA, "results": results}
    encoded = msgspec.json.encode(document)
    return (msgspec.json.format(encoded, indent=2) if len(encoded) <= _READABLE else encoded) + b"\n"


class _Several(Struct):
    """A document of several artifacts; each Result is decoded by itself."""

    results: list[msgspec.Raw] | None = None


def load_result(path: str | Path) -> Result:
    """Read a document of one artifact that :func:`to_json` wrote; fields that a newer program added are ignored.

    :raises UsageError: where the file cannot be read, is not a document of this schema, or has several artifacts.
    """
    results = load_results(path)
    if len(results) == 1:
        return results[0]
    names = ", ".join(result.artifact.path for result in results[:3])
    raise UsageError(
        f"{path} is a report of {len(results)} artifacts ({names}{', …' if len(results) > 3 else ''}), and one is wanted here",
        "write one for each: inspect audit ARTIFACT -o result.json",
    )


def load_results(path: str | Path) -> list[Result]:
    """Read a document that :func:`to_json` wrote, of one artifact or several; never empty.

    :raises UsageError: where the file cannot be read or is not a document of this schema.
    """
    try:
        text = Path(path).read_bytes()
        several = msgspec.json.decode(text, type=_Several).results
        if several is None:
            return [msgspec.json.decode(text, type=Result)]
        results = [msgspec.json.decode(each, type=Result) for each in several]
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise UsageError(
            f"{path} is not a document of {SCHEMA}: {error}",
            "write one with: inspect audit ARTIFACT -o result.json",
        ) from error
    if not results:
        raise UsageError(f"{path} has no artifact in it", "write one with: inspect audit ARTIFACT -o result.json")
    return results


def json_schema() -> dict[str, Any]:
    """The JSON schema of the document, made from these classes."""
    return msgspec.json.schema(Result)
