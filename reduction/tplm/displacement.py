"""Mean square displacement: the width of the image at every delay, and lines through it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.tplm.likelihood import MapFit
from reduction.tplm.map_model import MOST_SPREAD, NM2_PER_NS
from reduction.tplm.response import EmissionTimes, emission_times
from reduction.tplm.windows import FREE_UNTIL_NS, TAIL_UNTIL_NS, block_of, channels_of
from reduction.values import Value

if TYPE_CHECKING:
    from reduction.tplm.map_sums import Exposures
    from reduction.tplm.metadata import MapMetadata
    from reduction.tplm.windows import Block
    from reduction.types import BoolArray, FloatArray

GROUP_NS = 0.064
"""Width of a group of channels on the line, ns: four channels of 16 ps."""

TAIL_GROUPS = 14
"""Groups beyond the line, equally spaced in the logarithm of the delay."""

FROM_NS = 0.03
"""First delay of a point, ns: before it, the light is that of the rise."""

LEAST_PHOTONS = 40.0
"""Photons of a group, without background, from which a width is fitted."""

STEPS = 25

LINE_PASSES = 3
"""Fits of the line: each gives the errors of the points in the next."""

PASSES = 3
"""Fits of all widths: those of the first give the shape of the image in the next."""

TRAPPING_NS = (0.05, 50.0)
"""Times in which excitons are trapped after 3 ns, among which the late widths choose, ns."""


@dataclass(frozen=True, kw_only=True)
class Widths:
    """The image at every delay: variance, nm2, and total light, relative; (points,) each, with counting errors.

    `time_ns` is the mean time of emission. The light is that of the whole image, in two dimensions.
    """

    delay_ns: FloatArray
    time_ns: FloatArray
    variance_nm2: FloatArray
    sigma_nm2: FloatArray
    light: FloatArray
    light_sigma: FloatArray

    @property
    def on_line(self) -> BoolArray:
        """Which points are within the 3 ns of free diffusion, (points,)."""
        return np.asarray(self.delay_ns <= FREE_UNTIL_NS)


@dataclass(frozen=True, kw_only=True)
class DisplacementLine:
    """A line through the points: diffusivity (cm2/s) and variance at time zero (nm2); `chi_square` with its freedom."""

    diffusivity_cm2_s: Value
    start_nm2: Value
    chi_square: float
    degrees_of_freedom: int


def image_widths(seen: Exposures, metadata: MapMetadata, fit: MapFit) -> Widths:
    """Return the width of the image against delay, from a Gaussian on a free background at every delay.

    Centre, drift, fading and what earlier pulses left are those of `fit`. Raises ReductionError if no delay has
    enough light.
    """
    channels = channels_of(metadata, seen.mean("repetition_rate_mhz"))
    end_ns = min(TAIL_UNTIL_NS, 0.7 * channels.period_ns)
    # Groups of equal width where the line is fitted, since its points should weigh alike; logarithmic ones later, where
    # the light falls by a factor of twenty.
    edges = np.concatenate(
        [np.arange(FROM_NS, FREE_UNTIL_NS, GROUP_NS), np.geomspace(FREE_UNTIL_NS + GROUP_NS / 2, end_ns, TAIL_GROUPS)]
    )
    block = block_of(seen, metadata, channels, channels.between(FROM_NS, end_ns)).grouped(edges)
    # What earlier pulses left has the shape of the image, but a wider one. As a part of the flat background it would be
    # taken from the wings of the image, whose width would come out too small.
    left = fit.value("left").value * channels.left_by_earlier(block.delay_ns)
    order = (np.arange(len(seen)) + 0.5) / len(seen) - 0.5
    distance = 1e3 * seen[metadata.line_axis] - fit.value("centre").value - fit.value("drift").value * order
    bright = np.exp(fit.value("fading").value * order)
    half = distance**2 / (2 * fit.value("left_width").value)
    wide = bright * np.exp(-half) * (1 + fit.left_spread * (1 - 2 * half + half**2 / 2))
    floor = wide[:, np.newaxis] * left
    start = _Start(variance_nm2=float(fit.common[1]), background=max(fit.value("background").value, 1e-13))
    # Later groups are wide, and their light does not decay exponentially: their delay is the middle one.
    width_ns = np.where(block.delay_ns <= FREE_UNTIL_NS, block.width_ns, 0.0)
    emitted = emission_times(block.delay_ns, fit.lifetime_ns(metadata).value, metadata.response, width_ns=width_ns)
    time_ns = emitted.mean_ns
    by_response, skew = _moments_by_response(emitted, fit)
    spread = by_response
    for _ in range(PASSES):
        found, errors, good = _profiles(block, distance, bright, floor, start, _Mixture(spread=spread, skew=skew))
        if not good.any():
            raise ReductionError("No delay has enough light for a width. Measure longer, or with more power.")
        spread = by_response + _spread_of_variance(time_ns, found[:, 1], errors[:, 1, 1], good, fit)
    amplitude = found[good, 0]
    variance = found[good, 1]
    light = amplitude * variance / fit.common[1]
    relative = np.sqrt(
        errors[good, 0, 0] / amplitude**2
        + errors[good, 1, 1] / variance**2
        + 2 * errors[good, 0, 1] / (amplitude * variance)
    )
    return Widths(
        delay_ns=block.delay_ns[good],
        time_ns=time_ns[good],
        variance_nm2=variance,
        sigma_nm2=np.sqrt(errors[good, 1, 1]),
        light=light,
        light_sigma=np.abs(light) * relative,
    )


@dataclass(frozen=True, kw_only=True)
class _Start:
    """Starting values of the fits of all delays: variance, nm2, and background, photons per pulse and channel."""

    variance_nm2: float
    background: float


@dataclass(frozen=True, kw_only=True)
class _Mixture:
    """Second and third central moments of the variances that an image is a mixture of, relative to the mean one."""

    spread: FloatArray
    skew: FloatArray


def _moments_by_response(emitted: EmissionTimes, fit: MapFit) -> tuple[FloatArray, FloatArray]:
    """Return relative second and third moments of the variances of free excitons that a group sees, (points,) each."""
    # A group contains light that was emitted at different times, because of the response and of its own width.
    growth = 2 * NM2_PER_NS * float(fit.common[0])
    relative = growth / np.maximum(float(fit.common[1]) + growth * emitted.mean_ns, 0.1 * float(fit.common[1]))
    free = emitted.mean_ns < FREE_UNTIL_NS
    return np.where(free, relative**2 * emitted.spread_ns2, 0.0), np.where(free, relative**3 * emitted.skew_ns3, 0.0)


def _spread_of_variance(
    time_ns: FloatArray, variance: FloatArray, sigma2: FloatArray, good: BoolArray, fit: MapFit
) -> FloatArray:
    """Return the squared relative spread, (points,), of the variances that mix in the image at every delay."""
    # Excitons that are trapped on the way stay where they are, so late light comes from excitons that were free for
    # different times s: its image is a mixture of Gaussians of variances s0^2 + 2 D min(t, s), with heavier wings than
    # a single one. The growth of the mean variance, 2 D P(s > t) at any time, gives the distribution of s by itself.
    # It is described by free diffusion up to 3 ns and an exponential of time T after it, whose T the late widths give.
    growth = 2 * NM2_PER_NS * float(fit.common[0])
    start = float(fit.common[1])
    late = good & (time_ns > FREE_UNTIL_NS)
    if growth <= 0 or late.sum() < 3:
        return np.zeros(len(time_ns))
    after = np.maximum(time_ns - FREE_UNTIL_NS, 0.0)
    tried_ns = np.geomspace(*TRAPPING_NS, 60)
    model = start + growth * (FREE_UNTIL_NS + tried_ns[:, np.newaxis] * -np.expm1(-after / tried_ns[:, np.newaxis]))
    misfit = ((model[:, late] - variance[late]) ** 2 / sigma2[late]).sum(axis=1)
    trapped_ns = float(tried_ns[int(misfit.argmin())])
    # Moments of min(t - 3 ns, s - 3 ns) for an exponential distribution.
    left = np.exp(-after / trapped_ns)
    mean = trapped_ns * (1 - left)
    square = 2 * trapped_ns * (mean - after * left)
    spread = growth**2 * np.maximum(square - mean**2, 0.0)
    return np.asarray(np.minimum(spread / (start + growth * (FREE_UNTIL_NS + mean)) ** 2, MOST_SPREAD))


def _profiles(
    block: Block, distance: FloatArray, bright: FloatArray, floor: FloatArray, start: _Start, mixture: _Mixture
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Fit amplitude, variance and background of all groups at once, (groups, 3); return them, covariances, and success.

    Poisson likelihood by Fisher scoring; `floor` (exposures, groups) is added to the model. Images are mixtures of
    Gaussians of different variances, as in `map_model`.
    """
    squared = distance[:, np.newaxis] ** 2
    pulses = block.open_pulses
    counts = block.counts
    groups = counts.shape[1]
    # Without light at the ends of the line, a background of 0 would give their few photons an infinite weight.
    least = np.maximum(0.2 * start.background, 0.05 / pulses.mean(axis=0))
    shape = np.exp(-squared / (2 * start.variance_nm2))
    photons = (counts - start.background * pulses).sum(axis=0)
    amplitudes = np.maximum(photons, 1.0) / (pulses * shape).sum(axis=0)
    found = np.stack([amplitudes, np.full(groups, start.variance_nm2), np.maximum(start.background, least)], axis=1)
    information = np.zeros((groups, 3, 3))
    for _ in range(STEPS):
        amplitude, variance, background = found.T
        half = squared / (2 * variance)
        gaussian = bright[:, np.newaxis] * np.exp(-half)
        second = mixture.spread * (1 - 2 * half + half**2 / 2)
        third = mixture.skew * (1 - 3 * half + 1.5 * half**2 - half**3 / 6)
        shape = gaussian * (1 + second - third)
        by_half = gaussian * (mixture.spread * (half - 2) + mixture.skew * (3 - 3 * half + half**2 / 2)) - shape
        by_variance = -by_half * half / variance
        mean = np.maximum(pulses * (amplitude * shape + floor + background), 1e-9)
        slopes = np.stack([pulses * shape, pulses * amplitude * by_variance, pulses], axis=-1)
        information = np.einsum("igp,igq,ig->gpq", slopes, slopes, 1 / mean)
        score = np.einsum("igp,ig->gp", slopes, (counts - mean) / mean)
        step = np.einsum("gpq,gq->gp", _inverse(information), score)
        # A background at its limit that would fall further stays there, and the other two are fitted without it.
        held = (background <= least) & (step[:, 2] < 0)
        step[held, :2] = np.einsum("gpq,gq->gp", _inverse(information[held, :2, :2]), score[held, :2])
        # The width may change by a third at a time: a Gaussian that became too wide would look like background.
        step[:, 1] = np.clip(step[:, 1], -variance / 3, variance / 3)
        found = found + step
        found[:, 0] = np.maximum(found[:, 0], 1e-15)
        found[:, 2] = np.maximum(found[:, 2], least)
    covariance = _inverse(information)
    good = (photons > LEAST_PHOTONS) & (covariance[:, 1, 1] > 0) & (np.sqrt(covariance[:, 1, 1].clip(0)) < found[:, 1])
    return found, covariance, np.asarray(good)


