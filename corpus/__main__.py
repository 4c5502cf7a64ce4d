"""``python -m corpus list | build NAME... | build --all | path NAME``."""

from __future__ import annotations

import argparse
import sys

import corpus
from corpus.registry import recipes
from corpus.store import artifact_path, cache_directory, ensure, record_of


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when everything asked for is there, 1 when something could not be built, 2 for an unknown name."""
    parser = argparse.ArgumentParser(
        prog="python -m corpus", description="Build the real artifacts that tests and benchmarks use."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="every recipe: name, what is built, summary")
    build = commands.add_parser("build", help="build artifacts; a name that ends with / stands for its whole family")
    build.add_argument("names", nargs="*", metavar="NAME")
    build.add_argument("--all", action="store_true", help="everything that can be built here")
    path = commands.add_parser("path", help="print where an artifact lies, building it when needed")
    path.add_argument("name", metavar="NAME")
    options = parser.parse_args(arguments)
    if options.command == "list":
        return _list()
    if options.command == "path":
        return _build([options.name], print_path=True)
    if options.all == bool(options.names):
        parser.error("build takes names or --all")
    return _build(list(recipes()) if options.all else options.names)


def _list() -> int:
    width = max(map(len, recipes()))
    for recipe in recipes().values():
        record = record_of(recipe)
        state = f"{record.raw_bytes:>13,} bytes {record.file_count:>6,} files" if record else f"{'not built':>32}"
        print(f"{recipe.name:<{width}} {state}  {recipe.summary}")
    print(f"\ncache: {cache_directory()}")
    return 0


def _build(asked: list[str], *, print_path: bool = False) -> int:
    wanted: list[str] = []
    for name in asked:
        found = corpus.names(name) if name.endswith("/") else [name] if name in recipes() else []
        if not found:
            print(f"corpus: no recipe is called {name}; python -m corpus list names them", file=sys.stderr)
            return 2
        wanted += found
    failures = 0
    for name in wanted:
        recipe = recipes()[name]
        try:
            path = ensure(recipe)
        except corpus.Unavailable as reason:
            print(f"{name}: unavailable: {reason}", file=sys.stderr)
            failures += 1
            continue
        except corpus.CheckFailed as reason:
            print(f"{name}: {reason}", file=sys.stderr)
            failures += 1
            continue
        record = record_of(recipe)
        assert record is not None
        if print_path:
            print(path)
        else:
            print(
                f"{name}: {record.raw_bytes:,} bytes in {record.file_count:,} files, built in {record.seconds:.1f} s ({artifact_path(name)})"
            )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
