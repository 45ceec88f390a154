"""The spectrum of the excited species behind a transient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError

if TYPE_CHECKING:
    from reduction.types import FloatArray
    from reduction.xas.transient import Spectrum, TransientMetadata


@dataclass(frozen=True, kw_only=True)
class ExcitedStateSpectrum:
    """Spectrum of the excited species, on the scale of `Spectrum`; arrays (points,), `sigma` its standard error.

    `fraction` is the excited fraction it was made with; its own error is not in `sigma`.
    """

    energy_ev: FloatArray
    value: FloatArray
    sigma: FloatArray
    fraction: float
    metadata: TransientMetadata


def excited_state_spectrum(spectrum: Spectrum, fraction: float) -> ExcitedStateSpectrum:
    """Return (on - (1 - f) off) / f: the pumped sample is a mixture of f excited and 1 - f unchanged molecules.

    On and off are counted independently, so sigma = sqrt(on_sigma^2 + (1 - f)^2 off_sigma^2) / f. Raises
    ReductionError unless 0 < f <= 1.
    """
    if not 0.0 < fraction <= 1.0:
        raise ReductionError(f"The excited fraction is {fraction:g}; choose it above 0 and up to 1.")
    # f is not fitted: its error scales the whole spectrum and is left to the reader, who chose it.
    unchanged = 1.0 - fraction
    return ExcitedStateSpectrum(
        energy_ev=spectrum.energy_ev,
        value=(spectrum.on - unchanged * spectrum.off) / fraction,
        sigma=np.hypot(spectrum.on_sigma, unchanged * spectrum.off_sigma) / fraction,
        fraction=fraction,
        metadata=spectrum.metadata,
    )
