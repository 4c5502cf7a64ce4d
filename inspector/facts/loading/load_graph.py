"""Who loads what: every root loaded into its process by the loader's model, and the answers gathered for each object."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct, field

from inspector.artifact.tree import Kind, Tree
from inspector.facts.binaries.elf_objects import ElfObject
from inspector.facts.binaries.elf_symbols import ElfSymbols
from inspector.facts.hosts.demands import RootDemand, demand_of
from inspector.facts.hosts.libraries import host_library
from inspector.facts.loading.roots import Role, Root
from inspector.facts.loading.run_time_paths import Mount
from inspector.formats.elf import ElfFile
from inspector.formats.elf.dynamic import DF_1_PIE
from inspector.formats.elf.segments import PT_DYNAMIC, PT_GNU_RELRO, PT_LOAD
from inspector.loader.glibc import GlibcLoader
from inspector.loader.musl import MuslLoader
from inspector.loader.objects import (
    Architecture,
    Candidate,
    FileView,
    LoaderObject,
    LoadGraph,
    Outcome,
    Resolution,
    VersionRequirement,
    opaque_library,
)
from inspector.result import Origin

_SMALLEST_HEADER = 64  # bytes of an Elf64_Ehdr
_PAGE = 4096  # bytes; behind the end of the file's last page, memory that is touched is a SIGBUS
_ROLE_ORDER: dict[Role, int] = {"entry": 0, "extension": 1, "plugin": 2, "optional": 3}


class ResolvedNeed(Struct, frozen=True):
    """One DT_NEEDED of one object.

    :ivar path: tree path of what is loaded; None unless the origin is "bundle".
    :ivar via: the loader's rule, for people.
    :ivar root: tree path of the root in whose process this was found out.
    :ivar role: that root's role.
    :ivar skipped: files that the loader passed over or stumbled on, with the reason.
    """

    name: str
    path: str | None
    origin: Origin
    via: str | None
    root: str
    role: Role
    skipped: tuple[str, ...] = ()


class LoadFacts(Struct, frozen=True):
    """The load graph of the bundle.

    :ivar roots: all roots, the optional ones that nothing else reaches included.
    :ivar needs: per object its needs in the order of DT_NEEDED, as the most important root that reaches it sees them.
    :ivar loaders: per object the objects that need it, the shortest way to a root first.
    :ivar demands: per root what it asks of the system.
    :ivar missing: needs that some root finds neither in the bundle nor on a host, one for each object and name, worst role first.
    """

    roots: tuple[Root, ...] = ()
    needs: dict[str, tuple[ResolvedNeed, ...]] = field(default_factory=dict)
    loaders: dict[str, tuple[str, ...]] = field(default_factory=dict)
    missing: tuple[tuple[str, ResolvedNeed], ...] = ()
    demands: tuple[RootDemand, ...] = ()

    def chain_to(self, path: str) -> tuple[str, ...]:
        """The shortest way from a root to an object, the object last."""
        chain = [path]
        while (loaders := self.loaders.get(chain[-1])) and loaders[0] not in chain:
            chain.append(loaders[0])
        return tuple(reversed(chain))


class TreeFiles:
    """The tree as the loader's :class:`inspector.loader.objects.FileView`."""

    def __init__(self, tree: Tree, objects: Sequence[ElfObject], mount: Mount) -> None:
        self._tree = tree
        self._mount = mount
        self._loadables = {found.path: loader_object(found) for found in objects}
        self._refusals = {
            found.path: refusals
            for found in objects
            # what the size of a page decides is left to the model
            if (refusals := [text for text in found.elf.loader_refusals if not text.endswith("page-aligned")])
        }
        self._link_root = "" if not mount.root else None

    def candidate(self, path: str) -> Candidate | None:
        """See :class:`FileView`."""
        tree_path = self._inside(path)
        if tree_path is None:
            return None
        node = self._tree.get(tree_path)
        if node is None or node.kind is not Kind.FILE:
            node = self._tree.resolve(tree_path, root=self._link_root)
        if node is None:
            return Candidate(None, None, cannot_be_opened=True) if self._goes_in_a_circle(tree_path) else None
        if node.kind is Kind.DIRECTORY:
            return Candidate(None, "cannot read file data: Is a directory")
        if node.kind is not Kind.FILE:
            return None
        loadable = self._loadables.get(node.path)
        refusals = self._refusals.get(node.path)
        if loadable is None:  # glibc elf/dl-load.c, open_verify
            return Candidate(None, "file too short" if node.size < _SMALLEST_HEADER else "invalid ELF header")
        return Candidate(loadable, refusals[0] if refusals else None)

    def real_path(self, path: str) -> str:
        """See :class:`FileView`."""
        tree_path = self._inside(path)
        node = self._tree.resolve(tree_path, root=self._link_root) if tree_path is not None else None
        return path if node is None else self._mount.run_time(node.path)

    def is_directory(self, path: str) -> bool:
        """See :class:`FileView`."""
        tree_path = self._inside(path)
        node = self._tree.resolve(tree_path, root=self._link_root) if tree_path is not None else None
        return node is not None and node.kind is Kind.DIRECTORY

    def _inside(self, path: str) -> str | None:
        """The tree path of a run-time path, its ".." kept for the walk, or None where it lies outside the tree."""
        root = self._mount.root
        if path.startswith(f"{root}/"):
            return path[len(root) + 1 :]
        return self._mount.tree_path(path)

    def _goes_in_a_circle(self, tree_path: str) -> bool:
        """Whether the last part of a path is a link that comes back to itself."""
        head, _, tail = tree_path.rpartition("/")
        directory = self._tree.resolve(head, root=self._link_root) if head else None
        seen: set[str] = set()
        path = tail if directory is None else f"{directory.path}/{tail}"
        while (node := self._tree.get(path)) is not None and node.kind is Kind.SYMLINK and node.target is not None:
            if path in seen:
                return True
            seen.add(path)
            path = posixpath.normpath(posixpath.join(posixpath.dirname(path), node.target))
        return False


