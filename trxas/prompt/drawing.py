"""Figures of results at the prompt."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from trxas.prompt.figure_window import FigureWindow
from trxas.results.figures import figure_of_results, save

if TYPE_CHECKING:
    from reduction.run_kind import RunResults

_WINDOW = FigureWindow()


def drawing_function(folder: Path, show: Callable[[Path], object] | None = None) -> Callable[..., Path]:
    """Return the function `draw`, which saves figures in a folder and shows them, by default in a window.

    It raises InputError for results without a figure, and OSError if the file cannot be written.
    """
    present = _WINDOW.show if show is None else show

    def draw(results: RunResults, path: str | Path | None = None) -> Path:
        """Draw results of `reduce` or `combine`; save the figure, by default in the folder of the figures, and show it.

        Returns the path. Raises InputError for results that have no figure of their own, and OSError if the file cannot
        be written.
        """
        figure = figure_of_results(results)
        saved = save(figure, _free_path(folder) if path is None else Path(path))
        present(saved)
        return saved

    return draw


def _free_path(folder: Path) -> Path:
    names = (folder / f"drawn-{number}.png" for number in count(1))
    return next(path for path in names if not path.exists())
