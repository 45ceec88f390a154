"""Paragraphs on areas and on the offset, with the numbers of the campaign."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from reduction.number_text import with_error
from reduction.values import Value
from reduction.xas.kinetics.fitted import KineticsFit
from reduction.xas.transient_shape import AreaWithoutNoise, ShapeComparison
from trxas.validation.paper import published


def area_text(areas: Sequence[AreaWithoutNoise]) -> str:
    """Return the paragraph on what noise adds to the absolute areas, one area for each published delay."""
    values = "; ".join(
        f"{delay}: {_thousandths(area.raw)} as published, {1e3 * area.excess:.2g} of it expected from noise, "
        f"{_thousandths(area.projected)} by the signs of another run"
        for delay, area in zip(published.INVERSE_AREAS, areas, strict=True)
    )
    return (
        "Noise makes an absolute area larger: a point without signal adds sigma times sqrt(2/pi) on average, and more "
        "points do not average this out. Its share is larger for weaker transients. Absolute areas of the Br "
        f"transients in thousandths: {values}. The scale of all three depends on the limits of the edge integral, "
        "which the paper does not give, and on the recipe: the one for photon counting scales pumped and unpumped by "
        "their own integrals, which removes a multiple of the static spectrum from the transient. The comparisons of "
        "shapes leave this multiple free."
    )


def offset_text(fit: KineticsFit, areas: Sequence[AreaWithoutNoise], shapes: Sequence[ShapeComparison]) -> str:
    """Return the paragraph on how the late areas of the paper agree with its kinetics.

    `areas` at 100 ps, 10.1 and 163.5 ns; `shapes`: the transients at the two later delays against that at 100 ps.
    """
    first, second, third = published.INVERSE_AREAS.values()
    delays = ((100.0, 0), (10_100.0, 0), (10_100.0, 1))
    curve = [float(np.squeeze(fit.curve(first_ps, probe=probe))) for first_ps, probe in delays]
    rate = fit.offset_rate_per_ns
    raw = [area.raw.value for area in areas]
    return (
        "Kinetics and areas at late times. The paper's kinetics end in an offset of 19 % that is flat to 130 ns; then "
        f"the transients at 10.1 and 163.5 ns would both be {_flat_offset():.2f} of that at 100 ps. Its areas give "
        f"{first:.0f}/{second:.0f} = {first / second:.2f} and {first:.0f}/{third:.0f} = {first / third:.2f}. The first "
        "is larger, as the noise of the boxcar adds more to a weak transient; the second is smaller, as the offset "
        "decays and the last probe, 613.5 ns after the pump, has not recovered. In this campaign the offset, "
        f"{with_error(*fit.offset)} at time zero, decays at {_thousandths(rate)} per us. The transients at 10.1 and "
        f"163.5 ns are {with_error(*shapes[0].scale)} and {with_error(*shapes[1].scale)} of that at 100 ps by their "
        f"shape, {curve[1] / curve[0]:.3f} and {curve[2] / curve[0]:.3f} by the kinetic fit of other runs, and "
        f"{raw[1] / raw[0]:.2f} and {raw[2] / raw[0]:.2f} by absolute areas with their noise."
    )


def _flat_offset() -> float:
    """Return the offset of the published kinetics as a share of their signal at 100 ps, after the response."""
    (tau1, _), (tau2, _), (one, _), (two, _), (offset, _) = published.KINETICS.values()
    return offset / (one * math.exp(-100 / tau1) + two * math.exp(-100 / tau2) + offset)


def _thousandths(value: Value) -> str:
    return with_error(1e3 * value.value, 1e3 * value.sigma)