class ExpectedHost:
    """A host of which only this is expected: what the AppImage excludelist expects of every desktop."""

    def find(self, name: str, architecture: Architecture) -> tuple[str, LoaderObject] | None:
        """See :class:`inspector.loader.objects.HostView`."""
        listed = host_library(name)
        if listed is None or listed.supplier == "bundle":
            return None
        return name, opaque_library(name, architecture)

    def at(self, path: str) -> Candidate | None:  # noqa: ARG002 - nothing is known of any path
        """See :class:`inspector.loader.objects.HostView`."""
        return None


def loader_object(found: ElfObject) -> LoaderObject:
    """What the loader's model reads of an ELF file; its symbols are read when the model asks."""
    elf = found.elf
    loads = elf.loads
    alignment = 0
    for segment in loads:
        alignment |= segment.align
    return LoaderObject(
        identity=found.identity,
        architecture=Architecture(elf.bits, elf.machine, elf.endian),
        soname=elf.soname,
        needed=elf.needed,
        rpath=elf.rpath,
        runpath=elf.runpath,
        nodeflib=elf.nodeflib,
        requirements=tuple(VersionRequirement(need.library, need.version, need.weak) for need in elf.verneed),
        definitions=frozenset(definition.name for definition in elf.verdef),
        symbols=ElfSymbols(elf) if elf.symbols.is_loaded else None,
        position_independent_program=elf.type == "EXEC" or bool(elf.flags_1 & DF_1_PIE),
        no_open=elf.noopen,
        executable_stack=elf.stack_is_executable,
        has_relr=elf.has_relr,
        largest_page_size=elf.largest_page_size,
        isa_level=elf.notes.x86_64_level or 0,
        fixed_address=elf.type == "EXEC",
        segment_alignment=alignment & -alignment,
        aligned_as_stated=all(not (load.vaddr - load.offset) & (load.align - 1) for load in loads),
        truncated=_is_truncated(elf),
        interpreter=elf.interpreter,
    )


