"""Fluence dependence."""

from __future__ import annotations

from dataclasses import dataclass

from errors import ReductionError
from gui.live.request import Request
from gui.live.run_state import RunState, Scope
from reduction.xas.exposure_pairs import Mode, Reference
from reduction.xas.fluence import FluenceScan, fluence_scan
from reduction.xas.fluence_fit import FluenceFit, fit_fluence


@dataclass(frozen=True, kw_only=True)
class FluenceDependence:
    """The reduced scan and its line; `fit` is None as long as there is none, `problem` says why."""

    scan: FluenceScan
    fit: FluenceFit | None
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class FluenceRequest(Request[FluenceDependence]):
    """Transient against fluence, with the line of its linear regime."""

    mode: Mode = "boxcar"
    probe: int = 0
    reference: Reference = "unpumped probe"
    scope: Scope = "mean"

    def compute(self, run: RunState) -> FluenceDependence:
        """By `fluence_scan` and `fit_fluence`."""
        scan = fluence_scan(run.within(self.scope), self.mode, self.probe, self.reference)
        try:
            return FluenceDependence(scan=scan, fit=fit_fluence(scan))
        except ReductionError as error:
            return FluenceDependence(scan=scan, fit=None, problem=str(error))
