"""Beam time of the paper's pump-probe scans: as published, and as short as the same errors allow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plans.dwell_factors import factors_of_points
from plans.edges import BR_K, PB_L3, EdgePreset
from plans.grids import join_regions
from reduction.types import FloatArray
from trxas.benchmarks.drawn_runs import DELAYS_PS

STOCK_STEP_S = 0.047
STEP_S = 0.016
SEQUENCE_STEP_S = 0.02
"""Time per step beyond the dwell, s: of stock `bp.scan`, of scans by trxas, and of the laser in a sequence.

The motion of a real monochromator comes on top of the first two; a fly scan has none.
"""

HOUR_S = 3600.0

EDGES = {"br": BR_K, "pb": PB_L3}

EARLY = "spectrum_100ps"
LATE = "spectra_10ns_163ns"
TRACE = "trace"
KINDS = (EARLY, LATE, TRACE)


@dataclass(frozen=True, kw_only=True)
class PlannedScan:
    """One kind of scan: `seconds` of beam time in all passes together, (points,), s; time per step beside it, s."""

    seconds: FloatArray
    passes: int
    step_s: float

    @property
    def hours(self) -> float:
        """Beam time with all steps, h."""
        return float(self.seconds.sum() + self.passes * self.seconds.size * self.step_s) / HOUR_S


Plans = dict[tuple[str, str], PlannedScan]
"""Scans by edge and kind."""

BR_163NS_SCANS = 8
"""Of the 11 Br scans at 10.1 ns, those that the paper counted for the spectrum at 163.5 ns (SI 4)."""

_PASSES = {
    ("br", EARLY): 9, ("br", LATE): 11, ("br", TRACE): 6, ("pb", EARLY): 56, ("pb", LATE): 87, ("pb", TRACE): 6,
}  # fmt: skip
_DWELL_S = {("pb", TRACE): 36.0}


def energies_ev(edge: EdgePreset) -> FloatArray:
    """Return the grid of the paper's scans at an edge, eV."""
    return np.array(join_regions(edge.regions_ev, "eV"), dtype=float)


def before() -> Plans:
    """Return the scans of the paper (SI 2, 4, 5) by stock plans: equal times at all points, 6 s in each pass."""
    return {
        key: PlannedScan(
            seconds=np.full(_points(key), passes * _DWELL_S.get(key, 6.0)), passes=passes, step_s=STOCK_STEP_S
        )
        for key, passes in _PASSES.items()
    }


_KEPT_BARS = {
    ("br", EARLY): 0.10, ("br", LATE): 0.58, ("br", TRACE): 0.66, ("pb", EARLY): 0.76, ("pb", LATE): 0.82,
    ("pb", TRACE): 0.66,
}  # fmt: skip


def with_every_error_bar() -> Plans:
    """Return the scans that keep the error of every point of every figure: the same times everywhere, but shorter."""
    return {key: _shorter(scan, key, np.full(_points(key), _KEPT_BARS[key])) for key, scan in before().items()}


_ENDS = {
    "br": (
        13_461.0, 13_465.8, 13_474.2, 13_478.2, 13_481.0, 13_489.0, 13_493.5, 13_501.0, 13_504.0, 13_512.5, 13_570.0,
    ),
    "pb": (
        13_024.5, 13_028.5, 13_030.5, 13_033.5, 13_036.5, 13_040.5, 13_043.5, 13_047.5, 13_053.5, 13_055.5, 13_058.5,
        13_061.5, 13_064.5, 13_066.5, 13_140.0,
    ),
}  # fmt: skip
_FACTORS = {
    ("br", EARLY): (0.10,) * 11,
    ("br", LATE): (0.43, 0.25, 0.69, 0.55, 0.27, 0.63, 0.59, 1.16, 0.96, 0.36, 0.49),
    ("pb", EARLY): (0.29, 0.18, 0.71, 0.76, 0.37, 1.20, 1.03, 1.14, 0.10, 0.49, 0.85, 0.58, 0.84, 0.49, 0.24),
    ("pb", LATE): (0.38, 0.24, 0.71, 0.84, 0.09, 1.19, 1.38, 1.32, 0.13, 0.33, 0.54, 0.66, 0.54, 0.33, 0.26),
}
"""Beam time in each region of the energies, relative to the paper's: c-optimal for the numbers of the paper."""

_AT_DELAYS = {
    -500.0: 0.5, -350.0: 0.5, -200.0: 0.5, 0.0: 0.45, 30.0: 0.45, 60.0: 0.45, 90.0: 1.3, 120.0: 0.8, 155.0: 0.6,
    260.0: 1.0, 667.5: 1.4, 783.3: 0.5, 1_742.9: 1.3, 6_000.0: 1.2,
}  # fmt: skip
_ELSEWHERE = 0.35
"""The same at the delays of a trace, ps."""

MARGIN = 1.03
"""Time beside the optimum: factors are rounded, and the fitted shares of the gates are not exact."""


def with_every_number() -> Plans:
    """Return the scans that keep the error of every number: longer where a number comes from, shorter elsewhere."""
    plans = before()
    found = {}
    for key, scan in plans.items():
        edge, kind = key
        if kind == TRACE:
            factors = np.array([_AT_DELAYS.get(delay_ps, _ELSEWHERE) for delay_ps in DELAYS_PS])
        else:
            points = energies_ev(EDGES[edge]).tolist()
            factors = np.array(factors_of_points(points, _ENDS[edge], _FACTORS[key]))
        found[key] = _shorter(scan, key, MARGIN * factors)
    return found


def _points(key: tuple[str, str]) -> int:
    edge, kind = key
    return DELAYS_PS.size if kind == TRACE else energies_ev(EDGES[edge]).size


def _shorter(scan: PlannedScan, key: tuple[str, str], factors: FloatArray) -> PlannedScan:
    # Delays are electronic and are played as a sequence by the hardware; the energies of a spectrum are set step by
    # step.
    step_s = SEQUENCE_STEP_S if key[1] == TRACE else STEP_S
    return PlannedScan(seconds=factors * scan.seconds, passes=scan.passes, step_s=step_s)
