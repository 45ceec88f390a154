"""The reduced part of a row in the night's table: what takes time to compute, and is therefore saved."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import reduction as reduction_package
from errors import InputError, ReductionError
from reduction.kinds import run_kinds
from reduction.number_text import delay_text
from reduction.run_kind import ChiSquare, CurveChoice
from storage.table.columns import Cell, ColumnRun, UserColumns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reduction.kinds import RunReduction
    from reduction.types import Document, Documents, Mode

SPARKLINE_POINTS = 32
"""Points of a sparkline at most. Of neighbours, the one farthest from zero stays: means would hide narrow features."""

CURVE_MODES: tuple[Mode, ...] = ("spc", "boxcar")
"""Detection modes that a sparkline may show; the first one that the run has is shown."""


@dataclass(frozen=True, kw_only=True)
class ReducedRow:
    """The numbers of one run.

    `kind`: its kind of run; `delay`: its delay, or the range of a delay scan, as text; `photons` counted by all gates,
    None if none count. `value` ± `sigma` in `unit` is what `quantity` names, None without results. `sparkline`: the
    transient along the scan, (points,) of at most 32. `problem`: why there are no results. `cells`: columns of the
    user's own.
    """

    kind: str = ""
    delay: str = ""
    photons: float | None = None
    quantity: str = ""
    value: float | None = None
    sigma: float = 0.0
    unit: str = ""
    null_tests: tuple[ChiSquare, ...] = ()
    sparkline: tuple[float, ...] = ()
    problem: str = ""
    cells: Mapping[str, Cell] = field(default_factory=dict)

    def as_record(self) -> dict[str, Any]:
        """Return the row as plain data for a file of JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ReducedRow:
        """Return the row that `as_record` made plain; raises TypeError or KeyError for other data."""
        own = dict(record)
        own["null_tests"] = tuple(ChiSquare(**test) for test in own["null_tests"])
        own["sparkline"] = tuple(own["sparkline"])
        own["cells"] = {name: Cell(**cell) for name, cell in own["cells"].items()}
        return cls(**own)


def reduced_row(documents: Documents, columns: UserColumns) -> ReducedRow:
    """Return the row of a run, complete or not, from its documents; raises nothing for their content.

    The documents begin with the start document.
    """
    run = ColumnRun(documents)
    delay = _delay(run.start)
    try:
        reduction = run.reduction
    except (ReductionError, InputError) as error:
        return ReducedRow(delay=delay, problem=str(error), cells=columns.cells(run))
    results = run.results
    checks = reduction.checks()
    headline = results.headline()
    known = headline is not None and math.isfinite(headline.value.value) and math.isfinite(headline.value.sigma)
    return ReducedRow(
        kind=results.kind,
        delay=delay,
        photons=checks.photons,
        quantity="" if headline is None else headline.quantity,
        value=headline.value.value if headline is not None and known else None,
        sigma=headline.value.sigma if headline is not None and known else 0.0,
        unit="" if headline is None else headline.unit,
        null_tests=checks.null_tests,
        sparkline=_sparkline(reduction),
        problem=" ".join(results.remarks) if headline is None else "",
        cells=columns.cells(run),
    )


@cache
def reduction_version() -> str:
    """Return a fingerprint of the code that reduces runs: rows that another version made are computed again."""
    # The source itself, not a version number that somebody has to remember: a corrected formula must never leave old
    # numbers in the table. Reading it takes some ms.
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for path in sorted(Path(reduction_package.__file__ or "").parent.rglob("*.py")):
        digest.update(path.read_bytes())
    for kind in run_kinds():
        digest.update(f"{kind.name} {kind.plug_in}".encode())
    return digest.hexdigest()[:12]


def _delay(start: Document) -> str:
    """Return the delay of a run with its unit, or the range of its delays; "" for runs without."""
    grid = start.get("grid")
    if isinstance(grid, dict) and grid.get("axis") == "delay_ps" and len(grid.get("points", ())):
        points = grid["points"]
        return f"{delay_text(float(min(points)))} to {delay_text(float(max(points)))}"
    delay_ps = start.get("delay_ps")
    return delay_text(float(delay_ps)) if isinstance(delay_ps, int | float) else ""


def _sparkline(reduction: RunReduction) -> tuple[float, ...]:
    for mode in CURVE_MODES:
        try:
            y = reduction.curve(CurveChoice(mode=mode)).y
        except (ReductionError, InputError):
            continue
        finite = np.asarray(y, dtype=float)[np.isfinite(y)]
        parts = np.array_split(finite, min(SPARKLINE_POINTS, finite.size)) if finite.size else []
        return tuple(float(f"{part[np.abs(part).argmax()]:.4g}") for part in parts)
    return ()
