"""Measuring the exposures of a run as fly scans: hardware sweeps the energy, and the plan reads what it counted."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from devices.axes.axis_group import Target
from devices.beamline import Beamline
from devices.exposure.fly_frames import STREAM as FRAMES
from devices.exposure.fly_reader import FlyReader
from devices.exposure.planned_frames import PlannedFrame
from devices.names import AxisName
from plans.engine.request import ScanRequest
from plans.engine.sequence_loop import SequenceLoop


class FlyLoop(SequenceLoop):
    """Loop over the bins of `request`, in tables of sweeps, until all have been counted long enough."""

    # The only state of the loop is what is missing, as in a sequence; an exposure is a bin in one sweep. A table covers
    # as many sweeps as its ring holds frames of, each only as far as its bins are missing. So after a suspension the
    # next table continues with the part of the sweep that was cut short.

    def __init__(self, beamline: Beamline, request: ScanRequest) -> None:
        super().__init__(beamline, request)
        assert isinstance(self._reader, FlyReader)
        assert request.sweeps is not None  # check_request has made them
        self._fly = self._reader
        self._grid = request.sweeps
        self._fly.use_grid(request.sweeps)

    def _further_streams(self) -> dict[str, Any]:
        return {FRAMES: self._fly.frames}

    def _next_table(self) -> list[PlannedFrame]:
        table: list[PlannedFrame] = []
        frames = 0
        missing = (self._planned[place] for place in self._missing)
        for _, group in groupby(missing, key=lambda one: (one.place[0], one.place[2])):
            sweep = list(group)
            bins = [one.place[1] for one in sweep]
            frames += self._grid.frames(max(bins) - min(bins) + 1)
            if table and frames > self._fly.sequencer.settings.rows:
                break
            table += sweep
        return table

    def _targets(self, frame: PlannedFrame) -> Mapping[str, Target]:
        # Each sweep moves to its own start. Only the first move to the edge is made by the axis, which takes out the
        # backlash of a long move.
        begin_ev, _ = self._grid.edges_ev(0, self._grid.points - 1)
        return {**super()._targets(frame), str(AxisName.ENERGY): begin_ev}
