"""Table of the fly scans, in which hardware sweeps the energy while it counts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic.dataclasses import dataclass

from devices.configuration.fields import SETTINGS, Fault, Pv, quantity, whole_number


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class FlySettings:
    """PVs of the fly scans: a table of sweeps that hardware makes by itself, and the numbered frames that it counts.

    `table`: rows of first and last energy, speed, length of a frame, shutter and label; the others as in [sequencer].
    A sweep begins and ends `run_up_ev` beyond the scan, where the drive takes up its play, and reaches its speed in
    `ramp_s`, the acceleration time of the motor record.
    """

    table: Pv
    watch: Pv
    token: Pv
    arm: Pv
    run: Pv
    state: Pv
    message: Pv
    latest: Pv
    read_from: Pv
    frames: Pv
    rows: Annotated[
        int, whole_number("largest number of frames of a table, which the ring buffer holds", low=10, high=1_000_000)
    ] = 16_384
    watched: Annotated[int, whole_number("largest number of PVs whose range is in a frame", low=1, high=1000)] = 32
    margin_s: Annotated[float, quantity("time the sweeps may take beyond their motion", "s", above=0.0, high=600.0)] = (
        10.0
    )
    speed_low_ev_s: Annotated[float, quantity("lowest steady speed of the energy", "eV/s", above=0.0, high=1000.0)] = (
        0.1
    )
    speed_high_ev_s: Annotated[float, quantity("highest speed of the energy", "eV/s", above=0.0, high=10_000.0)] = 50.0
    frame_low_s: Annotated[float, quantity("shortest frame", "s", low=0.001, high=1.0)] = 0.01
    ramp_s: Annotated[float, quantity("time in which the motor reaches its speed", "s", low=0.0, high=10.0)] = 0.05
    run_up_ev: Annotated[
        float, quantity("distance that a sweep travels beyond the scan, at each end", "eV", low=0.0, high=100.0)
    ] = 0.2

    def faults(self) -> Iterable[Fault]:
        """Yield a fault if no speed, eV/s, is allowed."""
        if self.speed_low_ev_s > self.speed_high_ev_s:
            high = f"speed_high_ev_s = {self.speed_high_ev_s:g} eV/s"
            yield Fault(
                table="fly",
                key="speed_low_ev_s",
                message=f"= {self.speed_low_ev_s:g} eV/s: must not exceed {high}. Lower it.",
            )
