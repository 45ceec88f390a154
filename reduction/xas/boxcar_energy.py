"""Transient spectra from the boxcar averager (paper, SI 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from errors import ReductionError
from reduction.xas.energy_correction import at_true_energies
from reduction.xas.energy_windows import edge_integral, points_within
from reduction.xas.exposure_pairs import ExposurePairs, Intensity, exposure_pairs, gates_of
from reduction.xas.gate_correlation import gate_correlation, recorded_correlation
from reduction.xas.gate_errors import gate_errors
from reduction.xas.laser_power import at_nominal, power_at
from reduction.xas.self_absorption import without_self_absorption
from reduction.xas.spc_energy import require_energy_scan
from reduction.xas.transient import Spectrum, curves_of, transient_metadata

if TYPE_CHECKING:
    from reduction.accumulator import RunAccumulator
    from reduction.run_metadata import EnergyWindows
    from reduction.types import BoolArray, FloatArray, PairReference

_SCATTER_SCANS = 3


class ScaledScans(NamedTuple):
    """Offset-corrected, scaled pairs of the usable scans: `energy_ev` (points,), the others (scans, points).

    `correlation` of the errors of on and off, as the frames state it; 0 if they do not.
    """

    energy_ev: FloatArray
    on: Intensity
    off: Intensity
    used: BoolArray
    correlation: FloatArray

    def correlation_of_means(self) -> FloatArray:
        """Return the correlation of the errors of the means of on and off over the scans, (points,), -1 to 1."""
        used = self.used
        tables = (self.correlation * self.on.sigma * self.off.sigma, self.on.sigma**2, self.off.sigma**2)
        shared, on, off = (np.where(used, table, 0.0).sum(axis=0) for table in tables)
        return np.asarray(shared / np.sqrt(on * off))


def boxcar_spectrum(
    accumulator: RunAccumulator, probe: int | None = None, reference: PairReference = "unpumped probe"
) -> Spectrum:
    """Return the spectrum of an energy scan by the boxcar averager; `probe` is the pumped one by default.

    Recipe, per scan: divide by I0, subtract the off spectrum's pre-edge mean from on and off, divide both by the off
    spectrum's edge integral; then average on, off and their differences over the scans. A common factor gives the off
    mean 1 in the post-edge window. `sigma` propagates the measured variances, with the correlation of both gates that
    the frames of the boxcar or the scans show (`gate_correlation`); `sigma_scatter` is the standard error
    of the on and the off spectra over the scans, combined as in the paper. Raises ReductionError while no scan covers
    pre-edge and edge.
    """
    metadata = accumulator.metadata
    require_energy_scan(metadata)
    probe = metadata.timing.pumped_probe if probe is None else probe
    gates = gates_of(reference, probe, metadata.timing)
    pairs = exposure_pairs(accumulator, "boxcar", *gates)
    scans = scaled_scans(pairs, metadata.windows)
    power = power_at(accumulator, scans.energy_ev)
    on, off = boxcar_curves(scans, power)
    stated = recorded_correlation(pairs)
    correlation = stated or gate_correlation(scans.on, scans.off, scans.used)
    of_points = correlation.value if stated is None else scans.correlation_of_means()
    scatter = None
    if scans.used.sum(axis=0).min() >= _SCATTER_SCANS:
        scatter = np.hypot(*(_standard_error(part.value, scans.used) for part in (scans.on, scans.off)))

    def transient(moved: RunAccumulator) -> FloatArray:
        """Return the transient of changed sums, shape (points,); raises ReductionError without a pair of gates."""
        parts = boxcar_curves(scaled_scans(exposure_pairs(moved, "boxcar", *gates), metadata.windows), power)
        return parts[0].value - parts[1].value

    common = gate_errors(accumulator, "boxcar", gates, transient, on.value - off.value)
    found = Spectrum(
        energy_ev=scans.energy_ev,
        **curves_of(on, off, common, of_points),
        sigma_scatter=scatter,
        correlation=correlation,
        metadata=transient_metadata(
            accumulator,
            mode="boxcar",
            probe=probe,
            reference=reference,
            scans=int(scans.used.any(axis=1).sum()),
            offset="pre-edge",
        ),
    )
    return without_self_absorption(at_true_energies(found, accumulator), accumulator)


def boxcar_curves(scans: ScaledScans, power: FloatArray) -> tuple[Intensity, Intensity]:
    """Return the means of on and off over the scans, (points,) each, on at the nominal laser power."""
    off = _mean(scans.off, scans.used)
    return at_nominal(_mean(scans.on, scans.used), off, power), off


def scaled_scans(pairs: ExposurePairs, windows: EnergyWindows) -> ScaledScans:
    """Offset and scale each pair of scans by its off spectrum, on the scale of `Spectrum`.

    A scan that lacks points is scaled by its edge integral over the points it has, relative to the integral of the
    mean spectrum over the same points; for complete scans this is the recipe. Scans without a pre-edge point or
    without two points in the edge window are left out. Raises ReductionError if none remains.
    """
    pre_edge = points_within(pairs.axis, windows.pre_edge_ev, "pre-edge")
    edge = points_within(pairs.axis, windows.edge_integral_ev, "edge-integral", at_least=2)
    enough = (pairs.paired & pre_edge).any(axis=1) & ((pairs.paired & edge).sum(axis=1) >= 2)
    if not enough.any():
        raise ReductionError(
            "No scan has both pre-edge and edge points yet. Wait until the first scan has passed the edge."
        )
    kept = np.where(enough)[0]
    used = pairs.paired[kept]
    on, off = (Intensity(part.value[kept], part.sigma[kept]) for part in pairs.each())
    # Offset and gain of a scan both come from its off spectrum and are applied to on and off alike: what the jet or the
    # flux does to a whole scan cancels, and no part of the transient can be absorbed in its own scale.
    weight = used & pre_edge
    offset = (np.where(weight, off.value, 0.0).sum(axis=1) / weight.sum(axis=1))[:, None]
    gain = _gains(pairs.axis, off.value - offset, used, edge)[:, None]
    gain = gain * _post_edge_level(pairs.axis, (off.value - offset) / gain, used, windows)
    measured = used.any(axis=0)
    on, off = (
        Intensity(((part.value - offset) / gain)[:, measured], (part.sigma / gain)[:, measured]) for part in (on, off)
    )
    correlation = pairs.correlation()[kept][:, measured]
    return ScaledScans(pairs.axis[measured], on, off, used[:, measured], correlation)


def _gains(energy_ev: FloatArray, off: FloatArray, used: BoolArray, edge: BoolArray) -> FloatArray:
    mean = _average(off, used)
    # The edge integral of a complete scan is its gain up to a common factor. An integral over fewer points is smaller
    # without the sample being thinner, so every scan is compared with the mean spectrum over its own points. That mean
    # needs the gains: start from 1 and iterate. Two rounds do, because for complete scans the first is exact already,
    # and a scan that lacks points leaves its gain in the first mean only.
    gains = np.ones(len(off))
    for _ in range(2):
        for scan, (spectrum, points) in enumerate(zip(off, used & edge, strict=True)):
            integrals = (edge_integral(energy_ev[points], part[points]) for part in (spectrum, mean))
            gains[scan] = next(integrals) / next(integrals)
        mean = _average(off / gains[:, None], used)
    return gains


def _post_edge_level(energy_ev: FloatArray, off: FloatArray, used: BoolArray, windows: EnergyWindows) -> float:
    inside = points_within(energy_ev, windows.post_edge_ev, "post-edge") & used.any(axis=0)
    if not inside.any():
        raise ReductionError("No usable scan has reached the post-edge window yet. Wait until the first scan ends.")
    return float(_average(off, used)[inside].mean())


def _average(table: FloatArray, used: BoolArray) -> FloatArray:
    return np.asarray(np.where(used, table, 0.0).sum(axis=0) / np.maximum(used.sum(axis=0), 1))


def _mean(scans: Intensity, used: BoolArray) -> Intensity:
    variance = np.where(used, scans.sigma**2, 0.0).sum(axis=0)
    return Intensity(_average(scans.value, used), np.sqrt(variance) / used.sum(axis=0))


def _standard_error(values: FloatArray, used: BoolArray) -> FloatArray:
    number = used.sum(axis=0)
    # Points measured in some scans only have their own number; `boxcar_spectrum` asks for three at every point.
    squares = np.where(used, (values - _average(values, used)) ** 2, 0.0).sum(axis=0)
    return np.asarray(np.sqrt(squares / (number - 1) / number))
