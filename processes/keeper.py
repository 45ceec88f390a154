"""Run a program that does not watch its standard input: `python -m processes.keeper COMMAND...`.

The keeper ends the program and all of its children when its own standard input is closed, that is, when its parent is
gone, and on SIGTERM.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading

from processes.parent import end_with_parent

PATIENCE_S = 5.0
"""Time from SIGTERM to SIGKILL, s."""


def main(command: list[str]) -> int:
    """Run `command` in a process group of its own and return its exit code; raises OSError if it cannot be run."""
    # Three ends: the program ends by itself, the keeper's parent is gone (then `end_with_parent` sends SIGTERM to this
    # process), or somebody sends SIGTERM to the keeper. The last two go through the same handler, which must not wait,
    # so a timer enforces the end. In every case the group is killed at last, so that no grandchild survives.
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603  # our programs
    signal.signal(signal.SIGTERM, lambda *_: _begin_to_end(process))
    end_with_parent()
    try:
        return process.wait()
    finally:
        _signal_group(process, signal.SIGKILL)


def _begin_to_end(process: subprocess.Popen[bytes]) -> None:
    """Ask the program to end; a timer kills it later, as a signal handler must not wait."""
    _signal_group(process, signal.SIGTERM)
    force = threading.Timer(PATIENCE_S, _signal_group, (process, signal.SIGKILL))
    force.daemon = True
    force.start()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
