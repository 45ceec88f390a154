"""Published numbers beside ours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reduction.number_text import plus_minus


@dataclass(frozen=True)
class Row:
    """One published number and our measurement of it.

    `published_sigma` is None where the paper gives no error; it is 0 where the published number is exact, or a
    statement such as "constant". `value` and `sigma` are None if it could not be determined; `remark` then says why.
    `uids` are the runs behind `value`; `remark` also says why the two may differ, or where the published number stands.
    """

    name: str
    unit: str
    published: float
    published_sigma: float | None
    value: float | None
    sigma: float | None
    uids: tuple[str, ...]
    remark: str = ""

    @property
    def pull(self) -> float | None:
        """Ours minus published over both errors; None where the paper gives no error, or ours is 0 or unknown."""
        if self.published_sigma is None or self.value is None or self.sigma is None:
            return None
        error = math.hypot(self.sigma, self.published_sigma)
        return (self.value - self.published) / error if error > 0 else None

    def cells(self) -> tuple[str, str, str, str, str, str]:
        """Name, published, ours, pull, runs and remark as text."""
        published = plus_minus(self.published, self.published_sigma)
        measured = "not determined" if self.value is None else plus_minus(self.value, self.sigma)
        pull = "" if self.pull is None else f"{self.pull:+.1f}"
        runs = " ".join(uid[:8] for uid in self.uids[:_RUNS_SHOWN])
        if len(self.uids) > _RUNS_SHOWN:
            runs += f" and {len(self.uids) - _RUNS_SHOWN} more"
        unit = f" ({self.unit})" if self.unit else ""
        return self.name + unit, published, measured, pull, runs, self.remark

    def as_json(self) -> dict[str, Any]:
        """The row for machines, with all its runs."""
        return {
            "name": self.name,
            "unit": self.unit,
            "published": self.published,
            "published_sigma": self.published_sigma,
            "value": self.value,
            "sigma": self.sigma,
            "pull": self.pull,
            "uids": list(self.uids),
            "remark": self.remark,
        }


_RUNS_SHOWN = 4

HEADINGS = ("quantity", "published", "measured", "pull", "runs", "remark")


def table_text(rows: Sequence[Row]) -> str:
    """Rows as aligned lines, the runs and remarks last."""
    cells = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(4)]
    return "\n".join(
        "  ".join([*(text.ljust(width) for text, width in zip(row, widths, strict=False)), *row[4:]]).rstrip()
        for row in cells
    )
