"""Correction of the energies of a run at the time of each exposure, by the foil scans around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from errors import ReductionError
from reduction.probabilities import normal_tail
from reduction.values import Value

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from reduction.types import FloatArray

Numbers: TypeAlias = tuple[float, ...]

KEY = "energy_course"
"""Key of a start document that carries a course; it is added when a stored run is read, as the last foil scan comes
after the run."""


@dataclass(frozen=True, kw_only=True)
class EnergyCourse:
    """Offsets to add to the energy axis (eV) at the times of foil scans (s since 1970), (foils,) each, ordered by time.

    `sigma_ev` (foils,): errors of the scans. `source` names what the offsets refer to, and `reference_error_ev` is how
    well that is known: common to all runs of an axis, so in no error of a single result. Raises ReductionError for
    tables of different lengths, times that do not ascend, or numbers that are not finite.
    """

    times_s: Numbers
    offset_ev: Numbers
    sigma_ev: Numbers
    source: str
    reference_error_ev: float = 0.0

    def __post_init__(self) -> None:
        """Refuse impossible numbers."""
        tables = [np.asarray(table) for table in (self.times_s, self.offset_ev, self.sigma_ev)]
        sound = len({table.size for table in tables}) == 1 and tables[0].size > 0
        sound = sound and all(np.isfinite(table).all() for table in tables)
        if not sound or (np.diff(tables[0]) <= 0).any() or (tables[2] < 0).any():
            raise ReductionError(
                f"An energy course of {len(self.times_s)} foil scans needs ascending times, s, and as many offsets "
                "with errors, eV, 0 or more. Leave out the foil scans that gave no edge."
            )

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> EnergyCourse:
        """Read the course in a start document, times in s and offsets in eV; raises ReductionError if damaged."""
        try:
            return cls(
                times_s=_numbers(document["times_s"]),
                offset_ev=_numbers(document["offset_ev"]),
                sigma_ev=_numbers(document["sigma_ev"]),
                source=str(document["source"]),
                reference_error_ev=float(document["reference_error_ev"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ReductionError(f"The `{KEY}` of the run cannot be read: {error!r}. Scan the foils again.") from error

    @property
    def document(self) -> dict[str, Any]:
        """The course as a start document carries it: times in s, offsets and errors in eV."""
        return {
            "times_s": list(self.times_s),
            "offset_ev": list(self.offset_ev),
            "sigma_ev": list(self.sigma_ev),
            "source": self.source,
            "reference_error_ev": self.reference_error_ev,
        }

    def weights(self, time_s: ArrayLike) -> FloatArray:
        """Return the share of each foil scan in the offset at times in s, shape (times, foils); rows add up to 1.

        Linear in time between two foil scans; before the first and after the last, the offset stays.
        """
        unit = np.eye(len(self.times_s))
        return np.column_stack([np.interp(np.atleast_1d(time_s), self.times_s, row) for row in unit])

    def at(self, time_s: float) -> Value:
        """Return the offset at one time in s, with the error of the scans, eV."""
        weights = self.weights(time_s)[0]
        return Value(float(weights @ self.offset_ev), float(np.hypot.reduce(weights * np.asarray(self.sigma_ev))))

    def largest_step(self, begin_s: float, end_s: float) -> tuple[Value, float]:
        """Return the least likely change between neighbouring foil scans that touch a time span in s, and its p-value.

        The change in eV with its error; the p-value is that of the least likely of all these changes by chance. No
        change, with 1, for a single foil scan.
        """
        changes = np.diff(self.offset_ev).tolist()
        errors = np.hypot(self.sigma_ev[:-1], self.sigma_ev[1:]).tolist()
        found = [
            Value(change, error)
            for change, error, (first, last) in zip(changes, errors, pairwise(self.times_s), strict=True)
            if first < end_s and last > begin_s
        ]
        if not found:
            return Value(0.0, 0.0), 1.0
        worst = max(found, key=_sigmas)
        single = 2 * normal_tail(_sigmas(worst))
        return worst, float(-np.expm1(len(found) * np.log1p(-min(single, 1 - 1e-16))))


def joined_courses(courses: Sequence[EnergyCourse | None]) -> EnergyCourse | None:
    """Return one course with the foil scans of several, each once; None unless every run has one."""
    if not courses or any(one is None for one in courses):
        return None
    known = [one for one in courses if one is not None]
    rows = {
        time_s: (offset_ev, sigma_ev)
        for one in known
        for time_s, offset_ev, sigma_ev in zip(one.times_s, one.offset_ev, one.sigma_ev, strict=True)
    }
    return EnergyCourse(
        times_s=tuple(sorted(rows)),
        offset_ev=tuple(rows[time_s][0] for time_s in sorted(rows)),
        sigma_ev=tuple(rows[time_s][1] for time_s in sorted(rows)),
        source=known[0].source,
        reference_error_ev=max(one.reference_error_ev for one in known),
    )


def _sigmas(change: Value) -> float:
    if change.sigma > 0:
        return abs(change.value) / change.sigma
    return float("inf") if change.value else 0.0


def _numbers(values: Any) -> Numbers:
    return tuple(float(value) for value in values)
