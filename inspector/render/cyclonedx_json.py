"""CycloneDX 1.6 as JSON (https://cyclonedx.org/docs/1.6/json/), written by the project's own library.

The format has no relation for linkage, only ``dependencies``: how a component is linked stands in properties of the name space ``bundle-inspect:``.
``licenses`` holds the conclusion, ``evidence.licenses`` what the artifact itself states.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.bom_ref import BomRef
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.component_evidence import (
    AnalysisTechnique,
    ComponentEvidence,
    Identity,
    IdentityField,
    Method,
    Occurrence,
)
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.license import DisjunctiveLicense, License, LicenseAcknowledgement, LicenseExpression
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.spdx import is_supported_id
from packageurl import PackageURL

from inspector.facts.licensing.canonical_expressions import canonical_expression
from inspector.render.bill_of_materials import (
    artifact_name,
    component_keys,
    created_at,
    digested_files,
    document_identity,
    only_artifact,
)
from inspector.render.component_links import ComponentLinks, component_links, how_reached
from inspector.render.registry import RenderOptions
from inspector.result import ComponentInfo, FileEntry, LicenseStatement, Result

_NAME_SPACE = "bundle-inspect"
_ARTIFACT = "artifact"
_LONGEST_VERSION = 1024  # characters that the schema permits
_TYPES = {"interpreter": ComponentType.PLATFORM, "font": ComponentType.DATA, "icons": ComponentType.DATA}

# The format wants a number for each way in which a component was recognised. Metadata of an installer name it outright; data and functions that only
# its own code has nearly so; a file can be renamed.
_TECHNIQUES = {
    "metadata": (AnalysisTechnique.MANIFEST_ANALYSIS, Decimal(1)),
    "binary": (AnalysisTechnique.BINARY_ANALYSIS, Decimal("0.9")),
    "name": (AnalysisTechnique.FILENAME, Decimal("0.6")),
}


def render(results: Sequence[Result], options: RenderOptions) -> bytes:
    """The document, UTF-8; the same bytes for the same Result where ``SOURCE_DATE_EPOCH`` is set."""
    del options
    result = only_artifact(results, "CycloneDX")
    created = created_at()
    bom = _Document(result).bom()
    bom.serial_number = document_identity(result, "cyclonedx", created)
    bom.metadata.timestamp = created
    return JsonV1Dot6(bom).output_as_string(indent=2).encode("utf-8", "backslashreplace") + b"\n"


class _Document:
    """The parts of one document, made once."""

    def __init__(self, result: Result) -> None:
        self._result = result
        self._links: ComponentLinks = component_links(result)
        self._keys = component_keys(result.components)
        self._files = digested_files(result)
        self._objects = {library.path for library in result.libraries}

    def bom(self) -> Bom:
        """Everything but serial number and time."""
        return Bom(
            metadata=BomMetaData(
                tools=ToolRepository(
                    components=[
                        Component(
                            name=self._result.tool.name,
                            version=self._result.tool.version,
                            type=ComponentType.APPLICATION,
                        )
                    ]
                ),
                component=self._artifact(),
                properties=[
                    _property("data", f"{name} {date}") for name, date in sorted(self._result.tool.data.items())
                ],
            ),
            components=[self._component(index) for index in range(len(self._result.components))],
            dependencies=self._dependencies(),
        )

    def _artifact(self) -> Component:
        artifact = self._result.artifact
        return Component(
            name=artifact_name(self._result),
            type=ComponentType.APPLICATION,
            bom_ref=_ARTIFACT,
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=artifact.sha256)] if artifact.sha256 else None,
            properties=[_property("format", artifact.format), _property("architecture", artifact.arch or "unknown")],
        )

    def _component(self, index: int) -> Component:
        component = self._result.components[index]
        own = [self._files[path] for path in component.files if path in self._files and component.kind != "static"]
        return Component(
            name=component.name,
            version=component.version[:_LONGEST_VERSION] if component.version else None,
            type=_TYPES.get(component.kind, ComponentType.LIBRARY),
            bom_ref=self._keys[index],
            purl=_package_url(component.package_url),
            licenses=_licenses(component.licenses, LicenseAcknowledgement.CONCLUDED),
            hashes=_hashes(own[0]) if len(own) == 1 else None,
            evidence=_evidence(component, self._keys[index], self._objects),
            components=list(self._native_files(index, own)) if len(own) > 1 else None,
            properties=list(self._properties(index)),
        )

    def _native_files(self, index: int, own: Sequence[FileEntry]) -> Iterator[Component]:
        """The ELF files of a component of several files, with their digests."""
        for entry in own:
            if entry.path in self._objects and self._links.owner.get(entry.path) == index:
                yield Component(
                    name=entry.path, type=ComponentType.FILE, bom_ref=f"file-{entry.path}", hashes=_hashes(entry)
                )

    def _properties(self, index: int) -> Iterator[Property]:
        component = self._result.components[index]
        yield _property("kind", component.kind)
        yield _property("license-class", component.license_class)
        word, path, more = how_reached(self._result, component, self._links)
        yield _property("reached", " ".join(part for part in (word, path, f"and {more} more" if more else "") if part))
        yield _property("files", str(component.file_count))
        if component.declared is not None and (component.declared.expression or component.declared.words):
            yield _property("license-declared", component.declared.expression or component.declared.words)
        if component.part_of:
            yield _property("part-of", component.part_of)
        if component.end_of_life:
            yield _property("end-of-life", component.end_of_life)
        if component.stated:
            yield _property("license-stated", component.stated)
        for user, used, linkage in self._links.links:
            if used == index:
                yield _property("linkage", f"{linkage} by {_ARTIFACT if user is None else self._keys[user]}")
        for exposure in self._result.licenses.exposures:
            if exposure.component == component.name:
                yield _property("exposure", " -> ".join(exposure.chain))

    def _dependencies(self) -> list[Dependency]:
        """Who loads or contains whom; the artifact depends on all that no other component uses."""
        uses: dict[str, set[str]] = {key: set() for key in self._keys}
        used: set[str] = set()
        for user, target, _ in self._links.links:
            if user is not None:
                uses[self._keys[user]].add(self._keys[target])
                used.add(self._keys[target])
        uses[_ARTIFACT] = set(self._keys) - used
        uses[_ARTIFACT] |= {self._keys[target] for user, target, _ in self._links.links if user is None}
        return [
            Dependency(ref=BomRef(key), dependencies=[Dependency(ref=BomRef(target)) for target in sorted(targets)])
            for key, targets in sorted(uses.items())
        ]


def _property(name: str, value: str) -> Property:
    return Property(name=f"{_NAME_SPACE}:{name}", value=value)


def _hashes(entry: FileEntry) -> list[HashType]:
    return [
        HashType(alg=HashAlgorithm.SHA_1, content=entry.sha1 or ""),
        HashType(alg=HashAlgorithm.SHA_256, content=entry.sha256 or ""),
    ]


def _package_url(text: str) -> PackageURL | None:
    try:
        return PackageURL.from_string(text) if text else None
    except ValueError:
        return None


def _licenses(expression: str | None, acknowledgement: LicenseAcknowledgement | None = None) -> list[License]:
    if not expression:
        return []
    if is_supported_id(expression):
        return [DisjunctiveLicense(id=expression, acknowledgement=acknowledgement)]
    if canonical_expression(expression) is None:
        return [DisjunctiveLicense(name=expression, acknowledgement=acknowledgement)]
    return [LicenseExpression(expression, acknowledgement=acknowledgement)]


def _evidence(component: ComponentInfo, key: str, objects: set[str]) -> ComponentEvidence:
    found = dict.fromkeys(name for statement in component.found for name in _stated(statement))
    paths = (
        component.files
        if component.kind in ("library", "static")
        else [path for path in component.files if path in objects]
    )
    return ComponentEvidence(
        identity=[
            Identity(
                field=IdentityField.NAME,
                confidence=max((confidence for _, confidence, _ in _methods(component)), default=Decimal(0)),
                concluded_value=component.name,
                methods=[
                    Method(technique=technique, confidence=confidence, value=text)
                    for technique, confidence, text in _methods(component)
                ],
            )
        ],
        # Without a reference of its own each, the library orders them by their place in memory.
        occurrences=[Occurrence(bom_ref=f"{key}@{path}", location=path) for path in paths],
        licenses=[_evident_license(name) for name in found if name],
    )


def _evident_license(name: str) -> DisjunctiveLicense:
    """Several may be found, and only one expression may stand in a list: each is an identifier, or a name."""
    return DisjunctiveLicense(id=name) if is_supported_id(name) else DisjunctiveLicense(name=name)


def _stated(statement: LicenseStatement) -> Iterable[str]:
    return (statement.expression,) if statement.expression is not None else statement.mentioned


def _methods(component: ComponentInfo) -> list[tuple[AnalysisTechnique, Decimal, str]]:
    found = []
    for text in component.evidence:
        if component.kind == "python" or text.startswith(("package note ", "copyright file ")):
            kind = "metadata"
        elif text.startswith(("file name ", "its standard library")):
            kind = "name"
        else:
            kind = "binary"
        found.append((*_TECHNIQUES[kind], text))
    return found
