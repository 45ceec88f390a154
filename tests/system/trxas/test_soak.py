"""If these fail, `trxas soak` calls a process flat that eats the machine in a week, or a healthy one a leak."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from processes.process_table import family, name_of, use_of
from tests.support.waiting import WAIT_S


def test_the_use_of_a_process_is_that_of_the_kernel(cold_starts: None) -> None:
    """Files and threads exactly, memory within the noise of an interpreter."""
    code = "import sys, threading; b = bytearray(100_000_000); f = [open('/dev/null') for _ in range(7)]; "
    code += "[threading.Thread(target=sys.stdin.read, daemon=True).start() for _ in range(2)]; "
    code += "print('ready', flush=True); threading.Event().wait()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        use = use_of(process.pid)
        assert use is not None
        assert (use.files, use.threads) == (10, 3)
        assert 100 < use.memory_mb < 160
        assert family(os.getpid()) >= {os.getpid(), process.pid}
        process.kill()
    assert use_of(process.pid) is None


def test_processes_are_called_by_what_they_run(cold_starts: None) -> None:
    command: list[Any] = [sys.executable, "-m", "trxas.serve.redis_stand_in"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert name_of(process.pid) == "serve.redis_stand_in"
        process.communicate(timeout=WAIT_S)
