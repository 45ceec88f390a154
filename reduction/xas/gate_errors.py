"""Errors that all points of a result share, because they come from the calibration of the gates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reduction.accumulator import RunAccumulator
    from reduction.types import FloatArray, Mode
    from reduction.xas.exposure_pairs import Gate


def gate_errors(
    accumulator: RunAccumulator,
    mode: Mode,
    gates: Sequence[Gate],
    recipe: Callable[[RunAccumulator], FloatArray],
    measured: FloatArray,
) -> FloatArray:
    """Return the change of `measured` if a zero, level or light of `gates` changes by its error.

    The result has the shape (errors, points). The first row is that of the offset of I0, where dark exposures measured
    it. `recipe` reduces an accumulator to what was `measured`, (points,), in its unit. The covariance of the points is
    the sum of the outer products of the rows. There are no rows for a run without a calibration of its gates.
    """
    # By recomputing rather than by formulas: every recipe has offsets and scales that take a part of such an error out,
    # and the calibration is linear to well within its errors.
    rows = []
    offset = accumulator.metadata.chambers.get("i0")
    if offset is not None and offset.sigma > 0:
        rows.append(recipe(accumulator.with_i0_offset(offset.sigma)) - measured)
    calibration = accumulator.metadata.gates
    if calibration is not None and mode in calibration.chains:
        probes = tuple(dict.fromkeys(probe for gate in gates for probe in gate.probes))
        delay_ps = accumulator.mean_readback("delay_ps")
        moved = (accumulator.with_gates(shifted) for shifted in calibration.shifted(mode, probes, delay_ps))
        rows += [recipe(one) - measured for one in moved]
    return np.array(rows).reshape(-1, measured.size)


def with_common(sigma: FloatArray, common: FloatArray) -> FloatArray:
    """Return standard errors (points,) with the `common` ones, shape (errors, points), added in quadrature."""
    return np.sqrt(sigma**2 + np.sum(common**2, axis=0)) if common.size else sigma
