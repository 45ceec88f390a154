"""Relaxation: the diffusivity against the waiting time between two visits of a crystal, by two laws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy

from errors import ReductionError
from reduction.values import Value

if TYPE_CHECKING:
    from reduction.types import FloatArray

LEAST_MAPS = 4
"""Maps at different waiting times from which three parameters are fitted."""

DECISIVE = 9.0
"""Difference of chi-square between two laws with as many parameters from which one of them is rejected: 3 sigma."""


class RelaxationLaw(StrEnum):
    """How the diffusivity falls with the waiting time."""

    EXPONENTIAL = "exponential"
    OCCUPATION = "occupation"


@dataclass(frozen=True, kw_only=True)
class MapPoint:
    """One map of a series: nominal power (nW), rate (MHz), excitons per pulse, waiting time (us), and diffusivity."""

    uid: str
    power_nw: float
    rate_mhz: float
    excitons: float
    waiting_us: float
    diffusivity: Value
    temperature_k: float = 296.0


@dataclass(frozen=True, kw_only=True)
class Relaxation:
    """A law fitted to maps: diffusivities at long and at short waiting times, cm2/s, and the relaxation time, us."""

    law: RelaxationLaw
    slow_cm2_s: Value
    fast_cm2_s: Value
    tau_us: Value
    chi_square: float
    degrees_of_freedom: int

    def at(self, waiting_us: FloatArray) -> FloatArray:
        """Return the diffusivity (cm2/s) at waiting times (us); same shape."""
        slow = self.slow_cm2_s.value
        fast = self.fast_cm2_s.value
        share = _share(self.law, waiting_us, self.tau_us.value, np.zeros_like(waiting_us))
        return np.asarray(slow + (fast - slow) * share)


@dataclass(frozen=True, kw_only=True)
class LawComparison:
    """Both laws fitted to the same maps."""

    exponential: Relaxation
    occupation: Relaxation

    @property
    def better(self) -> Relaxation:
        """The law with the smaller chi-square."""
        return min((self.exponential, self.occupation), key=lambda one: one.chi_square)

    @property
    def is_decided(self) -> bool:
        """Whether the other law is rejected by more than three standard deviations."""
        return abs(self.exponential.chi_square - self.occupation.chi_square) > DECISIVE

    def text(self) -> str:
        """Return the comparison as a sentence."""
        difference = abs(self.exponential.chi_square - self.occupation.chi_square)
        verdict = f"{self.better.law} law" if self.is_decided else "undecided between the two laws"
        return f"{verdict}: chi-square differs by {difference:.1f}"


def compare_laws(maps: Sequence[MapPoint], covariance: FloatArray | None = None) -> LawComparison:
    """Return both laws fitted to maps of one sample and temperature; raises ReductionError with too few maps.

    `covariance`, shape (maps, maps), of the diffusivities, cm4/s2, if they share an error.
    """
    exponential, occupation = (fit_relaxation(maps, law, covariance) for law in RelaxationLaw)
    return LawComparison(exponential=exponential, occupation=occupation)


def fit_relaxation(
    maps: Sequence[MapPoint],
    law: RelaxationLaw = RelaxationLaw.EXPONENTIAL,
    covariance: FloatArray | None = None,
) -> Relaxation:
    """Return D(t) = slow + (fast - slow) s(t), with s = exp(-t / tau), or the occupation of the steady state.

    `covariance` as for `compare_laws`. Raises ReductionError with fewer than four different waiting times.
    """
    waiting = np.array([one.waiting_us for one in maps])
    if np.unique(waiting.round(3)).size < LEAST_MAPS:
        raise ReductionError(
            f"A relaxation needs maps at {LEAST_MAPS} different powers; there are {np.unique(waiting.round(3)).size}."
        )
    values = np.array([one.diffusivity.value for one in maps])
    sigmas = np.array([one.diffusivity.sigma for one in maps])
    # Residuals are made independent with unit variance; without shared errors that divides each by its own.
    root = np.linalg.inv(np.linalg.cholesky(np.diag(sigmas**2) if covariance is None else covariance))
    period = np.array([1 / one.rate_mhz for one in maps])

    def misfit(found: FloatArray) -> FloatArray:
        """Return the whitened distances of the values from the model, shape (maps,).

        `found` is the slow diffusivity and its rise, cm2/s, and ln(tau / us).
        """
        slow, rise, log_tau = found
        model = slow + rise * _share(law, waiting, float(np.exp(np.clip(log_tau, -8, 12))), period)
        return np.asarray(root @ (model - values))

    # Several starts, because with a relaxation time far from those measured the curve is flat.
    scale = max(float(np.ptp(values)), float(sigmas.min()))
    starts = [(float(values.min()), scale, np.log(tau)) for tau in np.geomspace(waiting.min(), waiting.max(), 6)]
    fits = [scipy.optimize.least_squares(misfit, start, x_scale=[scale, scale, 1.0]) for start in starts]
    best = min(fits, key=lambda fit: fit.cost)
    return _relaxation(law, best, len(maps))


def _relaxation(law: RelaxationLaw, best: Any, maps: int) -> Relaxation:
    """Return the result of a fit with its errors; `best` is that of scipy."""
    slopes: FloatArray = np.array(best.jac, dtype=float)
    of_fit = np.linalg.pinv(slopes.T @ slopes)
    slow, rise, log_tau = best.x
    tau = float(np.exp(log_tau))
    fast_sigma = np.sqrt(of_fit[0, 0] + of_fit[1, 1] + 2 * of_fit[0, 1])
    return Relaxation(
        law=law,
        slow_cm2_s=Value(float(slow), float(np.sqrt(of_fit[0, 0]))),
        fast_cm2_s=Value(float(slow + rise), float(fast_sigma)),
        tau_us=Value(tau, tau * float(np.sqrt(of_fit[2, 2]))),
        chi_square=2 * float(best.cost),
        degrees_of_freedom=maps - 3,
    )


def _share(law: RelaxationLaw, waiting_us: FloatArray, tau_us: float, period_us: FloatArray) -> FloatArray:
    """Return the share of fast crystals, 0 to 1: after the mean waiting time, or just before a pulse."""
    if law is RelaxationLaw.EXPONENTIAL:
        return np.exp(-waiting_us / tau_us)
    # A crystal that is visited with the probability v per pulse, and stays fast until the next with q = exp(-T / tau),
    # is fast with p = v q / (1 - q + v q); for short periods this becomes tau / (tau + waiting time).
    with np.errstate(divide="ignore", invalid="ignore"):
        visits = period_us / waiting_us
        staying = np.exp(-period_us / tau_us)
        steady = visits * staying / (1 - staying + visits * staying)
    return np.asarray(np.where(period_us > 0, steady, tau_us / (tau_us + waiting_us)))
