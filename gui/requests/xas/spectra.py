"""Transient spectra: of a scope, of chosen scans, and of the excited species."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from errors import ReductionError
from gui.live.request import Request
from gui.live.run_state import RunState, Scope
from gui.requests.xas.gates import steady_spectrum
from reduction.accumulator import joined
from reduction.detector_view import seen_by
from reduction.run_kind import MeasuredDecay, pair_reference
from reduction.types import MODES, Mode, PairReference, Reference
from reduction.xas.all_gates import spectrum_against
from reduction.xas.excited_state import ExcitedStateSpectrum, excited_state_spectrum
from reduction.xas.first_pass import FirstPass, first_pass
from reduction.xas.transient import Spectrum


@dataclass(frozen=True, kw_only=True)
class SpectrumRequest(Request[Spectrum]):
    """On, off and transient of an energy scan; `probe` 0 to 4, `scope` and `detector` as in `RunState.within`.

    The `reference` "all gates" gives the spectrum by all gates where they help, as `steady_spectrum`.
    """

    mode: Mode = "spc"
    probe: int = 0
    reference: Reference = "unpumped probe"
    scope: Scope = "mean"
    detector: str = ""

    def compute(self, run: RunState) -> Spectrum:
        """Return the spectrum, edge step = 1. Raises ReductionError for a run that is not an energy scan."""
        sums = run.within(self.scope, self.detector)
        if self.reference == "all gates":
            return steady_spectrum(run, sums, self.mode, self.probe, self)
        return spectrum_against(sums, self.mode, self.probe, self.reference)


@dataclass(frozen=True, kw_only=True)
class FirstPassRequest(Request[FirstPass]):
    """Signals of an energy scan that cannot be normalised yet; `probe` and `detector` as in `SpectrumRequest`."""

    mode: Mode
    probe: int
    reference: Reference
    detector: str = ""

    def compute(self, run: RunState) -> FirstPass:
        """Return the signals so far, the highest = 1. Raises ReductionError as `first_pass` does."""
        return first_pass(run.within("mean", self.detector), self.mode, self.probe, pair_reference(self.reference))


@dataclass(frozen=True, kw_only=True)
class ChosenScansRequest(Request[Spectrum]):
    """On, off and transient of the mean over `scans`, indices from 0; "all gates" as in `SpectrumRequest`."""

    mode: Mode
    probe: int
    reference: Reference
    scans: tuple[int, ...]
    detector: str = ""

    def compute(self, run: RunState) -> Spectrum:
        """Return the spectrum, edge step = 1. Raises ReductionError for scans that have not begun."""
        sums = run.scans()
        if not self.scans or self.scans[-1] >= sums.scans:
            raise ReductionError(f"This run has scans 1 to {sums.scans}. Choose some of them, for example 1-3, 5.")
        chosen = joined([sums], [np.isin(np.arange(sums.scans), self.scans)])
        chosen = seen_by(chosen, self.detector) if self.detector else chosen
        if self.reference == "all gates":
            return steady_spectrum(run, chosen, self.mode, self.probe, self)
        return spectrum_against(chosen, self.mode, self.probe, self.reference)


@dataclass(frozen=True, kw_only=True)
class OwnSpectraRequest(Request[tuple[Spectrum, ...]]):
    """Spectra of the whole run by photon counting and by the boxcar, for the question which holds more information."""

    slow: ClassVar[bool] = True
    rest_s: ClassVar[float] = 0.25

    def compute(self, run: RunState) -> tuple[Spectrum, ...]:
        """Return the spectra that can be reduced, edge step = 1. Raises ReductionError for any other kind of run."""
        sums = run.within("mean")
        found = []
        for mode in (mode for mode in MODES if mode in sums.metadata.modes):
            with contextlib.suppress(ReductionError):
                found.append(spectrum_against(sums, mode, sums.metadata.timing.pumped_probe, "unpumped probe"))
        return tuple(found)


@dataclass(frozen=True, kw_only=True)
class BestSpectraRequest(Request[tuple[Spectrum, ...]]):
    """Spectra of the whole run by photon counting and by the boxcar, each by all gates where they help."""

    slow: ClassVar[bool] = True
    rest_s: ClassVar[float] = 0.25

    def compute(self, run: RunState) -> tuple[Spectrum, ...]:
        """Return the spectra that can be reduced, edge step = 1. Raises ReductionError for any other kind of run."""
        metadata = run.within("mean").metadata
        found = []
        for mode in (mode for mode in MODES if mode in metadata.modes):
            with contextlib.suppress(ReductionError):
                shown = SpectrumRequest(mode=mode, probe=metadata.timing.pumped_probe, reference="all gates")
                found.append(shown.compute(run))
        return tuple(found)


@dataclass(frozen=True, kw_only=True)
class ExcitedStateRequest(Request[ExcitedStateSpectrum]):
    """Spectrum of the excited species on the assumption that `fraction` (0 to 1) of the sample is excited."""

    fraction: float
    mode: Mode = "boxcar"
    probe: int = 0
    reference: PairReference = "unpumped probe"
    scope: Scope = "mean"
    detector: str = ""

    def compute(self, run: RunState) -> ExcitedStateSpectrum:
        """Return the spectrum, edge step = 1. Raises ReductionError for a run that is not an energy scan."""
        spectrum = spectrum_against(run.within(self.scope, self.detector), self.mode, self.probe, self.reference)
        return excited_state_spectrum(spectrum, self.fraction)


@dataclass(frozen=True, kw_only=True)
class DecayRequest(Request[MeasuredDecay | None]):
    """The decay of the same sample, by which sizes of transients are corrected for what is left in their reference."""

    slow: ClassVar[bool] = True
    rest_s: ClassVar[float] = 0.25

    def compute(self, run: RunState) -> MeasuredDecay | None:
        """Return the decay that another run has measured, None without one; raises nothing."""
        return run.decay()
