"""The dependence of the transient on the fluence."""

from __future__ import annotations

from dataclasses import dataclass

from errors import ReductionError
from gui.live.request import Request
from gui.live.run_state import RunState, Scope
from reduction.types import Mode, PairReference
from reduction.xas.fluence import fluence_scan
from reduction.xas.fluence_fit import FluenceFit, fit_fluence
from reduction.xas.transient import FluenceScan


@dataclass(frozen=True, kw_only=True)
class FluenceDependence:
    """The reduced scan and the line through it; `fit` is None for the reason `problem`."""

    scan: FluenceScan
    fit: FluenceFit | None
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class FluenceRequest(Request[FluenceDependence]):
    """The transient against fluence, with the line of the linear regime."""

    mode: Mode = "spc"
    probe: int = 0
    reference: PairReference = "unpumped probe"
    scope: Scope = "mean"
    detector: str = ""

    def compute(self, run: RunState) -> FluenceDependence:
        """Return scan and line. Raises ReductionError for a run that is not a fluence scan."""
        scan = fluence_scan(run.within(self.scope, self.detector), self.mode, self.probe, self.reference)
        try:
            return FluenceDependence(scan=scan, fit=fit_fluence(scan))
        except ReductionError as error:
            return FluenceDependence(scan=scan, fit=None, problem=str(error))
