"""Where the data folders ``rules/`` and ``reports/`` are: inside an installed wheel, else in the checkout.  Nobody else knows."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal

from inspector.errors import InstallationError
from inspector.toml import parse_toml

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT_MARKER = ".inspector-data"  # so that a stranger's ./rules is never taken for ours


@cache
def data_directory(name: Literal["rules", "reports"]) -> Path:
    """The directory of that name, from the wheel (``inspector/_data``) or from the checkout beside the package.

    :raises InstallationError: where neither is there.
    """
    checkout = _PACKAGE.parent / name
    if (checkout / _CHECKOUT_MARKER).is_file():
        return checkout
    packaged = _PACKAGE / "_data" / name
    if packaged.is_dir():
        return packaged
    raise InstallationError(
        f"the data folder {name!r} of this installation is missing",
        "reinstall bundle-inspect, or run it from a complete checkout",
    )


@cache
def load_table(relative: str) -> dict[str, Any]:
    """A TOML file of ``rules/`` as a mapping, read once; callers must not change it.

    :param relative: path below ``rules/``, such as ``"hosts/excludelist.toml"``.
    :raises InstallationError: where the file is missing or is not TOML.
    """
    path = data_directory("rules") / relative
    try:
        return parse_toml(path.read_bytes())
    except FileNotFoundError:
        raise InstallationError(
            f"rules/{relative} of this installation is missing", "reinstall bundle-inspect"
        ) from None
    except ValueError as error:
        raise InstallationError(f"rules/{relative} is not valid TOML: {error}", "reinstall bundle-inspect") from error
