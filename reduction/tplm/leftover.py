"""Light just before the pulse against what the power law of the decay leaves there: afterpulses of the detector."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import scipy

from reduction.tplm.map_model import PARAMETERS
from reduction.values import Value

if TYPE_CHECKING:
    from reduction.tplm.decay import PowerLaw
    from reduction.tplm.likelihood import MapFit

MODEL_ERROR = 0.06
"""Relative error of the ratio without noise: the largest one of simulated maps at 2.5 to 40 MHz."""

SIGNIFICANT = 4.0
"""Excess of the ratio over 1, in errors, from which a remark names it: 48 simulated maps had at most 2.1."""


def leftover(fit: MapFit, tail: PowerLaw, rate_mhz: float) -> Value:
    """Return the light of the whole image just before the pulse over what all earlier pulses leave by the power law.

    `rate_mhz` is the repetition rate, MHz. 1 for a detector that registers photons alone.
    """
    # The sum over all earlier pulses of (k T / 10 ns)^-a. An afterpulse of the detector has forgotten when its photon
    # came, so it adds to this light, which the image's shape tells from dark counts.
    periods = 1e3 / rate_mhz / 10
    exponent = tail.exponent
    left = tail.amplitude * periods**-exponent.value * float(scipy.special.zeta(exponent.value, 1.0))
    start, width = (fit.common[PARAMETERS.index(name)] for name in ("start", "left_width"))
    seen = fit.value("left")
    ratio = seen.value * float(width / start) / left
    relative = seen.sigma / max(seen.value, 1e-30)
    extrapolated = max(math.log(periods), 0.0) * exponent.sigma
    return Value(ratio, math.hypot(ratio * math.hypot(relative, extrapolated), MODEL_ERROR))


def leftover_remarks(ratio: Value) -> list[str]:
    """Return a sentence if there is more light before the pulse than the decay leaves; none otherwise."""
    if ratio.value - 1 < SIGNIFICANT * ratio.sigma:
        return []
    return [
        f"Just before the pulse there is {ratio.value:.2g} times the light that the power law of the decay predicts. "
        f"The "
        "detector has afterpulses, or the decay ends more slowly than it begins: in both cases the exponent is too "
        "small, but the diffusivity is not affected. Compare it with that of a map at a lower repetition rate, and "
        "test the detector."
    ]
