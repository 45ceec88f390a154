"""Running sums of static energy scans with the silicon drift detector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from errors import ReductionError
from reduction.energy_course import KEY as ENERGY_COURSE
from reduction.energy_course import EnergyCourse
from reduction.events import PrimaryEvents
from reduction.run_metadata import EnergyWindows

if TYPE_CHECKING:
    from reduction.types import FloatArray


_PLAN = "static_energy_scan"

_KEYS = ("plan_name", "sample", "edge", "temperature_c", "grid", "reduction")

_LEAST_VARIANCE = 0.5  # Counts squared: keeps the weight of a point without counts finite, as in `pileup`.


class FoilShare(NamedTuple):
    """One foil scan: offset to add to energies and its error, eV, and its share in the offset of each point, (points,).

    Shares of all foil scans add up to 1 at every point.
    """

    offset_ev: float
    sigma_ev: float
    shares: FloatArray


class StaticAccumulator:
    """Running sums of static energy scans: call it with `(name, document)`; it behaves like `RunAccumulator`.

    The counts of each detector element are multiplied by its input over its output rate: the electronics lose the same
    share of pulses at all photon energies. `corrected`, `variance`, `i0`, `exposures` are sums over scans, (points,);
    events whose `quality` is not empty are only counted, in `rejected`. Raises ReductionError for documents that are
    invalid.
    """

    def __init__(self) -> None:
        self.start: Mapping[str, Any] = {}
        self.exit_status: str | None = None
        self.scans = 0
        self.rejected = 0
        self._events = PrimaryEvents(strict=True)
        # Rows: corrected counts, their variance, i0, sum of energies, sum of temperatures, exposures.
        self._sums = np.zeros((6, 0))
        self._course: EnergyCourse | None = None
        # Key: time of a foil scan. Value: its offset and error, eV, and its share in the offsets of all exposures.
        self._foils: dict[float, FoilShare] = {}
        self._dated = True

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Take one document of the bluesky event model; raises ReductionError for an invalid one."""
        if name == "start":
            self._begin(doc)
        elif name == "stop":
            self.exit_status = str(doc.get("exit_status", "success"))
        for event in self._events(name, doc):
            self._take(event["data"], float(event.get("time", 0.0)))

    @property
    def foils(self) -> tuple[FoilShare, ...]:
        """Foil scans that show the error of the energies, with shares per point; none without times of events."""
        if not self._dated or not self.exposures.any():
            return ()
        number = np.maximum(self.exposures, 1.0)
        return tuple(one._replace(shares=one.shares / number) for one in self._foils.values())

    @property
    def corrected(self) -> FloatArray:
        """Counts of all elements, corrected for deadtime, (points,)."""
        return np.asarray(self._sums[0])

    @property
    def variance(self) -> FloatArray:
        """Variance of `corrected`, (points,): a Poisson process, of which the electronics analyse a part."""
        return np.asarray(self._sums[1])

    @property
    def i0(self) -> FloatArray:
        """Ion chamber counts, (points,)."""
        return np.asarray(self._sums[2])

    @property
    def exposures(self) -> FloatArray:
        """Number of good exposures, (points,)."""
        return np.asarray(self._sums[5])

    @property
    def energy_ev(self) -> FloatArray:
        """Mean read-back, eV, (points,); the planned energy where nothing was measured."""
        planned = np.array(self.start["grid"]["points"], dtype=float)
        return np.asarray(np.divide(self._sums[3], self.exposures, out=planned, where=self.exposures > 0))

    @property
    def temperature_c(self) -> float:
        """Mean temperature of the thermocouple, C; raises ReductionError before the first good exposure."""
        if not self.exposures.sum():
            raise ReductionError("The run holds no good exposure yet. Wait for the first point.")
        return float(self._sums[4].sum() / self.exposures.sum())

    def _begin(self, doc: Mapping[str, Any]) -> None:
        missing = [key for key in _KEYS if key not in doc]
        if self.start or missing or doc["plan_name"] != _PLAN or doc["grid"].get("axis") != "energy_ev":
            raise ReductionError(
                f"This is not a single run of the plan {_PLAN} (missing: {', '.join(missing) or 'nothing'}). Feed the "
                "documents of one such run."
            )
        EnergyWindows.from_settings(doc["reduction"])
        self._sums = np.zeros((6, len(doc["grid"]["points"])))
        self.start = doc
        if doc.get(ENERGY_COURSE):
            course = EnergyCourse.from_document(doc[ENERGY_COURSE])
            self._course = course
            nothing = np.zeros(self._sums.shape[1])
            self._foils = {
                time_s: FoilShare(offset_ev, sigma_ev, nothing.copy())
                for time_s, offset_ev, sigma_ev in zip(course.times_s, course.offset_ev, course.sigma_ev, strict=True)
            }

    def _take(self, data: Mapping[str, Any], time_s: float) -> None:
        if not self.start:
            raise ReductionError("An event arrived before the start document: feed the run's documents in order.")
        if data["quality"]:
            self.rejected += 1
            return
        try:
            self._add(data, time_s)
        except KeyError as error:
            raise ReductionError(f"An event lacks {error}. Record it in every static energy scan.") from error

    def _add(self, data: Mapping[str, Any], time_s: float) -> None:
        point = int(data["point_index"])
        counts, input_rate, output_rate = (
            np.asarray(data[name], dtype=float) for name in ("sdd_counts", "sdd_input_rate", "sdd_output_rate")
        )
        corrected = counts * _deadtime_factor(counts, input_rate, output_rate)
        variance = _corrected_variance(counts, input_rate, output_rate, float(data["exposure_s"]))
        row = [
            float(corrected.sum()),
            float(variance.sum()),
            *(float(data[name]) for name in ("i0", "energy_ev", "temperature_c")),
            1.0,
        ]
        if not np.isfinite(row).all() or data["i0"] <= 0 or not 0 <= point < self._sums.shape[1]:
            raise ReductionError(
                f"Point {point} of {self._sums.shape[1]} holds a value that is not finite, or an i0 not above 0, or "
                "lies outside the grid, yet its quality is good. Mark such events in `quality`."
            )
        self._sums[:, point] += row
        self._dated = self._dated and time_s > 0
        if self._course is not None:
            for share, one in zip(self._course.weights(time_s)[0], self._foils.values(), strict=True):
                one.shares[point] += share
        self.scans = max(self.scans, int(data["scan_index"]) + 1)


