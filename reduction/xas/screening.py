"""Exposures that a reduction leaves out: single outliers between passes, and glitches of the monochromator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reduction.run_kind import Screened
from reduction.xas.i0_glitches import i0_glitches
from reduction.xas.pass_outliers import pass_outliers

if TYPE_CHECKING:
    from reduction.accumulator import RunAccumulator


def screened(run: RunAccumulator) -> Screened:
    """Return a run without its outliers between passes, and without the glitches of an energy scan.

    Runs without any come back as they are, the same object. Raises ReductionError before a start document.
    """
    if not run.exposures.any():
        return Screened(sums=run)
    found = pass_outliers(run)
    cells = found.cells.copy()
    cuts = found.cuts
    remarks = found.remarks
    if run.metadata.axis == "energy_ev":
        # After the outliers: an exposure during which the beam was lost must not bend the curve of I0.
        glitches = i0_glitches(run.without(cells) if cells.any() else run)
        cells |= glitches.points[:, None]
        cuts += glitches.cuts
        remarks += glitches.remarks
    return Screened(sums=run.without(cells) if cells.any() else run, cuts=cuts, remarks=remarks)
