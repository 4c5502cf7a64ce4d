"""SPDX 2.3 as JSON (https://spdx.github.io/spdx-spec/v2.3/): the artifact, its components as packages, every file with its digests.

Written here: the format is 200 lines, and ``spdx-tools``, the project's own library, needs an RDF library, parsers and a run-time type checker;
tests read the documents with it. A component's relation to what uses it is STATIC_LINK or DYNAMIC_LINK; what recognised it stands in ``sourceInfo``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha1
from typing import Any

from inspector.documents import encode_document
from inspector.facts.licensing.canonical_expressions import canonical_expression
from inspector.facts.licensing.spdx_texts import list_version
from inspector.patterns import lazy_pattern
from inspector.render.bill_of_materials import (
    artifact_name,
    component_keys,
    created_at,
    digested_files,
    document_identity,
    only_artifact,
)
from inspector.render.component_links import component_links
from inspector.render.registry import RenderOptions
from inspector.result import ComponentInfo, FileEntry, LicenseStatement, Result

_DOCUMENT, _ARTIFACT = "SPDXRef-DOCUMENT", "SPDXRef-Artifact"
_UNSAID = "NOASSERTION"
_PURPOSES = {"interpreter": "FRAMEWORK", "font": "OTHER", "icons": "OTHER"}
_REFERENCE = lazy_pattern(r"LicenseRef-[A-Za-z0-9.-]+")

Json = dict[str, Any]


def render(results: Sequence[Result], options: RenderOptions) -> bytes:
    """The document, UTF-8; the same bytes for the same Result where ``SOURCE_DATE_EPOCH`` is set."""
    del options
    result = only_artifact(results, "SPDX")
    return encode_document(_document(result))


def _document(result: Result) -> Json:
    created = created_at()
    name = artifact_name(result)
    identity = document_identity(result, "spdx", created)
    files = digested_files(result)
    packages = [_artifact_package(result, files)]
    packages += [_package(key, component, files) for key, component in _keyed(result)]
    references = sorted({found for package in packages for found in _references(package)})
    document: Json = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": _DOCUMENT,
        "name": name,
        "documentNamespace": f"https://spdx.org/spdxdocs/{_url_part(name)}-{identity}",
        "creationInfo": {
            "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": [f"Tool: {result.tool.name}-{result.tool.version}"],
            "licenseListVersion": ".".join(list_version()[0].split(".")[:2]),
        },
        "packages": packages,
        "relationships": list(_relationships(result, files)),
    }
    if files:
        objects = {library.path for library in result.libraries}
        document["files"] = [_file(entry, is_object=entry.path in objects) for entry in files.values()]
    if references:
        document["hasExtractedLicensingInfos"] = [_extracted(reference) for reference in references]
    return document


def _keyed(result: Result) -> list[tuple[str, ComponentInfo]]:
    return [
        (f"SPDXRef-{key}", found)
        for key, found in zip(component_keys(result.components), result.components, strict=True)
    ]


def _artifact_package(result: Result, files: dict[str, FileEntry]) -> Json:
    artifact = result.artifact
    package: Json = {
        "SPDXID": _ARTIFACT,
        "name": artifact_name(result),
        "downloadLocation": _UNSAID,
        "primaryPackagePurpose": "APPLICATION",
        "licenseConcluded": _UNSAID,
        "licenseDeclared": _UNSAID,
        "copyrightText": _UNSAID,
        "comment": f"{artifact.format}, {artifact.arch or 'architecture not known'}, {artifact.size} bytes",
        **_analysed(files.values()),
    }
    if artifact.sha256:
        package["checksums"] = [{"algorithm": "SHA256", "checksumValue": artifact.sha256}]
    return package


def _package(key: str, component: ComponentInfo, files: dict[str, FileEntry]) -> Json:
    own = [files[path] for path in component.files if path in files and component.kind != "static"]
    package: Json = {
        "SPDXID": key,
        "name": component.name,
        "downloadLocation": _UNSAID,
        "primaryPackagePurpose": _PURPOSES.get(component.kind, "LIBRARY"),
        "licenseConcluded": _expression(component.licenses),
        "licenseDeclared": _expression(_declared(component)),
        "copyrightText": _UNSAID,
        # A package may name files only where all of them were looked at (7.8).
        **_analysed(own if len(own) == component.file_count else ()),
    }
    if component.version:
        package["versionInfo"] = component.version
    if component.package_url:
        package["externalRefs"] = [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": component.package_url}
        ]
    evidence = [*component.evidence, *(f"inside {path}" for path in component.files if component.kind == "static")]
    if evidence:
        package["sourceInfo"] = "; ".join(evidence)
    comments = [_comment(statement) for statement in component.found]
    if component.stated:
        comments.insert(0, f"stated: {component.stated}")
    if comments:
        package["licenseComments"] = "; ".join(comments)
    return package


def _analysed(own: Iterable[FileEntry]) -> Json:
    """Whether the files were looked at, and their verification code (7.9): SHA-1 over the sorted SHA-1s of the files."""
    digests = sorted(entry.sha1 or "" for entry in own)
    if not digests:
        return {"filesAnalyzed": False}
    code = sha1("".join(digests).encode(), usedforsecurity=False).hexdigest()
    return {"filesAnalyzed": True, "packageVerificationCode": {"packageVerificationCodeValue": code}}


def _declared(component: ComponentInfo) -> str | None:
    """What the component's own metadata state; of a library the first that something in the artifact states."""
    if component.declared is not None:
        return component.declared.expression
    if component.kind == "python":
        return component.licenses
    return next((statement.expression for statement in component.found if statement.expression is not None), None)


