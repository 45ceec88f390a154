"""The choice between all gates and two for a spectrum that is watched while it is measured."""

from __future__ import annotations

from collections.abc import Hashable

from gui.live.run_state import RunState
from reduction.accumulator import RunAccumulator
from reduction.types import Mode
from reduction.xas.all_gates import AllGatesSpectrum, best_spectrum
from reduction.xas.transient import Spectrum


def steady_spectrum(run: RunState, sums: RunAccumulator, mode: Mode, probe: int, view: Hashable) -> Spectrum:
    """Return the spectrum of `sums` by all gates where they help, otherwise by two, with the reason in its metadata.

    While the run is measured, a `view` that was last shown by two gates changes to all in a clear case only. Raises
    ReductionError as `best_spectrum` does.
    """
    found = best_spectrum(sums, mode, probe, was_by_two=run.declined(view))
    run.decided[view] = isinstance(found, AllGatesSpectrum)
    return found
