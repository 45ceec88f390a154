"""Photons and null tests of a pump-probe run, as a table of runs shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from errors import InputError, ReductionError
from reduction.detector_view import with_default_detector
from reduction.run_kind import ChiSquare, RunChecks
from reduction.xas.grouping import NullPair, null_gates, null_test

if TYPE_CHECKING:
    from reduction.accumulator import RunAccumulator
    from reduction.types import Mode


def pump_probe_checks(run: RunAccumulator) -> RunChecks:
    """Return the photons that all gates counted, and the null tests for which the run has gates and exposures.

    Tests are made on counted photons, or on the analog signal of runs without. Raises ReductionError without exposures.
    """
    seen = with_default_detector(run)
    mode: Mode = "spc" if "spc" in seen.metadata.modes else "boxcar"
    tests = [found for pair in NullPair if (found := _test(seen, mode, pair)) is not None]
    return RunChecks(photons=float(seen.counts.sum()) if mode == "spc" else None, null_tests=tuple(tests))


def _test(run: RunAccumulator, mode: Mode, pair: NullPair) -> ChiSquare | None:
    try:
        on, off, tail = null_gates(pair, run.metadata.timing)
        test = null_test(run, mode, on, off, tail)
    except (ReductionError, InputError):
        # The run has no exposures with the laser blocked, or too few gates or points.
        return None
    return ChiSquare(
        name=str(pair),
        chi_square=test.chi_square,
        degrees_of_freedom=test.degrees_of_freedom,
        p_value=test.p_value,
    )
