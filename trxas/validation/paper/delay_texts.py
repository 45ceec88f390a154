"""Paragraphs on areas and on the offset, with the numbers of the campaign."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from reduction.number_text import plus_minus
from reduction.values import Value
from reduction.xas.kinetics.fit import KineticsFit
from reduction.xas.transient_shape import AreaWithoutNoise, ShapeComparison
from trxas.validation.paper import published


def area_text(areas: Sequence[AreaWithoutNoise]) -> str:
    """What noise does to an absolute area, and how much at each delay."""
    told = "; ".join(
        f"{delay}: {_thousandths(area.raw)} as published, {1e3 * area.excess:.2g} of it expected from noise, "
        f"{_thousandths(area.projected)} by the signs of another run"
        for delay, area in zip(published.INVERSE_AREAS, areas, strict=True)
    )
    return (
        "Noise makes an absolute area larger: a point without signal adds sigma times sqrt(2/pi) on average, and more "
        "points do not average that out. The weaker the transient, the larger its part. Absolute areas of the Br "
        f"transients in thousandths: {told}. The scale of all three depends on the limits of the edge integral, which "
        "the paper does not give, and on the recipe: the one for photon counting scales pumped and unpumped by their "
        "own integrals and so takes a multiple of the static spectrum out of the transient. The comparisons of shapes "
        "leave that multiple free."
    )


def offset_text(fit: KineticsFit, areas: Sequence[AreaWithoutNoise], shapes: Sequence[ShapeComparison]) -> str:
    """Why nothing can agree with the paper at 163.5 ns.

    `shapes`: the transients at 10.1 and 163.5 ns against that at 100 ps; `areas` of all three.
    """
    first, second, third = published.INVERSE_AREAS.values()
    lifetime_ns = 153.4 / math.log(third / second)
    delays = ((100.0, 0), (10_100.0, 0), (10_100.0, 1))
    curve = [float(np.squeeze(fit.curve(first_ps, probe=probe))) for first_ps, probe in delays]
    rate, raw = fit.offset_rate_per_ns, [area.raw.value for area in areas]
    return (
        "Why the offset at 163.5 ns cannot agree: the paper's two statements on late times exclude each other. Its "
        "kinetics end in an offset of 19 % that is flat to 130 ns; the transients at 10.1 and 163.5 ns would then both "
        f"be {_flat_offset():.2f} of that at 100 ps. Its areas say {first:.0f}/{second:.0f} = {first / second:.2f} and "
        f"{first:.0f}/{third:.0f} = {first / third:.2f}: between the two the signal would fall with a lifetime of "
        f"{lifetime_ns:.0f} ns, and at 130 ns {math.exp(-130 / lifetime_ns):.2f} of the offset would be left, where "
        "the trace shows all of it. Noise is not the reason: it makes late areas larger, not smaller. In this campaign "
        f"the offset, {plus_minus(*fit.offset)} at time zero, decays with {_thousandths(rate)} per us. The transients "
        f"at 10.1 and 163.5 ns are {plus_minus(*shapes[0].scale)} and {plus_minus(*shapes[1].scale)} of that at 100 ps "
        f"by their shape, {curve[1] / curve[0]:.3f} and {curve[2] / curve[0]:.3f} by the kinetic fit of other runs, "
        f"and {raw[1] / raw[0]:.2f} and {raw[2] / raw[0]:.2f} by absolute areas with their noise. All are "
        "differences to the last probe, 613.5 ns after the pump, which has not recovered either."
    )


def _flat_offset() -> float:
    """Share of the published kinetics' signal at 100 ps that its offset is; the response is over by then."""
    (tau1, _), (tau2, _), (one, _), (two, _), (offset, _) = published.KINETICS.values()
    return offset / (one * math.exp(-100 / tau1) + two * math.exp(-100 / tau2) + offset)


def _thousandths(value: Value) -> str:
    return plus_minus(1e3 * value.value, 1e3 * value.sigma)
