"""Whatever an artifact says of itself, the model comes to an end and stays consistent."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.loader.glibc import GlibcLoader
from inspector.loader.hwcaps import Processor
from inspector.loader.mapping import GlibcSystem
from inspector.loader.musl import MuslLoader
from inspector.loader.objects import ARCHITECTURES, Architecture, Candidate, LoaderObject, Outcome, VersionRequirement
from inspector.loader.versions import missing_versions

NAMES = (
    "liba.so",
    "libb.so",
    "libc.so.6",
    "ld-linux-x86-64.so.2",
    "/lib/liba.so",
    "$ORIGIN/libb.so",
    "",
    "a/../b",
    "\udcff",
)
PATHS = (
    None,
    "",
    ":",
    "$ORIGIN",
    "$ORIGIN/../lib:$LIB",
    "${ORIGIN",
    "$PLATFORM;x",
    "/lib::/b",
    "\n$ORIGIN\n",
    "$" * 50,
)

objects = st.builds(
    LoaderObject,
    identity=st.sampled_from("123456789"),
    architecture=st.sampled_from(
        (*(ARCHITECTURES["x86_64"],) * 9, ARCHITECTURES["aarch64"], ARCHITECTURES["s390x"], ARCHITECTURES["i686"])
    ),
    soname=st.sampled_from((None, *NAMES)),
    needed=st.lists(st.sampled_from(NAMES), min_size=1, max_size=5).map(tuple),
    rpath=st.sampled_from(PATHS),
    runpath=st.sampled_from(PATHS),
    nodeflib=st.booleans(),
    requirements=st.lists(
        st.builds(VersionRequirement, st.sampled_from(NAMES), st.sampled_from(("V", "W"))), max_size=3
    ).map(tuple),
    definitions=st.sampled_from((None, frozenset(), frozenset({"V"}))),
    position_independent_program=st.sampled_from((False, False, False, True)),
    executable_stack=st.booleans(),
    largest_page_size=st.sampled_from((4096, 65536, 1 << 30, 1)),
    interpreter=st.sampled_from((None, "/lib64/ld-linux-x86-64.so.2", "/lib/liba.so", "relative")),
)
candidates = st.one_of(
    *(st.builds(Candidate, objects),) * 6,
    st.builds(Candidate, objects, st.just("ELF file OS ABI invalid")),
    st.just(Candidate(None, "invalid ELF header")),
    st.just(Candidate(None, cannot_be_opened=True)),
)
places = (
    "/lib/liba.so",
    "/lib/libb.so",
    "/app/libb.so",
    "/b/liba.so",
    "/host/libb.so",
    "/host/liba.so",
    "/host/libc.so.6",
    "/host/",
)


class Files:
    """Files at a few places; everything below them is walked as text."""

    def __init__(self, lying: Mapping[str, Candidate]) -> None:
        self.lying = lying

    def candidate(self, path: str) -> Candidate | None:
        return self.lying.get(posixpath.normpath(path) if path else path)

    def real_path(self, path: str) -> str:
        return path

    def is_directory(self, path: str) -> bool:
        return path.endswith("tls")

    def find(self, name: str, architecture: Architecture) -> tuple[str, LoaderObject] | None:
        found = self.lying.get(f"/host/{name}")
        return (f"/host/{name}", found.loadable) if found is not None and found.loadable is not None else None

    def at(self, path: str) -> Candidate | None:
        return self.lying.get(path)


@settings(max_examples=300, deadline=None)
@given(
    lying=st.fixed_dictionaries({"/app/start": st.builds(Candidate, objects), **dict.fromkeys(places, candidates)}),
    library_path=st.sampled_from((*PATHS, "/lib:/app:/b")),
    preload=st.sampled_from((None, "liba.so:/lib/libb.so")),
    version=st.sampled_from((None, (2, 17), (2, 36), (2, 41))),
    opened=st.sampled_from(places),
)
def test_every_process_comes_to_an_end(
    lying: Mapping[str, Candidate],
    library_path: str | None,
    preload: str | None,
    version: tuple[int, int] | None,
    opened: str,
) -> None:
    files = Files(lying)
    system = GlibcSystem(version, 4096, Processor(4), ("lib64",), "/app")
    loaders = (
        GlibcLoader(files, files, library_path=library_path, preload=preload, system=system),
        MuslLoader(files, files, library_path=library_path, preload=preload, version="1.2.3", working_directory="/app"),
    )
    for loader in loaders:
        for graph in (
            loader.load_program("/app/start"),
            loader.open_in_program("/app/start", opened)[0],
            loader.open_in_program(None, opened)[0],
        ):
            for resolution in graph.resolutions:
                is_loaded = resolution.outcome in (Outcome.BUNDLE, Outcome.HOST)
                assert is_loaded is (resolution.target is not None)
                assert is_loaded is (resolution.message is None)
                assert resolution.requester < len(graph.objects)
                assert resolution.target is None or resolution.target < len(graph.objects)
            assert (graph.root is None) is (graph.refusal is not None)
            assert all(index < len(graph.objects) for index in graph.names.values())
            assert all(row.requester < len(graph.objects) for row in missing_versions(graph, version))


def test_a_loader_without_a_name_is_not_taken_again_and_again() -> None:
    machine = ARCHITECTURES["x86_64"]
    start = LoaderObject("1", machine, None, needed=("",), interpreter="/lib/liba.so")
    files = Files({"/app/start": Candidate(start), "/lib/liba.so": Candidate(LoaderObject("2", machine, "", ()))})
    graph = GlibcLoader(files, files).load_program("/app/start")
    assert [loaded.path for loaded in graph.objects] == ["/app/start"]
    assert [(need.outcome, need.target) for need in graph.resolutions] == [(Outcome.BUNDLE, 0)]
