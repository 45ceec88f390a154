"""Results of scans of the overlap and of further axes: the transient against a position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reduction.number_text import with_error
from reduction.run_kind import Headline, RunResults
from reduction.values import Value
from reduction.xas.result_text import (
    power_lines,
)

if TYPE_CHECKING:
    from reduction.types import FloatArray
    from reduction.xas.laser_power import PowerUse
    from reduction.xas.overlap import OverlapFit


@dataclass(frozen=True, kw_only=True)
class OverlapResults(RunResults):
    """Transient ln(pumped / unpumped) with its counting error against the mirror position, um; (points,) each."""

    axis: str
    position_um: FloatArray
    change: FloatArray
    sigma: FloatArray
    fit: OverlapFit | None = None

    def headline(self) -> Headline | None:
        """Return the centre of the overlap, um; None without a fit."""
        if self.fit is None:
            return None
        return Headline(quantity="centre", value=Value(self.fit.center_um, self.fit.center_sigma_um), unit="um")

    def lines(self) -> list[str]:
        """Return centre and width of the overlap, um."""
        if self.fit is None:
            return []
        return [
            f"{'centre of the overlap':<22} {with_error(self.fit.center_um, self.fit.center_sigma_um)} um",
            f"{'width (FWHM)':<22} {with_error(self.fit.fwhm_um, self.fit.fwhm_sigma_um)} um",
        ]


@dataclass(frozen=True, kw_only=True)
class DependenceResults(RunResults):
    """Transient ln(pumped / unpumped) with its counting error against the scanned axis; (points,) each.

    `position` is in the unit of the axis; `power` is that of the laser, None if it was not recorded.
    """

    axis: str
    position: FloatArray
    change: FloatArray
    sigma: FloatArray
    power: PowerUse | None = None

    def lines(self) -> list[str]:
        """Return the transient at every position, in % of the unpumped signal."""
        rows = zip(self.position, self.change, self.sigma, strict=True)
        lines = [
            f"{self.axis} = {position:<12g} {with_error(100 * change, 100 * sigma)} % of unpumped"
            for position, change, sigma in rows
        ]
        return [*lines, *power_lines(self.power)]
