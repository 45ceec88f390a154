"""Rows of the table that several sections use: positions of extrema, and signs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from errors import ReductionError
from reduction.number_text import with_error
from reduction.values import Value
from reduction.xas.comparison import ComparisonParameter
from reduction.xas.features import extremum
from trxas.validation.paper import published
from trxas.validation.paper.table import Row

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TINY = 1e-9

SIGN_SIGMAS = 2.0
"""Number of errors from 0 within which a value has no sign: 5 % of values that are truly 0 lie outside."""


def extremum_row(
    name: str,
    curve: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    *,
    near_ev: float,
    half_width_ev: float,
    uids: tuple[str, ...],
    step_ev: float = 1.0,
) -> Row:
    """Return the row of an extremum within `half_width_ev` of its published energy `near_ev`.

    `curve`: energies in eV, values and their errors, (points,) each. If there is no extremum, the row has no value, and
    the reason as its remark. The published energy is exact to its last digit, `step_ev`.
    """
    try:
        found = extremum(*curve, near_ev=near_ev, half_width_ev=half_width_ev)
    except ReductionError as error:
        return Row(name=name, unit="eV", expected=near_ev, value=None, sigma=None, uids=uids, remark=str(error))
    return Row(
        name=name,
        unit="eV",
        expected=near_ev,
        expected_sigma=published.rounded(step_ev),
        value=found.value,
        sigma=found.sigma,
        uids=uids,
        remark="the paper gives no error; its last digit counts",
    )


def comparison_sign_row(name: str, expected: float, c: ComparisonParameter, uids: tuple[str, ...]) -> Row:
    """Return the row of the sign of C, published as +1 or -1; it is known if the signs of both averages are."""
    # C is a ratio of two averages, so its sign is certain only if both signs are. The error handed on is the one that
    # gives C the significance of the weaker average.
    significance = min(abs(average.value) / average.sigma for average in (c.main_edge, c.pre_edge))
    what = f"C = {with_error(c.value, comparison_error(c))}"
    if not c.delta_valid:
        what += f", 68 %: {c.low:.2g} to {c.high:.2g}"
    return sign_row(name, expected, Value(c.value, abs(c.value) / max(significance, _TINY)), uids, what)


def comparison_error(c: ComparisonParameter) -> float | None:
    """Return the first-order error where it holds, otherwise half of the 68 % interval; None if that is unbounded."""
    if c.delta_valid:
        return c.sigma
    half = (c.high - c.low) / 2
    return half if math.isfinite(half) else None


def sign_row(name: str, expected: float, measured: Value, uids: tuple[str, ...], what: str) -> Row:
    """Return the row of a sign, published as +1 or -1; measured 0 within two errors of 0. `what` is the remark."""
    # An uncertain sign becomes 0, which neither agrees nor disagrees, so that noise cannot fail the table.
    certain = abs(measured.value) > SIGN_SIGMAS * measured.sigma
    value = math.copysign(1.0, measured.value) if certain else 0.0
    return Row(name=name, expected=expected, value=value, sigma=0.0, uids=uids, remark=what)
