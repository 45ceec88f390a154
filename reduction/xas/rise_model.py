"""Signals of a step at time zero, broadened by the instrument response and followed by decays, with their priors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.values import Value
from reduction.xas.pump_train import Decay, convolved_decay

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reduction.types import FloatArray

SLOW_RATE_PER_NS = Value(0.3, 0.5)
"""Prior of the decay rate of the level after the free decay, 1/ns: 0, and the paper's 0.6, are within one error."""

CONSTANT_LEVEL = Value(0.0, 0.0)
"""Rate of a level that does not decay, 1/ns, as in fits of runs up to version 0.2.0."""

_LARGEST_SLOW_RATE_PER_NS = 20.0
_LIFETIME_LIMITS_PS = (20.0, 20e3)
# Limit of the width of the response, up and down, as a multiple of the recorded one.
_IRF_FACTOR = 10.0


@dataclass(frozen=True, kw_only=True)
class Decays:
    """Known decays: lifetimes, ps, and their shares; the rest up to 1 is a constant signal.

    Raises ReductionError for lifetimes that are not above 0.
    """

    lifetimes_ps: tuple[float, ...] = (120.0, 900.0)
    fractions: tuple[float, ...] = (0.60, 0.21)

    def __post_init__(self) -> None:
        """Refuse impossible lifetimes."""
        if len(self.lifetimes_ps) != len(self.fractions) or min(self.lifetimes_ps, default=1.0) <= 0:
            raise ReductionError("Decays need one fraction for each lifetime, and lifetimes above 0 ps. Correct them.")


PAPER_DECAYS = Decays()
"""tau1 = 120 ps (60 %), tau2 = 900 ps (21 %), offset 19 % (paper, global fit of Figure 2c)."""


@dataclass(frozen=True, kw_only=True)
class RiseModel:
    """The model, with the prior of the response, ps: an error of 0 fixes it, an infinite one is not a prior.

    Given `decays`, for example `PAPER_DECAYS`, have a fixed shape, which gives a smaller error, but a bias if the
    sample decays otherwise. Without, one decay and the level after it are free. The level decays with the prior
    `slow_rate_per_ns`, which an error of 0 fixes, too: as a constant it would make t0 early by up to an error, and the
    response narrow, for tau2 below 1 ns.
    """

    irf_sigma_ps: float = 45.0
    irf_error_ps: float = 0.0
    decays: Decays | None = None
    slow_rate_per_ns: Value = SLOW_RATE_PER_NS

    @property
    def has_free_level(self) -> bool:
        """Whether the rate at which the level decays is fitted."""
        return self.decays is None and self.slow_rate_per_ns.sigma > 0

    @property
    def free_irf(self) -> bool:
        """Whether the width of the response is fitted."""
        return self.irf_error_ps > 0

    @property
    def priors(self) -> dict[str, Value]:
        """Priors by parameter, each in the unit of its name."""
        slow = {"slow_rate_per_ns": self.slow_rate_per_ns} if self.has_free_level else {}
        has_irf = 0 < self.irf_error_ps < math.inf
        return slow | ({"irf_sigma_ps": Value(self.irf_sigma_ps, self.irf_error_ps)} if has_irf else {})

    @property
    def varied(self) -> tuple[str, ...]:
        """Names of the parameters that a fit varies."""
        lifetime = ("step", "log_lifetime") if self.decays is None else ()
        rate = ("slow_rate_per_ns",) if self.has_free_level else ()
        return ("t0_ps", "baseline", "amplitude", *lifetime, *rate, *(("irf_sigma_ps",) if self.free_irf else ()))

    def limits(self, name: str) -> tuple[float, float]:
        """Return the limits of a parameter, in the unit of its name; `log_lifetime` is the logarithm of ps."""
        # Below 20 ps a decay looks like the response, above 20 ns like a constant.
        if name == "log_lifetime":
            return math.log(_LIFETIME_LIMITS_PS[0]), math.log(_LIFETIME_LIMITS_PS[1])
        if name == "slow_rate_per_ns":
            return 0.0, _LARGEST_SLOW_RATE_PER_NS
        if name == "irf_sigma_ps":
            return self.irf_sigma_ps / _IRF_FACTOR, self.irf_sigma_ps * _IRF_FACTOR
        return -math.inf, math.inf

    def shapes(self, values: Mapping[str, float], delay_ps: FloatArray) -> list[Decay]:
        """Return the signals of unit amplitude after a pump at 0: the decay, and the level after it if it is free.

        Each has the shape of `delay_ps`, ps.
        """
        irf_sigma_ps = values["irf_sigma_ps"]
        if self.decays is None:
            rates = (math.exp(-values["log_lifetime"]), 1e-3 * values["slow_rate_per_ns"])
            return [convolved_decay(delay_ps, rate, irf_sigma_ps) for rate in rates]
        parts = [
            (fraction, convolved_decay(delay_ps, 1.0 / lifetime, irf_sigma_ps))
            for lifetime, fraction in zip(self.decays.lifetimes_ps, self.decays.fractions, strict=True)
        ]
        parts.append((1.0 - sum(self.decays.fractions), convolved_decay(delay_ps, 0.0, irf_sigma_ps)))
        sums = (sum(share * part[field] for share, part in parts) for field in range(len(Decay._fields)))
        return [Decay(*map(np.asarray, sums))]

    def signal(self, values: dict[str, float], delay_ps: FloatArray) -> FloatArray:
        """Return the signal, baseline included, (points,), at delays in ps."""
        shapes = self.shapes(values, delay_ps - values["t0_ps"])
        amplitudes = (values["amplitude"], values["step"])
        return np.asarray(
            values["baseline"] + sum(a * shape.value for a, shape in zip(amplitudes, shapes, strict=False))
        )

    def derivatives(self, values: dict[str, float], delay_ps: FloatArray) -> dict[str, FloatArray]:
        """Return the derivatives of the signal with respect to each parameter, (points,) each."""
        shapes = self.shapes(values, delay_ps - values["t0_ps"])
        weighted = list(zip((values["amplitude"], values["step"]), shapes, strict=False))
        rate = math.exp(-values["log_lifetime"])
        return {
            "t0_ps": -np.sum([a * shape.by_delay for a, shape in weighted], axis=0),
            "baseline": np.ones_like(delay_ps),
            "amplitude": shapes[0].value,
            "step": shapes[-1].value,
            "log_lifetime": -rate * values["amplitude"] * shapes[0].by_rate,
            "slow_rate_per_ns": 1e-3 * values["step"] * shapes[-1].by_rate,
            "irf_sigma_ps": np.sum([a * shape.by_sigma for a, shape in weighted], axis=0),
        }


FREE_DECAY = RiseModel()
"""One free decay and a level after it, with the response of the paper, 45 ps."""
