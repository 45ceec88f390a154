"""Axes by name, with unit and limits, for plans whose axes the user chooses; their points are checked all at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from devices.configuration import BeamlineConfiguration
from devices.names import AxisName
from devices.numbers import is_finite_number
from errors import InputError
from plans.grids import MAXIMUM_POINTS, check_points
from plans.limits import delay_limits, energy_limits, fluence_limits, position_limits

MOST_FAULTS = 10
"""Largest number of faults of one list that a message names; more do not help to find a wrong step."""


@dataclass(frozen=True, kw_only=True)
class ScannedAxis:
    """An axis that a plan may scan: its event field, and its limits in its unit."""

    name: str
    unit: str
    low: float
    high: float


def scanned_axes(configuration: BeamlineConfiguration) -> dict[str, ScannedAxis]:
    """Return every axis of a beamline by its event field, with limits in its unit."""
    fixed = {
        AxisName.ENERGY: ("eV", energy_limits),
        AxisName.DELAY: ("ps", delay_limits),
        AxisName.FLUENCE: ("mJ/cm2", fluence_limits),
        AxisName.POINTING_HORIZONTAL: ("um", position_limits),
        AxisName.POINTING_VERTICAL: ("um", position_limits),
    }
    found = {str(name): (unit, *limits(configuration)) for name, (unit, limits) in fixed.items()}
    found |= {name: (axis.unit, axis.low, axis.high) for name, axis in configuration.axes.items()}
    return {name: ScannedAxis(name=name, unit=unit, low=low, high=high) for name, (unit, low, high) in found.items()}


def axis_names(configuration: BeamlineConfiguration) -> tuple[str, ...]:
    """Return the event fields of all axes, (axes,), for a form to offer."""
    return tuple(scanned_axes(configuration))


def axis_called(name: Any, configuration: BeamlineConfiguration) -> ScannedAxis:
    """Return the axis with this event field; raise InputError naming all axes if there is none."""
    axes = scanned_axes(configuration)
    if not isinstance(name, str) or name not in axes:
        raise InputError(
            f"{name!r} is not an axis: give one of {', '.join(axes)}. A table [axes.NAME] in the configuration file "
            "adds one."
        )
    return axes[name]


def grid_settings(
    slow: tuple[Any, Any], fast: tuple[Any, Any], configuration: BeamlineConfiguration
) -> tuple[list[dict[str, float]], tuple[int, int]]:
    """Return the settings of a grid row by row, and its shape (slow, fast); each axis is given as name and points.

    Raises InputError with all faults of both axes: unknown names, points that do not ascend or lie outside the limits.
    """
    # Both axes are checked before anything is refused: a user with a fault in each should not have to try twice.
    faults: list[str] = []
    found: list[tuple[str, list[float]]] = []
    for name, points in (slow, fast):
        try:
            axis = axis_called(name, configuration)
            checked = check_points(points, name=axis.name, low=axis.low, high=axis.high, unit=axis.unit)
            found.append((axis.name, checked))
        except InputError as error:
            faults.append(str(error))
    if slow[0] == fast[0]:
        faults.append(f"The slow and the fast axis are both {slow[0]!r}. Give two different axes.")
    raise_all(faults, "The grid")
    (slow_name, rows), (fast_name, columns) = found
    if len(rows) * len(columns) > MAXIMUM_POINTS:
        raise InputError(
            f"The grid has {len(rows)} x {len(columns)} points, at most {MAXIMUM_POINTS} are allowed. Choose larger "
            "steps."
        )
    settings = [{slow_name: row, fast_name: column} for row in rows for column in columns]
    return settings, (len(rows), len(columns))


def checked_settings(settings: Any, configuration: BeamlineConfiguration) -> list[dict[str, float]]:
    """Return a list of settings with plain numbers; raise InputError with all of its faults.

    Every setting is a mapping with the same axes as the first, each within the limits of its axis, in its unit.
    """
    if not isinstance(settings, Sequence) or isinstance(settings, str | bytes) or not settings:
        raise InputError(f"settings = {settings!r}: give a list of mappings, such as [{{'delay_ps': 100}}, ...].")
    if len(settings) > MAXIMUM_POINTS:
        raise InputError(f"There are {len(settings)} settings, at most {MAXIMUM_POINTS} are allowed. Leave some out.")
    # Every setting must have the axes of the first: an axis that is omitted would stay wherever the previous setting
    # put it.
    first = settings[0] if isinstance(settings[0], Mapping) else {}
    axes = scanned_axes(configuration)
    faults = [fault for number, one in enumerate(settings) for fault in _setting_faults(number, one, first, axes)]
    raise_all(faults, "The list of settings")
    return [{str(name): float(one[name]) for name in first} for one in settings]


def raise_all(faults: Sequence[str], what: str) -> None:
    """Raise one InputError with all `faults` of `what`; return if there is none."""
    if len(faults) == 1:
        raise InputError(faults[0])
    if faults:
        more = f"\n  and {len(faults) - MOST_FAULTS} more" if len(faults) > MOST_FAULTS else ""
        lines = "".join(f"\n  {fault}" for fault in faults[:MOST_FAULTS])
        raise InputError(f"{what} has {len(faults)} faults:{lines}{more}")


def _setting_faults(number: int, setting: Any, first: Mapping[Any, Any], axes: Mapping[str, ScannedAxis]) -> list[str]:
    where = f"setting {number}"
    if not isinstance(setting, Mapping) or not setting:
        return [f"{where} is {setting!r}: give a mapping from axes to values, such as {{'delay_ps': 100}}."]
    # All faults of a setting are collected: a list of a hundred settings is usually wrong in the same way throughout.
    faults = []
    if {*setting} != {*first}:
        own, others = (", ".join(map(str, one)) for one in (setting, first))
        faults.append(f"{where} has the axes {own}, the first has {others}. Give both the same axes.")
    for name, value in setting.items():
        if name not in axes:
            faults.append(f"{where}: {name!r} is not an axis. Give some of {', '.join(axes)}.")
            continue
        axis = axes[name]
        if not is_finite_number(value) or not axis.low <= value <= axis.high:
            faults.append(
                f"{where}: {name} = {value!r} {axis.unit} is outside {axis.low:g} to {axis.high:g} {axis.unit}. "
                "Change it; nothing was moved."
            )
    return faults
