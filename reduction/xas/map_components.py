"""Singular values of a map, compared with those of its noise: how many independent components the data hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.run_kind import RunResults
from reduction.xas.singular_noise import RANKS, noise_levels
from reduction.xas.transient_map import change_by_pump

if TYPE_CHECKING:
    from reduction.timing import Timing
    from reduction.types import BoolArray, FloatArray, IntArray
    from reduction.xas.transient_map import TransientMap

_FEWEST = 3


@dataclass(frozen=True, kw_only=True)
class MapComponents(RunResults):
    """Singular values of an energy x delay map in units of its errors, from large to small, (values,).

    `noise` (values,) is the level that noise alone exceeds in 1 % of maps, if all larger components are real.
    `spectra` (values, energies) and `traces` (values, delays) are the singular vectors in the scale of the map; their
    sign, and any mixture of them, has no meaning of its own. `energy_ev` and `delay_ps` are those of complete rows
    and columns.
    """

    energy_ev: FloatArray
    delay_ps: FloatArray
    singular_values: FloatArray
    noise: FloatArray
    spectra: FloatArray
    traces: FloatArray

    @property
    def significant(self) -> int:
        """Number of components above the noise, counted from the largest to the first that is not."""
        below = np.flatnonzero(self.singular_values <= self.noise)
        return int(below[0]) if below.size else self.singular_values.size

    def lines(self) -> list[str]:
        """Return the number of significant components, and the largest singular values with their noise level."""
        pairs = zip(self.singular_values[:RANKS], self.noise[:RANKS], strict=True)
        values = ", ".join(f"{value:.1f} ({noise:.1f})" for value, noise in pairs)
        return [
            f"{'significant components':<22} {self.significant} above the level of noise",
            f"{'  singular values':<22} {values}, in brackets the level of noise",
        ]


def map_components(measured: TransientMap, timing: Timing) -> MapComponents:
    """Return the singular values of an energy x delay map with the level of its noise.

    Rows and columns are scaled by the errors, so that all points have errors near 1; a constant, as gates differ by
    one, is subtracted by the delays before the pump. The level comes from drawn maps of noise that
    are treated alike. Raises ReductionError for other axes, or with fewer than 3 complete energies or delays.
    """
    table = measured.by_energy()
    logarithm = change_by_pump(table, timing)
    energies, delays = _complete(np.isfinite(logarithm))
    logarithm, sigma = (values[np.ix_(energies, delays)] for values in (logarithm, table.total_sigma))
    # The ratio is a sum of spectra times traces, its logarithm only nearly: squares of strong signals would be further
    # components.
    change = np.expm1(logarithm)
    sigma = sigma * (1.0 + change)
    # A product of two factors per point leaves the rank of the map as it is; the errors are nearly such a product, as
    # the photons depend on the energy and the time on the delay.
    sizes = np.log(sigma)
    row = np.exp(sizes.mean(axis=1) - sizes.mean() / 2.0)
    column = np.exp(sizes.mean(axis=0) - sizes.mean() / 2.0)
    scale = np.outer(row, column)
    left, values, right = np.linalg.svd(change / scale, full_matrices=False)
    delay_ps = table.columns[delays]
    early = timing.delay_of(timing.pumped_probe, 0.0) + delay_ps < -2.0 * timing.irf_sigma_ps
    noise = noise_levels(sigma, scale, early if measured.efficiency is None else None)
    return MapComponents(
        kind="components of a map",
        energy_ev=table.rows[energies],
        delay_ps=delay_ps,
        singular_values=values,
        noise=noise,
        spectra=left.T * row,
        traces=values[:, None] * right * column,
    )


def _complete(measured: BoolArray) -> tuple[IntArray, IntArray]:
    """Return the energies and delays, as indices, whose points were all measured; a map may be unfinished."""
    energies = np.flatnonzero(measured.mean(axis=1) > 0.5)
    if energies.size:
        delays = np.flatnonzero(measured[energies].mean(axis=0) > 0.5)
        energies = energies[measured[np.ix_(energies, delays)].all(axis=1)]
    else:
        delays = energies
    if min(energies.size, delays.size) < _FEWEST:
        raise ReductionError(
            f"The map has {energies.size} complete energies at {delays.size} delays; singular values need at least "
            f"{_FEWEST} of each. Wait for the map."
        )
    return energies, delays
