"""``python -m corpus.imports``: run the battery and the applications, compare, print the table; ``--only NAME`` for some of them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import corpus
from corpus.imports.comparison import Bundle, Comparison
from corpus.imports.oracle import run
from corpus.imports.population import battery, programs

APPLICATIONS = {
    "flask-app": ("usr/share/flask-app/flask_app.py", ("--self-test",)),
    "pandas-report": ("usr/share/pandas-report/pandas_report.py", ()),
    "pyqt5-widgets": ("usr/share/pyqt5-widgets/pyqt5_widgets.py", ("--self-test",)),
}


def comparisons(only: list[str]) -> Iterator[Comparison]:
    """The applications by their own launchers, then the programs of the battery as declared entries."""
    for name, (script, arguments) in APPLICATIONS.items():
        if not only or name in only:
            appdir = corpus.artifact(f"{name}.AppDir")
            yield Bundle(appdir).compare(name, run(appdir, script, arguments))
    wanted = [program for program in programs() if not only or program.name in only]
    if wanted:
        appdir = battery()
        bundle = Bundle(appdir)
        for program in wanted:
            yield bundle.compare(program.name, run(appdir, program.path), (program.path,))


def main() -> int:
    """Print the table; status 1 where a program failed or a module was missed."""
    parser = argparse.ArgumentParser(prog="python -m corpus.imports", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    options = parser.parse_args()
    imported = missed = failed = 0
    print(f"{'program':<16}{'imported':>9}{'missed':>8}{'reached':>9}{'of':>8}{'seconds':>9}")
    for row in comparisons(options.only):
        imported, missed, failed = imported + row.imported, missed + len(row.missed), failed + (row.status != 0)
        print(
            f"{row.name:<16}{row.imported:>9}{len(row.missed):>8}{row.reached:>9}{row.total:>8}{row.seconds:>9.1f}",
            flush=True,
        )
        if row.status != 0:
            print(f"    exit status {row.status}: {row.output}")
        for name in row.missed:
            print(f"    missed: {name}")
    recall = 100 * (imported - missed) / imported if imported else 0.0
    print(f"recall {recall:.3f} % of {imported} imports; {failed} programs failed")
    return 1 if missed or failed else 0


if __name__ == "__main__":
    sys.exit(main())
