"""What a user may ask of ``inspect slim``: values only."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

Level = Literal["safe", "moderate", "aggressive"]
BytecodePolicy = Literal["keep", "hot", "none"]

LEVEL_ORDER: dict[Level, int] = {"safe": 0, "moderate": 1, "aggressive": 2}


class SlimOptions(Struct, frozen=True, kw_only=True):
    """How to slim.

    :ivar level: safe (behaviour cannot change), moderate (removes what the import and link graph proves unreachable), aggressive (needs a trace).
    :ivar keep: globs over tree paths; what matches is never changed, whatever a rule says.  ``*`` crosses "/".
    :ivar drop: globs over tree paths; what matches is removed, licence texts and the launcher excepted.
    :ivar rules_on: rules that run although the level or their own default leaves them out.
    :ivar rules_off: rules that do not run.
    :ivar languages: translations of these languages stay ("de", "pt_BR"); None: all of them stay.
    :ivar entries: files (tree paths) or module names that the application starts from; they make a closed application of an open interpreter.
    :ivar drop_licenses: SPDX identifiers; what stands under them and can be removed is removed, with what nothing else needs.
    :ivar bytecode: keep: one optimisation level, valid for a read-only image; hot: only of modules that a trace saw; none: no bytecode at all.
    :ivar budget: stored bytes that the output may have; the set of lowest risk that meets it is chosen.
    :ivar fix_portability: whether libraries that the host must supply are removed where the audit says so.
    :ivar traces: paths of files that ``inspect trace`` wrote.
    :ivar split_debug: directory (on this machine) that receives what strip removes, by build-id, or None.
    :ivar run: whether anything of the bundle may be run: to compile bytecode and to verify.
    :ivar smoke: shell commands that are run before and after and must agree.
    :ivar recompress: compressor and level of the new image ("zstd:22"); None: the old image's, unchanged blocks copied.
    :ivar environment: variables that have these values when the bundle runs, whatever its launcher does.
    """

    level: Level = "moderate"
    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    rules_on: tuple[str, ...] = ()
    rules_off: tuple[str, ...] = ()
    languages: tuple[str, ...] | None = None
    entries: tuple[str, ...] = ()
    drop_licenses: tuple[str, ...] = ()
    bytecode: BytecodePolicy = "keep"
    budget: int | None = None
    fix_portability: bool = False
    traces: tuple[str, ...] = ()
    split_debug: str | None = None
    run: bool = True
    smoke: tuple[str, ...] = ()
    recompress: str | None = None
    environment: dict[str, str] = field(default_factory=dict)
