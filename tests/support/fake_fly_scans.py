"""Fly scans in memory: sweeps are made at once, and their frames show what the signals of a fake beamline show."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from ophyd.status import Status

from devices.beamline import Beamline
from devices.configuration import FlySettings
from devices.exposure.fly_reader import FlyReader
from devices.exposure.frames import BoxcarFrame, SpcFrame
from devices.exposure.gated_detectors import ExposureReading
from devices.exposure.point_reader import PointDevices
from devices.exposure.sweeps import FlyFrame, FlySweep
from tests.support.fake_beamline import GATES_PER_S

SLOTS = 32


class FakeFlyScans:
    """Frames in memory. `spoil` changes a frame before it is published; a cut ends the sweeps there."""

    name = "fly_scans"
    parent = None
    connected = True
    frames_source = "7idd:fly:Frames"

    def __init__(self, settings: FlySettings, line: Beamline) -> None:
        self.settings = settings
        self.pvname = "fly"
        self.frames: list[FlyFrame] = []
        self.tables: list[list[FlySweep]] = []
        self.cuts = 0
        self.spoil: Callable[[FlyFrame], FlyFrame] = lambda frame: frame
        self.watched: list[str] = []
        self._line = line
        self._token = 0

    @property
    def watch(self) -> Any:
        watched = self.watched

        class Watch:
            def get(self) -> str:
                return " ".join(watched)

        return Watch()

    def arm(self, sweeps: Sequence[FlySweep], *, token: int, watch: Sequence[str]) -> None:
        self.tables.append(list(sweeps))
        self.watched = list(watch)
        self._token = token

    def start(self, duration_s: float) -> Status:
        cuts = self.cuts
        for sweep in self.tables[-1]:
            way_kev = sweep.kev_per_s * sweep.frame_s
            count = round(abs(sweep.last_kev - sweep.first_kev) / way_kev)
            edges = np.linspace(sweep.first_kev, sweep.last_kev, count + 1)
            for first, last in itertools.pairwise(edges):
                self.frames.append(self.spoil(self._frame(sweep, float(first), float(last))))
                if self.cuts > cuts:
                    break
            if self.cuts > cuts:
                break
        status = Status(timeout=duration_s + 10)
        status.set_finished()
        return status

    def stop(self, *, success: bool = False) -> None:
        """There is never a sweep under way."""

    def cut_short(self) -> None:
        self.cuts += 1

    def latest_number(self) -> int:
        return len(self.frames)

    def frames_from(self, number: int) -> list[FlyFrame]:
        return self.frames[number - 1 : number + 31]

    def _frame(self, sweep: FlySweep, first: float, last: float) -> FlyFrame:
        number = len(self.frames) + 1
        seconds = sweep.frame_s
        spc = SpcFrame(
            exposure_id=100 + number, exposure_s=seconds, laser_shutter=sweep.shutter,
            counts=np.full((2, 5), 1000), pulses=np.full(5, int(GATES_PER_S * seconds)),
        )  # fmt: skip
        boxcar = BoxcarFrame(
            exposure_id=100 + number, exposure_s=seconds, laser_shutter=sweep.shutter,
            mean=np.full(5, 0.008), variance=np.full(5, 1e-10), covariance=np.zeros(10),
        )  # fmt: skip
        values = self._values()
        return FlyFrame(
            number=number, token=self._token, place=(sweep.scan_index, -1, sweep.shutter), part=0,
            begin_s=(number - 1) * seconds, end_s=number * seconds, low=values, high=values, last=values,
            reading=ExposureReading(spc=spc, boxcar=boxcar, i0=1e6 * seconds, foil=4e5 * seconds),
            mean_kev=(first + last) / 2, spread_kev=abs(last - first) / np.sqrt(12), first_kev=first, last_kev=last,
        )  # fmt: skip

    def _values(self) -> Any:
        known: dict[str, Any] = {}
        for one in self._line.signals():
            known.setdefault(one.pvname, one.get())
        found = [float(known[pv]) for pv in self.watched]
        return np.array(found + [np.nan] * (SLOTS - len(found)))

    def slot(self, signal: Any) -> int:
        """Place of a signal among the watched ones."""
        return self.watched.index(signal.pvname)


def with_fly_scans(line: Beamline) -> tuple[Beamline, FakeFlyScans]:
    """Return a beamline in memory with fly scans."""
    assert line.configuration.fly is not None
    scans = FakeFlyScans(line.configuration.fly, line)
    devices = PointDevices(axes=line.axes, exposure=line.exposure, laser=line.laser, surroundings=line.surroundings)
    stand_in: Any = scans
    reader = FlyReader(devices, stand_in, quality=line.configuration.quality, pulses_per_s=GATES_PER_S)
    return replace(line, fly=reader), scans
