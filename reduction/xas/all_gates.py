"""Transient spectra from all gates of the pump period, instead of the pumped and the unpumped one alone.

All gates of an exposure see the same jet and the same flux, so their ratios are free of both. A later gate sees what is
left of the transient, and otherwise the same sample as the unpumped one: it carries information on both. The pumped
signal of the recipes (SI 4) is replaced by its best estimate from all gates, after which the recipe is the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from errors import ReductionError
from reduction.values import Value
from reduction.xas.boxcar_energy import boxcar_curves, boxcar_spectrum, scaled_scans
from reduction.xas.energy_correction import at_true_energies
from reduction.xas.exposure_pairs import ExposurePairs, Intensity, Signal, exposure_pairs, gates_of
from reduction.xas.gate_errors import gate_errors, with_common
from reduction.xas.gate_shares import LEAST_SIGNAL, OTHER_SHAPE, GateShares, fit_gate_shares
from reduction.xas.information import information
from reduction.xas.laser_power import power_at
from reduction.xas.self_absorption import without_self_absorption
from reduction.xas.spc_energy import require_energy_scan, spc_curves, spc_spectrum
from reduction.xas.transient import Spectrum
from reduction.xas.transient_shape import transient_covariance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reduction.accumulator import RunAccumulator
    from reduction.timing import Timing
    from reduction.types import FloatArray, Mode, PairReference
    from reduction.xas.exposure_pairs import Gate

CLEAR_SIGNAL = 1.5 * LEAST_SIGNAL
"""Squared signal-to-noise ratio from which on a spectrum that was shown by two gates changes to all (chosen).

