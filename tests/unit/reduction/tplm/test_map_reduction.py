"""If these fail, the diffusivity of a map is wrong, or its error bar is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from errors import ReductionError
from reduction.kinds import RunReduction, curve_of, kind_of, reduce_run
from reduction.tplm.coates import blocked_pulses, open_pulses, photons_per_pulse
from reduction.tplm.decay import DecayCurve, power_law, prompt_lifetime_ns
from reduction.tplm.displacement import displacement_line, image_widths
from reduction.tplm.intensity import integrated_light, intensity_exponent
from reduction.tplm.kinds import tail_of_image
from reduction.tplm.leftover import leftover, leftover_remarks
from reduction.tplm.likelihood import fit_map
from reduction.tplm.limits import diffusivity_text, upper_limit
from reduction.tplm.map_sums import MapSums
from reduction.tplm.metadata import ExcitationScale, MapMetadata, dose_of
from reduction.tplm.response import Response, emission_times, seen_exponential
from reduction.tplm.results import MapResults
from reduction.values import Value
from sim.physics.tplm.counting import draw
from sim.physics.tplm.diffusion import diffusivity_cm2_s
from sim.physics.tplm.emission import decay_at
from sim.physics.tplm.sample import film_path, load_film
from sim.physics.tplm.setting import Setting
from tests.support.tplm import runs as tplm_runs
from tests.support.tplm.runs import MapPlan, map_documents, map_of_means, start_of

FILM = replace(load_film(), image=replace(load_film().image, drift_period_h=1000.0))
TEN_NW = Setting(power_nw=10.0, repetition_rate_mhz=2.5)
DRIFT_NM = 5.0 * 34 * 30.5 / 60
"""Distance that the centre moves between the middles of the first and the last exposure, nm."""


@pytest.fixture(scope="module")
def bright_map() -> list[tuple[str, dict[str, Any]]]:
    return map_documents(FILM, TEN_NW, np.random.default_rng(8))


@pytest.fixture(scope="module")
def bright(bright_map: list[tuple[str, dict[str, Any]]]) -> MapResults:
    results = reduce_run(bright_map)
    assert isinstance(results, MapResults), results.table()
    return results


def pull(found: Value, truth: float) -> float:
    return (found.value - truth) / found.sigma


def test_a_map_gives_diffusivity_centre_and_lifetime(bright: MapResults) -> None:
    assert abs(pull(bright.diffusivity_cm2_s, diffusivity_cm2_s(FILM, TEN_NW))) < 3
    assert bright.diffusivity_cm2_s.sigma < 6e-4
    assert abs(pull(bright.fit.value("centre"), 130 + DRIFT_NM / 2)) < 3
    assert abs(pull(bright.fit.value("drift"), DRIFT_NM * 35 / 34)) < 3
    assert 0.55 < bright.lifetime_correlation < 0.7  # 0.65 in 400 maps at 1 MHz
    assert bright.lifetime_ns is not None
    assert abs(pull(bright.lifetime_ns, decay_at(FILM.emission, 10.0).prompt_ns)) < 3
    assert not bright.remarks


def test_line_and_map_agree(bright: MapResults) -> None:
    assert bright.line is not None
    assert bright.paper_cm2_s is not None
    map_value = bright.diffusivity_cm2_s
    assert abs(bright.line.diffusivity_cm2_s.value - map_value.value) < 3 * map_value.sigma
    assert bright.line.diffusivity_cm2_s.sigma >= map_value.sigma
    assert abs(bright.paper_cm2_s.value / map_value.value - 1) < 0.05
    assert bright.line.chi_square < 3 * bright.line.degrees_of_freedom


@pytest.mark.parametrize("rate_mhz", [10.0, 40.0])
def test_without_noise_a_bright_map_gives_the_truth(rate_mhz: float) -> None:
    """At 100 nW the counting error is 0.14 % of the diffusivity: what the model leaves out must be far below."""
    setting = Setting(power_nw=100.0, repetition_rate_mhz=rate_mhz)
    seen, metadata = map_of_means(FILM, setting)
    fit = fit_map(seen, metadata)
    line = displacement_line(image_widths(seen, metadata, fit)).diffusivity_cm2_s
    truth = diffusivity_cm2_s(FILM, setting)
    assert abs(pull(fit.diffusivity_cm2_s, truth)) < (0.1 if rate_mhz == 10 else 0.15)
    assert abs(pull(line, truth)) < (0.1 if rate_mhz == 10 else 0.3)


def test_a_line_beside_the_centre_gives_a_lifetime_that_is_too_long() -> None:
    """Lost: 0.02 ns, two errors of a map of 90 s, of which no chi-square says anything."""
    found = []
    for y_um in (0.0, 0.08):
        seen, metadata = map_of_means(FILM, TEN_NW, beside_um=y_um)
        found.append(fit_map(seen, metadata))
    true, wrong = (fit.lifetime_ns(metadata).value for fit in found)
    assert true == pytest.approx(decay_at(FILM.emission, 10.0).prompt_ns, abs=1e-3)
    assert wrong - true == pytest.approx(0.0195, abs=5e-4)
    assert found[1].longer_beside_ns(metadata, 80.0) == pytest.approx(wrong - true, rel=0.03)
    assert found[1].diffusivity_cm2_s.value == pytest.approx(found[0].diffusivity_cm2_s.value, rel=1e-3)


def test_a_map_whose_centre_was_not_measured_says_so(bright_map: list[tuple[str, dict[str, Any]]]) -> None:
    start = {**bright_map[0][1], "calibrated_at_s": {"image_centre_x": 1.0}}
    table = reduce_run([("start", start), *bright_map[1:]]).table()
    assert "100 nm beside it, the lifetime is 0.029 ns too long" in table
    assert MapMetadata.from_start({**start, "calibrated_at_s": {"image_centre_y": 1.0}}).across_measured
    assert not MapMetadata.from_start({**start, "line_axis": "x_um"}).across_measured
    assert MapMetadata.from_start({**start, "line_axis": "y_um"}).across_measured


@pytest.mark.parametrize(("share", "ratio"), [(0.0, 0.98), (0.05, 2.14)])
def test_afterpulses_of_the_detector_are_told_from_the_light_of_earlier_pulses(share: float, ratio: float) -> None:
    """Lost: an exponent that is too small, by 0.06 at 40 MHz, in a map that fits."""
    seen, metadata = map_of_means(FILM, replace(TEN_NW, afterpulse_share=share))
    fit = fit_map(seen, metadata)
    found = leftover(fit, tail_of_image(image_widths(seen, metadata, fit), metadata.response), 2.5)
    assert found.value == pytest.approx(ratio, abs=0.03)
    said = leftover_remarks(found)
    assert (len(said) == 1 and "afterpulses" in said[0]) if share else not said
    assert fit.diffusivity_cm2_s.value == pytest.approx(diffusivity_cm2_s(FILM, TEN_NW), rel=1e-3)


def test_light_of_the_image_is_that_before_it_fades() -> None:
    """At 100 nW a spot loses 2 % in a map: without a correction, light against power would not look linear."""
    setting = Setting(power_nw=100.0, repetition_rate_mhz=40.0)
    found = []
    for per_nw_s in (FILM.emission.bleach_per_nw_s, 0.0):
        seen, metadata = map_of_means(replace(FILM, emission=replace(FILM.emission, bleach_per_nw_s=per_nw_s)), setting)
        found.append(integrated_light(seen, replace(metadata, dark_rate_hz=150.0), fit_map(seen, metadata)))
    assert found[0].value == pytest.approx(found[1].value, rel=1e-3)


def test_displacement_is_linear_then_levels_off(bright: MapResults) -> None:
    widths = bright.widths
    assert widths is not None
    late = widths.variance_nm2[widths.time_ns > 15].mean() - bright.fit.common[1]
    assert late < 0.6 * 2e5 * bright.diffusivity_cm2_s.value * 15


def test_power_law_is_that_of_the_emission(bright: MapResults) -> None:
    assert bright.tail is not None
    assert bright.tail.exponent.value == pytest.approx(decay_at(FILM.emission, 10.0).exponent, abs=0.02)


def test_dose_of_the_table(bright: MapResults) -> None:
    """Table S1: 0.76 uJ/cm2 and 0.082 at 10 nW and 2.5 MHz."""
    assert bright.conditions.dose.fluence_uj_cm2 == pytest.approx(0.762, abs=0.001)
    assert bright.conditions.dose.excitons == pytest.approx(0.082, abs=0.0005)
    table_s2 = dose_of(ExcitationScale(), 25.0, 5.0)
    assert (table_s2.excitons, table_s2.fluence_uj_cm2) == pytest.approx((0.1025, 0.95), rel=0.01)


def test_light_of_earlier_pulses_does_not_bias_a_map_at_40_mhz() -> None:
    """Lost: a tenth of the diffusivity, if the wide floor were taken for flat dark counts."""
    setting = Setting(power_nw=25.0, repetition_rate_mhz=40.0)
    results = reduce_run(map_documents(FILM, setting, np.random.default_rng(2)))
    assert isinstance(results, MapResults)
    assert abs(pull(results.diffusivity_cm2_s, diffusivity_cm2_s(FILM, setting))) < 3
    assert results.fit.value("left_width").value > 1.5 * results.fit.value("start").value


def test_pulls_of_many_maps_are_normal() -> None:
    """Twelve short maps: the mean of their pulls has an error of 0.29, their width one of 0.2."""
    rng, plan = np.random.default_rng(11), MapPlan(places=21, dwell_s=20.0)
    setting = Setting(power_nw=6.0, repetition_rate_mhz=40.0)
    pulls = []
    for _ in range(12):
        sums = MapSums()
        for name, doc in map_documents(FILM, setting, rng, plan):
            sums(name, doc)
        pulls.append(pull(fit_map(sums.exposures(), sums.metadata).diffusivity_cm2_s, diffusivity_cm2_s(FILM, setting)))
    assert abs(np.mean(pulls)) < 1
    assert 0.4 < np.std(pulls, ddof=1) < 1.7


def test_what_does_not_spread_gets_an_upper_limit() -> None:
    film, setting = load_film(film_path("cald_12")), Setting(power_nw=1.0, repetition_rate_mhz=40.0)
    results = reduce_run(map_documents(film, setting, np.random.default_rng(3)))
    assert isinstance(results, MapResults)
    assert "below" in results.table()
    assert 1e-4 < upper_limit(results.diffusivity_cm2_s) < 0.006
    assert upper_limit(Value(-0.002, 0.001)) == pytest.approx(0.001645)
    assert diffusivity_text(Value(0.0721, 0.0008)) == "0.07210 ± 0.00080 cm2/s"


def test_a_map_is_reduced_while_it_grows(bright_map: list[tuple[str, dict[str, Any]]]) -> None:
    reduction = RunReduction(bright_map[0][1])
    for name, doc in bright_map[:4]:
        reduction(name, doc)
    assert "6 places" in reduction.results().table()
    for name, doc in bright_map[4:20]:
        reduction(name, doc)
    assert isinstance(reduction.results(), MapResults)


def test_bad_exposures_are_left_out(bright_map: list[tuple[str, dict[str, Any]]]) -> None:
    sums = MapSums()
    for name, doc in bright_map[:2]:
        sums(name, doc)
    event = bright_map[2][1]
    sums("event", event | {"data": event["data"] | {"quality": "laser"}})
    sums("event", event)
    copy = sums.snapshot()
    sums("event", event)
    assert (sums.number, copy.number, sums.rejected) == (2, 1, 1)


def test_damaged_documents_say_what_is_wrong(bright_map: list[tuple[str, dict[str, Any]]]) -> None:
    start = dict(bright_map[0][1])
    start.pop("bin_ps")
    with pytest.raises(ReductionError, match="bin_ps"):
        MapMetadata.from_start(start)
    sums = MapSums()
    for name, doc in bright_map[:2]:
        sums(name, doc)
    event = bright_map[2][1]
    with pytest.raises(ReductionError, match="has 3 channels, the run states 25000"):
        sums("event", event | {"data": event["data"] | {"tcspc_counts": np.zeros(3)}})
    assert "no good exposure" in reduce_run(bright_map[:2]).table()


def test_magnification_error_widens_the_error(bright_map: list[tuple[str, dict[str, Any]]], bright: MapResults) -> None:
    start = bright_map[0][1] | {"magnification_error": 4.95}
    results = reduce_run([("start", start), *bright_map[1:]])
    assert isinstance(results, MapResults)
    assert results.diffusivity_cm2_s.sigma == pytest.approx(0.02 * bright.diffusivity_cm2_s.value, rel=0.1)


def test_the_curve_of_a_map_is_its_displacement(bright_map: list[tuple[str, dict[str, Any]]]) -> None:
    curve = curve_of(bright_map)
    assert curve.axis == "delay_ns"
    assert kind_of(bright_map[0][1]).name == "photoluminescence map"
    assert curve.y[curve.x < 1].mean() == pytest.approx(2e5 * 0.0721 * curve.x[curve.x < 1].mean(), rel=0.1)


def test_pile_up_is_corrected_by_the_first_photon() -> None:
    """A tenth of the pulses pile up; the channels after the peak would come out lower."""
    rng, light = np.random.default_rng(1), np.array([0.02, 0.3, 0.1, 0.05])
    counts = draw(rng, light, sync_pulses=2_000_000)
    counts = counts.astype(float)
    exact = np.exp(-np.concatenate([[0], np.cumsum(light)[:-1]])) * -np.expm1(-light) * 2e8
    found = photons_per_pulse(exact.round(), np.array(2e8))
    assert found == pytest.approx(light, rel=1e-5)
    assert open_pulses([10, 20, 5], 100, blocked=1).tolist() == [65, 55, 35]
    assert [blocked_pulses(90, period) for period in (400, 50, 25)] == [0, 1, 3]
    with pytest.raises(ReductionError, match="More photons"):
        open_pulses([10, 20], 15)


def test_an_exponential_is_seen_through_the_response() -> None:
    """Against a numerical folding with the same response."""
    response, step = Response(fwhm_ps=80.0, tail_share=0.05, tail_ps=250.0), 0.001
    time = np.arange(-1, 8, step)
    gauss = np.exp(-((time / response.sigma_ns) ** 2) / 2)
    tail = np.where(time > 0, np.exp(-time / 0.25), 0.0)
    both = (
        0.95 * gauss / gauss.sum() + 0.05 * np.convolve(gauss / gauss.sum(), tail / tail.sum())[1000 : 1000 + time.size]
    )
    decay = np.where(time > 0, np.exp(-time / 1.7), 0.0)
    folded = np.convolve(both, decay)[1000 : 1000 + time.size]
    late = (time > 0.1) & (time < 3)
    assert seen_exponential(time[late], 1.7, response) == pytest.approx(folded[late], rel=2e-3)
    mean, square = (np.convolve(both, decay * time**power)[1000 : 1000 + time.size] / folded for power in (1, 2))
    emitted = emission_times(time[late], 1.7, response)
    assert emitted.mean_ns == pytest.approx(mean[late], abs=2e-3)
    assert emitted.spread_ns2 == pytest.approx((square - mean**2)[late], rel=0.01)


def test_decays_are_fitted_as_they_are() -> None:
    response, delay = Response(fwhm_ps=80.0), np.arange(0.1, 3, 0.016)
    light = seen_exponential(delay, 1.9, response)
    curve = DecayCurve(delay_ns=delay, light=light, sigma=0.01 * np.sqrt(light))
    assert prompt_lifetime_ns(curve, response).value == pytest.approx(1.9, rel=1e-4)
    late = np.geomspace(3.1, 19, 20)
    tail = DecayCurve(delay_ns=late, light=late**-1.6, sigma=0.01 * late**-1.6)
    assert power_law(tail).exponent.value == pytest.approx(1.6)
    with pytest.raises(ReductionError, match="three delays"):
        prompt_lifetime_ns(DecayCurve(delay_ns=late, light=late, sigma=late), response)


def test_a_map_without_light_is_refused() -> None:
    dark = replace(TEN_NW, shutter_open=False, repetition_rate_mhz=40.0)
    assert "photons above the background" in reduce_run(map_documents(FILM, dark, np.random.default_rng(1))).table()


def test_start_documents_need_a_technique() -> None:
    assert kind_of(start_of(FILM, TEN_NW, technique="xas")).name == "other"


@pytest.mark.parametrize("power_nw", [0.5, 100.0])
def test_a_map_without_noise_gives_the_numbers_of_the_film(power_nw: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: numbers at high diffusivity, where light of one delay is a mixture of wide and narrow images."""
    longer = 300

    def mean_of_long(_: Any, expected: np.ndarray, *, sync_pulses: int, blocked: int) -> np.ndarray:
        del blocked
        return np.asarray(np.rint(expected * sync_pulses * longer))

    monkeypatch.setattr(tplm_runs, "draw", mean_of_long)
    setting = Setting(power_nw=power_nw, repetition_rate_mhz=2.5)
    # Pile-up is not made here, so it has to be small for the reduction that corrects it.
    film = replace(FILM, emission=replace(FILM.emission, counts_per_s_per_nw=1e3 / power_nw))
    documents = map_documents(film, setting, np.random.default_rng(1))
    for name, doc in documents:
        if name == "event":
            doc["data"]["sync_pulses"] *= longer
    results = reduce_run(documents)
    assert isinstance(results, MapResults)
    assert results.tail is not None
    assert abs(results.tail.exponent.value - decay_at(FILM.emission, power_nw).exponent) < 0.006
    # By the tail of the response, images of a single width would give 0.13 % less at 100 nW, and the line 0.25 %.
    true = diffusivity_cm2_s(film, setting)
    assert results.line is not None
    assert results.fit.diffusivity_cm2_s.value == pytest.approx(true, rel=8e-4, abs=2e-5)
    assert results.line.diffusivity_cm2_s.value == pytest.approx(true, rel=1e-3, abs=2e-5)


