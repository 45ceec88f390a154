"""Slices of exposures: what a run counted in pieces of 1 to 100 ms, for questions that come up after it.

A run that was measured in slices has a stream of them beside its exposures. Other bins can be made of them, and their
scatter shows whether the light was as steady as counting statistics.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from errors import ReductionError
from reduction.events import events_of
from reduction.types import BoolArray, FloatArray, IntArray, NamedDocument

STREAM = "slices"
"""Name of the stream."""


@dataclass(frozen=True, kw_only=True)
class Slices:
    """The slices of a run in the order in which they were counted.

    `exposure` (slices, 3) is scan index, point index and laser shutter; `part` (slices,) the place within the exposure;
    `duration_s` and `i0` (slices,), in s and counts; `counts` (slices, apd, probe) and `pulses` (slices, probe) of the
    gates; `good` (slices,) False for those that were measured again because a condition failed.
    """

    exposure: IntArray
    part: IntArray
    duration_s: FloatArray
    i0: FloatArray
    counts: IntArray
    pulses: IntArray
    good: BoolArray

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:  # noqa: FBT001  # IPython's signature
        """Show the numbers of slices and their lengths at the prompt, not the arrays."""
        exposures = len(np.unique(self.exposure, axis=0))
        printer.text(
            f"{len(self)} slices of {np.median(self.duration_s):.3g} s in {exposures} exposures; "
            f"{np.count_nonzero(~self.good)} bad, {self.spent_again_s:.3g} s spent again"
        )

    def __len__(self) -> int:
        return len(self.part)

    @property
    def used(self) -> Slices:
        """The slices that are in the events: of each part the last good one, in the order of exposures and parts."""
        # A slice that was measured again, because something passed through the beam, comes later than the first one.
        keys = np.column_stack([self.exposure, self.part])[self.good]
        indices = np.flatnonzero(self.good)
        latest = {tuple(key): index for key, index in zip(keys.tolist(), indices.tolist(), strict=True)}
        return self._only(np.array([latest[key] for key in sorted(latest)], dtype=int))

    @property
    def spent_again_s(self) -> float:
        """Beam time of the slices that are not in the events, s: what bad moments of the run have cost."""
        return float(self.duration_s.sum() - self.used.duration_s.sum())

    def rebinned(self, size: int) -> Slices:
        """Return the used slices added up in groups of `size` within each exposure; the last group may be smaller.

        Raises ReductionError for a size below 1.
        """
        if size < 1:
            raise ReductionError(f"size = {size}: a group needs at least 1 slice. Give a whole number from 1 on.")
        used = self.used
        if not len(used):
            return used
        place = np.column_stack([used.exposure, used.part // size])
        starts = np.flatnonzero(np.r_[True, np.any(place[1:] != place[:-1], axis=1)])
        return Slices(
            exposure=used.exposure[starts],
            part=used.part[starts] // size,
            duration_s=np.add.reduceat(used.duration_s, starts),
            i0=np.add.reduceat(used.i0, starts),
            counts=np.add.reduceat(used.counts, starts, axis=0),
            pulses=np.add.reduceat(used.pulses, starts, axis=0),
            good=np.ones(len(starts), dtype=bool),
        )

    def overdispersion(self) -> float:
        """Return the variance of the counts between slices of one exposure over that of counting; 1 for steady light.

        Both the photodiodes and the ion chamber count; an unsteady jet adds to it in proportion to the counts. NaN if
        no exposure has two slices with counts.
        """
        used = self.used
        totals = used.counts.sum(axis=(1, 2)).astype(float)
        _, groups = np.unique(used.exposure, axis=0, return_inverse=True)
        groups = np.ravel(groups)
        chi2 = 0.0
        freedom = 0
        for group in range(int(groups.max(initial=-1)) + 1):
            inside = groups == group
            counts = totals[inside]
            i0 = used.i0[inside]
            if inside.sum() < 2 or counts.sum() == 0 or i0.min() <= 0:
                continue
            # Expected in proportion to the flux of the slice; the flux is counted, too, and adds its own variance.
            expected = counts.sum() * i0 / i0.sum()
            chi2 += float(np.sum((counts - expected) ** 2 / (expected + expected**2 / i0)))
            freedom += int(inside.sum()) - 1
        return chi2 / freedom if freedom else float("nan")

    def _only(self, indices: IntArray) -> Slices:
        return Slices(**{name: getattr(self, name)[indices] for name in self.__dataclass_fields__})


def slices_of(documents: Iterable[NamedDocument]) -> Slices:
    """Return the slices of a run from its documents, in any number of runs that continue each other.

    Raises ReductionError for a run that was not measured in slices.
    """
    streams: set[str] = set()
    rows: list[dict[str, Any]] = []
    for name, doc in documents:
        if name == "descriptor" and doc.get("name") == STREAM:
            streams.add(doc["uid"])
        rows += [event["data"] for event in events_of(name, doc) if event["descriptor"] in streams]
    if not rows:
        raise ReductionError(
            'The run has no slices: it counted each exposure as a whole. Measure with slice_s and stepping="hardware".'
        )
    places = ("slice_scan_index", "slice_point_index", "slice_laser_shutter")
    return Slices(
        exposure=np.array([[row[key] for key in places] for row in rows], dtype=int),
        part=np.array([row["slice_part"] for row in rows], dtype=int),
        duration_s=np.array([row["slice_s"] for row in rows], dtype=float),
        i0=np.array([row["slice_i0"] for row in rows], dtype=float),
        counts=np.array([row["slice_counts"] for row in rows], dtype=int),
        pulses=np.array([row["slice_pulses"] for row in rows], dtype=int),
        good=np.array([row["slice_quality"] == "" for row in rows], dtype=bool),
    )