def _inverse(matrices: FloatArray) -> FloatArray:
    """Return the inverses of matrices (..., n, n) whose rows have very different sizes."""
    diagonal = np.sqrt(np.maximum(np.einsum("gpp->gp", matrices), 1e-300))
    outer = diagonal[:, :, np.newaxis] * diagonal[:, np.newaxis, :]
    return np.asarray(np.linalg.pinv(matrices / outer, rcond=1e-12, hermitian=True) / outer)


def displacement_line(widths: Widths) -> DisplacementLine:
    """Return the line through all points up to 3 ns, with a free variance at time zero and counting errors as weights.

    Raises ReductionError with fewer than three points.
    """
    used = widths.on_line
    if used.sum() < 3:
        raise ReductionError(
            f"The line needs three delays with enough light; it has {int(used.sum())}. Measure longer."
        )
    design = np.stack([2 * NM2_PER_NS * widths.time_ns[used], np.ones(int(used.sum()))], axis=1)
    variance = widths.variance_nm2[used]
    relative = widths.sigma_nm2[used] / variance
    model = np.full(len(variance), np.median(variance))
    # The counting error of a variance is proportional to the variance itself. With the errors as found, points that
    # came out low by noise would weigh more, most so late in the decay: the line would come out too flat. So the errors
    # are those of the line, in turn with it.
    for _ in range(LINE_PASSES):
        sigma = relative * np.maximum(model, 0.1 * np.median(variance))
        weighted = design / sigma[:, np.newaxis]
        covariance = np.linalg.inv(weighted.T @ weighted)
        found = covariance @ weighted.T @ (variance / sigma)
        model = design @ found
    rest = (variance - model) / sigma
    return DisplacementLine(
        diffusivity_cm2_s=Value(float(found[0]), float(np.sqrt(covariance[0, 0]))),
        start_nm2=Value(float(found[1]), float(np.sqrt(covariance[1, 1]))),
        chi_square=float((rest**2).sum()),
        degrees_of_freedom=int(used.sum()) - 2,
    )


def line_through_origin(widths: Widths) -> Value:
    """Return the diffusivity, cm2/s, as the paper finds it: even weights, through (0, 0), first point subtracted.

    Its error is that of the line alone, without the first point's, which all points share. Raises ReductionError with
    fewer than three points.
    """
    used = widths.on_line
    if used.sum() < 3:
        raise ReductionError(
            f"The line needs three delays with enough light; it has {int(used.sum())}. Measure longer."
        )
    time = widths.time_ns[used] - widths.time_ns[used][0]
    moved = widths.variance_nm2[used] - widths.variance_nm2[used][0]
    slope = float((time * moved).sum() / (time**2).sum())
    scatter = float(((moved - slope * time) ** 2).sum() / (time.size - 2))
    return Value(slope / (2 * NM2_PER_NS), float(np.sqrt(scatter / (time**2).sum())) / (2 * NM2_PER_NS))
