"""Scales: from a quantity to a place along an axis and back, and the values with ticks."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from gui.delay_scale import LINEAR_DECADES, LINEAR_TO_PS
from reduction.types import FloatArray


class Scale(Protocol):
    """A monotonic map from values to places along an axis."""

    def to_axis(self, values: ArrayLike) -> FloatArray:
        """Return the places of `values` along the axis, same shape."""

    def from_axis(self, places: ArrayLike) -> FloatArray:
        """Return the values at `places`, same shape."""

    def ticks(self, low: float, high: float) -> list[float]:
        """Return values for ticks, of shape (ticks,), between the places `low` and `high`, most important first.

        An empty list leaves the ticks to the axis, as on a linear scale.
        """


class LinearScale:
    """Scale on which every value is its own place."""

    def to_axis(self, values: ArrayLike) -> FloatArray:
        """Return the values themselves as floats, same shape."""
        return np.asarray(values, dtype=float)

    def from_axis(self, places: ArrayLike) -> FloatArray:
        """Return the places themselves as floats, same shape."""
        return np.asarray(places, dtype=float)

    def ticks(self, low: float, high: float) -> list[float]:  # noqa: ARG002  # a linear axis finds its own
        """Return no ticks; the axis finds them itself."""
        return []


class WholeNumberScale(LinearScale):
    """A linear scale for whole numbers, such as probes and scans."""

    def ticks(self, low: float, high: float) -> list[float]:
        """Return every whole number."""
        return [float(value) for value in range(int(np.ceil(low)), int(np.floor(high)) + 1)]


class CellScale:
    """Cells of equal size for ascending `positions` (cells,) of any spacing: the first is centred at place 0."""

    def __init__(self, positions: ArrayLike) -> None:
        self.positions = np.asarray(positions, dtype=float)

    def to_axis(self, values: ArrayLike) -> FloatArray:
        """Return the places of `values`, linear between centres of cells, and those of the outermost cells beyond.

        The result has the shape of `values`.
        """
        return np.asarray(np.interp(np.asarray(values, dtype=float), self.positions, np.arange(len(self.positions))))

    def from_axis(self, places: ArrayLike) -> FloatArray:
        """Return the values at `places`, linear between centres of cells; the result has the shape of `places`."""
        return np.asarray(np.interp(np.asarray(places, dtype=float), np.arange(len(self.positions)), self.positions))

    def ticks(self, low: float, high: float) -> list[float]:
        """Return the positions of all cells, in their order; an axis without room for all keeps every nth."""
        return [float(position) for index, position in enumerate(self.positions) if low <= index <= high]


class DelayScale:
    """Delays in ps, linear within 500 ps of time zero and logarithmic beyond: both decays fit into one plot."""

    def to_axis(self, values: ArrayLike) -> FloatArray:
        """Return the places of delays in ps along the axis, in decades."""
        delay = np.asarray(values, dtype=float)
        # Continuous at the joint, in value but not in slope: the linear part takes a fixed number of decades on each
        # side, as matplotlib's "symlog" does. Negative delays are the mirror image.
        size = np.abs(delay) / LINEAR_TO_PS
        late = LINEAR_DECADES + np.log10(np.maximum(size, 1.0))
        return np.asarray(np.sign(delay) * np.where(size <= 1.0, LINEAR_DECADES * size, late))

    def from_axis(self, places: ArrayLike) -> FloatArray:
        """Return the delays in ps at `places`."""
        place = np.asarray(places, dtype=float)
        size = np.abs(place)
        late = 10.0 ** np.minimum(size - LINEAR_DECADES, 9.0)
        linear = size / LINEAR_DECADES
        return np.asarray(np.sign(place) * LINEAR_TO_PS * np.where(size <= LINEAR_DECADES, linear, late))

    def ticks(self, low: float, high: float) -> list[float]:
        """Return round delays in ps: time zero, powers of ten, the ends of the linear part, others."""
        first, last = (float(end) for end in self.from_axis([low, high]))
        powers = [sign * 10.0**power for power in range(3, 9) for sign in (1, -1)]
        between = [sign * lead * 10.0**power for power in range(3, 9) for lead in (2, 5) for sign in (1, -1)]
        fine = _steps(max(first, -LINEAR_TO_PS), min(last, LINEAR_TO_PS))
        ordered = [0.0, *powers, LINEAR_TO_PS, -LINEAR_TO_PS, *fine, *between]
        return [value for value in dict.fromkeys(ordered) if first <= value <= last]


def _steps(low: float, high: float) -> list[float]:
    if high <= low:
        return []
    step = next((step for step in (10.0, 20.0, 50.0, 100.0, 250.0, 500.0) if (high - low) / step <= 5), 500.0)
    return [float(value) for value in np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step]
