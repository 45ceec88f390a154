"""The transient against any one axis: mirror positions, a nozzle, a magnet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.events import PrimaryEvents
from reduction.pileup import true_counts, true_counts_variance

if TYPE_CHECKING:
    from reduction.types import Document, FloatArray

_KEYS = ("grid", "pumped_probe", "unpumped_probe")


class DependenceSums:
    """Running sums of a scan of one axis: photons of the pumped and of the unpumped probe at every position.

    Call it with `(name, document)`. Only good exposures with the laser shutter open count; both APDs are summed. Raises
    ReductionError for a start document without grid and probes.
    """

    def __init__(self) -> None:
        self.start: Document = {}
        self._events = PrimaryEvents()
        # Rows: photons pumped and unpumped, their variances, sum of positions, exposures.
        self._sums = np.zeros((6, 0))

    def __call__(self, name: str, doc: Document) -> None:
        """Take one document of the bluesky event model."""
        if name == "start":
            self._begin(doc)
        for event in self._events(name, doc):
            self._add(event["data"])

    @property
    def axis(self) -> str:
        """Event field of the scanned axis; raises KeyError before the start document."""
        return str(self.start["grid"]["axis"])

    def change(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return positions in the unit of the axis, ln(pumped / unpumped) and its counting error, (points,) each.

        Jet and flux cancel in the ratio, because both probes are of the same exposure. Raises ReductionError before the
        first good exposure.
        """
        measured = (self._sums[5] > 0) & (self._sums[:2] > 0).all(axis=0)
        if not measured.any():
            raise ReductionError("The run holds no good exposure yet. Wait for the first point.")
        pumped, unpumped, pumped_variance, unpumped_variance, position, exposures = self._sums[:, measured]
        sigma = np.sqrt(pumped_variance / pumped**2 + unpumped_variance / unpumped**2)
        return position / exposures, np.log(pumped / unpumped), sigma

    def _begin(self, doc: Document) -> None:
        missing = [key for key in _KEYS if key not in doc]
        if missing:
            lacking = ", ".join(missing)
            raise ReductionError(
                f"The start document lacks {lacking}: it does not belong to a scan of one axis. Choose another run."
            )
        self._sums = np.zeros((6, len(doc["grid"]["points"])))
        self.start = doc

    def _add(self, data: Document) -> None:
        if data["quality"] or data["laser_shutter"] != 1:
            return
        try:
            # Corrected for pile-up exposure by exposure and APD by APD, before anything is summed.
            probes = [int(self.start[key]) for key in ("pumped_probe", "unpumped_probe")]
            counts = np.asarray(data["spc_counts"], dtype=float)[:, probes]
            pulses = np.asarray(data["spc_pulses"], dtype=float)[probes]
            row = [*true_counts(counts, pulses).sum(axis=0), *true_counts_variance(counts, pulses).sum(axis=0)]
            self._sums[:, int(data["point_index"])] += [*row, float(data[self.axis]), 1.0]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            if isinstance(error, ReductionError):
                raise
            raise ReductionError(
                f"An event of the scan lacks a value, or has a wrong one: {error!r}. Mark it in `quality`."
            ) from error