def _expression(text: str | None) -> str:
    return (canonical_expression(text) if text else None) or _UNSAID


def _comment(statement: LicenseStatement) -> str:
    return f"found: {statement.expression or ', '.join(statement.mentioned)} in {statement.source}"


def _references(package: Json) -> Iterator[str]:
    for field in ("licenseConcluded", "licenseDeclared"):
        yield from _REFERENCE.findall(package[field])


def _extracted(reference: str) -> Json:
    name = reference.removeprefix("LicenseRef-")
    return {
        "licenseId": reference,
        "name": name,
        "extractedText": f"{name}: not on the SPDX License List; its text is where licenseComments or the component's maker say.",
    }


def _file(entry: FileEntry, *, is_object: bool) -> Json:
    found: Json = {
        "SPDXID": _file_reference(entry.path),
        "fileName": f"./{entry.path}",
        "checksums": [
            {"algorithm": "SHA1", "checksumValue": entry.sha1},
            {"algorithm": "SHA256", "checksumValue": entry.sha256},
        ],
    }
    if is_object:
        found["fileTypes"] = ["BINARY"]
    return found


def _file_reference(path: str) -> str:
    """Stable over releases, whatever else is in the bundle."""
    return f"SPDXRef-File-{sha1(path.encode('utf-8', 'backslashreplace'), usedforsecurity=False).hexdigest()}"


def _relationships(result: Result, files: dict[str, FileEntry]) -> Iterator[Json]:
    keyed = _keyed(result)
    yield _related(_DOCUMENT, "DESCRIBES", _ARTIFACT)
    packaged: set[str] = set()
    for key, component in keyed:
        yield _related(_ARTIFACT, "CONTAINS", key)
        own = [path for path in component.files if path in files]
        if component.kind != "static" and len(own) == component.file_count:
            packaged.update(own)
            for path in own:
                yield _related(key, "CONTAINS", _file_reference(path))
    for path in files:
        if path not in packaged:
            yield _related(_ARTIFACT, "CONTAINS", _file_reference(path))
    kinds = {"dynamic": "DYNAMIC_LINK", "static": "STATIC_LINK"}
    for user, used, linkage in component_links(result).links:
        yield _related(_ARTIFACT if user is None else keyed[user][0], kinds[linkage], keyed[used][0])


def _related(element: str, kind: str, other: str) -> Json:
    return {"spdxElementId": element, "relationshipType": kind, "relatedSpdxElement": other}


def _url_part(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:100]
