"""Camera of an areaDetector on the beam clock: exposures, read-out and callbacks as ADCore does them, for any model."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar, Protocol

from caproto import SkipWrite

from sim.clock import BeamClock
from sim.errors import SimulationInputError
from sim.ioc.records.area_detector import SettingsGroup
from sim.types import Image

STUCK_POLL_S = 0.01

EXPOSURE_LOW_S = 1e-4

EXPOSURE_HIGH_S = 1e6

Receiver = Callable[[Image, int, float], Awaitable[None]]
"""Takes an image, (row, column) in counts, with its number and its time, s."""


class ExposureGate(Protocol):
    """The record of what the camera sees during an exposure."""

    def open(self) -> None:
        """Start an exposure."""

    def forget(self) -> None:
        """Drop an exposure that was not closed when the acquisition ended; raises nothing if there is none."""


class AreaCamera(SettingsGroup):
    """A camera, whose records a subclass declares; put completion of Acquire comes once all `receivers` have the image.

    `take` gets the length of an exposure, s of beam, and returns its image.
    """

    readout_s: ClassVar[float]
    """Time between two exposures, s."""

    internal_triggers: ClassVar[tuple[str, ...]] = ("Internal",)
    """Trigger modes in which the camera exposes by itself."""

    def __init__(
        self,
        prefix: str,
        *,
        clock: BeamClock,
        gate: ExposureGate,
        take: Callable[[float], Image],
        receivers: Sequence[Receiver],
        **kwargs: Any,
    ) -> None:
        super().__init__(prefix, **kwargs)
        self._clock = clock
        self._gate = gate
        self._take = take
        self._receivers = receivers
        self._stop = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self.fault_stuck = False
        """Whether the detector hangs: an acquisition that has begun does not end until it is stopped."""

    @property
    def acquiring(self) -> bool:
        """Whether an acquisition is in progress."""
        return self._running is not None and not self._running.done()

    async def put_Acquire(self, value: str) -> Any:  # noqa: N802  # named after the record
        """Start an acquisition and wait for its end, or stop it; put completion returns when the camera is idle."""
        if value == "Done":
            self._stop.set()
        elif not self.acquiring:
            self._stop.clear()
            self._running = asyncio.create_task(self._acquire())
        if self._running is not None:
            await asyncio.shield(self._running)
        return SkipWrite

    async def put_AcquireTime(self, value: float) -> float:  # noqa: N802  # named after the record
        """Set the exposure, s, and lengthen the period if necessary.

        Raises SimulationInputError beyond 0.1 ms to 1e6 s.
        """
        _check_time(f"{self.prefix}AcquireTime", value)
        if self.AcquirePeriod.value < value + self.readout_s:
            await self.settle("AcquirePeriod", value + self.readout_s)
        return value

    async def put_AcquirePeriod(self, value: float) -> float:  # noqa: N802  # named after the record
        """Set the period, s, never shorter than exposure and readout together."""
        _check_time(f"{self.prefix}AcquirePeriod", value)
        return max(value, float(self.AcquireTime.value) + self.readout_s)

    async def put_NumImages(self, value: int) -> int:  # noqa: N802  # named after the record
        """Set the number of images per acquisition; raises SimulationInputError for less than one."""
        if value < 1:
            raise SimulationInputError(f"{self.prefix}NumImages = {value} must be at least 1")
        return value

    async def _acquire(self) -> None:
        images = {"Single": 1, "Multiple": self.NumImages.value, "Continuous": math.inf}[self.ImageMode.value]
        await self.show("NumImagesCounter_RBV", 0)
        await self.settle("Acquire", "Acquire")
        try:
            taken = 0
            while taken < images and await self._expose():
                taken += 1
                await self.show("NumImagesCounter_RBV", taken)
        finally:
            self._gate.forget()
            await self._rest("Aborted" if self._stop.is_set() else "Done")

    async def _expose(self) -> bool:
        """Take one image, and return whether it was taken, not stopped."""
        # Order as in areaDetector: expose, read out, count, time stamp, callbacks. The callbacks block until every
        # plugin is done, which is what BlockingCallbacks means; the simulation always does that, so an acquisition
        # completes only when its images are in the file. A stop during the exposure loses the image.
        exposure_s = float(self.AcquireTime.value)
        period_s = float(self.AcquirePeriod.value)
        await self._say("Acquire", f"Exposing for {exposure_s:g} s")
        self._gate.open()
        if not (await self._triggered() and await self._answers()):
            return False
        if await self._clock.sleep_unless(self._stop, exposure_s):
            return False
        await self._say("Readout", "Reading out")
        image = self._take(exposure_s)
        await self.settle("ArrayCounter", self.ArrayCounter.value + 1)
        await self.show("UniqueId_RBV", self.UniqueId_RBV.value + 1)
        now_s = time.time()
        await self.show("TimeStamp_RBV", now_s)
        if self.ArrayCallbacks.value == "Enable":
            for receive in self._receivers:
                await receive(image, self.UniqueId_RBV.value, now_s)
        await self._clock.sleep_unless(self._stop, period_s - exposure_s)
        return True

    async def _triggered(self) -> bool:
        """Return at once if the trigger is internal; wait for the stop otherwise, as no external trigger ever comes."""
        if self.TriggerMode.value in self.internal_triggers:
            return True
        await self._say("Waiting", f"Waiting for a trigger: {self.TriggerMode.value}")
        await self._stop.wait()
        return False

    async def _answers(self) -> bool:
        """Return whether the detector works; one that hangs loses the acquisition even after it recovers."""
        hangs = self.fault_stuck
        while self.fault_stuck and not self._stop.is_set():
            await asyncio.sleep(STUCK_POLL_S)
        if hangs:
            self._stop.set()
        return not hangs

    async def _rest(self, message: str) -> None:
        await self._say("Idle", message)
        await self.settle("Acquire", "Done")

    async def _say(self, state: str, message: str) -> None:
        await self.show("DetectorState_RBV", state)
        await self.show("StatusMessage_RBV", message)


def _check_time(name: str, value: float) -> None:
    if not (math.isfinite(value) and EXPOSURE_LOW_S <= value <= EXPOSURE_HIGH_S):
        raise SimulationInputError(f"{name} = {value:g} s is outside {EXPOSURE_LOW_S:g} to {EXPOSURE_HIGH_S:g} s")
