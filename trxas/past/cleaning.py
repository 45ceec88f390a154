"""Which rows of a pass cannot be used, and why; what users of such files corrected by hand, now documented."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from reduction.types import BoolArray, FloatArray
    from trxas.past.columns import PastData
    from trxas.past_settings import PastSettings

MEDIAN_ROWS = 7
"""Rows of the running median of I0, itself in the middle: more than two bad rows in a row do not hide each other."""

NOT_A_NUMBER = "not_a_number"
BEAM_LOST = "beam_lost"
I0_OUTLIER = "i0_outlier"
OUT_OF_ORDER = "out_of_order"
"""Reasons why a row is cut, as they stand in the field `quality` of its event."""

REASONS = {
    NOT_A_NUMBER: "a value is missing, or is not a number",
    BEAM_LOST: "I0 is far below that of the pass: the beam was lost",
    I0_OUTLIER: "I0 differs from its running median",
    OUT_OF_ORDER: "the axis jumped out of the order of the scan, as after a motor glitch",
}


def faulty_rows(data: PastData, axis: FloatArray, settings: PastSettings, same: float) -> list[str]:
    """Return for each row the reason why it is cut, "" for a good one, (rows,).

    `axis` (rows,) is what the pass scanned, `same` the distance below which two of its values are equal.
    """
    reasons = [""] * len(axis)
    values = [axis, data.i0, *(data.spc or ()), *(data.boxcar or ())]
    finite = np.all([np.isfinite(one) for one in values], axis=0)
    counts = np.all([one >= 0 for one in data.spc], axis=0) if data.spc is not None else np.ones(len(axis), dtype=bool)
    usable = finite & counts & (data.i0 > 0)
    _mark(reasons, ~(finite & counts), NOT_A_NUMBER)
    # The median of the good rows: a pass whose second half had no beam must not lower it.
    level = float(np.median(data.i0[usable])) if usable.any() else 0.0
    lost = data.i0 < settings.beam_lost_below * level
    _mark(reasons, finite & (lost | (data.i0 <= 0)), BEAM_LOST)
    good = np.array([not reason for reason in reasons])
    running = running_median(data.i0, good)
    _mark(reasons, good & (np.abs(data.i0 - running) > settings.i0_tolerance * running), I0_OUTLIER)
    good = np.array([not reason for reason in reasons])
    _mark(reasons, good & ~in_order(axis, good, same), OUT_OF_ORDER)
    return reasons


def running_median(values: FloatArray, good: BoolArray) -> FloatArray:
    """Return the median of the good values within `MEDIAN_ROWS` rows about each row, (rows,); NaN without any."""
    half = MEDIAN_ROWS // 2
    found = np.full(len(values), np.nan)
    for row in range(len(values)):
        near = slice(max(row - half, 0), row + half + 1)
        chosen = values[near][good[near]]
        if len(chosen):
            found[row] = np.median(chosen)
    return found


def in_order(axis: FloatArray, good: BoolArray, same: float) -> BoolArray:
    """Return the mask (rows,) of the rows that a scan in one direction can have, as many as possible.

    The rows that are left are the longest part of the good ones that only rises, or only falls, within `same`.
    """
    rows = np.nonzero(good)[0]
    rising = _longest_rising(axis[rows], same)
    falling = _longest_rising(-axis[rows], same)
    mask = np.zeros(len(axis), dtype=bool)
    mask[rows[rising if len(rising) >= len(falling) else falling]] = True
    return mask


def _longest_rising(values: FloatArray, same: float) -> list[int]:
    """Return the places of the longest part of `values` that never falls by more than `same`."""
    # Patience sorting: `ends[k]` is the smallest last value of a rising part of length k + 1, so it is sorted, and the
    # length that a value can extend is found by bisection. `before` leads back from the last value to the first.
    ends: list[float] = []
    places: list[int] = []
    before: list[int] = []
    for place, value in enumerate(values):
        length = bisect_right(ends, value + same)
        before.append(places[length - 1] if length else -1)
        if length == len(ends):
            ends.append(value)
            places.append(place)
        else:
            ends[length] = value
            places[length] = place
    found = []
    place = places[-1] if places else -1
    while place >= 0:
        found.append(place)
        place = before[place]
    return found[::-1]


def _mark(reasons: list[str], rows: BoolArray, reason: str) -> None:
    for row in np.nonzero(rows)[0]:
        reasons[row] = reasons[row] or reason
