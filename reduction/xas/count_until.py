"""Counting until a result is known well enough: where to count next, and when to stop.

A run is judged between two passes. The first pass measures every point and shows roughly what the sample does; each
later pass measures the points at which beam time helps most, once each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from errors import InputError, ReductionError
from reduction.detector_view import with_default_detector
from reduction.xas.all_gates import best_spectrum
from reduction.xas.exposure_pairs import SHUTTER_OPEN
from reduction.xas.gate_rates import gate_rates
from reduction.xas.kinetics.allocation import Information, filled
from reduction.xas.kinetics.fit import fit_kinetics
from reduction.xas.kinetics.kinetic_model import KineticModel
from reduction.xas.kinetics.precision import duration_text
from reduction.xas.spc_time import spc_trace
from reduction.xas.transient_shape import transient_covariance

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from reduction.accumulator import RunAccumulator
    from reduction.timing import Timing
    from reduction.types import BoolArray, FloatArray, IntArray
    from reduction.xas.gate_rates import GateRates
    from reduction.xas.transient import Spectrum

POINTS = "points"
WINDOW = "window"

REFIT_AFTER = 1.2
"""Growth of the beam time after which a fit is repeated: errors fall by 9 % meanwhile."""

HOUR_S = 3600.0
"""Beam time of the forecast "one more hour", s."""

FEWEST_OF_A_PASS = 4
_SHARE_THAT_COUNTS = 0.02
_CONFIRMED = 1.15
_LATER = (1.05, 2.0)
_RESOLVED = 25.0
_TINY = 1e-30


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Decision between two passes: `points` to measure next, by index, none once the result is `reached`.

    `sigma` is the present error and `seconds_left` the beam time to the wanted one, s; NaN and infinite where they are
    not known. `text` says both in words.
    """

    points: tuple[int, ...]
    reached: bool
    sigma: float
    seconds_left: float
    text: str


class Judge(Protocol):
    """Decides where to count next; it may remember what it found before."""

    def decide(self, run: RunAccumulator) -> Decision:
        """Return the decision after the passes so far; raises ReductionError if they show nothing yet."""


def judge_of(until: Mapping[str, Any], dwell_s: float) -> Judge:
    """Return the judge of a run, from the `until` and the `dwell_s`, s, of its start document.

    Raises InputError for an unknown goal.
    """
    goal = str(until["goal"])
    sigma = float(until["sigma"])
    if goal == POINTS:
        return PointJudge(sigma=sigma)
    if goal == WINDOW:
        low, high = until["window_ev"]
        return WindowJudge(sigma=sigma, window_ev=(float(low), float(high)), dwell_s=dwell_s)
    if goal.startswith("tau"):
        return LifetimeJudge(quantity=f"{goal}_ps", sigma=sigma, relative=bool(until.get("relative")), dwell_s=dwell_s)
    raise InputError(f"until = {goal!r}: give 'points', 'window', 'tau1' or 'tau2'.")


