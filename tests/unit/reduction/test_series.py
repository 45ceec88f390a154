"""If these fail, runs are averaged that are not of one measurement."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from errors import ReductionError
from reduction.accumulator import RunAccumulator, accumulate
from reduction.types import Mode
from reduction.xas.all_gates import AllGatesSpectrum, all_gates_spectrum
from reduction.xas.boxcar_energy import boxcar_spectrum
from reduction.xas.series import ScanCriteria, select_scans, series_spectrum
from reduction.xas.spc_energy import spc_spectrum


def repeats(br_energy_scan: Any, number: int = 3, first_seed: int = 0, **settings: Any) -> list[RunAccumulator]:
    given = {"scans": 4, "boxcar_noise_v": 1e-3} | settings
    return [
        accumulate(br_energy_scan(**given, overrides={"uid": f"run{n}"}).documents(np.random.default_rng(n)))
        for n in range(first_seed, first_seed + number)
    ]


def test_photons_of_all_runs_are_summed_before_the_reduction(br_energy_scan: Any) -> None:
    """Combined by counts, a series gives what one run with all scans would have given, to the last digit."""
    runs = repeats(br_energy_scan)
    combined = series_spectrum(runs, "spc")
    joined = select_scans(runs, "spc").together
    assert joined.scans == combined.spectrum.metadata.scans == 12
    assert joined.metadata.uid == "run0+run1+run2"
    assert joined.counts.sum() == sum(run.counts.sum() for run in runs)
    assert np.array_equal(combined.spectrum.transient, spc_spectrum(joined).transient)
    single = spc_spectrum(runs[0])
    assert combined.spectrum.sigma == pytest.approx(single.sigma / np.sqrt(3), rel=0.05)
    assert runs[0].scans == 4


def test_all_gates_of_a_series_are_those_of_all_its_scans(br_energy_scan: Any) -> None:
    """Lost: all gates, where each run alone is too weak for them; the reason, where all runs together are."""
    runs = repeats(br_energy_scan, 6, scans=1)
    with pytest.raises(ReductionError, match="too weak"):
        all_gates_spectrum(runs[0])
    found = series_spectrum(runs, "spc", reference="all gates")
    two = series_spectrum(runs, "spc")
    assert isinstance(found.spectrum, AllGatesSpectrum)
    assert found.spectrum.metadata.scans == 6
    assert np.mean(found.spectrum.sigma**2) < 0.8 * np.mean(two.spectrum.sigma**2)
    assert found.between_runs == two.between_runs
    dim = repeats(br_energy_scan, 2, scans=1, boxcar_noise_v=5e-3)
    weak = series_spectrum(dim, "boxcar", reference="all gates").spectrum
    assert not isinstance(weak, AllGatesSpectrum)
    assert "too weak" in weak.metadata.two_gates_reason
    assert np.array_equal(weak.transient, series_spectrum(dim, "boxcar").spectrum.transient)
    assert weak.metadata.beam_time_s == pytest.approx(2 * spc_spectrum(dim[0]).metadata.beam_time_s)


def test_boxcar_runs_weigh_by_their_errors(br_energy_scan: Any) -> None:
    """Lost: the good run, in a plain mean with one that is ten times noisier."""
    good, bad = (repeats(br_energy_scan, 1, boxcar_noise_v=noise)[0] for noise in (3e-4, 3e-3))
    combined = series_spectrum([good, bad], "boxcar").spectrum
    one, two = boxcar_spectrum(good), boxcar_spectrum(bad)
    weight = 1 / one.sigma**2 / (1 / one.sigma**2 + 1 / two.sigma**2)
    assert combined.transient == pytest.approx(weight * one.transient + (1 - weight) * two.transient)
    assert combined.transient == pytest.approx(combined.on - combined.off)
    assert combined.sigma == pytest.approx((one.sigma**-2 + two.sigma**-2) ** -0.5)
    assert combined.metadata.scans == 8


@pytest.mark.parametrize("mode", ["spc", "boxcar"])
def test_agreeing_repeats_have_a_ratio_of_one(br_energy_scan: Any, mode: Mode) -> None:
    """8 runs: 1364 degrees of freedom between scans (sigma 0.019), 308 between runs (0.041); 4.5 sigma, 1 in 1e5.

    Offsets and scales taken from the same points change the ratio between runs by up to 0.03.
    """
    combined = series_spectrum(repeats(br_energy_scan, 8, jet=1e-3), mode)
    assert combined.between_scans is not None
    assert combined.between_runs is not None
    assert combined.between_scans.degrees_of_freedom == 44 * 31
    assert combined.between_runs.degrees_of_freedom == 44 * 7
    assert abs(combined.between_scans.ratio - 1.0) < 4.5 * 0.019 + 0.01
    assert abs(combined.between_runs.ratio - 1.0) < 4.5 * 0.041 + 0.03


def test_runs_that_disagree_show_it(br_energy_scan: Any) -> None:
    """Lost: a drift between runs that no single scan reveals, hidden by errors of counting alone."""
    runs = repeats(br_energy_scan, 3, jet=1e-3)
    strong = br_energy_scan(scans=4, jet=1e-3)
    strong.signal = strong.signal * 2.5
    runs.append(accumulate(strong.documents(np.random.default_rng(9))))
    combined = series_spectrum(runs, "spc")
    assert combined.between_runs is not None
    assert combined.between_runs.ratio > 1.0 + 4.5 * combined.between_runs.sigma
    assert combined.run_transients.shape == combined.run_sigmas.shape == (4, 44)


def spoiled(br_energy_scan: Any, seed: int, **factors: float) -> RunAccumulator:
    """Four scans, the second one with its fields multiplied by the given factors."""
    documents = br_energy_scan(scans=4, overrides={"uid": "bad"}).documents(np.random.default_rng(seed))
    for name, doc in documents:
        if name == "event" and doc["data"]["scan_index"] == 1:
            doc["data"] |= {key: doc["data"][key] * factor for key, factor in factors.items()}
    return accumulate(documents)


@pytest.mark.parametrize(
    ("factors", "criteria", "reason"),
    [
        ({"i0": 0.9, "boxcar_mean": 0.9}, ScanCriteria(max_flux_deviation=0.03), "mean I0 is 0.9"),
        ({"boxcar_mean": 0.8}, ScanCriteria(max_static_deviation=0.1), "unpumped signal is 0.8"),
    ],
)
def test_scan_is_rejected_for_the_stated_reason_only(
    br_energy_scan: Any, factors: dict[str, float], criteria: ScanCriteria, reason: str
) -> None:
    runs = [*repeats(br_energy_scan, 1), spoiled(br_energy_scan, 5, **factors)]
    assert select_scans(runs, "boxcar").rejected == ()
    series = select_scans(runs, "boxcar", criteria)
    assert [(scan.uid, scan.run, scan.scan) for scan in series.rejected] == [("bad", 1, 1)]
    assert reason in series.rejected[0].reason
    assert series.together.scans == 7


def test_unfinished_scan_is_kept_unless_completeness_is_asked_for(br_energy_scan: Any) -> None:
    unfinished = accumulate(br_energy_scan(scans=4).documents(np.random.default_rng(6))[: 2 + 44 + 20])
    runs = [*repeats(br_energy_scan, 1), unfinished]
    assert select_scans(runs, "spc").together.scans == 6
    series = select_scans(runs, "spc", ScanCriteria(min_fraction=1.0))
    assert series.together.scans == 5
    assert series.rejected[0].reason.startswith("45.5% of its points")
    combined = series_spectrum(runs, "boxcar", criteria=ScanCriteria(min_fraction=1.0))
    assert combined.rejected == series.rejected


def test_runs_that_lack_points_are_not_averaged_by_place(br_energy_scan: Any) -> None:
    documents = br_energy_scan(scans=2).documents(np.random.default_rng(7))
    without = [doc for doc in documents if doc[0] != "event" or doc[1]["data"]["point_index"] != 12]
    with pytest.raises(ReductionError, match="same points"):
        series_spectrum([*repeats(br_energy_scan, 1), accumulate(without)], "boxcar")


@pytest.mark.parametrize(
    ("change", "name"),
    [({"edge": "Pb L3"}, "edge"), ({"delay_ps": 100.0}, "delay_ps"), ({"sample": "other"}, "sample")],
)
def test_runs_with_other_settings_are_no_repeats(br_energy_scan: Any, change: dict[str, Any], name: str) -> None:
    other = accumulate(br_energy_scan(overrides=change).documents(np.random.default_rng(8)))
    with pytest.raises(ReductionError, match=f"has {name} = "):
        select_scans([*repeats(br_energy_scan, 1), other], "spc")


def test_nothing_left_or_nothing_given_is_said(br_energy_scan: Any) -> None:
    with pytest.raises(ReductionError, match="at least one run"):
        select_scans([], "spc")
    bad = spoiled(br_energy_scan, 9)
    with pytest.raises(ReductionError, match="No scan of 1 runs"):
        select_scans([bad], "spc", ScanCriteria(max_flux_deviation=-1.0))


def test_single_scan_has_no_repeats_to_compare(br_energy_scan: Any) -> None:
    combined = series_spectrum(repeats(br_energy_scan, 1, scans=1), "spc")
    assert combined.between_scans is None
    assert combined.between_runs is None


@pytest.mark.parametrize(
    ("calibration", "said"),
    [
        ({"energy_calibration_offset_ev": 3.0}, r"energy axes .* differ by \+3 eV"),
        ({"time_zero_raw_ps": 169_814.0}, "34 ps"),
    ],
)
def test_runs_measured_on_differently_calibrated_axes_stay_apart(
    br_energy_scan: Any, calibration: dict[str, float], said: str
) -> None:
    """Lost: an edge smeared over 3 eV, or a rise over 34 ps, by a mean of runs before and after a calibration."""
    first = {"uid": "first", "energy_calibration_offset_ev": 0.0, "time_zero_raw_ps": 169_780.0}
    runs = [
        accumulate(br_energy_scan(scans=2, overrides=start).documents(np.random.default_rng(1)))
        for start in (first, first | {"uid": "second"} | calibration)
    ]
    with pytest.raises(ReductionError, match=said):
        series_spectrum(runs, "spc")
    assert select_scans([runs[0], runs[0]], "spc").together.scans == 4
