"""Cause of changes of the diffusivity: the power alone, or also the repetition rate, and with it the fluence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import scipy

from errors import ReductionError
from reduction.number_text import with_error
from reduction.values import Value

if TYPE_CHECKING:
    from reduction.tplm.relaxation import MapPoint
    from reduction.types import FloatArray

SIGNIFICANT = 3.0
"""Distance of the exponent of the rate from 0, in errors, from which the power alone does not explain the maps."""

CURVATURE = 3
"""Largest degree of the polynomial in the logarithm of the power: the dependence on it is not a power law."""


class Cause(StrEnum):
    """Quantity that the diffusivity depends on, as far as the maps show it."""

    POWER = "the power alone"
    FLUENCE = "the fluence of a pulse alone"
    RATE = "the repetition rate alone"
    NOT_ONE = "none of power, fluence and rate alone"
    OPEN = "more than one possible cause"


@dataclass(frozen=True, kw_only=True)
class RankCorrelations:
    """Spearman's rank correlation of the diffusivity with power, repetition rate and excitons per pulse, -1 to 1."""

    power: float
    rate: float
    excitons: float


@dataclass(frozen=True, kw_only=True)
class Attribution:
    """D ~ P^a f^b fitted to a series of maps.

    `power_exponent` (a) is the mean slope over the powers; `rate_exponent` (b) is the null test: at constant power a
    dependence on the pulse's fluence, or on the rate, would show in it. `fluence_exponent` is the exponent of the rate
    at constant fluence, and `other_exponent` that of the power at constant rate: the exponent at a constant value of
    the quantity that alone determines the diffusivity is 0.
    """

    power_exponent: Value
    rate_exponent: Value
    fluence_exponent: Value
    other_exponent: Value
    ranks: RankCorrelations
    maps: int

    @property
    def is_power_alone(self) -> bool:
        """Whether the maps are compatible with a dependence on the power alone."""
        return _is_none(self.rate_exponent)

    @property
    def cause(self) -> Cause:
        """Quantity that the diffusivity depends on: at a fixed value of it, nothing else matters."""
        tests = {
            Cause.POWER: self.rate_exponent, Cause.FLUENCE: self.fluence_exponent, Cause.RATE: self.other_exponent
        }  # fmt: skip
        passed = [cause for cause, exponent in tests.items() if _is_none(exponent)]
        if len(passed) == 1:
            return passed[0]
        return Cause.OPEN if passed else Cause.NOT_ONE

    def text(self) -> str:
        """Return the outcome as a sentence with the exponents and their errors."""
        verdict = "depends on the power alone" if self.is_power_alone else "does not depend on the power alone"
        if self.cause in (Cause.FLUENCE, Cause.RATE):
            verdict = f"depends on {self.cause}"
        return (
            f"D ~ P^a f^b: a = {with_error(*self.power_exponent)}, b = {with_error(*self.rate_exponent)}; at constant "
            f"fluence b = {with_error(*self.fluence_exponent)}; D {verdict}"
        )


def _is_none(exponent: Value) -> bool:
    return abs(exponent.value) < SIGNIFICANT * exponent.sigma


def attribute(maps: Sequence[MapPoint]) -> Attribution:
    """Return what the diffusivities of a series depend on.

    Maps whose diffusivity is not above twice its error are left out, as they have no logarithm. Raises ReductionError
    unless power and rate were varied independently.
    """
    used = [one for one in maps if one.diffusivity.value > 2 * one.diffusivity.sigma > 0]
    power = np.log([one.power_nw for one in used])
    rate = np.log([one.rate_mhz for one in used])
    if len(used) < 4 or np.ptp(power) < 0.1 or np.ptp(rate) < 0.1:
        raise ReductionError(
            f"{len(used)} maps with a measured diffusivity do not separate power from rate. Measure at least four, at "
            "several powers and repetition rates."
        )
    values = np.array([one.diffusivity.value for one in used])
    relative = np.array([one.diffusivity.sigma for one in used]) / values
    slope, _ = _fit(np.log(values), relative, [power - power.mean(), rate - rate.mean()])
    # Each test fits a curve of one quantity, of any shape, and asks whether another one adds anything. A curve of the
    # right quantity explains all maps. One of a wrong quantity cannot, as power and rate were varied independently.
    null = _further(np.log(values), relative, power, rate)
    at_fluence = _further(np.log(values), relative, power - rate, rate)
    at_rate = _further(np.log(values), relative, rate, power)
    excitons = np.array([one.excitons for one in used])
    return Attribution(
        power_exponent=slope,
        rate_exponent=null,
        fluence_exponent=at_fluence,
        other_exponent=at_rate,
        ranks=RankCorrelations(
            power=_rank(power, values), rate=_rank(rate, values), excitons=_rank(np.log(excitons), values)
        ),
        maps=len(used),
    )


def _further(logs: FloatArray, sigma: FloatArray, quantity: FloatArray, other: FloatArray) -> Value:
    """Return the exponent of `other` at a constant `quantity`, of which the diffusivity is any smooth function."""
    degree = max(1, min(CURVATURE, np.unique(quantity.round(2)).size - 1, len(logs) - 3))
    curve = [(quantity - quantity.mean()) ** order for order in range(1, degree + 1)]
    return _fit(logs, sigma, [*curve, other - other.mean()])[1]


def _fit(logs: FloatArray, sigma: FloatArray, columns: Sequence[FloatArray]) -> tuple[Value, Value]:
    """Return the coefficients of the first and of the last column, with errors that include the scatter of the maps."""
    design = np.stack([np.ones_like(logs), *columns], axis=1)
    weighted = design / sigma[:, np.newaxis]
    covariance = np.linalg.pinv(weighted.T @ weighted)
    found = covariance @ weighted.T @ (logs / sigma)
    freedom = logs.size - design.shape[1]
    chi_square = float((((logs - design @ found) / sigma) ** 2).sum())
    # A curve that is not a polynomial leaves residuals beyond the counting errors; they may only widen the errors.
    scale = np.sqrt(max(chi_square / freedom, 1.0)) if freedom > 0 else 1.0
    errors = scale * np.sqrt(np.diag(covariance))
    return Value(float(found[1]), float(errors[1])), Value(float(found[-1]), float(errors[-1]))


def _rank(one: FloatArray, other: FloatArray) -> float:
    # Logarithms of equal settings may differ in the last digit; they count as ties.
    return float(scipy.stats.spearmanr(one.round(6), other).statistic)
