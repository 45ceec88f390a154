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
from reduction.events import columns_of
from reduction.types import BoolArray, Document, FloatArray, IntArray, NamedDocument

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
        indices = np.flatnonzero(self.good)
        keys = np.column_stack([self.exposure, self.part])[indices]
        order = np.lexsort((indices, *keys.T[::-1]))
        keys = keys[order]
        last = np.r_[np.any(keys[1:] != keys[:-1], axis=1), True] if order.size else np.zeros(0, dtype=bool)
        return self._only(indices[order[last]])

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
        if not len(used):
            return float("nan")
        new = np.r_[True, np.any(used.exposure[1:] != used.exposure[:-1], axis=1)]
        group = np.cumsum(new) - 1
        size = np.bincount(group)
        summed = np.bincount(group, totals)
        flux = np.bincount(group, used.i0)
        # A group counts if it has a scatter, and if the flux of each of its slices is known.
        lowest = np.minimum.reduceat(used.i0, np.flatnonzero(new))
        counts = (size >= 2) & (summed > 0) & (lowest > 0)
        inside = counts[group]
        i0 = used.i0[inside]
        # Expected in proportion to the flux of the slice; the flux is counted, too, and adds its own variance.
        expected = (summed / np.where(counts, flux, 1.0))[group][inside] * i0
        chi2 = float(np.sum((totals[inside] - expected) ** 2 / (expected + expected**2 / i0)))
        freedom = int((size[counts] - 1).sum())
        return chi2 / freedom if freedom else float("nan")

    def _only(self, indices: IntArray) -> Slices:
        return Slices(**{name: getattr(self, name)[indices] for name in self.__dataclass_fields__})


def slices_of(documents: Iterable[NamedDocument]) -> Slices:
    """Return the slices of a run from its documents, in any number of runs that continue each other.

    Slices that the session of one run had stored when it was killed, and that of the next run has read again, are there
    once. Raises ReductionError for a run that was not measured in slices.
    """
    runs = 0
    streams: set[str] = set()
    pages: list[Slices] = []
    exposure_ids: list[IntArray] = []
    for name, doc in documents:
        runs += name == "start"
        if name == "descriptor" and doc.get("name") == STREAM:
            streams.add(doc["uid"])
        elif name in ("event", "event_page") and doc["descriptor"] in streams:
            columns = columns_of(name, doc)[0]
            pages.append(_page(columns))
            exposure_ids.append(np.asarray(columns["slice_exposure_id"], dtype=int))
    if not pages:
        raise ReductionError(
            'The run has no slices: it counted each exposure as a whole. Measure with slice_s and stepping="hardware".'
        )
    found = Slices(
        **{field: np.concatenate([getattr(page, field) for page in pages]) for field in Slices.__dataclass_fields__}
    )
    return found if runs < 2 else _once(found, np.concatenate(exposure_ids))


def _once(slices: Slices, exposure_ids: IntArray) -> Slices:
    """Return the slices without those that are there twice; `exposure_ids` (slices,) are the detectors' numbers."""
    # Detectors that are restarted number their exposures from 1 again, so what was counted must be the same as well.
    counted = np.column_stack([slices.i0, slices.counts.sum(axis=(1, 2)), slices.pulses.sum(axis=1)])
    key = np.column_stack([slices.exposure, slices.part, exposure_ids, counted])
    return slices._only(np.sort(np.unique(key, axis=0, return_index=True)[1]))


def _page(columns: Document) -> Slices:
    """Return the slices of one page of events, as arrays: rows in Python take ten times their memory."""
    places = ("slice_scan_index", "slice_point_index", "slice_laser_shutter")
    return Slices(
        exposure=np.column_stack([np.asarray(columns[key], dtype=int) for key in places]),
        part=np.asarray(columns["slice_part"], dtype=int),
        duration_s=np.asarray(columns["slice_s"], dtype=float),
        i0=np.asarray(columns["slice_i0"], dtype=float),
        counts=np.asarray(columns["slice_counts"], dtype=int),
        pulses=np.asarray(columns["slice_pulses"], dtype=int),
        good=np.array([quality == "" for quality in columns["slice_quality"]], dtype=bool),
    )
