"""Light of the whole image, and its dependence on the power: one exciton gives one photon as long as it is linear."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.tplm.coates import blocked_pulses, photons_per_pulse
from reduction.tplm.windows import channels_of
from reduction.values import Value

if TYPE_CHECKING:
    from reduction.tplm.likelihood import MapFit
    from reduction.tplm.map_sums import Exposures
    from reduction.tplm.metadata import MapMetadata

LEAST_POWERS = 3
"""Powers from which an exponent is fitted."""


def integrated_light(seen: Exposures, metadata: MapMetadata, fit: MapFit) -> Value:
    """Return the light of the whole image, photons/s um2 over the pixel, at all delays, above the dark rate.

    The image is round, so a line through its centre holds all of it. The light is that at the first exposure, by the
    centre, drift and fading of `fit`. Raises ReductionError with fewer than five places.
    """
    _, first = np.unique(seen[metadata.line_axis].round(3), return_index=True)
    if len(first) < 5:
        raise ReductionError(f"The light of an image needs five places; there are {len(first)}. Wait for more.")
    # A spot fades with its dose, by 2 % in a map at 100 nW: without a correction, bright maps would lack light.
    measured = np.arange(len(seen)) / len(seen)
    fading = fit.value("fading")
    remaining = np.exp(fading.value * measured)
    moved_nm = fit.value("centre").value + fit.value("drift").value * (measured + 0.5 / len(seen) - 0.5)
    place = (seen[metadata.line_axis] - 1e-3 * moved_nm)[first]
    period_ns = channels_of(metadata, seen.mean("repetition_rate_mhz")).period_ns
    blocked = blocked_pulses(metadata.dead_time_ns, period_ns)
    per_pulse = photons_per_pulse(seen.counts, seen["sync_pulses"], blocked).sum(axis=1)
    pulses_per_s = seen["sync_pulses"] / seen["exposure_s"]
    rate = ((per_pulse * pulses_per_s - metadata.dark_rate_hz) / remaining)[first]
    sigma = (np.sqrt(seen.counts.sum(axis=1) + 0.5) / seen["exposure_s"])[first]
    # In polar coordinates every place stands for half a ring, of area pi |x| dx, and the centre for hardly anything:
    # the wings count most, so the dark rate and its error have to be right.
    weight = np.pi * np.abs(place) * np.gradient(place)
    variance = float(((weight * sigma) ** 2).sum() + (weight.sum() * metadata.dark_rate_error_hz) ** 2)
    light = float((weight * rate).sum())
    return Value(light, float(np.hypot(variance**0.5, light * fading.sigma * measured.mean())))


def intensity_exponent(powers_nw: Sequence[float], light: Sequence[Value]) -> Value:
    """Return s of light = c P^s, for powers in nW and the light at each; raises ReductionError with too few powers."""
    used = [(power, one) for power, one in zip(powers_nw, light, strict=True) if one.value > 2 * one.sigma]
    if len({round(power, 3) for power, _ in used}) < LEAST_POWERS:
        raise ReductionError(f"The exponent needs light at {LEAST_POWERS} powers; there are {len(used)}. Measure more.")
    logs = np.log([power for power, _ in used])
    values = np.array([one.value for _, one in used])
    relative = np.array([one.sigma for _, one in used]) / values
    design = np.stack([logs, np.ones_like(logs)], axis=1) / relative[:, np.newaxis]
    covariance = np.linalg.inv(design.T @ design)
    found = covariance @ design.T @ (np.log(values) / relative)
    chi_square = float(((np.log(values) / relative - design @ found) ** 2).sum())
    # The focus and the film change a little from map to map, by more than bright maps count: the scatter is an error.
    scale = max(chi_square / max(len(used) - 2, 1), 1.0) ** 0.5
    return Value(float(found[0]), scale * float(covariance[0, 0] ** 0.5))
