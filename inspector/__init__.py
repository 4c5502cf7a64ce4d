"""Inspector audits Linux application bundles before they are released, and slims them.

The public API::

    import inspector
    result = inspector.audit("MyApp.AppImage")      # inspector.result.Result
    result.floors["GLIBC"].version                  # "2.34"

Nothing is imported until it is asked for, so that ``inspect --version`` stays as fast as Python itself.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing's own costs 5 ms to import; type checkers know the name
if TYPE_CHECKING:
    from inspector.pipeline import audit as audit
    from inspector.result import Result as Result
    from inspector.result import load_result as load_result

__version__ = "0.1.0"
__all__ = ["Result", "__version__", "audit", "load_result"]


def __getattr__(name: str) -> object:  # PEP 562
    if name == "audit":
        from inspector.pipeline import audit

        return audit
    if name in ("Result", "load_result"):
        from inspector import result

        return getattr(result, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
