"""Slices: an exposure counted in many short frames, of which a bad one costs its own length only.

The good slices of an exposure are added up to one event of the usual kind. Every slice is stored as well, in a stream
of its own, for questions that come up after the run: other bins, and whether the light was steady.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from devices.configuration import ExposureSettings
from devices.exposure.event_fields import data_key
from devices.exposure.frames import BoxcarFrame, SpcFrame
from devices.exposure.gated_detectors import ExposureReading
from devices.exposure.sequence_frames import SequenceFrame

STREAM = "slices"
"""Name of the stream of the slices."""

SHORTEST_S = 0.001
LONGEST_S = 0.1
"""Range of the length of a slice, s: each is a row of the catalogue, and a bad one costs its whole length."""

LEAST = 5
"""Number of slices of an exposure from which their median is known well enough to judge one of them."""

OUTLIER_SIGMAS = 6.0
"""Deviation from the median, in standard errors of counting, from which a slice is spoilt."""

STEADY = 0.05
"""Relative changes of photons per I0 that are usual from slice to slice: those of the jet, 1 % rms, five times."""


def merged(frames: Sequence[SequenceFrame]) -> ExposureReading:
    """Return the slices of one exposure as one: counts, pulses, I0 and seconds added up, the boxcar averaged.

    Its number is that of the last slice. Shapes as in a slice: counts (apd, probe), the others (probe,).
    """
    readings = [frame.reading for frame in frames]
    last = readings[-1].spc
    total_s = math.fsum(one.spc.exposure_s for one in readings)
    spc = SpcFrame(
        exposure_id=last.exposure_id,
        exposure_s=total_s,
        laser_shutter=last.laser_shutter,
        counts=np.sum([one.spc.counts for one in readings], axis=0),
        pulses=np.sum([one.spc.pulses for one in readings], axis=0),
    )
    foils = [one.foil for one in readings if one.foil is not None]
    return ExposureReading(
        spc=spc,
        boxcar=_averaged(readings, total_s),
        i0=sum(one.i0 for one in readings),
        foil=sum(foils) if foils else None,
    )


def _averaged(readings: Sequence[ExposureReading], total_s: float) -> BoxcarFrame | None:
    """Return the boxcar's mean over slices, each weighted by its seconds, with the variance of that mean, V2."""
    boxcars = [(one.boxcar, one.spc.exposure_s / total_s) for one in readings if one.boxcar is not None]
    if not boxcars:
        return None
    # Identity and shutter are those of the last slice, by which the reader recognises the exposure.
    last = boxcars[-1][0]
    return BoxcarFrame(
        exposure_id=last.exposure_id,
        exposure_s=total_s,
        laser_shutter=last.laser_shutter,
        mean=np.sum([weight * one.mean for one, weight in boxcars], axis=0),
        variance=np.sum([weight**2 * one.variance for one, weight in boxcars], axis=0),
        covariance=np.sum([weight**2 * one.covariance for one, weight in boxcars], axis=0),
    )


def outliers(frames: Sequence[SequenceFrame]) -> list[SequenceFrame]:
    """Return the slices of one exposure in which something passed through the beam, such as a bubble.

    Their photons per I0 differ from the median by more than counting and the usual unsteadiness of the jet explain.
    """
    # A bubble of 50 ms is too short for the flow meter, which updates ten times a second; the light shows it.
    if len(frames) < LEAST:
        return []
    counts = np.array([frame.reading.spc.counts.sum() for frame in frames], dtype=float)
    i0 = np.array([frame.reading.i0 for frame in frames])
    # Per I0, so that a change of the beam is not taken for one of the jet; it has conditions of its own.
    ratio = counts / np.maximum(i0, 1.0)
    middle = float(np.median(ratio))
    if middle <= 0:
        return []
    counting = np.sqrt(1 / np.maximum(counts, 1.0) + 1 / np.maximum(i0, 1.0))
    spoilt = np.abs(ratio / middle - 1) > STEADY + OUTLIER_SIGMAS * counting
    return [frame for frame, is_spoilt in zip(frames, spoilt, strict=True) if is_spoilt]


class SliceStream:
    """Stream of the slices of a run: a bluesky Collectable that yields the slices its reader has put into it."""

    name = STREAM
    parent = None

    def __init__(self, settings: ExposureSettings, source: str) -> None:
        self._settings = settings
        self._source = source
        self._waiting: list[tuple[SequenceFrame, str]] = []

    def put(self, frame: SequenceFrame, quality: str) -> None:
        """Add a slice with its faults, "" for a good one."""
        self._waiting.append((frame, quality))

    def clear(self) -> None:
        """Forget the slices that were not collected: a new run begins."""
        self._waiting.clear()

    def describe_collect(self) -> dict[str, dict[str, Any]]:
        """Return the data keys: which part of which exposure, s, counts, pulses, and I0 in counts.

        Counts have the shape (apd, probe), pulses (probe,).
        """
        apds = self._settings.apds
        probes = self._settings.probes
        whole = ("scan_index", "point_index", "laser_shutter", "part", "exposure_id")
        arrays = {"counts": [apds, probes], "pulses": [probes]}
        keys = {f"slice_{name}": data_key("integer", source=self._source) for name in whole}
        keys |= {
            f"slice_{name}": data_key("array", source=self._source, shape=shape, units=name, dtype_numpy="<i8")
            for name, shape in arrays.items()
        }
        keys["slice_s"] = data_key("number", source=self._source, units="s")
        keys["slice_i0"] = data_key("number", source=self._source, units="counts")
        keys["slice_quality"] = data_key("string", source="trxas")
        return keys

    def collect_pages(self) -> Iterator[dict[str, Any]]:
        """Yield the slices that came since the last call as one page, with the times at which their gates closed."""
        taken = self._waiting
        if not taken:
            return
        rows = [self._row(frame, quality) for frame, quality in taken]
        ends_s = [frame.end_s for frame, _ in taken]
        yield {
            "data": {key: [row[key] for row in rows] for key in rows[0]},
            "timestamps": {key: list(ends_s) for key in rows[0]},
            "time": list(ends_s),
        }
        self._waiting = self._waiting[len(taken) :]

    @staticmethod
    def _row(frame: SequenceFrame, quality: str) -> dict[str, Any]:
        spc = frame.reading.spc
        scan_index, point_index, shutter = frame.place
        return {
            "slice_scan_index": scan_index,
            "slice_point_index": point_index,
            "slice_laser_shutter": shutter,
            "slice_part": frame.part,
            "slice_exposure_id": spc.exposure_id,
            "slice_counts": spc.counts,
            "slice_pulses": spc.pulses,
            "slice_s": spc.exposure_s,
            "slice_i0": frame.reading.i0,
            "slice_quality": quality,
        }
