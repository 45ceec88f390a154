"""Stored scans of the delay reduced to time zero, and the self-test of the delay axis judged.

At the prompt:

    RE(time_zero_scan(dwell_s=60)); found = time_zero_of(load_run(store, -1)); RE(rezero(found.t0_ps.value))
    RE(delay_self_test(dwell_s=60)); print(judge_delay_axis([load_run(store, n) for n in (-4, -3, -2, -1)]))
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from errors import InputError
from plans.xas.delay_self_test import ArmResult, Rise, evaluate_delay_axis
from reduction.accumulator import RunAccumulator, accumulate
from reduction.xas.gate_rates import gate_rates
from reduction.xas.time_zero import TimeZeroFit, fit_time_zero

Documents = Sequence[tuple[str, Mapping[str, Any]]]


def rise_of(
    run: RunAccumulator, *, watched: int | None = None, compared: int | None = None, offset_ps: float = 0.0
) -> Rise:
    """Logarithm of the `watched` over the `compared` probe against the delay less `offset_ps`, with its counting error.

    Jet and flux cancel in the ratio. By default the pumped over the unpumped probe of the run. Raises ReductionError
    for a run that is no delay scan or has too few photons.
    """
    timing, rates = run.metadata.timing, gate_rates(run)
    on = timing.pumped_probe if watched is None else watched
    off = timing.unpumped_probe if compared is None else compared
    values, variance = rates.log_rate()
    pumped = rates.pumped
    change = (values[:, on] - values[:, off])[pumped]
    return Rise(rates.delay_ps[pumped] - offset_ps, change, np.sqrt(variance[:, on] + variance[:, off])[pumped])


def time_zero_of(documents: Documents, *, free_irf: bool = False) -> TimeZeroFit:
    """Time zero of a stored delay scan on the axis it was measured on; `free_irf` fits the instrument response too.

    Raises ReductionError if the run shows no step.
    """
    run = accumulate(documents)
    rise = rise_of(run)
    width_ps = run.metadata.timing.irf_sigma_ps
    return fit_time_zero(rise.delay_ps, rise.change, rise.sigma, irf_sigma_ps=width_ps, free_irf=free_irf)


def judge_delay_axis(runs: Iterable[Documents], *, tolerance_ps: float = 10.0) -> dict[str, ArmResult]:
    """Verdict on every arm of `delay_self_test` by its name, from the documents of its runs in any order.

    Raises InputError for a run that is no arm of a self-test, or without the arm that the others are compared with.
    """
    return evaluate_delay_axis(dict(map(arm_rise, runs)), _fit_t0, tolerance_ps=tolerance_ps)


def arm_rise(documents: Documents) -> tuple[str, Rise]:
    """Name and rise of one arm of a self-test. Raises InputError for another run."""
    start = documents[0][1]
    told = start.get("self_test")
    if told is None:
        raise InputError(
            f"Run {start.get('uid', '')} is a {start.get('plan_name', 'run')}, no arm of a self-test. Give the runs "
            "that delay_self_test returned."
        )
    watched, compared = int(told["watched_probe"]), int(told["compare_probe"])
    run = accumulate(documents)
    return str(told["arm"]), rise_of(run, watched=watched, compared=compared, offset_ps=float(told["rise_offset_ps"]))


def _fit_t0(
    delay_ps: NDArray[np.float64], change: NDArray[np.float64], sigma: NDArray[np.float64]
) -> tuple[float, float]:
    fit = fit_time_zero(delay_ps, change, sigma)
    return fit.t0_ps.value, fit.t0_ps.sigma
