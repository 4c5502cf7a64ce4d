"""What Nuitka makes: the payload of its one-file programs, and the modules in a program that it compiled."""

from inspector.formats.nuitka.compiled_program import (
    CompiledModule,
    is_compiled_program,
    read_compiled_modules,
)
from inspector.formats.nuitka.payload import MAGICS, NuitkaPayload, PayloadEntry, find_payload, read_payload

__all__ = [
    "MAGICS",
    "CompiledModule",
    "NuitkaPayload",
    "PayloadEntry",
    "find_payload",
    "is_compiled_program",
    "read_compiled_modules",
    "read_payload",
]
