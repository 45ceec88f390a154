"""If these fail, gates of another pump scheme are reduced at wrong delays, or old runs give other numbers."""

from __future__ import annotations

from typing import Any

import pytest

from errors import ReductionError
from plans.engine.start_document import DOCUMENT_VERSION
from reduction.accumulator import accumulate
from reduction.run_metadata import NEWEST_DOCUMENT_VERSION, RunMetadata
from reduction.timing import timing_from
from reduction.xas.exposure_pairs import Gate, exposure_pairs, gates_of, reference_gate
from reduction.xas.grouping import NullPair, null_gates
from reduction.xas.kinetics.fit import fit_kinetics
from reduction.xas.spc_time import spc_trace
from tests.support.hybrid_runs import HYBRID, hybrid_run
from tests.support.kinetic_traces import TWO_OFFSET, traced

VERSION_1: dict[str, Any] = {
    "bunch_period_ps": 153_400.0, "probes_per_pump": 5, "pumped_probe": 0, "unpumped_probe": 4, "irf_sigma_ps": 45.0,
    "pump_overlap": [1.0],
}  # fmt: skip


def test_a_run_without_a_scheme_has_equidistant_gates() -> None:
    """Lost: the numbers of every run of version 0.1.0."""
    timing = timing_from(VERSION_1)
    assert timing.gate_delays_ps == (0.0, 153_400.0, 306_800.0, 460_200.0, 613_600.0)
    assert (timing.pump_period_ps, timing.reference_probes) == (767_000.0, (4,))
    assert timing.probes_in_time == (0, 1, 2, 3, 4)
    stated = {"gate_delays_ps": list(timing.gate_delays_ps), "pump_period_ps": 767_000.0, "reference_probes": [4]}
    assert timing_from({**VERSION_1, **stated}) == timing


def test_documents_of_a_newer_version_are_refused(br_energy_scan: Any) -> None:
    """Lost: numbers of a run whose keys mean something else by then."""
    start = br_energy_scan().start()
    RunMetadata.from_start({**start, "document_version": NEWEST_DOCUMENT_VERSION})
    with pytest.raises(ReductionError, match="version 3; this trxas reads versions up to 2"):
        RunMetadata.from_start({**start, "document_version": 3})
    assert DOCUMENT_VERSION == NEWEST_DOCUMENT_VERSION


@pytest.mark.parametrize(
    "wrong",
    [
        {"gate_delays_ps": [0.0, 1.0]},
        {"reference_probes": [3]},
        {"reference_probes": [4, 5]},
        {"pump_period_ps": -1.0},
    ],
)
def test_a_timing_that_contradicts_itself_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ReductionError, match="reduction"):
        timing_from({**VERSION_1, **wrong})


def test_references_before_the_pump_are_added() -> None:
    """Lost: half of the unpumped photons, or a reference that is pumped."""
    assert HYBRID.probes_in_time == (0, 1, 2)
    assert HYBRID.delay_of(2, 100.0) == -960_600.0
    assert reference_gate(HYBRID).probes == [2, 1]
    on, off = gates_of("unpumped probe", 0, HYBRID)
    assert (on.probes, off.probes) == ([0], [2, 1])
    with pytest.raises(ReductionError, match="Probe 1 is itself the unpumped one"):
        gates_of("unpumped probe", 1, HYBRID)


def test_the_null_test_compares_the_last_gates_of_any_scheme() -> None:
    assert null_gates(NullPair.OFF, HYBRID)[:2] == (Gate(0, 1), Gate(0, 2))
    assert null_gates(NullPair.PUMPED_OFF, HYBRID)[:2] == (Gate(0, 0), Gate(0, 2))
    with pytest.raises(ReductionError, match="has 3 gates; this test needs 4"):
        null_gates(NullPair.UNPUMPED, HYBRID)


def test_kinetics_of_a_hybrid_fill_are_the_truth() -> None:
    """Lost: lifetimes that a gate at a wrong delay has bent. Four standard errors each, one false alarm in 16 000."""
    fit = fit_kinetics(traced(TWO_OFFSET, seed=11, timing=HYBRID), HYBRID)
    for found, (_, lifetime_ps) in zip(fit.lifetimes_ps, TWO_OFFSET[:2], strict=True):
        assert found.value == pytest.approx(lifetime_ps, abs=4 * found.sigma)
        assert found.sigma < 0.5 * lifetime_ps
    exact = fit_kinetics(traced(TWO_OFFSET, seed=None, timing=HYBRID), HYBRID, intervals=False)
    assert [lifetime.value for lifetime in exact.lifetimes_ps] == pytest.approx([120.0, 900.0], rel=0.02)


@pytest.mark.parametrize("photodiodes", [1, 2, 4])
def test_any_number_of_gates_and_photodiodes_reduces(photodiodes: int) -> None:
    """Lost: a beamline with other electronics than the paper's."""
    run = accumulate(hybrid_run(photodiodes))
    assert run.counts.shape[-2:] == (photodiodes, 3)
    pairs = exposure_pairs(run, "spc", Gate(1, 0), reference_gate(run.metadata.timing))
    single = exposure_pairs(run, "spc", Gate(1, 0), Gate(1, 2))
    assert (pairs.off.signal > 1.9 * single.off.signal).all()
    trace = spc_trace(run)
    late = trace.delay_ps > 0
    assert trace.transient[late] == pytest.approx([-0.02] * 3, abs=4 * float(trace.sigma.max()))


def test_the_bunch_period_of_a_run_has_its_error_and_source() -> None:
    """Lost: a delay of 163.5 ns whose error nobody knows. Earlier runs keep their numbers, without an error."""
    period = {"period_ps": 153_441.5, "error_ps": 4.2, "source": "measured"}
    timing = timing_from({**VERSION_1, "bunch_period_ps": 153_441.5}, None, period)
    assert timing.delay_sigma_of(0) == 0.0
    assert timing.delay_sigma_of(4) == pytest.approx(4 * 4.2)
    assert timing.period_text == "153.4415 ± 0.0042 ns, measured"
    configured = timing_from(VERSION_1, None, {"period_ps": 153_400.0, "error_ps": 29.0, "source": "configuration"})
    assert configured.period_text == "153.400 ± 0.029 ns, as configured: neither measured nor from the RF frequency"
    earlier = timing_from(VERSION_1)
    assert earlier.period_text == "153.4 ns, not in the errors: the run records no error of it"
    assert earlier.delay_sigma_of(4) == 0.0
    with pytest.raises(ReductionError, match="bunch_period_error_ps"):
        timing_from(VERSION_1, None, {**period, "error_ps": -1.0})
