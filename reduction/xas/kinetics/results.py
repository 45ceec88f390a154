"""Results that contain a kinetic fit, and what can be asked about it: correlation, intervals, other models."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from errors import InputError, ReductionError
from reduction.run_kind import RunResults
from reduction.xas.kinetics.comparison import compare_models
from reduction.xas.kinetics.correlation import CorrelationMatrix
from reduction.xas.kinetics.intervals import BOOTSTRAP_DRAWS, bootstrap_intervals, profile_intervals

if TYPE_CHECKING:
    from reduction.run_metadata import Timing
    from reduction.xas.gate_rates import GateRates
    from reduction.xas.kinetics.choice import ModelChoice
    from reduction.xas.kinetics.comparison import ModelComparison
    from reduction.xas.kinetics.fit import KineticsFit
    from reduction.xas.kinetics.intervals import FitIntervals, IntervalMethod


@dataclass(frozen=True, kw_only=True)
class KineticsResults(RunResults):
    """Results with a kinetic fit, if the data determine one.

    `choice` has the values of all models if a criterion chose the model of the fit. `rates` are the gates that were
    fitted, one table per run, and `timing` that of the runs; both are needed for `intervals` and `compare_models`.
    """

    fit: KineticsFit | None = None
    choice: ModelChoice | None = None
    rates: tuple[GateRates, ...] = field(default=(), repr=False)
    timing: Timing | None = field(default=None, repr=False)

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
