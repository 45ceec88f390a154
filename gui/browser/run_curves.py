"""A stored run as one curve with errors, by the reduction of its kind of run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reduction.kinds import curve_of, kind_of
from reduction.run_kind import ChoicePart as ChoicePart
from reduction.run_kind import CurveChoice as CurveChoice
from reduction.run_kind import CurveKind as CurveKind
from reduction.run_kind import RunCurve as RunCurve
from storage.image_reading import read_image

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reduction.types import Document, Documents


def choices_of(starts: Iterable[Document]) -> frozenset[ChoicePart]:
    """Return what can be chosen for the curves of runs with these start documents; the first call takes seconds."""
    return frozenset[ChoicePart]().union(*(kind_of(start).choices for start in starts))


def run_curve(documents: Documents, choice: CurveChoice) -> RunCurve:
    """Return a run as the curve that `choice` asks for; a run in progress gives its points so far.

    Kinds of runs with a single curve return that one. Raises ReductionError where there is none (yet).
    """
    return curve_of(documents, choice, read_image)
