"""Diffusivity from a whole map: one Poisson maximum-likelihood fit of all places and delays.

The number of photons that place i registers in channel k is Poisson with the mean

    mu_ik = E_ik { f_i [a_k g(d_i; v_k) + F h_k g(d_i; w)] + b },    v_k = s0^2 + 2 D t_k.

E_ik are the pulses that had not registered a photon before (pile-up); a_k is the light at the centre, free in every
channel; g is a Gaussian of variance v; t_k is when the light was emitted, so the response is accounted for. F h_k is
what earlier pulses left, with a shape of its own of variance w, and b the flat background; both are determined by the
channels before the pulse. The centre moves, and the light fades, linearly with the number of the exposure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.tplm.decay import DecayCurve, prompt_lifetime_ns
from reduction.tplm.response import emission_time_ns
from reduction.tplm.windows import FREE_UNTIL_NS, RISE_NS, Block, block_of, channels_of
from reduction.values import Value

if TYPE_CHECKING:
    from reduction.tplm.map_sums import Exposures
    from reduction.tplm.metadata import MapMetadata
    from reduction.types import FloatArray

NM2_PER_NS = 1e5
"""1 cm2/s in nm2/ns."""

GUESSED_LIFETIME_NS = 2.0
"""Lifetime by which delays become times of emission: a wrong one shifts all by some ps, which s0^2 takes up."""

LEAST_PLACES = 6
"""Places from which width, centre and background can be fitted."""

LEAST_PHOTONS = 100
"""Photons after the pulse, above the background, from which a map is fitted."""

PARAMETERS = ("diffusivity", "start", "centre", "drift", "fading", "left", "left_width", "background")
"""Common parameters of the fit in their order: cm2/s, nm2, nm, nm, 1, photons per pulse, nm2, photons per pulse."""

MOST_STEPS = 60
CONVERGED = 1e-4
"""Change of every common parameter, in errors, below which the fit ends."""

WIDTH_PRIOR = 0.5
"""Relative uncertainty of the width of what earlier pulses left, before its channels are looked at."""


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """Places along the line, nm, and the number of each exposure scaled to -0.5 to 0.5; (exposures,) each."""

    x_nm: FloatArray
    order: FloatArray

    @classmethod
    def of(cls, seen: Exposures, axis: str) -> Geometry:
        """Return places and order of a map; raises ReductionError for fewer places than the fit has use for."""
        x_nm = 1e3 * seen[axis]
        different = len(np.unique(np.round(x_nm, 1)))
        if different < LEAST_PLACES:
            raise ReductionError(f"The map has {different} of {LEAST_PLACES} places that a width needs. Wait for more.")
        return cls(x_nm=x_nm, order=(np.arange(len(x_nm)) + 0.5) / len(x_nm) - 0.5)


@dataclass(frozen=True, kw_only=True)
class MapData:
    """What the fit is made to: the prompt channels, the sum of those before the pulse, and places.

    `time_ns` (channels,) is when the light of a prompt channel was emitted; `left` (channels,) is h of the model.
    """

    geometry: Geometry
    prompt: Block
    before: Block
    time_ns: FloatArray
    left: FloatArray


@dataclass(frozen=True, kw_only=True)
class MapFit:
    """Result of the fit.

    `common` are the values of `PARAMETERS`, `light` (channels,) the photons per pulse at the centre; `covariance` is
    that of the common parameters followed by the light. `delay_ns` and `time_ns` (channels,) belong to the light.
    `chi_square` with `degrees_of_freedom` compares counts with the model in groups of channels.
    """

    common: FloatArray
    light: FloatArray
    covariance: FloatArray
    delay_ns: FloatArray
    time_ns: FloatArray
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
        """Variance of the image in every channel, nm2, (channels,)."""
        return np.asarray(self.common[1] + 2 * NM2_PER_NS * self.common[0] * self.time_ns)

    def lifetime_ns(self, metadata: MapMetadata) -> Value:
        """Return the lifetime of the prompt light of the whole image, ns; raises ReductionError if there is none."""
        # Light at the centre becomes that of the whole image by the area of the image, which grows with the variance.
        area = self.variance_nm2 / self.common[1]
        slopes = np.zeros((len(self.light), len(self.covariance)))
        slopes[:, 0] = self.light * 2 * NM2_PER_NS * self.time_ns / self.common[1]
        slopes[:, 1] = self.light * (1 - area) / self.common[1]
        slopes[:, len(PARAMETERS) :] = np.diag(area)
        covariance = slopes @ self.covariance @ slopes.T
        curve = DecayCurve(delay_ns=self.delay_ns, light=self.light * area, sigma=np.sqrt(np.diag(covariance)))
        return prompt_lifetime_ns(curve, metadata.response, covariance)


def map_data(seen: Exposures, metadata: MapMetadata) -> MapData:
    """Return what a map is fitted to, delays up to 3 ns; raises ReductionError if the map is too small."""
    geometry = Geometry.of(seen, metadata.line_axis)
    channels = channels_of(metadata, seen.mean("repetition_rate_mhz"))
    prompt = block_of(seen, metadata, channels, channels.between(-RISE_NS, FREE_UNTIL_NS))
    before = block_of(seen, metadata, channels, np.flatnonzero(channels.before_pulse()))
    summed = Block(
        counts=before.counts.sum(axis=1, keepdims=True),
        open_pulses=before.open_pulses.sum(axis=1, keepdims=True),
        delay_ns=np.zeros(1),
    )
    return MapData(
        geometry=geometry,
        prompt=prompt,
        before=summed,
        time_ns=emission_time_ns(prompt.delay_ns, GUESSED_LIFETIME_NS, metadata.response),
        left=channels.left_by_earlier(prompt.delay_ns),
    )


def fit_map(seen: Exposures, metadata: MapMetadata) -> MapFit:
    """Return the maximum-likelihood fit of a map; raises ReductionError if there is too little light or no maximum."""
    data = map_data(seen, metadata)
    first = _maximum(data, _start(data))
    # Where it decays faster, light of a channel was emitted later on average, so the fit is repeated with its lifetime.
    time_ns = emission_time_ns(data.prompt.delay_ns, first.lifetime_ns(metadata).value, metadata.response)
    data = replace(data, time_ns=time_ns)
    return _maximum(data, _State(common=first.common, light=first.light))


def expected_error(fit: MapFit, seen: Exposures, metadata: MapMetadata, planned_x_um: FloatArray) -> float:
    """Return the error of the diffusivity, cm2/s, at the end of a map over the planned places, (exposures,).

    By the Fisher information of the fitted model at those places, at the mean number of pulses of the exposures so
    far. Raises ReductionError if the places do not determine it.
    """
    data = map_data(seen, metadata)
    number = len(planned_x_um)
    geometry = Geometry(x_nm=1e3 * planned_x_um, order=(np.arange(number) + 0.5) / number - 0.5)

    def planned(block: Block) -> Block:
        pulses = np.broadcast_to(block.open_pulses.mean(axis=0), (number, block.open_pulses.shape[1]))
        return Block(counts=np.zeros_like(pulses), open_pulses=pulses, delay_ns=block.delay_ns)

    data = replace(data, geometry=geometry, prompt=planned(data.prompt), before=planned(data.before))
    sigma = _result(data, _State(common=fit.common, light=fit.light)).diffusivity_cm2_s.sigma
    if not sigma > 0:
        raise ReductionError("The planned places do not determine the diffusivity. Plan more, on both sides.")
    return sigma


def _maximum(data: MapData, state: _State) -> MapFit:
    state = replace(state, likelihood=_likelihood(data, state))
    for _ in range(MOST_STEPS):
        state, moved = _step(data, state)
        if moved < CONVERGED:
            return _result(data, state)
    raise ReductionError(
        "The likelihood of the map has no maximum that the fit could find. Check that the places cover the whole image."
    )


@dataclass(frozen=True, kw_only=True)
class _State:
    common: FloatArray
    light: FloatArray
    likelihood: float = -np.inf


@dataclass(frozen=True, kw_only=True)
class _Model:
    """Mean counts (exposures, channels), and their derivatives by common parameters (last axis) and by the light.

    The last channel is the sum of those before the pulse, which has no light of its own.
    """

    mean: FloatArray
    by_common: FloatArray
    by_light: FloatArray


def _start(data: MapData) -> _State:
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
    return _State(common=common, light=np.maximum(per_channel - dark, floor))


def _model(data: MapData, state: _State) -> _Model:
    diffusivity, start, centre, drift, fading, left, left_width, background = state.common
    order = data.geometry.order[:, np.newaxis]
    distance = data.geometry.x_nm[:, np.newaxis] - centre - drift * order
    # The last column stands for all channels before the pulse: no light of this pulse, and h = 1.
    variance = np.append(start + 2 * NM2_PER_NS * diffusivity * data.time_ns, start)
    spread = np.append(2 * NM2_PER_NS * data.time_ns, 0.0)
    light = np.append(state.light, 0.0)
    remains = left * np.append(data.left, 1.0)
    bright = np.exp(fading * order)
    shape = bright * np.exp(-(distance**2) / (2 * variance))
    wide = bright * np.exp(-(distance**2) / (2 * left_width))
    pulses = np.concatenate([data.prompt.open_pulses, data.before.open_pulses], axis=1)
    seen, rest = light * shape, remains * wide
    by_variance = seen * distance**2 / (2 * variance**2)
    by_centre = seen * distance / variance + rest * distance / left_width
    parts = (
        by_variance * spread, by_variance, by_centre, by_centre * order, (seen + rest) * order,
        wide * np.append(data.left, 1.0), rest * distance**2 / (2 * left_width**2), np.ones_like(seen),
    )  # fmt: skip
    return _Model(
        mean=np.maximum(pulses * (seen + rest + background), 1e-12),
        by_common=np.stack([pulses * part for part in parts], axis=-1),
        by_light=(pulses * shape)[:, :-1],
    )


def _counts(data: MapData) -> FloatArray:
    return np.concatenate([data.prompt.counts, data.before.counts], axis=1)


def _likelihood(data: MapData, state: _State) -> float:
    if state.common[1] + 2 * NM2_PER_NS * state.common[0] * data.time_ns.max() <= 0 or state.common[1] <= 0:
        return -np.inf
    mean = _model(data, state).mean
    prior = -0.5 * (_width_surplus(state) / WIDTH_PRIOR) ** 2
    return float((_counts(data) * np.log(mean) - mean).sum() + prior)


def _width_surplus(state: _State) -> float:
    return float(state.common[6] / (1.3 * state.common[1]) - 1)


def _step(data: MapData, state: _State) -> tuple[_State, float]:
    """Return the state after one step of Fisher scoring, and how far it went in errors."""
    model = _model(data, state)
    residual = _counts(data) - model.mean
    score, light_score, matrix, cross, own = _equations(state, model, residual)
    # The light of every channel is coupled to the common parameters only, so it is eliminated first (Schur complement):
    # 8 equations instead of 200.
    reduced = matrix - (cross / own[:, np.newaxis]).T @ cross
    pull = score - cross.T @ (light_score / own)
    scale = 1 / np.sqrt(np.maximum(np.diag(reduced), 1e-300))
    step = scale * np.linalg.lstsq(reduced * np.outer(scale, scale), pull * scale, rcond=1e-10)[0]
    light_step = (light_score - cross @ step) / own
    errors = np.sqrt(np.maximum(np.diag(np.linalg.pinv(reduced * np.outer(scale, scale))), 0)) * scale
    for shorter in (1.0, 0.5, 0.2, 0.05, 0.01):
        tried = _State(
            common=state.common + shorter * step, light=np.maximum(state.light + shorter * light_step, 1e-15)
        )
        tried.common[6] = np.clip(tried.common[6], 0.3 * abs(tried.common[1]), 10 * abs(tried.common[1]))
        likelihood = _likelihood(data, tried)
        if likelihood >= state.likelihood - 1e-6:
            return replace(tried, likelihood=likelihood), float(np.max(np.abs(step) / np.maximum(errors, 1e-300)))
    return state, 0.0


def _equations(
    state: _State, model: _Model, residual: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return score of common parameters and light, and the Fisher information: common, cross, and light's diagonal."""
    weight = 1 / model.mean
    flat = model.by_common.reshape(-1, len(PARAMETERS))
    score = flat.T @ (residual * weight).ravel()
    matrix = flat.T @ (flat * weight.reshape(-1, 1))
    prior = (WIDTH_PRIOR * 1.3 * state.common[1]) ** -2
    score[6] -= _width_surplus(state) * 1.3 * state.common[1] * prior
    matrix[6, 6] += prior
    prompt_weight = weight[:, :-1]
    light_score = (model.by_light * residual[:, :-1] * prompt_weight).sum(axis=0)
    cross = np.einsum("ik,ikp->kp", model.by_light * prompt_weight, model.by_common[:, :-1])
    own = np.maximum((model.by_light**2 * prompt_weight).sum(axis=0), 1e-300)
    return score, light_score, matrix, cross, own


