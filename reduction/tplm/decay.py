"""Decay of the light: lifetime of the prompt part, exponent of the power law, and the prompt share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

from errors import ReductionError
from reduction.tplm.coates import blocked_pulses, photons_per_pulse
from reduction.tplm.response import seen_exponential
from reduction.tplm.windows import FREE_UNTIL_NS, TAIL_UNTIL_NS, channels_of
from reduction.values import Value

if TYPE_CHECKING:
    from reduction.tplm.map_sums import Exposures
    from reduction.tplm.metadata import MapMetadata
    from reduction.tplm.response import Response
    from reduction.types import FloatArray

PROMPT_NS = (0.1, 2.9)
"""Delays of the exponential, ns: behind the rise, before the power law."""

LEAST_PHOTONS = 300
"""Photons after the pulse from which a decay is fitted."""


@dataclass(frozen=True, kw_only=True)
class PowerLaw:
    """light = amplitude x (t / 10 ns)^-exponent from 3 to 20 ns."""

    exponent: Value
    amplitude: float


@dataclass(frozen=True, kw_only=True)
class DecayCurve:
    """Light per channel of a place or of the whole image: delay, ns, photons per pulse, counting errors; (points,)."""

    delay_ns: FloatArray
    light: FloatArray
    sigma: FloatArray


@dataclass(frozen=True, kw_only=True)
class Lifetime:
    """Lifetime of the prompt light, ns, and its derivatives with respect to the light at each delay, (points,)."""

    value_ns: float
    by_light: FloatArray


def prompt_lifetime_ns(curve: DecayCurve, response: Response) -> Value:
    """Return the lifetime of the exponential from 0.1 to 2.9 ns, folded with the response, ns.

    The points are independent. Raises ReductionError if no lifetime describes them.
    """
    found = prompt_lifetime(curve, response)
    return Value(found.value_ns, float(np.sqrt((found.by_light**2 * curve.sigma**2).sum())))


def prompt_lifetime(curve: DecayCurve, response: Response) -> Lifetime:
    """Return the lifetime of the exponential from 0.1 to 2.9 ns, folded with the response, and its derivatives.

    Raises ReductionError if no lifetime describes the points.
    """
    used = (curve.delay_ns > PROMPT_NS[0]) & (curve.delay_ns < PROMPT_NS[1])
    if used.sum() < 3:
        raise ReductionError(f"A lifetime needs three delays with light; there are {int(used.sum())}. Measure longer.")
    delay = curve.delay_ns[used]
    light = curve.light[used]
    sigma = curve.sigma[used]
    # Logarithms of amplitude and lifetime keep both above 0, and make steps relative.
    found = np.array([np.log(max(float(light[: max(3, light.size // 20)].mean()), 1e-30)), np.log(2.0)])
    weight = 1 / sigma**2
    for _ in range(12):
        model = np.exp(found[0]) * seen_exponential(delay, float(np.exp(found[1])), response)
        # The variance follows the model: weights from the noisy light itself would prefer points that came out low.
        weight = _weights(model, light, sigma)
        shifted = np.exp(found[0]) * seen_exponential(delay, float(np.exp(found[1] + 1e-5)), response)
        slopes = np.stack([model, (shifted - model) / 1e-5], axis=1)
        gain = np.linalg.solve(slopes.T @ (slopes * weight[:, np.newaxis]), (slopes * weight[:, np.newaxis]).T)
        step = np.clip(gain @ (light - model), -0.5, 0.5)
        found = found + step
        if np.abs(step).max() < 1e-8:
            break
    lifetime = float(np.exp(found[1]))
    if not 0.02 < lifetime < 200:
        raise ReductionError("The light does not decay like an exponential from 0.1 to 2.9 ns. Check time zero.")
    by_light = np.zeros(len(curve.light))
    by_light[used] = lifetime * gain[1]
    return Lifetime(value_ns=lifetime, by_light=by_light)


def _weights(model: FloatArray, light: FloatArray, sigma: FloatArray) -> FloatArray:
    # The ratio of variance to light is that of counting, the same for all delays of an exposure; its median is not
    # moved by the few delays with hardly any light.
    per_light = np.median(sigma**2 / np.maximum(light, 1e-30))
    floor = np.median(sigma) * 1e-3
    return np.asarray(1 / np.maximum(per_light * np.maximum(model, 1e-30), floor**2))


def power_law(curve: DecayCurve) -> PowerLaw:
    """Return the power law of the points from 3 to 20 ns, after subtraction of what earlier pulses left.

    Raises ReductionError with fewer than four points with light.
    """
    used = (curve.delay_ns > FREE_UNTIL_NS) & (curve.delay_ns < TAIL_UNTIL_NS) & (curve.sigma > 0)
    if used.sum() < 4 or not (curve.light[used] > 0).sum() >= 4:
        raise ReductionError(f"A power law needs four delays from 3 to 20 ns; there are {int(used.sum())}.")
    # Relative to 10 ns, in the middle of the range, amplitude and exponent are hardly correlated.
    logs = np.log(curve.delay_ns[used] / 10)
    guess = float(np.log(np.maximum(curve.light[used], 1e-30)).mean())

    def misfit(found: FloatArray) -> FloatArray:
        """Return the distances of the points from the law in units of their errors, shape (points,)."""
        return np.asarray((curve.light[used] - np.exp(found[0] - found[1] * logs)) / curve.sigma[used])

    fit = scipy.optimize.least_squares(misfit, [guess, 1.6], x_scale=[0.1, 0.1])
    slopes: FloatArray = np.array(fit.jac, dtype=float)
    covariance = np.linalg.pinv(slopes.T @ slopes)
    return PowerLaw(
        exponent=Value(float(fit.x[1]), float(np.sqrt(covariance[1, 1]))), amplitude=float(np.exp(fit.x[0]))
    )


@dataclass(frozen=True, kw_only=True)
class DecayFit:
    """Decay at one place: background per channel, prompt lifetime, power law, and the prompt share of 0 to 20 ns."""

    curve: DecayCurve
    background: float
    lifetime_ns: Value
    tail: PowerLaw | None
    prompt_share: Value


def decay_curve(seen: Exposures, metadata: MapMetadata) -> DecayCurve:
    """Return the light of all exposures together, photons per pulse and channel, corrected for pile-up, against delay.

    Raises ReductionError for impossible counts.
    """
    channels = channels_of(metadata, seen.mean("repetition_rate_mhz"))
    counts = seen.counts.astype(float).sum(axis=0)
    pulses = float(seen["sync_pulses"].sum())
    light = photons_per_pulse(counts, np.array(pulses), blocked_pulses(metadata.dead_time_ns, channels.period_ns))
    # sqrt(N + 1/2), so that a channel without counts keeps a finite weight.
    sigma = np.sqrt(counts + 0.5) / pulses * np.maximum(light * pulses / np.maximum(counts, 1), 1.0)
    order = np.argsort(channels.signed_ns, kind="stable")
    return DecayCurve(delay_ns=channels.signed_ns[order], light=light[order], sigma=sigma[order])


def fit_decay(seen: Exposures, metadata: MapMetadata) -> DecayFit:
    """Return the decay at one place: prompt lifetime and power law, above background and earlier pulses.

    Raises ReductionError with fewer than 300 photons.
    """
    channels = channels_of(metadata, seen.mean("repetition_rate_mhz"))
    curve = decay_curve(seen, metadata)
    before = curve.delay_ns < -0.4
    before &= curve.delay_ns > -min(20.0, 0.1 * channels.period_ns)
    background = float(curve.light[before].mean()) if before.any() else 0.0
    above = DecayCurve(delay_ns=curve.delay_ns, light=curve.light - background, sigma=curve.sigma)
    within = (curve.delay_ns > 0) & (curve.delay_ns < TAIL_UNTIL_NS)
    if above.light[within].sum() * seen["sync_pulses"].sum() < LEAST_PHOTONS:
        raise ReductionError(f"The decay has fewer than {LEAST_PHOTONS} photons. Measure longer, or with more power.")
    lifetime = prompt_lifetime_ns(above, metadata.response)
    end_ns = min(TAIL_UNTIL_NS, 0.7 * channels.period_ns)
    late_ns = metadata.response.mean_ns
    tail = _tail(above, channels.period_ns, end_ns, late_ns) if end_ns > 2 * FREE_UNTIL_NS else None
    return DecayFit(
        curve=curve, background=background, lifetime_ns=lifetime, tail=tail, prompt_share=_prompt_share(above, end_ns)
    )


def _tail(above: DecayCurve, period_ns: float, end_ns: float, late_ns: float) -> PowerLaw | None:
    """Return the power law of a decay in whose background the light just before the pulse is included.

    Light is registered `late_ns` after its emission on average, ns.
    """
    edges = np.geomspace(FREE_UNTIL_NS + 0.05, end_ns, 24)
    place = np.searchsorted(edges, above.delay_ns) - 1
    inside = (place >= 0) & (place < len(edges) - 1)
    starts = np.flatnonzero(np.diff(place[inside], prepend=-1))
    width = np.diff(np.append(starts, inside.sum()))
    delay = np.add.reduceat(above.delay_ns[inside], starts) / width - late_ns
    light = np.add.reduceat(above.light[inside], starts) / width
    sigma = np.sqrt(np.add.reduceat(above.sigma[inside] ** 2, starts)) / width
    # The tail of all earlier pulses was subtracted with the background at its value before the pulse; it falls a little
    # until the delay in question, by an amount that the fitted amplitude itself gives.
    fit = power_law(DecayCurve(delay_ns=delay, light=light, sigma=sigma))
    for _ in range(3):
        exponent = max(fit.exponent.value, 1.05)
        scale = fit.amplitude * (period_ns / 10) ** -exponent
        missing = scale * (scipy.special.zeta(exponent, 1.0) - scipy.special.zeta(exponent, 1 + delay / period_ns))
        fit = power_law(DecayCurve(delay_ns=delay, light=light + missing, sigma=sigma))
    return fit


def _prompt_share(above: DecayCurve, end_ns: float) -> Value:
    prompt = (above.delay_ns > -0.2) & (above.delay_ns < FREE_UNTIL_NS)
    late = (above.delay_ns >= FREE_UNTIL_NS) & (above.delay_ns < end_ns)
    first = float(above.light[prompt].sum())
    rest = float(above.light[late].sum())
    errors = [float((above.sigma[part] ** 2).sum()) for part in (prompt, late)]
    total = max(first + rest, 1e-30)
    return Value(first / total, float(np.sqrt(errors[0] * rest**2 + errors[1] * first**2)) / total**2)
