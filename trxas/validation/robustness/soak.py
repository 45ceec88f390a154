"""The course of a soak: everything at work, looked at again and again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from processes.process_table import ProcessUse, family, name_of, use_of
from trxas.validation.robustness.beamline_processes import Processes
from trxas.validation.robustness.growth import Growth, growth
from trxas.validation.robustness.kill_schedule import SERVER, SESSION, WINDOW

START_TIMEOUT_S, HANG_AFTER_S = 300.0, 120.0
"""Until all parts are up; and without an exposure."""

LOOKS = 400
"""How often the processes are looked at."""

Say = Callable[[str], None]


@dataclass
class SoakResult:
    """`hours` of beam time, `exposures` measured meanwhile, the `growth` of every process, and what went wrong."""

    hours: float = 0.0
    exposures: int = 0
    growth: dict[str, Growth] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)
    wall_s: float = 0.0

    @property
    def is_flat(self) -> bool:
        """Whether everything went on, and nothing grew."""
        return bool(self.growth) and not self.trouble and all(found.is_flat for found in self.growth.values())

    def as_json(self) -> dict[str, Any]:
        """The numbers, for machines."""
        processes = {name: found.as_json() for name, found in self.growth.items()}
        own = {"hours": self.hours, "exposures": self.exposures, "flat": self.is_flat, "trouble": self.trouble}
        return {**own, "processes": processes, "wall_s": self.wall_s}


def soak(folder: Path, hours: float, *, seed: int, speed: float, say: Say) -> SoakResult:
    """Measure for so many hours of beam time, with server and window; what they use is sampled."""
    began = time.monotonic()
    result, samples = SoakResult(), []
    processes = Processes(folder, seed=seed, speed=speed, datasets=1)
    try:
        processes.start_all(SESSION, SERVER, WINDOW, timeout_s=START_TIMEOUT_S)
        _wait_up(processes)
        first, up = processes.session.exposures, time.monotonic()
        while (hour := (time.monotonic() - up) * speed / 3600.0) < hours and not result.trouble:
            samples.append((hour, _uses(processes)))
            result.trouble += _trouble(processes)
            time.sleep(hours / LOOKS * 3600.0 / speed)
            if len(samples) % (LOOKS // 20) == 0:
                say(f"{hour:.1f} of {hours:g} h, {processes.session.exposures - first} exposures")
        result.hours, result.exposures = samples[-1][0], processes.session.exposures - first
    finally:
        processes.close()
    result.growth, result.wall_s = growth(samples), time.monotonic() - began
    return result


def _wait_up(processes: Processes) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not all(processes.is_up(name) for name in (SESSION, SERVER, WINDOW)):
        if time.monotonic() > deadline:
            raise TimeoutError(f"Session, server and window were not all up within {START_TIMEOUT_S:g} s.")
        time.sleep(0.1)


def _uses(processes: Processes) -> dict[str, ProcessUse]:
    """By part and program, numbered where a part runs one several times."""
    uses: dict[str, ProcessUse] = {}
    for part, first in processes.pids().items():
        seen: Counter[str] = Counter()
        for pid in sorted(family(first)):
            use, name = use_of(pid), f"{part}: {name_of(pid)}"
            if use is not None:
                seen[name] += 1
                uses[name if seen[name] == 1 else f"{name} {seen[name]}"] = use
    return uses


def _trouble(processes: Processes) -> list[str]:
    found = [f"the {name} ended by itself: {last_words.strip()[-300:]}" for name, last_words in processes.ended()]
    silent_s = processes.session.silent_s
    return [*found, f"no exposure for {silent_s:.0f} s"] if silent_s > HANG_AFTER_S else found
