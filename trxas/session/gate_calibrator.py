"""Zeros and gains of the gates, applied when a run of dark or blocked exposures has ended."""

from __future__ import annotations

from collections.abc import Callable

import bluesky.plan_stubs as bps

from devices.beamline import Beamline
from plans.types import AnyPlan
from reduction.gate_calibration import GateCalibration
from reduction.run_kind import RunResults
from reduction.types import Documents
from reduction.xas.calibration_plans import BLOCKED_PLAN, DARK_PLAN
from reduction.xas.gate_drift import gate_drift
from reduction.xas.gate_kinds import GateResults
from trxas.session.run_calibrator import RunCalibrator


class GateCalibrator(RunCalibrator):
    """Calibrator that configures `beamline.gates` after each complete run of dark or blocked exposures."""

    of_plans = frozenset({DARK_PLAN, BLOCKED_PLAN})
    unchanged = "The gates keep their calibration"

    def __init__(
        self, beamline: Beamline, load: Callable[[str], Documents], say: Callable[[str], object] = print
    ) -> None:
        super().__init__(load, say)
        self._beamline = beamline

    def apply(self, uid: str, results: RunResults) -> AnyPlan:
        """Use zeros and gains of a run, and print what has changed since the last one."""
        if isinstance(results, GateResults):
            # The numbers are in the results, which the prompt shows at the end of every run.
            self._say(f"The gates are reduced with zeros and gains of run {uid[:8]} from now on.")
            before = GateCalibration.from_document(self._beamline.gates.calibration)
            for drift in gate_drift(before, results.calibration):
                self._say(drift.text)
            yield from bps.configure(self._beamline.gates, {"calibration": results.document})
