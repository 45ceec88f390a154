"""The figure of every scan, made when the scan ends."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reduction.kinds import RunReduction
from reduction.xas.calibration_plans import CALIBRATION_PLANS
from trxas.prompt.figure_window import FigureWindow
from trxas.results.figures import figure_of, save
from trxas.results.live_run import LiveRun

if TYPE_CHECKING:
    from trxas.results.run_results import FindDecay

logger = logging.getLogger("trxas")


class FigureAtEnd:
    """Callback that reduces every run when it stops, prints the result, saves its figure in a folder and shows it.

    `show` gets the path of each saved figure; by default it appears in a window of another process, if there is a
    screen. `decays` finds the decay of the same sample, which corrects sizes of transients.
    """

    def __init__(
        self, folder: Path, show: Callable[[Path], object] | None = None, decays: FindDecay | None = None
    ) -> None:
        self._decays = decays
        self._start: Mapping[str, Any] = {}
        self._folder = folder
        self._live = LiveRun()
        self._name = ""
        self._measured: set[str] = set()
        self._calibrated: set[str] = set()
        self._show = FigureWindow().show if show is None else show

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Take one document of a run."""
        self._live(name, doc)
        if name == "start":
            self._start = doc
            self._name = f"{doc.get('scan_id', 0):05d}-{doc['uid'][:8]}"
        elif name == "stop" and self._live.reduction is not None:
            self._finish(self._live.reduction)

    def _state_calibrations(self) -> None:
        """Print what runs of the same series after this one change, or what this one changes in those before it."""
        series = str(self._start.get("series") or "")
        if not series:
            return
        if self._start.get("plan_name") in CALIBRATION_PLANS:
            self._calibrated.add(series)
            if series in self._measured:
                print(
                    f"It calibrates the earlier runs of the series {series} too: show() and night() use it from now on."
                )
            return
        self._measured.add(series)
        if series in self._calibrated:
            print(
                "Energies and gates use the calibrations made before this run. Foils and gates that its series "
                "measures later will change the result: see show() and night() then."
            )

    def _finish(self, reduction: RunReduction) -> None:
        # Runs on the thread of this subscriber, so that a slow fit or a full disk delays nobody. Order: print the
        # result first, which needs no file; then the figure, of which the path is printed only when it has been
        # written.
        results = reduction.results(None if self._decays is None else self._decays(self._start))
        print(results.table())
        self._state_calibrations()
        figure = figure_of(results, reduction)
        if figure is None:
            return
        path = self._folder / f"{self._name}.png"
        try:
            save(figure, path)
        except OSError as error:
            # A figure is not a datum, and the next one may find room on the disk again.
            logger.warning("The figure was not saved to %s: %s", path, error)
            return
        print(f"figure: {path}")
        self._show(path)
