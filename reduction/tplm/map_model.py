"""Model of a whole map: the mean photons of every place and channel, and the equations of their likelihood.

The number of photons that place i registers in channel k is Poisson with the mean

    mu_ik = E_ik { f_i [a_k g(d_i; v_k) + F h_k g(d_i; w)] + b },    v_k = s0^2 + 2 D t_k.

E_ik are the pulses that had not registered a photon before (pile-up); a_k is the light at the centre, free in every
channel; g is a Gaussian of variance v; t_k is when the light was emitted on average, so the response is accounted for.
F h_k is what earlier pulses left, with a shape of its own of variance w, and b the flat background; both are determined
by the channels before the pulse. The centre moves, and the light fades, linearly with the number of the exposure.

The response lets a channel register light that was emitted at different times, so g is a mixture of Gaussians of
different variances. Late in a decay the tail of the response contributes images that are narrower than the mean: a
single Gaussian would lower a diffusivity of 0.14 cm2/s by 0.1 %. The mixture of mean variance v is, by the central
moments m_n of the variances, g (1 + m_2/v^2 L_2(u) - m_3/v^3 L_3(u) + ...) with u = d^2 / 2v and the Laguerre
polynomials L_n. These hold no light: the whole image has that of the Gaussian. Terms to the third order are used.
Excitons that earlier pulses left were trapped after different times, so their image is such a mixture too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.tplm.response import EmissionTimes, emission_times
from reduction.tplm.windows import FREE_UNTIL_NS, RISE_NS, Block, block_of, channels_of

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

PARAMETERS = ("diffusivity", "start", "centre", "drift", "fading", "left", "left_width", "background")
"""Common parameters of the fit in their order: cm2/s, nm2, nm, nm, 1, photons per pulse, nm2, photons per pulse."""

MOST_SPREAD = 0.2
"""Largest squared spread that two terms describe; excitons trapped exponentially have less."""

WIDTH_PRIOR = 0.5
"""Relative uncertainty of the width of the light from earlier pulses, before its channels are fitted."""


@dataclass(frozen=True, kw_only=True)
class MapGeometry:
    """Places along the line, nm, and the number of each exposure scaled to -0.5 to 0.5; (exposures,) each."""

    x_nm: FloatArray
    order: FloatArray

    @classmethod
    def of(cls, seen: Exposures, axis: str) -> MapGeometry:
        """Return places and order of a map; raises ReductionError for fewer places than the fit needs."""
        x_nm = 1e3 * seen[axis]
        different = len(np.unique(np.round(x_nm, 1)))
        if different < LEAST_PLACES:
            raise ReductionError(f"The map has {different} of {LEAST_PLACES} places that a width needs. Wait for more.")
        return cls(x_nm=x_nm, order=(np.arange(len(x_nm)) + 0.5) / len(x_nm) - 0.5)


@dataclass(frozen=True, kw_only=True)
class MapData:
    """Data of the fit: the prompt channels, the sum of those before the pulse, and places.

    `emitted` (channels,) is when the light of a prompt channel was emitted; `left` (channels + 1,) is h of the
    model, its last value that of the sum before the pulse; `left_spread` is the squared relative spread of the
    variances that the light of earlier pulses is a mixture of.
    """

    geometry: MapGeometry
    prompt: Block
    before: Block
    emitted: EmissionTimes
    left: FloatArray
    left_spread: float = 0.0


def map_data(seen: Exposures, metadata: MapMetadata) -> MapData:
    """Return what a map is fitted to, delays up to 3 ns; raises ReductionError if the map is too small."""
    geometry = MapGeometry.of(seen, metadata.line_axis)
    channels = channels_of(metadata, seen.mean("repetition_rate_mhz"))
    prompt = block_of(seen, metadata, channels, channels.between(-RISE_NS, FREE_UNTIL_NS))
    # The channels before the pulse show what is there without it. They are summed, as their light changes little, and
    # enter as one more channel, so that background and leftover light are fitted and not subtracted: subtracted counts
    # are not Poisson numbers.
    before = block_of(seen, metadata, channels, np.flatnonzero(channels.before_pulse()))
    summed = Block(
        counts=before.counts.sum(axis=1, keepdims=True),
        open_pulses=before.open_pulses.sum(axis=1, keepdims=True),
        delay_ns=np.zeros(1),
        width_ns=before.width_ns.sum(keepdims=True),
    )
    return MapData(
        geometry=geometry,
        prompt=prompt,
        before=summed,
        emitted=emission_times(prompt.delay_ns, GUESSED_LIFETIME_NS, metadata.response, width_ns=prompt.width_ns),
        left=np.append(channels.left_by_earlier(prompt.delay_ns), channels.left_by_earlier(before.delay_ns).mean()),
    )


@dataclass(frozen=True, kw_only=True)
class State:
    """A point of the fit: the values of `PARAMETERS` and the light, (channels,), with their log-likelihood."""

    common: FloatArray
    light: FloatArray
    likelihood: float = -np.inf


@dataclass(frozen=True, kw_only=True)
class Model:
    """Mean counts (exposures, channels), and their derivatives: common parameters (last axis) and light.

    The last channel is the sum of those before the pulse, which has no light of its own.
    """

    mean: FloatArray
    by_common: FloatArray
    by_light: FloatArray


def left_spread_of(common: FloatArray) -> float:
    """Return the squared relative spread of the variances of what earlier pulses left, 0 to `MOST_SPREAD`.

    For excitons that are free up to 3 ns and trapped exponentially from there; `common` are the values of `PARAMETERS`.
    """
    # The standard deviation of an exponential distribution is its mean: how much wider the image is than at 3 ns.
    at_end = float(common[1]) + 2 * NM2_PER_NS * float(common[0]) * FREE_UNTIL_NS
    wider = max(1 - at_end / float(common[6]), 0.0)
    return min(wider**2, MOST_SPREAD)


def model_of(data: MapData, state: State) -> Model:
    """Return the mean counts of a map at a state of the fit, with their derivatives."""
    diffusivity, start, centre, drift, fading, left, left_width, background = state.common
    order = data.geometry.order[:, np.newaxis]
    distance = data.geometry.x_nm[:, np.newaxis] - centre - drift * order
    # The last column stands for all channels before the pulse: no light of this pulse.
    time_ns = data.emitted.mean_ns
    variance = np.append(start + 2 * NM2_PER_NS * diffusivity * time_ns, start)
    growth = np.append(2 * NM2_PER_NS * time_ns, 0.0)
    light = np.append(state.light, 0.0)
    remains = left * data.left
    bright = np.exp(fading * order)
    half = distance**2 / (2 * variance)
    gaussian = bright * np.exp(-half)
    # Central moments of the variances, relative to the mean one.
    moved = 2 * NM2_PER_NS * diffusivity / variance
    spread = moved**2 * np.append(data.emitted.spread_ns2, 0.0)
    skew = moved**3 * np.append(data.emitted.skew_ns3, 0.0)
    second = spread * (1 - 2 * half + half**2 / 2)
    third = skew * (1 - 3 * half + 1.5 * half**2 - half**3 / 6)
    shape = gaussian * (1 + second - third)
    # By the logarithm of the diffusivity, and by that of the variance with the opposite sign.
    by_moments = gaussian * (2 * second - 3 * third)
    wide_half = distance**2 / (2 * left_width)
    wide = bright * np.exp(-wide_half) * (1 + data.left_spread * (1 - 2 * wide_half + wide_half**2 / 2))
    by_wide_half = bright * np.exp(-wide_half) * data.left_spread * (wide_half - 2) - wide
    pulses = np.concatenate([data.prompt.open_pulses, data.before.open_pulses], axis=1)
    seen = light * shape
    rest = remains * wide
    # By u = d^2 / 2v, which both the variance and the centre change.
    by_half = light * (gaussian * (spread * (half - 2) + skew * (3 - 3 * half + half**2 / 2)) - shape)
    by_variance = -(by_half * half + light * by_moments) / variance
    by_diffusivity = by_variance * growth + light * by_moments / (diffusivity or 1.0)
    by_centre = -(by_half * distance / variance + remains * by_wide_half * distance / left_width)
    parts = (
        by_diffusivity, by_variance, by_centre, by_centre * order, (seen + rest) * order,
        wide * data.left, -remains * by_wide_half * wide_half / left_width, np.ones_like(seen),
    )  # fmt: skip
    return Model(
        mean=np.maximum(pulses * (seen + rest + background), 1e-12),
        by_common=np.stack([pulses * part for part in parts], axis=-1),
        by_light=(pulses * shape)[:, :-1],
    )


def counted(data: MapData) -> FloatArray:
    """Return the counts that the model describes, shape (exposures, channels).

    Those of the prompt channels, and the sum of the counts before them.
    """
    return np.concatenate([data.prompt.counts, data.before.counts], axis=1)


def log_likelihood(data: MapData, state: State) -> float:
    """Return the logarithm of the likelihood, up to a constant; -inf for a variance that is not above 0 nm2."""
    if state.common[1] + 2 * NM2_PER_NS * state.common[0] * data.emitted.mean_ns.max() <= 0 or state.common[1] <= 0:
        return -np.inf
    mean = model_of(data, state).mean
    prior = -0.5 * (_width_surplus(state) / WIDTH_PRIOR) ** 2
    return float((counted(data) * np.log(mean) - mean).sum() + prior)


def _width_surplus(state: State) -> float:
    return float(state.common[6] / (1.3 * state.common[1]) - 1)


@dataclass(frozen=True, kw_only=True)
class Equations:
    """Score and Fisher information of a map: those of the common parameters, of the light, and between both.

    `score` (8,), `light_score` (channels,), `matrix` (8, 8), `cross` (channels, 8), `own` (channels,): the information
    of the light is diagonal.
    """

    score: FloatArray
    light_score: FloatArray
    matrix: FloatArray
    cross: FloatArray
    own: FloatArray

    @property
    def reduced(self) -> FloatArray:
        """Information on the common parameters with the light free, shape (8, 8)."""
        # The light of every channel is coupled to the common parameters only, so it is eliminated first (Schur
        # complement): 8 equations instead of 200.
        return np.asarray(self.matrix - (self.cross / self.own[:, np.newaxis]).T @ self.cross)

    @property
    def pull(self) -> FloatArray:
        """Score of the common parameters with the light free, (8,)."""
        return np.asarray(self.score - self.cross.T @ (self.light_score / self.own))

    def light_step(self, common_step: FloatArray) -> FloatArray:
        """Return the step of the light that belongs to one of the common parameters, (channels,)."""
        return np.asarray((self.light_score - self.cross @ common_step) / self.own)


def equations(data: MapData, state: State) -> Equations:
    """Return score and Fisher information of a map at a state of the fit."""
    model = model_of(data, state)
    residual = counted(data) - model.mean
    weight = 1 / model.mean
    # Fisher scoring: the expected second derivatives take the place of the true ones. They are never indefinite, so
    # that a step always goes uphill, and their inverse is the covariance at the end.
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
    return Equations(score=score, light_score=light_score, matrix=matrix, cross=cross, own=own)


SHORTER_STEPS = (1.0, 0.5, 0.2, 0.05, 0.01)
"""Shares of a step that are tried until the likelihood does not fall."""


def moved_by(state: State, step: FloatArray, light_step: FloatArray) -> State:
    """Return a state moved by steps of its common parameters and its light, within their limits.

    `step` has the shape (parameters,), `light_step` the shape (channels,).
    """
    moved = State(common=state.common + step, light=np.maximum(state.light + light_step, 1e-15))
    moved.common[6] = np.clip(moved.common[6], 0.3 * abs(moved.common[1]), 10 * abs(moved.common[1]))
    return moved
