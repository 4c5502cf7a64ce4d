"""Imports modules one after the other and says of each how it went.  Runs under the bundle's own Python, 3.6 or newer, never under ours.

It imports nothing that an interpreter has not loaded by then, as a slimmed bundle need not have more, and it writes nothing but its report.
Arguments: the descriptor of the report, and the path of a text file with one line a module.  Lines of the report: ``+N`` before module N is imported,
``=N`` when it is, ``-N TYPE: MESSAGE`` when it is not.
"""

import os
import sys


def say(report: int, line: str) -> None:
    """Write a line of the report, at once and in one piece."""
    os.write(report, line.encode("ascii", "backslashreplace") + b"\n")


def describe(error: BaseException) -> str:
    """An exception in one line."""
    try:
        text = " ".join(str(error).split())[:300]
    except Exception:  # noqa: BLE001 - the exception is a stranger's
        text = "?"
    return type(error).__name__ + ": " + text


def import_all(report: int, modules: "list[str]") -> None:
    """Import each of the modules."""
    for index, name in enumerate(modules):
        say(report, "+" + str(index))
        try:
            __import__(name)
        except BaseException as error:  # noqa: BLE001 - a module may raise whatever it likes, SystemExit too
            say(report, "-" + str(index) + " " + describe(error))
        else:
            say(report, "=" + str(index))


def main() -> None:
    """Do what the arguments say, and end without waiting for what the modules have started."""
    report = int(sys.argv[1])
    os.set_inheritable(report, False)  # programs that a module starts do not keep it open
    with open(sys.argv[2], encoding="utf-8", errors="surrogateescape") as job:  # noqa: PTH123 - pathlib may be gone
        lines = job.read().split("\n")
    places = int(lines[0])
    if sys.path and sys.path[0] == os.path.dirname(os.path.abspath(__file__)):  # noqa: PTH100, PTH120
        del sys.path[0]
    sys.path[:0] = lines[1 : 1 + places]
    sys.argv[:] = [""]
    import_all(report, lines[1 + places :])
    os._exit(0)


if __name__ == "__main__":
    main()
