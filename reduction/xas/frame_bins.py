"""Frames of a fly scan on their way into bins: those that another backlash could still move are held, no others.

A frame belongs to the bin of its true energy, which depends on the backlash of the drive. Once that is known, most
frames lie so far from the edges of their bin that no likely backlash moves them: they are in the sums for good.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from reduction.types import BoolArray, FloatArray, IntArray

SURE = 5.0
"""Errors of the backlash by which it may still change for frames that are no longer held (chosen)."""

LEAST_CHANGE = 0.01
"""Change of the backlash, in steps, that is allowed for in any case (chosen)."""

MOST_HELD = 2**18
"""Frames that are held at most, 70 MB: four minutes at 1 kHz, and then neighbours are added up in pairs."""


class Frames(NamedTuple):
    """Frames with the energy of the encoder, (frames,) each, and their numbers as of an exposure, (frames, width).

    `direction` is 1 for sweeps up and -1 for sweeps down; `spread_ev` the standard deviation of the energy within a
    frame; `bin` the number of the bin that holds the frame, which may lie outside the run.
    """

    scan: IntArray
    shutter: IntArray
    number: IntArray
    energy_ev: FloatArray
    direction: FloatArray
    spread_ev: FloatArray
    seconds: FloatArray
    bin: IntArray
    rows: FloatArray

    def only(self, chosen: IntArray | BoolArray) -> Frames:
        """Return the frames that an index or a mask (frames,) chooses."""
        return Frames._make(part[chosen] for part in self)

    def pairs(self) -> Frames:
        """Return frames that follow each other in one bin and sweep as one: half as many, if all have a neighbour."""
        places = np.column_stack([self.scan, self.shutter, self.bin, self.direction])
        new = np.r_[True, np.any(places[1:] != places[:-1], axis=1)] if len(places) else np.zeros(0, dtype=bool)
        first = np.flatnonzero(new)
        within = np.arange(len(places)) - first[np.cumsum(new) - 1]
        starts = np.flatnonzero(within % 2 == 0)
        seconds, way, square = (
            np.add.reduceat(part, starts)
            for part in (
                self.seconds,
                self.seconds * self.energy_ev,
                self.seconds * (self.spread_ev**2 + (self.energy_ev - self.energy_ev[0]) ** 2),
            )
        )
        energy_ev = way / seconds
        spread = np.sqrt(np.maximum(square / seconds - (energy_ev - self.energy_ev[0]) ** 2, 0.0))
        rows = np.add.reduceat(self.rows, starts)
        kept = self.only(starts)
        return kept._replace(energy_ev=energy_ev, spread_ev=spread, seconds=seconds, rows=rows)


class BinSums(NamedTuple):
    """Sums over the frames of a bin by direction, (2, bins) each: `seconds`, and energies in s eV and s eV^2.

    `way` and `square` are those of the distance of the encoder from the middle of the bin, `spread` the variance within
    the frames.
    """

    seconds: FloatArray
    way: FloatArray
    square: FloatArray
    spread: FloatArray


class EncoderSums(NamedTuple):
    """Sums over the frames whose encoder was in a bin, by direction, (2, bins) each."""

    counts: FloatArray
    i0: FloatArray
    seconds: FloatArray
    energy: FloatArray


class FrameBins:
    """Bins of a fly scan from `first_ev` in steps of `step_ev`: what is held of its frames, and their mean energies.

    `frames` is the number of all frames, `held` those that another backlash could move, `shift_ev` the backlash that is
    taken out, eV. Memory: that of `MOST_HELD` frames.
    """

    # Held frames are never written again, only replaced as a whole; so a snapshot shares them. New ones wait in
    # `_arrived`, page by page, until the next look at all of them: a page costs no copy of the others.

    def __init__(self, first_ev: float, step_ev: float, size: int, most_held: int = MOST_HELD) -> None:
        self._first_ev = first_ev
        self._step_ev = step_ev
        self._size = size
        self._most_held = most_held
        self._arrived: list[Frames] = []
        self._waiting = 0
        self.frames = 0
        self.shift_ev = 0.0
        self.encoder = EncoderSums(*np.zeros((4, 2, size)))
        self.sums = BinSums(*np.zeros((4, 2, size)))

    @property
    def held(self) -> int:
        """Number of frames that are held."""
        return self._waiting

    def snapshot(self) -> FrameBins:
        """Return a copy that later frames do not change; held frames are shared, as they never change."""
        result = copy(self)
        result._arrived = list(self._arrived)
        result.encoder = EncoderSums(*(part.copy() for part in self.encoder))
        result.sums = BinSums(*(part.copy() for part in self.sums))
        return result

    def bin_of(self, energy_ev: FloatArray, direction: FloatArray | int) -> IntArray:
        """Return the bin of each energy of the encoder, eV, (frames,): below 0 or beyond the last one outside."""
        true_ev = energy_ev - direction * self.shift_ev / 2
        return np.asarray(np.floor((true_ev - self._first_ev) / self._step_ev + 0.5).astype(np.int64))

    def inside(self, bins: IntArray) -> BoolArray:
        """Return which bins are those of the run, (frames,)."""
        return np.asarray((bins >= 0) & (bins < self._size))

    def take(self, frames: Frames, counts: FloatArray, i0: FloatArray) -> Frames:
        """Hold frames, whose `bin` is that of the encoder; return them in the bins of the present backlash.

        `counts` and `i0` are those of the frames, (frames,), in counts.
        """
        place = self._direction(frames), frames.bin
        frames = frames._replace(bin=self.bin_of(frames.energy_ev, frames.direction))
        for sums, values in zip(
            self.encoder, (counts, i0, frames.seconds, frames.seconds * frames.energy_ev), strict=True
        ):
            np.add.at(sums, place, values)
        self._sum(frames, 1.0)
        self.frames += len(frames.scan)
        self._arrived.append(frames)
        self._waiting += len(frames.scan)
        return frames

    def moved(self, shift_ev: float) -> tuple[Frames, Frames]:
        """Take out another backlash, eV; return the frames that this moves, in their old bins and in their new ones."""
        self.shift_ev = shift_ev
        held = self._all()
        bins = self.bin_of(held.energy_ev, held.direction)
        moves = bins != held.bin
        before = held.only(moves)
        after = before._replace(bin=bins[moves])
        self._sum(before, -1.0)
        self._sum(after, 1.0)
        self._hold(held._replace(bin=bins))
        return before, after

    def settle(self, sigma_ev: float) -> None:
        """Hold no longer what the backlash cannot move, known to `sigma_ev`, eV."""
        held = self._all()
        reach_ev = max(SURE * sigma_ev, LEAST_CHANGE * self._step_ev) / 2
        certain = self.bin_of(held.energy_ev - reach_ev, held.direction) == self.bin_of(
            held.energy_ev + reach_ev, held.direction
        )
        self._hold(held.only(~certain))

    def make_room(self) -> None:
        """Hold fewer frames if they are too many: pairs of neighbours as one, and of these only the latest."""
        if self._waiting <= self._most_held:
            return
        held = self._all().pairs()
        self._hold(held.only(np.arange(len(held.scan)) >= len(held.scan) - self._most_held * 3 // 4))

    def variance(self) -> tuple[float, float]:
        """Return seconds in all but the outer bins, and the variance of the energies within these, eV^2."""
        # About the mean of each bin, which is where its point stands: the frames of few sweeps do not fill it evenly.
        inner = slice(1, self._size - 1)
        seconds, way, square, spread = (part[:, inner] for part in self.sums)
        half = np.array([[1.0], [-1.0]]) * self.shift_ev / 2
        total_s = seconds.sum(axis=0)
        first = (way - half * seconds).sum(axis=0)
        second = (square - 2 * half * way + half**2 * seconds + spread).sum(axis=0)
        counted = total_s > 0
        variance = second[counted].sum() - (first[counted] ** 2 / total_s[counted]).sum()
        return float(total_s.sum()), float(variance / max(total_s.sum(), 1e-12))

    @staticmethod
    def _direction(frames: Frames) -> IntArray:
        """Return 0 for frames of sweeps up, 1 for those of sweeps down, (frames,)."""
        return np.asarray((frames.direction < 0).astype(np.int64))

    def _sum(self, frames: Frames, sign: float) -> None:
        """Add frames to the sums of their bins, or take them out with the sign -1."""
        frames = frames.only(self.inside(frames.bin))
        within_ev = frames.energy_ev - self._first_ev - frames.bin * self._step_ev
        seconds = sign * frames.seconds
        values = (seconds, seconds * within_ev, seconds * within_ev**2, seconds * frames.spread_ev**2)
        for sums, value in zip(self.sums, values, strict=True):
            np.add.at(sums, (self._direction(frames), frames.bin), value)

    def _all(self) -> Frames:
        """Return all held frames as one block, in the order of their arrival."""
        if len(self._arrived) > 1:
            blocks = zip(*self._arrived, strict=True)
            self._arrived = [Frames(*(np.concatenate(part) for part in blocks))]
        return self._arrived[0]

    def _hold(self, frames: Frames) -> None:
        self._arrived = [frames]
        self._waiting = len(frames.scan)
