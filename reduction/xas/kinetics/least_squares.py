"""Bounded least squares of lmfit without its error estimates, which nobody reads and which disturb other threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from lmfit import Parameters

    from reduction.types import FloatArray


def minimised(
    residual: Callable[[Parameters], FloatArray],
    jacobian: Callable[[Parameters], FloatArray],
    start: Parameters,
    **options: Any,
) -> Any:
    """Return the result of lmfit (`params`, `residual`) from `start` on; `options` are those of scipy's least_squares.

    The parameters have no errors: those of a fit come from `KineticsProblem.covariance`.
    """
    # lmfit takes as long to import as all else in this package; a session that fits nothing does without.
    from lmfit import Minimizer

    minimizer = Minimizer(residual, start, scale_covar=False)
    # lmfit inverts J^T J unscaled and unchecked, whose variances may be negative, and changes the filters of warnings
    # meanwhile. Those belong to the whole process, but the window fits in several threads.
    minimizer._calculate_uncertainties_correlations = _nothing
    # A start that leads nowhere may overflow. This holds for this thread only.
    with np.errstate(all="ignore"):
        return minimizer.least_squares(jac=jacobian, x_scale="jac", **options)


def _nothing() -> None:
    """Estimate no errors."""
