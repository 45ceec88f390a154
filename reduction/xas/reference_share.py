"""Remaining pump signal in the unpumped reference, from the measured decay, and transient sizes corrected for it.

The gate before the next pump has not recovered, and the spot that it sees was hit by earlier pumps. The difference
pumped - unpumped is therefore smaller than the signal of the pumped sample, increasingly so for later pumped gates.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.values import Value
from reduction.xas.kinetics.model import RESPONSE, Shape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reduction.xas.kinetics.fitted import KineticsFit
    from reduction.xas.transient import TransientMetadata

_STEP = 1e-4
"""Step of the derivatives with respect to the parameters of the fit, in units of their errors."""


def reference_share(fit: KineticsFit, metadata: TransientMetadata) -> Value:
    """Return the signal of the reference over that of the pumped probe, with the error of the decay; without unit.

    `metadata` is that of the transient: its delay from the pump, ps, and its reference. The decay of the fit holds at
    any energy, since the shape of the transient does not change with the delay. 0 for a reference with the laser
    blocked. Raises ReductionError for a fit with a constant offset: it assumes that the reference is unpumped.
    """
    if metadata.reference == "laser shutter":
        return Value(0.0, 0.0)
    _require_single_delay(fit, metadata)
    first_ps = _first_delay_ps(fit, metadata)
    return _with_error(fit, lambda values: _share(fit, values, first_ps, metadata.probe))


def transient_ratio(fit: KineticsFit, first: TransientMetadata, second: TransientMetadata) -> Value:
    """Return the transient at the delay of the `first` over that at the delay of the `second`, without unit.

    Both are differences to the unpumped gates, whose part of the signal the decay of the fit contains. The error is
    that of the decay. Raises ReductionError as `reference_share`.
    """
    for one in (first, second):
        _require_single_delay(fit, one)

    def ratio(values: Mapping[str, float]) -> float:
        seen = []
        for one in (first, second):
            share = _share(fit, values, _first_delay_ps(fit, one), one.probe)
            seen.append(_signal(fit, values, _first_delay_ps(fit, one), one.probe) * (1.0 - share))
        return seen[0] / seen[1]

    return _with_error(fit, ratio)


def _require_single_delay(fit: KineticsFit, metadata: TransientMetadata) -> None:
    if fit.constant_offset:
        raise ReductionError(
            "A fit with a constant offset assumes that the reference is unpumped. Fit the decay without "
            "constant_offset."
        )
    if metadata.delay_ps is None:
        raise ReductionError(
            "The share belongs to a single delay, and a trace has many. Use a spectrum or a fluence scan."
        )


def _first_delay_ps(fit: KineticsFit, metadata: TransientMetadata) -> float:
    assert metadata.delay_ps is not None  # _require_single_delay has asked
    return metadata.delay_ps - fit.timing.gate_delays_ps[metadata.probe]


def _with_error(fit: KineticsFit, function: Callable[[Mapping[str, float]], float]) -> Value:
    """Return a function of the values of the fit, with the error that these give it."""
    value = function(fit.values)
    slopes = np.zeros(len(fit.parameters))
    for index, (name, error) in enumerate(zip(fit.parameters, np.sqrt(np.diag(fit.covariance)), strict=True)):
        step = _STEP * float(error)
        slopes[index] = (function({**fit.values, name: fit.values[name] + step}) - value) / step
    return Value(value, float(np.sqrt(slopes @ fit.covariance @ slopes)))


def corrected_size(size: Value, share: Value) -> Value:
    """Return the signal of the pumped sample relative to an unpumped one, from `size` = (pumped - reference)/reference.

    With the signal s, the reference holds share x s, and size = s (1 - share) / (1 + share x s). The errors of both are
    propagated.
    """
    rest = 1.0 - share.value - share.value * size.value
    by_size = (1.0 - share.value) / rest**2
    by_share = size.value * (1.0 + size.value) / rest**2
    return Value(size.value / rest, float(np.hypot(by_size * size.sigma, by_share * share.sigma)))


def _share(fit: KineticsFit, values: Mapping[str, float], first_delay_ps: float, probe: int) -> float:
    references = fit.timing.reference_probes
    unpumped = sum(_signal(fit, values, first_delay_ps, gate) for gate in references) / len(references)
    return unpumped / _signal(fit, values, first_delay_ps, probe)


def _signal(fit: KineticsFit, values: Mapping[str, float], first_delay_ps: float, gate: int) -> float:
    shape = Shape.from_values(values, fit.model)
    train = replace(fit.train, sigma_ps=values[RESPONSE])
    age_ps = np.array([first_delay_ps - values["t0_ps_0"] + fit.timing.gate_delays_ps[gate]])
    return float(shape.mix([train.decay(age_ps, rate) for rate in shape.rates], "value")[0])
