"""Comparison of transients at several delays: whether they have one shape, and their area without noise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import scipy

from errors import ReductionError
from reduction.probabilities import chi_square_tail
from reduction.values import Value
from reduction.xas.energy_windows import edge_integral, points_within
from reduction.xas.static_xas import normalisation_parts, trapezoid_weights

if TYPE_CHECKING:
    from collections.abc import Callable

    from reduction.run_metadata import EnergyWindows
    from reduction.types import FloatArray
    from reduction.xas.transient import Spectrum

_STARTS = 200
_SEEN_SIGMAS = 2.0
_TINY = 1e-300
_LEAST_SHARE = 0.01


def transient_covariance(spectrum: Spectrum, windows: EnergyWindows) -> FloatArray:
    """Return the covariance of a transient, shape (points, points).

    It contains the errors of offset and scale that points share. SPC (SI 4): on and off, each minus its pre-edge mean
    and divided by its edge integral; both are linear in the counts to first order. By all gates: the same of their
    difference. Boxcar: offset and scale are those
    of the off spectrum for both, so the offset drops out of the difference and the scale multiplies it; the covariance
    is that of independent points. The errors of the calibration of the gates, which all points have in common, are
    added. A spectrum of several runs has its own. Raises ReductionError if a window is not covered.
    """
    if spectrum.covariance is not None:
        return spectrum.covariance
    # The errors of a spectrum are those of its points before offset and scale, so the operator of the recipe turns them
    # into the covariance after it.
    common = spectrum.common.T @ spectrum.common if spectrum.common.size else 0.0
    if spectrum.metadata.mode == "boxcar":
        return np.asarray(np.diag(spectrum.sigma**2 - np.diag(np.atleast_2d(common))) + common)
    parts = [_correction(spectrum.energy_ev, *curve, windows) for curve in _independent_curves(spectrum)]
    half = np.hstack([part.columns for part in parts]) @ np.vstack([part.rows for part in parts])
    covariance = half + half.T + common
    covariance[np.diag_indices_from(covariance)] += sum(part.variance for part in parts)
    return np.asarray(covariance)


def _independent_curves(spectrum: Spectrum) -> list[tuple[FloatArray, FloatArray]]:
    """Return the curves, (points,), whose points have independent errors before offset and scale, and these errors."""
    if spectrum.metadata.reference != "all gates":
        return [(spectrum.on, spectrum.on_sigma), (spectrum.off, spectrum.off_sigma)]
    # The estimate of the pumped signal contains the unpumped gate, so only the errors of their difference are
    # independent. Both curves are nearly the same, and so is what offset and scale do to their errors.
    own = spectrum.sigma**2 - (np.sum(spectrum.common**2, axis=0) if spectrum.common.size else 0.0)
    return [(spectrum.off, np.sqrt(own.clip(min=0.0)))]


class ShapeComparison(NamedTuple):
    """Second transient = `scale` x first: scale, chi-square of the difference, and its probability by chance.

    With a `p_value` below 0.001 the shapes differ.
    """

    scale: Value
    chi_square: float
    degrees_of_freedom: int
    p_value: float


def compare_shapes(first: Spectrum, second: Spectrum) -> ShapeComparison:
    """Return the fit of `second` = a x `first` + b x static + c, with the errors of both, and how well it fits.

    Cost: sum of (t2 - a t1 - b s - c)^2 / (sigma2^2 + a^2 sigma1^2), which is the likelihood after the unknown true
    shape has been eliminated. b and c are left free by the recipes: c is the error of the pre-edge offsets, b that of
    the scales, and the multiple of the static spectrum that the SPC recipe subtracts. The error of a is the distance at
    which the cost has risen by 1. Raises ReductionError for different points, or if the first shows no signal.
    """
    if first.transient.shape != second.transient.shape:
        raise ReductionError(
            f"The transients have {first.transient.size} and {second.transient.size} points. Compare scans on the "
            f"same grid."
        )
    # Three parameters, one of which is not linear. For a given scale the weights are known, so b and c follow from
    # linear least squares; what remains is a function of the scale alone, which is minimised.
    nuisances = np.column_stack([first.off, np.ones_like(first.off)])

    def cost(scale: float) -> float:
        """Return chi-square of the two transients at a `scale`; both have the shape (points,)."""
        weight = 1.0 / np.hypot(second.sigma, scale * first.sigma)
        design = nuisances * weight[:, None]
        left = (second.transient - scale * first.transient) * weight
        fit, *_ = np.linalg.lstsq(design, left, rcond=None)
        return float(np.sum((left - design @ fit) ** 2))

    scale = _minimum(cost, first, second)
    chi_square = cost(scale.value)
    freedom = first.transient.size - 3
    return ShapeComparison(scale, chi_square, freedom, chi_square_tail(chi_square, freedom))


class AreaWithoutNoise(NamedTuple):
    """Absolute area of a transient, as published and without the excess that noise gives; no unit.

    `raw`: sum of |transient|, with its statistical error. `excess`: the part expected from noise. `projected`: the area
    with the signs of another transient, which noise does not increase.
    """

    raw: Value
    excess: float
    projected: Value

    @property
    def inverse_raw(self) -> Value:
        """1 / raw, without unit: the paper's scaling factor."""
        return _inverse(self.raw)

    @property
    def inverse_projected(self) -> Value:
        """1 / projected, without unit; infinite if that is not above 0."""
        return _inverse(self.projected)


