"""The quantities of a kinetic fit by name, as sums of its parameters; its problem and parameters at the best fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reduction.xas.kinetics.model import RESPONSE, Shape
from reduction.xas.kinetics.problem import KineticsProblem
from reduction.xas.kinetics.profile import LinearCombination
from reduction.xas.kinetics.start import Start

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lmfit import Parameters

    from reduction.xas.gate_rates import GateRates
    from reduction.xas.kinetics.fitted import KineticsFit
    from reduction.xas.kinetics.kinetic_model import KineticModel


def quantity_names(model: KineticModel) -> list[str]:
    """Return the names of the lifetimes, then of the fractions of all components, the last of them "offset" if any.

    A rise is the first of the lifetimes.
    """
    rise = ["rise_ps"] if model.has_rise else []
    lifetimes = [*rise, *(f"tau{number}_ps" for number in range(1, model.lifetimes + 1))]
    fractions = [f"fraction{number}" for number in range(1, model.lifetimes + 1)]
    return [*lifetimes, *fractions, *(["offset"] if model.has_offset else [])]


def shape_combinations(model: KineticModel) -> dict[str, LinearCombination]:
    """Return lifetimes, as logarithms of ps, and fractions by name, each as a sum of fitted parameters."""
    logarithms = model.log_lifetimes
    free = model.free_fractions
    # The n-th lifetime is the product of the first one and n ratios, so its logarithm is the sum of all of theirs; the
    # last fraction is 1 minus all others.
    combinations = [LinearCombination(slopes=dict.fromkeys(logarithms[: n + 1], 1.0)) for n in range(len(logarithms))]
    combinations += [LinearCombination(slopes={name: 1.0}) for name in free]
    combinations.append(LinearCombination(slopes=dict.fromkeys(free, -1.0), constant=1.0))
    return dict(zip(quantity_names(model), combinations, strict=True))


def combinations_of(fit: KineticsFit) -> dict[str, LinearCombination]:
    """Return all quantities of a fit by name, each as a sum of its parameters: lifetimes as logarithms of ps.

    The fraction of a single component, which is 1, is not among them.
    """
    found = {name: one for name, one in shape_combinations(fit.model).items() if name in fit.quantities}
    names = {"offset_rate_per_ns": "offset_rate_per_ns", "t0_ps": "t0_ps_0", RESPONSE: RESPONSE}
    amplitudes = {f"amplitude{index + 1}": f"amplitude_{index}" for index in range(len(fit.amplitudes))}
    names |= amplitudes if len(amplitudes) > 1 else {"amplitude": "amplitude_0"}
    return found | {name: LinearCombination(slopes={key: 1.0}) for name, key in names.items() if key in fit.values}


def problem_of(traces: Sequence[GateRates], fit: KineticsFit) -> KineticsProblem:
    """Return the problem that was solved by `fit`, of the `traces` that it was given."""
    return KineticsProblem.of(
        traces,
        fit.timing,
        model=fit.model,
        constant_offset=fit.constant_offset,
        shared_t0="t0_ps_1" not in fit.values,
    )


def parameters_of(problem: KineticsProblem, fit: KineticsFit) -> Parameters:
    """Return the parameters of `problem` at the best fit, free where they were free (ps, 1/ns, or without unit)."""
    shape = Shape.from_values(fit.values, fit.model)
    fractions = np.array(shape.fractions[fit.model.has_rise :])
    amplitudes = np.array([amplitude.value for amplitude in fit.amplitudes])[:, None] * fractions
    start = Start(chi_square=fit.chi_square, rates=shape.rates, t0_ps=fit.t0_ps.value, amplitudes=amplitudes)
    parameters = problem.parameters(start)
    for name, value in fit.values.items():
        parameters[name].set(value=value, vary=name in fit.parameters)
    return parameters
