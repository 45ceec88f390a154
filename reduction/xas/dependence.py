"""The transient against any axes: mirror positions, a nozzle, a magnet, or two of them at once."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.detectors import detectors_of
from reduction.events import PrimaryEvents
from reduction.pileup import true_counts, true_counts_variance
from reduction.run_metadata import gates_of_start

if TYPE_CHECKING:
    from reduction.gate_calibration import GateCalibration
    from reduction.types import Document, FloatArray, IntArray

_KEYS = ("grid", "pumped_probe", "unpumped_probe")


@dataclass(frozen=True, kw_only=True)
class PhotonPairs:
    """Pile-up corrected photons of the pumped and of the unpumped probe, with their variances: arrays of one shape."""

    pumped: FloatArray
    unpumped: FloatArray
    pumped_variance: FloatArray
    unpumped_variance: FloatArray

    @property
    def change(self) -> FloatArray:
        """ln(pumped / unpumped), in the shape of the photons: jet and flux cancel, as both are of the same exposure."""
        return np.asarray(np.log(self.pumped / self.unpumped))

    @property
    def sigma(self) -> FloatArray:
        """Counting error of `change`, in the same shape."""
        relative = self.pumped_variance / self.pumped**2 + self.unpumped_variance / self.unpumped**2
        return np.asarray(np.sqrt(relative))


@dataclass(frozen=True, kw_only=True)
class PumpedPhotons(PhotonPairs):
    """Photons of both probes at every measured point, (points,).

    `index` (points,) counts the planned points; `positions` (points, axes) are mean read-backs in the units of the
    axes.
    """

    index: IntArray
    positions: FloatArray


class DependenceSums:
    """Running sums of a scan of any axes: photons of the pumped and of the unpumped probe at every point.

    Call it with `(name, document)`. Only good exposures with the laser shutter open count; all photodiodes are summed.
    Zeros, laser light and gains of the gates are taken out where the run has a calibration of them; what is left of its
    errors, far below those of counting at a single point, is not included. Raises ReductionError for a start document
    without grid and probes.
    """

    def __init__(self) -> None:
        self.start: Document = {}
        self._events = PrimaryEvents()
        # Rows: photons pumped and unpumped, their variances, exposures, and the sum of the positions of each axis.
        self._sums = np.zeros((5, 0))
        self._weights = np.ones((1, 1))
        self._gates: GateCalibration | None = None

    def __call__(self, name: str, doc: Document) -> None:
        """Take one document of the bluesky event model."""
        if name == "start":
            self._begin(doc)
        for event in self._events(name, doc):
            self._add(event["data"])

    @property
    def axes(self) -> tuple[str, ...]:
        """Event fields of the scanned axes; raises KeyError before the start document."""
        grid = self.start["grid"]
        return (str(grid["axis"]),) if "axis" in grid else tuple(map(str, grid["axes"]))

    @property
    def axis(self) -> str:
        """Event field of the first scanned axis; raises KeyError before the start document."""
        return self.axes[0]

    def photons(self) -> PumpedPhotons:
        """Return the photons at every point that was measured; raises ReductionError before the first good exposure."""
        measured = (self._sums[4] > 0) & (self._sums[:2] > 0).all(axis=0)
        if not measured.any():
            raise ReductionError("The run holds no good exposure yet. Wait for the first point.")
        pumped, unpumped, pumped_variance, unpumped_variance, exposures, *positions = self._sums[:, measured]
        return PumpedPhotons(
            index=np.flatnonzero(measured),
            positions=(np.array(positions) / exposures).T,
            pumped=pumped,
            unpumped=unpumped,
            pumped_variance=pumped_variance,
            unpumped_variance=unpumped_variance,
        )

    def snapshot(self) -> DependenceSums:
        """Return a copy that later documents do not change: it shares the start document, not the (sums, points)."""
        copied = copy(self)
        copied._sums = self._sums.copy()
        return copied

    def change(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return positions in the unit of the first axis, ln(pumped / unpumped) and its counting error, (points,) each.

        Raises ReductionError before the first good exposure.
        """
        photons = self.photons()
        return photons.positions[:, 0], photons.change, photons.sigma

    def _begin(self, doc: Document) -> None:
        missing = [key for key in _KEYS if key not in doc]
        if missing:
            lacking = ", ".join(missing)
            raise ReductionError(
                f"The start document lacks {lacking}: it does not belong to a scan of axes. Choose another run."
            )
        self.start = doc
        weights = next((one.weights for one in detectors_of(doc) if "spc_counts" in one.fields.values()), (1.0,))
        self._weights = np.asarray(weights)[:, None]
        self._gates = gates_of_start(doc)
        self._sums = np.zeros((5 + len(self.axes), len(doc["grid"]["points"])))

    def _zero_and_gain(self, data: Document, probes: list[int]) -> tuple[FloatArray, FloatArray]:
        """Return zeros, photons per pulse, and gains of `probes` in an exposure: 0 and 1 without a calibration."""
        if self._gates is None or "spc" not in self._gates.chains:
            return np.zeros(len(probes)), np.ones(len(probes))
        zeros = self._gates.zeros("spc", [data["delay_ps"]], [data["fluence_mj_cm2"]], laser=True)
        return zeros[0, probes], self._gates.chains["spc"].gain[probes]

    def _add(self, data: Document) -> None:
        if data["quality"] or data["laser_shutter"] != 1:
            return
        try:
            # Corrected for pile-up exposure by exposure and APD by APD, before anything is summed.
            probes = [int(self.start[key]) for key in ("pumped_probe", "unpumped_probe")]
            counts = np.asarray(data["spc_counts"], dtype=float)[:, probes]
            pulses = np.asarray(data["spc_pulses"], dtype=float)[probes]
            photons = self._weights * true_counts(counts, pulses)
            variance = self._weights**2 * true_counts_variance(counts, pulses)
            zero, gain = self._zero_and_gain(data, probes)
            row = [*(photons.sum(axis=0) - zero * pulses) / gain, *variance.sum(axis=0) / gain**2]
            positions = [float(data[axis]) for axis in self.axes]
            self._sums[:, int(data["point_index"])] += [*row, 1.0, *positions]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            if isinstance(error, ReductionError):
                raise
            raise ReductionError(
                f"An event of the scan lacks a value, or has a wrong one: {error!r}. Mark it in `quality`."
            ) from error
