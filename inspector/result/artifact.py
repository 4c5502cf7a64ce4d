"""What was audited: the program that did it, the artifact and what lies around its files, artifacts inside it, its files."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from inspector.model import Coverage, Severity


class ToolInfo(Struct, frozen=True, kw_only=True):
    """The program that wrote the document, and the dates of the data that it judged by."""

    name: str
    version: str
    data: dict[str, str] = {}


class RuleInfo(Struct, frozen=True, kw_only=True):
    """A rule that fired; the full text stays in the catalogue (``inspect explain``)."""

    code: str
    severity: Severity
    summary: str


class SignatureInfo(Struct, frozen=True, kw_only=True):
    """An embedded OpenPGP signature."""

    status: Literal["good", "bad", "unverifiable", "absent"] = "absent"
    key: str | None = None
    reason: str | None = None


class RuntimeInfo(Struct, frozen=True, kw_only=True):
    """The executable part in front of an AppImage's payload.

    :ivar kind: "appimagekit", "static", "uruntime", …, or "unknown".
    :ivar version: what it says of itself (a release or a commit), or None.
    :ivar compressors: payload compressors that it reads, by squashfs name.
    :ivar needs: what it wants from the host: sonames that it links or opens, programs that it calls.
    """

    kind: str
    version: str | None = None
    compressors: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    linkage: Literal["static", "dynamic"] | None = None


class PackageInfo(Struct, frozen=True, kw_only=True):
    """What a package states of itself, as written; nothing of it is checked.

    :ivar system: "deb", "rpm", "snap", "flatpak", "oci", "conda" or "sdist".
    :ivar license: "" where the package states none, or its format has no such field.
    :ivar depends: what must be installed beside it, one requirement each.
    :ivar base: what it runs on and does not carry: a snap's base ("core22"), a Flatpak's runtime ("org.freedesktop.Platform/x86_64/23.08").
    :ivar command: what its installation starts.
    :ivar permissions: what it asks to be allowed, one clause each.
    """

    system: str
    name: str = ""
    version: str = ""
    architecture: str = ""
    license: str = ""
    depends: tuple[str, ...] = ()
    base: str | None = None
    command: str | None = None
    permissions: tuple[str, ...] = ()


class SplashScreenInfo(Struct, frozen=True, kw_only=True):
    """A splash screen that the starter shows before the application runs.

    :ivar member: tree path of its script and image.
    :ivar size: bytes of that member.
    :ivar libraries: what the starter loads to show it, by file name ("libtcl8.6.so").
    """

    member: str
    size: int
    libraries: tuple[str, ...] = ()


class EnvelopeInfo(Struct, frozen=True, kw_only=True):
    """What lies around the tree of files: of an AppImage the runtime, the payload's place and form, the update information.

    :ivar options: what the starter was told when the program was built, as written ("pyi-runtime-tmpdir /var/tmp").
    :ivar members_from: other files whose members the program takes when it starts, by their paths relative to it (PyInstaller's multipackage
        bundles); members that were found there are in the tree, and have no stored bytes.
    """

    runtime: RuntimeInfo | None = None
    offset: int | None = None
    payload_size: int | None = None
    compression: str | None = None
    block_size: int | None = None
    created: int | None = None
    """The file system's creation time, seconds since 1970."""
    update_information: str | None = None
    signature: SignatureInfo = SignatureInfo()
    digest_md5: str | None = None
    magic_bytes: bool | None = None
    trailing_bytes: int = 0
    package: PackageInfo | None = None
    options: tuple[str, ...] = ()
    splash_screen: SplashScreenInfo | None = None
    members_from: tuple[str, ...] = ()


class ArtifactInfo(Struct, frozen=True, kw_only=True):
    """What was audited."""

    id: str
    path: str
    format: str
    arch: str | None
    size: int
    unpacked_size: int
    parent: str | None = None
    sha256: str | None = None
    envelope: EnvelopeInfo | None = None


class NestedArtifact(Struct, frozen=True, kw_only=True):
    """A bundle inside the bundle.

    :ivar path: of the member that it is; members of it are written ``path!/member``.
    :ivar size: bytes of that member; ``unpacked_size`` of the files in it, of which there are ``files``.
    :ivar inert: why it is no part of the application, which neither starts nor imports it, so that its components and floors count for nothing;
        "" where it is.
    """

    id: str
    parent: str
    path: str
    format: str
    size: int = 0
    unpacked_size: int = 0
    files: int = 0
    elf_count: int = 0
    inert: str = ""
    coverage: Coverage = Coverage()


class FileEntry(Struct, frozen=True, kw_only=True):
    """One member of the tree (only with ``--files``).

    :ivar path: in the tree; of a member of an artifact inside it ``outer!/inner``.
    :ivar sha1: hexadecimal like ``sha256``, of regular files, where a report asked for them.
    :ivar shared: whether the container keeps its bytes once for it and another file, so that a sum must leave ``stored_size`` out.
    :ivar component: whose file it is, a name of ``sizes.by_component``, or of the sizes of the artifact that it is inside of.
    :ivar removable: the kind of files that a release seldom needs ("tests", …), or "".
    """

    path: str
    kind: str
    mode: int
    size: int
    stored_size: int
    target: str | None = None
    sha1: str | None = None
    sha256: str | None = None
    shared: bool = False
    component: str = ""
    removable: str = ""


class FilesInfo(Struct, frozen=True, kw_only=True):
    """``count`` counts regular files; hard links count once for each name.

    :ivar count: without those of artifacts inside, of which ``nested`` says the number.
    :ivar entries: the artifact's own members, then those of the artifacts inside that are part of the application.
    """

    count: int
    elf_count: int
    entries: tuple[FileEntry, ...] | None = None
