"""The reduced part of a row in the night's table: what takes time to compute, and is therefore saved."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import reduction as reduction_package
from plugins.entry_points import PlugInGroup, plug_ins
from reduction.run_kind import ChiSquare
from storage.table.columns import ColumnValue

if TYPE_CHECKING:
    from collections.abc import Mapping


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
    cells: Mapping[str, ColumnValue] = field(default_factory=dict)

    def as_record(self) -> dict[str, Any]:
        """Return the row as plain data for a file of JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ReducedRow:
        """Return the row that `as_record` made plain; raises TypeError or KeyError for other data."""
        own = dict(record)
        own["null_tests"] = tuple(ChiSquare(**test) for test in own["null_tests"])
        own["sparkline"] = tuple(own["sparkline"])
        own["cells"] = {name: ColumnValue(**cell) for name, cell in own["cells"].items()}
        return cls(**own)


@cache
def reduction_version() -> str:
    """Return a fingerprint of the code that reduces runs: rows that another version made are computed again."""
    # The source itself, not a version number that somebody has to remember: a corrected formula must never leave old
    # numbers in the table. Reading it takes some ms.
    digest = hashlib.sha256(Path(__file__).read_bytes())
    digest.update(Path(__file__).with_name("computed_row.py").read_bytes())
    for path in sorted(Path(reduction_package.__file__ or "").parent.rglob("*.py")):
        digest.update(path.read_bytes())
    # Kinds of other packages by package, version and entry point, without importing them.
    for plug_in in plug_ins():
        if plug_in.group == PlugInGroup.RUN_KINDS:
            digest.update(str(plug_in).encode())
    return digest.hexdigest()[:12]
