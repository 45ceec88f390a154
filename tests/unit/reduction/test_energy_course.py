"""If these fail, a monochromator that drifts moves peaks and C, and foil scans around the run do not put them right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from devices.absorption_edges import absorption_edge
from devices.foil_references import FoilReferences, curve_document
from errors import ReductionError
from reduction.accumulator import accumulate, joined
from reduction.energy_course import KEY, EnergyCourse
from reduction.kinds import reduce_run
from reduction.types import FloatArray
from reduction.xas.boxcar_energy import boxcar_spectrum
from reduction.xas.foil_course import energy_course
from reduction.xas.foil_reference import AlignedEdge, FoilReference, aligned_edge
from reduction.xas.local_cubics import interpolation
from reduction.xas.pass_trends import FALSE_ALARMS, energy_trend
from reduction.xas.results import FoilResults, SpectrumResults
from reduction.xas.spc_energy import spc_spectrum
from reduction.xas.transient_shape import transient_covariance
from tests.support.beam_time import BeamTime, Document, br_signal, br_static
from tests.unit.reduction.test_foil_alignment import REFERENCE, measured
from tests.unit.reduction.test_pass_trends import joined as one_run

GRID_EV = np.concatenate([np.arange(13_450.0, 13_464.0, 3.0), np.arange(13_465.0, 13_490.0, 0.5),
                          np.arange(13_492.0, 13_571.0, 6.0)])  # fmt: skip
EXPOSURE_S = 6.0
PASSES = 4


def drifting(drift_ev: float, seed: int, *, jet: float = 0.01, course: EnergyCourse | None = None) -> list[Document]:
    """A scan whose true energy rises by `drift_ev` from its first exposure to its last, in four passes."""
    parts = []
    for scan in range(PASSES):
        begin = scan * GRID_EV.size
        share = (begin + np.arange(GRID_EV.size)) / (PASSES * GRID_EV.size - 1)
        true_ev = GRID_EV + drift_ev * share
        beam = BeamTime(points=GRID_EV, static=br_static(true_ev), signal=br_signal(true_ev), scans=1,
                        dwell_s=5.0, jet=jet, boxcar_noise_v=1e-6,
                        overrides={} if course is None else {KEY: course.document})  # fmt: skip
        part = beam.documents(np.random.default_rng([seed, scan]))
        parts.append(_timed(part, begin))
    return one_run(parts)


def _timed(documents: list[Document], begin: int) -> list[Document]:
    events = [(name, {**doc, "time": 1e9 + EXPOSURE_S * (begin + number)}) for number, (name, doc) in enumerate(
        one for one in documents if one[0] == "event")]  # fmt: skip
    return [*(one for one in documents[:-1] if one[0] != "event"), *events, documents[-1]]


def foils_of(drift_ev: float, sigma_ev: float = 0.01) -> EnergyCourse:
    """Foil scans at the first and the last exposure, as a drift in proportion to time gives them."""
    end_s = 1e9 + EXPOSURE_S * (PASSES * GRID_EV.size - 1)
    return EnergyCourse(times_s=(1e9, end_s), offset_ev=(0.0, drift_ev), sigma_ev=(sigma_ev, sigma_ev), source="a test")


@pytest.mark.parametrize("recipe", [spc_spectrum, boxcar_spectrum])
def test_foils_around_a_run_put_its_spectra_where_they_belong(recipe: Any) -> None:
    drift_ev = 0.4
    still = recipe(accumulate(drifting(0.0, seed=1, jet=0.0)))
    moved = recipe(accumulate(drifting(drift_ev, seed=1, jet=0.0)))
    corrected = recipe(accumulate(drifting(drift_ev, seed=1, jet=0.0, course=foils_of(drift_ev))))
    edge = np.abs(still.energy_ev - 13_470.0) < 4.0
    for curve in ("off", "transient"):
        before, without, after = (getattr(one, curve)[edge] for one in (still, moved, corrected))
        noise = 4.5 * still.sigma.max() if recipe is spc_spectrum else 0.0
        assert np.abs(after - before).max() < 0.15 * np.abs(without - before).max() + noise
    np.testing.assert_allclose(corrected.energy_ev, still.energy_ev, atol=0.01)
    assert corrected.energy_sigma_ev == pytest.approx(0.01 / 2**0.5, rel=0.01)


def test_the_errors_of_the_foils_are_in_the_spectrum() -> None:
    """A foil known to 0.1 eV leaves an error where the spectrum is steep, in which all points move together."""
    run = accumulate(drifting(0.0, seed=2, course=foils_of(0.0, sigma_ev=0.1)))
    exact = accumulate(drifting(0.0, seed=2, course=foils_of(0.0, sigma_ev=0.0)))
    found, plain = boxcar_spectrum(run), boxcar_spectrum(exact)
    slope = np.gradient(plain.transient, plain.energy_ev)
    added = found.sigma**2 - plain.sigma**2
    expected = slope**2 * 0.1**2 / 2
    steep = np.argsort(expected)[-5:]
    np.testing.assert_allclose(added[steep], expected[steep], rtol=0.3)
    covariance = transient_covariance(found, run.metadata.windows)
    assert np.sign(covariance[steep[0], steep[-1]]) == np.sign(slope[steep[0]] * slope[steep[-1]])


def test_foils_that_differ_mark_the_result_and_a_steady_axis_does_not() -> None:
    results = reduce_run(drifting(0.3, seed=3, course=foils_of(0.3)))
    assert isinstance(results, SpectrumResults)
    assert "0.300 ± 0.010 eV added, by a test" in results.table()
    assert "The energy axis drifted by 0.300 ± 0.014 eV" in results.table()
    steady = reduce_run(drifting(0.0, seed=3, course=foils_of(0.01)))
    assert "drifted" not in steady.table()


def test_a_drift_without_any_foil_is_found_by_the_passes() -> None:
    results = reduce_run(drifting(0.3, seed=4))
    assert isinstance(results, SpectrumResults)
    found = next(one for one in results.trends if one.quantity == "energy axis")
    assert found.change.value == pytest.approx(0.3, abs=4 * found.change.sigma)
    assert found.p_value < FALSE_ALARMS
    assert "The energy axis changes by" in results.table()


def test_a_steady_axis_raises_no_alarm_and_its_pulls_are_normal() -> None:
    """20 runs: mean within 4/sqrt(20), width within 4/sqrt(40) of 1."""
    trends = [energy_trend(accumulate(drifting(0.0, seed=100 + seed)), "spc") for seed in range(20)]
    pulls = np.array([one.change.value / one.change.sigma for one in trends if one is not None])
    assert pulls.size == 20
    assert abs(pulls.mean()) < 0.9
    assert abs(pulls.std() - 1) < 0.64
    assert not any(one.alarm for one in trends if one is not None)


def foil(shift_ev: float, time_s: float, seed: int, *, axis_ev: float = 0.0, curve: bool = False) -> FoilResults:
    """A scan of the lead foil on an axis that shows it `shift_ev` too high, at a time in s."""
    spectrum = measured(shift_ev, seed, noise=5e-4)
    document = FoilReferences().of("Pb L3")
    if curve:
        document = curve_document(absorption_edge("Pb L3"), energy_ev=REFERENCE.energy_ev.tolist(),
                                  absorption=REFERENCE.absorption.tolist(), error_ev=0.05, source="test")  # fmt: skip
    reference = FoilReference.from_document(document)
    aligned: AlignedEdge = aligned_edge(spectrum, reference)
    return FoilResults(
        kind="foil", absorption=spectrum, aligned=aligned, axis_offset_ev=axis_ev, uid="abc", time_s=time_s
    )


def test_foils_are_compared_with_the_first_of_the_same_calibration() -> None:
    """The steepest point of a foil is known to 0.5 eV, the drift between two scans of it to 0.01 eV."""
    foils = [foil(2.0, 1.0, 1, axis_ev=-0.5), foil(0.3, 3.0, 2), foil(0.1, 2.0, 3)]
    course = energy_course(foils, 0.0)
    assert course is not None
    assert course.times_s == (2.0, 3.0)
    assert course.offset_ev[0] == 0.0
    assert course.offset_ev[1] == pytest.approx(-0.2, abs=5 * course.sigma_ev[1])
    assert course.sigma_ev[1] < 0.05
    assert energy_course(foils[:2], 0.0) is None, "one foil alone shows no drift"


def test_a_reference_curve_gives_true_energies_whatever_the_calibration_was() -> None:
    foils = [foil(0.4, 1.0, 4, axis_ev=-0.5, curve=True), foil(0.1, 2.0, 5, curve=True)]
    course = energy_course(foils, 0.0)
    assert course is not None
    assert course.offset_ev == pytest.approx((-0.9, -0.1), abs=0.05)
    assert course.reference_error_ev == pytest.approx(0.05)


def test_runs_that_are_joined_share_their_foils() -> None:
    parts = [accumulate(drifting(0.0, seed=6, course=foils_of(0.1))), accumulate(drifting(0.0, seed=7))]
    assert joined(parts).metadata.energy_course is None
    assert joined(parts[:1]).metadata.energy_course == foils_of(0.1)


def test_a_course_is_linear_between_foils_and_constant_outside() -> None:
    course = EnergyCourse(times_s=(10.0, 20.0), offset_ev=(0.0, 1.0), sigma_ev=(0.1, 0.1), source="a test")
    assert [course.at(time_s).value for time_s in (0.0, 10.0, 12.5, 30.0)] == [0.0, 0.0, 0.25, 1.0]
    assert course.at(15.0).sigma == pytest.approx(0.1 / 2**0.5)
    assert EnergyCourse.from_document(course.document) == course
    step, p_value = course.largest_step(12.0, 18.0)
    assert step.value == 1.0
    assert p_value == pytest.approx(1.5e-12, rel=0.1)
    assert course.largest_step(21.0, 22.0)[1] == 1.0


@pytest.mark.parametrize("broken", [{"times_s": (2.0, 1.0)}, {"sigma_ev": (0.1,)}, {"offset_ev": (float("nan"), 0.0)}])
def test_a_damaged_course_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(ReductionError, match="foil scans"):
        EnergyCourse(**{"times_s": (1.0, 2.0), "offset_ev": (0.0, 0.0), "sigma_ev": (0.1, 0.1), "source": ""} | broken)


def test_interpolation_is_exact_for_cubics_and_at_nodes() -> None:
    nodes: FloatArray = np.array([0.0, 3.0, 4.0, 4.5, 5.0, 5.5, 9.0])
    targets = np.array([0.4, 3.0, 4.7, 5.5, 8.8])
    matrix = interpolation(nodes, targets)
    np.testing.assert_allclose(matrix @ (nodes**3 - 2 * nodes), targets**3 - 2 * targets, atol=1e-9)
    np.testing.assert_allclose(matrix[1], [0, 1, 0, 0, 0, 0, 0], atol=1e-12)
