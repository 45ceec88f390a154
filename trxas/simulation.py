"""The simulated beamline as a process of its own; we know it only by its command line and its ready line."""

from __future__ import annotations

import contextlib
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from errors import ConfigurationError

READY = re.compile(r"EPICS_CA_ADDR_LIST=(\S+)")
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0


def simulation_command(options: Sequence[str]) -> list[str]:
    """Command that serves a simulated beamline with the given options."""
    return [sys.executable, "-m", "sim", *options]


@contextlib.contextmanager
def simulated_beamline(
    *,
    seed: int = 1,
    speed: float = 1.0,
    sample: Path | None = None,
    macro: str = "",
    exposure_log: Path | None = None,
    meanwhile: Callable[[], object] = lambda: None,
) -> Iterator[str]:
    """Run a simulated beamline on a free port for the time of the context; yields its address list.

    With an `exposure_log` the simulation writes the truth about every exposure to that file. `meanwhile` is called
    while it starts: a place for slow imports.
    It ends with this process, however that ends. Raises ConfigurationError with what it said if it does not start.
    """
    options = ["--port", "0", "--seed", str(seed), "--speed", str(speed), "--macro", macro, "--stop-with-stdin"]
    if sample is not None:
        options += ["--sample", str(sample)]
    if exposure_log is not None:
        options += ["--exposure-log", str(exposure_log)]
    process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
        simulation_command(options),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A session of its own: Ctrl-C at the prompt is for the scan, not for the beamline.
        start_new_session=True,
    )
    try:
        meanwhile()
        yield _wait_ready(process)
    finally:
        _stop(process)


def _wait_ready(process: subprocess.Popen[str]) -> str:
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_forward, args=(process, lines), daemon=True).start()
    said: list[str] = []
    while True:
        try:
            line = lines.get(timeout=START_TIMEOUT_S)
        except queue.Empty:
            line = None
        if line is None:
            raise ConfigurationError(f"The simulated beamline did not start. It said:\n{''.join(said)}")
        said.append(line)
        if found := READY.search(line):
            return found.group(1)


def _forward(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    assert process.stdout is not None  # a pipe was asked for
    for line in process.stdout:
        lines.put(line)
    lines.put(None)


def _stop(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None  # a pipe was asked for
    process.stdin.close()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
