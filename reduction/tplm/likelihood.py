"""Diffusivity from a whole map: one Poisson maximum-likelihood fit of all places and delays, by `map_model`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.tplm.decay import DecayCurve, prompt_lifetime
from reduction.tplm.map_model import (
    NM2_PER_NS,
    PARAMETERS,
    SHORTER_STEPS,
    MapData,
    MapGeometry,
    Model,
    State,
    equations,
    left_spread_of,
    log_likelihood,
    map_data,
    model_of,
    moved_by,
)
from reduction.tplm.response import EmissionTimes, emission_times
from reduction.values import Value

if TYPE_CHECKING:
    from reduction.tplm.map_sums import Exposures
    from reduction.tplm.metadata import MapMetadata
    from reduction.tplm.windows import Block
    from reduction.types import FloatArray

LEAST_PHOTONS = 100
"""Photons after the pulse, above the background, from which a map is fitted."""

MOST_STEPS = 60
CONVERGED = 1e-4
"""Change of every common parameter, in errors, below which the fit ends."""

CREEPS = 1e-3
"""Change that is accepted after the last step: a half-finished map couples width and fading, and converges slowly."""


@dataclass(frozen=True, kw_only=True)
class MapFit:
    """Result of the fit.

    `common` are the values of `PARAMETERS`, `light` (channels,) the photons per pulse at the centre; `covariance` is
    that of the common parameters followed by the light. `delay_ns` and `emitted` (channels,) belong to the light;
    `left_spread` is that of the data.
    `chi_square` with `degrees_of_freedom` compares counts with the model in groups of channels.
    """

    common: FloatArray
    light: FloatArray
    covariance: FloatArray
    delay_ns: FloatArray
    emitted: EmissionTimes
    left_spread: float
    chi_square: float
    degrees_of_freedom: int

    def value(self, name: str) -> Value:
        """Return a common parameter with its error, in the unit of `PARAMETERS`."""
        place = PARAMETERS.index(name)
        return Value(float(self.common[place]), float(np.sqrt(self.covariance[place, place])))

    @property
    def diffusivity_cm2_s(self) -> Value:
        """Diffusivity of the free excitons, cm2/s; below 0 where noise has narrowed the image."""
        return self.value("diffusivity")

    @property
    def variance_nm2(self) -> FloatArray:
        """Mean variance of the image in every channel, nm2, (channels,)."""
        return np.asarray(self.common[1] + 2 * NM2_PER_NS * self.common[0] * self.emitted.mean_ns)

    def lifetime_ns(self, metadata: MapMetadata) -> Value:
        """Return the lifetime of the prompt light of the whole image, ns; raises ReductionError if there is none."""
        lifetime_ns, slopes = self._lifetime(metadata)
        return Value(lifetime_ns, float(np.sqrt(slopes @ self.covariance @ slopes)))

    def lifetime_correlation(self, metadata: MapMetadata) -> float:
        """Return the correlation, -1 to 1, of the counting errors of diffusivity and lifetime.

        Raises ReductionError if there is no lifetime.
        """
        # The light at the centre is what is counted, and the diffusivity says how much of it has left: a map whose
        # counts give too much of one gives too much of the other.
        _, slopes = self._lifetime(metadata)
        both = slopes @ self.covariance
        return float(both[0] / np.sqrt((both @ slopes) * self.covariance[0, 0]))

    def longer_beside_ns(self, metadata: MapMetadata, beside_nm: float) -> float:
        """Return by how much the lifetime is too long, ns, if the line is `beside_nm` beside the centre of the image.

        Raises ReductionError if there is no lifetime.
        """
        return self._lifetime(metadata)[0] - self._lifetime(metadata, beside_nm)[0]

    def _lifetime(self, metadata: MapMetadata, beside_nm: float = 0.0) -> tuple[float, FloatArray]:
        """Return the lifetime, ns, and its derivatives with respect to the common parameters, then the light."""
        # Light at the centre becomes that of the whole image by the area of the image, which grows with the variance.
        # Beside the centre, at a distance d, the light of a round image has the factor exp(-d^2 / 2v), which grows too.
        area = self.variance_nm2 / self.common[1]
        area = area * np.exp(beside_nm**2 / 2 * (1 / self.variance_nm2 - 1 / self.common[1]))
        slopes = np.zeros((len(self.light), len(self.covariance)))
        slopes[:, 0] = self.light * 2 * NM2_PER_NS * self.emitted.mean_ns / self.common[1]
        slopes[:, 1] = self.light * (1 - area) / self.common[1]
        slopes[:, len(PARAMETERS) :] = np.diag(area)
        # The weights of the lifetime's fit are the errors of single delays.
        sigma = np.sqrt(((slopes @ self.covariance) * slopes).sum(axis=1))
        curve = DecayCurve(delay_ns=self.delay_ns, light=self.light * area, sigma=sigma)
        found = prompt_lifetime(curve, metadata.response)
        return found.value_ns, found.by_light @ slopes


def fit_map(seen: Exposures, metadata: MapMetadata) -> MapFit:
    """Return the maximum-likelihood fit of a map; raises ReductionError if there is too little light or no maximum."""
    data = map_data(seen, metadata)
    first = _maximum(data, _start(data))
    # Where it decays faster, light of a channel was emitted later on average, so the fit is repeated with its lifetime.
    lifetime_ns = first.lifetime_ns(metadata).value
    emitted = emission_times(data.prompt.delay_ns, lifetime_ns, metadata.response, width_ns=data.prompt.width_ns)
    return refitted(first, replace(data, emitted=emitted, left_spread=left_spread_of(first.common)))


def data_of(fit: MapFit, seen: Exposures, metadata: MapMetadata) -> MapData:
    """Return what a map was fitted to, with the emission times and the mixture of widths that the fit has found."""
    return replace(map_data(seen, metadata), emitted=fit.emitted, left_spread=fit.left_spread)


def refitted(fit: MapFit, data: MapData) -> MapFit:
    """Return the fit to other data of the same channels, begun at `fit`; raises ReductionError without a maximum."""
    return _maximum(data, State(common=fit.common, light=fit.light))


def expected_error(fit: MapFit, seen: Exposures, metadata: MapMetadata, planned_x_um: FloatArray) -> float:
    """Return the error of the diffusivity, cm2/s, at the end of a map over the planned places, (exposures,).

    By the Fisher information of the fitted model at those places, at the mean number of pulses of the exposures so
    far. Raises ReductionError if the places do not determine it.
    """
    data = data_of(fit, seen, metadata)
    number = len(planned_x_um)
    geometry = MapGeometry(x_nm=1e3 * planned_x_um, order=(np.arange(number) + 0.5) / number - 0.5)

    def planned(block: Block) -> Block:
        pulses = np.broadcast_to(block.open_pulses.mean(axis=0), (number, block.open_pulses.shape[1]))
        return replace(block, counts=np.zeros_like(pulses), open_pulses=pulses)

    # The Fisher information depends on the expected counts alone, so the error at the end of a map is known as soon as
    # its light and its width are, before the remaining places are measured.
    data = replace(data, geometry=geometry, prompt=planned(data.prompt), before=planned(data.before))
    sigma = _result(data, State(common=fit.common, light=fit.light)).diffusivity_cm2_s.sigma
    if not sigma > 0:
        raise ReductionError("The planned places do not determine the diffusivity. Plan more, on both sides.")
    return sigma


def _maximum(data: MapData, state: State) -> MapFit:
    state = replace(state, likelihood=log_likelihood(data, state))
    moved = np.inf
    for _ in range(MOST_STEPS):
        state, moved = _step(data, state)
        if moved < CONVERGED:
            break
    if moved < CREEPS:
        return _result(data, state)
    raise ReductionError(
        "The likelihood of the map has no maximum that the fit could find. Check that the places cover the whole image."
    )


def _start(data: MapData) -> State:
    # The start needs no more than to lie in the valley of the maximum: moments of the image for centre and width, the
    # channels before the pulse for the background. A width that is started too large by background in the wings is the
    # usual reason of a fit that runs away, so the background is taken off first.
    total = data.prompt.counts.sum(axis=1)
    pulses = data.prompt.open_pulses.mean(axis=1)
    dark = data.before.counts.sum() / data.before.open_pulses.sum()
    above = total - dark * data.prompt.open_pulses.sum(axis=1)
    if above.sum() < max(LEAST_PHOTONS, 6 * np.sqrt(total.sum())):
        raise ReductionError(
            f"The map has {max(above.sum(), 0):.0f} photons above the background, too few for a width. Check that the "
            "shutter is open, and measure longer."
        )
    light = np.maximum(above, 0.0) / pulses
    x_nm = data.geometry.x_nm
    # Places are weighted by the distance to their neighbours, so that repeats of the centre do not narrow the moments.
    order = np.argsort(x_nm)
    widths = np.empty(len(x_nm))
    widths[order] = np.gradient(x_nm[order])
    weight = light * np.maximum(widths, 0.0)
    centre = float((weight * x_nm).sum() / weight.sum())
    variance = float((weight * (x_nm - centre) ** 2).sum() / weight.sum())
    variance = max(variance, 1e4)
    shape = np.exp(-((x_nm - centre) ** 2) / (2 * variance))
    per_channel = data.prompt.counts.sum(axis=0) / (data.prompt.open_pulses * shape[:, np.newaxis]).sum(axis=0)
    floor = max(float(per_channel.max()) * 1e-5, 1e-12)
    common = np.array([0.01, variance, centre, 0.0, 0.0, dark * 1e-2, 1.3 * variance, 0.5 * dark + 1e-15])
    return State(common=common, light=np.maximum(per_channel - dark, floor))


def _step(data: MapData, state: State) -> tuple[State, float]:
    """Return the state after one step of Fisher scoring, and how far it went in errors."""
    found = equations(data, state)
    reduced = found.reduced
    scale = 1 / np.sqrt(np.maximum(np.diag(reduced), 1e-300))
    step = scale * np.linalg.lstsq(reduced * np.outer(scale, scale), found.pull * scale, rcond=1e-10)[0]
    light_step = found.light_step(step)
    errors = np.sqrt(np.maximum(np.diag(np.linalg.pinv(reduced * np.outer(scale, scale))), 0)) * scale
    for shorter in SHORTER_STEPS:
        tried = moved_by(state, shorter * step, shorter * light_step)
        likelihood = log_likelihood(data, tried)
        if likelihood >= state.likelihood - 1e-6:
            return replace(tried, likelihood=likelihood), float(np.max(np.abs(step) / np.maximum(errors, 1e-300)))
    return state, 0.0


def _result(data: MapData, state: State) -> MapFit:
    found = equations(data, state)
    cross = found.cross
    own = found.own
    reduced = found.reduced
    scale = 1 / np.sqrt(np.maximum(np.diag(reduced), 1e-300))
    common = np.linalg.pinv(reduced * np.outer(scale, scale)) * np.outer(scale, scale)
    towards = cross / own[:, np.newaxis]
    light = np.diag(1 / own) + towards @ common @ towards.T
    between = -common @ towards.T
    chi_square, freedom = _misfit(data, model_of(data, state))
    return MapFit(
        common=state.common,
        light=state.light,
        covariance=np.block([[common, between], [between.T, light]]),
        delay_ns=data.prompt.delay_ns,
        emitted=data.emitted,
        left_spread=data.left_spread,
        chi_square=chi_square,
        degrees_of_freedom=freedom,
    )


def _misfit(data: MapData, model: Model) -> tuple[float, int]:
    """Return Pearson's chi-square in groups of eight channels, and its degrees of freedom."""
    starts = np.arange(0, model.mean.shape[1] - 1, 8)
    mean = np.add.reduceat(model.mean[:, :-1], starts, axis=1)
    counts = np.add.reduceat(data.prompt.counts, starts, axis=1)
    enough = mean > 5
    freedom = int(enough.sum()) - len(starts) - len(PARAMETERS)
    return float(((counts - mean) ** 2 / mean)[enough].sum()), freedom