def area_without_noise(spectrum: Spectrum, windows: EnergyWindows, signs_of: Spectrum) -> AreaWithoutNoise:
    """Return the absolute area under a transient in the normalisation of SI 4, with and without noise.

    The paper's factors x155, x363, x976 are inverse absolute areas of transients that SI 4 scales by the edge integral
    of the unpumped spectrum (unit 1/eV, so that the area has none). This reading is inferred: with spectra of
    post-edge height 1 the same transient has an area of about 0.3 eV, the inverse of which is 3. The factors depend on
    the limits of the edge integral, `edge_integral_ev` here, which the paper does not give; their ratios do not.

    Raw area A = sum w |x|, with trapezoid weights w over the edge integral and x normal with mean m and error s. Each
    term averages E|x| = s sqrt(2/pi) exp(-m^2/2s^2) + m erf(m/(s sqrt 2)) >= |m|: s sqrt(2/pi) where there is no
    signal, |m| where it is well above its error. The excess sum w (E|x| - |m|) never averages out with more points.

    Without it: P = sum w sign(y) x, where y is a transient of the same form measured independently (the paper: the
    form does not change with delay). E(P) = sum w |m| erf(|m_y|/(s_y sqrt 2)): points without signal contribute 0
    instead of s sqrt(2/pi), and where y has the wrong sign by chance |m| is small. That loses 1 % of a Br transient at
    the paper's statistics with the signs of one as good, 3 % with those of one three times weaker (300 simulated
    spectra). Both errors contain the covariance C of `transient_covariance`, as offset and scale of an SPC spectrum
    move all points together: sqrt(w s C s w) for P with signs s. In A each point counts by the share of its value that
    keeps its sign, erf(|m|/(s sqrt 2)), to first order in the correlation. `excess` takes m as y, scaled to x, and as 0
    where y is within two errors of it: noise in m would hide the excess where there is no signal. `signs_of` must be
    another run: with the spectrum's own noise in the signs the excess returns. Raises ReductionError for other points
    or no edge.
    """
    if spectrum.transient.shape != signs_of.transient.shape:
        raise ReductionError(
            f"The transients have {spectrum.transient.size} and {signs_of.transient.size} points. Use the same grid."
        )
    value = spectrum.transient
    sigma = spectrum.sigma
    reference = signs_of.transient
    weight = trapezoid_weights(spectrum.energy_ev) / _unpumped_edge_integral(spectrum, windows)
    # The best guess of the mean m: the other transient where it is seen, scaled to this one by weighted least squares.
    seen = np.where(np.abs(reference) > _SEEN_SIGMAS * signs_of.sigma, reference, 0.0)
    mean = seen * float(np.sum(value * seen / sigma**2) / max(np.sum((seen / sigma) ** 2), _TINY))
    of_noise = expected_absolute(mean, sigma)
    # var |x| = m^2 + s^2 - (E|x|)^2 for each point. The covariance of |x| and |y| is that of x and y times the means of
    # their signs, to first order (Price's theorem); what differs from independent points is added in this way.
    covariance = transient_covariance(spectrum, windows)
    signed = weight * np.sign(mean) * scipy.special.erf(np.abs(mean) / (sigma * math.sqrt(2)))
    shared = float(signed @ (covariance - np.diag(sigma**2)) @ signed)
    alone = float(np.sum(weight**2 * (mean**2 + sigma**2 - of_noise**2)))
    # The shared part may be negative, where an offset takes out what points have in common, but the sum never is 0.
    raw_sigma = np.sqrt(max(alone + shared, _LEAST_SHARE * alone))
    projected_sigma = np.sqrt(float((weight * np.sign(reference)) @ covariance @ (weight * np.sign(reference))))
    return AreaWithoutNoise(
        raw=Value(float(weight @ np.abs(value)), float(raw_sigma)),
        excess=float(weight @ (of_noise - np.abs(mean))),
        projected=Value(float(weight @ (np.sign(reference) * value)), float(projected_sigma)),
    )


