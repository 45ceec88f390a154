"""Spectra of the emission in the run under way and in the earlier runs of its series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gui.live.request import Request
from gui.live.run_state import RunState
from reduction.tplm.spectrum_kind import NAME
from reduction.tplm.spectrum_results import SpectrumResults, reduce_spectra
from reduction.tplm.spectrum_sums import SpectrumSums


@dataclass(frozen=True, kw_only=True)
class SpectraRequest(Request[SpectrumResults]):
    """Spectra of all settings of the series that the window has seen, this run's included."""

    slow: ClassVar[bool] = True

    def compute(self, run: RunState) -> SpectrumResults:
        """Return the results. Raises ReductionError for any other run, or before the first pair of spectra."""
        this = run.sums_of(SpectrumSums)
        earlier = [sums for sums in run.earlier_sums if isinstance(sums, SpectrumSums)]
        return reduce_spectra(NAME, [*earlier, this])
