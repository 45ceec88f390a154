"""The spectrum of the excited species."""

from __future__ import annotations

from dataclasses import dataclass

from gui.live.request import Request
from gui.live.run_state import RunState, Scope
from gui.requests.spectra import SpectrumRequest
from reduction.xas.excited_state import ExcitedStateSpectrum, excited_state_spectrum
from reduction.xas.exposure_pairs import Mode, Reference


@dataclass(frozen=True)
class ExcitedStateRequest(Request[ExcitedStateSpectrum]):
    """Spectrum of the excited species if `fraction` of the sample is excited."""

    fraction: float
    mode: Mode = "boxcar"
    probe: int = 0
    reference: Reference = "unpumped probe"
    scope: Scope = "mean"

    def compute(self, run: RunState) -> ExcitedStateSpectrum:
        """By `excited_state_spectrum`."""
        spectrum = SpectrumRequest(self.mode, self.probe, self.reference, self.scope).compute(run)
        return excited_state_spectrum(spectrum, self.fraction)
