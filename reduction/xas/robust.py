"""Robust statistics of tables with gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from reduction.types import FloatArray

TO_SIGMA = 1.4826
"""Standard deviation of normal numbers over their median absolute deviation."""


def column_medians(table: FloatArray) -> FloatArray:
    """Return the median of the known numbers of every column, (columns,); NaN without any.

    `table` has the shape (rows, columns).
    """
    # numpy's nanmedian takes 30 times as long for a few rows, and this is called for every frame of a window.
    is_known = np.isfinite(table)
    number = is_known.sum(axis=0)
    if not number.any():
        return np.full(table.shape[1], np.nan)
    # Gaps sort to the end, so the middle of what is known is at the same places as in a column without gaps.
    ordered = np.sort(np.where(is_known, table, np.inf), axis=0)
    columns = np.arange(table.shape[1])
    lower = ordered[np.maximum(number - 1, 0) // 2, columns]
    upper = ordered[np.minimum(number // 2, len(table) - 1), columns]
    return np.asarray(np.where(number > 0, 0.5 * (lower + upper), np.nan))