def joined_static(runs: Sequence[StaticAccumulator]) -> StaticAccumulator:
    """Return the sums of several runs as one, with the start document of the first.

    Raises ReductionError without runs, or for runs that differ in edge, grid, setpoint, windows or energy calibration.
    """
    keys = ("edge", "grid", "temperature_c", "reduction", "energy_calibration_offset_ev")
    settings = [tuple(run.start.get(key) for key in keys) for run in runs]
    if not runs or any(other != settings[0] for other in settings):
        raise ReductionError(
            "Runs of different edges, grids, temperatures, windows or energy calibrations cannot be averaged. "
            "Choose runs that agree in all of them."
        )
    # A shallow copy: its sums are replaced, so those of the first run stay as they are.
    whole = copy(runs[0])
    whole._sums = np.sum([run._sums for run in runs], axis=0)
    whole.scans = sum(run.scans for run in runs)
    whole.rejected = sum(run.rejected for run in runs)
    whole._dated = all(run._dated and run._course is not None for run in runs)
    whole._foils = _joined_foils([run._foils for run in runs])
    return whole


def _joined_foils(runs: Sequence[Mapping[float, FoilShare]]) -> dict[float, FoilShare]:
    """Return the foil scans of several runs, by their times, each with its shares in all of them."""
    found: dict[float, FoilShare] = {}
    for foils in runs:
        for time_s, one in foils.items():
            before = found.get(time_s)
            found[time_s] = one if before is None else one._replace(shares=before.shares + one.shares)
    return found


def _deadtime_factor(counts: FloatArray, input_rate: FloatArray, output_rate: FloatArray) -> FloatArray:
    """Return input over output rate of each element; 1 for an element without any pulse."""
    if not counts.shape == input_rate.shape == output_rate.shape:
        raise ReductionError("sdd_counts, sdd_input_rate and sdd_output_rate differ in length. Record one per element.")
    # An element without any pulse has no rates; it contributes no counts, and the factor 1 keeps it out of the way.
    # More output than input by 1 % or more is impossible, and means that the rates belong to another exposure.
    idle = (output_rate == 0) & (counts == 0)
    if np.any((output_rate <= 0) & ~idle) or counts.min() < 0 or np.any(input_rate < 0.99 * output_rate):
        raise ReductionError(
            "A detector element has counts but no output rate, or more output than input: its deadtime is unknown. "
            "Check the element, or mark the event in `quality`."
        )
    return np.asarray(np.divide(input_rate, output_rate, out=np.ones_like(counts), where=~idle))


def _corrected_variance(
    counts: FloatArray, input_rate: FloatArray, output_rate: FloatArray, exposure_s: float
) -> FloatArray:
    """Return the variance of counts x input / output of each element, counts squared.

    Of N photons that arrive (Poisson) a are analysed, of which c lie in the window (binomial with share s = c / a).
    The estimate is N c / a, so its variance is N^2 s (1 - s) / a + s^2 N by first-order propagation. c (N/a)^2 alone
    would include the fluctuation of the losses, which the rates have measured.
    """
    arrived = input_rate * exposure_s
    analysed = output_rate * exposure_s
    safe = np.where(analysed > 0, analysed, 1.0)
    share = np.minimum(counts / safe, 1.0)
    factor = np.where(analysed > 0, arrived / safe, 1.0)
    variance = counts * factor**2 * (1.0 - share) + share**2 * arrived
    return np.asarray(np.maximum(variance, _LEAST_VARIANCE / counts.size * factor**2))
