"""Starting values of a kinetic fit from the data alone."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, product
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reduction.types import FloatArray
    from reduction.xas.kinetics.kinetic_model import KineticModel
    from reduction.xas.kinetics.model import WhitenedTrace

_LIFETIMES_PS = tuple(np.geomspace(40.0, 6000.0, 7))
_RISES_PS = (12.0, 40.0, 120.0, 400.0)
_OFFSET_RATES_PER_PS = (1e-9, 1.0 / 1e6, 1.0 / 250e3)
_TYPICAL_RATES_PER_PS: list[tuple[float, ...]] = [(1.0 / 150.0, 1.0 / 1500.0, 1e-9)]
_T0_SPAN_PS = 1000.0


@dataclass(frozen=True, kw_only=True)
class Start:
    """A starting point of the minimiser: rates, 1/ps, and amplitudes (traces, components) of the decays."""

    chi_square: float
    rates: tuple[float, ...]
    t0_ps: float
    amplitudes: FloatArray


def find_starts(
    traces: Sequence[WhitenedTrace], first_delay_ps: FloatArray, *, model: KineticModel, number: int
) -> list[Start]:
    """Return the `number` best points of a coarse grid, best first.

    To first order in the signal the model is linear in the amplitudes and baselines, so the grid spans only time zero
    and then the decay rates. Time zero is tried in steps of the response's width within the measured delays, at most
    +-1 ns, and then half a step to both sides of the best.
    """
    width = traces[0].train.sigma_ps
    low = max(first_delay_ps.min(), -_T0_SPAN_PS)
    high = min(first_delay_ps.max(), _T0_SPAN_PS)
    candidates = np.arange(low, high, width) if high > low else np.array([0.0])
    coarse = _best_time_zero(traces, candidates)
    t0 = _best_time_zero(traces, np.array([coarse - width / 2.0, coarse, coarse + width / 2.0]))
    # Neighbouring lifetimes differ by a factor of 1.9 at least: closer ones would give nearly equal columns.
    rises = [_RISES_PS] if model.has_rise else []
    groups = [
        tuple(1.0 / lifetime for lifetime in group)
        for group in product(*rises, *[_LIFETIMES_PS] * model.lifetimes)
        if all(slower > 1.9 * faster for faster, slower in pairwise(group))
    ]
    combinations: list[tuple[float, ...]] = list(groups)
    if model.has_offset:
        offsets = _OFFSET_RATES_PER_PS if model.offset_decays else _OFFSET_RATES_PER_PS[:1]
        combinations = [(*group, offset) for group in groups for offset in offsets]
    return sorted(_solve_all(traces, combinations, t0, has_rise=model.has_rise), key=_chi_square)[:number]


def _best_time_zero(traces: Sequence[WhitenedTrace], candidates_ps: FloatArray) -> float:
    """Return the candidate, ps, at which decays of typical lifetimes describe the traces best."""
    starts = [_solve_all(traces, _TYPICAL_RATES_PER_PS, float(t0_ps))[0] for t0_ps in candidates_ps]
    return min(starts, key=_chi_square).t0_ps


def _chi_square(start: Start) -> float:
    return start.chi_square


def _solve_all(
    traces: Sequence[WhitenedTrace],
    combinations: Sequence[tuple[float, ...]],
    t0_ps: float,
    *,
    has_rise: bool = False,
) -> list[Start]:
    solved = [_solve_trace(trace, combinations, t0_ps, has_rise=has_rise) for trace in traces]
    return [
        Start(
            chi_square=sum(chi for chi, _ in parts),
            rates=rates,
            t0_ps=t0_ps,
            amplitudes=np.array([amplitudes for _, amplitudes in parts]),
        )
        for rates, parts in zip(combinations, zip(*solved, strict=True), strict=True)
    ]


def _solve_trace(
    trace: WhitenedTrace, combinations: Sequence[tuple[float, ...]], t0_ps: float, *, has_rise: bool
) -> list[tuple[float, FloatArray]]:
    # Combinations share rates, so the decay of each rate is computed and whitened once; then each combination is a
    # small linear problem.
    rates = sorted({rate for combination in combinations for rate in combination})
    columns = {rate: trace.whiten(d.value) for rate, d in zip(rates, trace.decays(rates, t0_ps), strict=True)}
    baselines = trace.whiten(trace.baseline_columns()).T
    data = trace.whiten(trace.log_rate)
    solved = []
    for combination in combinations:
        # What rises is the difference of two decays: every component lacks what its precursor still has.
        rise: FloatArray | float = columns[combination[0]] if has_rise else 0.0
        components = combination[has_rise:]
        design = np.column_stack([*(columns[rate] - rise for rate in components), baselines])
        solution = np.linalg.lstsq(design, data, rcond=None)[0]
        chi_square = float(np.sum((data - design @ solution) ** 2))
        solved.append((chi_square, np.asarray(solution[: len(components)], dtype=np.float64)))
    return solved
