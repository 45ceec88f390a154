"""Static spectra of the thermostated cell from the silicon drift detector (paper, SI 2 and SI 8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from reduction.run_metadata import EnergyWindows
from reduction.values import Value
from reduction.xas.energy_windows import edge_integral, points_within
from reduction.xas.local_cubics import interpolation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reduction.types import FloatArray
from reduction.xas.static_sums import FoilShare, StaticAccumulator


class SpectrumPoints(NamedTuple):
    """A spectrum: energy in eV and intensity, (points,) each, and the covariance of the latter, (points, points)."""

    energy_ev: FloatArray
    intensity: FloatArray
    covariance: FloatArray

    @property
    def sigma(self) -> FloatArray:
        """Standard errors, (points,)."""
        return np.sqrt(np.diag(self.covariance))


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
