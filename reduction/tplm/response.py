"""Response of the photon timing, and exponential decays seen through it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

if TYPE_CHECKING:
    from reduction.types import FloatArray

FWHM = 2 * float(np.sqrt(2 * np.log(2)))
"""Full width at half maximum of a Gaussian in standard deviations."""

RATE_STEP_NS = 2e-3
"""Change of the decay rate, 1/ns, by which its derivatives are taken."""

NODES = 4
"""Delays by which a channel or a group of channels is represented: enough for 64 ps at a response of 60 ps."""


@dataclass(frozen=True, kw_only=True)
class Response:
    """A Gaussian of width `fwhm_ps`, of which the share `tail_share` is delayed exponentially by `tail_ps`."""

    fwhm_ps: float
    tail_share: float = 0.0
    tail_ps: float = 0.0

    @property
    def mean_ns(self) -> float:
        """Mean delay of the response, ns: by how much slowly changing light is registered late."""
        return self.tail_share * self.tail_ps * 1e-3

    @property
    def sigma_ns(self) -> float:
        """Standard deviation of the Gaussian, ns."""
        return self.fwhm_ps / FWHM * 1e-3


def seen_exponential(delay_ns: FloatArray, lifetime_ns: float, response: Response) -> FloatArray:
    """Return exp(-t / lifetime) for t > 0, folded with the response, at the given delays, ns; same shape."""
    direct = _smeared(delay_ns, lifetime_ns, response.sigma_ns)
    if not response.tail_share or not response.tail_ps:
        return direct
    # Two exponentials in a row are the difference of both, (exp(-t/a) - exp(-t/b)) a / (a - b).
    tail_ns = response.tail_ps * 1e-3
    if abs(lifetime_ns - tail_ns) < 1e-6:
        tail_ns *= 1 + 1e-5
    delayed = lifetime_ns / (lifetime_ns - tail_ns) * (direct - _smeared(delay_ns, tail_ns, response.sigma_ns))
    return np.asarray((1 - response.tail_share) * direct + response.tail_share * delayed)


@dataclass(frozen=True, kw_only=True)
class EmissionTimes:
    """When the light of channels was emitted: `mean_ns` after the pulse, with the variance `spread_ns2`; same shapes.

    `skew_ns3` is the third central moment. Late in the decay the mean is earlier than the delay by a
    constant; in the rise it is above 0 even where the delay is below 0.
    """

    mean_ns: FloatArray
    spread_ns2: FloatArray
    skew_ns3: FloatArray


def emission_times(
    delay_ns: FloatArray, lifetime_ns: float, response: Response, *, width_ns: FloatArray | float = 0.0
) -> EmissionTimes:
    """Return when light that decays exponentially, and is registered at given delays, ns, was emitted.

    The delays are the middles of channels, or of groups of channels, of width `width_ns`, one for all or one each.
    """
    # Moments of t' under exp(-s t') R(t - t') are derivatives with respect to s of the logarithm of the folded decay,
    # with s = 1 / lifetime: the mean is the first with the opposite sign, the variance the second, and the third
    # central moment the third with the opposite sign. A photon that is registered at a delay was emitted earlier, by
    # the mean response for late light, and by less in the rise, where only the early part of the response can have been
    # passed. With the delay itself as the time, the first points of the displacement would lie too low. In the rise,
    # time and delay are not proportional, so a channel is the sum over its delays.
    places, weights = np.polynomial.legendre.leggauss(NODES)
    inside_ns = (
        np.asarray(delay_ns)[:, np.newaxis] + np.broadcast_to(width_ns, delay_ns.shape)[:, np.newaxis] * places / 2
    )
    rate = 1 / lifetime_ns
    logs = [
        np.log(seen_exponential(inside_ns, 1 / (rate + n * RATE_STEP_NS), response) @ weights) for n in range(-2, 3)
    ]
    slowest, slower, middle, faster, fastest = logs
    return EmissionTimes(
        mean_ns=np.asarray((slower - faster) / (2 * RATE_STEP_NS)),
        spread_ns2=np.maximum((slower + faster - 2 * middle) / RATE_STEP_NS**2, 0.0),
        skew_ns3=np.asarray((slowest - 2 * slower + 2 * faster - fastest) / (2 * RATE_STEP_NS**3)),
    )


def _smeared(delay_ns: FloatArray, lifetime_ns: float, sigma_ns: float) -> FloatArray:
    # exp(s^2/2T^2 - t/T) erfc(u) / 2 with u = (s/T - t/s) / sqrt 2; early, where u is large, the same as
    # exp(-t^2/2s^2) erfcx(u) / 2, which does not overflow.
    argument = (sigma_ns / lifetime_ns - delay_ns / sigma_ns) / np.sqrt(2)
    early = np.exp(-((delay_ns / sigma_ns) ** 2) / 2) * scipy.special.erfcx(np.maximum(argument, 0.0)) / 2
    exponent = (sigma_ns / lifetime_ns) ** 2 / 2 - np.where(argument > 0, 0.0, delay_ns) / lifetime_ns
    late = np.exp(exponent) * scipy.special.erfc(np.minimum(argument, 0.0)) / 2
    return np.asarray(np.where(argument > 0, early, late))
