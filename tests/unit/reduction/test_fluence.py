"""If these fail, the fluence dependence has a wrong slope, or saturation is missed or invented."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from errors import ReductionError
from reduction.accumulator import accumulate
from reduction.values import Value
from reduction.xas.boxcar_energy import boxcar_spectrum
from reduction.xas.boxcar_zero import boxcar_zero
from reduction.xas.fluence import fluence_scan
from reduction.xas.fluence_fit import fit_fluence
from reduction.xas.spc_time import spc_trace
from tests.support.fluence_runs import FLUENCES, SLOPE, fluence_beam_time, reduced


def test_a_knee_that_sets_in_slowly_leaves_the_slope_alone(br_beam_time: type[Any]) -> None:
    """2 % under the line at 10 mJ/cm2, as in the paper's figure: fitted up to there, the slope would be 1 % too small.

    Counts without noise but that of the fluence's read-back, 1e-3 mJ/cm2: 0.03 % of the slope.
    """
    response = FLUENCES / (1 + (FLUENCES / 12.5) ** 8) ** (1 / 8)
    signal = np.outer(SLOPE * response, [1.0, 0.0, 0.0, 0.0, 0.0])
    scan = reduced(fluence_beam_time(br_beam_time, signal=signal, jet=0.0, boxcar_noise_v=1e-9), 11)
    assert fit_fluence(scan).slope.value == pytest.approx(SLOPE, rel=4e-3)
    assert fit_fluence(scan, 10.0).slope.value != pytest.approx(SLOPE, rel=8e-3)


def test_paper_error_holds_the_jet_that_the_pairs_cancel(br_beam_time: type[Any]) -> None:
    scan = reduced(fluence_beam_time(br_beam_time, jet=0.02, jet_between_scans=0.1), 2)
    assert scan.sigma_scatter is not None
    assert np.mean(scan.sigma_scatter / scan.sigma) > 5.0
    assert scan.off.mean() == pytest.approx(1.0)
    assert scan.transient[:2].mean() == pytest.approx(0.0, abs=1e-12)
    assert scan.fluence_mj_cm2 == pytest.approx(FLUENCES, abs=5e-3)
    assert scan.metadata.scans == 4
    assert scan.metadata.energy_ev == pytest.approx(13_472.0)
    assert scan.metadata.delay_ps == pytest.approx(10_100.0)


def test_scatter_ratio_is_one_and_scales_the_errors(br_beam_time: type[Any]) -> None:
    """20 runs x 33 degrees of freedom: sigma of the mean ratio 0.028 (4 sigma, 1 in 16 000)."""
    beam_time = fluence_beam_time(br_beam_time, jet=0.001)
    scans = [reduced(beam_time, seed) for seed in range(20)]
    ratios = [scan.scatter.ratio for scan in scans if scan.scatter is not None]
    assert abs(np.mean(ratios) - 1.0) < 4 * 0.028
    plain, scaled = fit_fluence(scans[0]), fit_fluence(scans[0], scale_to_scatter=True)
    assert scaled.slope.value == pytest.approx(plain.slope.value)
    assert scaled.slope.sigma == pytest.approx(plain.slope.sigma * ratios[0])


def test_scan_that_lacks_points_is_used_as_far_as_it_got(br_beam_time: type[Any]) -> None:
    """Chi-square of 7 degrees of freedom below 30: 1 in 10 000 by chance."""
    documents = fluence_beam_time(br_beam_time, jet_between_scans=0.2).documents(np.random.default_rng(3))
    scan = fluence_scan(accumulate(documents[: 2 + 12 + 7]))
    assert scan.metadata.scans == 2
    fit = fit_fluence(scan)
    assert fit.chi_square < 30
    assert abs(fit.slope.value - SLOPE) < 4 * fit.slope.sigma
    assert scan.sigma[-2] > 1.2 * scan.sigma[4]


@pytest.mark.parametrize("present", [3, 4])
def test_scan_without_its_lowest_points_waits(br_beam_time: type[Any], present: int) -> None:
    documents = fluence_beam_time(br_beam_time).documents(np.random.default_rng(4))[:present]
    with pytest.raises(ReductionError, match="two lowest fluences"):
        fluence_scan(accumulate(documents))


def test_line_through_two_points_is_refused(br_beam_time: type[Any]) -> None:
    with pytest.raises(ReductionError, match=r"2 fluences lie below 1\.5"):
        fit_fluence(reduced(fluence_beam_time(br_beam_time), 5), 1.5)


def test_single_scan_has_no_scatter_to_scale_with(br_beam_time: type[Any]) -> None:
    scan = reduced(fluence_beam_time(br_beam_time, scans=1), 6)
    assert scan.scatter is None
    assert scan.sigma_scatter is None
    with pytest.raises(ReductionError, match="two scans"):
        fit_fluence(scan, scale_to_scatter=True)


def test_detector_of_the_wrong_sign_is_noticed(br_beam_time: type[Any]) -> None:
    beam_time = fluence_beam_time(br_beam_time, static=np.full(len(FLUENCES), -1.0), modes=("boxcar",))
    beam_time.photons_per_pulse = 0.0
    with pytest.raises(ReductionError, match="Check the sign"):
        reduced(beam_time, 7)


def test_a_fluence_scan_knows_its_axes_and_is_no_other_scan(br_beam_time: type[Any], br_energy_scan: Any) -> None:
    run = accumulate(fluence_beam_time(br_beam_time).documents(np.random.default_rng(8)))
    assert run.mean_readback("fluence_mj_cm2") == pytest.approx(FLUENCES, abs=5e-3)
    assert run.mean_readback("energy_ev") == pytest.approx(np.full(12, 13_472.0))
    assert (run.metadata.energy_ev, run.metadata.delay_ps, run.metadata.fluence_mj_cm2) == (13_472.0, 10_100.0, 12.4)
    with pytest.raises(ReductionError, match="fluence_scan"):
        boxcar_spectrum(run)
    with pytest.raises(ReductionError, match="fluence_scan"):
        spc_trace(run)
    energy_run = accumulate(br_energy_scan(scans=1).documents(np.random.default_rng(9)))
    assert energy_run.mean_readback("fluence_mj_cm2")[0] == pytest.approx(8.8)
    with pytest.raises(ReductionError, match="not the fluence"):
        fluence_scan(energy_run)


@pytest.mark.parametrize("key", ["energy_ev", "delay_ps"])
def test_fluence_scan_without_its_fixed_values_is_refused(br_beam_time: type[Any], key: str) -> None:
    start = fluence_beam_time(br_beam_time).start()
    del start[key]
    with pytest.raises(ReductionError, match=key):
        accumulate([("start", start)])


def test_fluence_scan_must_read_its_fluence(br_beam_time: type[Any]) -> None:
    documents = fluence_beam_time(br_beam_time).documents(np.random.default_rng(10))
    del documents[2][1]["data"]["fluence_mj_cm2"]
    with pytest.raises(ReductionError, match="fluence_mj_cm2"):
        accumulate(documents)


def with_zero(docs: list[Any], zero_v: float) -> list[Any]:
    """The documents with a boxcar that reads `zero_v`, V, without photons."""
    return [
        (name, {**doc, "data": {**doc["data"], "boxcar_mean": doc["data"]["boxcar_mean"] + zero_v}})
        if name == "event"
        else (name, doc)
        for name, doc in docs
    ]


def test_the_electronic_zero_of_the_boxcar_is_taken_out_of_the_slope(br_beam_time: type[Any]) -> None:
    """With a zero of a third of the signal the slope was 0.75 of the truth, six of its errors away, and the default.

    Fixed seeds; pulls within 4 (1 in 16 000).
    """
    beam_time = fluence_beam_time(br_beam_time, scans=9)
    run = accumulate(with_zero(beam_time.documents(np.random.default_rng(21)), 1 / 3))
    static = np.array([0.1, 0.1, 0.1, 1.0, 1.1, 0.9])
    energies = br_beam_time(
        axis="energy_ev", points=13_450.0 + 20 * np.arange(6), static=static, signal=np.zeros((6, 5)), scans=4
    )
    zero = boxcar_zero(accumulate(with_zero(energies.documents(np.random.default_rng(22)), 1 / 3)))
    assert abs(zero.value - 1 / 3) < 4 * zero.sigma < 0.02
    raw, right, counted = fluence_scan(run, "boxcar"), fluence_scan(run, "boxcar", zero_v=zero), fluence_scan(run)
    assert [scan.scale_known for scan in (raw, right, counted)] == [False, True, True]
    assert fit_fluence(raw).slope.value == pytest.approx(0.75 * SLOPE, rel=0.05)
    for scan in (right, counted):
        slope = fit_fluence(scan).slope
        assert abs(slope.value - SLOPE) < 4 * slope.sigma
    vague = fluence_scan(run, "boxcar", zero_v=Value(zero.value, 0.1))
    assert fit_fluence(vague).slope.sigma > 1.5 * fit_fluence(right).slope.sigma


def test_a_run_at_one_energy_does_not_determine_the_zero(br_beam_time: type[Any]) -> None:
    """An extrapolation from signals that are all alike could give any slope."""
    run = accumulate(fluence_beam_time(br_beam_time).documents(np.random.default_rng(23)))
    with pytest.raises(ReductionError, match=r"1\.5 times the smallest"):
        boxcar_zero(run)
