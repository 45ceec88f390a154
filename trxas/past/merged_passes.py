"""Passes of old files on a common grid: which axis they scanned, which rows are cut, and which are one point."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from trxas.past.cleaning import REASONS, faulty_rows
from trxas.past.scan import PastFileError

if TYPE_CHECKING:
    from reduction.types import FloatArray
    from trxas.configuration import Configuration
    from trxas.past.columns import PastData
    from trxas.past.facts import PastFacts
    from trxas.past_settings import PastSettings

PUMPED = 0
UNPUMPED = 1
"""The two gates of an imported run."""

FEWEST_QUIET = 4
"""Points below the edge that are needed to find the noise of the boxcar."""

REPEATED = 0.2
"""Part of the largest distance between equal values below which a step of a pass is a repetition."""

SHORT_STEPS_PERCENT = 5.0
"""Part of the steps of a pass, in per cent, that may be shorter than those of its finest region."""

JUMP_AT_PS = 2560.0
"""Phase of the digital phase shifter of 7ID-D below which the delay was once seen to jump by 40 ps."""


def merged_within(passes: Sequence[FloatArray], limit: float) -> float:
    """Return the distance within which values of `passes`, (rows,) each, are one point: at most `limit`, in their unit.

    It is half of the shortest step of a pass, so that no two neighbours of a fine grid become one point.
    """
    # The short end of all steps, not the shortest: a point that was measured again makes a step of the noise of the
    # read-back, and a glitch any step. Steps far below the limit are such repetitions.
    shortest = limit
    for values in passes:
        steps = np.abs(np.diff(values[np.isfinite(values)]))
        steps = steps[steps > REPEATED * limit]
        if len(steps):
            shortest = min(shortest, float(np.percentile(steps, SHORT_STEPS_PERCENT)) / 2.0)
    return shortest


class MergedPasses:
    """Several passes as one run, which must have scanned the same axis; raises PastFileError otherwise.

    By pass and row: `values` of the scanned `axis`, signed `delays` (ps), and `faults`, the reason why a row is cut, ""
    for a good one. `grid` has the points of all passes, (points,). `modes` are the detectors that all passes have;
    `polarity` is the sign of the boxcar's signal, and `noise_v` the standard deviation of its reading per I0.
    """

    # Order: the axis that was scanned, the rows of each pass that are cut, the grid of what is left, then the events.
    # A row that is cut becomes an event all the same, with the reason as its quality: nothing of the files is lost, and
    # the table of runs counts it as rejected.

    def __init__(self, passes: Sequence[PastData], facts: PastFacts, configuration: Configuration) -> None:
        self.passes = passes
        self._facts = facts
        self._configuration = configuration
        self._settings: PastSettings = configuration.past
        self.delays = [self._delay_ps(data) for data in passes]
        self.axis = self._scanned_axis()
        # One axis per run: its values decide which rows are in order, and which are one point.
        is_delay = self.axis == "delay_ps"
        self.values = self.delays if is_delay else [data.energy_ev for data in passes]
        self._limit = self._settings.merge_ps if is_delay else self._settings.merge_ev
        self._same = merged_within(self.values, self._limit)
        self.modes = self._common_modes()
        self.polarity = self._boxcar_polarity()
        self.faults = [
            faulty_rows(data, values, self._settings, self._same)
            for data, values in zip(passes, self.values, strict=True)
        ]
        self.grid = self._common_grid()
        self.noise_v = self._boxcar_noise()

    def report(self) -> Iterator[str]:
        """Yield what was used, cut and merged, a sentence each."""
        for data, reasons, values in zip(self.passes, self.faults, self.values, strict=True):
            if data.scan.time_s is None:
                yield f"{data.scan.name}: no time in the file; the time of the file itself is used"
            columns = ", ".join(f"{quantity}: {name}" for quantity, name in data.used.items())
            yield f"{data.scan.name} ({data.scan.kind}): {len(reasons)} rows; {columns}"
            yield from (f"  {remark}" for remark in data.remarks)
            for reason, count in Counter(filter(None, reasons)).items():
                places = ", ".join(f"{value:.8g}" for value, one in zip(values, reasons, strict=True) if one == reason)
                yield f"  cut {count}: {REASONS[reason]}: at {places}"
            yield from (f"  {line}" for line in self._pass_lines(values, reasons))
            fine_ps = np.zeros(1) if data.delay_raw_ps is None else data.delay_raw_ps[1]
            if fine_ps.min() < JUMP_AT_PS < fine_ps.max():
                yield f"  the phase shifter crosses {JUMP_AT_PS:g} ps, where it jumped by 40 ps: compare both sides"
        passes = "1 pass" if len(self.passes) == 1 else f"{len(self.passes)} passes"
        yield f"{passes} on {len(self.grid)} points of {self.axis}, merged within {self._same:.3g}"
        if self._same < self._limit:
            unit = "ps" if self.axis == "delay_ps" else "eV"
            yield (
                f"steps are as short as {2.0 * self._same:.3g} {unit}, so only what is closer than half of that "
                f"is merged, not the {self._limit:g} {unit} of the table [past]"
            )
        if self.polarity < 0:
            yield "the boxcar's signal is negative-going: its sign is reversed, so that more fluorescence is positive"
        if self._facts.fluence_mj_cm2 == 0.0:
            yield "the fluence is not known; give --fluence-mj-cm2 to record it"

    def _pass_lines(self, values: FloatArray, reasons: list[str]) -> Iterator[str]:
        good = np.array([not reason for reason in reasons])
        places = self.points_of(values)
        repeated = [place for place, count in Counter(places[good].tolist()).items() if count > 1]
        if repeated:
            yield f"measured more than once, and added up: {', '.join(f'{self.grid[one]:.8g}' for one in repeated)}"
        shift = float(np.median(values[good] - self.grid[places[good]])) if good.any() else 0.0
        if abs(shift) > 0.2 * self._same:
            yield f"shifted by {shift:+.3g} against the mean of all passes; merged, not corrected"

    def _delay_ps(self, data: PastData) -> FloatArray:
        """Return the signed delay of each row, ps, by sign and time zero of the configuration."""
        if data.delay_raw_ps is None:
            return np.full(data.scan.rows, np.nan)
        settings = self._configuration.beamline.delay
        coarse_ps, fine_ps = data.delay_raw_ps
        return settings.coarse_sign * coarse_ps + settings.fine_sign * fine_ps - settings.time_zero_raw_ps

    def _scanned_axis(self) -> str:
        found = set()
        for data, delays in zip(self.passes, self.delays, strict=True):
            if data.scan.rows < 2:
                raise PastFileError(f"{data.scan.name} has {data.scan.rows} rows. Leave it out.")
            has_delays = np.isfinite(delays).any() and np.ptp(delays[np.isfinite(delays)]) > self._settings.merge_ps
            moves = np.ptp(data.energy_ev[np.isfinite(data.energy_ev)]) > 4 * self._settings.merge_ev
            found.add("energy_ev" if moves else "delay_ps" if has_delays else "")
        is_delay_known = self._facts.delay_ps is not None or any(np.isfinite(one).any() for one in self.delays)
        if found == {"energy_ev"} and not is_delay_known:
            raise PastFileError(
                f"{self.passes[0].scan.name} has no column for the delay, so the delay of the spectrum is not known. "
                "Give it, with --delay-ps."
            )
        if len(found) > 1 or "" in found:
            names = ", ".join(data.scan.name for data in self.passes)
            raise PastFileError(f"{names}: neither all energy scans nor all delay scans. Import them one by one.")
        return found.pop()

    def _common_modes(self) -> list[str]:
        has = {"spc": [data.spc is not None for data in self.passes]}
        has["boxcar"] = [data.boxcar is not None for data in self.passes]
        modes = [mode for mode, there in has.items() if all(there)]
        if not modes:
            raise PastFileError(
                "Some passes have counts and others the boxcar only. Import them separately: the two are not added up."
            )
        return modes

    def _boxcar_polarity(self) -> int:
        """Return 1, or -1 if the unpumped boxcar goes down where the sample absorbs more."""
        if "boxcar" not in self.modes:
            return 1
        off = np.concatenate([data.boxcar[UNPUMPED] / data.i0 for data in self.passes if data.boxcar is not None])
        finite = off[np.isfinite(off)]
        return -1 if len(finite) and np.median(finite) < 0 else 1

    def _common_grid(self) -> FloatArray:
        """Return the points of all passes, (points,): values closer than `_same` to each other are one point."""
        good = [
            value
            for values, reasons in zip(self.values, self.faults, strict=True)
            for value, reason in zip(values, reasons, strict=True)
            if not reason
        ]
        if not good:
            raise PastFileError("No row is left after the cuts. See the report, and the limits in the table [past].")
        points: list[list[float]] = []
        for value in sorted(good):
            # A group is as wide as the tolerance at most, so that a fine grid does not become one point step by step.
            if points and value - points[-1][0] <= self._same:
                points[-1].append(value)
            else:
                points.append([value])
        return np.array([np.mean(point) for point in points])

    def points_of(self, values: FloatArray) -> Any:
        """Return the nearest point of each row, (rows,); a value that is not a number gets the first."""
        return np.abs(np.where(np.isfinite(values), values, self.grid[0])[:, None] - self.grid).argmin(axis=1)

    def _boxcar_noise(self) -> float:
        """Return the standard deviation of one boxcar reading per I0, from on - off below the edge, without unit."""
        # The files hold means without errors. Below the edge, or before time zero, there is no transient, so on - off
        # scatters by the noise of both gates alone.
        if "boxcar" not in self.modes:
            return 0.0
        differences: list[float] = []
        for data, values, reasons in zip(self.passes, self.values, self.faults, strict=True):
            assert data.boxcar is not None
            quiet = np.array([not reason for reason in reasons]) & self._is_quiet(values)
            found = (data.boxcar[PUMPED] - data.boxcar[UNPUMPED])[quiet] / data.i0[quiet]
            differences += (found - found.mean()).tolist() if len(found) >= FEWEST_QUIET else []
        if not differences:
            if self.modes == ["boxcar"]:
                raise PastFileError(
                    f"Fewer than {FEWEST_QUIET} points without a transient: the noise of the boxcar is not known."
                )
            self.modes.remove("boxcar")
            return 0.0
        return float(np.std(differences, ddof=1) / np.sqrt(2.0))

    def _is_quiet(self, values: FloatArray) -> Any:
        if self.axis == "delay_ps":
            return values < -3.0 * self._configuration.beamline.geometry.irf_sigma_ps
        low, high = self._facts.edge.pre_edge_ev
        return (values >= low) & (values <= high)
