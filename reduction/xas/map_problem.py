"""The least-squares problem of an energy x delay map: a few decays shared by all energies, a spectrum for each decay.

The ratio of pumped to unpumped photons at energy E and delay t is r = c (1 + S(t_on)) / (1 + S(t_off)), with
S = sum_k A_k(E) D_k(t), D_k a decay after the train of pumps and c the ratio of the efficiencies of the two gates.
Identically r = c + sum_k B_k(E) (D_k(t_on) - D_k(t_off)) / (1 + S(t_off)) with B_k = c A_k. The rest from earlier
pumps, S(t_off), is small, so it is taken from the fit before and the model is linear in B: for given decays the best
spectra follow from one small linear problem per energy (variable projection: Golub and Pereyra 1973, SIAM J. Numer.
Anal. 10, 413), and only time zero, lifetimes and c are searched for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from reduction.xas.kinetics.problem import LIFETIME_LIMITS_PS, RATIO_LIMITS

if TYPE_CHECKING:
    from reduction.types import FloatArray
    from reduction.xas.kinetics.kinetic_model import KineticModel
    from reduction.xas.pump_train import Decay, PumpTrain

OFFSET_RATE_LIMITS_PER_NS = (0.0, 0.05)
T0_LIMIT_PS = 1000.0
_EFFICIENCY_LIMITS = (0.5, 2.0)


class LinearPart(NamedTuple):
    """Solution of the linear problem of every energy: whitened columns and their coefficients.

    `design` (energies, delays, components), `basis` is its orthonormal basis of the same shape, `triangle` (energies,
    components, components) with design = basis triangle, `spectra` (energies, components), `residual` (energies,
    delays).
    """

    design: FloatArray
    basis: FloatArray
    triangle: FloatArray
    spectra: FloatArray
    residual: FloatArray


@dataclass(frozen=True, kw_only=True)
class MapProblem:
    """A map with the decays that describe it; tables (energies, delays), 0 weight where nothing was measured.

    `pumped_ps` and `unpumped_ps` (delays,) are the mean delays of the two gates, `deviation_ps` the table of what a
    point was off them, `ratio` is pumped / unpumped, `weight` the inverse of its error, `rest` the signal of the
    unpumped gate. Parameters are `names`: "t0_ps", the logarithms of the first
    lifetime and of the ratio of each other to the one before, "offset_rate_per_ns" unless it is fixed at 0, and
    "efficiency", the c above.
    """

    pumped_ps: FloatArray
    unpumped_ps: FloatArray
    deviation_ps: FloatArray
    ratio: FloatArray
    weight: FloatArray
    rest: FloatArray
    train: PumpTrain
    model: KineticModel
    offset_decays: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters that are searched for, in their order."""
        rate = ("offset_rate_per_ns",) if self.model.has_offset and self.offset_decays else ()
        return ("t0_ps", *self.model.log_lifetimes, *rate, "efficiency")

    @property
    def limits(self) -> tuple[FloatArray, FloatArray]:
        """Lowest and highest values of the parameters, (parameters,) each."""
        lifetimes = [LIFETIME_LIMITS_PS, *[RATIO_LIMITS] * (self.model.lifetimes - 1)]
        rate = [OFFSET_RATE_LIMITS_PER_NS] if "offset_rate_per_ns" in self.names else []
        pairs = [(-T0_LIMIT_PS, T0_LIMIT_PS), *(tuple(np.log(one)) for one in lifetimes), *rate, _EFFICIENCY_LIMITS]
        low, high = np.array(pairs, dtype=float).T
        return low, high

    @property
    def values(self) -> int:
        """Number of measured points."""
        return int((self.weight > 0).sum())

    def rates_per_ps(self, parameters: FloatArray) -> FloatArray:
        """Return the decay rates, 1/ps, (components,): those of the lifetimes from fast to slow, then the offset's."""
        lifetimes = self.model.lifetimes
        rates = np.exp(-np.cumsum(parameters[1 : 1 + lifetimes]))
        if not self.model.has_offset:
            return rates
        offset = 1e-3 * parameters[1 + lifetimes] if "offset_rate_per_ns" in self.names else 0.0
        return np.append(rates, offset)

    def solve(self, parameters: FloatArray) -> LinearPart:
        """Return the best spectra for given parameters."""
        t0_ps = parameters[0]
        factor = self.weight / (1.0 + self.rest)
        columns = [
            factor
            * (self._decay(self.pumped_ps - t0_ps, rate).value - self._decay(self.unpumped_ps - t0_ps, rate).value)
            for rate in self.rates_per_ps(parameters)
        ]
        design = np.stack(columns, axis=-1)
        basis, triangle = np.linalg.qr(design)
        data = self.weight * (self.ratio - parameters[-1])
        coefficients = np.einsum("etk,et->ek", basis, data)
        residual = data - np.einsum("etk,ek->et", basis, coefficients)
        spectra = _solve(triangle, coefficients)
        return LinearPart(design, basis, triangle, spectra, residual)

    def residual(self, parameters: FloatArray) -> FloatArray:
        """Return data minus model in errors, (energies x delays,), with the best spectra for these parameters."""
        return self.solve(parameters).residual.ravel()

    def jacobian(self, parameters: FloatArray) -> FloatArray:
        """Return the derivatives of `residual`, (energies x delays, parameters), after Kaufman (1975, BIT 15, 49)."""
        # Kaufman leaves out a term that is of the order of the residuals: the projection of the derivatives at fixed
        # spectra. At the best fit its square is the exact inverse covariance of the parameters, in which the spectra
        # have been eliminated.
        part = self.solve(parameters)
        slopes = self.slopes(parameters, part.spectra)
        projected = slopes - np.einsum("etk,ekp->etp", part.basis, np.einsum("etk,etp->ekp", part.basis, slopes))
        return -projected.reshape(-1, len(parameters))

    def slopes(self, parameters: FloatArray, spectra: FloatArray) -> FloatArray:
        """Return the derivatives of the whitened model at fixed `spectra`, (energies, delays, parameters)."""
        t0_ps = parameters[0]
        rates = self.rates_per_ps(parameters)
        factor = self.weight / (1.0 + self.rest)
        by_delay = np.zeros_like(self.ratio)
        by_rate = []
        for component, rate in enumerate(rates):
            on = self._decay(self.pumped_ps - t0_ps, rate)
            off = self._decay(self.unpumped_ps - t0_ps, rate)
            amplitude = factor * spectra[:, component, None]
            by_delay += amplitude * (on.by_delay - off.by_delay)
            by_rate.append(amplitude * (on.by_rate - off.by_rate))
        # A logarithm of a lifetime or ratio changes its own rate and those of all slower lifetimes by -rate.
        lifetimes = range(self.model.lifetimes)
        by_log = [-sum(rates[slow] * by_rate[slow] for slow in lifetimes if slow >= index) for index in lifetimes]
        by_offset = [1e-3 * by_rate[-1]] if "offset_rate_per_ns" in self.names else []
        return np.stack([-by_delay, *by_log, *by_offset, self.weight], axis=-1)

    def rest_of(self, parameters: FloatArray, spectra: FloatArray) -> FloatArray:
        """Return the signal that earlier pumps have left at the unpumped gate, relative to the unpumped sample."""
        rates = self.rates_per_ps(parameters)
        decays = [self._decay(self.unpumped_ps - parameters[0], rate).value for rate in rates]
        return np.asarray(np.einsum("ket,ek->et", np.array(decays), spectra) / parameters[-1])

    def _decay(self, delay_ps: FloatArray, rate_per_ps: float) -> Decay:
        """Return a decay at every point, (energies, delays), from the mean delays of the columns, (delays,)."""
        # Points of one column differ by the tolerance of the axis, a small part of the response's width: the slope at
        # the mean delay is enough, and the decay is computed once per column instead of once per point.
        column = self.train.decay(delay_ps, rate_per_ps)
        return column._replace(value=column.value + self.deviation_ps * column.by_delay)


def _solve(triangle: FloatArray, coefficients: FloatArray) -> FloatArray:
    """Return the solutions of triangle x = coefficients, (energies, components), with equal decays told apart."""
    # Two trial lifetimes that are nearly equal, or delays before all decays, make a triangle singular. The smallest
    # diagonal that counts keeps the trial finite; a fit that ends there is refused.
    diagonal = np.abs(np.diagonal(triangle, axis1=1, axis2=2))
    smallest = 1e-12 * np.maximum(diagonal.max(axis=1), np.finfo(float).tiny)
    lift = np.where(diagonal < smallest[:, None], smallest[:, None], 0.0)
    safe = triangle + lift[:, :, None] * np.eye(triangle.shape[-1])
    return np.asarray(np.linalg.solve(safe, coefficients[..., None])[..., 0])
