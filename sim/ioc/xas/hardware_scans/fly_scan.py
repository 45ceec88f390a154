"""Fly scans of the energy: hardware that sweeps the monochromator up and down, and counts frames while it moves.

A frame carries the energy by the encoder: its mean, its spread, and both ends. Counting does not stop where the motion
turns round.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from caproto.server import pvproperty

from sim.clock import BeamClock
from sim.errors import SimulationInputError
from sim.ioc.records.fields import lengthen, post
from sim.ioc.records.motor_axis import READBACK_PERIOD_S
from sim.ioc.records.motor_profile import approach
from sim.ioc.xas.detectors.acquisition import Acquisition
from sim.ioc.xas.equipment.laser import SHUTTER_TIME_S, Laser
from sim.ioc.xas.equipment.monochromator import Monochromator, bragg_angle_deg
from sim.ioc.xas.hardware_scans.frame_player import SHORTEST_S, FramePlayer
from sim.ioc.xas.hardware_scans.sequencer import CATCH_UP_S
from sim.ioc.xas.hardware_scans.sweep import (
    COLUMNS,
    GAUSS,
    MOST_SWEEPS,
    DrivePlay,
    Sweep,
    SweepPath,
    along,
    parse_sweeps,
)
from sim.ioc.xas.hardware_scans.watched_pv import Resolve
from sim.physics.beamline_state import Stretch
from sim.types import FloatArray

FLY_SCANS = "7idd:fly"
"""Beginning of the names of the records of fly scans (chosen)."""

HEAD = 11
"""Numbers at the beginning of a frame: token, scan index, planned shutter, start s, end s, I0, foil (counts), and the
energy by the encoder, keV: mean, standard deviation, first, last."""

FLY_RING = 16_384
"""Frames that the ring holds, also the largest number in a table: 5 minutes in frames of 20 ms."""


@dataclass(frozen=True, kw_only=True)
class FlownDevices:
    """What a fly scan moves, and what counts."""

    acquisition: Acquisition
    monochromator: Monochromator
    laser: Laser


@dataclass(frozen=True, kw_only=True)
class FlownFrame:
    """A frame whose gates have closed, and which is not published yet; times since the epoch, s, energies in keV."""

    sweep: Sweep
    begin_s: float
    end_s: float
    counted_s: float
    encoder: FloatArray
    stretches: list[Stretch]
    evidence: FloatArray


class FlyScans(FramePlayer):
    """Records of the fly scans, and the sweeps that they make.

    `offset_ev` returns by how much the true energy is above that of the encoder, eV, when the drive has no play.
    """

    table = pvproperty(
        name="{player}:Table", value=[0.0], record="waveform", dtype=float,
        doc="Rows: keV, keV, keV/s, s, shutter, label",
    )  # fmt: skip

    # The Bragg motor follows the sweep, not the clock: frame k of a sweep counts while the angle goes from its place
    # after k frames to the one after k + 1. A machine that is too slow for the beam speed makes the whole sweep slower,
    # and leaves no gap in it; `duty` then shows the time that was lost.

    def __init__(
        self, prefix: str, *, clock: BeamClock, devices: FlownDevices, resolve: Resolve, play: DrivePlay, **kwargs: Any
    ) -> None:
        super().__init__(
            prefix,
            name=FLY_SCANS,
            clock=clock,
            acquisition=devices.acquisition,
            resolve=resolve,
            ring=(HEAD, FLY_RING),
            **kwargs,
        )
        self._mono = devices.monochromator
        self._laser = devices.laser
        self._play_of_drive = play
        self.offset_ev: Callable[[], float] = lambda: 0.0
        lengthen(self.table, MOST_SWEEPS * COLUMNS)
        self._sweeps: list[Sweep] = []
        self._counted_s = 0.0
        self._due_s = 0.0
        self._shown_s = 0.0

    def _parse(self, values: list[float]) -> None:
        bragg = self._mono.bragg
        self._sweeps = parse_sweeps(values, frames=FLY_RING, ramp_s=bragg.ramp_s, check_angle=bragg.check_target)

    async def _play(self) -> None:
        began_s = self._clock.now_s()
        self._due_s = began_s
        self._counted_s = 0.0
        self._acquisition.begin_sequence()
        await self._mono.moving.write("Moving")
        await self._mono.bragg.begin_flight()
        try:
            await self.state.write("Running")
            for number, sweep in enumerate(self._sweeps):
                await self.row.write(number)
                await self._prepare(sweep)
                if number == 0:
                    # The move to the first sweep is not part of the scan, and a late start is not made up for.
                    began_s = self._clock.now_s()
                    self._due_s = began_s
                if not await self._fly(SweepPath(sweep, self._mono.bragg.ramp_s)):
                    break
        finally:
            self._play_of_drive.rest()
            await self._mono.bragg.end_flight()
            await self._mono.moving.write("Done")
            spent_s = max(self._clock.now_s() - began_s, self._counted_s, SHORTEST_S)
            await self.duty.write(self._counted_s / spent_s)
            await self._acquisition.show_frames()
            await self.state.write("Idle")

    async def _prepare(self, sweep: Sweep) -> None:
        """Go to the beginning of a sweep, unless the last one has ended there, and set the shutter."""
        bragg = self._mono.bragg
        begin_deg = bragg_angle_deg(sweep.first_kev * 1e3)
        way = approach(bragg.dial_position, 0.0, begin_deg, bragg.speed, bragg.speed / max(bragg.ramp_s, 1e-3))
        if way.duration_s > SHORTEST_S:
            self._due_s += way.duration_s
            await self._clock.sleep_unless(self._stop, self._due_s - self._clock.now_s())
        if self._interrupted():
            return
        bragg.fly_to(begin_deg)
        if sweep.shutter_open != self._laser.shutter_open:
            self._due_s += SHUTTER_TIME_S
            try:
                await self._laser.shutter.write("Open" if sweep.shutter_open else "Closed")
            except SimulationInputError as error:
                # The interlock has the last word. The frame shows the shutter as it is, and its reader rejects it.
                await post(self.message, str(error)[:255])

    def _interrupted(self) -> bool:
        return self._stop.is_set() or self._mono.bragg.flight_interrupted

    async def _fly(self, path: SweepPath) -> bool:
        """Make one sweep, and count on the way; return whether it has reached its end."""
        waiting: FlownFrame | None = None
        for number in range(path.frames):
            if self._interrupted():
                break
            # The counts of the frame before are drawn while this one counts, as hardware does both at the same time.
            self._due_s = max(self._due_s, self._clock.now_s() - CATCH_UP_S * self._clock.speed)
            begin_s = time.time()
            self._watched.begin()
            self._acquisition.begin_frame()
            if waiting is not None:
                await self._publish(waiting)
            waiting = await self._count(path, number, begin_s)
            await self._show_position()
        if waiting is not None and waiting.counted_s > SHORTEST_S:
            await self._publish(waiting)
        return not self._interrupted()

    async def _count(self, path: SweepPath, number: int, begin_s: float) -> FlownFrame:
        """Wait for the end of a frame of a sweep, or until the sweep is stopped."""
        stopped = await self._clock.sleep_unless(self._stop, self._due_s + path.frame_s - self._clock.now_s())
        counted_s = path.frame_s
        if stopped:
            counted_s = max(min(self._clock.now_s() - self._due_s, path.frame_s), SHORTEST_S)
        self._due_s += counted_s
        self._counted_s += counted_s
        from_s = number * path.frame_s
        nodes = [path.energy_ev(from_s + counted_s / 2 * node) for node in (1 - GAUSS, 1 + GAUSS)]
        ends = [path.energy_ev(from_s), path.energy_ev(from_s + counted_s)]
        offset_ev = self.offset_ev()
        stretches = along(
            self._acquisition.end_frame(counted_s),
            lambda time_s: self._play_of_drive.true_ev(path.energy_ev(from_s + time_s)) + offset_ev,
        )
        self._play_of_drive.true_ev(ends[1])
        self._mono.bragg.fly_to(path.angle_deg(from_s + counted_s))
        return FlownFrame(
            sweep=path.sweep,
            begin_s=begin_s,
            end_s=time.time(),
            counted_s=counted_s,
            encoder=np.array([np.mean(nodes), np.std(nodes), *ends]) * 1e-3,
            stretches=stretches,
            evidence=self._watched.evidence(),
        )

    async def _show_position(self) -> None:
        """Update the read-back of the motor record, at most 20 times per second of wall time."""
        if time.monotonic() - self._shown_s >= READBACK_PERIOD_S:
            self._shown_s = time.monotonic()
            await self._mono.bragg.show_flight()

    async def _publish(self, frame: FlownFrame) -> None:
        """Draw the counts of a frame, and add it to the ring."""
        number, exposure, detectors = self._acquisition.count_frame(frame.counted_s, frame.stretches)
        sweep = frame.sweep
        labels = [self.token.value, sweep.scan_index, float(sweep.shutter_open), frame.begin_s, frame.end_s]
        head = np.array([*labels, exposure.i0, exposure.foil, *frame.encoder], dtype=float)
        await self._add(np.concatenate([head, frame.evidence, detectors]))
        await self._laser.after_exposure(number, frame.stretches[0][0], exposure)