def _unpumped_edge_integral(spectrum: Spectrum, windows: EnergyWindows) -> float:
    inside = points_within(spectrum.energy_ev, windows.edge_integral_ev, "edge-integral", at_least=2)
    return edge_integral(spectrum.energy_ev[inside], spectrum.off[inside])


def expected_absolute(mean: FloatArray, sigma: FloatArray) -> FloatArray:
    """Return the average of |x| for normal x, (points,), in the unit of `mean` and `sigma`.

    sigma sqrt(2/pi) exp(-mean^2 / 2 sigma^2) + mean erf(mean / (sigma sqrt 2)), the mean of the folded normal
    distribution (Leone, Nelson and Nottingham, Technometrics 3, 543 (1961)).
    """
    reduced = np.abs(mean) / sigma
    gaussian = math.sqrt(2 / math.pi) * np.exp(-(reduced**2) / 2)
    return np.asarray(sigma * (gaussian + reduced * scipy.special.erf(reduced / math.sqrt(2))))


class _Correction(NamedTuple):
    """Change of the covariance of one curve by its offset and scale: `columns` @ `rows` and its transpose.

    `columns` (points, 2) and `rows` (2, points); `variance` (points,) is that of its points alone.
    """

    variance: FloatArray
    columns: FloatArray
    rows: FloatArray


def _correction(energy_ev: FloatArray, value: FloatArray, sigma: FloatArray, windows: EnergyWindows) -> _Correction:
    """Return the parts of the covariance of an offset and scaled curve, (points,), from the errors of its points."""
    # The operator of the recipe is A = 1 - U V, with the columns 1 and v in U and the rows of offset and scale in V, so
    # A D A' = D - U (V D) - (V D)' U' + U (V D V') U', without a product of two full matrices: a window needs it in
    # each frame.
    parts = normalisation_parts(energy_ev, value, windows)
    inside = points_within(energy_ev, windows.edge_integral_ev, "edge-integral", at_least=2)
    variance = (sigma * edge_integral(energy_ev[inside], value[inside]) / parts.integral) ** 2
    columns = np.stack([np.ones_like(value), parts.value], axis=1)
    rows = np.stack([parts.offset, parts.scale])
    moved = rows * variance
    return _Correction(variance, columns, 0.5 * (moved @ rows.T) @ columns.T - moved)


def _minimum(cost: Callable[[float], float], first: Spectrum, second: Spectrum) -> Value:
    """Return the scale of least cost, and as its error the mean distance at which the cost has risen by 1."""
    # The cost can have a second minimum far out, where the errors of the first transient, scaled up, explain
    # everything. So a grid over three times the ratio of the largest values comes first, then a bounded search around
    # its best point. If the cost has not risen by 1 at twice that range, the scale is not bounded: the first transient
    # is only noise.
    limit = 3.0 * float(np.abs(second.transient).max() / np.abs(first.transient).max())
    grid = np.linspace(-limit, limit, _STARTS)
    best = int(np.clip(np.argmin([cost(float(scale)) for scale in grid]), 1, _STARTS - 2))
    bounds = (float(grid[best - 1]), float(grid[best + 1]))
    found = float(
        scipy.optimize.minimize_scalar(cost, bounds=bounds, method="bounded", options={"xatol": 1e-9 * limit}).x
    )
    least = cost(found)
    if min(cost(2 * limit), cost(-2 * limit)) < least + 1.0:
        raise ReductionError("The first transient shows no signal, so none can be compared with it. Count longer.")
    errors = [
        abs(scipy.optimize.brentq(lambda a: cost(a) - least - 1.0, found, end) - found)
        for end in (-2 * limit, 2 * limit)
    ]
    return Value(found, sum(errors) / 2)


def _inverse(area: Value) -> Value:
    if area.value <= 0:
        return Value(math.inf, math.inf)
    return Value(1.0 / area.value, area.sigma / area.value**2)
