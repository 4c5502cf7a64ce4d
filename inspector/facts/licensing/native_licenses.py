"""Licences of what a bundle contains: libraries by name, the class of an expression, and what Python's own modules bring along.

The one door to :mod:`inspector.facts.licensing.library_licenses` and :mod:`inspector.facts.licensing.license_classes`.  Nothing here is legal advice.
"""

from __future__ import annotations

from functools import cache

from msgspec import Struct

from inspector.facts.licensing.library_licenses import LibraryLicense, identify_library, library_catalogue_date
from inspector.facts.licensing.license_classes import CLASS_ORDER, LicenseClass, license_class, strictest
from inspector.resources import load_table

__all__ = [
    "CLASS_ORDER",
    "LibraryLicense",
    "LicenseClass",
    "PythonModuleLicense",
    "identify_library",
    "library_catalogue_date",
    "license_class",
    "python_module_license",
    "strictest",
]


class PythonModuleLicense(Struct, frozen=True):
    """A copyleft library that an extension module of CPython may be built with.

    :ivar module: the module's name ("readline", "_gdbm").
    :ivar libraries: sonames under copyleft that it is linked with, in the builds that are.
    :ivar alternatives: sonames that other builds of the same module use, without copyleft.
    :ivar imported_by: what of the standard library imports it, and whether Python works without.
    """

    module: str
    libraries: tuple[str, ...]
    alternatives: tuple[str, ...]
    imported_by: str


def python_module_license(file_name: str) -> PythonModuleLicense | None:
    """What is known of an extension module by its file name (``readline.cpython-311-x86_64-linux-gnu.so``), or None.

    Which of the libraries this very file is linked with, its DT_NEEDED says.
    """
    return _modules().get(file_name.partition(".")[0]) if file_name.endswith(".so") else None


@cache
def _modules() -> dict[str, PythonModuleLicense]:
    return {
        name: PythonModuleLicense(name, tuple(row["libraries"]), tuple(row["alternatives"]), row["imported_by"])
        for name, row in load_table("licenses/python_modules.toml")["modules"].items()
    }
