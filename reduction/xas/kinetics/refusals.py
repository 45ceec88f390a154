"""Fits of kinetics that are not results: no transient, lifetimes at a limit, or nothing that the data determine."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from errors import ReductionError
from reduction.xas.kinetics.fitted import UNDETERMINED_SHARE
from reduction.xas.kinetics.problem import LIFETIME_LIMITS_PS, RATIO_LIMITS
from reduction.xas.kinetics.quantities import quantity_names

if TYPE_CHECKING:
    from reduction.xas.kinetics.fitted import KineticsFit
    from reduction.xas.kinetics.kinetic_model import KineticModel

# Noise alone lowers chi-square of 7 parameters by this much once in a million fits.
_DETECTION_LIMIT = 40.0


def require_determined(fit: KineticsFit) -> KineticsFit:
    """Return the fit; raise ReductionError if the data determine neither a lifetime nor a fraction of it."""
    if len(fit.undetermined) == len(fit.quantities) - 1:
        raise ReductionError(
            f"The data determine none of the {len(fit.undetermined)} lifetimes and fractions: lifetimes need "
            f"errors below {UNDETERMINED_SHARE:.0%} of their values, fractions below {UNDETERMINED_SHARE:g}. Measure "
            "longer, or fit fewer lifetimes."
        )
    return fit


def require_resolved(values: dict[str, float], model: KineticModel) -> None:
    """Raise ReductionError if a lifetime, or the ratio of two of them, is at one of its limits."""
    # A logarithm that rests within 0.1 % of its limit is held by the limit, not by the data.
    first, *ratios = (math.exp(values[name]) for name in model.log_lifetimes)
    low, high = LIFETIME_LIMITS_PS
    if not ratios and not low * 1.001 < first < high * 0.999:
        raise ReductionError(
            f"The best fit has the lifetime at a limit ({first:.3g} ps of {low:g} to {high:g} ps). Measure at other "
            "delays, or fit another model."
        )
    names = quantity_names(model)
    for number, ratio in enumerate(ratios, 1):
        if not (low * 1.001 < first < high * 0.999 and RATIO_LIMITS[0] * 1.001 < ratio < RATIO_LIMITS[1] * 0.999):
            raise ReductionError(
                f"{('Two', 'Three', 'Four')[len(ratios) - 1]} lifetimes cannot be distinguished: the best fit is "
                f"at a limit "
                f"({names[0].removesuffix('_ps')} = {first:.3g} ps of {low:g} to {high:g} ps, "
                f"{names[number].removesuffix('_ps')}/{names[number - 1].removesuffix('_ps')} = {ratio:.3g} of "
                f"{RATIO_LIMITS[0]:g} to {RATIO_LIMITS[1]:g}). Measure longer or at more delays between 0 and 5 ns, or "
                "fit fewer lifetimes."
            )


def require_signal(gain: float) -> None:
    """Raise ReductionError unless the kinetics lower chi-square by at least 40."""
    if gain < _DETECTION_LIMIT:
        raise ReductionError(
            f"No transient is seen: kinetics lower chi-square by only {gain:.1f}; at least {_DETECTION_LIMIT:g} is "
            "needed. Check time zero and overlap, or count longer."
        )
