"""If these fail, a script of a scientist no longer finds a function where the documentation has it."""

from __future__ import annotations

import pytest

import reduction
from reduction.powder.diffraction import integrate

assert integrate is not None  # pyFAI starts a process when it is first imported, not allowed inside a unit test.

EXPECTED = """
RunAccumulator RunReduction Value accumulate accumulate_static align_foil all_gates_spectrum baseline_checks
boxcar_spectrum boxcar_zero column
combine_runs comparison_parameter curve_of excited_state_spectrum find_edge fit_dead_time fit_fluence fit_kinetics
fluence_scan
foil_absorption gate_null_test gate_rates integrate
judge_delay_axis kind_of later_pulse_spectrum null_test
read_xdi reduce_powder_series reduce_run series_spectrum spc_spectrum spc_trace
static_spectrum time_zero_of with_error
"""


def test_the_public_names_are_these_and_can_be_imported() -> None:
    assert sorted(reduction.PUBLIC_NAMES) == sorted(EXPECTED.split())
    for name in reduction.PUBLIC_NAMES:
        assert callable(getattr(reduction, name))
    assert dir(reduction) == list(reduction.PUBLIC_NAMES)


def test_another_name_is_refused_with_those_that_exist() -> None:
    with pytest.raises(AttributeError, match="it has RunAccumulator"):
        reduction.nothing  # noqa: B018
