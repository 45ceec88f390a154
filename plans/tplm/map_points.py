"""Places of a map, and the run that measures them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from devices.beamline import Beamline
from devices.names import ShutterState
from plans.engine.spec import ScanSpec
from plans.tplm.histograms import COMMON_KEYS, common_metadata, histograms
from plans.tplm.parameters import LineAxis, MapOptions, SpotOptions

MAP_KEYS = (*COMMON_KEYS, "line_axis", "centre_um", "centre_points")
"""Keys that maps add to start documents."""

TEMPERATURE = "temperature_k"


@dataclass(frozen=True, kw_only=True)
class Excitation:
    """Excitation of the sample: power outside the microscope (nW), repetition rate (MHz) and the detection's filter.

    `temperature_k` is settled first with the laser shutter closed, unless it is None. With `mirror_in` the light goes
    to the spectrograph.
    """

    power_nw: float
    rate_mhz: float
    nd_od: float = 0.0
    temperature_k: float | None = None
    filters_in: bool = True
    mirror_in: bool = False

    @property
    def axes(self) -> dict[str, float]:
        """Axes that stay during the run, by event field, in their units."""
        held = {
            "laser_power_nw": self.power_nw,
            "repetition_rate_mhz": self.rate_mhz,
            "nd_od": self.nd_od,
            "filters_in": float(self.filters_in),
            "mirror_in": float(self.mirror_in),
        }
        return held if self.temperature_k is None else {**held, TEMPERATURE: self.temperature_k}


def line_offsets(positions: int, step_um: float, centre_every: int) -> tuple[list[float], list[int]]:
    """Return the distances from the centre in the order in which they are measured, um, and where the centre repeats.

    Two passes in one direction: even positions, then odd ones; the centre again after every `centre_every`-th point.
    """
    # A drift or bleaching that is steady in time then changes neighbours in opposite directions, and is not read as a
    # width; the repeated centre measures it. Each pass goes upwards, so that every position is reached from below.
    line = [(index - (positions - 1) / 2) * step_um for index in range(positions)]
    offsets: list[float] = []
    repeated: list[int] = []
    for count, offset in enumerate([*line[0::2], *line[1::2]], 1):
        offsets.append(offset)
        if centre_every and count % centre_every == 0:
            repeated.append(len(offsets))
            offsets.append(0.0)
    return offsets, repeated


def map_run(options: MapOptions, excitation: Excitation) -> ScanSpec:
    """Return the run of one map."""
    offsets, repeated = line_offsets(options.positions, options.step_um, options.centre_every)
    # Both axes are in every point, although only one moves: a resumed run then returns to the line by itself.
    centre = options.centre
    # The axis of the line is the last one: the fast axis, which displays show.
    across = {axis: place for axis, place in centre.items() if axis is not options.line_axis}
    points = [{**_named(across), str(options.line_axis): centre[options.line_axis] + offset} for offset in offsets]
    own = {
        "line_axis": str(options.line_axis),
        "centre_um": list(centre.values()),
        "centre_points": repeated,
    }
    return replace(spot_run(options, excitation, points=points, own=own), **run_of("tplm_map"))


def run_of(plan_name: str) -> dict[str, Any]:
    """Return the settings that make a run one of a single plan, even in a series: it reduces and resumes as such."""
    return {"plan_name": plan_name, "detection": histograms}


def spot_run(
    options: SpotOptions,
    excitation: Excitation,
    *,
    points: Sequence[Mapping[str, float]] = (),
    laser: ShutterState = ShutterState.OPEN,
    own: Mapping[str, Any] | None = None,
) -> ScanSpec:
    """Return a run at `points`, by default at the centre alone, um; `own` are the plan's own keys."""
    return ScanSpec(
        settings=points or [_named(options.centre)],
        fixed=excitation.axes,
        laser=laser,
        metadata=partial(_metadata, rate_mhz=excitation.rate_mhz, laser=str(laser), own=own or {}),
        options=options.scan,
    )


def _named(centre: Mapping[LineAxis, float]) -> dict[str, float]:
    return {str(axis): float(place) for axis, place in centre.items()}


def _metadata(beamline: Beamline, *, rate_mhz: float, laser: str, own: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**common_metadata(beamline, rate_mhz, laser), **own}
