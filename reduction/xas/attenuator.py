"""Laser power against the angle of the half-wave plate, from a calibration of the attenuator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.events import PrimaryEvents

if TYPE_CHECKING:
    from reduction.types import Document, FloatArray


class AttenuatorSums:
    """Readings of one calibration of the attenuator: call it with `(name, document)`."""

    def __init__(self) -> None:
        self.start: Document = {}
        self._events = PrimaryEvents()
        self._readings: list[tuple[float, float, float]] = []

    def __call__(self, name: str, doc: Document) -> None:
        """Take one document. Raises ReductionError for an event without angle and power."""
        if name == "start":
            self.start = doc
        self._readings += [_reading(event["data"]) for event in self._events(name, doc)]

    def readings(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return plate angles (degrees), powers (W), and their errors (W), sorted by angle, (points,) each.

        Raises ReductionError before the first reading.
        """
        if not self._readings:
            raise ReductionError("The run holds no reading of the power yet. Wait for the first angle.")
        angle_deg, power_w, sigma_w = np.array(sorted(self._readings)).T
        return angle_deg, power_w, sigma_w


def _reading(data: Document) -> tuple[float, float, float]:
    try:
        return float(data["waveplate"]), float(data["power_w"]), float(data["power_sigma_w"])
    except (KeyError, TypeError, ValueError) as error:
        raise ReductionError(
            f"An event of the attenuator's calibration lacks {error}. Repeat the calibration."
        ) from error
