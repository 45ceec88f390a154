"""One stored run as text or plain data: settings, exposures, and results."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from reduction.events import PrimaryEvents
from reduction.kinds import kind_of
from trxas.results.run_results import reduce_stored_run

if TYPE_CHECKING:
    from trxas.results.run_results import FindDecay

    FindFoils = Callable[[Mapping[str, Any]], list[str]]

SHOWN = (
    "uid", "scan_id", "plan_name", "sample", "edge", "beamline", "energy_ev", "delay_ps", "fluence_mj_cm2",
    "temperature_c", "dwell_s", "repeats", "shutter_reference", "series",
)  # fmt: skip


def run_report(
    documents: Sequence[tuple[str, Mapping[str, Any]]],
    kinetics: str | None = None,
    detector: str | None = None,
    decays: FindDecay | None = None,
    *,
    keep_all: bool = False,
    foils: FindFoils | None = None,
) -> str:
    """Return the report as lines of text: settings, exposures by quality, how the run ended, and the results.

    `kinetics`, `detector`, `decays` and `keep_all` as for `reduce_stored_run`; `foils` gives lines on the energy axis.
    Raises IndexError without documents; what cannot be reduced is a line of the report.
    """
    start = documents[0][1]
    shown = (*SHOWN, *kind_of(start).shown)
    lines = [f"{key:<22} {start[key]}" for key in dict.fromkeys(shown) if key in start]
    # After uid and scan number, where people look for the time.
    lines.insert(2, f"{'started':<22} {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(start['time']))}")
    if grid := start.get("grid"):
        lines.append(f"{'grid':<22} {_grid_text(grid)}")
    lines += _counted(documents, start)
    # The report and the live display use the same registry of run kinds, so that both give the same numbers; what
    # cannot be reduced is a remark here, since a report of an incomplete run is what people ask for when something went
    # wrong.
    results = reduce_stored_run(documents, kinetics, detector, decays, keep_all=keep_all)
    lines += [f"{'kind of run':<22} {results.kind}", "", results.table()]
    lines += [] if foils is None else foils(start)
    return "\n".join(lines)


def _grid_text(grid: Mapping[str, Any]) -> str:
    """Return axes, number of points and range of a grid, in the units of the axes."""
    points = grid["points"]
    if "axis" in grid:
        return f"{grid['axis']}: {len(points)} points, {points[0]:g} to {points[-1]:g}"
    columns = zip(*points, strict=True)
    ranges = (f"{axis} {min(one):g} to {max(one):g}" for axis, one in zip(grid["axes"], columns, strict=True))
    size = " x ".join(map(str, grid["shape"])) if "shape" in grid else str(len(points))
    return f"{size} points: {', '.join(ranges)}"


def run_facts(
    documents: Sequence[tuple[str, Mapping[str, Any]]], decays: FindDecay | None = None, *, keep_all: bool = False
) -> dict[str, Any]:
    """Return the report as plain data: start and stop document, exposures by quality, results, and all cuts.

    Raises IndexError without documents; what cannot be reduced is a line of the results.
    """
    start = documents[0][1]
    name, stop = documents[-1]
    results = reduce_stored_run(documents, decays=decays, keep_all=keep_all)
    return {
        "start": start,
        "stop": stop if name == "stop" else None,
        "exposures": {"intended": start.get("num_points"), "by_quality": _qualities(documents)},
        "kind": results.kind,
        "results": results.table().splitlines(),
        "left_out": [asdict(one) for one in results.cuts],
    }


def _qualities(documents: Sequence[tuple[str, Mapping[str, Any]]]) -> Counter[str]:
    """Return the number of exposures by their `quality`, "" for the good ones."""
    # Suspensions, frames and slices are events of streams of their own.
    primary = PrimaryEvents()
    qualities: Counter[str] = Counter()
    for name, doc in documents:
        qualities.update(str(event["data"].get("quality", "")) for event in primary(name, doc))
    return qualities


def _counted(documents: Sequence[tuple[str, Mapping[str, Any]]], start: Mapping[str, Any]) -> list[str]:
    qualities = _qualities(documents)
    intended = start.get("num_points", "?")
    lines = [f"{'exposures':<22} {qualities.total()} of {intended}"]
    lines += [f"{'  bad':<22} {number}: {quality}" for quality, number in qualities.items() if quality]
    name, stop = documents[-1]
    ended = "still open" if name != "stop" else f"{stop['exit_status']} {stop.get('reason', '')}"
    return [*lines, f"{'ended':<22} {ended.strip()}"]
