"""How reports call files and the licences of components."""

from __future__ import annotations

from inspector.facts.binaries.floors import RUNTIME
from inspector.patterns import lazy_pattern
from inspector.result import ComponentInfo

STRICT = ("network-copyleft", "strong-copyleft")
_REFERENCE = "LicenseRef-"  # in front of names that are not on the SPDX list (SPDX 2.3, 10.1)
_ABI_SUFFIX = lazy_pattern(r"\.(?:cpython-[^.]+|abi3)\.so$")  # of an extension module's file name (PEP 3149)


def file_name(path: str) -> str:
    """The last part of a path, without what the ABI adds to a Python module's name."""
    if path == RUNTIME:
        return "the runtime"
    return _ABI_SUFFIX.sub("….so", path.rpartition("/")[2] or path)


def license_words(component: ComponentInfo) -> str:
    """The expression, else the maker's own words, else that nothing tells; for people, who need no ``LicenseRef-``."""
    if component.licenses:
        return component.licenses.replace(_REFERENCE, "")
    return f"“{component.stated.replace(_REFERENCE, '')}”" if component.stated else "not known"
