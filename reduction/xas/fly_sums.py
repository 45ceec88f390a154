"""Sums of a fly scan: frames that were counted while the energy moved, in bins without the backlash of the drive.

The frames of sweeps up and down show the same spectrum, shifted by the backlash. It is fitted, and every frame is put
into the bin of its true energy; so the sums are those of one spectrum, and no count is divided between two bins.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from errors import ReductionError
from reduction.accumulator import RunAccumulator
from reduction.events import columns_of
from reduction.number_text import with_error
from reduction.sum_table import SumTable
from reduction.values import Value
from reduction.xas.alignment import align
from reduction.xas.frame_bins import FrameBins, Frames
from reduction.xas.static_xas import SpectrumPoints

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reduction.types import Document, FloatArray, IntArray

STREAM = "frames"
"""Name of the stream of the frames."""

PREFIX = "frame_"
"""Prefix of the fields of a frame; the rest of each name is that of the field of an exposure."""

LARGEST_BACKLASH_EV = 1.0
"""Largest backlash that is looked for, eV (chosen): twice what the paper saw after long moves."""

KNOWN_STEPS = 0.25
"""Error of the backlash, in steps of the scan, from which on it is known well enough to correct it."""

CONTRAST = 4.0
"""Mean square deviation from a constant, in errors of counting, from which a spectrum shows an edge (chosen)."""

SLOPE_BINS = 5
"""Bins over which the slope of the spectrum is taken to find its edge."""

MOST_BINS = 300
"""Bins around the edge that the backlash is fitted to: the time of the fit grows with their cube."""

EVERY_PAIR = 64
"""Sweeps up to which the backlash is fitted again after each pair of them."""

LATER_SHARE = 1 / 16
"""Share of sweeps that must be new for another fit then: its cost stays a part of that of the frames."""

DIRECTION = "direction"
"""Column of the sums: directions of the frames, added up; half the backlash times it is what corrects an energy."""

Cell = tuple[int, int, int]
"""Scan index, point index and laser shutter."""


@dataclass(frozen=True, kw_only=True)
class FlyFacts:
    """Facts of a fly scan about its energies.

    `backlash_ev`: true energies of sweeps down above those of sweeps up at the same encoder, eV, with its error; None
    before both directions show an edge. `corrected`: whether it has been taken out. `broadening_ev`: standard deviation
    of the energies counted in one bin, eV, as measured; `expected_ev` the same from bin and speed alone.
    """

    backlash_ev: Value | None
    corrected: bool
    broadening_ev: float
    expected_ev: float
    step_ev: float
    speed_ev_s: float
    frames: int

    @property
    def lines(self) -> list[str]:
        """Backlash, and broadening by bin and speed, as lines of a table."""
        if self.backlash_ev is None:
            backlash = "not known: both directions have to show the edge"
        else:
            value, sigma = self.backlash_ev
            half = f"up {-value / 2:+.3f} eV, down {value / 2:+.3f} eV"
            end = "corrected" if self.corrected else "not corrected, as its error is too large"
            backlash = f"{with_error(value, sigma, 'eV')} ({half}; {end})"
        width = f"{self.broadening_ev:.3f} eV rms, bins of {self.step_ev:g} eV at {self.speed_ev_s:.3g} eV/s"
        return [f"{'backlash of sweeps':<22} {backlash}", f"{'broadening by sweeps':<22} {width}"]


class FlyAccumulator(RunAccumulator):
    """Running sums of a pump-probe energy scan; those of a fly scan are made of its frames.

    Any other run is summed as RunAccumulator does. Of the frames of a fly scan those are held that another backlash
    could move to another bin, 70 MB of them at most.
    """

    # An event is the sum of the frames of one bin and sweep, which follow it in a stream of their own. Its row is in
    # the sums until they come, and is replaced by theirs; so an event whose frames were lost with its session still
    # counts, and nothing counts twice. Frames go into the bin of their energy without the backlash that is known so
    # far. It is fitted again after each pair of sweeps and at the end; frames that it moves then change their bins.

    def __init__(self) -> None:
        super().__init__()
        self._fly: Document = {}
        self._streams: set[str] = set()
        self._events_of_bins: dict[Cell, FloatArray] = {}
        self._bins = FrameBins(0.0, 1.0, 0)
        self._fitted_at = 0
        self._backlash: Value | None = None

    def __call__(self, name: str, doc: Document) -> None:
        """Take one document of the bluesky event model; raises ReductionError for an invalid one."""
        super().__call__(name, doc)
        if not self._fly:
            return
        if name == "descriptor" and doc.get("name") == STREAM:
            self._streams.add(doc["uid"])
        elif name in ("event", "event_page") and doc["descriptor"] in self._streams:
            with self._refused():
                self._take_frames(*columns_of(name, doc))
        elif name == "stop":
            self._fit()

    @property
    def facts(self) -> FlyFacts | None:
        """Backlash (eV) and broadening (eV) of a fly scan; None for any other run, and before the first frame."""
        if not self._bins.frames:
            return None
        return FlyFacts(
            backlash_ev=self._backlash,
            corrected=self._bins.shift_ev != 0.0,
            broadening_ev=self._broadening_ev(),
            expected_ev=float(self._fly["broadening_ev"]),
            step_ev=float(self._fly["step_ev"]),
            speed_ev_s=float(self._fly["speed_ev_s"]),
            frames=self._bins.frames,
        )

    def snapshot(self) -> Self:
        """Return a copy that later documents do not change; stored frames are shared, as they never change."""
        result = super().snapshot()
        result._events_of_bins = dict(self._events_of_bins)
        result._bins = self._bins.snapshot()
        return result

    def _begin(self, doc: Document) -> None:
        super()._begin(doc)
        self._fly = doc.get("fly") or {}
        if self._fly:
            points = self.metadata.points
            self._bins = FrameBins(float(points[0]), float(self._fly["step_ev"]), len(points))
            width = self._table.sums.shape[3]
            self._layout = {**self._layout, DIRECTION: slice(width, width + 1)}
            self._widths = {**self._widths, DIRECTION: 1}
            self._table = SumTable(len(points), width + 1)

    def _row(self, data: Document, time_s: float) -> FloatArray:
        row = super()._row(data, time_s)
        return np.append(row, 0.0) if self._fly else row

    def _add(self, data: Document, time_s: float) -> FloatArray | None:
        row = super()._add(data, time_s)
        if self._fly and row is not None:
            cell = int(data["scan_index"]), int(data["point_index"]), int(data["laser_shutter"])
            self._events_of_bins[cell] = self._events_of_bins.get(cell, 0.0) + row
        return row

    def _take_frames(self, data: Document, times_s: Sequence[float]) -> None:
        """Add the good frames of a page to the bins of their energies, in place of their parts of the events."""
        qualities = data[f"{PREFIX}quality"]
        columns = {key.removeprefix(PREFIX): values for key, values in data.items()}
        if any(qualities):
            good = [number for number, quality in enumerate(qualities) if not quality]
            columns = {key: [values[number] for number in good] for key, values in columns.items()}
            times_s = [times_s[number] for number in good]
        if not len(times_s):
            return
        frames = self._frames_of(columns, times_s)
        # A pair of sweeps ends where the next one begins, which may be within a page.
        for part in np.split(np.arange(len(times_s)), np.flatnonzero(np.diff(frames.scan)) + 1):
            scan = int(frames.scan[part[0]])
            if scan >= self._next_fit():
                self._fitted_at = scan - scan % 2
                self._fit()
            self._bin(frames.only(part))

    def _next_fit(self) -> int:
        """Return the scan index at which the backlash is fitted again."""
        return self._fitted_at + max(2, int((self._fitted_at - EVERY_PAIR) * LATER_SHARE))

    def _frames_of(self, columns: Document, times_s: Sequence[float]) -> Frames:
        rows = self._rows_of(columns, times_s)
        direction = np.asarray(columns["direction"], dtype=float)
        return Frames(
            scan=_whole(columns["scan_index"]),
            shutter=_whole(columns["laser_shutter"]),
            number=_whole(columns["exposure_id"]),
            energy_ev=np.asarray(columns["energy_ev"], dtype=float),
            direction=direction,
            spread_ev=np.asarray(columns["spread_ev"], dtype=float),
            seconds=np.asarray(columns["exposure_s"], dtype=float),
            bin=_whole(columns["point_index"]),
            rows=np.column_stack([rows, direction]),
        )

    def _bin(self, frames: Frames) -> None:
        """Add frames of one sweep to the sums, each in the bin of its true energy."""
        for point, shutter in sorted({*zip(frames.bin.tolist(), frames.shutter.tolist(), strict=True)}):
            scan = int(frames.scan[0])
            self._cell(scan, point, shutter)
            whole = self._events_of_bins.pop((scan, point, shutter), None)
            if whole is not None:
                cells = (np.array([scan]), np.array([point]), np.array([shutter]))
                self._table.take_out(cells, whole[None], self._layout["exposures"])
        counts = frames.rows[:, self._layout["counts"]].sum(axis=1) if "counts" in self._layout else 0 * frames.seconds
        self._put(self._bins.take(frames, counts, frames.rows[:, self._layout["i0"].start]))
        self._bins.make_room()

    def _put(self, frames: Frames) -> None:
        """Add frames to the cells of their bins; those outside the run are in no sum."""
        frames = frames.only(self._bins.inside(frames.bin))
        self._table.add_all(
            (frames.scan, frames.bin, frames.shutter), self._rows_at_true_energies(frames), frames.number
        )

    def _take_out(self, frames: Frames) -> None:
        frames = frames.only(self._bins.inside(frames.bin))
        rows = self._rows_at_true_energies(frames)
        self._table.take_out((frames.scan, frames.bin, frames.shutter), rows, self._layout["exposures"])

    def _rows_at_true_energies(self, frames: Frames) -> FloatArray:
        rows = frames.rows.copy()
        rows[:, self._layout["energy_ev"].start] -= rows[:, -1] * self._bins.shift_ev / 2
        return rows

    def _fit(self) -> None:
        """Fit the backlash to all frames so far, and take it out: frames that it moves change their bins."""
        if not self._bins.frames:
            return
        try:
            self._backlash = self._fitted()
        except (ReductionError, np.linalg.LinAlgError):
            self._backlash = None
        found = self._backlash
        known = found is not None and found.sigma <= KNOWN_STEPS * float(self._fly["step_ev"])
        shift_ev = found.value if found is not None and known else 0.0
        # Energies are linear in the backlash, so those of frames that are no longer held follow it, too.
        change_ev = (shift_ev - self._bins.shift_ev) / 2
        self._table.add_multiple(self._layout["energy_ev"], self._layout[DIRECTION], -change_ev)
        before, after = self._bins.moved(shift_ev)
        self._take_out(before)
        self._put(after)
        if found is not None and known:
            self._bins.settle(found.sigma)

    def _fitted(self) -> Value:
        """Return the shift of the spectrum of sweeps up against that of sweeps down, eV, at the encoder."""
        up, down = (self._encoder_spectrum(direction) for direction in (1, -1))
        if not (_shows_an_edge(up) and _shows_an_edge(down)):
            raise ReductionError("A flat spectrum shows no shift. Sweep over the edge.")
        span_ev = min(up.energy_ev[-1], down.energy_ev[-1]) - max(up.energy_ev[0], down.energy_ev[0])
        largest_ev = min(LARGEST_BACKLASH_EV, span_ev / 6)
        edge_ev = _steepest_ev(up)
        up = _around_the_edge(up, edge_ev)
        down = _around_the_edge(down, edge_ev)
        found = align(up, down, (-math.inf, math.inf), largest_shift_ev=largest_ev)
        # The jet changes from sweep to sweep, which no counting error contains.
        worse = math.sqrt(max(found.chi_square / max(found.degrees_of_freedom, 1), 1.0))
        return Value(found.shift_ev.value, found.shift_ev.sigma * worse)

    def _encoder_spectrum(self, direction: int) -> SpectrumPoints:
        """Return counts of all gates per I0 of the sweeps in one direction, by the energy of the encoder.

        Raises ReductionError if fewer than two bins have been counted.
        """
        counts, i0, seconds, energy = (part[0 if direction > 0 else 1] for part in self._bins.encoder)
        measured = (counts > 0) & (i0 > 0)
        if measured.sum() < 2:
            raise ReductionError("Both directions need counts. Wait for the first sweep down.")
        counts, i0, energy, seconds = (one[measured] for one in (counts, i0, energy, seconds))
        return SpectrumPoints(
            energy_ev=energy / seconds, intensity=counts / i0, covariance=np.diag(counts / i0**2 * (1 + counts / i0))
        )

    def _broadening_ev(self) -> float:
        """Return the standard deviation of the energies within one bin about their mean, eV, without the outer bins."""
        seconds, variance = self._bins.variance()
        if not seconds:
            return float("nan")
        # What the play of the drive leaves if it is not taken out: half of it up, half of it down.
        left_ev = 0.0 if self._backlash is None or self._bins.shift_ev else self._backlash.value / 2
        return math.sqrt(max(variance, 0.0) + left_ev**2)


def _whole(values: Sequence[float]) -> IntArray:
    return np.asarray(values, dtype=np.int64)


def _steepest_ev(spectrum: SpectrumPoints) -> float:
    """Return where the intensity changes most within five bins, eV."""
    change = np.abs(spectrum.intensity[SLOPE_BINS:] - spectrum.intensity[:-SLOPE_BINS])
    return float(spectrum.energy_ev[int(np.argmax(change)) + SLOPE_BINS // 2]) if change.size else 0.0


def _around_the_edge(spectrum: SpectrumPoints, edge_ev: float) -> SpectrumPoints:
    """Return at most `MOST_BINS` bins of a spectrum, those nearest to an energy, eV."""
    middle = int(np.argmin(np.abs(spectrum.energy_ev - edge_ev)))
    first = max(min(middle - MOST_BINS // 2, len(spectrum.energy_ev) - MOST_BINS), 0)
    part = slice(first, first + MOST_BINS)
    return SpectrumPoints(spectrum.energy_ev[part], spectrum.intensity[part], spectrum.covariance[part, part])


def _shows_an_edge(spectrum: SpectrumPoints) -> bool:
    """Return whether intensities differ by far more than their errors."""
    mean = np.average(spectrum.intensity, weights=spectrum.sigma**-2)
    return bool(np.mean(((spectrum.intensity - mean) / spectrum.sigma) ** 2) > CONTRAST)


def fly_facts(run: Any) -> FlyFacts | None:
    """Return backlash and broadening, eV, of a fly scan; None for any other run."""
    return run.facts if isinstance(run, FlyAccumulator) else None