def _result(data: MapData, state: _State) -> MapFit:
    model = _model(data, state)
    _, _, matrix, cross, own = _equations(state, model, _counts(data) - model.mean)
    reduced = matrix - (cross / own[:, np.newaxis]).T @ cross
    scale = 1 / np.sqrt(np.maximum(np.diag(reduced), 1e-300))
    common = np.linalg.pinv(reduced * np.outer(scale, scale)) * np.outer(scale, scale)
    towards = cross / own[:, np.newaxis]
    light = np.diag(1 / own) + towards @ common @ towards.T
    between = -common @ towards.T
    chi_square, freedom = _misfit(data, model)
    return MapFit(
        common=state.common,
        light=state.light,
        covariance=np.block([[common, between], [between.T, light]]),
        delay_ns=data.prompt.delay_ns,
        time_ns=data.time_ns,
        chi_square=chi_square,
        degrees_of_freedom=freedom,
    )


def _misfit(data: MapData, model: _Model) -> tuple[float, int]:
    """Return Pearson's chi-square in groups of eight channels, and its degrees of freedom."""
    starts = np.arange(0, model.mean.shape[1] - 1, 8)
    mean = np.add.reduceat(model.mean[:, :-1], starts, axis=1)
    counts = np.add.reduceat(data.prompt.counts, starts, axis=1)
    enough = mean > 5
    freedom = int(enough.sum()) - len(starts) - len(PARAMETERS)
    return float(((counts - mean) ** 2 / mean)[enough].sum()), freedom
