"""Calibration runs: centre and width of the image, response with time zero, dark rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

from errors import ReductionError
from reduction.tplm.coates import blocked_pulses, photons_per_pulse
from reduction.tplm.response import FWHM
from reduction.tplm.windows import channels_of
from reduction.values import Value

if TYPE_CHECKING:
    from reduction.tplm.map_sums import Exposures
    from reduction.tplm.metadata import MapMetadata
    from reduction.types import FloatArray

AROUND_PEAK_PS = (600.0, 2500.0)
"""Range of the response before and after its peak, ps."""

SIGNIFICANT = 6.0
"""Height of the brightest place above the others, in errors, from which it shows an image."""

LEAST_PLACES = 5
"""Places along an axis from which its centre is fitted."""


@dataclass(frozen=True, kw_only=True)
class ImageCentre:
    """Centre (um) and full width (nm) of the image along one axis."""

    centre_um: Value
    fwhm_nm: Value


@dataclass(frozen=True, kw_only=True)
class MeasuredResponse:
    """Time zero and width of the Gaussian, ps, and its exponential tail: share of the photons, and decay time, ps.

    `covariance` (4, 4) is that of these four numbers in this order.
    """

    time_zero_ps: Value
    fwhm_ps: Value
    tail_share: Value
    tail_ps: Value
    covariance: FloatArray


@dataclass(frozen=True, kw_only=True)
class DarkRate:
    """Rate without laser light, 1/s, and the scatter of the exposures about it."""

    rate_hz: Value
    chi_square: float
    degrees_of_freedom: int


def image_centre(seen: Exposures, axis: str) -> ImageCentre | None:
    """Return centre and width along `axis`, "x_um" or "y_um"; None if it was not scanned.

    A Gaussian on a constant background, fitted to the rates of the exposures that share the other axis. Raises
    ReductionError if no Gaussian describes them.
    """
    other = "y_um" if axis == "x_um" else "x_um"
    rows = _along(seen[axis], seen[other])
    if rows is None:
        return None
    # Rates, not counts: a dwell that was changed between exposures would otherwise look like a brighter place.
    place = seen[axis][rows]
    counts = seen.counts[rows].sum(axis=1).astype(float)
    seconds = seen["exposure_s"][rows]
    rate = counts / seconds
    sigma = np.sqrt(counts + 0.5) / seconds
    top = int(rate.argmax())
    level = float(np.median(rate))
    # With coarse steps two or three places show the image; without one, noise is fitted with a width of nothing.
    if rate[top] - level < SIGNIFICANT * np.sqrt(sigma[top] ** 2 + (sigma**2).mean()):
        raise ReductionError(f"No image is seen along {axis}. Check laser and filters, and scan a wider range.")
    start = (float(place[top]), 0.26, float(np.ptp(rate)), level)
    try:
        found, covariance = scipy.optimize.curve_fit(_gaussian, place, rate, start, sigma, absolute_sigma=True)
    except RuntimeError as error:
        raise ReductionError(f"No image was found along {axis}: {error}. Scan a wider range, or longer.") from error
    errors = np.sqrt(np.diag(covariance))
    return ImageCentre(
        centre_um=Value(float(found[0]), float(errors[0])),
        fwhm_nm=Value(1e3 * FWHM * abs(float(found[1])), 1e3 * FWHM * float(errors[1])),
    )


def _along(axis: FloatArray, other: FloatArray) -> FloatArray | None:
    """Return the exposures of the last line along an axis, as a mask; None if there is no such line."""
    # The plan scans one axis and then the other, and begins again until the centre stays: of several lines along an
    # axis, the last is the best.
    for value in dict.fromkeys(reversed(other.round(3).tolist())):
        rows = np.abs(other - value) < 2e-3
        if np.unique(axis[rows].round(3)).size >= LEAST_PLACES:
            return np.asarray(rows)
    return None


def _gaussian(place: FloatArray, centre: float, sigma: float, height: float, background: float) -> FloatArray:
    return np.asarray(height * np.exp(-(((place - centre) / sigma) ** 2) / 2) + background)


def measured_response(seen: Exposures, metadata: MapMetadata) -> MeasuredResponse:
    """Return response and time zero from the laser's scatter, delays from the sync pulse, ps.

    Raises ReductionError if there are fewer than 1000 photons around the peak, or no response describes them.
    """
    counts = seen.counts.astype(float).sum(axis=0)
    period_ns = channels_of(metadata, seen.mean("repetition_rate_mhz")).period_ns
    pulses = float(seen["sync_pulses"].sum())
    # The scatter is bright enough for pile-up, which would make the response narrower and time zero earlier.
    light = pulses * photons_per_pulse(counts, np.array(pulses), blocked_pulses(metadata.dead_time_ns, period_ns))
    width = metadata.bin_ps
    peak = int(counts.argmax())
    first = max(0, peak - int(AROUND_PEAK_PS[0] / width))
    last = min(counts.size, peak + int(AROUND_PEAK_PS[1] / width))
    if seen.counts.max() >= metadata.channel_limit:
        raise ReductionError(
            f"A channel is full ({metadata.channel_limit} counts), so the peak is cut off. Use shorter exposures, or "
            f"less power."
        )
    if counts[first:last].sum() < 1000:
        raise ReductionError("The response has fewer than 1000 photons. Take the filters out, and measure longer.")
    # Channels are integrals of the response, and some of them are a fifth of its width: the model is the difference of
    # its running integral between edges, not its value in the middle.
    edges = np.arange(first, last + 1) * width
    sigma = np.sqrt(counts[first:last] + 0.5)
    start = ((peak + 0.5) * width, metadata.response.fwhm_ps / FWHM, 0.05, 250.0, light[first:last].sum(), light.min())

    def model(
        _: FloatArray, zero: float, spread: float, share: float, tail: float, total: float, dark: float
    ) -> FloatArray:
        """Return the expected counts of the response, shape (channels,), with `dark` counts per channel."""
        return np.asarray(total * np.diff(_cumulative(edges - zero, abs(spread), share, abs(tail))) + dark)

    try:
        # Twice, the second time with the errors of the fitted curve: those of the counts prefer low ones.
        found, covariance = scipy.optimize.curve_fit(
            model, edges[:-1], light[first:last], start, sigma, absolute_sigma=True
        )
        sigma = np.sqrt(np.maximum(model(edges[:-1], *found), 0.5))
        found, covariance = scipy.optimize.curve_fit(
            model, edges[:-1], light[first:last], found, sigma, absolute_sigma=True
        )
    except RuntimeError as error:
        raise ReductionError(
            f"No response describes the scatter: {error}. Check that its peak is in the range."
        ) from error
    errors = np.sqrt(np.diag(covariance))
    return MeasuredResponse(
        time_zero_ps=Value(float(found[0]), float(errors[0])),
        fwhm_ps=Value(FWHM * abs(float(found[1])), FWHM * float(errors[1])),
        tail_share=Value(float(found[2]), float(errors[2])),
        tail_ps=Value(abs(float(found[3])), float(errors[3])),
        covariance=_in_units(covariance[:4, :4], found),
    )


def _in_units(covariance: FloatArray, found: FloatArray) -> FloatArray:
    """Return the covariance of time zero, full width, share and time of the tail from that of the fit, (4, 4)."""
    # The fit has the standard deviation of the Gaussian, with any sign, as the tail's time: the signs turn with them.
    scale = np.array([1.0, FWHM * np.sign(found[1]), 1.0, np.sign(found[3])])
    return np.asarray(covariance * np.outer(scale, scale))


def _cumulative(time: FloatArray, sigma: float, share: float, tail: float) -> FloatArray:
    """Return the share of photons registered before a time, ps, of a Gaussian with an exponential tail."""
    gaussian = 0.5 * scipy.special.erfc(-time / (np.sqrt(2) * sigma))
    exponent = np.minimum((sigma / tail) ** 2 / 2 - time / tail, 50.0)
    delayed = gaussian - np.exp(exponent) * 0.5 * scipy.special.erfc((sigma / tail - time / sigma) / np.sqrt(2))
    return np.asarray((1 - share) * gaussian + share * delayed)


def dark_rate(seen: Exposures) -> DarkRate:
    """Return the mean rate of all exposures, 1/s, and chi-square of the exposures about it."""
    counts = seen.counts.sum(axis=1).astype(float)
    seconds = seen["exposure_s"]
    rate = float(counts.sum() / seconds.sum())
    expected = np.maximum(rate * seconds, 0.5)
    return DarkRate(
        rate_hz=Value(rate, float(np.sqrt(counts.sum() + 0.5) / seconds.sum())),
        chi_square=float(((counts - expected) ** 2 / expected).sum()),
        degrees_of_freedom=len(seen) - 1,
    )
