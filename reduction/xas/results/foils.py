"""Results of foil scans: the edge of a foil, and the offset of the energy axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reduction.number_text import with_error
from reduction.run_kind import Headline, RunResults
from reduction.values import Value

if TYPE_CHECKING:
    from reduction.xas.calibration import FoilEdge, FoilSpectrum
    from reduction.xas.foil_reference import AlignedEdge


@dataclass(frozen=True, kw_only=True)
class FoilResults(RunResults):
    """Absorption of a metal foil, its steepest point `foil`, and its edge by the reference that the run records.

    `axis_offset_ev` is the energy calibration of the axis it was measured on, eV. `aligned` is None in runs that record
    no reference, those up to version 0.2.0: their steepest point alone is not a calibration. `uid` is that of the run,
    and `time_s` its mean time, s since 1970; 0 if its events have none.
    """

    absorption: FoilSpectrum
    foil: FoilEdge | None = None
    aligned: AlignedEdge | None = None
    axis_offset_ev: float = 0.0
    uid: str = ""
    time_s: float = 0.0

    @property
    def edge_ev(self) -> Value | None:
        """Edge on the axis of the run, eV, with the error of the scan: the aligned one, or else the steepest point."""
        if self.aligned is not None:
            return self.aligned.edge_ev
        return None if self.foil is None else self.foil.edge_ev

    @property
    def offset_ev(self) -> Value | None:
        """Offset to add to the axis of the run, eV, with the errors of scan and reference; None without alignment."""
        return None if self.aligned is None else self.aligned.offset_ev

    @property
    def uncalibrated_edge_ev(self) -> Value | None:
        """Edge on the monochromator's own energy axis, eV, which no calibration changes; None without an edge.

        The right energy calibration is the edge of the reference minus this, however often it was applied.
        """
        edge = self.edge_ev
        return None if edge is None else Value(edge.value - self.axis_offset_ev, edge.sigma)

    def headline(self) -> Headline | None:
        """Return the offset to apply to the energy axis, eV; the edge on the axis in runs without a reference."""
        if self.offset_ev is not None:
            return Headline(quantity="offset to apply", value=self.offset_ev, unit="eV")
        return None if self.edge_ev is None else Headline(quantity="edge", value=self.edge_ev, unit="eV")

    def lines(self) -> list[str]:
        """Return steepest point and aligned edge on the axis of the run, the offset to apply, and the reference; eV."""
        found = [] if self.foil is None else [f"{'steepest point':<22} {with_error(*self.foil.edge_ev)} eV on the axis"]
        own = self.uncalibrated_edge_ev
        if own is None:
            return found
        calibration = f"(energy calibration {self.axis_offset_ev:+.10g} eV)"
        if self.aligned is None:
            return [*found, f"{'  uncalibrated':<22} {with_error(*own)} eV {calibration}"]
        name = self.aligned.reference.edge
        return [
            *found,
            f"{f'edge {name}, aligned':<22} {with_error(*self.aligned.edge_ev)} eV on the axis, where it should be "
            f"{self.aligned.reference.edge_ev:.10g} eV",
            f"{'  uncalibrated':<22} {with_error(*own)} eV {calibration}",
            f"{'  offset to apply':<22} {with_error(*self.aligned.offset_ev)} eV, with the error of the reference",
            f"{'  reference':<22} {self.aligned.reference.text}",
        ]
