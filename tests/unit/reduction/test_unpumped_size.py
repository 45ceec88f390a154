"""If these fail, a size is read as that of the sample although its reference holds up to a third of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reduction.kinds import decays_for, reduce_run, summed
from reduction.run_kind import MeasuredDecay
from reduction.values import Value
from reduction.xas.kinetics.fit import fit_kinetics
from reduction.xas.kinetics.fitted import KineticsFit
from reduction.xas.reference_share import corrected_size, reference_share
from reduction.xas.results import FluenceResults, SpectrumResults
from reduction.xas.unpumped_size import NO_DECAY
from tests.support import live_runs
from tests.support.kinetic_traces import TIMING, TWO_OFFSET, traced


@pytest.fixture(scope="module")
def fit() -> KineticsFit:
    """Kinetics of a trace without noise."""
    return fit_kinetics(traced(TWO_OFFSET, seed=None), TIMING, intervals=False)


@pytest.fixture(scope="module")
def decay(fit: KineticsFit) -> MeasuredDecay:
    """These kinetics as a run of the same sample has measured them."""
    return MeasuredDecay(uid="0123456789", start={"edge": "Br K", "fluence_mj_cm2": 8.8}, fit=fit)


def test_both_sizes_are_stated_with_the_decay_that_was_used(decay: MeasuredDecay) -> None:
    results = reduce_run(live_runs.energy_run(), decay=decay)
    assert isinstance(results, SpectrumResults)
    for spectrum, size in zip(results.spectra, results.sizes, strict=True):
        assert size.share == reference_share(decay.fit, spectrum.metadata)
        assert size.corrected == corrected_size(size.measured, size.share)
        assert abs(size.corrected.value) > 1.15 * abs(size.measured.value)
        assert size.corrected.sigma > size.measured.sigma
    lines = results.lines()
    assert results.primary is not None
    assert lines[0].startswith(f"transient, {results.primary.metadata.mode}".ljust(22) + " -2.")
    assert lines[0].endswith("% of unpumped at 13472.00 eV, as measured")
    assert lines[1].startswith("  corrected            -")
    assert lines[1].endswith("of the transient, by the decay of run 01234567 (Br K at 8.8 mJ/cm2)")


def test_without_a_decay_the_size_is_said_to_be_too_small() -> None:
    """Lost: the reader takes the size as measured for that of the sample."""
    results = reduce_run(live_runs.energy_run())
    assert isinstance(results, SpectrumResults)
    assert all(size.corrected is None for size in results.sizes)
    assert f"  corrected            {NO_DECAY}" in results.lines()
    assert "unknown share" in NO_DECAY


def test_a_decay_that_cannot_be_used_gives_the_reason(decay: MeasuredDecay) -> None:
    results = reduce_run(live_runs.energy_run(), decay=replace(decay, fit=replace(decay.fit, constant_offset=True)))
    assert "  corrected            not known: A fit with a constant offset assumes" in results.table()


def test_exposures_with_the_laser_blocked_are_a_size_of_their_own(decay: MeasuredDecay) -> None:
    results = reduce_run(live_runs.energy_run(shutter_reference="point"), decay=decay)
    assert isinstance(results, SpectrumResults)
    for size in results.sizes:
        assert size.blocked is not None
        # The truth of these runs has nothing in the reference, so that both agree.
        assert abs(size.blocked.value - size.measured.value) < 4 * (size.blocked.sigma + size.measured.sigma)
    assert sum("laser blocked" in line for line in results.lines()) == 2


def test_the_fluence_slope_is_corrected_too(decay: MeasuredDecay) -> None:
    results = reduce_run(live_runs.fluence_run(), decay=decay)
    assert isinstance(results, FluenceResults)
    assert results.line is not None
    rest = 1.0 - reference_share(decay.fit, results.dependence.metadata).value
    slope, corrected = results.lines()[:2]
    assert slope.endswith("% of unpumped per mJ/cm2, as measured")
    assert float(corrected.split()[1]) == pytest.approx(100 * results.line.slope.value / rest, rel=0.02)
    assert NO_DECAY in reduce_run(live_runs.fluence_run()).table()


def test_the_decay_is_that_of_the_same_sample_gates_and_fluence_if_possible_and_the_nearest_in_time() -> None:
    """Lost: a size that is corrected by the decay of another sample."""
    start = live_runs.energy_run("mine")[0][1]
    delays = live_runs.delay_run("delay")[0][1]

    def other(uid: str, **changes: Any) -> dict[str, Any]:
        return {**delays, "uid": uid, **changes}

    timing = {**delays["reduction"], "bunch_period_ps": 11_366.0}
    now_s = start["time"]
    others = [
        other("weak", fluence_mj_cm2=4.0, time=now_s),
        other("old", time=now_s - 9e4),
        other("new", time=now_s + 60.0),
        other("lead", edge="Pb L3", time=now_s + 10.0),
        other("another sample", sample="Fe", time=now_s),
        other("another fill", reduction=timing, time=now_s),
        live_runs.energy_run("no decay")[0][1],
        {"uid": "broken", "plan_name": "delay_scan", "sample": "CsPbBr3"},
    ]
    assert [found["uid"] for found in decays_for(start, others)] == ["new", "old", "lead", "weak"]
    assert decays_for({**start, "sample": ""}, [{**one, "sample": ""} for one in others]) == []
    assert decays_for(delays, others) == [], "a delay scan needs no decay"


def test_a_run_without_kinetics_has_no_decay() -> None:
    from errors import ReductionError

    documents = live_runs.energy_run()
    with pytest.raises(ReductionError, match="measures no decay"):
        summed(documents).decay(documents[0][1])


def test_a_blocked_reference_is_told_as_such() -> None:
    from reduction.xas.unpumped_size import TransientSize

    size = TransientSize(energy_ev=13_472.0, measured=Value(-0.02, 1e-4), share=Value(0.0, 0.0))
    assert size.lines("transient, spc") == [
        "transient, spc         -2.000 ± 0.010 % of unpumped at 13472.00 eV, against the blocked laser"
    ]
