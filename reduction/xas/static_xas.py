"""Static spectra of the thermostated cell from the silicon drift detector (paper, SI 2 and SI 8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from errors import ReductionError
from reduction.energy_course import KEY as ENERGY_COURSE
from reduction.energy_course import EnergyCourse
from reduction.events import PrimaryEvents
from reduction.run_metadata import EnergyWindows
from reduction.values import Value
from reduction.xas.energy_windows import edge_integral, points_within
from reduction.xas.local_cubics import interpolation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reduction.types import FloatArray

_PLAN = "static_energy_scan"
_KEYS = ("plan_name", "sample", "edge", "temperature_c", "grid", "reduction")
_LEAST_VARIANCE = 0.5  # Counts squared: keeps the weight of a point without counts finite, as in `pileup`.


class SpectrumPoints(NamedTuple):
    """A spectrum: energy in eV and intensity, (points,) each, and the covariance of the latter, (points, points)."""

    energy_ev: FloatArray
    intensity: FloatArray
    covariance: FloatArray

    @property
    def sigma(self) -> FloatArray:
        """Standard errors, (points,)."""
        return np.sqrt(np.diag(self.covariance))


class FoilShare(NamedTuple):
    """One foil scan: offset to add to energies and its error, eV, and its share in the offset of each point, (points,).

    Shares of all foil scans add up to 1 at every point.
    """

    offset_ev: float
    sigma_ev: float
    shares: FloatArray


@dataclass(frozen=True, kw_only=True)
class StaticSpectrum:
    """A static spectrum at one temperature.

    `measured`: corrected counts per I0, with the independent errors of counting. `normalised`: minus its flat pre-edge
    offset, divided by its edge integral (unit 1/eV); its covariance includes the errors of offset and integral, which
    the paper leaves out. `temperature_c`: mean of the thermocouple; `setpoint_c`: requested temperature.
    `energy_offset_ev`: mean of what foil scans of the series add to the energies, with their error, eV; None without.
    """

    measured: SpectrumPoints
    normalised: SpectrumPoints
    windows: EnergyWindows
    temperature_c: float
    setpoint_c: float
    sample: str
    edge: str
    uid: str
    scans: int
    energy_offset_ev: Value | None = None


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


def accumulate_static(documents: Iterable[tuple[str, Mapping[str, Any]]]) -> StaticAccumulator:
    """Return an accumulator of all `(name, document)` pairs of a stored run; raises ReductionError as it does."""
    accumulator = StaticAccumulator()
    for name, doc in documents:
        accumulator(name, doc)
    return accumulator


def static_spectrum(accumulator: StaticAccumulator) -> StaticSpectrum:
    """Return the spectrum of a static scan: corrected counts over I0, flat pre-edge offset, edge integral (SI 8).

    The errors are those of the counts of both the detector and the ion chamber. Points without good exposures are left
    out. Raises ReductionError while a window is not covered.
    """
    start = accumulator.start
    temperature = accumulator.temperature_c
    points = measured_points(accumulator)
    windows = EnergyWindows.from_settings(start["reduction"])
    return StaticSpectrum(
        measured=points,
        normalised=normalise(points, windows),
        windows=windows,
        temperature_c=temperature,
        setpoint_c=float(start["temperature_c"]),
        sample=str(start["sample"]),
        edge=str(start["edge"]),
        uid=str(start.get("uid", "")),
        scans=accumulator.scans,
        energy_offset_ev=_mean_offset(accumulator),
    )


def _mean_offset(accumulator: StaticAccumulator) -> Value | None:
    """Return the mean offset over all exposures by the foil scans, with their error, eV; None without any."""
    foils = accumulator.foils
    if not foils:
        return None
    weights = accumulator.exposures / accumulator.exposures.sum()
    shares = np.array([one.shares @ weights for one in foils])
    sigma = float(np.hypot.reduce(shares * [one.sigma_ev for one in foils]))
    return Value(float(shares @ [one.offset_ev for one in foils]), sigma)


def measured_points(accumulator: StaticAccumulator) -> SpectrumPoints:
    """Return corrected counts over I0 of all points that have a good exposure, sorted by energy, with covariance."""
    measured = accumulator.exposures > 0
    energy = accumulator.energy_ev[measured]
    i0 = accumulator.i0[measured]
    order = np.argsort(energy, kind="stable")
    intensity = accumulator.corrected[measured] / i0
    # The ion chamber counts photons too: its relative variance, 1/i0, adds to that of the intensity.
    variance = accumulator.variance[measured] / i0**2 + intensity**2 / i0
    points = SpectrumPoints(energy[order], intensity[order], np.asarray(np.diag(variance[order])))
    return _at_true_energies(points, [one._replace(shares=one.shares[measured][order]) for one in accumulator.foils])


def _at_true_energies(points: SpectrumPoints, foils: Sequence[FoilShare]) -> SpectrumPoints:
    """Return the intensities at true energies of the values of the grid, by the offsets of foil scans, eV."""
    # As for spectra of the jet: a cubic through four neighbours, so that all windows hold the points that they held
    # before. The error of each foil scan moves all points together.
    if not foils:
        return points
    offset_ev = np.sum([one.offset_ev * one.shares for one in foils], axis=0)
    moved_ev = points.energy_ev + offset_ev
    if (np.diff(moved_ev) <= 0).any():
        moved_ev = points.energy_ev + offset_ev.mean()
    matrix = interpolation(moved_ev, points.energy_ev)
    changes = np.array(
        [
            (interpolation(moved_ev + one.sigma_ev * one.shares, points.energy_ev) - matrix) @ points.intensity
            for one in foils
        ]
    )
    covariance = matrix @ points.covariance @ matrix.T + changes.T @ changes
    return SpectrumPoints(points.energy_ev, matrix @ points.intensity, covariance)


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


def normalise(points: SpectrumPoints, windows: EnergyWindows) -> SpectrumPoints:
    """Return points minus the mean of the pre-edge, divided by the edge integral (trapezoids), with their covariance.

    Raises ReductionError if a window is not covered or holds no edge.
    """
    value, operator = normalisation(points, windows)
    return SpectrumPoints(points.energy_ev, value, operator @ points.covariance @ operator.T)


def normalisation(points: SpectrumPoints, windows: EnergyWindows) -> tuple[FloatArray, FloatArray]:
    """Return the normalised intensity (points,), and its derivatives with respect to the measured one, one row each."""
    parts = normalisation_parts(points.energy_ev, points.intensity, windows)
    subtract = np.eye(points.energy_ev.size) - parts.offset
    return parts.value, (subtract - np.outer(parts.value, parts.scale)) / parts.integral


class NormalisationParts(NamedTuple):
    """Normalised intensity `value`, and its derivatives with respect to the measured one in parts; (points,) each.

    They are (1 - `offset` - `value` x `scale`) / `integral`: each measured point changes itself, the mean of the
    pre-edge by its `offset`, the same for all points, and the edge integral (unit eV) by its `scale`.
    """

    value: FloatArray
    offset: FloatArray
    scale: FloatArray
    integral: float


def normalisation_parts(energy_ev: FloatArray, intensity: FloatArray, windows: EnergyWindows) -> NormalisationParts:
    """Return the normalised intensity and its derivatives; raises ReductionError as `normalise` does."""
    # With S subtracting the pre-edge mean and the integral I = w S y over the edge window, the result is v = S y / I.
    # Its derivative with respect to y is (S - v w S) / I: the second term is the error of the integral, which all
    # points share.
    pre_edge = points_within(energy_ev, windows.pre_edge_ev, "pre-edge")
    edge = points_within(energy_ev, windows.edge_integral_ev, "edge-integral", at_least=2)
    offset = pre_edge / pre_edge.sum()
    shifted = intensity - offset @ intensity
    integral = edge_integral(energy_ev[edge], shifted[edge])
    weight = np.zeros_like(energy_ev)
    weight[edge] = trapezoid_weights(energy_ev[edge])
    return NormalisationParts(shifted / integral, offset, weight - weight.sum() * offset, integral)


def trapezoid_weights(energy_ev: FloatArray) -> FloatArray:
    """Return weights (points,), eV, whose sum with values on `energy_ev` is their integral by trapezoids."""
    steps = np.diff(energy_ev)
    return np.asarray((np.append(steps, 0.0) + np.append(0.0, steps)) / 2.0)


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
