"""Fly scans in memory: sweeps are made at once, and their frames show what the signals of a fake beamline show."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np

from devices.beamline import Beamline
from devices.configuration import FlySettings
from devices.exposure.fly_reader import FlyReader
from devices.exposure.sweeps import FlyFrame, FlySweep
from tests.support.fake_beamline import GATES_PER_S
from tests.support.fake_frames import FakeFrames, devices_of


class FakeFlyScans(FakeFrames[FlyFrame, FlySweep]):
    """Frames in memory, one per bin that a sweep crosses."""

    name = "fly_scans"
    frames_source = "7idd:fly:Frames"

    def __init__(self, settings: FlySettings, line: Beamline) -> None:
        super().__init__(line)
        self.settings = settings
        self.pvname = "fly"

    def _play(self, entry: FlySweep, cuts: int) -> None:
        way_kev = entry.kev_per_s * entry.frame_s
        count = round(abs(entry.last_kev - entry.first_kev) / way_kev)
        edges = np.linspace(entry.first_kev, entry.last_kev, count + 1)
        for first, last in itertools.pairwise(edges):
            self.frames.append(self.spoil(self._frame(entry, float(first), float(last))))
            if self.cuts > cuts:
                break

    def _frame(self, sweep: FlySweep, first: float, last: float) -> FlyFrame:
        number = len(self.frames) + 1
        seconds = sweep.frame_s
        values = self._values({})
        return FlyFrame(
            number=number, token=self._token, place=(sweep.scan_index, -1, sweep.shutter), part=0,
            begin_s=(number - 1) * seconds, end_s=number * seconds, low=values, high=values, last=values,
            reading=self._reading(seconds, sweep.shutter),
            mean_kev=(first + last) / 2, spread_kev=abs(last - first) / np.sqrt(12), first_kev=first, last_kev=last,
        )  # fmt: skip


def with_fly_scans(line: Beamline) -> tuple[Beamline, FakeFlyScans]:
    """Return a beamline in memory with fly scans."""
    assert line.configuration.fly is not None
    scans = FakeFlyScans(line.configuration.fly, line)
    stand_in: Any = scans
    reader = FlyReader(devices_of(line), stand_in, quality=line.configuration.quality, pulses_per_s=GATES_PER_S)
    return replace(line, fly=reader), scans
