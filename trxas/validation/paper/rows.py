"""Rows that several parts make: extrema, signs, statements without a number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from errors import ReductionError
from reduction.number_text import plus_minus
from reduction.values import Value
from reduction.xas.comparison import ComparisonParameter
from reduction.xas.features import extremum
from trxas.validation.paper.table import Row

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TINY = 1e-9

SIGN_SIGMAS = 2.0
"""A value nearer to 0 than this many errors has no sign: 5 % of zeros are given one."""


def extremum_row(
    name: str,
    energy_ev: NDArray[np.float64],
    values: NDArray[np.float64],
    sigma: NDArray[np.float64],
    *,
    near_ev: float,
    half_width_ev: float,
    uids: tuple[str, ...],
) -> Row:
    """Energy of the extremum near the published one; without a value, and with the reason, if there is none."""
    try:
        found = extremum(energy_ev, values, sigma, near_ev=near_ev, half_width_ev=half_width_ev)
    except ReductionError as error:
        return Row(name, "eV", near_ev, None, None, None, uids, str(error))
    return Row(name, "eV", near_ev, None, found.value, found.sigma, uids, "the paper gives no error")


def comparison_sign_row(name: str, published: float, c: ComparisonParameter, uids: tuple[str, ...]) -> Row:
    """Sign of C as published against ours; it is known if those of both its averages are."""
    significance = min(abs(part.value) / part.sigma for part in (c.main_edge, c.pre_edge))
    what = f"C = {plus_minus(c.value, comparison_error(c))}"
    if not c.delta_valid:
        what += f", 68 %: {c.low:.2g} to {c.high:.2g}"
    return sign_row(name, published, Value(c.value, abs(c.value) / max(significance, _TINY)), uids, what)


def comparison_error(c: ComparisonParameter) -> float | None:
    """First-order error where that holds, else half of the 68 % interval; None if that has no end."""
    if c.delta_valid:
        return c.sigma
    half = (c.high - c.low) / 2
    return half if math.isfinite(half) else None


def sign_row(name: str, published: float, measured: Value, uids: tuple[str, ...], what: str) -> Row:
    """+1 or -1 as published against ours: 0 if `measured` is within two errors of it. `what` is told with it."""
    certain = abs(measured.value) > SIGN_SIGMAS * measured.sigma
    value = math.copysign(1.0, measured.value) if certain else 0.0
    return Row(name, "", published, None, value, 0.0, uids, what)