def _is_truncated(elf: ElfFile) -> bool:
    """Whether the file ends before what the loader touches: the dynamic section, what is read-only after relocation, the page that it zeroes."""
    end = -(-elf.size // _PAGE) * _PAGE
    return any(
        segment.end > end
        and (
            segment.type in (PT_DYNAMIC, PT_GNU_RELRO)
            or (
                segment.type == PT_LOAD
                and segment.memsz > segment.filesz > 0
                and (segment.vaddr + segment.filesz) % _PAGE
            )
        )
        for segment in elf.segments
    )


def build_load_graph(
    objects: Sequence[ElfObject], tree: Tree, roots: Sequence[Root], mount: Mount, library_path: str | None
) -> LoadFacts:
    """Load every root, then, each on its own, the shared objects that no root reaches; by musl's rules where the bundle was built for musl."""
    gathering = _gathering(objects, TreeFiles(tree, objects, mount), mount, library_path)
    all_roots = sorted(roots, key=lambda root: (_ROLE_ORDER[root.role], root.path))
    for root in all_roots:
        gathering.load(root)
    for found in objects:
        if found.elf.has_dynamic and found.path not in gathering.needs and found.elf.type in ("DYN", "EXEC"):
            root = Root(found.path, "optional")
            all_roots.append(root)
            gathering.load(root)
    return LoadFacts(
        roots=tuple(all_roots),
        needs=gathering.needs,
        loaders={path: tuple(parents) for path, parents in gathering.loaders.items()},
        demands=tuple(gathering.demands),
        missing=tuple(
            (path, need)
            for (path, _), need in sorted(
                gathering.missing.items(), key=lambda item: (_ROLE_ORDER[item[1].role], item[0])
            )
        ),
    )


def root_demands(
    roots: Sequence[Root],
    objects: Sequence[ElfObject],
    files: FileView,
    mount: Mount,
    library_path: str | None,
    own_loader: str | None,
) -> tuple[RootDemand, ...]:
    """What roots ask of the system where the bundle is started otherwise than its load graph says.

    :param own_loader: tree path of the bundle's loader that starts every root, whatever :attr:`Root.loader` says.
    """
    gathering = _gathering(objects, files, mount, library_path)
    for root in roots:
        gathering.load(root, own_loader)
    return tuple(gathering.demands)


def _gathering(objects: Sequence[ElfObject], files: FileView, mount: Mount, library_path: str | None) -> _Gathering:
    for_musl = is_built_for_musl(objects)

    def make_loader(own_loader: str | None) -> GlibcLoader | MuslLoader:
        own = None if own_loader is None else mount.run_time(own_loader)
        is_musl = for_musl if own is None else posixpath.basename(own).startswith("ld-musl")
        if is_musl:
            return MuslLoader(
                files, ExpectedHost(), library_path=library_path, own_loader=own, looks_for_interpreter=False
            )
        return GlibcLoader(files, ExpectedHost(), library_path=library_path, own_loader=own)

    return _Gathering(make_loader, mount, {found.path: found.elf.arch for found in objects})


def is_built_for_musl(objects: Sequence[ElfObject]) -> bool:
    """Whether the programs name musl's loader, or, without programs, any library needs musl's C library by its own name."""
    interpreters = [posixpath.basename(found.elf.interpreter) for found in objects if found.elf.interpreter is not None]
    if interpreters:
        return sum(name.startswith("ld-musl") for name in interpreters) * 2 > len(interpreters)
    return any(name.startswith("libc.musl-") for found in objects for name in found.elf.needed)


class _Gathering:
    def __init__(
        self,
        make_loader: Callable[[str | None], GlibcLoader | MuslLoader],
        mount: Mount,
        architectures: Mapping[str, str],
    ) -> None:
        self._make_loader = make_loader
        self._loaders: dict[str | None, GlibcLoader | MuslLoader] = {}
        self.mount = mount
        self.architectures = architectures
        self.demands: list[RootDemand] = []
        self._paths: dict[str, str] = {}
        self.needs: dict[str, tuple[ResolvedNeed, ...]] = {}
        self.loaders: dict[str, dict[str, None]] = {}
        self.missing: dict[tuple[str, str], ResolvedNeed] = {}

    def load(self, root: Root, own_loader: str | None = None) -> None:
        """Load one root and keep what it adds to what more important roots have said."""
        own = own_loader or root.loader
        loader = self._loaders.get(own)
        if loader is None:
            loader = self._loaders[own] = self._make_loader(own)
        path = self.mount.run_time(root.path)
        if root.program == root.path:
            graph, first = loader.load_program(path), 0
        else:
            program = None if root.program is None else self.mount.run_time(root.program)
            graph, first = loader.open_in_program(program, path)
        paths = [self._node_path(loader, loaded.path) for loaded in graph.objects]
        self.demands.append(demand_of(root, self.architectures.get(root.path, ""), graph, first, paths))
        self._gather(root, graph, first, paths)

    def _node_path(self, loader: GlibcLoader | MuslLoader, path: str) -> str:
        known = self._paths.get(path)
        if known is None:
            known = self._paths[path] = self.mount.tree_path(loader.real_path(path)) or path
        return known

    def _gather(self, root: Root, graph: LoadGraph, first: int, paths: Sequence[str]) -> None:
        by_requester: dict[int, list[Resolution]] = {}
        for resolution in graph.resolutions:
            if resolution.requester >= first:
                by_requester.setdefault(resolution.requester, []).append(resolution)
        for index in range(first, len(graph.objects)):
            if graph.objects[index].from_host:
                continue
            path = paths[index]
            resolutions = by_requester.get(index, ())
            rows = tuple(_resolved(resolution, paths, root) for resolution in resolutions)
            self.needs.setdefault(path, rows)
            for row in rows:
                if row.path is not None and row.path != path:
                    self.loaders.setdefault(row.path, {}).setdefault(path)
                elif row.origin == "missing":
                    self.missing.setdefault((path, row.name), row)


def _resolved(resolution: Resolution, paths: Sequence[str], root: Root) -> ResolvedNeed:
    in_bundle = resolution.target is not None and resolution.outcome is Outcome.BUNDLE
    target = paths[resolution.target] if resolution.target is not None and in_bundle else None
    origin: Origin = "missing"
    if resolution.outcome is Outcome.BUNDLE:
        origin = "bundle"
    elif resolution.outcome is Outcome.HOST:
        origin = "host"
    return ResolvedNeed(resolution.name, target, origin, resolution.via, root.path, root.role, resolution.skipped)
