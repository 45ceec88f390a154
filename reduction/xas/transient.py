"""Results of the reductions: transient spectra and time traces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from reduction.xas.exposure_pairs import Mode, Reference


@dataclass(frozen=True)
class TransientMetadata:
    """How a transient came about.

    `reference`: "unpumped probe" (of the same pump period) or "laser shutter" (the same probe, laser blocked).
    `delay_ps`: delay of this probe (spectra only); `energy_ev`: where a trace was measured (traces only).
    `scans`: scans that contributed. `offset`: what the offsets between on and off were taken from.
    """

    sample: str
    edge: str
    mode: Mode
    reference: Reference
    probe: int
    scans: int
    offset: str
    delay_ps: float | None = None
    energy_ev: float | None = None


@dataclass(frozen=True)
class Spectrum:
    """Spectra with and without laser and their difference; all arrays (points,), sorted by energy.

    `energy_ev`: mean read-back. `on`, `off`, `transient` = on - off, on the scale on which the off spectrum has a mean
    of 1 in the post-edge window. `on_sigma`, `off_sigma`, `sigma`: standard errors from counting (SPC) or from the
    measured variances (boxcar). `sigma_scatter`: the error that the paper gives for boxcar transients, from the
    scatter of on and off between scans; it holds the jet fluctuations which cancel in the transient, and is None with
    fewer than three scans and for SPC.
    """

    energy_ev: NDArray[np.float64]
    on: NDArray[np.float64]
    on_sigma: NDArray[np.float64]
    off: NDArray[np.float64]
    off_sigma: NDArray[np.float64]
    transient: NDArray[np.float64]
    sigma: NDArray[np.float64]
    sigma_scatter: NDArray[np.float64] | None
    metadata: TransientMetadata


@dataclass(frozen=True)
class Trace:
    """Signal with and without laser against delay, and their difference; arrays (points,), sorted by delay.

    `first_delay_ps`: mean read-back of the first probe's delay; `delay_ps`: delay of this probe. `on`, `off`,
    `transient` = on - off, relative to the mean off signal at this energy. `zero_at_ps`: the first delays at which the
    transient averages zero (may be empty). Sigmas are standard errors from counting.
    """

    first_delay_ps: NDArray[np.float64]
    delay_ps: NDArray[np.float64]
    on: NDArray[np.float64]
    on_sigma: NDArray[np.float64]
    off: NDArray[np.float64]
    off_sigma: NDArray[np.float64]
    transient: NDArray[np.float64]
    sigma: NDArray[np.float64]
    zero_at_ps: NDArray[np.float64]
    metadata: TransientMetadata
