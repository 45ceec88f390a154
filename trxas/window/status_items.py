"""Status items of the window: process variables of the beamline by its configuration, read only."""

from __future__ import annotations

import contextlib
import functools
import math
import time
from collections.abc import Mapping
from typing import Any

from devices.configuration import BeamlineConfiguration, CellSettings, ConditionSettings, RecordAxisSettings
from devices.conversions import cell_temperature_c, delay_ps, energy_ev, fluence_mj_cm2
from errors import StorageError
from gui.status.item import StatusItem
from gui.types import Severity
from storage.calibrations import CalibrationFile
from trxas.configuration import Configuration
from trxas.session.calibrations import ATTENUATOR, ENERGY, TIME_ZERO, calibration_file

READ_AGAIN_S = 2.0
"""Age at which the saved calibrations are read again; sessions change them."""

SHUTTER: Mapping[int, tuple[str, Severity]] = {0: ("CLOSED", "warning"), 1: ("OPEN", "good")}
LASER_SHUTTER: Mapping[int, tuple[str, Severity]] = {0: ("CLOSED", "good"), 1: ("OPEN", "good")}
"""Closed is normal too: scans close it at every other point, and it stays closed while nothing is measured."""

LOCK: Mapping[int, tuple[str, Severity]] = {0: ("UNLOCKED", "bad"), 1: ("LOCKED", "good")}


class SavedCalibrations:
    """Saved calibrations, read again every 2 s, so that the window converts raw PVs as a session does.

    Falls back to the configured value of a calibration that was never saved.
    """

    def __init__(self, file: CalibrationFile, beamline: BeamlineConfiguration) -> None:
        self._file = file
        self._read_at_s = -math.inf
        fluence = beamline.fluence
        self._configured: dict[str, Any] = {
            TIME_ZERO: beamline.delay.time_zero_raw_ps,
            ENERGY: 0.0,
            ATTENUATOR: {"maximum_mj_cm2": fluence.maximum_mj_cm2, "zero_deg": fluence.zero_deg},
        }
        self._saved: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        now_s = time.monotonic()
        # Read again every 2 s, not with every reading: the items are converted many times per second. A session that
        # calibrates an axis is therefore followed within two seconds.
        if now_s - self._read_at_s > READ_AGAIN_S:
            self._read_at_s = now_s
            # A damaged file stops sessions with its own message; the window continues with the latest values.
            with contextlib.suppress(StorageError):
                self._saved = {name: saved.value for name, saved in self._file.read().items()}
        return self._saved.get(name, self._configured[name])


def status_items(configuration: Configuration) -> list[StatusItem]:
    """Return the items in display order: axes, laser, shutters, ring current, jet and temperatures.

    Axes are converted from raw PVs to eV, ps and mJ/cm2, as a session does.
    """
    beamline = configuration.beamline
    saved = SavedCalibrations(calibration_file(configuration), beamline)
    prefix = beamline.epics.prefix
    laser = beamline.laser
    around = beamline.surroundings
    items = [
        _energy_item(beamline, saved),
        _delay_item(beamline, saved),
        *([_fluence_item(beamline, saved)] if beamline.fluence.waveplate else []),
        *_further_items(prefix, beamline.axes),
        *_condition_items(prefix, beamline.conditions),
        StatusItem(label="laser lock", pvs=(prefix + laser.lock,), kind="state", words=LOCK),
        _divider(prefix + laser.rate_divider, laser.required_divider),
        StatusItem(label="laser shutter", pvs=(prefix + laser.shutter_readback,), kind="state", words=LASER_SHUTTER),
        StatusItem(label="X-ray shutter", pvs=(prefix + around.xray_shutter_readback,), kind="state", words=SHUTTER),
        StatusItem(
            label="ring current", pvs=(prefix + around.ring_current,), unit="mA", low=around.ring_current_low_ma
        ),
        StatusItem(
            label="jet flow", pvs=(prefix + around.jet_flow,), unit="ml/min", low=around.jet_flow_low_ml_min, decimals=0
        ),
        StatusItem(label="jet temperature", pvs=(prefix + around.jet_temperature,), unit="C", decimals=1),
    ]
    # What the beamline does not serve has the prefix alone as its name.
    items = [item for item in items if prefix not in item.pvs]
    return items if beamline.cell is None else [*items, _cell_item(prefix, beamline.cell)]


