"""A run as its plan requests it, from the arguments alone; `check_request` turns it into a ScanRequest."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from devices.beamline import Beamline
from devices.names import ShutterState
from plans.choices import ShutterReference, Stepping
from plans.dwell_factors import multiplied
from plans.edges import EdgePreset
from plans.engine.detection import Detection, pump_probe
from plans.engine.until import Until, most_exposures
from plans.options import ReferencedOptions, ScanOptions
from plans.types import RunPlan

Around = Callable[[Beamline, Mapping[str, Any], RunPlan], RunPlan]
"""Wraps the plan of one run, given its metadata, to set something up before it and to put it back after it."""


def no_metadata(_beamline: Beamline) -> Mapping[str, Any]:
    """Return no metadata, for plans that add none to those of every run."""
    return {}


@dataclass(frozen=True, kw_only=True)
class ScanSpec:
    """One run before it is checked against a beamline.

    `axis` moves over `points`, or several axes go through `settings`, mappings from axes to values. The settings of a
    grid are listed row by row, slow axis first, and come with its `shape`. The axes of `fixed` stay. All are by event
    field, in the unit of the axis.

    `stepping` is what steps the axis: the plan or a sequencer, which can count each exposure in slices of `slice_s`
    seconds, about, as an exposure has a whole number of them. The dwell of the options is multiplied by
    `dwell_factors`, one per point; without any it is the same everywhere. `laser` is the shutter of the run's own
    exposures. The powder is brought to `temperature_c` first, unless that is None. `metadata` returns the plan's own
    keys of the start document, and may read the beamline. `expects` is a sentence on the expected result of the run,
    such as its error per point, for the forecast of a technique that the window does not know. `until`: result that may
    end the run before all repeats. `resumes`: the run is the rest of an earlier one, whose times were accepted then.

    The decorator of the plan fills in the last three.
    """

    options: ScanOptions
    axis: str = ""
    points: Sequence[float] = ()
    settings: Sequence[Mapping[str, float]] = ()
    shape: tuple[int, ...] = ()
    fixed: Mapping[str, float] = field(default_factory=dict)
    edge: EdgePreset | None = None
    dwell_factors: tuple[float, ...] = ()
    laser: ShutterState = ShutterState.OPEN
    temperature_c: float | None = None
    stepping: Stepping = Stepping.SOFTWARE
    slice_s: float | None = None
    metadata: Callable[[Beamline], Mapping[str, Any]] = no_metadata
    expects: str = ""
    until: Until | None = None
    resumes: bool = False
    # Filled in by the decorator, unless the run comes from another plan, which has filled them in already.
    plan_name: str = ""
    detection: Callable[[Beamline], Detection] = pump_probe
    around: Around | None = None

    @property
    def shutter_reference(self) -> ShutterReference:
        """When the laser is blocked for a second reference: never, at every point, or for a whole pass."""
        options = self.options
        return options.shutter_reference if isinstance(options, ReferencedOptions) else ShutterReference.NONE

    @property
    def dwells_s(self) -> list[float]:
        """Beam time of an exposure at each point, s, (points,)."""
        dwell_s = float(self.options.dwell_s)
        if self.dwell_factors:
            return [multiplied(dwell_s, factor) for factor in self.dwell_factors]
        return [dwell_s] * len(self.settings or self.points)

    @property
    def exposures(self) -> int:
        """Number of exposures of the run, the most for one with `until`: points x repeats x states of the laser."""
        dwells_s = self.dwells_s
        states = 1 if self.shutter_reference is ShutterReference.NONE else 2
        planned = len(dwells_s) * self.options.passes * states
        return most_exposures(self.until, dwells_s, planned, shortest_s=min(dwells_s, default=1.0))

    @property
    def mean_dwell_s(self) -> float:
        """Mean beam time of the exposures of a pass, s."""
        return statistics.fmean(self.dwells_s)


Runs = ScanSpec | list[ScanSpec] | dict[str, ScanSpec]
"""Runs of a plan: one, several in order, or several by name."""


def as_list(runs: Runs) -> list[ScanSpec]:
    """Return the runs in their order, as a list also for a single run or a mapping."""
    if isinstance(runs, ScanSpec):
        return [runs]
    return list(runs.values()) if isinstance(runs, dict) else runs
