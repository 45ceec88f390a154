"""Checks of the errors: the scatter between scans, and differences that must vanish."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from errors import ReductionError
from gui.live.request import Request
from gui.live.run_state import RunState, Scope
from reduction.types import Mode, PairReference
from reduction.xas.fluence import fluence_scan
from reduction.xas.gate_checks import BaselineCheck, GateNullTest, baseline_checks, gate_null_test
from reduction.xas.grouping import NullPair, NullTest, null_gates, null_test, scan_transients, scatter_ratio
from reduction.xas.scatter import ScatterRatio


@dataclass(frozen=True, kw_only=True)
class ScatterRequest(Request[ScatterRatio]):
    """Ratio of the scatter of the transient between scans to its counting error; 1 is photon-limited."""

    unhurried: ClassVar[bool] = True

    mode: Mode = "spc"
    probe: int = 0
    reference: PairReference = "unpumped probe"
    scope: Scope = "mean"
    detector: str = ""

    def compute(self, run: RunState) -> ScatterRatio:
        """Return the ratio. Raises ReductionError with fewer than two scans."""
        sums = run.within(self.scope, self.detector)
        if sums.metadata.axis != "fluence_mj_cm2":
            return scatter_ratio(*scan_transients(sums, self.mode, self.probe, self.reference))
        scatter = fluence_scan(sums, self.mode, self.probe, self.reference).scatter
        if scatter is None:
            raise ReductionError("The scatter between scans needs two scans. Wait for the second one.")
        return scatter


@dataclass(frozen=True, kw_only=True)
class NullTestRequest(Request[NullTest]):
    """Chi-square of two gates that must agree; which ones follows from the pump scheme of the run."""

    unhurried: ClassVar[bool] = True

    pair: NullPair = NullPair.OFF
    mode: Mode = "spc"
    scope: Scope = "mean"
    detector: str = ""

    def compute(self, run: RunState) -> NullTest:
        """Return the test. With the shutter open, the remaining transient is subtracted.

        Raises ReductionError without data, or without the gates.
        """
        sums = run.within(self.scope, self.detector)
        on, off, tail = null_gates(self.pair, sums.metadata.timing)
        return null_test(sums, self.mode, on, off, tail)


@dataclass(frozen=True, kw_only=True)
class GateTestRequest(Request[GateNullTest]):
    """Chi-square of pumped and unpumped gate with the laser blocked: whether zeros and gains are right."""

    unhurried: ClassVar[bool] = True

    mode: Mode = "spc"
    scope: Scope = "mean"
    detector: str = ""

    def compute(self, run: RunState) -> GateNullTest:
        """Return the test. Raises ReductionError without exposures with the laser blocked."""
        return gate_null_test(run.within(self.scope, self.detector), self.mode)


@dataclass(frozen=True, kw_only=True)
class BaselineRequest(Request[tuple[BaselineCheck, ...]]):
    """Mean transient before and after the edge, or before time zero, where it must vanish."""

    unhurried: ClassVar[bool] = True

    mode: Mode = "spc"
    scope: Scope = "mean"
    detector: str = ""

    def compute(self, run: RunState) -> tuple[BaselineCheck, ...]:
        """Return a check per baseline; empty for runs without one. Raises ReductionError without data."""
        return tuple(baseline_checks(run.within(self.scope, self.detector), self.mode))
