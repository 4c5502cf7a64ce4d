"""All recipes, by name."""

from __future__ import annotations

from functools import cache

from corpus import (
    appdir_layouts,
    appimage_matrix,
    axe_core,
    bad_input,
    briefcase_layout,
    cx_freeze,
    genuine_appimages,
    python_applications,
    python_archives,
    report_schemas,
    wheels,
)
from corpus.frozen import bun_programs, nuitka_programs, pyinstaller_programs, static_programs
from corpus.licenses import static_python
from corpus.packages import archives, conda_environment, conda_packages, images
from corpus.recipe import Recipe


@cache
def recipes() -> dict[str, Recipe]:
    """Every recipe by its name, families together, cheap ones first."""
    found: dict[str, Recipe] = {}
    for family in (
        genuine_appimages,
        report_schemas,
        axe_core,
        appimage_matrix,
        bad_input,
        python_applications,
        appdir_layouts,
        briefcase_layout,
        static_python,
        cx_freeze,
        python_archives,
        static_programs,
        pyinstaller_programs,
        nuitka_programs,
        bun_programs,
        wheels,
        archives,
        conda_environment,
        conda_packages,
        images,
    ):
        for recipe in family.recipes():
            if recipe.name in found:
                raise ValueError(f"two recipes are called {recipe.name}")
            found[recipe.name] = recipe
    return found
