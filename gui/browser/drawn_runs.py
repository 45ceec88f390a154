"""The runs that are drawn together: which, in which colour, and what is known of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gui.browser.overlay import DrawnRun
from gui.browser.run_curves import RunCurve
from gui.plots.styles import CurveStyle, series_style

MOST_DRAWN = 12
"""Largest number of runs in the plot: with more, colours and markers are hard to tell apart."""


class DrawnRuns:
    """Drawn runs by uid, each with its place, which gives colour and marker, and its curve or the problem with it.

    Invariants: places are unique and below `MOST_DRAWN`; a run keeps its place while it is selected; curves and
    problems belong to drawn runs only, at most one of both for each. A drawn run in neither is being reduced. `take`
    adds the result, unless the run was deselected meanwhile.
    """

    def __init__(self) -> None:
        self.left_out = 0
        self._places: dict[str, int] = {}
        self._curves: dict[str, RunCurve] = {}
        self._problems: dict[str, str] = {}
        self._unfinished: set[str] = set()

    @property
    def uids(self) -> list[str]:
        """Uids in the order in which the runs were selected."""
        return list(self._places)

    @property
    def styles(self) -> Mapping[str, CurveStyle]:
        """Style of each run by uid."""
        return {uid: series_style(place) for uid, place in self._places.items()}

    @property
    def waiting(self) -> list[str]:
        """Uids of the runs that have neither a curve nor a problem yet."""
        return [uid for uid in self._places if uid not in self._curves and uid not in self._problems]

    def select(self, uids: Sequence[str]) -> None:
        """Draw these runs and no others, at most `MOST_DRAWN`; `left_out` counts the rest."""
        kept = {uid: place for uid, place in self._places.items() if uid in uids}
        for uid in uids:
            if uid not in kept and len(kept) < MOST_DRAWN:
                # The lowest free place.
                kept[uid] = next(place for place in range(MOST_DRAWN) if place not in kept.values())
        self._places = kept
        self.left_out = len(set(uids) - kept.keys())
        self._curves = {uid: curve for uid, curve in self._curves.items() if uid in kept}
        self._problems = {uid: words for uid, words in self._problems.items() if uid in kept}

    def forget_curves(self) -> None:
        """Forget what is known of all runs, as another reduction has been chosen."""
        self._curves.clear()
        self._problems.clear()

    def take(self, uid: str, curve: RunCurve | None, problem: str) -> bool:
        """Store the curve of a run, or why it has none; return False if the run is no longer drawn."""
        if uid not in self._places:
            return False
        self._curves.pop(uid, None)
        self._problems.pop(uid, None)
        if curve is None:
            self._problems[uid] = problem
        else:
            self._curves[uid] = curve
        return True

    def note_unfinished(self, uid: str) -> None:
        """Note that a run was reduced while it was still growing: its last points came later."""
        self._unfinished.add(uid)

    def take_unfinished(self, uid: str) -> bool:
        """Return whether a run, which has ended, was last reduced while it grew; it counts as finished then."""
        was_unfinished = uid in self._unfinished
        self._unfinished.discard(uid)
        return was_unfinished

    def shown(self, labels: Mapping[str, str]) -> list[DrawnRun]:
        """Return the runs that have a curve or a problem, for the plot; `labels` are by uid, and decide which."""
        return [
            DrawnRun(
                uid=uid,
                label=labels[uid],
                style=style,
                curve=self._curves.get(uid),
                problem=self._problems.get(uid, ""),
            )
            for uid, style in self.styles.items()
            if uid in labels and uid not in self.waiting
        ]
