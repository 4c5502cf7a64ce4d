"""The dynamic loader as a pure model: what glibc's and musl's loaders do with names and search paths; it parses no file of the bundle.

One root on one system::

    loader = SystemLoader(files, profile, variant="desktop", environment={"LD_LIBRARY_PATH": …, "LD_PRELOAD": …},
                          processor=Processor(level=3, platform="x86_64"), working_directory="/",
                          own_loader=None, own_libc_version=None)                                     (answers.py)
    answer = loader.answer(path, program)      run-time paths; program == path for a program itself, None where none is known to open it
    answer.resolved             Mapping: name that was asked for -> run-time path
    answer.missing_libraries    (MissingLibrary(name, needed_by, broken, message), …)
    answer.missing_versions     (MissingVersion(library, provider, version, needed_by, requester, reason), …)
    answer.undefined_symbols    (UndefinedSymbol(name, version, needed_by, requester, library), …), None where some symbols are not known
    answer.refusal, .refusals   why the root itself, or the process as a whole, does not come up, in the loader's words
    answer.message, .loads      what is printed first, None where it loads
    answer.graph, .first        LoadGraph: objects in load order, how each need ended; index of the first object that the root brought in

``files`` is a FileView (``inspector.facts.loading.load_graph.TreeFiles`` for a tree), ``profile`` a HostProfile.  Musl profiles and a musl
``own_loader`` are answered by musl's rules.  The parts, if only one is wanted::

    GlibcLoader(files, host, library_path=, preload=, system=GlibcSystem(), own_loader=)              glibc.py
    MuslLoader(files, host, library_path=, preload=, version=, own_loader=, working_directory=)       musl.py
        .load_program(path) -> LoadGraph · .open_in_program(program, path) -> (LoadGraph, first) · .real_path(path)
    GlibcSystem(version, page_size, processor, lib, working_directory, secure)                        mapping.py
    Processor(level, platform, capabilities)                                                          hwcaps.py
    ProfileHost(profile, variant) is a HostView · system_of(profile, processor) -> GlibcSystem        profile_host.py
    missing_versions(graph, glibc, first)                                                             versions.py
    undefined_symbols(graph, scopes, glibc, first), over ExactSymbolView                              symbols.py, symbol_views.py

The statements by number (G1 to G28, M1 to M11) stand in the modules that follow them and in ``tests/loader``.
"""
