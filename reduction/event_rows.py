"""The numbers that one event adds to the sums of a run, and the columns in which they stand."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from reduction.detectors import DetectorSums

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reduction.run_metadata import RunMetadata
    from reduction.types import FloatArray

MOST_CORRELATED = 16
"""Gates up to which events may hold the covariances of the boxcar's means."""

LARGEST_OFFSET = 0.2
"""Share of the signal of an ion chamber up to which its reading in dark exposures is taken for an offset."""

_SCALARS = ("i0", "exposure_s", "energy_ev", "delay_ps", "fluence_mj_cm2", "foil", "laser_power_w", "time_s")


class EventRows:
    """Rows of sums of one run: `layout` gives the columns of each quantity, `width` their number.

    Every number of a row is linear in the exposure, so rows of one point add up to the row of one long exposure.
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
        self.layout = layout_of(widths)
        self.width = sum(widths.values())

    def row(self, data: Mapping[str, Any], time_s: float) -> FloatArray:
        """Return the numbers of an event at `time_s` (s since 1970), (width,).

        Raises KeyError for a field that the event lacks, TypeError or ValueError for one of the wrong shape or type.
        """
        layout = self.layout
        row = np.zeros(self.width)
        if "spc" in self._metadata.modes:
            row[layout["counts"]] = np.ravel(data["spc_counts"])
            row[layout["pulses"]] = data["spc_pulses"]
        if "boxcar" in self._metadata.modes:
            # The integral of the signal over the exposure, V s; its variance is that of the mean, scaled alike.
            exposure = data["exposure_s"]
            row[layout["boxcar_integral"]] = np.asarray(data["boxcar_mean"], dtype=float) * exposure
            row[layout["boxcar_variance"]] = np.asarray(data["boxcar_variance"], dtype=float) * exposure**2
            if "boxcar_covariance" in data:
                covariance = np.asarray(data["boxcar_covariance"], dtype=float)
                row[layout["boxcar_covariance"]] = covariance * exposure**2
        # The scalars lie side by side in the layout, in the order of `_SCALARS`, before the number of exposures.
        scalars = self._scalars(data, time_s)
        row[layout["i0"].start : layout["exposures"].start] = scalars
        row[layout["exposures"]] = 1.0
        for quantity, value in self._further.values(data, scalars[0]).items():
            row[layout[quantity]] = value
        return row

    def _scalars(self, data: Mapping[str, Any], time_s: float) -> list[float]:
        run = self._metadata
        optional = {"foil": 0.0, "laser_power_w": 0.0, "time_s": time_s}
        if run.axis != "fluence_mj_cm2":
            optional["fluence_mj_cm2"] = run.fluence_mj_cm2
        values = {name: data[name] if name in data else optional[name] for name in _SCALARS}
        for name, facts in (("i0", run.i0_facts), ("foil", run.foil_facts)):
            if name in data:
                signal = facts.integral(values[name], values["exposure_s"])
                offset = run.chambers[name].value * values["exposure_s"] if name in run.chambers else 0.0
                # A chamber before the X-ray shutter shows its full signal in dark exposures: that is not an offset.
                values[name] = signal - offset if abs(offset) < LARGEST_OFFSET * abs(signal) else signal
        return list(values.values())


def layout_of(widths: Mapping[str, int]) -> dict[str, slice]:
    """Return the columns of each quantity, side by side in the order of `widths`, which gives their numbers."""
    edges = np.cumsum([0, *widths.values()]).tolist()
    return {name: slice(*pair) for name, pair in zip(widths, pairwise(edges), strict=True)}


def pairs_of(probes: int) -> int:
    """Return the number of pairs of gates whose covariance an event may hold: 0 for more than `MOST_CORRELATED`."""
    return probes * (probes - 1) // 2 if probes <= MOST_CORRELATED else 0