def _further_items(prefix: str, axes: Mapping[str, RecordAxisSettings]) -> list[StatusItem]:
    """Return an item for every axis of a table `[axes.NAME]`, in its unit, if its read-back is known."""
    return [
        StatusItem(
            label=name,
            pvs=(prefix + pv,),
            unit=axis.unit,
            low=axis.low,
            high=axis.high,
            decimals=3,
            convert=functools.partial(_unscaled, scale=axis.scale),
        )
        for name, axis in axes.items()
        if (pv := axis.readback_pv)
    ]


def _unscaled(raw: tuple[float, ...], scale: float) -> float:
    """Return the position of an axis whose PV shows `scale` per unit of the axis."""
    return raw[0] / scale


def _condition_items(prefix: str, conditions: Mapping[str, ConditionSettings]) -> list[StatusItem]:
    """Return an item for every condition of a table `[conditions.NAME]`, in the unit of its PV."""
    items = []
    for name, one in conditions.items():
        low, high = (limit if math.isfinite(limit) else None for limit in one.limits)
        items.append(StatusItem(label=name, pvs=(prefix + one.pv,), unit=one.unit, low=low, high=high, decimals=0))
    return items


def _cell_item(prefix: str, cell: CellSettings) -> StatusItem:
    return StatusItem(
        label="cell temperature",
        pvs=(prefix + cell.thermocouple,),
        unit="C",
        decimals=1,
        high=cell.high_c,
        convert=lambda values: cell_temperature_c(values[0], offset_c=cell.offset_c, gain=cell.gain),
    )


def _energy_item(beamline: BeamlineConfiguration, saved: SavedCalibrations) -> StatusItem:
    energy = beamline.energy
    return StatusItem(
        label="energy",
        pvs=(beamline.epics.prefix + energy.readback,),
        unit="eV",
        low=energy.low_ev,
        high=energy.high_ev,
        convert=lambda raw: energy_ev(raw[0], float(saved[ENERGY])),
    )


def _delay_item(beamline: BeamlineConfiguration, saved: SavedCalibrations) -> StatusItem:
    prefix = beamline.epics.prefix
    delay = beamline.delay

    def shown_delay_ps(raw: tuple[float, ...]) -> float:
        return delay_ps(
            *raw,
            coarse_sign=delay.coarse_sign,
            fine_sign=delay.fine_sign,
            time_zero_raw_ps=float(saved[TIME_ZERO]),
        )

    return StatusItem(
        label="delay",
        pvs=(prefix + delay.coarse_readback, prefix + delay.fine_readback),
        unit="ps",
        low=delay.low_ps,
        high=delay.high_ps,
        convert=shown_delay_ps,
        decimals=1,
    )


def _fluence_item(beamline: BeamlineConfiguration, saved: SavedCalibrations) -> StatusItem:
    fluence = beamline.fluence

    def shown_fluence_mj_cm2(raw: tuple[float, ...]) -> float:
        plate = saved[ATTENUATOR]
        return fluence_mj_cm2(raw[0], maximum_mj_cm2=float(plate["maximum_mj_cm2"]), zero_deg=float(plate["zero_deg"]))

    return StatusItem(
        label="fluence",
        pvs=(f"{beamline.epics.prefix}{fluence.waveplate}.RBV",),
        unit="mJ/cm²",
        low=fluence.low_mj_cm2,
        high=fluence.high_mj_cm2,
        convert=shown_fluence_mj_cm2,
    )


def _divider(pv: str, required: int) -> StatusItem:
    words: dict[int, tuple[str, Severity]] = {number: (f"1/{number}, WRONG", "bad") for number in range(1, 100)}
    words[required] = (f"1/{required}", "good")
    return StatusItem(label="laser rate", pvs=(pv,), kind="state", words=words)
