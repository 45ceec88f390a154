"""If these fail, a laser that drifts changes sizes and lifetimes, or a broken power meter does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from errors import ReductionError
from reduction.accumulator import RunAccumulator, accumulate
from reduction.kinds import reduce_run
from reduction.types import FloatArray
from reduction.xas.fluence import fluence_scan
from reduction.xas.gate_rates import gate_rates
from reduction.xas.laser_power import at_nominal, power_at, power_use
from reduction.xas.results import SpectrumResults, TraceResults
from reduction.xas.spc_time import spc_trace
from tests.support.beam_time import BeamTime, Document, br_signal, br_static, energy_points

ENERGY_EV = energy_points()
DELAYS_PS = np.concatenate([np.arange(-600.0, -190.0, 50.0), np.linspace(200.0, 2000.0, 16)])
W_PER_MJ_CM2 = 0.05
FLUENCE = 8.8
QUIET: dict[str, Any] = {"jet": 0.0, "dwell_s": 50.0, "boxcar_noise_v": 1e-5, "efficiency": (0.02, 0.0, 0.0, 0.0, 0.0)}


def with_power(documents: list[Document], power: FloatArray) -> list[Document]:
    """The same run with the reading of the meter at each point, relative to the nominal fluence."""
    documents[0][1]["laser_power_w_per_mj_cm2"] = W_PER_MJ_CM2
    for name, doc in documents:
        if name == "event":
            data = doc["data"]
            data["fluence_mj_cm2"] = data.get("fluence_mj_cm2", FLUENCE)
            data["laser_power_w"] = W_PER_MJ_CM2 * data["fluence_mj_cm2"] * power[data["point_index"]]
    return documents


def energy_run(power: FloatArray, seed: int = 1, **settings: Any) -> list[Document]:
    """A Br scan whose transient goes with the power at each point."""
    drawn = BeamTime(
        points=ENERGY_EV, static=br_static(ENERGY_EV), signal=power[:, None] * br_signal(ENERGY_EV), **QUIET | settings
    )
    return with_power(drawn.documents(np.random.default_rng(seed)), power)


def delay_run(power: FloatArray, seed: int = 1) -> list[Document]:
    signal = np.zeros((DELAYS_PS.size, 5))
    signal[:, 0] = np.where(DELAYS_PS > 0, -0.05, 0.0) * power
    drawn = BeamTime(points=DELAYS_PS, static=np.ones(DELAYS_PS.size), signal=signal, axis="delay_ps", **QUIET)
    return with_power(drawn.documents(np.random.default_rng(seed)), power)


def test_spectra_of_a_laser_that_fades_are_those_of_the_nominal_power() -> None:
    """From 110 to 80 % over the scan, with a gate 2 % more efficient than the other, which is not a transient."""
    fading = np.linspace(1.1, 0.8, ENERGY_EV.size)
    results = reduce_run(energy_run(fading))
    steady = reduce_run(energy_run(np.ones(ENERGY_EV.size)))
    assert isinstance(results, SpectrumResults)
    assert isinstance(steady, SpectrumResults)
    raw = reduce_run(energy_run(fading), correct_power=False)
    assert isinstance(raw, SpectrumResults)
    for found, right, as_measured in zip(results.spectra, steady.spectra, raw.spectra, strict=True):
        feature = int(np.argmin(found.transient))
        sigma = 4 * float(np.hypot(found.sigma[feature], right.sigma[feature]))
        assert found.transient[feature] == pytest.approx(right.transient[feature], abs=sigma + 2e-4)
        share = fading[int(np.argmin(np.abs(ENERGY_EV - found.energy_ev[feature])))]
        assert as_measured.transient[feature] / found.transient[feature] == pytest.approx(share, rel=0.02)
    assert results.power is not None
    assert results.power.line in results.table()
    assert "varies by 8.9 % between exposures" in results.table()
    assert raw.power is None


def test_traces_and_rates_of_a_laser_that_fades_are_flat() -> None:
    """A step that stays, measured with a power that falls by a third: it must not look like a decay."""
    power = np.linspace(1.2, 0.8, DELAYS_PS.size)
    run = accumulate(delay_run(power))
    late = DELAYS_PS > 0
    trace = spc_trace(run)
    slope = np.polyfit(DELAYS_PS[late], trace.transient[late], 1)[0] * 1800.0
    assert abs(slope) < 1e-3
    uncorrected = spc_trace(run.without_power()).transient[late]
    assert np.polyfit(DELAYS_PS[late], uncorrected, 1)[0] * 1800.0 > 8e-3
    rates = gate_rates(run)
    ratio = (rates.photons[:, 0] / rates.photons[:, 4])[rates.pumped & (rates.delay_ps > 0)]
    assert np.polyfit(DELAYS_PS[late], ratio, 1)[0] * 1800.0 == pytest.approx(0.0, abs=1e-3)


def test_a_fluence_scan_stands_at_the_measured_fluences() -> None:
    points = np.arange(1.0, 9.0)
    power = np.linspace(0.9, 1.1, points.size)
    signal = -0.002 * np.outer(points, [1.0, 0, 0, 0, 0])
    drawn = BeamTime(points=points, static=np.ones(points.size), signal=signal, axis="fluence_mj_cm2", **QUIET)
    found = fluence_scan(accumulate(with_power(drawn.documents(np.random.default_rng(1)), power)))
    assert found.fluence_mj_cm2 == pytest.approx(points * power, rel=2e-3)


def test_at_the_nominal_power_and_in_older_runs_nothing_changes() -> None:
    nominal = energy_run(np.ones(ENERGY_EV.size))
    for name, doc in nominal:
        if name == "event":
            doc["data"]["laser_power_w"] = W_PER_MJ_CM2 * doc["data"]["fluence_mj_cm2"]
    older = [(name, doc) for name, doc in energy_run(np.ones(ENERGY_EV.size))]
    del older[0][1]["laser_power_w_per_mj_cm2"]
    for name, doc in older:
        if name == "event":
            del doc["data"]["laser_power_w"], doc["data"]["fluence_mj_cm2"]
    first, second = reduce_run(nominal), reduce_run(older)
    assert isinstance(first, SpectrumResults)
    assert isinstance(second, SpectrumResults)
    assert second.power is None
    for one, other in zip(first.spectra, second.spectra, strict=True):
        assert (one.sigma == other.sigma).all()
        assert one.transient == pytest.approx(other.transient, abs=1e-12)


@pytest.mark.parametrize("reading", [0.0, 0.2, 3.0])
def test_a_meter_that_cannot_be_right_changes_nothing_and_is_named(reading: float) -> None:
    power = np.ones(ENERGY_EV.size)
    documents = energy_run(power)
    for name, doc in documents:
        if name == "event" and doc["data"]["point_index"] == 7:
            doc["data"]["laser_power_w"] *= reading
    run: RunAccumulator = accumulate(documents)
    assert (power_at(run, np.sort(run.mean_readback("energy_ev"))) == 1.0).all()
    assert "not corrected" in reduce_run(documents).table()


def test_a_run_without_readings_has_no_power() -> None:
    run = accumulate(energy_run(np.zeros(ENERGY_EV.size)))
    assert power_use(run) is None


def test_the_pumped_signal_is_scaled_about_the_unpumped() -> None:
    from reduction.xas.exposure_pairs import Intensity

    on = Intensity(np.array([1.02, 1.02]), np.array([0.01, 0.01]))
    off = Intensity(np.array([1.0, 1.0]), np.array([0.01, 0.01]))
    assert at_nominal(on, off, np.array([0.8, 1.0])).value == pytest.approx([1.025, 1.02])


def test_a_delay_scan_states_its_power() -> None:
    results = reduce_run(delay_run(np.full(DELAYS_PS.size, 0.99)))
    assert isinstance(results, TraceResults)
    assert results.power is not None
    assert results.power.mean == pytest.approx(0.99)
    assert "99.00 % of nominal" in results.table()


def test_the_noise_of_the_meter_is_in_the_errors_of_kinetics() -> None:
    """Lost: at 400 s per delay, errors of lifetimes that are too small by a tenth, of strong signals by a third."""
    power = np.full(DELAYS_PS.size, 0.99)
    documents = delay_run(power)
    exact = gate_rates(accumulate(documents))
    documents[0][1]["laser_power_error"] = 0.01
    found = gate_rates(accumulate(documents))
    late = DELAYS_PS > 0
    added = (found.variance - exact.variance)[:, 0]
    scans = len(documents[1:-1]) // DELAYS_PS.size
    expected = (0.05 * 0.01) ** 2 / scans * exact.photons[:, 0] ** 2
    np.testing.assert_allclose(added[late], expected[late], rtol=0.15)
    assert np.all(added[~late] < 0.01 * expected[~late])
    assert np.array_equal(found.photons, exact.photons)
    assert np.array_equal(found.variance[:, 1:], exact.variance[:, 1:])


def test_what_the_pointing_of_the_laser_loses_is_corrected() -> None:
    """A mean overlap of 0.9 stands for a transient that is 10 % too small; without the correction it stays so."""
    sizes = []
    for overlap, corrected in ((1.0, True), (0.9, True), (0.9, False)):
        documents = energy_run(np.ones(ENERGY_EV.size))
        documents[0][1]["laser_overlap"] = overlap
        results = reduce_run(documents, correct_power=corrected)
        assert isinstance(results, SpectrumResults)
        sizes.append(results.spectra[0].transient)
        assert ("10 % lost by its pointing" in results.table()) == (overlap != 1.0 and corrected)
    assert sizes[1] == pytest.approx(sizes[0] / 0.9)
    assert sizes[2] == pytest.approx(sizes[0], rel=1e-3)


def test_an_impossible_overlap_is_refused() -> None:
    documents = energy_run(np.ones(ENERGY_EV.size))
    documents[0][1]["laser_overlap"] = 1.1
    with pytest.raises(ReductionError, match=r"laser_overlap = 1\.1.* at most 1"):
        accumulate(documents)
