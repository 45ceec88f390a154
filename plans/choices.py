"""Words that parameters of plans choose from."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import numpy as np

from errors import InputError
from plans.argument import MAXIMUM_REPEATS


class PointOrder(StrEnum):
    """Order in which a pass measures its points."""

    UP = "up"
    """Ascending, every pass."""
    SNAKE = "snake"
    """Alternately ascending and descending: a linear drift cancels."""
    INTERLEAVED = "interleaved"
    """Every other point ascending, then the others descending: a linear drift cancels between neighbours."""
    PROGRESSIVE = "progressive"
    """Every eighth point first, then those between: a usable curve after an eighth of the time."""


class ShutterReference(StrEnum):
    """When the laser shutter closes for a second reference: never, at every point, or for a whole pass."""

    NONE = "none"
    POINT = "point"
    SCAN = "scan"


class Stepping(StrEnum):
    """How a run goes from exposure to exposure: steps of the plan, steps of a sequencer, or a sweep that counts."""

    SOFTWARE = "software"
    HARDWARE = "hardware"
    FLY = "fly"


class DelayStepping(StrEnum):
    """How the delay steps from exposure to exposure: by the plan, or by a sequencer that plays a table."""

    SOFTWARE = Stepping.SOFTWARE.value
    HARDWARE = Stepping.HARDWARE.value


class EnergyStepping(StrEnum):
    """How the energy goes from point to point: steps of the plan, or sweeps that count on the way."""

    SOFTWARE = Stepping.SOFTWARE.value
    FLY = Stepping.FLY.value


class Schedule(StrEnum):
    """When the runs that calibrate a scan are measured: never, before it, or before and after it.

    A number N instead of a word stands for before the scan, after every N passes, and after the last.
    """

    NONE = "none"
    BEFORE = "before"
    AROUND = "around"


class DelayGoal(StrEnum):
    """Result of a delay scan that may end it: the error of every point, or of a lifetime, in ps or relative to it."""

    POINTS = "points"
    TAU1 = "tau1"
    TAU2 = "tau2"
    TAU1_RELATIVE = "tau1_relative"
    TAU2_RELATIVE = "tau2_relative"


class EnergyGoal(StrEnum):
    """Result of an energy scan that may end it: the error of every point, or of the mean over a window."""

    POINTS = "points"
    WINDOW = "window"


class Direction(StrEnum):
    """Direction in which one mirror moves the laser over the sample."""

    HORIZONTAL = "horizontal"
    VERTICAL = "vertical"


def read_schedule(value: Any) -> Schedule | int:
    """Return a schedule given as a word, or as a number of passes from 1, also written as text.

    Raises InputError for anything else.
    """
    text = str(value).strip()
    if isinstance(value, str | int | np.integer) and not isinstance(value, bool):
        if text in tuple(Schedule):
            return Schedule(text)
        if text.isdecimal() and 1 <= int(text) <= MAXIMUM_REPEATS:
            return int(text)
    words = ", ".join(repr(str(one)) for one in Schedule)
    raise InputError(f"{value!r} is not a schedule: give {words}, or a number of passes from 1 to {MAXIMUM_REPEATS}.")
