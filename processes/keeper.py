"""Runs a program and ends it, with all its children, when whoever started this is gone: `keeper.py COMMAND...`.

For programs that do not watch their standard input themselves.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading

PATIENCE_S = 5.0
"""From the request to the end of the program to its end by force."""


def main(command: list[str]) -> int:
    """Run `command` as a process group of its own; returns its exit code."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603  # ours
    threading.Thread(target=_end_with_stdin, args=(process,), daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: _signal(process, signal.SIGTERM))
    try:
        return process.wait()
    finally:
        _signal(process, signal.SIGKILL)


def _end_with_stdin(process: subprocess.Popen[bytes]) -> None:
    os.read(0, 1)
    _signal(process, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE_S)
    _signal(process, signal.SIGKILL)


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
