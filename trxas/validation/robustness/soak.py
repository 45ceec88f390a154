"""The course of a soak: all processes work for hours of beam time while their use of memory and files is sampled."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from processes.process_table import ProcessUse, family, name_of, use_of
from processes.waiting import wait_until
from trxas.validation.robustness.beamline_processes import BeamlineProcesses
from trxas.validation.robustness.growth import Growth, growth
from trxas.validation.robustness.kill_schedule import SERVER, SESSION, WINDOW
from trxas.validation.types import Report

START_TIMEOUT_S = 300.0
"""Wall time until all processes are up."""

HANG_AFTER_S = 120.0
"""Wall time without an exposure after which the session is taken to hang."""

SAMPLES = 400
"""Number of samples of what the processes use."""


@dataclass(kw_only=True)
class SoakResult:
    """`hours` of beam time, `exposures` measured in them, the `growth` of every process, and what went wrong."""

    hours: float = 0.0
    exposures: int = 0
    growth: dict[str, Growth] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)
    wall_s: float = 0.0

    @property
    def is_flat(self) -> bool:
        """Whether all processes worked to the end, and none grew by more than 5 %."""
        return bool(self.growth) and not self.trouble and all(found.is_flat for found in self.growth.values())

    def as_json(self) -> dict[str, Any]:
        """Return the numbers for machines."""
        processes = {name: found.as_json() for name, found in self.growth.items()}
        own = {"hours": self.hours, "exposures": self.exposures, "flat": self.is_flat, "trouble": self.trouble}
        return {**own, "processes": processes, "wall_s": self.wall_s}


def soak(folder: Path, hours: float, *, seed: int, speed: float, report: Report) -> SoakResult:
    """Measure for `hours` of beam time with server and window, and return how much every process grew.

    `speed` is in seconds of beam per second of wall time. Raises TimeoutError if the processes do not start.
    """
    began = time.monotonic()
    result = SoakResult()
    samples: list[tuple[float, dict[str, ProcessUse]]] = []
    processes = BeamlineProcesses(folder, seed=seed, speed=speed, datasets=1)
    try:
        processes.start_all(SESSION, SERVER, WINDOW, timeout_s=START_TIMEOUT_S)
        _wait_up(processes)
        first = processes.session.exposures
        up = time.monotonic()
        # Samples are taken by wall time, and counted as hours of beam: what leaks does so with exposures, not with the
        # clock on the wall.
        while (hour := (time.monotonic() - up) * speed / 3600.0) < hours and not result.trouble:
            samples.append((hour, _uses(processes)))
            result.trouble += _trouble(processes)
            time.sleep(hours / SAMPLES * 3600.0 / speed)
            if len(samples) % (SAMPLES // 20) == 0:
                report(f"{hour:.1f} of {hours:g} h, {processes.session.exposures - first} exposures")
        result.hours = samples[-1][0]
        result.exposures = processes.session.exposures - first
    finally:
        processes.close()
    result.growth = growth(samples)
    result.wall_s = time.monotonic() - began
    return result


def _wait_up(processes: BeamlineProcesses) -> None:
    def all_up() -> bool:
        return all(processes.is_up(name) for name in (SESSION, SERVER, WINDOW))

    if not wait_until(all_up, timeout_s=START_TIMEOUT_S):
        raise TimeoutError(f"Session, server and window were not all up within {START_TIMEOUT_S:g} s.")


def _uses(processes: BeamlineProcesses) -> dict[str, ProcessUse]:
    """Return the resources that each program of each process uses, with a number where one runs several times."""
    uses: dict[str, ProcessUse] = {}
    # A server is a family of processes, each of which may grow. They are named by their program, with a number where
    # one runs several times, in the order of their process ids, so that a name means the same process in all samples.
    for part, first in processes.pids().items():
        seen: Counter[str] = Counter()
        for pid in sorted(family(first)):
            use = use_of(pid)
            name = f"{part}: {name_of(pid)}"
            if use is not None:
                seen[name] += 1
                uses[name if seen[name] == 1 else f"{name} {seen[name]}"] = use
    return uses


def _trouble(processes: BeamlineProcesses) -> list[str]:
    found = [f"the {name} ended by itself: {last_words.strip()[-300:]}" for name, last_words in processes.ended()]
    silent_s = processes.session.silent_s
    return [*found, f"no exposure for {silent_s:.0f} s"] if silent_s > HANG_AFTER_S else found
