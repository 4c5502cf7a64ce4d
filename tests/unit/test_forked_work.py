"""Work in another process: asked of real processes, each test in a Python of its own, as those that run tests have threads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from inspector.forked_work import processors

ROOT = Path(__file__).resolve().parents[2]
needs_two_processors = pytest.mark.skipif(processors() < 2, reason="needs two processors")


def run(script: str, *, permitted: bool = True) -> str:
    before = "import os, signal, sys, threading, time\nfrom inspector import forked_work\nfrom inspector.forked_work import ForkedWork, SharedWork\n"
    settings = "forked_work.permit_forks()\n" if permitted else ""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", before + settings + dedent(script)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert not done.stderr
    return done.stdout.strip()


@needs_two_processors
def test_what_another_process_made_comes_back() -> None:
    said = run("""
        with ForkedWork(lambda: [os.getpid(), *range(300_000)], list[int]) as other:
            assert other.runs
            made = other.result()
            assert made[0] != os.getpid() and made[1:] == list(range(300_000))
            print("made", other.runs)
    """)
    assert said == "made False"


@needs_two_processors
@pytest.mark.parametrize(
    "work",
    [
        "lambda: 1 // 0",
        "lambda: sys.exit(3)",
        "lambda: os.kill(os.getpid(), signal.SIGKILL)",
        "lambda: object()",
        "lambda: 'seven'",
    ],
)
def test_a_process_that_comes_to_grief_gives_nothing(work: str) -> None:
    assert run(f"""
        with ForkedWork({work}, int) as other:
            print(other.runs, other.result())
    """) == "True None"  # fmt: skip


@needs_two_processors
def test_a_process_that_nobody_waits_for_ends_with_the_block() -> None:
    said = run("""
        began = time.monotonic()
        with ForkedWork(lambda: time.sleep(30), None) as other:
            assert other.runs
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            print("none left", time.monotonic() - began < 20)
    """)
    assert said == "none left True"


@needs_two_processors
def test_handlers_of_signals_are_not_run_there() -> None:
    said = run("""
        signal.signal(signal.SIGTERM, lambda *_: print("cleaned up", flush=True))
        with ForkedWork(lambda: os.kill(os.getpid(), signal.SIGTERM), None) as other:
            assert other.runs
            print(other.result(), signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, ()))
    """)
    assert said == "None False"


@needs_two_processors
def test_a_process_with_threads_is_not_forked() -> None:
    said = run("""
        over = threading.Event()
        thread = threading.Thread(target=over.wait)
        thread.start()
        with ForkedWork(lambda: 1, int) as other:
            print(other.runs)
        over.set()
        thread.join()
    """)
    assert said == "False"


def test_a_single_processor_works_alone() -> None:
    said = run("""
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        with ForkedWork(lambda: 1, int) as other:
            print(forked_work.processors(), other.runs)
    """)
    assert said == "1 False"


def test_library_users_processes_are_not_forked() -> None:
    said = run("""
        with ForkedWork(lambda: 1, int) as other:
            print(other.runs)
    """, permitted=False)  # fmt: skip
    assert said == "False"


@needs_two_processors
def test_what_must_be_done_anyhow_is_done_while_waiting_and_once() -> None:
    said = run("""
        done = []
        forked_work.while_waiting(lambda: done.append(1), lambda: done.append(2))
        for number in range(2):
            with ForkedWork(lambda: time.sleep(0.2), None) as other:
                other.result()
        print(done)
    """)
    assert said == "[1, 2]"


@needs_two_processors
def test_nobody_is_kept_from_a_result_that_is_there() -> None:
    said = run("""
        forked_work.while_waiting(lambda: print("done in vain"))
        with ForkedWork(lambda: 7, int) as other:
            time.sleep(0.5)
            print(other.result())
    """)
    assert said == "7"


@needs_two_processors
@pytest.mark.parametrize("count", [1, 2, 300, 1000, 9_001])
def test_pieces_are_shared_and_come_back_in_order(count: int) -> None:
    said = run(f"""
        def piece(number):
            if {count} == 300:
                time.sleep(0.002)
            return [number * number, os.getpid()]
        with SharedWork({count}, piece, list[int]) as shared:
            assert shared.runs
            made = shared.results()
        assert [square for square, _ in made] == [number * number for number in range({count})]
        print({count} != 300 or len({{process for _, process in made}}) == 2)
    """)
    assert said == "True"


@needs_two_processors
@pytest.mark.parametrize("grief", ["1 // 0", "os.kill(os.getpid(), signal.SIGKILL)", "os._exit(0)"])
def test_pieces_of_a_process_that_comes_to_grief_are_done_here(grief: str) -> None:
    said = run(f"""
        here = os.getpid()
        def piece(number):
            time.sleep(0.01)
            if os.getpid() != here and number > 3:
                {grief}
            return number
        with SharedWork(40, piece, int) as shared:
            time.sleep(0.1)
            print(shared.results() == list(range(40)))
    """)
    assert said == "True"


@pytest.mark.parametrize("count", [0, 3])
def test_pieces_without_another_process(count: int) -> None:
    said = run(f"""
        with SharedWork({count}, lambda number: number, int) as shared:
            print(shared.runs, shared.results())
    """, permitted=False)  # fmt: skip
    assert said == f"False {list(range(count))}"


def test_no_descriptor_is_left_behind() -> None:
    said = run("""
        before = os.listdir("/proc/self/fd")
        for count in (0, 5):
            with SharedWork(count, lambda number: number, int) as shared:
                shared.results()
            with SharedWork(count, lambda number: number, int) as shared:
                pass
        print(os.listdir("/proc/self/fd") == before)
    """)
    assert said == "True"