def test_light_of_the_whole_image_and_heating(bright_map: list[tuple[str, dict[str, Any]]]) -> None:
    """Lost: the test that light grows in proportion to the power. A round image: the peak times 2 pi s0^2."""
    start = {**bright_map[0][1], "dark_rate_hz": 150.0, "dark_rate_error_hz": 1.0}
    results = reduce_run([("start", start), *bright_map[1:]])
    assert isinstance(results, MapResults)
    assert results.light is not None
    assert results.light.value == pytest.approx(2e4 * 2 * np.pi * 0.0649, rel=0.06)
    assert 0 < results.light.sigma < 0.01 * results.light.value
    powers = [1.0, 2.0, 4.0, 8.0]
    found = intensity_exponent(powers, [Value(3 * power**0.9, 0.01) for power in powers])
    assert abs(found.value - 0.9) < 4 * found.sigma
    with pytest.raises(ReductionError, match="light at 3 powers; there are 2"):
        intensity_exponent(powers[:2], [Value(1.0, 0.1), Value(2.0, 0.1)])
    assert dose_of(ExcitationScale(), 1.0, 2.5).heating_k == pytest.approx(0.004, abs=0.001)


def test_the_errors_of_time_zero_and_response_have_their_share(bright_map: list[tuple[str, dict[str, Any]]]) -> None:
    """Lost: an error bar that ignores 20 ps of doubt in time zero."""
    bright = reduce_run(bright_map)
    assert isinstance(bright, MapResults)
    assert bright.timing_share.diffusivity_cm2_s == 0
    covariance = np.diag([20.0**2, 10.0**2, 0.01**2, 30.0**2])
    start = {**bright_map[0][1], "timing_covariance": covariance.tolist()}
    found = reduce_run([("start", start), *bright_map[1:]])
    assert isinstance(found, MapResults), found.table()
    share = found.timing_share
    assert found.diffusivity_cm2_s.value == bright.diffusivity_cm2_s.value
    assert found.diffusivity_cm2_s.sigma == pytest.approx(
        np.hypot(bright.diffusivity_cm2_s.sigma, share.diffusivity_cm2_s)
    )
    # The intercept of the line is free, so a shift of all times hardly moves the slope: less than 1 % for 20 ps.
    assert 0 < share.diffusivity_cm2_s < 7e-4
    assert 0 < share.lifetime_ns < 0.05
    assert "of time zero, response" in found.table()


def test_a_map_that_a_series_made_is_a_map(bright_map: list[tuple[str, dict[str, Any]]]) -> None:
    """Lost: every map of a series, which earlier versions stored under the name of the series."""
    start = {**bright_map[0][1], "plan_name": "tplm_power_series", "centre_points": [8]}
    assert isinstance(reduce_run([("start", start), *bright_map[1:]]), MapResults)
