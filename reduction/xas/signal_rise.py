"""Rise of the signal at time zero, against the delay: photons of two probes, and the fit of the step."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from errors import InputError
from reduction.accumulator import RunAccumulator
from reduction.timing import Timing
from reduction.xas.gate_rates import gate_rates
from reduction.xas.rise_model import CONSTANT_LEVEL, SLOW_RATE_PER_NS, RiseModel
from reduction.xas.time_zero import TimeZeroFit, fit_time_zero

if TYPE_CHECKING:
    from collections.abc import Callable

    from reduction.types import FloatArray

    FitT0 = Callable[[FloatArray, FloatArray, FloatArray], tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class Rise:
    """Change of the signal and its error, (points,) each, against the delay from the arm's own zero, ps, (points,).

    `timing` has the instrument response of the run, the prior of every fit to the rise; `offset_ps` is the expected
    delay of the rise: 0, or the distance of the pulse for the arm of another X-ray pulse.
    """

    delay_ps: FloatArray
    change: FloatArray
    sigma: FloatArray
    timing: Timing = field(default_factory=Timing)
    offset_ps: float = 0.0

    def __post_init__(self) -> None:
        """Raise InputError for arrays of different lengths, or fewer than 8 delays."""
        shapes = {np.shape(self.delay_ps), np.shape(self.change), np.shape(self.sigma)}
        if len(shapes) != 1 or len(np.shape(self.delay_ps)) != 1 or np.size(self.delay_ps) < 8:
            raise InputError(
                f"A rise needs equal numbers of delays, changes and errors, at least 8 of each, not {shapes}."
            )
        if not np.all(np.isfinite([self.delay_ps, self.change, self.sigma])) or not np.all(np.asarray(self.sigma) > 0):
            raise InputError("A rise needs finite numbers and errors above 0. Leave other points out.")

    def ends(self) -> tuple[float, float, float]:
        """Return the mean change of the first and of the last quarter of delays, and the error of their difference.

        Natural logarithms, without unit; means are weighted by the inverse variance.
        """
        order = np.argsort(self.delay_ps)
        count = np.size(self.delay_ps) // 4
        (early, early_sigma), (late, late_sigma) = (
            _mean(self.change[part], self.sigma[part]) for part in (order[:count], order[-count:])
        )
        return early, late, float(np.hypot(early_sigma, late_sigma))


def _mean(values: FloatArray, sigma: FloatArray) -> tuple[float, float]:
    weights = 1 / np.asarray(sigma) ** 2
    return float(np.sum(weights * values) / weights.sum()), float(1 / np.sqrt(weights.sum()))


def rise_of(
    run: RunAccumulator, *, watched: int | None = None, compared: int | None = None, offset_ps: float = 0.0
) -> Rise:
    """Return ln(`watched` / `compared` probe) with its counting error, against the delay minus `offset_ps`, ps.

    Jet and flux cancel in the ratio. By default the pumped over the unpumped probe of the run. Raises ReductionError
    for a run that is not a delay scan or has too few photons.
    """
    timing = run.metadata.timing
    rates = gate_rates(run)
    on = timing.pumped_probe if watched is None else watched
    off = timing.unpumped_probe if compared is None else compared
    # The gates belong to the same exposures, so the logarithm of their ratio has no jet and no flux in it, and its
    # variance is the sum of both.
    values, variance = rates.log_rate()
    pumped = rates.pumped
    change = (values[:, on] - values[:, off])[pumped]
    return Rise(
        delay_ps=rates.delay_ps[pumped] - offset_ps,
        change=change,
        sigma=np.sqrt(variance[:, on] + variance[:, off])[pumped],
        timing=timing,
        offset_ps=offset_ps,
    )


def fit_rise(rise: Rise, *, free_irf: bool = False) -> TimeZeroFit:
    """Return time zero of a rise, ps, with the instrument response of its run as a prior, or fitted freely.

    The fit is to the relative change. Runs up to version 0.2.0, which record no error of the response, give the same
    time zero as then: the fit is to the logarithm. Raises ReductionError if there is no step.
    """
    change, sigma = rise.change, rise.sigma
    if rise.timing.records_response:
        # Decays add up in the signal, not in its logarithm, in which the rise of a transient of 8 % is 1 ps later.
        change, sigma = np.expm1(change), np.exp(change) * sigma
    model = RiseModel(
        irf_sigma_ps=rise.timing.irf_sigma_ps,
        irf_error_ps=math.inf if free_irf else rise.timing.irf_error_ps,
        slow_rate_per_ns=SLOW_RATE_PER_NS if rise.timing.records_response else CONSTANT_LEVEL,
    )
    return fit_time_zero(rise.delay_ps, change, sigma, model)
