"""The simulated beamline as a child process, known only by its command line and its ready line."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from errors import ConfigurationError
from processes.child import Child, ChildError, ChildProgram

READY = re.compile(r"EPICS_CA_ADDR_LIST=(\S+)")


def simulation_command(options: Sequence[str]) -> list[str]:
    """Return the command that serves a simulated beamline with the given options."""
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
    """Run a simulated beamline on a free port for the time of the context, and yield its EPICS address list.

    `speed` is in seconds of beam per second of wall time. With an `exposure_log`, the simulation writes the truth about
    every exposure to that file. `meanwhile` is called while the simulation starts: a place for slow imports. The
    simulation ends with this process, however that ends. Raises ConfigurationError with its last output if it does not
    start.
    """
    options = ["--port", "0", "--seed", str(seed), "--speed", str(speed), "--macro", macro, "--stop-with-stdin"]
    if sample is not None:
        options += ["--sample", str(sample)]
    if exposure_log is not None:
        options += ["--exposure-log", str(exposure_log)]
    program = ChildProgram(name="simulated beamline", command=simulation_command(options), ready=READY)
    with Child(program) as simulation:
        meanwhile()
        try:
            ready = simulation.wait_ready()
        except ChildError as error:
            raise ConfigurationError(f"The simulated beamline did not start. {error}") from error
        assert ready is not None  # it has a ready line, or raises
        yield ready.group(1)
