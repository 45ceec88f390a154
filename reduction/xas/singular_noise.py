"""Level of the singular values of a map that noise alone exceeds rarely."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from reduction.types import BoolArray, FloatArray

FALSE_ALARM = 0.01
"""Probability that noise alone exceeds the level."""

DRAWS = 10_000
"""Drawn maps of noise of a shape. 100 of them lie above the level, so that the probability is within 10 % as stated."""

COMPARED = 1000
"""Draws that are scaled like the map as well; what this changes is known far better than the level itself."""

RANKS = 6
"""Number of levels that are drawn; smaller singular values get the last level, which is a little too high."""

_SEED = 0


def noise_levels(sigma: FloatArray, scale: FloatArray, early: BoolArray | None) -> FloatArray:
    """Return the level of the k-th singular value of noise, given that the k larger ones are signal, (values,).

    `sigma` and `scale` (energies, delays) are the errors of the map and what it is divided by, in the same unit.
    `early` (delays,) are the delays whose weighted mean is subtracted from the whole map, None if none is.
    """
    # The level is a quantile of draws that are the same for all maps, so an error of the quantile does not average out
    # over many maps: with 1000 draws, of which only 10 lie above the level, 1.8 % of maps had a false component with
    # one seed and 0.6 % with another. Enough draws for every map would take a third of a second. But maps of one shape
    # differ little: nearly all of the level is that of noise with errors of 1, which is drawn once for a shape. The
    # rest is the difference between both in the same draws, whose fluctuations cancel.
    precise, roughly = _levels_of_shape(*sigma.shape)

    def like_the_map(draws: FloatArray) -> FloatArray:
        """Return normal draws with errors, offset and scale of the map, shape (draws, energies, delays)."""
        noise = sigma * draws
        if early is not None and early.any():
            weight = sigma[:, early] ** -2.0
            noise -= ((noise[:, :, early] * weight).sum(axis=(1, 2)) / weight.sum())[:, None, None]
        return np.asarray(noise / scale)

    levels = precise + _drawn_levels(sigma.shape, COMPARED, like_the_map) - roughly
    return np.concatenate([levels, np.full(min(sigma.shape) - levels.size, levels[-1])])


@lru_cache(maxsize=16)
def _levels_of_shape(energies: int, delays: int) -> tuple[FloatArray, FloatArray]:
    """Return the levels of maps of independent noise of error 1, (ranks,), by all draws and by the compared ones."""
    shape = (energies, delays)
    return _drawn_levels(shape, DRAWS, np.asarray), _drawn_levels(shape, COMPARED, np.asarray)


def _drawn_levels(shape: tuple[int, ...], draws: int, prepared: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """Return the levels of the largest ranks, (ranks,), of normal draws that `prepared` has scaled."""
    random = np.random.default_rng(_SEED)
    ranks = range(min(*shape, RANKS))
    largest = np.empty((len(ranks), draws))
    # Parts of equal size keep the memory small, and make the first draws the same for any number of them.
    for begin in range(0, draws, COMPARED):
        noise = prepared(random.standard_normal((COMPARED, *shape)))
        # k real components take k dimensions of both sides; the largest value of noise in the others decides.
        for rank in ranks:
            largest[rank, begin : begin + COMPARED] = _largest_singular_values(noise[:, rank:, rank:])
    return np.asarray(np.quantile(largest, 1.0 - FALSE_ALARM, axis=1))


def _largest_singular_values(maps: FloatArray) -> FloatArray:
    """Return the largest singular value of each map, (maps,)."""
    # The root of the largest eigenvalue of the smaller product with the transpose takes half of the time of a
    # decomposition; its rounding errors matter for small values only.
    turned = np.swapaxes(maps, 1, 2)
    products = maps @ turned if maps.shape[1] <= maps.shape[2] else turned @ maps
    return np.asarray(np.sqrt(np.linalg.eigvalsh(products)[:, -1]))