The distance to `LEAST_SIGNAL` is more than twice the standard deviation there, some 22 with 44 points.
"""

CLEARLY_EQUAL = 10.0 * OTHER_SHAPE
"""p-value of equal shapes from which on a spectrum that was shown by two gates changes to all (chosen)."""

NO_GAIN = "The later gates would not make the errors smaller."
"""Reason for two gates where all of them could be used."""


@dataclass(frozen=True, kw_only=True)
class AllGatesSpectrum(Spectrum):
    """The transient of the pumped minus the unpumped gate, determined by all gates.

    `shares`: transient at each later gate relative to that at the pumped one, without unit, by probe. `variance_ratio`:
    variance of a point over that of the two gates alone, without the errors of the shares. `shape_p_value`: probability
    that noise alone makes the shapes at the gates differ as much as they do. `squared_snr`: squared signal-to-noise
    ratio of the whole transient. The first rows of `common` are the errors of the shares.
    """

    shares: dict[int, Value]
    variance_ratio: float
    shape_p_value: float
    squared_snr: float


class _Curves(NamedTuple):
    """On and off of a recipe at `energy_ev`, (points,) each."""

    energy_ev: FloatArray
    on: Intensity
    off: Intensity

    @property
    def transient(self) -> FloatArray:
        """Pumped minus unpumped signal, shape (points,)."""
        return self.on.value - self.off.value


def spectrum_against(run: RunAccumulator, mode: Mode, probe: int | None, reference: PairReference) -> Spectrum:
    """Return the spectrum of an energy scan by two gates, `probe` being the pumped one by default.

    Raises ReductionError as `spc_spectrum` and `boxcar_spectrum` do.
    """
    return (spc_spectrum if mode == "spc" else boxcar_spectrum)(run, probe, reference)


def best_spectrum(
    run: RunAccumulator, mode: Mode = "spc", probe: int | None = None, *, was_by_two: bool = False
) -> Spectrum:
    """Return the spectrum of an energy scan by all gates, or by two where the others cannot be used.

    That is so for a transient too weak to see how large it is at the later gates, for one that seems to have another
    shape there, and if its errors would not become smaller; the metadata give the reason. A spectrum of a running scan
    that `was_by_two` stays so in a close case, as it would change with every exposure. Raises ReductionError as
    `spectrum_against` does.
    """
    two = spectrum_against(run, mode, probe, "unpumped probe")
    try:
        found = _by_all_gates(run, mode, two)
    except ReductionError as error:
        return by_two_gates(two, str(error))
    if information(found) <= information(two):
        return by_two_gates(two, NO_GAIN)
    is_clear = found.squared_snr > CLEAR_SIGNAL and found.shape_p_value > CLEARLY_EQUAL
    return found if is_clear or not was_by_two else by_two_gates(two, _close_case(found))


def by_two_gates(two: Spectrum, reason: str) -> Spectrum:
    """Return a spectrum of two gates whose metadata state the `reason` for not using all of them."""
    return replace(two, metadata=replace(two.metadata, two_gates_reason=reason))


def _close_case(found: AllGatesSpectrum) -> str:
    return (
        f"The later gates can only just be used: the squared signal-to-noise ratio is {found.squared_snr:.0f}, and the "
        f"shapes are equal with p = {found.shape_p_value:.2g}. A spectrum that was shown by two gates changes to all "
        f"gates above {CLEAR_SIGNAL:.0f} and {CLEARLY_EQUAL:g}. Count longer."
    )


def all_gates_spectrum(run: RunAccumulator, mode: Mode = "spc", probe: int | None = None) -> AllGatesSpectrum:
    """Return the spectrum of an energy scan in the acquisition `mode` by all gates; the scale is that of `Spectrum`.

    It is the transient of the pumped minus the unpumped probe, as of `spc_spectrum` or `boxcar_spectrum`, and agrees
    with it within the errors, which are smaller: if the later gates have recovered, the variance of a point is 0.63 of
    that of two gates. Jet and flux cancel exposure by exposure. A later `probe` gives its own transient, by itself and
    the gates after it: nothing is taken from the pumped one, whose shape may be another. The shape of the transient
    must be the same at all gates that are used, which is tested. Raises ReductionError if it is not, if the transient
    is too weak to see how large it is at the later gates, if there are no other gates, and as those recipes do.
    """
    require_energy_scan(run.metadata)
    return _by_all_gates(run, mode, spectrum_against(run, mode, probe, "unpumped probe"))


def _by_all_gates(run: RunAccumulator, mode: Mode, two: Spectrum) -> AllGatesSpectrum:
    """Return the spectrum of `two` gates by all; raises ReductionError where they cannot be used."""
    gates = _Gates.of(run.metadata.timing, two.metadata.probe)
    pairs = gates.pairs(run, mode)
    curves = [_recipe(run, mode, one) for one in pairs]
    if len({curve.energy_ev.size for curve in curves}) != 1:
        raise ReductionError("Some gates lack points that others have, so they cannot be used together.")
    independent = 1.0 - two.correlation.value
    if not independent > 0:
        raise ReductionError("The boxcar states that all errors of its gates are common, which is true of no detector.")
    shares = _shares(curves, independent, mode)
    found = _combined(run, mode, pairs, shares.weights)

    def transient(moved: RunAccumulator) -> FloatArray:
        """Return the transient of changed sums, shape (points,), with the shares of this run."""
        return _combined(moved, mode, gates.pairs(moved, mode), shares.weights).transient

    probes = (*gates.on, gates.off)
    common = gate_errors(run, mode, probes, transient, found.transient)
    sigma = np.sqrt(shares.variance_of_mean * independent * _reference_variance(curves))
    common = np.concatenate([_errors_of_shares(shares, found.transient), common.reshape(-1, sigma.size)])
    errors = np.sqrt(np.diag(shares.covariance))
    result = AllGatesSpectrum(
        energy_ev=found.energy_ev,
        on=found.on.value,
        on_sigma=found.on.sigma,
        off=found.off.value,
        off_sigma=found.off.sigma,
        transient=found.transient,
        sigma=with_common(sigma, common),
        common=common,
        sigma_scatter=None,
        correlation=two.correlation,
        metadata=replace(two.metadata, reference="all gates"),
        shares={gate.probe: Value(float(one), float(error))
                for gate, one, error in zip(gates.on[1:], shares.share[1:], errors, strict=True)},
        variance_ratio=shares.variance_ratio,
        shape_p_value=shares.p_value,
        squared_snr=shares.signal,
    )  # fmt: skip
    result = without_self_absorption(at_true_energies(result, run), run)
    return replace(result, covariance=transient_covariance(result, run.metadata.windows))


class _Gates(NamedTuple):
    """The gates that are not references, the pumped one first, and the reference."""

    on: tuple[Gate, ...]
    off: Gate

    @classmethod
    def of(cls, timing: Timing, first: int) -> _Gates:
        """Return the gate of the probe `first` and those after it, with the unpumped one.

        Raises ReductionError if the pump scheme has no gate after it besides the unpumped ones.
        """
        left_out = {first, timing.pumped_probe, *timing.reference_probes}
        from_ps = -math.inf if first == timing.pumped_probe else timing.delay_of(first, 0.0)
        others = (one for one in range(timing.probes_per_pump) if one not in left_out)
        later = [one for one in others if timing.delay_of(one, 0.0) > from_ps]
        if not later:
            raise ReductionError(
                f"The pump scheme has no gates besides those of probe {first} and the unpumped ones. Use these two."
            )
        pairs = [gates_of("unpumped probe", one, timing) for one in (first, *later)]
        return cls(tuple(on for on, _ in pairs), pairs[0][1])

    def pairs(self, run: RunAccumulator, mode: Mode) -> list[ExposurePairs]:
        """Return the pairs of each gate with the reference, the first gate first."""
        return [exposure_pairs(run, mode, gate, self.off) for gate in self.on]


def _recipe(run: RunAccumulator, mode: Mode, pairs: ExposurePairs) -> _Curves:
    """Return the curves that the recipe of the mode makes of pairs of gates."""
    windows = run.metadata.windows
    if mode == "spc":
        return _Curves(pairs.axis, *spc_curves(pairs, windows, power_at(run, pairs.axis)))
    scans = scaled_scans(pairs, windows)
    return _Curves(scans.energy_ev, *boxcar_curves(scans, power_at(run, scans.energy_ev)))


def _reference_variance(curves: list[_Curves]) -> FloatArray:
    """Return the variance of the reference at every point, (points,), as all gates show it."""
    # A boxcar estimates the variance of each gate and point to some 20 %. Gates differ by constant factors only, so
    # their mean is known better, and no weight follows the noise of a single estimate.
    own = [curves[0].off.sigma ** 2, *(one.on.sigma**2 for one in curves)]
    level = own[0].mean()
    return np.asarray(np.mean([one * (level / one.mean()) for one in own], axis=0))


def _shares(curves: list[_Curves], independent: float, mode: Mode) -> GateShares:
    """Return the shares of the gates; `independent` is the part of their variance that is not common to all."""
    reference = _reference_variance(curves)
    relative = [float((one.on.sigma**2).mean() / reference.mean()) for one in curves]
    # By counting, each gate has been divided by its own edge integral: no gain is left in it. The boxcar's gates are
    # divided by that of the reference, so a difference in gain adds a multiple of the static spectrum and a constant.
    static = curves[0].off.value
    gains = np.array([static, np.ones_like(static)]) if mode == "boxcar" else np.zeros((0, static.size))
    transients = np.array([one.transient for one in curves])
    return fit_gate_shares(transients, np.diag(relative) + 1.0, independent * reference, gains)


def _combined(run: RunAccumulator, mode: Mode, pairs: Sequence[ExposurePairs], weights: FloatArray) -> _Curves:
    """Return the curves of the recipe in which the best estimate from all gates stands for the pumped signal.

    `pairs` are those of each gate with the reference, the pumped gate first; `weights`, (gates,), those of the shares.
    """
    paired = np.logical_and.reduce([one.paired for one in pairs])
    first = pairs[0]
    off = _rate(first.off)
    pumped = _rate(first.on)
    estimate = off + sum(weight * (_rate(one.on) - off) for weight, one in zip(weights, pairs, strict=True))
    # What a gate has in gain more than the reference is a multiple of the static spectrum. The recipe for two gates
    # keeps that of the pumped gate, so it has to stay the same.
    gain = float(np.sum(((pumped - estimate) * off)[paired]) / np.sum(off[paired] ** 2))
    variances = [_rate_variance(one.on) for one in pairs]
    variance = (1.0 - weights.sum()) ** 2 * _rate_variance(first.off)
    variance = variance + sum(weight**2 * one for weight, one in zip(weights, variances, strict=True))
    flux = first.on.flux
    best = Signal((estimate + gain * off) * flux, variance * flux**2, flux)
    return _recipe(run, mode, replace(first, on=best, paired=paired))


def _rate(signal: Signal) -> FloatArray:
    return np.divide(signal.signal, signal.flux, out=np.zeros_like(signal.signal), where=signal.flux > 0)


def _rate_variance(signal: Signal) -> FloatArray:
    return np.divide(signal.variance, signal.flux**2, out=np.zeros_like(signal.signal), where=signal.flux > 0)


def _errors_of_shares(shares: GateShares, transient: FloatArray) -> FloatArray:
    """Return the change of all points by each independent error of the shares, (gates - 1, points)."""
    # A share that is wrong by e changes the transient by -w e of itself. The covariance of the shares as a sum of
    # independent errors gives rows that add in quadrature, as those of the calibration of the gates do.
    # With few counts the covariance is singular but for rounding, so its root comes from the eigenvalues.
    values, vectors = np.linalg.eigh(shares.covariance)
    rows = shares.weights[1:] @ (vectors * np.sqrt(values.clip(min=0.0)))
    return np.asarray(-np.outer(rows, transient))
