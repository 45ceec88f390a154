"""The least-squares problem of an energy x delay map: a few decays shared by all energies, a spectrum for each decay.

The ratio of pumped to unpumped photons at energy E and delay t is r = c (1 + S(t_on)) / (1 + S(t_off)), with
S = sum_k A_k(E) D_k(t), D_k a decay after the train of pumps and c the ratio of the efficiencies of the two gates.
Identically r = c + sum_k B_k(E) (D_k(t_on) - D_k(t_off)) / (1 + S(t_off)) with B_k = c A_k. The remainder from earlier
pumps, S(t_off), is small, so it is taken from the previous fit, and the model is linear in B: for given decays the best
spectra follow from one small linear problem per energy (variable projection: Golub and Pereyra 1973, SIAM Journal on
Numerical Analysis 10, 413), and only time zero, lifetimes and c are searched for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from reduction.values import Value
from reduction.xas.kinetics.problem import IRF_FACTOR, LIFETIME_LIMITS_PS, RATIO_LIMITS
from reduction.xas.pump_train import Decay

if TYPE_CHECKING:
    from reduction.types import FloatArray
    from reduction.xas.kinetics.kinetic_model import KineticModel
    from reduction.xas.pump_train import PumpTrain

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

    `pumped_ps` (delays,) and `unpumped_ps` (references, delays) are the mean delays of the gates, `deviation_ps` the
    table of the deviations of the points from them, `ratio` is pumped / unpumped, `weight` the inverse of its error,
    `rest` the mean signal of the unpumped gates. Parameters are `names`: "t0_ps", the logarithms of the first lifetime
    and of the ratio of each further lifetime to the previous one, "offset_rate_per_ns" unless it is fixed at 0,
    "irf_sigma_ps" if the run records an error `irf_error_ps` of the instrument response, whose value is then its prior,
    and "efficiency", the c above, whose prior is its value `blocked` in exposures without laser, if there are any.
    """

    pumped_ps: FloatArray
    unpumped_ps: FloatArray
    deviation_ps: FloatArray
    ratio: FloatArray
    weight: FloatArray
    rest: FloatArray
    train: PumpTrain
    model: KineticModel
    irf_error_ps: float = 0.0
    blocked: Value | None = None
    offset_decays: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters that are searched for, (parameters,), in their order."""
        rate = ("offset_rate_per_ns",) if self.model.has_offset and self.offset_decays else ()
        response = ("irf_sigma_ps",) if self.irf_error_ps > 0 else ()
        return ("t0_ps", *self.model.log_lifetimes, *rate, *response, "efficiency")

    @property
    def limits(self) -> tuple[FloatArray, FloatArray]:
        """Lowest and highest values of the parameters, (parameters,) each: ps, logarithms of ps, 1/ns, or no unit."""
        lifetimes = [LIFETIME_LIMITS_PS, *[RATIO_LIMITS] * (self.model.lifetimes - 1)]
        rate = [OFFSET_RATE_LIMITS_PER_NS] if "offset_rate_per_ns" in self.names else []
        width_ps = self.train.sigma_ps
        response = [(width_ps / IRF_FACTOR, width_ps * IRF_FACTOR)] if self.irf_error_ps > 0 else []
        logs = [tuple(np.log(one)) for one in lifetimes]
        pairs = [(-T0_LIMIT_PS, T0_LIMIT_PS), *logs, *rate, *response, _EFFICIENCY_LIMITS]
        low, high = np.array(pairs, dtype=float).T
        return low, high

    @property
    def values(self) -> int:
        """Number of independent residuals: the measured points, and the priors."""
        return int((self.weight > 0).sum()) + len(self.priors)

    @property
    def priors(self) -> tuple[tuple[int, Value], ...]:
        """Places of the parameters with a prior, counted from the end, and the priors: response, ps, and efficiency."""
        response = [(-2, Value(self.train.sigma_ps, self.irf_error_ps))] if self.irf_error_ps > 0 else []
        return (*response, *([] if self.blocked is None else [(-1, self.blocked)]))

    def rates_per_ps(self, parameters: FloatArray) -> FloatArray:
        """Return the decay rates, 1/ps, (components,): those of the lifetimes from fast to slow, then the offset's."""
        lifetimes = self.model.lifetimes
        rates = np.exp(-np.cumsum(parameters[1 : 1 + lifetimes]))
        if not self.model.has_offset:
            return rates
        offset = 1e-3 * parameters[1 + lifetimes] if "offset_rate_per_ns" in self.names else 0.0
        return np.append(rates, offset)

    def solve(self, parameters: FloatArray) -> LinearPart:
        """Return the best spectra for given `parameters`, (parameters,), with the matrices that the errors need."""
        on, off = self._decays(parameters)
        factor = self.weight / (1.0 + self.rest)
        design = np.stack([factor * (one.value - two.value) for one, two in zip(on, off, strict=True)], axis=-1)
        basis, triangle = np.linalg.qr(design)
        data = self.weight * (self.ratio - parameters[-1])
        coefficients = np.einsum("etk,et->ek", basis, data)
        residual = data - np.einsum("etk,ek->et", basis, coefficients)
        spectra = _solve(triangle, coefficients)
        return LinearPart(design, basis, triangle, spectra, residual)

    def residual(self, parameters: FloatArray) -> FloatArray:
        """Return data minus model in errors, (residuals,), with the best spectra for these parameters.

        Those of the priors come last.
        """
        found = self.solve(parameters).residual.ravel()
        return np.append(found, [(parameters[place] - prior.value) / prior.sigma for place, prior in self.priors])

    def jacobian(self, parameters: FloatArray) -> FloatArray:
        """Return the derivatives of `residual`, (residuals, parameters), after Kaufman (1975, BIT 15, 49)."""
        # Kaufman leaves out a term that is of the order of the residuals: the projection of the derivatives at fixed
        # spectra. At the best fit its square is the exact inverse covariance of the parameters, in which the spectra
        # have been eliminated.
        part = self.solve(parameters)
        slopes = self.slopes(parameters, part.spectra)
        projected = slopes - np.einsum("etk,ekp->etp", part.basis, np.einsum("etk,etp->ekp", part.basis, slopes))
        rows: FloatArray = -projected.reshape(-1, len(parameters))
        added = np.zeros((len(self.priors), len(parameters)))
        for row, (place, prior) in zip(added, self.priors, strict=True):
            row[place] = 1.0 / prior.sigma
        return np.concatenate([rows, added])

    def slopes(self, parameters: FloatArray, spectra: FloatArray) -> FloatArray:
        """Return the derivatives of the whitened model at fixed `spectra`, (energies, delays, parameters)."""
        found = np.einsum("xtkp,xk->xtp", self.design_slopes(parameters), spectra)
        found[..., -1] += self.weight
        return np.asarray(found)

    def design_slopes(self, parameters: FloatArray) -> FloatArray:
        """Return the derivatives of the whitened design, (energies, delays, components, parameters)."""
        rates = self.rates_per_ps(parameters)
        factor = self.weight / (1.0 + self.rest)
        on, off = self._decays(parameters)
        found = np.zeros((*self.ratio.shape, len(rates), len(parameters)))
        lifetimes = self.model.lifetimes
        for component, (rate, one, two) in enumerate(zip(rates, on, off, strict=True)):
            slope = found[:, :, component]
            slope[..., 0] = -factor * (one.by_delay - two.by_delay)
            by_rate = factor * (one.by_rate - two.by_rate)
            if component < lifetimes:
                # A logarithm of a lifetime or ratio changes its own rate and those of all slower lifetimes by -rate.
                slope[..., 1 : 2 + component] = (-rate * by_rate)[..., None]
            elif "offset_rate_per_ns" in self.names:
                slope[..., 1 + lifetimes] = 1e-3 * by_rate
            if self.irf_error_ps > 0:
                slope[..., -2] = factor * (one.by_sigma - two.by_sigma)
        return found

    def noise_information(self, parameters: FloatArray) -> FloatArray:
        """Return the mean contribution of the spectra's noise to the squared Jacobian, (parameters, parameters).

        Fitted spectra have noise, which looks like a signal that depends on lifetimes and time zero as the true one
        does. There are as many spectra as energies, so the sum does not become small compared with the truth (Neyman
        and Scott 1948, Econometrica 16, 1).
        """
        part = self.solve(parameters)
        slopes = self.design_slopes(parameters)
        onto = np.einsum("xtk,xtlp->xklp", part.basis, slopes)
        projected = slopes - np.einsum("xtk,xklp->xtlp", part.basis, onto)
        inverse = np.linalg.inv(part.triangle)
        spread = np.einsum("xkm,xlm->xkl", inverse, inverse)
        return np.asarray(np.einsum("xkl,xtkp,xtlq->pq", spread, slopes, projected, optimize=True))

    def rest_of(self, parameters: FloatArray, spectra: FloatArray) -> FloatArray:
        """Return the signal left by earlier pumps at the unpumped gate, (energies, delays), unpumped sample = 1."""
        off = np.array([decay.value for decay in self._decays(parameters)[1]])
        return np.asarray(np.einsum("det,ed->et", off, spectra) / parameters[-1])

    def _decays(self, parameters: FloatArray) -> tuple[list[Decay], list[Decay]]:
        """Return the decays of all components at the pumped gate, and their means over the unpumped ones.

        Tables (energies, delays).
        """
        # Points of one column differ by the tolerance of the axis, a small part of the response's width: the slope at
        # the mean delay is enough, and the decay is computed once per column instead of once per point.
        train = replace(self.train, sigma_ps=float(parameters[-2])) if self.irf_error_ps > 0 else self.train
        rates = self.rates_per_ps(parameters)
        found = []
        for gates in (self.pumped_ps[None, :], self.unpumped_ps):
            columns = train.decays(gates - parameters[0], [float(rate) for rate in rates])
            means = [Decay(*(part.mean(axis=0) for part in one)) for one in columns]
            found.append([one._replace(value=one.value + self.deviation_ps * one.by_delay) for one in means])
        return found[0], found[1]


def _solve(triangle: FloatArray, coefficients: FloatArray) -> FloatArray:
    """Return the solutions of triangle x = coefficients, (energies, components), kept finite for equal decays."""
    # Two trial lifetimes that are nearly equal, or delays before all decays, make a triangle singular. The smallest
    # diagonal that counts keeps the trial finite; a fit that ends there is refused.
    diagonal = np.abs(np.diagonal(triangle, axis1=1, axis2=2))
    smallest = 1e-12 * np.maximum(diagonal.max(axis=1), np.finfo(float).tiny)
    lift = np.where(diagonal < smallest[:, None], smallest[:, None], 0.0)
    safe = triangle + lift[:, :, None] * np.eye(triangle.shape[-1])
    return np.asarray(np.linalg.solve(safe, coefficients[..., None])[..., 0])
