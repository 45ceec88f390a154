"""Results that contain a kinetic fit, and what can be asked about it: correlation, intervals, other models."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from errors import InputError, ReductionError
from reduction.run_kind import RunResults
from reduction.xas.kinetics.comparison import compare_models
from reduction.xas.kinetics.correlation import CorrelationMatrix
from reduction.xas.kinetics.intervals import BOOTSTRAP_DRAWS, bootstrap_intervals, profile_intervals
from reduction.xas.kinetics.precision import PrecisionForecast, precision_forecast
from reduction.xas.kinetics.stitched import StitchedTrace, stitched_trace

if TYPE_CHECKING:
    from reduction.timing import Timing
    from reduction.xas.gate_rates import GateRates
    from reduction.xas.kinetics.choice import ModelChoice
    from reduction.xas.kinetics.comparison import ModelComparison
    from reduction.xas.kinetics.fitted import KineticsFit
    from reduction.xas.kinetics.intervals import FitIntervals, IntervalMethod


@dataclass(frozen=True, kw_only=True)
class KineticsResults(RunResults):
    """Results with a kinetic fit, if the data determine one.

    `choice` has the values of all models if a criterion chose the model of the fit. `rates` are the gates that were
    fitted, one table per run, and `timing` that of the runs; both are needed for `intervals`, `compare_models` and
    `stitched`. `beam_time_s` is the time of all exposures, s; 0 if it is not known.
    """

    fit: KineticsFit | None = None
    choice: ModelChoice | None = None
    rates: tuple[GateRates, ...] = field(default=(), repr=False)
    timing: Timing | None = field(default=None, repr=False)
    beam_time_s: float = 0.0

    @property
    def correlation(self) -> CorrelationMatrix:
        """Correlation matrix of the fitted quantities, -1 to 1; raises ReductionError without a fit."""
        return CorrelationMatrix.of(self._fitted())

    def intervals(
        self, method: IntervalMethod = "profile", *, draws: int = BOOTSTRAP_DRAWS, seed: int = 0
    ) -> FitIntervals:
        """Return the 68 % interval of every fitted quantity, in its unit; those that are not parabolic are marked.

        `method`: "profile" of chi-square, which takes a second, or "bootstrap": fits to `draws` data sets that are
        drawn around the fit from `seed`, which take several seconds. Raises ReductionError without a fit, and
        InputError for another method.
        """
        fit = self._fitted()
        if method == "profile":
            return profile_intervals(self.rates, fit)
        if method == "bootstrap":
            return bootstrap_intervals(self.rates, fit, draws=draws, seed=seed)
        raise InputError(f"method = {method!r}: choose 'profile' or 'bootstrap'.")

    def stitched(self) -> StitchedTrace:
        """Return the trace over the whole pump period, ps: every gate is a delay of its own, with its covariance.

        Raises ReductionError if the efficiencies of the gates are not known.
        """
        if not self.rates or self.timing is None:
            raise ReductionError("These results have no counted gates, so none can be stitched. See their remarks.")
        return stitched_trace(self.rates, self.timing, self.fit)

    def time_to(self, quantity: str | None = None, wanted_error: float | None = None) -> PrecisionForecast:
        """Return the beam time, s, that the same delays take until `quantity` has the `wanted_error`, in its unit.

        By default the longest lifetime and the next smaller round error. Raises ReductionError without a fit or a beam
        time, and InputError for an unknown quantity.
        """
        fit = self._fitted()
        if not self.beam_time_s > 0:
            raise ReductionError("The beam time of these results is not known. Reduce the run again.")
        return precision_forecast(fit, self.beam_time_s, quantity=quantity, wanted_error=wanted_error)

    def compare_models(self) -> ModelComparison:
        """Return all kinetic models fitted to the same data: information criteria and F tests; it takes seconds.

        Raises ReductionError if the results have no photons of the gates.
        """
        if not self.rates or self.timing is None:
            raise ReductionError("These results have no counted gates, so no model can be fitted. See their remarks.")
        return compare_models(self.rates, self.timing)

    def _fitted(self) -> KineticsFit:
        if self.fit is None:
            raise ReductionError("These results have no kinetic fit. Their remarks give the reason.")
        return self.fit
