"""The table of a sequence: one row per frame, checked as a whole when it is armed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sim.errors import SimulationInputError
from sim.ioc.xas.equipment.timing import COARSE_MAX_S, FINE_MAX_PS, TIME_ZERO_RAW_PS
from sim.ioc.xas.hardware_scans.frame_ring import RING

COLUMNS = 6
"""Numbers in a row: dwell s, coarse delay s, fine delay ps, shutter, scan index, point index."""


@dataclass(frozen=True, kw_only=True)
class SequenceRow:
    """Settings of one frame; `scan_index` and `point_index` are labels of the client, which its frame repeats."""

    dwell_s: float
    coarse_s: float
    fine_ps: float
    shutter_open: bool
    scan_index: int
    point_index: int


def parse_table(values: Sequence[float], check_delay: Callable[[float], None]) -> list[SequenceRow]:
    """Return the rows of a table as it was written, flat and row by row.

    `check_delay` raises SimulationInputError for a nominal delay, ps, that is not permitted. Raises that error too for
    a table without rows, with an incomplete one, or with settings beyond the range of the hardware.
    """
    numbers = [float(value) for value in values]
    if not numbers or len(numbers) % COLUMNS or len(numbers) > RING * COLUMNS:
        raise SimulationInputError(
            f"a table of {len(numbers)} numbers; give {COLUMNS} per frame, for 1 to {RING} frames"
        )
    rows = [_row(numbers[start : start + COLUMNS]) for start in range(0, len(numbers), COLUMNS)]
    for number, row in enumerate(rows):
        within = 0 <= row.coarse_s <= COARSE_MAX_S and 0 <= row.fine_ps <= FINE_MAX_PS
        if not (math.isfinite(row.dwell_s) and row.dwell_s > 0 and within):
            raise SimulationInputError(f"row {number} cannot be played: {row}")
        check_delay(row.coarse_s * 1e12 + row.fine_ps - TIME_ZERO_RAW_PS)
    return rows


def _row(numbers: Sequence[float]) -> SequenceRow:
    dwell_s, coarse_s, fine_ps, shutter, scan_index, point_index = numbers
    return SequenceRow(
        dwell_s=dwell_s,
        coarse_s=coarse_s,
        fine_ps=fine_ps,
        shutter_open=shutter > 0,
        scan_index=int(scan_index),
        point_index=int(point_index),
    )
