"""Frames of a sequence as the sequencer stores them: one array per frame, many frames in one answer.

A frame: token, scan index, (2 x point index + planned shutter) x PARTS + part, begin s, end s, I0, foil (counts);
lowest, highest and last value of every watched PV, (3, slots); then the frames of SPC and boxcar as in
`devices.exposure.frames`. Times are since the epoch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from devices.configuration import ExposureSettings
from devices.exposure.frames import pairs_of, parse_boxcar_frame, parse_spc_frame
from devices.exposure.gated_detectors import ExposureReading
from devices.types import FloatArray
from errors import AcquisitionError

PAGE_S = 0.1
"""Longest time that one event page spans, s."""

HEAD = 7
"""Numbers at the beginning of a frame."""

Place = tuple[int, int, int]
"""Scan index, point index, laser shutter as it was planned: what identifies an exposure within a run."""

PARTS = 2**20
"""Largest number of parts of one exposure that the labels of its frames can distinguish."""

BLOCK_HEAD = 3
"""Numbers at the beginning of an answer: how many frames, how long each, number of the first."""


@dataclass(frozen=True, kw_only=True)
class SequenceFrame:
    """One frame: its number, its exposure and part of that, times since the epoch, counts, ranges of watched PVs.

    `low`, `high` and `last` are (slots,), in the units of the PVs; NaN in `low` and `high` stands for INVALID alarm.
    """

    number: int
    token: int
    place: Place
    part: int
    begin_s: float
    end_s: float
    low: FloatArray
    high: FloatArray
    last: FloatArray
    reading: ExposureReading


class FrameLayout:
    """Layout of the frames of one sequencer, for `watched` slots and the gates of `settings`."""

    head = HEAD
    table = "[sequencer]"

    def __init__(self, settings: ExposureSettings, *, watched: int, pv: str) -> None:
        self._settings = settings
        self._watched = watched
        self._pv = pv
        self._spc = 5 + settings.probes + settings.apds * settings.probes
        self.length = self.head + 3 * watched + self._spc + 3 + 2 * settings.probes
        """Numbers in a frame of a boxcar without covariances; these may follow."""
        self._lengths = (self.length, self.length + pairs_of(settings.probes))

    def parse(self, raw: ArrayLike) -> list[SequenceFrame]:
        """Return the frames of one answer, in order; raises AcquisitionError for an array with another layout."""
        values = np.atleast_1d(np.asarray(raw, dtype=float))
        # An array PV that was never written has one element or none: there are no frames yet.
        if values.size < BLOCK_HEAD:
            return []
        count, length, first = (int(value) for value in values[:BLOCK_HEAD])
        frames = values[BLOCK_HEAD : BLOCK_HEAD + count * length]
        if count and (length not in self._lengths or frames.size != count * length):
            raise AcquisitionError(
                f"{self._pv} has frames of {length} numbers, the configuration has {self.length}. Correct `watched` "
                f"in {self.table}, or apds and probes in [exposure]."
            )
        return [self._frame(first + place, row) for place, row in enumerate(frames.reshape(count, -1))]

    def _frame(self, number: int, values: FloatArray) -> SequenceFrame:
        place = (int(values[1]), *divmod(int(values[2]) // PARTS, 2))
        return SequenceFrame(place=place, part=int(values[2]) % PARTS, **self._common(number, values))

    def _common(self, number: int, values: FloatArray) -> dict[str, Any]:
        """Return what every frame has, whatever its labels mean."""
        slots = self._watched
        evidence = values[self.head : self.head + 3 * slots].reshape(3, slots)
        return {
            "number": number,
            "token": int(values[0]),
            "begin_s": float(values[3]),
            "end_s": float(values[4]),
            "low": evidence[0],
            "high": evidence[1],
            "last": evidence[2],
            "reading": self._reading(values[5], values[6], values[self.head + 3 * slots :]),
        }

    def _reading(self, i0: float, foil: float, detectors: FloatArray) -> ExposureReading:
        settings = self._settings
        return ExposureReading(
            spc=parse_spc_frame(detectors[: self._spc], settings.apds, settings.probes, self._pv),
            boxcar=parse_boxcar_frame(detectors[self._spc :], settings.boxcar_polarity, settings.probes, self._pv),
            i0=float(i0),
            foil=float(foil) if settings.foil_channel else None,
        )


@dataclass(frozen=True, kw_only=True)
class SequenceStep:
    """Settings of one frame: dwell, both raw delays, and the part of an exposure that it counts, with its shutter."""

    dwell_s: float
    coarse_s: float
    fine_ps: float
    place: Place
    part: int = 0


def table_of(steps: Sequence[SequenceStep]) -> FloatArray:
    """Return the table that the sequencer plays, flat and row by row, (6 x steps,); delays in s and ps."""
    # The shutter is in the label of the point, too: a frame whose shutter did not open must not pass for a frame that
    # was to be measured with the shutter closed.
    rows = []
    for one in steps:
        scan_index, point_index, shutter = one.place
        label = (2 * point_index + shutter) * PARTS + one.part
        rows.append((one.dwell_s, one.coarse_s, one.fine_ps, shutter, scan_index, label))
    return np.asarray(rows, dtype=float).ravel()


def pages(frames: Sequence[SequenceFrame], span_s: float = PAGE_S) -> Iterator[list[SequenceFrame]]:
    """Yield the frames in groups whose ends lie within `span_s` seconds, in order; a group has one frame at least."""
    group: list[SequenceFrame] = []
    for frame in frames:
        if group and frame.end_s - group[0].end_s > span_s:
            yield group
            group = []
        group.append(frame)
    if group:
        yield group
