"""Time that a delay scan still needs until a lifetime is known to a wanted error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from errors import InputError, ReductionError
from reduction.xas.kinetics.model import RESPONSE
from reduction.xas.kinetics.quantities import combinations_of

if TYPE_CHECKING:
    from reduction.types import FloatArray
    from reduction.xas.kinetics.fitted import KineticsFit

_STEPS = (1.0, 2.0, 5.0)
_NEXT_BELOW = 0.75
_LONGEST = 1e6
_HOUR_S = 3600.0


@dataclass(frozen=True, kw_only=True)
class PrecisionForecast:
    """Error of a quantity now, and the beam time, s, that the same delays still take to reach the `wanted_error`.

    `error` and `wanted_error` are in the `unit` of the quantity; `seconds` is 0 if it is reached, and infinite if
    counting alone does not lead there. `hour_error` is the error after one more hour of beam time.
    """

    quantity: str
    unit: str
    error: float
    wanted_error: float
    seconds: float
    hour_error: float

    @property
    def text(self) -> str:
        """The forecast as `tau2 ± 31 ps; ± 20 ps in 14 min of beam time`."""
        return f"{self._now}; {self._wanted}"

    @property
    def text_with_hour(self) -> str:
        """The same with one more hour: `tau2 ± 31 ps; ± 12 ps after one more hour; ± 20 ps in 14 min of beam time`."""
        hour = f"± {_two_digits(self.hour_error)} {self.unit}".strip()
        return f"{self._now}; {hour} after one more hour; {self._wanted}"

    @property
    def _now(self) -> str:
        return f"{self.quantity.removesuffix('_ps')} ± {_two_digits(self.error)} {self.unit}".strip()

    @property
    def _wanted(self) -> str:
        wanted = f"± {self.wanted_error:g} {self.unit}".strip()
        if self.seconds <= 0:
            return f"{wanted} reached"
        if not math.isfinite(self.seconds):
            return f"{wanted} cannot be reached by counting longer"
        return f"{wanted} in {duration_text(self.seconds)} of beam time"


def precision_forecast(
    fit: KineticsFit, beam_time_s: float, *, quantity: str | None = None, wanted_error: float | None = None
) -> PrecisionForecast:
    """Return the beam time, s, after which the error of `quantity` is `wanted_error`, from the covariance of the fit.

    The information of the counts grows in proportion to the `beam_time_s` that they took, s, that of the instrument
    response before the fit does not. It holds if the remaining time is spent on the same delays. By default the
    quantity is the longest lifetime, and the wanted error the next smaller of 1, 2, 5, 10, ... in its unit. Raises
    InputError for another quantity or a wanted error that is not above 0, and ReductionError for one without an error.
    """
    name = f"tau{len(fit.lifetimes_ps)}_ps" if quantity is None else quantity
    combinations = combinations_of(fit)
    if name not in combinations:
        raise InputError(f"quantity = {name!r} is not one of {', '.join(combinations)}.")
    if wanted_error is not None and not wanted_error > 0:
        raise InputError(f"wanted_error = {wanted_error:g}: give an error above 0.")
    slopes = np.array([combinations[name].slopes.get(parameter, 0.0) for parameter in fit.parameters])
    # Lifetimes are fitted as logarithms.
    logarithmic = name in fit.quantities and name.startswith(("tau", "rise"))
    scale = fit.quantities[name].value if logarithmic else 1.0
    growth = _Growth(fit)
    error = abs(scale) * growth.sigma(slopes, 1.0)
    if not error > 0:
        raise ReductionError(f"{name} has no error in this fit, so there is nothing to improve.")
    wanted = next_error(error) if wanted_error is None else wanted_error
    factor = growth.factor(slopes, wanted / abs(scale))
    return PrecisionForecast(
        quantity=name,
        unit="ps" if name.endswith("_ps") else "1/ns" if name.endswith("per_ns") else "",
        error=error,
        wanted_error=wanted,
        seconds=max(factor - 1.0, 0.0) * beam_time_s,
        hour_error=abs(scale) * growth.sigma(slopes, 1.0 + _HOUR_S / beam_time_s),
    )


class _Growth:
    """The information of a fit, split into that of the counts and that of the prior of the response."""

    def __init__(self, fit: KineticsFit) -> None:
        whole = np.linalg.inv(fit.covariance)
        self._prior = np.zeros_like(whole)
        if RESPONSE in fit.parameters and fit.timing.irf_error_ps > 0:
            place = fit.parameters.index(RESPONSE)
            self._prior[place, place] = fit.timing.irf_error_ps**-2.0
        self._counts = whole - self._prior

    def sigma(self, slopes: FloatArray, factor: float) -> float:
        """Return the error of a sum of parameters, in its unit, after `factor` times the beam time."""
        return float(np.sqrt(slopes @ np.linalg.solve(self._prior + factor * self._counts, slopes)))

    def factor(self, slopes: FloatArray, wanted: float) -> float:
        """Return how many times the beam time leads to the `wanted` error; infinite if none does."""
        # The error falls with the factor, so halving the logarithm's range converges; 60 halvings are exact.
        low, high = math.log(1.0 / _LONGEST), math.log(_LONGEST)
        if self.sigma(slopes, math.exp(high)) > wanted:
            return math.inf
        for _ in range(60):
            middle = (low + high) / 2.0
            low, high = (middle, high) if self.sigma(slopes, math.exp(middle)) > wanted else (low, middle)
        return math.exp(high)


def next_error(error: float) -> float:
    """Return the largest of 1, 2, 5, 10, 20, ... below three quarters of an error, in its unit."""
    limit = _NEXT_BELOW * error
    decade = 10.0 ** math.floor(math.log10(limit))
    return max(step * decade for step in _STEPS if step * decade <= limit * (1 + 1e-12))


def duration_text(seconds: float) -> str:
    """Return a duration in s, min or h with at most two digits."""
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= 1.5 * size:
            return f"{_two_digits(seconds / size)} {unit}"
    return f"{_two_digits(seconds)} s"


def _two_digits(value: float) -> str:
    digits = 1 - math.floor(math.log10(abs(value))) if value else 0
    return f"{value:.{max(digits, 0)}f}" if digits >= 0 else f"{round(value, digits):.0f}"
