"""Fields of an event, made from the answers of its PVs: positions, surroundings, marks of values that are not measured.

A record that has lost its device still serves the last value that it knew, in INVALID alarm. The event stores that
value, and not NaN, which catalogues, JSON and averages treat in different ways. A mark states that the value is not a
measurement, whether or not a condition depends on it. If a record serves no number at all, there is nothing to store,
and the exposure is repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devices.axes.axis import Axis
from devices.exposure.gated_detectors import ExposureReading
from devices.signals.uncached_signal import FreshSignalRO, PvReading, served_number

INVALID_ENDING = "_invalid"
"""Ending of the mark of a field whose record was in INVALID alarm: the field then holds the value that it served."""

Raw = Mapping[str, PvReading]
"""Answers of the PVs of an event by key."""


def positions_from(axes: Mapping[str, Axis], raw: Raw) -> dict[str, float]:
    """Return the positions of `axes` by event field, each in the unit of its axis.

    The keys of `raw` are "axis name.attribute". Raises AcquisitionError for a record that serves no number.
    """
    positions = {}
    for key, axis in axes.items():
        own = {
            name: served_number(signal.pvname, raw[f"{axis.name}.{name}"])
            for name, signal in axis.fresh_signals().items()
        }
        positions[key] = axis.value_from_raw(own)
    return positions


def numbers_from(signals: Mapping[str, FreshSignalRO], raw: Raw) -> dict[str, float]:
    """Return the values of `signals` by event field, in the units of their PVs.

    Raises AcquisitionError for a record that serves no number.
    """
    return {key: served_number(signal.pvname, raw[key]) for key, signal in signals.items()}


def invalid_marks(axes: Mapping[str, Axis], signals: Mapping[str, FreshSignalRO], raw: Raw) -> tuple[str, ...]:
    """Return the marks of the fields, of `axes` and `signals`, that hold a value which is not a measurement."""
    readings = {key: [raw[f"{axis.name}.{name}"] for name in axis.fresh_signals()] for key, axis in axes.items()}
    readings |= {key: [raw[key]] for key in signals}
    invalid = [key for key, parts in readings.items() if not all(part.valid for part in parts)]
    return tuple(f"{key}{INVALID_ENDING}" for key in invalid)


def counted_fields(reading: ExposureReading) -> dict[str, Any]:
    """Return the event fields of every exposure, with or without photodiodes: shutter, I0 in counts, s and number."""
    return {
        "laser_shutter": reading.spc.laser_shutter,
        "i0": reading.i0,
        "exposure_s": reading.spc.exposure_s,
        "exposure_id": reading.spc.exposure_id,
    }


def data_key(dtype: str, *, source: str, shape: list[int] | None = None, **extra: str) -> dict[str, Any]:
    """Return the data key of a field that comes from the PV `source`, or from "trxas" itself.

    `shape` is that of an array, (apd, probe) for instance, and None for a scalar.
    """
    return {"source": source if source == "trxas" else f"PV:{source}", "dtype": dtype, "shape": shape or [], **extra}
