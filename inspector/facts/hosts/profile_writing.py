"""Captured host profiles written as TOML, in the form that :mod:`inspector.facts.hosts.profile_schema` describes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from inspector.facts.hosts.profile_schema import FLAGS, LARGEST_PAGE_SIZE, SCHEMA
from inspector.loader.host_profile import HostProfile, ProvidedLibrary
from inspector.loader.objects import LoaderObject


def profile_to_toml(profile: HostProfile, *, as_of: str, source: str) -> str:
    """The file of a captured profile, which :func:`read_profile` reads back equal.

    :param as_of: ISO date of the capture.
    :param source: what was captured, for people.
    :raises ValueError: for a library without an object: only captures are written by program.
    """
    lines = [f"schema = {quoted(SCHEMA)}"]
    lines += [
        f"{key} = {quoted(getattr(profile, key))}" for key in ("id", "name", "arch", "libc", "libc_version", "basis")
    ]
    lines.append(f"complete = {'true' if profile.complete else 'false'}")
    if profile.isa_level is not None:
        lines.append(f"isa_level = {profile.isa_level}")
    if profile.kernel is not None:
        lines.append(f"kernel = {quoted(profile.kernel)}")
    lines.append(f"page_sizes = [{', '.join(map(str, profile.page_sizes))}]")
    dates = {"released": profile.released, "supported_until": profile.supported_until}
    lines += [f"{key} = {quoted(date)}" for key, date in dates.items() if date is not None]
    lines += [f"as_of = {quoted(as_of)}", "", "[sources]", f"capture = {quoted(source)}"]
    if profile.programs:
        lines += ["", "[programs]"]
        lines += [f"{quoted(name)} = {quoted(presence)}" for name, presence in sorted(profile.programs.items())]
    by_file: dict[str, tuple[LoaderObject, list[ProvidedLibrary]]] = {}
    for library in profile.libraries.values():
        if library.object is None or library.path is None:
            raise ValueError(f"{library.soname} was not captured")
        by_file.setdefault(library.object.identity.removeprefix("host:"), (library.object, []))[1].append(library)
    for file, (loadable, libraries) in sorted(by_file.items()):
        lines += ["", f"[file.{quoted(file)}]", *_file_lines(loadable, libraries)]
    return "\n".join(lines) + "\n"


def _file_lines(loadable: LoaderObject, libraries: list[ProvidedLibrary]) -> Iterator[str]:
    first = libraries[0]
    places = []
    for library in sorted(libraries, key=lambda library: library.soname):
        path = library.path or ""
        places.append(path if path.rpartition("/")[2] == library.soname else f"{library.soname}={path}")
    yield f"found = [{', '.join(map(quoted, places))}]"
    for key, text in (
        ("package", first.package), ("soname", loadable.soname), ("rpath", loadable.rpath), ("runpath", loadable.runpath),
    ):  # fmt: skip
        if text is not None:
            yield f"{key} = {quoted(text)}"
    words: dict[str, Iterable[str]] = {
        "needed": loadable.needed,
        "requirements": (f"{row.library}:{row.version}{'?' if row.weak else ''}" for row in loadable.requirements),
        "definitions": sorted(loadable.definitions or ()),
        "flags": (flag for flag in FLAGS if getattr(loadable, flag)),
    }
    for key, several in words.items():
        joined = " ".join(several)
        if joined:
            yield f"{key} = {quoted(joined)}"
    if loadable.largest_page_size != LARGEST_PAGE_SIZE:
        yield f"largest_page_size = {loadable.largest_page_size}"
    if loadable.isa_level:
        yield f"isa_level = {loadable.isa_level}"
    for key, names in (("exports", first.exports), ("imports", first.imports)):
        if names:
            yield f"{key} = {quoted(' '.join(sorted(names)))}"


def quoted(text: str) -> str:
    """A TOML string: a literal one where that is possible, because parsers are quick with it, else a basic one (TOML 1.0, "String")."""
    if "'" not in text and text.isprintable():
        return f"'{text}'"
    escaped = "".join(
        f"\\{character}" if character in '"\\'
        else character if character.isprintable()
        else f"\\U{ord(character):08x}"
        for character in text
    )  # fmt: skip
    return f'"{escaped}"'
