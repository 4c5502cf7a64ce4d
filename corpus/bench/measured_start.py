"""Start one program, wait for it, and print what the kernel counted: seconds, user and system seconds, peak KiB, exit status.

Run as ``python -I -S measured_start.py STANDARD_ERROR_FILE PROGRAM [ARGUMENT...]``.  A process of its own, because Linux counts the memory of
whoever starts a program towards that program's peak (``ru_maxrss`` is carried over exec): this one is as small as an interpreter can be.
"""

import os
import sys
import time

standard_error, command = sys.argv[1], sys.argv[2:]
actions = [
    (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
    (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
    (os.POSIX_SPAWN_OPEN, 2, standard_error, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
]
started = time.perf_counter()
child = os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
_, status, usage = os.wait4(child, 0)
seconds = time.perf_counter() - started
print(seconds, usage.ru_utime, usage.ru_stime, usage.ru_maxrss, os.waitstatus_to_exitcode(status))
