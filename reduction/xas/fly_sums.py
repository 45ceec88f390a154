"""Sums of a fly scan: frames that were counted while the energy moved, in bins without the backlash of the drive.

The frames of sweeps up and down show the same spectrum, shifted by the backlash. It is fitted, and every frame is put
into the bin of its true energy; so the sums are those of one spectrum, and no count is divided between two bins.
"""

from __future__ import annotations

import math
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from errors import ReductionError
from reduction.accumulator import RunAccumulator
from reduction.events import events_of
from reduction.number_text import with_error
from reduction.values import Value
from reduction.xas.alignment import align
from reduction.xas.static_xas import SpectrumPoints

if TYPE_CHECKING:
    from reduction.types import BoolArray, Document, FloatArray, IntArray

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

FIRST_FRAMES = 256
"""Frames for which there is room at the beginning."""

Cell = tuple[int, int, int]
"""Scan index, point index and laser shutter."""


class FrameKeys(NamedTuple):
    """Columns of what is remembered of a frame besides its counts."""

    scan: int = 0
    point: int = 1
    shutter: int = 2
    energy_ev: int = 3
    direction: int = 4
    spread_ev: int = 5
    seconds: int = 6
    number: int = 7


KEYS = FrameKeys()


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

    Any other run is summed as RunAccumulator does. The memory of a fly scan is 8 bytes x frames x numbers of an event.
    """

    # An event is the sum of the frames of one bin and sweep, which follow it in a stream of their own. Its row is in
    # the sums until they come, and is replaced by theirs; so an event whose frames were lost with its session still
    # counts, and nothing counts twice. Frames go into the bin of their energy without the backlash that is known so
    # far. It is fitted again after each pair of sweeps and at the end, and all frames are then binned again.

    def __init__(self) -> None:
        super().__init__()
        self._fly: Document = {}
        self._streams: set[str] = set()
        self._events_of_bins: dict[Cell, FloatArray] = {}
        self._keys = np.zeros((FIRST_FRAMES, len(KEYS)))
        self._rows = np.zeros((0, 0))
        self._frames = 0
        self._fitted_at = 0
        self._backlash: Value | None = None

    def __call__(self, name: str, doc: Document) -> None:
        """Take one document of the bluesky event model; raises ReductionError for an invalid one."""
        super().__call__(name, doc)
        if name == "start":
            self._fly = doc.get("fly") or {}
        if not self._fly:
            return
        if name == "descriptor" and doc.get("name") == STREAM:
            self._streams.add(doc["uid"])
        for event in events_of(name, doc):
            if event["descriptor"] in self._streams:
                data = {key.removeprefix(PREFIX): value for key, value in event["data"].items()}
                self._take_frame(data, float(event.get("time", 0.0)))
        if name == "stop":
            self._fit()

    @property
    def facts(self) -> FlyFacts | None:
        """Backlash (eV) and broadening (eV) of a fly scan; None for any other run, and before the first frame."""
        if not self._frames:
            return None
        return FlyFacts(
            backlash_ev=self._backlash,
            corrected=self._shift_ev() != 0.0,
            broadening_ev=self._broadening_ev(),
            expected_ev=float(self._fly["broadening_ev"]),
            step_ev=float(self._fly["step_ev"]),
            speed_ev_s=float(self._fly["speed_ev_s"]),
            frames=self._frames,
        )

    def snapshot(self) -> FlyAccumulator:
        """Return a copy that later documents do not change; stored frames are shared, as they never change."""
        result = copy(self)
        result._sums = self._sums.copy()
        result._rejected = self._rejected.copy()
        result._exposure_ids = self._exposure_ids.copy()
        result._events_of_bins = dict(self._events_of_bins)
        return result

    def _add(self, data: Document, time_s: float) -> None:
        if not self._fly or data["quality"]:
            super()._add(data, time_s)
            return
        cell = self._cell(int(data["scan_index"]), int(data["point_index"]), int(data["laser_shutter"]))
        before = self._sums[cell].copy()
        super()._add(data, time_s)
        self._events_of_bins[cell] = self._events_of_bins.get(cell, 0.0) + self._sums[cell] - before

    def _take_frame(self, data: Document, time_s: float) -> None:
        """Add a good frame to the bin of its energy, in place of its part of the event."""
        if data["quality"]:
            return
        scan = int(data["scan_index"])
        if scan >= self._fitted_at + 2:
            # Only now: a page of frames belongs to one bin, and a new pair of sweeps begins with its first one.
            self._fitted_at = scan - scan % 2
            self._fit()
        cell = self._cell(scan, int(data["point_index"]), int(data["laser_shutter"]))
        whole = self._events_of_bins.pop(cell, None)
        if whole is not None:
            self._sums[cell] -= whole
            if self._sums[cell][self._layout["exposures"]][0] < 0.5:
                self._sums[cell] = 0.0  # rounding leaves nothing behind
        place = self._remember(data, self._row(data, time_s))
        self._bin(np.arange(place, place + 1))

    def _remember(self, data: Document, row: FloatArray) -> int:
        """Store a frame, and return its place."""
        if self._frames == len(self._keys):
            self._keys = np.concatenate([self._keys, np.zeros_like(self._keys)])
        if self._frames >= len(self._rows):
            self._rows = np.concatenate(
                [self._rows.reshape(-1, row.size), np.zeros((len(self._keys) - len(self._rows), row.size))]
            )
        names = ("scan_index", "point_index", "laser_shutter", "energy_ev", "direction", "spread_ev", "exposure_s")
        self._keys[self._frames] = [*(data[name] for name in names), data["exposure_id"]]
        self._rows[self._frames] = row
        self._frames += 1
        return self._frames - 1

    def _shift_ev(self) -> float:
        """Return the backlash to take out, eV: 0 while it is not known well enough."""
        step_ev = float(self._fly["step_ev"])
        found = self._backlash
        return 0.0 if found is None or found.sigma > KNOWN_STEPS * step_ev else found.value

    def _bin(self, places: IntArray) -> None:
        """Add stored frames to the sums, (frames,) places, each in the bin of its true energy."""
        keys = self._keys[places]
        true_ev = keys[:, KEYS.energy_ev] - keys[:, KEYS.direction] * self._shift_ev() / 2
        points = np.floor((true_ev - self.metadata.points[0]) / float(self._fly["step_ev"]) + 0.5).astype(int)
        inside = (points >= 0) & (points < len(self.metadata.points))
        keys = keys[inside]
        rows = self._rows[places][inside]
        rows[:, self._layout["energy_ev"]] = true_ev[inside, None]
        cells = (keys[:, KEYS.scan].astype(int), points[inside], keys[:, KEYS.shutter].astype(int))
        np.add.at(self._sums, cells, rows)
        self._exposure_ids[cells] = keys[:, KEYS.number].astype(int)

    def _fit(self) -> None:
        """Fit the backlash to all frames so far, and bin them again."""
        if not self._frames:
            return
        try:
            self._backlash = self._fitted()
        except (ReductionError, np.linalg.LinAlgError):
            self._backlash = None
        self._sums[:] = 0.0
        self._bin(np.arange(self._frames))
        for cell, row in self._events_of_bins.items():
            self._sums[cell] += row

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
        keys = self._keys[: self._frames]
        chosen = keys[:, KEYS.direction] == direction
        points = keys[chosen, KEYS.point].astype(int)
        size = len(self.metadata.points)
        counts = np.bincount(points, self._rows[: self._frames, self._layout["counts"]][chosen].sum(axis=1), size)
        i0 = np.bincount(points, self._rows[: self._frames, self._layout["i0"]][chosen, 0], size)
        seconds = np.bincount(points, keys[chosen, KEYS.seconds], size)
        energy = np.bincount(points, keys[chosen, KEYS.energy_ev] * keys[chosen, KEYS.seconds], size)
        measured = (counts > 0) & (i0 > 0)
        if measured.sum() < 2:
            raise ReductionError("Both directions need counts. Wait for the first sweep down.")
        counts, i0, energy, seconds = (one[measured] for one in (counts, i0, energy, seconds))
        return SpectrumPoints(
            energy_ev=energy / seconds, intensity=counts / i0, covariance=np.diag(counts / i0**2 * (1 + counts / i0))
        )

    def _broadening_ev(self) -> float:
        """Return the standard deviation of the energies within one bin about their mean, eV, without the outer bins."""
        keys = self._keys[: self._frames]
        true_ev = keys[:, KEYS.energy_ev] - keys[:, KEYS.direction] * self._shift_ev() / 2
        step_ev = float(self._fly["step_ev"])
        places = (true_ev - self.metadata.points[0]) / step_ev
        points = np.floor(places + 0.5).astype(int)
        inner: BoolArray = (points > 0) & (points < len(self.metadata.points) - 1)
        if not inner.any():
            return float("nan")
        points = points[inner]
        seconds = keys[inner, KEYS.seconds]
        # About the mean of each bin, which is where its point stands: the frames of few sweeps do not fill it evenly.
        within_ev = (places[inner] - points) * step_ev
        total_s = np.bincount(points, seconds)
        means_ev = np.bincount(points, seconds * within_ev) / np.maximum(total_s, 1e-9)
        squares = (within_ev - means_ev[points]) ** 2 + keys[inner, KEYS.spread_ev] ** 2
        variance = np.average(squares, weights=seconds)
        # What the play of the drive leaves if it is not taken out: half of it up, half of it down.
        left_ev = 0.0 if self._backlash is None or self._shift_ev() else self._backlash.value / 2
        return math.sqrt(float(variance) + left_ev**2)


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
