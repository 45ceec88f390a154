"""If these fail, time zero, the image's centre or the dark rate are wrong, and every map with them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from reduction.kinds import curve_of, reduce_run
from reduction.tplm.results import CentreResults, DarkResults, DecayResults, FocusResults, ResponseResults
from sim.physics.tplm.diffusion import diffusivity_cm2_s
from sim.physics.tplm.sample import load_film
from sim.physics.tplm.setting import Setting
from tests.support.tplm.runs import event_of, start_of

FILM = load_film()
SETTING = Setting(power_nw=5.0, repetition_rate_mhz=5.0)
BRIEF = Setting(power_nw=20.0, repetition_rate_mhz=20.0)
"""Bright light and short histograms."""


def run(plan_name: str, events: list[dict[str, Any]], setting: Setting = SETTING) -> list[tuple[str, dict[str, Any]]]:
    start = start_of(FILM, setting, plan_name)
    return [("start", start), ("descriptor", {"uid": "d", "name": "primary"}), *(("event", event) for event in events)]


def exposure(setting: Setting, dwell_s: float, seed: int = 1, x_um: float = 0.13) -> dict[str, Any]:
    return event_of(FILM, setting, np.random.default_rng(seed), x_um=x_um, elapsed_s=0.0, dwell_s=dwell_s)


def test_response_and_time_zero_are_found_in_the_scatter() -> None:
    events = [exposure(replace(SETTING, filters_in=False), 60.0)]
    found = reduce_run(run("tplm_response", events))
    assert isinstance(found, ResponseResults), found.table()
    response = found.response
    for value, truth in (
        (response.time_zero_ps, 2013.0),
        (response.fwhm_ps, 80.0),
        (response.tail_share, 0.05),
        (response.tail_ps, 250.0),
    ):
        assert abs(value.value - truth) < 4 * value.sigma
        assert value.sigma < 0.1 * truth
    assert response.time_zero_ps.sigma < 0.5
    numbers = (response.time_zero_ps, response.fwhm_ps, response.tail_share, response.tail_ps)
    assert np.sqrt(np.diag(response.covariance)) == pytest.approx([one.sigma for one in numbers])
    assert "time zero" in found.table()


def test_a_full_channel_gives_no_response() -> None:
    events = [exposure(replace(SETTING, filters_in=False, power_nw=100.0), 60.0)]
    assert "A channel is full" in reduce_run(run("tplm_response", events)).table()


def test_dark_rate_has_its_counting_error() -> None:
    dark = [exposure(replace(SETTING, shutter_open=False), 60.0, seed) for seed in range(3)]
    found = reduce_run(run("tplm_dark", dark))
    assert isinstance(found, DarkResults)
    assert abs(found.dark.rate_hz.value - 150) < 3 * found.dark.rate_hz.sigma
    assert found.dark.rate_hz.sigma == pytest.approx(np.sqrt(150 / 180), rel=0.05)
    assert found.dark.chi_square < 12


def test_the_centre_is_found_along_both_axes() -> None:
    rng = np.random.default_rng(4)
    places = np.linspace(-1.5, 1.5, 15)
    along_x = [event_of(FILM, SETTING, rng, x_um=x, elapsed_s=0, dwell_s=1.0) for x in places]
    found = reduce_run(run("tplm_centre", along_x))
    assert isinstance(found, CentreResults)
    assert found.x is not None
    assert found.y is None
    assert abs(found.x.centre_um.value - 0.13) < 4 * found.x.centre_um.sigma
    assert found.x.fwhm_nm.value > 600
    curve = curve_of(run("tplm_centre", along_x))
    assert (curve.axis, curve.x.size) == ("x_um", 15)


def focus_run(truth_um: float, heights: np.ndarray, shutter_open: bool = True) -> list[tuple[str, dict[str, Any]]]:
    rng = np.random.default_rng(7)
    events = []
    for height in heights:
        for x_um in np.linspace(-2.4, 2.4, 9):
            here = replace(BRIEF, defocus_um=float(height - truth_um), shutter_open=shutter_open)
            event = event_of(FILM, here, rng, x_um=float(x_um), elapsed_s=0.0, dwell_s=1.0)
            event["data"]["piezo_z_um"] = float(height)
            events.append(event)
    return run("tplm_focus", events, BRIEF)


@pytest.mark.parametrize("truth_um", [-5.8, -0.3, 1.0])
def test_the_focus_is_found_from_coarse_heights(truth_um: float) -> None:
    """Lost: maps of a blurred image at every temperature. The area of the image doubles 0.8 um from the focus."""
    found = reduce_run(focus_run(truth_um, np.linspace(-7.5, 7.5, 11)))
    assert isinstance(found, FocusResults), found.table()
    assert abs(found.focus.height_um.value - truth_um) < max(5 * found.focus.height_um.sigma, 0.05)
    # The image of all delays is wider than that at time zero, and so is the depth in which its area doubles.
    assert found.focus.depth_um.value == pytest.approx(0.8 * found.focus.fwhm_nm.value / 601, abs=0.05)
    assert "focus at a height" in found.table()
    assert curve_of(focus_run(truth_um, np.linspace(-7.5, 7.5, 11))).axis == "piezo_z_um"


def test_without_light_there_is_no_focus() -> None:
    assert "No image is seen" in reduce_run(focus_run(0.0, np.linspace(-1.5, 1.5, 5), shutter_open=False)).table()
    assert "3 heights" in reduce_run(focus_run(0.0, np.array([0.0, 1.0]))).table()


def test_a_line_without_an_image_has_no_centre() -> None:
    """Lost: every map, whose centre would be a place of noise."""
    rng, dark = np.random.default_rng(4), replace(SETTING, shutter_open=False)
    along_x = [event_of(FILM, dark, rng, x_um=x, elapsed_s=0, dwell_s=1.0) for x in np.linspace(-1.5, 1.5, 15)]
    assert "No image is seen along x_um" in reduce_run(run("tplm_centre", along_x)).table()


def test_a_decay_at_the_centre_has_lifetime_and_power_law() -> None:
    """At the centre the image's spreading shortens the decay; of a film that does not spread it is the emission's."""
    film = replace(FILM, diffusion=replace(FILM.diffusion, slow_cm2_s=0.0, fast_cm2_s=0.0))
    assert diffusivity_cm2_s(film, SETTING) == 0
    event = event_of(film, SETTING, np.random.default_rng(1), x_um=0.13, elapsed_s=0.0, dwell_s=60.0)
    found = reduce_run(run("trpl_series", [event]))
    assert isinstance(found, DecayResults), found.table()
    truth = 2.3 - 0.8 * np.log(10) / np.log(50)
    assert abs(found.decay.lifetime_ns.value - truth) < 4 * found.decay.lifetime_ns.sigma
    assert found.decay.tail is not None
    assert found.decay.tail.exponent.value == pytest.approx(1.5 + 0.2 * np.log(10) / np.log(50), abs=0.03)
    assert 0.4 < found.decay.prompt_share.value < 0.8
    assert "prompt share" in found.table()
