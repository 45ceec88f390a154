"""The figure of every scan, made when the scan ends."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trxas.results.figures import save
from trxas.results.live_run import LiveRun
from trxas.results.run_results import reduce_run

logger = logging.getLogger("trxas")


class FigureAtEnd:
    """Reduces the latest run when it stops, prints the result, saves its figure and shows it where there is a display.

    Subscribe it after the `LiveRun` it reads.
    """

    def __init__(self, live: LiveRun, folder: Path) -> None:
        self._live, self._folder = live, folder
        self._name = ""

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Take one document of a run."""
        if name == "start":
            self._name = f"{doc.get('scan_id', 0):05d}-{doc['uid'][:8]}"
        elif name == "stop" and self._live.accumulator is not None:
            self._show()

    def _show(self) -> None:
        assert self._live.accumulator is not None  # checked by the caller
        results = reduce_run(self._live.accumulator)
        print(results.table())
        figure = results.figure()
        if figure is None:
            return
        path = self._folder / f"{self._name}.png"
        try:
            save(figure, path)
        except OSError as error:
            # A figure is no datum: a disk too full for it must not fail the run.
            logger.warning("The figure was not saved to %s: %s", path, error)
            return
        print(f"figure: {path}")
        display(path)


def display(path: Path) -> None:
    """Show a saved figure in a window if matplotlib has a screen to draw on."""
    import matplotlib.pyplot as plt

    if plt.get_backend().lower() == "agg":
        return
    window = plt.figure(path.stem, layout="constrained", clear=True)
    axes = window.subplots()
    axes.imshow(plt.imread(path))
    axes.set_axis_off()
    plt.show(block=False)
    plt.pause(0.001)
