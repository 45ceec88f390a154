"""Checks of the errors: the scatter between scans, and differences that must vanish."""

from __future__ import annotations

from dataclasses import dataclass

from errors import ReductionError
from gui.live.request import Request
from gui.live.run_state import RunState, Scope
from reduction.types import Mode, Reference
from reduction.xas.exposure_pairs import SHUTTER_CLOSED, SHUTTER_OPEN, Gate
from reduction.xas.fluence import fluence_scan
from reduction.xas.grouping import NullTest, ScatterRatio, null_test, scan_transients, scatter_ratio

UNPUMPED_PAIR = (Gate(SHUTTER_OPEN, 3), Gate(SHUTTER_OPEN, 4))
"""Two unpumped pulses of one pump period."""

UNPUMPED_TAIL = (Gate(SHUTTER_OPEN, 0), Gate(SHUTTER_OPEN, 2))
"""Gates that give the remaining transient in `UNPUMPED_PAIR`.

After 460 and 613 ns it differs by 4 % of the transient at Br K, which is significant after four scans of 30 s per
point."""

OFF_PAIR = (Gate(SHUTTER_CLOSED, 3), Gate(SHUTTER_CLOSED, 4))
"""The same two pulses with the laser blocked; needs a run with the laser shutter as reference."""

PUMPED_OFF_PAIR = (Gate(SHUTTER_CLOSED, 0), Gate(SHUTTER_CLOSED, 4))
"""The gates of the transient itself with the laser blocked."""


@dataclass(frozen=True, kw_only=True)
class ScatterRequest(Request[ScatterRatio]):
    """Ratio of the scatter of the transient between scans to its counting error; 1 is photon-limited."""

    mode: Mode = "spc"
    probe: int = 0
    reference: Reference = "unpumped probe"
    scope: Scope = "mean"

    def compute(self, run: RunState) -> ScatterRatio:
        """Return the ratio. Raises ReductionError with fewer than two scans."""
        sums = run.within(self.scope)
        if sums.metadata.axis != "fluence_mj_cm2":
            return scatter_ratio(*scan_transients(sums, self.mode, self.probe, self.reference))
        scatter = fluence_scan(sums, self.mode, self.probe, self.reference).scatter
        if scatter is None:
            raise ReductionError("The scatter between scans needs two scans. Wait for the second one.")
        return scatter


@dataclass(frozen=True, kw_only=True)
class NullTestRequest(Request[NullTest]):
    """Chi-square of two gates that must agree."""

    on: Gate = OFF_PAIR[0]
    off: Gate = OFF_PAIR[1]
    mode: Mode = "spc"
    scope: Scope = "mean"

    def compute(self, run: RunState) -> NullTest:
        """Return the test. With the shutter open, the remaining transient is subtracted.

        Raises ReductionError without data.
        """
        tail = UNPUMPED_TAIL if SHUTTER_OPEN in (self.on.laser_shutter, self.off.laser_shutter) else None
        return null_test(run.within(self.scope), self.mode, self.on, self.off, tail)
