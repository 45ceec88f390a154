"""Diffusivities of a series of maps: one likelihood of all, in which the width at time zero is common.

The image at time zero depends on the optics alone: spot, collection and focus. One map must find it together with its
own diffusivity, and the two are strongly correlated, as every map sees only 3 ns of growth. The maps of a series share
it, so that a faint map takes it from the bright ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.probabilities import chi_square_tail
from reduction.tplm.likelihood import MapFit, data_of, fit_map
from reduction.tplm.map_model import SHORTER_STEPS, MapData, State, equations, log_likelihood, moved_by
from reduction.values import Value

if TYPE_CHECKING:
    from reduction.tplm.map_sums import Exposures
    from reduction.tplm.metadata import MapMetadata
    from reduction.types import FloatArray

START = 1
"""Place of the variance at time zero among the common parameters of a map."""

OWN = np.array([0, 2, 3, 4, 5, 6, 7])
"""Places of the parameters that every map has for itself; the diffusivity comes first."""

MOST_STEPS = 30
CONVERGED = 1e-3
"""Change of every parameter, in errors, below which the fit ends."""

DIFFERENT = 1e-3
"""p-value of the maps' own widths at time zero, below which they do not share one."""


@dataclass(frozen=True, kw_only=True)
class SeriesFit:
    """Diffusivities, cm2/s, of maps that share a variance at time zero, `start_nm2`.

    `covariance` (maps, maps) is that of the diffusivities, in cm4/s2: all contain the error of the shared variance.
    `chi_square` with `degrees_of_freedom` compares the variances that the maps have found alone.
    """

    diffusivity_cm2_s: tuple[Value, ...]
    start_nm2: Value
    covariance: FloatArray
    chi_square: float
    degrees_of_freedom: int

    @property
    def p_value(self) -> float:
        """Probability of such different widths at time zero, if there is only one."""
        return chi_square_tail(self.chi_square, self.degrees_of_freedom)

    @property
    def is_shared(self) -> bool:
        """Whether the maps are compatible with one width at time zero: not when the focus has changed between them."""
        return self.p_value > DIFFERENT


@dataclass(frozen=True, kw_only=True)
class _Reduced:
    """One map seen from the shared variance: its score and information, and how its own parameters follow.

    `towards` (7,) is the change of the own parameters per change of the shared one, `own_step` (7,) their own step.
    """

    score: float
    information: float
    own_step: FloatArray
    towards: FloatArray
    own_covariance: FloatArray


def fit_series(maps: Sequence[tuple[Exposures, MapMetadata]]) -> SeriesFit:
    """Return the maximum of the likelihood of all maps together.

    Raises ReductionError with fewer than two maps, if one of them cannot be fitted alone, or without a maximum.
    """
    if len(maps) < 2:
        raise ReductionError(f"A series needs two maps; there are {len(maps)}. Give the runs of more.")
    fits = [fit_map(seen, metadata) for seen, metadata in maps]
    found = [fit.value("start") for fit in fits]
    weights = np.array([one.sigma**-2 for one in found])
    values = np.array([one.value for one in found])
    start = float((weights * values).sum() / weights.sum())
    data = [data_of(fit, seen, metadata) for (seen, metadata), fit in zip(maps, fits, strict=True)]
    states = _maximum(data, [_state(one, fit, start) for one, fit in zip(data, fits, strict=True)])
    reduced = [_reduced(*one) for one in zip(data, states, strict=True)]
    information = sum(one.information for one in reduced)
    towards = np.array([one.towards[0] for one in reduced])
    covariance = np.diag([one.own_covariance[0, 0] for one in reduced]) + np.outer(towards, towards) / information
    return SeriesFit(
        diffusivity_cm2_s=tuple(
            Value(float(state.common[0]), float(np.sqrt(covariance[place, place])))
            for place, state in enumerate(states)
        ),
        start_nm2=Value(float(states[0].common[START]), float(information**-0.5)),
        covariance=covariance,
        chi_square=float((weights * (values - start) ** 2).sum()),
        degrees_of_freedom=len(maps) - 1,
    )


def _state(data: MapData, fit: MapFit, start: float) -> State:
    common = fit.common.copy()
    common[START] = start
    state = State(common=common, light=fit.light)
    return replace(state, likelihood=log_likelihood(data, state))


def _maximum(data: Sequence[MapData], states: list[State]) -> list[State]:
    # Fisher scoring of all maps at once. Their equations meet in one number only, the shared variance: each map's own
    # parameters are eliminated (Schur complement), the sum of what is left gives the step of the shared one, and then
    # each map follows with its own. So the cost grows with the number of maps, not with its cube.
    for _ in range(MOST_STEPS):
        reduced = [_reduced(*one) for one in zip(data, states, strict=True)]
        information = sum(one.information for one in reduced)
        step = sum(one.score for one in reduced) / information
        before = sum(state.likelihood for state in states)
        for shorter in SHORTER_STEPS:
            tried = [
                _moved(one, state, part, step, shorter) for one, state, part in zip(data, states, reduced, strict=True)
            ]
            if sum(state.likelihood for state in tried) >= before - 1e-6:
                break
        else:
            return states
        states = tried
        moved = max(
            float(np.max(np.abs(part.own_step + part.towards * step) / np.sqrt(np.diag(part.own_covariance))))
            for part in reduced
        )
        if max(moved, abs(step) * information**0.5) < CONVERGED:
            return states
    raise ReductionError("The likelihood of the series has no maximum that the fit could find. Combine fewer maps.")


def _moved(data: MapData, state: State, reduced: _Reduced, step: float, shorter: float) -> State:
    common_step = np.zeros(len(state.common))
    common_step[START] = step
    common_step[OWN] = reduced.own_step + reduced.towards * step
    light_step = equations(data, state).light_step(common_step)
    moved = moved_by(state, shorter * common_step, shorter * light_step)
    return replace(moved, likelihood=log_likelihood(data, moved))


def _reduced(data: MapData, state: State) -> _Reduced:
    found = equations(data, state)
    matrix = found.reduced
    pull = found.pull
    # The parameters differ by many powers of ten, so they are scaled before the inversion.
    scale = 1 / np.sqrt(np.maximum(np.diag(matrix)[OWN], 1e-300))
    own = np.linalg.pinv(matrix[np.ix_(OWN, OWN)] * np.outer(scale, scale)) * np.outer(scale, scale)
    between = matrix[OWN, START]
    return _Reduced(
        score=float(pull[START] - between @ own @ pull[OWN]),
        information=float(matrix[START, START] - between @ own @ between),
        own_step=own @ pull[OWN],
        towards=-own @ between,
        own_covariance=own,
    )
