"""Transient spectra."""

from __future__ import annotations

from dataclasses import dataclass

from gui.live.request import Request
from gui.live.run_state import RunState, Scope
from reduction.xas.boxcar_energy import boxcar_spectrum
from reduction.xas.exposure_pairs import Mode, Reference
from reduction.xas.spc_energy import spc_spectrum
from reduction.xas.transient import Spectrum


@dataclass(frozen=True)
class SpectrumRequest(Request[Spectrum]):
    """On, off and transient of an energy scan; `probe` 0 to 4, `scope` as in `RunState.within`."""

    mode: Mode = "spc"
    probe: int = 0
    reference: Reference = "unpumped probe"
    scope: Scope = "mean"

    def compute(self, run: RunState) -> Spectrum:
        """By `spc_spectrum` or `boxcar_spectrum`."""
        reduce = spc_spectrum if self.mode == "spc" else boxcar_spectrum
        return reduce(run.within(self.scope), self.probe, self.reference)
