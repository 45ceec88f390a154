"""One exposure: the master scaler's gate, the single-photon counters and the boxcar it gates.

Put completion is the only sign that an exposure is over, and the number in the frames is the only sign of which one it
was: libca completes the pending puts of an IOC that dies, and a refused trigger completes at once.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ophyd import Device, EpicsSignal
from ophyd import FormattedComponent as FCpt
from ophyd.status import DeviceStatus, StatusBase

from devices.configuration import ExposureSettings
from devices.exposure.frames import BoxcarFrame, SpcFrame, parse_boxcar_frame, parse_spc_frame
from devices.names import AcquisitionMode
from devices.numbers import finite_number
from devices.signals.move_status import AllOf, MoveStatus, finish
from devices.signals.pausing import failures_logged
from devices.signals.uncached_signal import (
    FreshSignalRO,
    PvReading,
    put_with_completion,
    put_without_completion,
    read_together,
    valid_readings,
)
from errors import AcquisitionError, OutOfRangeError

ELAPSED_TOLERANCE = 1e-3
"""Relative disagreement allowed between the master's clock and the frames' (scaler clocks tick at 10 MHz)."""

IDLE_POLL_S = 0.01
"""Time between two checks whether the scaler has stopped, s."""

DEFAULT_DWELL_S = 1.0
"""Dwell of exposures in a stock plan, which sets none, s."""


@dataclass(frozen=True, kw_only=True)
class ExposureReading:
    """Result of one exposure; `i0` and `foil` in counts; `boxcar` and `foil` are None without such a detector."""

    spc: SpcFrame
    boxcar: BoxcarFrame | None
    i0: float
    foil: float | None


class Exposure(Device):
    """Trigger of all gated detectors, and reader of their counts."""

    # Every exposure is numbered by the master scaler's gate, and each detector publishes its counts together with that
    # number in one array. `_armed_after` is the number of the last exposure that was read, stopped or found at
    # preparation: the next trigger must produce exactly the number after it. Any other number means a refused trigger,
    # a restarted IOC, or another client that counts, and the read-out raises. The dwell is compared too, since a
    # restarted IOC begins again at 1 and may arrive at the expected number by chance.

    count = FCpt(EpicsSignal, "{_prefix}{_settings.scaler}.CNT", kind="omitted")
    preset = FCpt(EpicsSignal, "{_prefix}{_settings.scaler}.TP", kind="omitted")
    counting = FCpt(FreshSignalRO, "{_prefix}{_settings.scaler}.CNT", kind="omitted")
    auto_count = FCpt(FreshSignalRO, "{_prefix}{_settings.scaler}.CONT", kind="omitted")
    preset_readback = FCpt(FreshSignalRO, "{_prefix}{_settings.scaler}.TP", kind="omitted")
    elapsed = FCpt(FreshSignalRO, "{_prefix}{_settings.scaler}.T", kind="omitted")
    i0 = FCpt(FreshSignalRO, "{_prefix}{_settings.scaler}.S{_settings.i0_channel}", kind="omitted")
    foil = FCpt(FreshSignalRO, "{_prefix}{_settings.scaler}.S{_settings.foil_channel}", kind="omitted")
    spc_frame = FCpt(FreshSignalRO, "{_prefix}{_settings.spc_frame}", kind="omitted")
    boxcar_frame = FCpt(FreshSignalRO, "{_prefix}{_settings.boxcar_frame}", kind="omitted")

    counts_ahead: ClassVar[bool] = True
    """Whether the next exposure may be triggered once this one is read out, but neither judged nor stored."""

    def __init__(self, settings: ExposureSettings, *, prefix: str, name: str) -> None:
        self._settings = settings
        self._prefix = prefix
        self._dwell_s = math.nan
        self._armed_after = -1
        self._ready: MoveStatus | None = None
        super().__init__("", name=name)

    @property
    def modes(self) -> tuple[AcquisitionMode, ...]:
        """Detectors of the fluorescence that an exposure reads, as start documents name them."""
        return (AcquisitionMode.SPC, AcquisitionMode.BOXCAR)

    @property
    def counts_source(self) -> str:
        """Name of the PV with the counts of the gates."""
        return str(self.spc_frame.pvname)

    @property
    def settings(self) -> ExposureSettings:
        """Configured shapes, channels and limits."""
        return self._settings

    def check_dwell(self, dwell_s: float) -> None:
        """Raise InputError unless the detectors can count for `dwell_s` seconds."""
        finite_number(dwell_s, "dwell_s", "s")
        low = self._settings.dwell_low_s
        high = self._settings.dwell_high_s
        if not low <= dwell_s <= high:
            raise OutOfRangeError("dwell_s", dwell_s, low, high, "s")

    def check_idle(self) -> None:
        """Raise AcquisitionError if the master scaler is counting: another client uses the detectors."""
        if int(read_together({"counting": self.counting})["counting"]):
            raise AcquisitionError(
                f"{self.counting.pvname} shows that the detectors are counting already. Wait until they are done, "
                f"or write 0 to {self.count.pvname} to stop them; then start the plan again."
            )

    def prepare(self, dwell_s: float) -> None:
        """Set the dwell, s, and remember the last exposure's number; needed once before a series of triggers.

        Raises AcquisitionError if the detectors are busy or do not accept the dwell.
        """
        self.check_dwell(dwell_s)
        self.check_idle()
        self.preset.put(dwell_s, wait=True, timeout=self._settings.margin_s)
        own = {"preset": self.preset_readback, "auto": self.auto_count}
        readings = valid_readings({**own, **self._identity_signals()})
        state = {key: readings.pop(key).value for key in own}
        # In AutoCount the scaler starts again by itself after the exposure and overwrites its counts.
        if int(state["auto"]):
            raise AcquisitionError(
                f"{self.auto_count.pvname} is on: the scaler would count again by itself and lose what it counted. "
                "Set it to OneShot."
            )
        if not math.isclose(float(state["preset"]), dwell_s, rel_tol=1e-6):
            raise AcquisitionError(
                f"{self.preset.pvname} stays at {state['preset']} s, wanted {dwell_s} s. Check its access rights."
            )
        self._remember_identity(readings)
        self._dwell_s = dwell_s
        self._ready = None

    def configure(self, settings: dict[str, float]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Prepare for exposures of `settings["dwell_s"]`; return the old and the new dwell, s, as bluesky expects.

        Raises the same errors as `prepare`.
        """
        old = self._dwell_s
        now = time.time()
        self.prepare(settings["dwell_s"])
        return (
            {"dwell_s": {"value": old, "timestamp": now}},
            {"dwell_s": {"value": self._dwell_s, "timestamp": now}},
        )

    def trigger(self) -> DeviceStatus:
        """Start one exposure on all detectors; the status is done when the master's gate has closed.

        Raises AcquisitionError before the first `prepare`.
        """
        if math.isnan(self._dwell_s):
            raise AcquisitionError("The detectors have no dwell yet. Call prepare(dwell_s) before trigger().")
        status = self._waiting_status() if self._ready is None else self._ready
        self._ready = None
        status.begin_by(lambda: put_with_completion(self.count, 1, lambda **_: finish(status)))
        return status

    def make_ready(self) -> None:
        """Make the status of the next trigger, which takes longer than the trigger itself; raises nothing."""
        self._ready = self._waiting_status()

    def _waiting_status(self) -> MoveStatus:
        what = f"an exposure of {self._dwell_s:g} s"
        timeout_s = self._dwell_s + self._settings.margin_s
        return MoveStatus(self, what=what, pvs=[self.count.pvname], timeout_s=timeout_s, waits=True)

    def stage(self) -> list[Any]:
        """Prepare for a stock plan, which sets no dwell, with the last one or DEFAULT_DWELL_S, s.

        Raises the same errors as `prepare`.
        """
        # Another client, or the sequencer, may have counted since the last run, so the number is read again.
        self.prepare(DEFAULT_DWELL_S if math.isnan(self._dwell_s) else self._dwell_s)
        return list(super().stage())

    def read(self) -> dict[str, dict[str, Any]]:
        """Return the counts of the exposure triggered last, for stock plans; plans of trxas read an EventReader.

        Raises AcquisitionError if the values belong to another exposure.
        """
        reading = self.reading_from(valid_readings(self.fresh_signals()))
        now = time.time()
        values = {"i0": reading.i0, "foil": reading.foil, "s": reading.spc.exposure_s, "counts": reading.spc.counts}
        values = {key: value for key, value in values.items() if f"{self.name}_{key}" in self.describe()}
        return {f"{self.name}_{key}": {"value": value, "timestamp": now} for key, value in values.items()}

    def describe(self) -> dict[str, dict[str, Any]]:
        """Return the data keys of `read`: ion chamber and foil in counts, seconds, and counts, shape (apd, probe)."""
        settings = self._settings
        spc = self.counts_source
        numbers = {"i0": (self.i0.pvname, "counts"), "s": (spc, "s")}
        if self.foil is not None:
            numbers["foil"] = (self.foil.pvname, "counts")
        keys: dict[str, dict[str, Any]] = {
            f"{self.name}_{key}": {"source": f"PV:{pv}", "dtype": "number", "shape": [], "units": unit}
            for key, (pv, unit) in numbers.items()
        }
        shape = [settings.apds, settings.probes]
        counts = {"source": f"PV:{spc}", "dtype": "array", "shape": shape, "units": "counts", "dtype_numpy": "<i8"}
        return keys | ({f"{self.name}_counts": counts} if settings.apds else {})

    def fresh_signals(self) -> dict[str, FreshSignalRO]:
        """Return the signals of an exposure's results, by attribute name, for reading them together with others."""
        names = ("elapsed", "i0", "foil", "spc_frame", "boxcar_frame")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def reading_from(self, readings: Mapping[str, PvReading]) -> ExposureReading:
        """Return the exposure triggered last, from valid answers; raises AcquisitionError for those of another one."""
        return self.reading_from_raw({key: reading.value for key, reading in readings.items()})

    def reading_from_raw(self, raw: Mapping[str, Any]) -> ExposureReading:
        """Return the exposure triggered last; raises AcquisitionError if the values belong to another one."""
        spc = self._spc(raw["spc_frame"])
        boxcar_pv = self.boxcar_frame.pvname
        polarity = self._settings.boxcar_polarity
        probes = self._settings.probes
        boxcar = parse_boxcar_frame(raw["boxcar_frame"], polarity, probes, boxcar_pv)
        self._check_same_exposure(spc, boxcar, float(raw["elapsed"]))
        # From here on this exposure counts as read: reading it twice would store it as two points.
        self._armed_after = spc.exposure_id
        return ExposureReading(spc=spc, boxcar=boxcar, i0=float(raw["i0"]), foil=number_or_none(raw, "foil"))

    def _identity_signals(self) -> dict[str, FreshSignalRO]:
        """Return the signals that identify the exposure that the detectors hold."""
        return {"spc_frame": self.spc_frame}

    def _remember_identity(self, readings: Mapping[str, PvReading]) -> None:
        """Remember the exposure that the detectors hold: the next one must be later."""
        self._armed_after = self._spc(readings["spc_frame"].value).exposure_id

    def _spc(self, raw: Any) -> SpcFrame:
        return parse_spc_frame(raw, self._settings.apds, self._settings.probes, self.spc_frame.pvname)

    def _check_same_exposure(self, spc: SpcFrame, boxcar: BoxcarFrame, elapsed_s: float) -> None:
        expected = self._armed_after + 1
        # Equal numbers, one higher than before the trigger, are the only proof that the frames belong to this exposure.
        if (spc.exposure_id, boxcar.exposure_id) != (expected, expected):
            raise AcquisitionError(
                f"Expected exposure {expected}, found {spc.exposure_id} in {self.spc_frame.pvname} and "
                f"{boxcar.exposure_id} in {self.boxcar_frame.pvname}. The trigger was refused, the IOC restarted, or "
                "another client is counting; the point is measured again."
            )
        if not math.isclose(spc.exposure_s, elapsed_s, rel_tol=ELAPSED_TOLERANCE):
            raise AcquisitionError(
                f"{self.elapsed.pvname} counted {elapsed_s:g} s, the frame {spc.exposure_s:g} s: they are not from "
                "one exposure. Another client is counting; the point is measured again."
            )

    def cut_short(self) -> None:
        """End a running exposure that is spoilt already, without waiting; its frames are published as usual.

        Raises NotConnectedError if the connection breaks at this moment.
        """
        if self.count.connected:
            put_without_completion(self.count, 0)

    @property
    def dwell_s(self) -> float:
        """Dwell that the detectors are prepared for, s; NaN before the first `prepare`."""
        return self._dwell_s

    def stop(self, *, success: bool = False) -> None:
        """End a running exposure and forget it: the next trigger counts from its number.

        Raises AcquisitionError if the scaler does not stop.
        """
        # The number in the frame is read after the scaler has stopped: a stopped exposure publishes a frame as well,
        # and its number is used up.
        if not self.connected:
            return
        if int(read_together({"counting": self.counting})["counting"]):
            put_without_completion(self.count, 0)
            self._wait_idle()
        self._remember_identity(valid_readings(self._identity_signals()))

    def pause(self) -> None:
        """End a running exposure: bluesky triggers it again when the plan is resumed.

        A failure is logged, not raised.
        """
        with failures_logged(f"{self.name} was not stopped for the pause"):
            self.stop()

    def resume(self) -> None:
        """Do nothing: the plan triggers again."""

    def _wait_idle(self) -> None:
        deadline = time.monotonic() + self._settings.margin_s
        while int(read_together({"counting": self.counting})["counting"]):
            if time.monotonic() > deadline:
                raise AcquisitionError(
                    f"{self.counting.pvname} still counts {self._settings.margin_s:g} s after it was stopped. Restart "
                    "its IOC."
                )
            time.sleep(IDLE_POLL_S)


def number_or_none(raw: Mapping[str, Any], key: str) -> float | None:
    """Return the value under `key` as a number in the unit of its PV; None if it was not read."""
    return float(raw[key]) if key in raw else None


def exposure_class(settings: ExposureSettings) -> type[Exposure]:
    """Return the class of the exposure with frames: without a foil's diode, if `settings` have none."""
    # ophyd declares components in the class, and each is a PV that must connect.
    return Exposure if settings.foil_channel else type("Exposure", (Exposure,), {"foil": None})


class SimultaneousDetectors:
    """Detectors triggered at once, with one status that fails with the reason of the first failure.

    A bluesky Triggerable.
    """

    parent = None

    def __init__(self, detectors: Sequence[Any]) -> None:
        self.name = "_and_".join(detector.name for detector in detectors)
        self._detectors = tuple(detectors)

    def trigger(self) -> StatusBase:
        """Start one exposure on each; the status is done when all are, and fails with the first failure."""
        return AllOf([detector.trigger() for detector in self._detectors], timeout_error=AcquisitionError)
