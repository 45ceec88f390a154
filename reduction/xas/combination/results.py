"""Results of several runs together, which look like those of a single run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.values import Value
from reduction.xas.results import SpectrumResults, TraceResults
from reduction.xas.static_xas import trapezoid_weights

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reduction.types import Mode
    from reduction.xas.combination.resampling import Agreement


@dataclass(frozen=True, kw_only=True)
class Combination:
    """Which runs were combined, on how many `points`, and how well they agree, by detection mode.

    `grid_given`: whether the grid was given or chosen; `forced`: differences of the runs that were allowed.
    """

    uids: tuple[str, ...]
    points: int
    grid_given: bool
    agreements: Mapping[Mode, Agreement]
    forced: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return the runs, the grid, the agreement per detection mode and forced differences, a line each."""
        source = "given" if self.grid_given else "chosen from the runs"
        lines = [
            f"{'combined runs':<22} {', '.join(uid[:8] for uid in self.uids)}",
            f"{'  grid':<22} {self.points} points, {source}; points are correlated: use the covariance",
        ]
        lines += [
            f"{f'  agreement, {mode}':<22} chi-square / d.o.f. {one.text}" for mode, one in self.agreements.items()
        ]
        return [*lines, *(f"{'  forced':<22} {one}" for one in self.forced)]


_NOTHING = Combination(uids=(), points=0, grid_given=False, agreements={})


@dataclass(frozen=True, kw_only=True)
class CombinedSpectra(SpectrumResults):
    """Spectra of several energy scans as one per detection mode, each with its `covariance`."""

    combination: Combination = field(default=_NOTHING)

    def lines(self) -> list[str]:
        """Return the size of each transient in % of unpumped, as for a single run, and the combined runs."""
        return [*super().lines(), *self.combination.lines()]

    def area(self, low_ev: float, high_ev: float, mode: Mode = "spc") -> Value:
        """Return the area under the transient between two energies, eV x (post-edge = 1), with its full covariance.

        By trapezoids between the points inside, of the most precise spectrum of the mode. Raises ReductionError for a
        mode that was not combined, or with fewer than two points.
        """
        spectrum = next((one for one in self.most_precise if one.metadata.mode == mode), None)
        if spectrum is None or spectrum.covariance is None:
            raise ReductionError(f"No spectrum by {mode!r} was combined. Choose the mode of one that was.")
        inside = (spectrum.energy_ev >= low_ev) & (spectrum.energy_ev <= high_ev)
        if inside.sum() < 2:
            raise ReductionError(f"{inside.sum()} points lie between {low_ev:g} and {high_ev:g} eV; an area needs two.")
        weight = np.zeros(inside.size)
        weight[inside] = trapezoid_weights(spectrum.energy_ev[inside])
        sigma = float(np.sqrt(weight @ spectrum.covariance @ weight))
        return Value(float(weight @ spectrum.transient), sigma)


@dataclass(frozen=True, kw_only=True)
class CombinedTrace(TraceResults):
    """Trace of several delay scans as one, with its `covariance`, and the fit to the gates of all runs."""

    combination: Combination = field(default=_NOTHING)

    def lines(self) -> list[str]:
        """Return the fitted quantities, a line each, as for a single run, and the combined runs."""
        return [*super().lines(), *self.combination.lines()]
