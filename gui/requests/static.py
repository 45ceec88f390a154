"""Static spectra of the thermostated cell."""

from __future__ import annotations

from dataclasses import dataclass

from errors import ReductionError
from gui.live.request import Request
from gui.live.run_state import RunState
from reduction.static_xas import StaticSpectrum, static_spectrum


@dataclass(frozen=True)
class StaticRequest(Request[StaticSpectrum]):
    """The spectrum of a static energy scan."""

    def compute(self, run: RunState) -> StaticSpectrum:
        """By `static_spectrum`."""
        if run.static is None:
            raise ReductionError("This run is no static energy scan. Start one with the plan static_energy_scan.")
        return static_spectrum(run.static)
