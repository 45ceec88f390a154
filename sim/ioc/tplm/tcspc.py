"""The photon timing electronics, with the record names of the public PicoHarp support.

Every exposure has a number. A waveform that is added here holds it together with all that belongs to the exposure (a
frame), so that a reader can never mix two exposures; the standard waveforms hold the same histogram without its number.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from caproto import AlarmSeverity, AlarmStatus, ChannelType
from caproto.server import PVGroup, pvproperty

from sim.clock import BeamClock
from sim.errors import SimulationInputError
from sim.ioc.records.fields import repost
from sim.ioc.tplm.scene import Scene, Stretch
from sim.types import IntArray

CHANNELS = 65_536
"""Channels of the hardware."""

BASE_PS = 4.0
"""Width of a channel at RANGE 0, ps; each step doubles it."""

HIGH_COUNTS = 59_000
FULL_COUNTS = 65_535
"""Largest count of a channel at which the driver warns, and at which the channel is full."""

SYNC_LIMIT_HZ = 10e6
"""Highest rate behind the divider that the sync input follows (vendor's rule, from memory)."""

RATES_PERIOD_S = 0.2
"""Wall time between updates of the count rates."""

HEAD = 8
"""Numbers in a frame before the counts."""

BACKLOG = 20
"""Histograms that wait for a slow subscriber before older ones are left out."""

MIXED_SHUTTER = -1.0
"""Laser shutter in the frame of an exposure during which it moved."""


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """Result of an exposure: `counts` (channels,) of one pump period, and the laser pulses that started them."""

    counts: IntArray
    sync_pulses: int


@dataclass(frozen=True, kw_only=True)
class PhotonSource:
    """Interface of the electronics to the microscope: its present scene, the histogram of an exposure, the photon rate.

    The rate is in Hz; `sync_hz` is that of the laser's pulses at the sync input. `log` takes number, counts and
    stretches of every exposure before anybody can read it.
    """

    scene: Callable[[], Scene]
    histogram: Callable[[Sequence[Stretch]], Histogram]
    rate_hz: Callable[[], float]
    sync_hz: Callable[[], float]
    log: Callable[[int, IntArray, Sequence[Stretch]], None]


class PhotonTiming(PVGroup):
    """Histograms of the delay between laser pulse and photon, one exposure at a time."""

    time_ms = pvproperty(
        name="tplm:HARP:TIME", value=1000.0, record="ao", dtype=float, units="ms", precision=0,
        lower_ctrl_limit=1.0, upper_ctrl_limit=60_000.0, doc="Time of an exposure",
    )  # fmt: skip
    range_step = pvproperty(
        name="tplm:HARP:RANGE", value=2, record="longout", dtype=int, lower_ctrl_limit=0, upper_ctrl_limit=7,
        doc="Channel width is 4 ps x 2^RANGE",
    )  # fmt: skip
    resolution = pvproperty(
        name="tplm:HARP:RESOLUTION", value=16.0, record="ai", dtype=float, units="ps", precision=1, read_only=True,
        doc="Width of a channel",
    )  # fmt: skip
    offset = pvproperty(
        name="tplm:HARP:OFFSET", value=0.0, record="ao", dtype=float, units="ps", precision=0, doc="Sync delay"
    )  # fmt: skip
    divider = pvproperty(
        name="tplm:HARP:SYNCDIV", value="1", dtype=ChannelType.ENUM, enum_strings=["1", "2", "4", "8"],
        record="mbbo", doc="Divider of the sync input",
    )  # fmt: skip
    level_0 = pvproperty(
        name="tplm:HARP:CFDLEVEL0", value=100.0, record="ao", dtype=float, units="mV", doc="Discriminator of the sync"
    )  # fmt: skip
    level_1 = pvproperty(
        name="tplm:HARP:CFDLEVEL1", value=150.0, record="ao", dtype=float, units="mV", doc="Discriminator, detector"
    )  # fmt: skip
    zero_0 = pvproperty(
        name="tplm:HARP:CFDZEROX0", value=10.0, record="ao", dtype=float, units="mV", doc="Zero crossing of the sync"
    )  # fmt: skip
    zero_1 = pvproperty(
        name="tplm:HARP:CFDZEROX1", value=10.0, record="ao", dtype=float, units="mV", doc="Zero crossing, detector"
    )  # fmt: skip
    sync_rate = pvproperty(
        name="tplm:HARP:COUNT_RATE_0", value=0.0, record="ai", dtype=float, units="Hz", precision=0, read_only=True,
        doc="Rate at the sync input",
    )  # fmt: skip
    count_rate = pvproperty(
        name="tplm:HARP:COUNT_RATE_1", value=0.0, record="ai", dtype=float, units="Hz", precision=0, read_only=True,
        doc="Rate of the detector",
    )  # fmt: skip
    highest = pvproperty(
        name="tplm:HARP:MAX_BIN", value=0, record="longin", dtype=int, units="counts", read_only=True,
        upper_warning_limit=HIGH_COUNTS, upper_alarm_limit=FULL_COUNTS, doc="Largest count of a channel",
    )  # fmt: skip
    total = pvproperty(
        name="tplm:HARP:TOTAL_COUNT_ALL", value=0, record="longin", dtype=int, units="counts", read_only=True,
        doc="Photons of the exposure",
    )  # fmt: skip
    samples = pvproperty(
        name="tplm:HARP:SAMPLES_ALL", value=[0] * CHANNELS, max_subscription_backlog=BACKLOG, record="waveform",
        dtype=int, units="counts", read_only=True, doc="Histogram, all channels",
    )  # fmt: skip
    error = pvproperty(
        name="tplm:HARP:ERROR", value="", record="stringin", dtype=ChannelType.STRING, read_only=True,
        doc="Latest error of the electronics",
    )  # fmt: skip
    start = pvproperty(
        name="tplm:HARP:Start", value=0, record="longout", dtype=int, doc="1 starts an exposure, 0 ends it (added)"
    )  # fmt: skip
    acquiring = pvproperty(
        name="tplm:HARP:Acquiring", value="Done", dtype=ChannelType.ENUM, enum_strings=["Done", "Counting"],
        record="bi", read_only=True, doc="An exposure runs (added)",
    )  # fmt: skip
    exposure_id = pvproperty(
        name="tplm:HARP:ExposureId", value=0, record="longin", dtype=int, read_only=True,
        doc="Number of the exposure (added)",
    )  # fmt: skip
    sync_pulses = pvproperty(
        name="tplm:HARP:SyncPulses", value=0.0, record="ai", dtype=float, precision=0, read_only=True,
        doc="Laser pulses of the exposure (added)",
    )  # fmt: skip
    frame = pvproperty(
        name="tplm:HARP:Frame", value=[0.0] * HEAD, max_length=CHANNELS + HEAD,
        max_subscription_backlog=BACKLOG, record="waveform", dtype=float,
        read_only=True, doc="Exposure (added): id s shutter syncs ...",
    )  # fmt: skip

    def __init__(self, prefix: str, *, clock: BeamClock, counting: PhotonSource, **kwargs: Any) -> None:
        super().__init__(prefix, **kwargs)
        self._clock = clock
        self._counting = counting
        self._stop = asyncio.Event()
        self._running: list[tuple[float, Scene]] | None = None
        self._number = 0
        self.fault_stale = False
        """Whether frames stay those of the exposure before."""

    @property
    def bin_ps(self) -> float:
        """Width of a channel, ps."""
        return float(self.resolution.value)

    def note(self) -> None:
        """Note the present scene, with its beam time in s, if an exposure runs and the scene has changed."""
        if self._running is None:
            return
        scene = self._counting.scene()
        if scene != self._running[-1][1]:
            self._running.append((self._clock.now_s(), scene))

    @range_step.putter  # type: ignore[no-redef]
    async def range_step(self, instance: Any, value: int) -> int:
        """Set the channel width to 4 ps x 2^n; raises SimulationInputError unless n is 0 to 7."""
        if not 0 <= value <= 7:
            raise SimulationInputError(f"RANGE {value} is outside 0 to 7")
        await self.resolution.write(BASE_PS * 2**value)
        return value

    @time_ms.putter  # type: ignore[no-redef]
    async def time_ms(self, instance: Any, value: float) -> float:
        """Set the time of the next exposure, ms; raises SimulationInputError outside 1 to 60 000 ms."""
        if not 1.0 <= value <= 60_000.0:
            raise SimulationInputError(f"TIME {value:g} ms is outside 1 to 60000 ms")
        return value

    @start.putter  # type: ignore[no-redef]
    async def start(self, instance: Any, value: int) -> int:
        """Count for TIME; put completion returns when the frame is published. 0 ends a running exposure early.

        Raises SimulationInputError if an exposure runs already.
        """
        if not value:
            self._stop.set()
            return 0
        if self._running is not None:
            raise SimulationInputError("An exposure runs already; write 0 to end it")
        # The states of an exposure: idle while `_running` is None; counting while it holds the scenes so far, each with
        # its beam time; published when the frame is posted. A second start is refused, a stop shortens the exposure,
        # and in every case the record of scenes ends with it, so that a failed draw cannot leave the electronics
        # counting forever.
        self._stop.clear()
        began_s = self._clock.now_s()
        planned_s = float(self.time_ms.value) * 1e-3
        self._running = [(began_s, self._counting.scene())]
        await self.acquiring.write("Counting")
        try:
            stopped = await self._clock.sleep_unless(self._stop, planned_s)
            self.note()
            seconds = min(self._clock.now_s() - began_s, planned_s) if stopped else planned_s
            await self._publish(began_s, seconds)
        finally:
            self._running = None
            await self.acquiring.write("Done")
        return 0

    async def _publish(self, began_s: float, seconds: float) -> None:
        """Draw the counts of an exposure of `seconds` s and post them, the frame first."""
        assert self._running is not None  # called while it runs
        stretches = scenes_of(self._running, began_s + seconds)
        found = self._counting.histogram(stretches)
        self._number += 1
        self._counting.log(self._number, found.counts, stretches)
        if self.fault_stale:
            return
        # Of the shutter a reader must know whether it moved, not only how it ended.
        shutters = {float(one.scene.setting.shutter_open) for one in stretches}
        shutter = shutters.pop() if len(shutters) == 1 else MIXED_SHUTTER
        external = float(stretches[-1].scene.setting.external_trigger)
        highest = int(found.counts.max(initial=0))
        head = [float(self._number), seconds, shutter, float(found.sync_pulses), external, float(highest),
                self.bin_ps, float(len(found.counts))]  # fmt: skip
        await repost(self.frame, np.concatenate([head, found.counts]))
        # The standard waveform has all channels of the hardware; those beyond the pump period stay empty.
        whole = np.zeros(CHANNELS, dtype=np.int32)
        whole[: len(found.counts)] = found.counts
        await repost(self.samples, whole)
        await self.exposure_id.write(self._number)
        await self.sync_pulses.write(float(found.sync_pulses))
        await self.total.write(int(found.counts.sum()))
        await self._show_highest(highest)

    async def _show_highest(self, highest: int) -> None:
        await self.highest.write(highest)
        severity = AlarmSeverity.NO_ALARM if highest < HIGH_COUNTS else AlarmSeverity.MINOR_ALARM
        status = AlarmStatus.NO_ALARM if highest < HIGH_COUNTS else AlarmStatus.HIGH
        if highest >= FULL_COUNTS:
            severity = AlarmSeverity.MAJOR_ALARM
            status = AlarmStatus.HIHI
        await self.highest.alarm.write(severity=severity, status=status)

    @sync_rate.scan(period=RATES_PERIOD_S)  # type: ignore[no-redef]
    async def sync_rate(self, instance: Any, async_lib: Any) -> None:
        """Show both rates, Hz, every 0.1 s of wall time."""
        await self.show_rates()

    async def show_rates(self) -> None:
        """Show the rates of sync input and detector, Hz; a sync rate that is too high behind the divider is lost."""
        # Counters of the hardware gate for 0.1 s, so the sync rate shows whole multiples of 10 Hz at best.
        sync_hz = self.measured_sync_hz()
        if sync_hz != self.sync_rate.value:
            await self.sync_rate.write(sync_hz)
        rate_hz = round(self._counting.rate_hz(), -1)
        if rate_hz != self.count_rate.value:
            await self.count_rate.write(rate_hz)

    def measured_sync_hz(self) -> float:
        """Return the rate of the sync input, Hz: 0 if it is higher than the input can follow."""
        sync_hz = self._counting.sync_hz()
        return sync_hz if sync_hz <= SYNC_LIMIT_HZ * int(self.divider.value) else 0.0


def scenes_of(changes: Sequence[tuple[float, Scene]], end_s: float) -> list[Stretch]:
    """Return the stretches between `changes`, each (beam time in s, scene from then on), until `end_s`."""
    ends = [*(when for when, _ in changes[1:]), end_s]
    found = [
        Stretch(scene=scene, seconds=min(until, end_s) - since)
        for (since, scene), until in zip(changes, ends, strict=True)
    ]
    return [one for one in found if one.seconds > 0] or [Stretch(scene=changes[0][1], seconds=0.0)]
