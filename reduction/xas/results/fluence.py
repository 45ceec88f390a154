"""Results of fluence scans, and of the laser power against the attenuator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reduction.curve_table import Column, CurveTable
from reduction.number_text import with_error
from reduction.run_kind import Headline, RunResults
from reduction.values import Value
from reduction.xas.result_text import (
    power_lines,
    slope_lines,
    trend_lines,
    weight_lines,
)
from reduction.xas.results.curves import pump_probe_table
from reduction.xas.self_absorption import thin_if_described

if TYPE_CHECKING:
    from reduction.run_kind import MeasuredDecay
    from reduction.types import FloatArray
    from reduction.xas.fluence_fit import FluenceFit
    from reduction.xas.laser_power import PowerUse
    from reduction.xas.pass_trends import PassTrend
    from reduction.xas.transient import FluenceScan


@dataclass(frozen=True, kw_only=True)
class FluenceResults(RunResults):
    """Transient against fluence by counted photons, and the line through its linear regime if one could be fitted.

    `others`: the same by further detection modes, scan and line each; a run without photon counting has only one.
    `decay`: that of the same sample, which corrects the slope for what the reference holds.
    `probed_share`: fluence averaged over the X-rays, relative to the fluence of the run; 0 if not stated.
    `trends`: changes from pass to pass; `power`: that of the laser, None if it was not recorded.
    """

    dependence: FluenceScan
    line: FluenceFit | None = None
    others: tuple[tuple[FluenceScan, FluenceFit | None], ...] = ()
    decay: MeasuredDecay | None = None
    probed_share: float = 0.0
    trends: tuple[PassTrend, ...] = ()
    power: PowerUse | None = None

    def tables(self) -> tuple[CurveTable, ...]:
        """Return off, on and transient against the fluence, mJ/cm2, a table per detection mode."""
        return tuple(
            pump_probe_table(
                one, Column(name="fluence_mj_cm2", unit="mJ/cm2", values=one.fluence_mj_cm2), "unpumped = 1"
            )
            for one in (self.dependence, *(scan for scan, _ in self.others))
        )

    def headline(self) -> Headline | None:
        """Return the slope of the linear regime, in % of unpumped per mJ/cm2; None without a line."""
        slope = self.slope
        if slope is None:
            return None
        return Headline(quantity="slope", value=Value(100 * slope.value, 100 * slope.sigma), unit="% / (mJ/cm2)")

    @property
    def slope(self) -> Value | None:
        """Slope of the linear regime as a thin sample would show it, relative to unpumped, cm2/mJ; None without a line.

        As measured (`line.slope`) where the run does not describe its jet and concentration.
        """
        return None if self.line is None else thin_if_described(self.line.slope, self.dependence.metadata)

    def lines(self) -> list[str]:
        """Return the slopes, in % of the unpumped signal per mJ/cm2, one per detection mode."""
        found = ((self.dependence, self.line), *self.others)
        slopes = [line for scan, fit in found if fit is not None for line in slope_lines(scan, fit, self.decay)]
        return [
            *slopes,
            *self._meaning(),
            *weight_lines(self.dependence),
            *power_lines(self.power),
            *trend_lines(self.trends),
        ]

    def _meaning(self) -> list[str]:
        """Return what the fluence of the run is, mJ/cm2, if the run records it."""
        if not self.probed_share:
            return []
        return [
            f"{'  fluence':<22} pulse energy over the laser's FWHM ellipse; the probed spot has "
            f"{self.probed_share:.3g} of it"
        ]


@dataclass(frozen=True, kw_only=True)
class AttenuatorResults(RunResults):
    """Laser power (W) with its error, against the angle of the half-wave plate (degrees); (points,) each."""

    angle_deg: FloatArray
    power_w: FloatArray
    sigma_w: FloatArray

    def lines(self) -> list[str]:
        """Return the largest and the smallest power that were read, W; the plan itself fits them."""
        ends = (("largest power", int(self.power_w.argmax())), ("smallest power", int(self.power_w.argmin())))
        return [
            f"{label:<22} {with_error(float(self.power_w[index]), float(self.sigma_w[index]))} W"
            f" at {self.angle_deg[index]:.2f} degrees"
            for label, index in ends
        ]
