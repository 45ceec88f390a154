"""If these fail, the coverage of photoluminescence maps compares with a wrong truth."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest

from errors import ConfigurationError, InputError
from sim.ioc.tplm.maps import serve
from sim.physics.tplm.diffusion import diffusivity_cm2_s
from sim.physics.tplm.emission import decay_at
from sim.physics.tplm.sample import load_film
from sim.physics.tplm.setting import Setting
from sim.physics.tplm.spectrum import fwhm_ev, peak_ev
from trxas.validation.coverage.technique import campaign_called
from trxas.validation.tplm.coverage import CAMPAIGN, PARAMETERS, measure
from trxas.validation.tplm.hidden_film import draw_film
from trxas.validation.tplm.simulated_maps import UNCALIBRATED, line_places_um, simulated_maps


def test_the_truth_is_that_of_the_simulation(tmp_path: Path) -> None:
    """Analysis and simulation share no code, so the formulas stand twice."""
    rng = np.random.default_rng(1)
    for _ in range(6):
        hidden = draw_film(rng)
        film = load_film(hidden.write(tmp_path))
        for power, rate in ((1.0, 10.0), (25.0, 2.5)):
            setting = Setting(power_nw=power, repetition_rate_mhz=rate)
            assert hidden.diffusivity_cm2_s(power, rate) == pytest.approx(diffusivity_cm2_s(film, setting))
            assert hidden.lifetime_ns(power) == pytest.approx(decay_at(film.emission, power).prompt_ns)
            assert hidden.spectrum.peak_at(power) == pytest.approx(peak_ev(film.spectrum, setting))
        assert hidden.spectrum.fwhm_ev == pytest.approx(fwhm_ev(film.spectrum, 296.0))
        assert film.spectrograph.offset_nm == hidden.spectrum.offset_nm


def test_a_job_gets_its_histograms(tmp_path: Path) -> None:
    film = draw_film(np.random.default_rng(2))
    job = {
        "film": str(film.write(tmp_path)), "setting": {"power_nw": 5.0, "repetition_rate_mhz": 40.0}, "seed": 1,
        "places_um": [[0.0, 0.0], [5.0, 0.0]], "dwell_s": 1.0, "overhead_s": 0.5, "output": str(tmp_path / "c.npy"),
    }  # fmt: skip
    answers = io.StringIO()
    serve([json.dumps(job), "{}"], answers)
    good, bad = (json.loads(line) for line in answers.getvalue().splitlines())
    counts = np.load(tmp_path / "c.npy")
    assert good == {"sync_pulses": 40_000_000}
    assert counts.shape == (2, 1562)
    assert counts[0].sum() > 20 * counts[1].sum()
    assert "film" in bad["error"]


def test_a_job_of_spectra_gets_lit_and_dark_ones_and_readings_of_the_meter(tmp_path: Path) -> None:
    film = draw_film(np.random.default_rng(2))
    job = {
        "film": str(film.write(tmp_path)), "seed": 1, "dwell_s": 10.0, "centre_nm": 515.0,
        "settings": [{"power_nw": power, "repetition_rate_mhz": 2.5} for power in (1.0, 10.0)],
        "output": str(tmp_path / "c.npy"),
    }  # fmt: skip
    answers = io.StringIO()
    serve([json.dumps(job)], answers)
    counts = np.load(tmp_path / "c.npy").astype(float)
    assert counts.shape == (2, 2, 1340)
    light = (counts[:, 0] - counts[:, 1]).sum(axis=1)
    assert light[1] / light[0] == pytest.approx(10, rel=0.1)
    readings = json.loads(answers.getvalue())["meter_nw"]
    assert readings == pytest.approx([1.0, 10.0], rel=0.02)
    assert readings[1] != 10.0


def test_a_map_goes_over_each_place_once_and_returns_to_the_centre() -> None:
    places = line_places_um()
    assert len(places) == 35
    assert len(set(places)) == 31
    assert places.count((0.0, 0.0)) == 5


def test_the_campaign_is_known_by_its_name() -> None:
    assert campaign_called("tplm") is CAMPAIGN
    with pytest.raises(InputError, match=r"Give one of .*tplm"):
        campaign_called("xrd")


@pytest.mark.long
def test_a_random_film_is_measured_with_true_errors() -> None:
    """One sample of `trxas coverage --technique tplm`: nothing is further from its truth than five errors."""
    (estimates,) = measure(1, 4)
    assert set(estimates) == set(PARAMETERS)
    for name, one in estimates.items():
        assert abs(one.value - one.truth) < 5 * one.sigma, name


@pytest.mark.long
def test_a_refused_job_names_the_reason(tmp_path: Path) -> None:
    """Starts the simulation as its own process."""
    film, setting = draw_film(np.random.default_rng(2)), {"power_nw": 5.0, "repetition_rate_mhz": 400.0}
    job = {"setting": setting, "places_um": [(0, 0)], "dwell_s": 1.0, "seed": 1}
    with simulated_maps(tmp_path) as maps, pytest.raises(ConfigurationError, match=r"0\.5 to 80 MHz"):
        maps.run(film, "tplm_map", UNCALIBRATED, **job)
