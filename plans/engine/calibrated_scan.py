"""A scan with the runs that calibrate it: before it, around it, or every few passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TypeAlias

from plans.choices import Schedule
from plans.engine.spec import ScanSpec

Calibration: TypeAlias = tuple[str | int, dict[str, ScanSpec]]
"""When to calibrate, and the runs of one calibration by name."""

SCAN = "scan"
"""Name of the scan itself among the runs of a plan with a schedule."""


def scheduled(scan: ScanSpec, calibrations: Sequence[Calibration]) -> dict[str, ScanSpec]:
    """Return a scan and its calibrations by name, in order; after the scan the calibrations come in reverse order."""
    # A run is made of whole passes, so a scan with calibrations in between is several runs of one series.
    ends = _ends(scan.options.passes, [when for when, _ in calibrations])
    runs: dict[str, ScanSpec] = {}
    for begin, end in pairwise([0, *ends]):
        place = "before" if begin == 0 else f"pass_{begin}"
        wanted = {name: run for when, one in calibrations for name, run in _when(when, one, begin).items()}
        runs |= {f"{name}_{place}": run for name, run in wanted.items()}
        part = replace(scan, options=replace(scan.options, repeats=end - begin))
        runs[SCAN if len(ends) == 1 else f"{SCAN}_{begin + 1}_to_{end}"] = part
    after = {name: run for when, one in reversed(calibrations) for name, run in _when(when, one, None).items()}
    return {**runs, **{f"{name}_after": run for name, run in after.items()}}


def _ends(repeats: int, schedules: Sequence[str | int]) -> list[int]:
    """Return the passes after which a part of the scan ends: those before a calibration, and the last."""
    steps = [every for every in schedules if isinstance(every, int)]
    cuts = {done for every in steps for done in range(every, repeats, every)}
    return sorted({*cuts, repeats})


def _when(schedule: str | int, runs: dict[str, ScanSpec], done: int | None) -> dict[str, ScanSpec]:
    """Return the calibration runs if they are due after `done` passes (None: at the end of the scan), or none."""
    if isinstance(schedule, int):
        return runs if done is None or done % schedule == 0 else {}
    wanted = schedule == Schedule.AROUND or (schedule == Schedule.BEFORE and done == 0)
    return runs if wanted and done in (0, None) else {}
