"""The corpus: recipes that build real artifacts from registry packages, for the tests and the benchmarks.

No binary is kept in git.  An artifact is built when it is first asked for, into ``corpus/.cache`` or the directory that the
environment variable ``INSPECTOR_CORPUS`` names::

    import corpus
    path = corpus.artifact("libappimage/Echo-x86_64.AppImage")

Standard library only, besides the programs that each recipe names.
"""

from __future__ import annotations

from pathlib import Path

from corpus.recipe import CheckFailed, Measurement, Recipe, Unavailable, measure

__all__ = ["CheckFailed", "Measurement", "Recipe", "Unavailable", "artifact", "measure", "names", "recipe"]


def artifact(name: str) -> Path:
    """The path of an artifact, built first when it is not there yet.

    Raises ``KeyError`` for a name that no recipe has, ``Unavailable`` where it cannot be built, ``CheckFailed`` where the build is wrong.
    """
    from corpus.store import ensure

    return ensure(recipe(name))


def recipe(name: str) -> Recipe:
    """The recipe of that name; ``KeyError`` when there is none."""
    from corpus.registry import recipes

    return recipes()[name]


def names(prefix: str = "") -> list[str]:
    """The names of all recipes that start with ``prefix``, in the order in which they are listed."""
    from corpus.registry import recipes

    return [name for name in recipes() if name.startswith(prefix)]
