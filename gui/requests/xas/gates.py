"""The choice between all gates and two for a spectrum that is watched while it is measured."""

from __future__ import annotations

from collections.abc import Hashable

from gui.live.run_state import RunState
from reduction.accumulator import RunAccumulator
from reduction.types import Mode
from reduction.xas.all_gates import AllGatesSpectrum, best_spectrum, by_two_gates, spectrum_against
from reduction.xas.gate_shares import LEAST_SIGNAL, OTHER_SHAPE
from reduction.xas.transient import Spectrum

CLEAR_SIGNAL = 1.5 * LEAST_SIGNAL
"""Squared signal-to-noise ratio from which on a spectrum that was shown by two gates changes to all (chosen).

The distance to `LEAST_SIGNAL` is more than twice the standard deviation there, some 22 with 44 points.
"""

CLEARLY_EQUAL = 10.0 * OTHER_SHAPE
"""p-value of equal shapes from which on a spectrum that was shown by two gates changes to all (chosen)."""


def steady_spectrum(run: RunState, sums: RunAccumulator, mode: Mode, probe: int, view: Hashable) -> Spectrum:
    """Return the spectrum of `sums` by all gates where they help, otherwise by two, with the reason in its metadata.

    While the run is measured, a `view` that was last shown by two gates changes to all only in a clear case: in a close
    one it would change with every exposure. The spectrum of a run that has ended is that of `best_spectrum`. Raises
    ReductionError as the reductions do.
    """
    found = best_spectrum(sums, mode, probe)
    is_by_all = isinstance(found, AllGatesSpectrum)
    was_by_two = not run.decided.get(view, True)
    if isinstance(found, AllGatesSpectrum) and was_by_two and run.exit_status is None and not _is_clear(found):
        return by_two_gates(spectrum_against(sums, mode, probe, "unpumped probe"), _close_case(found))
    run.decided[view] = is_by_all
    return found


def _is_clear(found: AllGatesSpectrum) -> bool:
    return found.squared_snr > CLEAR_SIGNAL and found.shape_p_value > CLEARLY_EQUAL


def _close_case(found: AllGatesSpectrum) -> str:
    return (
        f"The later gates can only just be used: the squared signal-to-noise ratio is {found.squared_snr:.0f}, and the "
        f"shapes are equal with p = {found.shape_p_value:.2g}. While the run is measured, the window changes to all "
        f"gates above {CLEAR_SIGNAL:.0f} and {CLEARLY_EQUAL:g}. Count longer."
    )
