"""The least-squares problem of an energy x delay map: a few decays shared by all energies, a spectrum for each decay.

The ratio of the photons of gate g to those of the unpumped gates at energy E and delay t is
r_g = c_g (1 + S(t_g)) / (1 + S(t_off)), with S = sum_k A_k(E) D_k(t), D_k a decay after the train of pumps and c_g the
ratio of the efficiencies. All gates of an exposure see the same jet and flux, which cancel; the noise of the unpumped
gates is in all ratios, so these are whitened together. Identically r_g = c_g + c_g sum_k A_k(E) (D_k(t_g) - D_k(t_off))
/ (1 + S(t_off)). The remainder from earlier pumps, S(t_off), is small, so it is taken from the previous fit, and the
model is linear in A: for given decays the best spectra follow from one small linear problem per energy (variable
projection: Golub and Pereyra 1973, SIAM Journal on Numerical Analysis 10, 413), and only time zero, lifetimes and
efficiencies are searched for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from reduction.xas.kinetics.problem import IRF_FACTOR, LIFETIME_LIMITS_PS, RATIO_LIMITS
from reduction.xas.pump_train import Decay

if TYPE_CHECKING:
    from reduction.types import BoolArray, FloatArray
    from reduction.xas.kinetics.kinetic_model import KineticModel
    from reduction.xas.pump_train import PumpTrain

OFFSET_RATE_LIMITS_PER_NS = (0.0, 0.05)
T0_LIMIT_PS = 1000.0
_EFFICIENCY_LIMITS = (0.5, 2.0)


class LinearPart(NamedTuple):
    """Solution of the linear problem of every energy: whitened columns and their coefficients.

    A reading is a gate at a delay. `design` (energies, readings, components), `basis` is its orthonormal basis of the
    same shape, `triangle` (energies, components, components) with design = basis triangle, `spectra` (energies,
    components), `residual` (energies, delays, gates).
    """

    design: FloatArray
    basis: FloatArray
    triangle: FloatArray
    spectra: FloatArray
    residual: FloatArray


class BlockedGates(NamedTuple):
    """Ratios of the gates to the unpumped ones with the laser blocked, (gates,), and their covariance."""

    ratio: FloatArray
    covariance: FloatArray

    @property
    def whitening(self) -> FloatArray:
        """The inverse root of the covariance, shape (gates, gates)."""
        return np.asarray(np.linalg.inv(np.linalg.cholesky(self.covariance)))


class GateNoise(NamedTuple):
    """Relative variances of the photons of each gate, (energies, delays, gates), and of the unpumped ones together.

    `unpumped` is (energies, delays).
    """

    gates: FloatArray
    unpumped: FloatArray

    def at(self, counted: FloatArray, fitted: FloatArray) -> GateNoise:
        """Return the noise that photons in the `fitted` ratios have, instead of those `counted`.

        Both arrays of ratios have the shape (..., gates).
        """
        # A count that is low by chance has a small error of its own, and would pull every mean down. The sum of all
        # gates is as good as free of that. Gate g has the part r_g / (1 + sum r) of it, the unpumped ones have
        # 1 / (1 + sum r), and the relative variance of counts is the inverse of their number: only r is exchanged.
        total = (1.0 + fitted.sum(axis=-1)) / (1.0 + counted.sum(axis=-1))
        return GateNoise(self.gates * total[..., None] * counted / fitted, self.unpumped * total)

    def whitening(self, ratio: FloatArray, measured: BoolArray) -> FloatArray:
        """Return the inverse root of the covariance of `ratio`, shape (energies, delays, gates, gates).

        The pumped gate comes first, so that its own error is the first row. 0 where nothing was `measured`, which has
        the shape (energies, delays).
        """
        gates = ratio.shape[-1]
        own = np.where(measured[..., None], self.gates, 1.0)
        common = np.where(measured, self.unpumped, 0.0)
        relative = own[..., None] * np.eye(gates) + common[..., None, None]
        covariance = relative * ratio[..., :, None] * ratio[..., None, :]
        return np.where(measured[..., None, None], np.linalg.inv(np.linalg.cholesky(covariance)), 0.0)


@dataclass(frozen=True, kw_only=True)
class MapProblem:
    """A map with the decays that describe it, by all gates but the unpumped ones, the pumped gate first.

    `gate_ps` (gates, delays) and `unpumped_ps` (references, delays) are the mean delays of the gates, `deviation_ps`
    (energies, delays) the deviations of the points from them, `ratio` (energies, delays, gates) the photons over those
    of the unpumped gates, `noise` the variances of both, `whitening` (energies, delays, gates, gates) the inverse root
    of the covariance of the ratios, 0 where nothing was measured, `rest` (energies, delays) the mean signal of the
    unpumped gates. Parameters are `names`:
    "t0_ps", the logarithms of the first lifetime and of the ratio of each further lifetime to the previous one,
    "offset_rate_per_ns" unless it is fixed at 0, "irf_sigma_ps" if the run records an error `irf_error_ps` of the
    instrument response, whose value is then its prior, and "efficiency" of every gate, the c_g above, whose priors are
    those `blocked` in exposures without laser, if there are any.
    `probes` (gates,) are the numbers of the gates.
    """

    gate_ps: FloatArray
    unpumped_ps: FloatArray
    deviation_ps: FloatArray
    ratio: FloatArray
    noise: GateNoise
    whitening: FloatArray
    rest: FloatArray
    train: PumpTrain
    model: KineticModel
    irf_error_ps: float = 0.0
    blocked: BlockedGates | None = None
    offset_decays: bool = True
    probes: tuple[int, ...] = ()

    @property
    def gates(self) -> int:
        """Number of gates, without the unpumped ones; the list of parameters ends with as many efficiencies."""
        return len(self.gate_ps)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters that are searched for, (parameters,), in their order."""
        rate = ("offset_rate_per_ns",) if self.model.has_offset and self.offset_decays else ()
        response = ("irf_sigma_ps",) if self.irf_error_ps > 0 else ()
        further = (f"efficiency_{number}" for number in range(1, self.gates))
        return ("t0_ps", *self.model.log_lifetimes, *rate, *response, "efficiency", *further)

    @property
    def limits(self) -> tuple[FloatArray, FloatArray]:
        """Lowest and highest values of the parameters, (parameters,) each: ps, logarithms of ps, 1/ns, or no unit."""
        lifetimes = [LIFETIME_LIMITS_PS, *[RATIO_LIMITS] * (self.model.lifetimes - 1)]
        rate = [OFFSET_RATE_LIMITS_PER_NS] if "offset_rate_per_ns" in self.names else []
        width_ps = self.train.sigma_ps
        response = [(width_ps / IRF_FACTOR, width_ps * IRF_FACTOR)] if self.irf_error_ps > 0 else []
        logs = [tuple(np.log(one)) for one in lifetimes]
        pairs = [(-T0_LIMIT_PS, T0_LIMIT_PS), *logs, *rate, *response, *[_EFFICIENCY_LIMITS] * self.gates]
        low, high = np.array(pairs, dtype=float).T
        return low, high

    @property
    def measured(self) -> BoolArray:
        """Whether a point was measured, shape (energies, delays)."""
        return np.asarray(self.whitening[..., 0, 0] > 0)

    @property
    def values(self) -> int:
        """Number of independent residuals: the measured gates, and the priors."""
        priors = int(self.irf_error_ps > 0) + (0 if self.blocked is None else self.gates)
        return int(self.measured.sum()) * self.gates + priors

    def efficiencies(self, parameters: FloatArray) -> FloatArray:
        """Return the efficiencies among the `parameters`, (gates,)."""
        return parameters[-self.gates :]

    def _prior_slopes(self) -> FloatArray:
        """Return the derivatives of the residuals of the priors, (priors, parameters)."""
        number = len(self.names)
        rows = np.zeros((0, number))
        if self.irf_error_ps > 0:
            rows = np.zeros((1, number))
            rows[0, -1 - self.gates] = 1.0 / self.irf_error_ps
        if self.blocked is not None:
            gates = np.zeros((self.gates, number))
            gates[:, -self.gates :] = self.blocked.whitening
            rows = np.concatenate([rows, gates])
        return rows

    def _priors(self) -> FloatArray:
        """Return the values that the priors expect, (parameters,); 0 for parameters without one."""
        expected = np.zeros(len(self.names))
        expected[-1 - self.gates] = self.train.sigma_ps
        if self.blocked is not None:
            expected[-self.gates :] = self.blocked.ratio
        return expected

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
        efficiencies = self.efficiencies(parameters)
        design = self._whitened(efficiencies[:, None] * self._changes(parameters))
        basis, triangle = np.linalg.qr(design)
        data = self._whitened((self.ratio - efficiencies)[..., None])[..., 0]
        coefficients = np.einsum("erk,er->ek", basis, data)
        residual = data - np.einsum("erk,ek->er", basis, coefficients)
        spectra = _solve(triangle, coefficients)
        return LinearPart(design, basis, triangle, spectra, residual.reshape(self.ratio.shape))

    def fitted_ratio(self, parameters: FloatArray, spectra: FloatArray) -> FloatArray:
        """Return the ratios of the model, shape (energies, delays, gates).

        `spectra` have the shape (energies, components).
        """
        change = np.einsum("etgk,ek->etg", self._changes(parameters), spectra)
        return np.asarray(self.efficiencies(parameters) * (1.0 + change))

    def residual(self, parameters: FloatArray) -> FloatArray:
        """Return data minus model in errors, (residuals,), with the best spectra for these parameters.

        Those of the priors come last.
        """
        found = self.solve(parameters).residual.ravel()
        return np.append(found, self._prior_slopes() @ (parameters - self._priors()))

    def jacobian(self, parameters: FloatArray) -> FloatArray:
        """Return the derivatives of `residual`, shape (residuals, parameters), after Kaufman (1975, BIT 15, 49)."""
        # Kaufman leaves out a term that is of the order of the residuals: the projection of the derivatives at fixed
        # spectra. At the best fit its square is the exact inverse covariance of the parameters, in which the spectra
        # have been eliminated.
        part = self.solve(parameters)
        slopes = self.slopes(parameters, part.spectra)
        projected = slopes - np.einsum("erk,ekp->erp", part.basis, np.einsum("erk,erp->ekp", part.basis, slopes))
        rows: FloatArray = -projected.reshape(-1, len(parameters))
        return np.concatenate([rows, self._prior_slopes()])

    def slopes(self, parameters: FloatArray, spectra: FloatArray) -> FloatArray:
        """Return the derivatives of the whitened model at fixed `spectra`, shape (energies, readings, parameters)."""
        found = np.einsum("xrkp,xk->xrp", self.design_slopes(parameters), spectra)
        constant = np.broadcast_to(np.eye(self.gates), (*self.ratio.shape, self.gates))
        found[..., -self.gates :] += self._whitened(constant)
        return np.asarray(found)

    def design_slopes(self, parameters: FloatArray) -> FloatArray:
        """Return the derivatives of the whitened design, shape (energies, readings, components, parameters)."""
        rates = self.rates_per_ps(parameters)
        efficiencies = self.efficiencies(parameters)
        factor = efficiencies / (1.0 + self.rest)[..., None]
        on, off = self._decays(parameters)
        found = np.zeros((*self.ratio.shape, len(rates), len(parameters)))
        lifetimes = self.model.lifetimes
        for component, (rate, one, two) in enumerate(zip(rates, on, off, strict=True)):
            slope = found[..., component, :]
            slope[..., 0] = -factor * (one.by_delay - two.by_delay[..., None])
            by_rate = factor * (one.by_rate - two.by_rate[..., None])
            if component < lifetimes:
                # A logarithm of a lifetime or ratio changes its own rate and those of all slower lifetimes by -rate.
                slope[..., 1 : 2 + component] = (-rate * by_rate)[..., None]
            elif "offset_rate_per_ns" in self.names:
                slope[..., 1 + lifetimes] = 1e-3 * by_rate
            if self.irf_error_ps > 0:
                slope[..., -1 - self.gates] = factor * (one.by_sigma - two.by_sigma[..., None])
        changes = self._changes(parameters)
        for gate in range(self.gates):
            found[:, :, gate, :, gate - self.gates] = changes[:, :, gate]
        flat = found.reshape(*self.ratio.shape, -1)
        return self._whitened(flat).reshape(len(flat), -1, len(rates), len(parameters))

    def noise_information(self, parameters: FloatArray) -> FloatArray:
        """Return the mean contribution of the spectra's noise to the squared Jacobian, shape (parameters, parameters).

        Fitted spectra have noise, which looks like a signal that depends on lifetimes and time zero as the true one
        does. There are as many spectra as energies, so the sum does not become small compared with the truth (Neyman
        and Scott 1948, Econometrica 16, 1).
        """
        part = self.solve(parameters)
        slopes = self.design_slopes(parameters)
        onto = np.einsum("xrk,xrlp->xklp", part.basis, slopes)
        projected = slopes - np.einsum("xrk,xklp->xrlp", part.basis, onto)
        inverse = np.linalg.inv(part.triangle)
        spread = np.einsum("xkm,xlm->xkl", inverse, inverse)
        return np.asarray(np.einsum("xkl,xrkp,xrlq->pq", spread, slopes, projected, optimize=True))

    def rest_of(self, parameters: FloatArray, spectra: FloatArray) -> FloatArray:
        """Return the signal left by earlier pumps at the unpumped gate, shape (energies, delays).

        The signal of the unpumped sample is 1.
        """
        off = np.array([decay.value for decay in self._decays(parameters)[1]])
        return np.asarray(np.einsum("det,ed->et", off, spectra))

    def _whitened(self, values: FloatArray) -> FloatArray:
        """Return `values` (energies, delays, gates, n) in units of their errors, (energies, readings, n)."""
        found = self.whitening @ values
        return np.asarray(found.reshape(len(found), -1, found.shape[-1]))

    def _changes(self, parameters: FloatArray) -> FloatArray:
        """Return the relative change of the ratios by each component, (energies, delays, gates, components)."""
        on, off = self._decays(parameters)
        values = [one.value - two.value[..., None] for one, two in zip(on, off, strict=True)]
        return np.asarray(np.stack(values, axis=-1) / (1.0 + self.rest)[..., None, None])

    def _decays(self, parameters: FloatArray) -> tuple[list[Decay], list[Decay]]:
        """Return the decays of all components at the gates, and their means over the unpumped ones.

        Tables (energies, delays, gates) and (energies, delays).
        """
        # Points of one column differ by the tolerance of the axis, a small part of the response's width: the slope at
        # the mean delay is enough, and the decay is computed once per column instead of once per point.
        sigma_ps = float(parameters[-1 - self.gates])
        train = replace(self.train, sigma_ps=sigma_ps) if self.irf_error_ps > 0 else self.train
        rates = [float(rate) for rate in self.rates_per_ps(parameters)]
        on = []
        for one in train.decays(self.gate_ps - parameters[0], rates):
            # (delays, gates), as the last axes of the tables.
            turned = Decay(*(np.asarray(part).T for part in one))
            on.append(turned._replace(value=turned.value + self.deviation_ps[..., None] * turned.by_delay))
        off = []
        for one in train.decays(self.unpumped_ps - parameters[0], rates):
            mean = Decay(*(part.mean(axis=0) for part in one))
            off.append(mean._replace(value=mean.value + self.deviation_ps * mean.by_delay))
        return on, off


def _solve(triangle: FloatArray, coefficients: FloatArray) -> FloatArray:
    """Return the solutions of triangle x = coefficients, (energies, components), kept finite for equal decays."""
    # Two trial lifetimes that are nearly equal, or delays before all decays, make a triangle singular. The smallest
    # diagonal that counts keeps the trial finite; a fit that ends there is refused.
    diagonal = np.abs(np.diagonal(triangle, axis1=1, axis2=2))
    smallest = 1e-12 * np.maximum(diagonal.max(axis=1), np.finfo(float).tiny)
    lift = np.where(diagonal < smallest[:, None], smallest[:, None], 0.0)
    safe = triangle + lift[:, :, None] * np.eye(triangle.shape[-1])
    return np.asarray(np.linalg.solve(safe, coefficients[..., None])[..., 0])
