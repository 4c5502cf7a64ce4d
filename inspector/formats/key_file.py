"""GLib's key files: groups in brackets, keys and values (Desktop Entry Specification, "Basic format of the file", which GKeyFile reads)."""

from __future__ import annotations


def parse_key_file(content: bytes) -> dict[str, dict[str, str]]:
    """Values as written by key, by group; lines that are neither are passed over, as a broken line must not hide the rest."""
    groups: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in content.decode("utf-8", "backslashreplace").splitlines():
        text = line.strip()
        if text.startswith("[") and text.endswith("]"):
            current = groups.setdefault(text[1:-1], {})
        elif "=" in text and not text.startswith("#"):
            key, _, value = text.partition("=")
            current[key.strip()] = value.strip()
    return groups