@dataclass(kw_only=True)
class LifetimeJudge:
    """Judge of a delay scan that counts until the error of a lifetime is `sigma`; exposures take `dwell_s`, s.

    `sigma` is in ps, or relative to the lifetime if `relative`.
    """

    quantity: str
    sigma: float
    dwell_s: float
    relative: bool = False
    _information: Information | None = field(default=None, init=False)
    _fitted_s: float = field(default=0.0, init=False)
    _confirmed_s: float = field(default=0.0, init=False)

    def decide(self, run: RunAccumulator) -> Decision:
        """Return the delays at which to count next; raises ReductionError if the pass shows no kinetics yet."""
        run = with_default_detector(run)
        open_s = run.exposure_s[:, :, SHUTTER_OPEN].sum(axis=0)
        places = np.flatnonzero(open_s > 0)
        return self.decide_by(gate_rates(run), open_s[places], places, run.metadata.timing)

    def decide_by(self, rates: GateRates, seconds: FloatArray, places: IntArray, timing: Timing) -> Decision:
        """Return the decision for measured `rates` of `seconds` each, (rows,), at the points `places`, (rows,).

        Raises ReductionError if they do not determine the kinetics yet.
        """
        total = float(seconds.sum())
        old = self._information
        # Fits take a part of a second. Between two of them the information grows with the time in a known way; before
        # the end is declared, the fit is made again with all counts.
        is_old = old is None or total > REFIT_AFTER * self._fitted_s or old.per_second.shape[1] != seconds.size
        may_end = old is not None and total >= self._confirmed_s and old.mean_sigma(seconds) <= self.sigma
        if is_old or (may_end and total > self._fitted_s):
            old = self._fit(rates, seconds, timing)
        assert old is not None  # one of the two cases above
        sigma = old.mean_sigma(seconds)
        if not math.isfinite(sigma):
            raise ReductionError(f"The error of {self.quantity} cannot be computed from these counts.")
        wanted_s = old.seconds_left(seconds, self.sigma)
        reached = wanted_s == 0.0 and total >= self._confirmed_s and self._is_confirmed(rates, timing, total)
        left_s = 0.0 if reached else max(wanted_s, self._confirmed_s - total)
        shares = old.shares
        number = max(FEWEST_OF_A_PASS, int((shares > _SHARE_THAT_COUNTS).sum()))
        if math.isfinite(wanted_s) and wanted_s > 0:
            number = max(1, min(number, round(wanted_s / self.dwell_s)))
        missing = filled(seconds, shares, number * self.dwell_s) - seconds
        chosen = np.argsort(-missing, kind="stable")[:number]
        chosen = chosen[missing[chosen] > 0]
        hour = old.mean_sigma(filled(seconds, shares, HOUR_S))
        name = self.quantity.removesuffix("_ps")
        time = f"{duration_text(left_s)} of beam time" if math.isfinite(left_s) else "a time that is not known yet"
        end = "reached" if reached else f"{self._text(self.sigma)} in {time}"
        if wanted_s == 0.0 and not reached:
            end = f"{self._text(self.sigma)} to be certain in {time}"
        return Decision(
            points=() if reached else tuple(sorted(int(place) for place in places[chosen])),
            reached=reached,
            sigma=sigma,
            seconds_left=left_s,
            text=f"{name} known to {self._text(sigma)}; {end}; one more hour gives {self._text(hour)}",
        )

    def _text(self, sigma: float) -> str:
        """Return an error of the lifetime for people, with its unit."""
        return f"{100.0 * sigma:.3g} %" if self.relative else f"{sigma:.3g} ps"

    def _is_confirmed(self, rates: GateRates, timing: Timing, total_s: float) -> bool:
        """Return whether both lifetimes are seen, and the profile of chi-square confirms the error of the curvature."""
        # With few counts another minimum of chi-square may be the deepest, with a lifetime and an error that are both
        # too small: a component that the sample does not have takes the place of the first lifetime, and that of the
        # second. A rule that believes it would end the scan just when the result is wrong. As long as one lifetime
        # describes the counts nearly as well, or one of two is not determined, two of them are not told apart. The
        # profile shows all other doubts.
        both = fit_kinetics(rates, timing)
        # The square of an error falls, and a difference in chi-square grows, in proportion to the beam time.
        found = both.quantities[self.quantity]
        sigma = found.sigma / abs(found.value) if self.relative else found.sigma
        missing = (sigma / (_CONFIRMED * self.sigma)) ** 2
        missing = max(missing, _RESOLVED / max(_single(rates, timing) - both.chi_square, 1.0))
        if missing <= 1.0 and not both.undetermined:
            return True
        self._confirmed_s = total_s * float(np.clip(missing, *_LATER))
        return False

    def _fit(self, rates: GateRates, seconds: FloatArray, timing: Timing) -> Information:
        fit = fit_kinetics(rates, timing, intervals=False)
        found = Information.of(rates, seconds, fit, self.quantity)
        found = found.relative if self.relative else found
        self._information = found
        self._fitted_s = float(seconds.sum())
        return found


def _single(rates: GateRates, timing: Timing) -> float:
    """Return chi-square of one lifetime and an offset; infinite if there is no such fit."""
    try:
        return fit_kinetics(rates, timing, model=KineticModel.ONE_OFFSET, intervals=False).chi_square
    except ReductionError:
        return math.inf


@dataclass(kw_only=True)
class PointJudge:
    """Judge of a scan that counts each point until its error, relative to the unpumped signal, is `sigma`."""

    sigma: float

    def decide(self, run: RunAccumulator) -> Decision:
        """Return the points whose error is too large; raises ReductionError while a window is not covered."""
        found = _transient_sigma(run)
        places = _places(run)
        seconds = run.exposure_s[:, :, SHUTTER_OPEN].sum(axis=0)[places]
        # The variance of a point falls in proportion to its time.
        left_s = float(np.sum(seconds * np.maximum((found / self.sigma) ** 2 - 1.0, 0.0)))
        short = found > self.sigma
        reached = not short.any()
        end = "reached" if reached else f"{int(short.sum())} points left, {duration_text(left_s)} of beam time"
        hour = largest_after(found, seconds, HOUR_S)
        return Decision(
            points=tuple(sorted(int(place) for place in places[short])),
            reached=reached,
            sigma=float(found.max()),
            seconds_left=left_s,
            text=f"largest error of a point {found.max():.2g}, wanted {self.sigma:g}; {end}; one more hour gives "
            f"{hour:.2g}",
        )


