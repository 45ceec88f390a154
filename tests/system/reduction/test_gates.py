"""Zeros, gains and laser light of the gates, their errors, and the checks that notice them.

If these fail, gates that differ pass for a transient, or a transient carries an error that is too small.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from errors import ReductionError
from reduction.accumulator import accumulate
from reduction.gate_calibration import GateCalibration
from reduction.run_metadata import RunMetadata
from reduction.xas.boxcar_energy import boxcar_spectrum
from reduction.xas.dependence import DependenceSums
from reduction.xas.fluence import fluence_scan
from reduction.xas.gate_checks import FALSE_ALARMS, baseline_checks, gate_null_test
from reduction.xas.gate_exposures import gate_values
from reduction.xas.gate_rates import gate_rates
from reduction.xas.spc_energy import spc_spectrum
from reduction.xas.spc_time import spc_trace
from reduction.xas.transient_shape import transient_covariance
from tests.support.beam_time import energy_points
from tests.support.gate_runs import GATES, GatedBeamTime, calibration_of, energy_run, gates

SEEDS = range(20)
IDEAL: dict[str, Any] = {"zeros_v": np.zeros(GATES), "gains": np.ones(GATES)}


@pytest.fixture(scope="module")
def truth() -> Any:
    """The spectrum of the boxcar without noise, by gates that are all alike."""
    return boxcar_spectrum(energy_run(0, boxcar_noise_v=1e-9, jet=0.0, **IDEAL)).transient


def test_sizes_are_right_within_their_errors_once_the_gates_are_calibrated(truth: Any) -> None:
    """Gain off by 1e-3, zero by 0.1 mV of 5 mV: 20 runs, each with a calibration of its own.

    The mean over all energies needs the covariance: a zero moves all points together.
    """
    main = int(np.abs(energy_points() - 13_472.0).argmin())
    pulls: dict[str, list[float]] = {"raw": [], "point": [], "mean": []}
    for seed in SEEDS:
        raw = boxcar_spectrum(energy_run(seed))
        found = boxcar_spectrum(energy_run(seed, calibration_of(seed)))
        weight = np.full(truth.size, 1 / truth.size)
        covariance = transient_covariance(found, RunMetadata.from_start(_start()).windows)
        pulls["raw"].append(float((raw.transient - truth)[main] / raw.sigma[main]))
        pulls["point"].append(float((found.transient - truth)[main] / found.sigma[main]))
        pulls["mean"].append(float(weight @ (found.transient - truth) / np.sqrt(weight @ covariance @ weight)))
    assert np.mean(pulls["raw"]) > 10
    for name in ("point", "mean"):
        assert abs(np.mean(pulls[name])) < 4 / np.sqrt(len(SEEDS))
        assert 0.6 < np.std(pulls[name]) < 1.4


def test_a_wrong_gain_or_zero_fails_the_null_test_and_a_calibrated_one_does_not() -> None:
    """False alarms are FALSE_ALARMS of the runs; of 20 p-values, the smallest is below 1e-4 once in 500."""
    p_values = [gate_null_test(energy_run(seed, calibration_of(seed)), "boxcar").p_value for seed in SEEDS]
    assert min(p_values) > 1e-4
    assert 0.3 < np.mean(p_values) < 0.7
    only_gain = {**IDEAL, "gains": np.array([1.001, 1, 1, 1, 1])}
    only_zero = {**IDEAL, "zeros_v": np.array([0.02, 0, 0, 0, 0])}
    for wrong in (only_gain, only_zero, gates()):
        assert gate_null_test(energy_run(7, **wrong), "boxcar").p_value < FALSE_ALARMS
    found = gate_null_test(energy_run(7, **only_zero), "boxcar")
    assert found.zero is not None
    assert found.gain is not None
    assert found.zero.value == pytest.approx(0.02, abs=5 * found.zero.sigma)
    assert found.gain.value == pytest.approx(0.0, abs=5 * found.gain.sigma)


def test_an_old_calibration_fails_after_a_drift() -> None:
    calibration = calibration_of(3)
    drifted = {**gates(), "gains": gates()["gains"] * [1.001, 1, 1, 1, 1]}
    assert gate_null_test(energy_run(3, calibration), "boxcar").p_value > FALSE_ALARMS
    assert gate_null_test(energy_run(3, calibration, **drifted), "boxcar").p_value < FALSE_ALARMS


def test_the_baselines_of_a_spectrum_raise_an_alarm() -> None:
    """Before and after the edge there is no transient; noise alone raises it once in a thousand."""
    raw = baseline_checks(energy_run(5), "boxcar")
    assert [check.where for check in raw] == ["before the edge", "after the edge"]
    assert all(check.alarm for check in raw)
    assert "blocked_exposures" in raw[0].text
    calibrated = [baseline_checks(energy_run(seed, calibration_of(seed)), "boxcar") for seed in range(10)]
    assert not any(check.alarm for checks in calibrated for check in checks)


def test_a_zero_too_small_for_either_baseline_shows_in_both_together() -> None:
    """Lost: a transient that is wrong by more than its error, in a run that looks right on either side of the edge."""
    small = {**IDEAL, "zeros_v": np.array([0.0012, 0, 0, 0, 0])}
    before, after, both = baseline_checks(energy_run(7, **small), "boxcar")
    assert not before.alarm
    assert not after.alarm
    assert both.alarm
    assert "before and after the edge" in both.text
    right = baseline_checks(energy_run(7, **IDEAL), "boxcar")
    assert [check.alarm for check in right] == [False] * 3


def test_the_light_of_the_laser_is_subtracted_at_its_delay() -> None:
    """5e-4 photons of 0.06: 0.8 % of the signal, the size of a transient, in every point of the boxcar."""
    light = {**IDEAL, "light": np.array([5e-4, 0, 0, 0, 0])}
    alarm, _ = baseline_checks(energy_run(2, **light), "boxcar")
    assert alarm.alarm
    calibration = calibration_of(2, **light)
    quiet = baseline_checks(energy_run(2, calibration, **light), "boxcar")
    assert not any(check.alarm for check in quiet)
    parsed = GateCalibration.from_document(calibration)
    assert parsed is not None
    measured = [at_most for _, _, at_most in gate_values(parsed, "spc")]
    assert measured[0].value == pytest.approx(2 * 5e-4, abs=5 * measured[0].sigma)
    assert abs(measured[2].value) < 5 * measured[2].sigma
    half = parsed.zeros("spc", [10_100.0], [4.4], laser=True) - parsed.zeros("spc", [10_100.0], [4.4], laser=False)
    assert half[0, 0] == pytest.approx(measured[0].value / 2, rel=0.02)


def test_the_calibrated_light_straightens_a_delay_scan() -> None:
    """Light that grows with the delay looks like a signal that stays: it must not reach the kinetic fit."""
    delays = np.array([-400.0, -300.0, 100.0, 1_000.0, 5_000.0, 10_000.0])
    light = np.array([2e-4, 0, 0, 0, 0])
    scan: dict[str, Any] = {
        "points": delays,
        "static": np.ones(6),
        "signal": np.zeros((6, GATES)),
        "axis": "delay_ps",
        "light": light,
    }
    zeros = {"zero": [0.0] * 5, "zero_error": [1e-7] * 5}
    rows = [[4e-4, 0, 0, 0, 0]] * 2
    errors = [[1e-6, 0, 0, 0, 0], [5e-5, 0, 0, 0, 0]]
    chain = {**zeros, "lit": rows, "lit_error": errors}
    document = {
        "modes": {"spc": chain}, "lit_delays_ps": [-400.0, 10_000.0], "lit_fluence_mj_cm2": 8.8, "dark": {"uid": "d"},
    }  # fmt: skip
    made = GatedBeamTime(**scan, dwell_s=10.0, overrides={"gate_calibration": document}, efficiency=(0.0,) * 5)
    run = accumulate(made.documents(np.random.default_rng(4)))
    bare = accumulate(replace(made, overrides={}).documents(np.random.default_rng(4)))
    rates, before = gate_rates(run), gate_rates(bare)
    change = (before.photons - rates.photons) / before.pulses
    assert change[:, 0] == pytest.approx(4e-4, rel=1e-3)
    assert np.all(np.abs(change[:, 1:]) < 1e-6)
    assert rates.variance[-1, 0] > before.variance[-1, 0] + (0.9 * 5e-5 * before.pulses[-1, 0]) ** 2
    trace, plain = spc_trace(run), spc_trace(bare)
    assert trace.common.shape[0] == 2 + 2  # two zeros and two measured lights of the pumped gate
    assert np.all(trace.sigma >= plain.sigma * 0.999)


def test_a_fluence_scan_by_the_boxcar_has_the_scale_of_the_sample() -> None:
    fluences = np.array([0.5, 1.0, 4.0, 8.0])
    signal = np.outer(-0.0023 * fluences, [1.0, 0, 0, 0, 0])
    scan: dict[str, Any] = {
        "points": fluences,
        "static": np.ones(4),
        "signal": signal,
        "axis": "fluence_mj_cm2",
        "dwell_s": 6.0,
    }
    made = GatedBeamTime(
        **scan, jet=0.0, boxcar_noise_v=1e-5, overrides={"gate_calibration": calibration_of(1)}, **gates()
    )
    found = fluence_scan(accumulate(made.documents(np.random.default_rng(1))), "boxcar")
    assert found.scale_known
    assert (found.transient[3] - found.transient[2]) / 4 == pytest.approx(-0.0023, rel=0.01)
    np.testing.assert_allclose(found.sigma**2, np.diag(found.covariance))


def test_counting_needs_no_calibration_and_keeps_its_numbers_with_one() -> None:
    calibrated, bare = (spc_spectrum(energy_run(6, calibration)) for calibration in (calibration_of(6), None))
    assert bare.common.size == 0
    np.testing.assert_allclose(calibrated.transient, bare.transient, atol=3 * bare.sigma.max())


def test_a_damaged_calibration_is_refused_with_the_remedy() -> None:
    document = calibration_of(1, exposures=3)
    boxcar = document["modes"]["boxcar"]
    for table, message in (
        ({**boxcar, "zero": boxcar["zero"][:3]}, "one finite number per gate"),
        ({**boxcar, "level": [*boxcar["zero"][:4], -99.0]}, "gates without light"),
        ({name: boxcar[name] for name in ("zero", "lit")}, "cannot be read"),
    ):
        with pytest.raises(ReductionError, match=message):
            GateCalibration.from_document({**document, "modes": {"boxcar": table}})


def test_the_error_of_a_gain_holds_that_of_the_zeros() -> None:
    """Drawn 300 times: the scatter of the gains is their stated error."""
    rng = np.random.default_rng(8)
    parsed = GateCalibration.from_document(calibration_of(8))
    assert parsed is not None
    chain = parsed.chains["boxcar"]
    drawn = [
        replace(
            chain,
            zero=tuple(rng.normal(chain.zero, chain.zero_error)),
            level=tuple(rng.normal(chain.level, chain.level_error)),
        ).gain
        for _ in range(300)
    ]
    assert np.std(drawn, axis=0) == pytest.approx(chain.gain_error, rel=0.2)


def test_maps_and_scans_of_any_axis_are_calibrated_too() -> None:
    """Lost: light of the laser that looks like a transient at every point of a map."""
    document = calibration_of(1, light=np.array([5e-4, 0, 0, 0, 0]), **IDEAL)
    start = {**_start(), "grid": {"axis": "nozzle_mm", "points": [0.0]}, "pumped_probe": 0, "unpumped_probe": 4}
    pulses = 10_000_000
    counts = -np.expm1(-np.array([0.06 + 5e-4, 0.06, 0.06, 0.06, 0.06])) * pulses
    event = {
        "quality": "", "laser_shutter": 1, "point_index": 0, "nozzle_mm": 0.0, "delay_ps": 10_100.0,
        "fluence_mj_cm2": 8.8, "spc_counts": np.stack([counts, counts]), "spc_pulses": np.full(5, pulses),
    }  # fmt: skip
    changes = []
    for calibration in ({}, document):
        sums = DependenceSums()
        sums("start", {**start, "gate_calibration": calibration})
        sums("descriptor", {"uid": "d", "name": "primary"})
        sums("event", {"descriptor": "d", "seq_num": 1, "data": event})
        changes.append(sums.change()[1][0])
    assert changes[0] == pytest.approx(5e-4 / 0.06, rel=0.01)
    assert changes[1] == pytest.approx(0.0, abs=4e-4)


def _start() -> dict[str, Any]:
    energy = energy_points()
    return GatedBeamTime(points=energy, static=energy, signal=energy).start()
