"""The numbers that one event adds to the sums of a run, and the columns in which they stand."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from reduction.detectors import DetectorSums

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike

    from reduction.run_metadata import RunMetadata
    from reduction.types import FloatArray

MOST_CORRELATED = 16
"""Gates up to which events may hold the covariances of the boxcar's means."""

LARGEST_OFFSET = 0.2
"""Share of the signal of an ion chamber up to which its reading in dark exposures is taken for an offset."""

_SCALARS = ("i0", "exposure_s", "energy_ev", "delay_ps", "fluence_mj_cm2", "foil", "laser_power_w", "time_s")

_MODES = {"counts": "spc", "pulses": "spc"} | dict.fromkeys(
    ("boxcar_integral", "boxcar_variance", "boxcar_covariance"), "boxcar"
)
"""The detection mode that a quantity belongs to; the others are in every run."""


class EventRows:
    """Rows of sums of one run: `layout` gives the columns of each quantity, `width` their number.

    Quantities of a mode that the run does not have are in `widths`, but have no columns. Every number of a row is
    linear in the exposure, so rows of one point add up to the row of one long exposure.
    """

    def __init__(self, metadata: RunMetadata) -> None:
        self._metadata = metadata
        probes = metadata.timing.probes_per_pump
        self._further = DetectorSums(metadata.detectors, probes)
        widths = {
            "counts": metadata.photodiodes * probes,
            "pulses": probes,
            "boxcar_integral": probes,
            "boxcar_variance": probes,
            "boxcar_covariance": pairs_of(probes),
        }
        widths |= dict.fromkeys((*_SCALARS, "exposures"), 1)
        widths |= self._further.widths()
        self.widths = widths
        recorded = {name: width for name, width in widths.items() if _MODES.get(name) in (None, *metadata.modes)}
        self.layout = layout_of(recorded)
        self.width = sum(recorded.values())

    def row(self, data: Mapping[str, Any], time_s: float) -> FloatArray:
        """Return the numbers of an event at `time_s` (s since 1970), (width,).

        Raises KeyError for a field that the event lacks, TypeError or ValueError for one of the wrong shape or type.
        """
        return self._filled(np.zeros(self.width), data, time_s)

    def rows(self, columns: Mapping[str, Any], times_s: Sequence[float]) -> FloatArray:
        """Return the numbers of the events of a page, shape (events, width), from its columns.

        Raises the same errors as `row`.
        """
        rows = self._filled(np.zeros((len(times_s), self.width)), columns, np.asarray(times_s))
        if self._further.detectors:
            for row, (number, _) in zip(rows, enumerate(times_s), strict=True):
                data = {key: values[number] for key, values in columns.items()}
                self._add_further(row, data, row[self.layout["i0"]][0])
        return rows

    def _filled(self, rows: FloatArray, data: Mapping[str, Any], time_s: ArrayLike) -> FloatArray:
        """Write the numbers of an event, (width,), or of the events of a page, (events, width), into `rows`."""
        layout = self.layout
        if "spc" in self._metadata.modes:
            rows[..., layout["counts"]] = np.reshape(data["spc_counts"], (*rows.shape[:-1], -1))
            rows[..., layout["pulses"]] = data["spc_pulses"]
        if "boxcar" in self._metadata.modes:
            # The integral of the signal over the exposure, V s; its variance is that of the mean, scaled alike.
            exposure = np.asarray(data["exposure_s"], dtype=float)[..., None]
            rows[..., layout["boxcar_integral"]] = np.asarray(data["boxcar_mean"], dtype=float) * exposure
            rows[..., layout["boxcar_variance"]] = np.asarray(data["boxcar_variance"], dtype=float) * exposure**2
            if "boxcar_covariance" in data:
                covariance = np.asarray(data["boxcar_covariance"], dtype=float)
                rows[..., layout["boxcar_covariance"]] = covariance * exposure**2
        # The scalars lie side by side in the layout, in the order of `_SCALARS`, before the number of exposures.
        scalars = self._scalars(data, time_s)
        for column, values in enumerate(scalars, start=layout["i0"].start):
            rows[..., column] = values
        rows[..., layout["exposures"]] = 1.0
        if rows.ndim == 1:
            self._add_further(rows, data, float(rows[layout["i0"]][0]))
        return rows

    def _add_further(self, row: FloatArray, data: Mapping[str, Any], i0: float) -> None:
        for quantity, value in self._further.values(data, i0).items():
            row[self.layout[quantity]] = value

    def _scalars(self, data: Mapping[str, Any], time_s: ArrayLike) -> list[Any]:
        """Return numbers of an event, or columns (events,) of a page, in the order of `_SCALARS`."""
        run = self._metadata
        optional: dict[str, Any] = {"foil": 0.0, "laser_power_w": 0.0, "time_s": time_s}
        if run.axis != "fluence_mj_cm2":
            optional["fluence_mj_cm2"] = run.fluence_mj_cm2
        values = {name: data[name] if name in data else optional[name] for name in _SCALARS}
        exposure_s = _numbers(values["exposure_s"])
        for name, facts in (("i0", run.i0_facts), ("foil", run.foil_facts)):
            if name in data:
                signal = facts.integral(_numbers(values[name]), exposure_s)
                offset = run.chambers[name].value * exposure_s if name in run.chambers else 0.0
                # A chamber before the X-ray shutter shows its full signal in dark exposures: that is not an offset.
                small = np.abs(offset) < LARGEST_OFFSET * np.abs(signal)
                values[name] = np.where(small, signal - offset, signal)
        return list(values.values())


def _numbers(values: Any) -> Any:
    """Return a number as it is, and a column (events,) of numbers as an array."""
    return values if isinstance(values, float | int) else np.asarray(values, dtype=float)


def layout_of(widths: Mapping[str, int]) -> dict[str, slice]:
    """Return the columns of each quantity, side by side in the order of `widths`, which gives their numbers."""
    edges = np.cumsum([0, *widths.values()]).tolist()
    return {name: slice(*pair) for name, pair in zip(widths, pairwise(edges), strict=True)}


def pairs_of(probes: int) -> int:
    """Return the number of pairs of gates whose covariance an event may hold: 0 for more than `MOST_CORRELATED`."""
    return probes * (probes - 1) // 2 if probes <= MOST_CORRELATED else 0