def largest_after(sigma: FloatArray, seconds: FloatArray, more_s: float) -> float:
    """Return the largest error of points, in the unit of `sigma`, after `more_s` at those whose errors are largest.

    `sigma` (points,) are the errors after `seconds` (points,) each; a variance falls in proportion to the time.
    """
    # Counting lowers the worst points to one level. The time for the k worst gives a level for each k; too few points
    # or too many give a lower one than can be reached.
    worst = np.argsort(-sigma)
    work = np.cumsum((seconds * sigma**2)[worst])
    return float(np.sqrt(np.max(work / (more_s + np.cumsum(seconds[worst])))))


@dataclass(kw_only=True)
class WindowJudge:
    """Judge of an energy scan that counts until the mean of the transient over `window_ev` has the error `sigma`."""

    sigma: float
    window_ev: tuple[float, float]
    dwell_s: float

    def decide(self, run: RunAccumulator) -> Decision:
        """Return the energies at which to count next; raises ReductionError while a window is not covered."""
        spectrum = _best_spectrum(run)
        inside = _inside(spectrum.energy_ev, self.window_ev)
        places = _places(run)
        seconds = run.exposure_s[:, :, SHUTTER_OPEN].sum(axis=0)[places]
        covariance = transient_covariance(spectrum, run.metadata.windows)
        weight = inside / inside.sum()
        sigma = float(np.sqrt(weight @ covariance @ weight))
        # Points outside the window enter by offset and scale. What they add is the part of the error that the points
        # of the window alone do not explain; it falls only if they are counted as well.
        own = float(np.sum((weight * spectrum.sigma) ** 2))
        rest = max(sigma**2 - own, 0.0)
        whole_s = float(seconds.sum() if rest > own else seconds[inside].sum())
        part = sigma**2 if rest > own else own
        left_s = whole_s * max(part / max(self.sigma**2 - sigma**2 + part, _TINY) - 1.0, 0.0)
        reached = sigma <= self.sigma
        # The error of a sum is smallest if the time of each point is in proportion to its error in one second: the
        # points that are behind come next.
        earned = np.sqrt(seconds) / spectrum.sigma
        chosen = inside & (earned <= np.median(earned[inside]))
        if rest > own:
            chosen = np.ones_like(inside)
        end = "reached" if reached else f"{self.sigma:g} in {duration_text(left_s)} of beam time"
        hour = sigma * math.sqrt(seconds[inside].sum() / (seconds[inside].sum() + HOUR_S))
        return Decision(
            points=() if reached else tuple(sorted(int(place) for place in places[chosen])),
            reached=reached,
            sigma=sigma,
            seconds_left=0.0 if reached else left_s,
            text=f"mean over {self.window_ev[0]:g} to {self.window_ev[1]:g} eV known to {sigma:.2g}; {end}; one more "
            f"hour gives {hour:.2g}",
        )


def _inside(energy_ev: FloatArray, window_ev: tuple[float, float]) -> BoolArray:
    inside = np.asarray((energy_ev >= window_ev[0]) & (energy_ev <= window_ev[1]))
    if not inside.any():
        raise ReductionError(f"No point lies within {window_ev[0]:g} to {window_ev[1]:g} eV. Choose a wider window.")
    return inside


def _places(run: RunAccumulator) -> IntArray:
    """Return the indices of the measured points, (points,), in the order of a reduction: along the axis."""
    axis = run.mean_readback(run.metadata.axis)
    order = np.argsort(axis, kind="stable")
    return np.asarray(order[run.exposure_s[:, :, SHUTTER_OPEN].sum(axis=0)[order] > 0])


def _best_spectrum(run: RunAccumulator) -> Spectrum:
    """Return the spectrum by counting where the run has it, otherwise by the boxcar; by all gates where they help."""
    return best_spectrum(run, "spc" if "spc" in run.metadata.modes else "boxcar")


def _transient_sigma(run: RunAccumulator) -> FloatArray:
    if run.metadata.axis == "delay_ps":
        return spc_trace(run).sigma
    return _best_spectrum(run).sigma
