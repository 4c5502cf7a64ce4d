"""What Nuitka makes: the payload of its one-file programs."""

from inspector.formats.nuitka.payload import MAGICS, NuitkaPayload, PayloadEntry, find_payload, read_payload

__all__ = ["MAGICS", "NuitkaPayload", "PayloadEntry", "find_payload", "read_payload"]
