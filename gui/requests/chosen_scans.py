"""Transient spectra of chosen scans of the run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from errors import ReductionError
from gui.live.request import Request
from gui.live.run_state import RunState
from reduction.accumulator import joined
from reduction.xas.boxcar_energy import boxcar_spectrum
from reduction.xas.exposure_pairs import Mode, Reference
from reduction.xas.spc_energy import spc_spectrum
from reduction.xas.transient import Spectrum


@dataclass(frozen=True)
class ChosenScansRequest(Request[Spectrum]):
    """On, off and transient of the mean over `scans`, indices from 0."""

    mode: Mode
    probe: int
    reference: Reference
    scans: tuple[int, ...]

    def compute(self, run: RunState) -> Spectrum:
        """By `spc_spectrum` or `boxcar_spectrum`. Raises ReductionError for scans that have not begun."""
        sums = run.scans()
        if not self.scans or self.scans[-1] >= sums.scans:
            raise ReductionError(f"This run has the scans 1 to {sums.scans}. Choose some of them, as in 1-3, 5.")
        chosen = joined([sums], [np.isin(np.arange(sums.scans), self.scans)])
        return (spc_spectrum if self.mode == "spc" else boxcar_spectrum)(chosen, self.probe, self.reference)
