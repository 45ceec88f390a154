"""The result of a coverage run: a table, JSON for machines, and a figure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from errors import StorageError
from storage.atomic_file import write_atomically
from trxas.results.figures import FIT_COLOUR, OFF_COLOUR
from trxas.terminal.tables import table, table_text
from trxas.validation.coverage.campaign import Coverage
from trxas.validation.coverage.pulls import MEAN_LIMIT, WIDTH_LIMIT, PullStatistics

COLUMNS = 3
REASONS_SHOWN = 5
HEADINGS = (
    *("parameter", "mean (0)", "width (1)", "pulls", "failed"),
    f"mean within {MEAN_LIMIT:g}, width within {WIDTH_LIMIT:g}",
)
"""Columns of the printed table; in brackets the value for true error bars."""

VERDICTS = {True: "within", False: "outside", None: "too few samples"}


class PulledParameters(Protocol):
    """Pulls of several parameters, as `Coverage` has them: `pulls[parameter][sample]` is a list of numbers."""

    pulls: dict[str, dict[int, list[float]]]

    def statistics(self) -> dict[str, PullStatistics]:
        """Return mean and width of the pulls of every parameter."""


def parameters_json(coverage: PulledParameters) -> dict[str, Any]:
    """Return statistics and single pulls of every parameter for machines; unknown numbers are None.

    `pulls_of_samples` has the pulls of each sample by its number, one per measurement.
    """
    return {
        name: {**_parameter_json(found), "pulls_of_samples": {str(n): list(p) for n, p in coverage.pulls[name].items()}}
        for name, found in coverage.statistics().items()
    }


def as_json(coverage: Coverage) -> dict[str, Any]:
    """Return everything for machines; unknown numbers are None."""
    return {
        "parameters": parameters_json(coverage),
        "samples": coverage.settings.samples,
        "seed": coverage.settings.seed,
        "measurements_per_sample": coverage.settings.measurements,
        "measurements_done": len(coverage.measured),
        "complete": coverage.complete,
        "failures": [asdict(failure) for failure in coverage.failures],
    }


def write_json(coverage: Coverage, path: Path) -> None:
    """Write the JSON; the file is complete at any time. Raises StorageError if it cannot be written."""
    # NaN is not JSON: a reader that follows the standard would refuse the whole file for one unknown number.
    text = json.dumps(as_json(coverage), indent=2, allow_nan=False) + "\n"
    try:
        write_atomically(path, text)
    except OSError as error:
        raise StorageError(f"Cannot write {path}: {error}. Free some space, or choose another folder.") from error


def summary(coverage: Coverage) -> str:
    """Return what is printed: a table with a row per parameter, then the reasons of failures."""
    settings = coverage.settings
    done = "" if coverage.complete else f", {len(coverage.measured)} measurements done when it was interrupted"
    lines = [
        f"Pulls (value - truth) / sigma of {settings.samples} {coverage.kind.title}, each measured "
        f"{settings.measurements} times; seed {settings.seed}{done}",
        table_text(table(HEADINGS, map(cells, coverage.statistics().items()), right=HEADINGS[1:5])),
    ]
    # One cause usually fails many parameters of many samples, so each reason is shown once.
    reasons = list(dict.fromkeys(failure.reason for failure in coverage.failures))
    lines += [f"failed: {reason}" for reason in reasons[:REASONS_SHOWN]]
    if len(reasons) > REASONS_SHOWN:
        lines.append(f"and {len(reasons) - REASONS_SHOWN} other reasons (--json lists them)")
    return "\n".join(lines)


def pull_figure(coverage: PulledParameters) -> Figure:
    """Draw the pulls of every parameter with the normal distribution that they should follow."""
    statistics = coverage.statistics()
    rows = -(-len(statistics) // COLUMNS)
    figure = Figure(figsize=(4 * COLUMNS, 2.6 * rows), layout="constrained")
    panels = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axes, (name, found) in zip(panels, statistics.items(), strict=False):
        _histogram(axes, [pull for pulls in coverage.pulls[name].values() for pull in pulls])
        axes.set_title(f"{name}\nmean {_number(found.mean, found.mean_error)}, "
                       f"width {_number(found.width, found.width_error, sign='')}", fontsize=9)  # fmt: skip
    for axes in panels[len(statistics) :]:
        axes.set_axis_off()
    figure.supxlabel("(value - truth) / sigma")
    figure.supylabel("share per unit")
    return figure


def _histogram(axes: Axes, pulls: list[float]) -> None:
    edges = np.linspace(-4.0, 4.0, 25).tolist()
    # Pulls beyond the borders are drawn at the borders, not left out.
    axes.hist(np.clip(pulls, edges[0], edges[-1]), bins=edges, density=bool(pulls), color=OFF_COLOUR, alpha=0.6)
    fine = np.linspace(edges[0], edges[-1], 200)
    axes.plot(fine, np.exp(-(fine**2) / 2) / np.sqrt(2 * np.pi), color=FIT_COLOUR)


def _parameter_json(found: PullStatistics) -> Mapping[str, Any]:
    return {
        "pull_mean": found.mean,
        "pull_mean_error": found.mean_error,
        "pull_width": found.width,
        "pull_width_error": found.width_error,
        "pulls": found.number,
        "failed": found.failed,
    }


def cells(parameter: tuple[str, PullStatistics]) -> tuple[object, ...]:
    """Return the row of a parameter and its pulls, in the order of `HEADINGS`."""
    name, found = parameter
    mean = _number(found.mean, found.mean_error)
    width = _number(found.width, found.width_error, sign="")
    return name, mean, width, found.number, found.failed, VERDICTS[found.acceptable]


def _number(value: float | None, error: float | None, sign: str = "+") -> str:
    if value is None:
        return "-"
    return f"{value:{sign}.3f}" + ("" if error is None else f" ± {error:.3f}")
