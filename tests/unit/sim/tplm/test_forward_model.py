"""If these fail, the simulated microscope does not show what the paper describes, or its counts are wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from sim.errors import SimulationInputError
from sim.physics.tplm.counting import FULL_CHANNEL, blocked_pulses, draw
from sim.physics.tplm.diffusion import diffusivity_cm2_s, excitons_per_crystal, temperature_factor, waiting_time_us
from sim.physics.tplm.emission import Decay, decay_at
from sim.physics.tplm.forward import expected_per_pulse, time_zero_ps
from sim.physics.tplm.response import fold, response_cdf, response_per_channel
from sim.physics.tplm.sample import Film, film_path, load_film, shipped_films
from sim.physics.tplm.setting import Setting, channels_of

FILM = load_film()
LOW = Setting(power_nw=1.0, repetition_rate_mhz=2.5)
STILL = replace(FILM, image=replace(FILM.image, centre_x_um=0.0, centre_y_um=0.0, drift_nm_min=0.0))


def at_power(power_nw: float, rate_mhz: float = 2.5) -> Setting:
    return Setting(power_nw=power_nw, repetition_rate_mhz=rate_mhz)


def profile(film: Film, setting: Setting, x_um: np.ndarray) -> np.ndarray:
    """Light without the flat background, (places, channels)."""
    dark = expected_per_pulse(film, replace(setting, shutter_open=False), x_um=0, y_um=0, elapsed_s=0)
    return np.array([expected_per_pulse(film, setting, x_um=x, y_um=0, elapsed_s=0) - dark for x in x_um])


def variance_nm2(film: Film, setting: Setting, channels: np.ndarray) -> np.ndarray:
    """Second moment of the profile against the channel, from places out to 3 um."""
    x_um = np.linspace(-4, 4, 161)
    light = profile(film, setting, x_um)[:, channels]
    return np.asarray(1e6 * (x_um**2 @ light) / light.sum(axis=0))


def test_excitons_and_waiting_time_are_those_of_the_paper() -> None:
    """Table S1 and the waiting time: <N> = 0.0082 and 48.8 us at 1 nW and 2.5 MHz."""
    assert excitons_per_crystal(FILM, LOW) == pytest.approx(0.0082)
    assert excitons_per_crystal(FILM, at_power(25, 5)) == pytest.approx(0.1025)
    assert waiting_time_us(FILM, LOW) == pytest.approx(48.8, abs=0.05)
    assert waiting_time_us(FILM, at_power(1, 40)) == pytest.approx(48.8, abs=0.05)


@pytest.mark.parametrize(("power", "expected"), [(0.5, 0.0100), (1.5, 0.0106), (6, 0.046), (10, 0.072), (100, 0.139)])
def test_diffusivity_relaxes_with_the_waiting_time(power: float, expected: float) -> None:
    assert diffusivity_cm2_s(FILM, at_power(power)) == pytest.approx(expected, abs=6e-4)
    assert diffusivity_cm2_s(FILM, at_power(power, 40)) == diffusivity_cm2_s(FILM, at_power(power))


def test_laws_differ_in_what_they_depend_on() -> None:
    memory, fluence = load_film(film_path("memory")), load_film(film_path("fluence"))
    assert diffusivity_cm2_s(memory, at_power(0.5)) == pytest.approx(0.018, abs=5e-4)
    assert diffusivity_cm2_s(memory, at_power(1, 40)) == pytest.approx(diffusivity_cm2_s(memory, LOW), rel=0.02)
    assert diffusivity_cm2_s(fluence, at_power(16, 40)) == pytest.approx(diffusivity_cm2_s(fluence, LOW))


def test_cooling_speeds_diffusion_up_until_it_freezes() -> None:
    kelvin = np.array([5.0, 60, 100, 140, 150, 160, 296])
    factors = [temperature_factor(FILM.diffusion, value) for value in kelvin]
    assert kelvin[int(np.argmax(factors))] == 150
    assert factors == pytest.approx([0.1, 0.55, 1.15, 1.32, 1.32, 1.32, 1.0], abs=0.01)


def test_decay_goes_over_into_a_power_law() -> None:
    decay = decay_at(FILM.emission, 0.5)
    assert decay.at(np.array([2.999]))[0] == pytest.approx(decay.at(np.array([3.001]))[0], rel=1e-3)
    assert np.diff(np.log(decay.at(np.array([5.0, 20.0]))))[0] == pytest.approx(-1.5 * np.log(4))
    assert decay_at(FILM.emission, 25.0).prompt_ns == pytest.approx(1.5)
    early, late = np.linspace(0, 3, 3001), np.geomspace(3, 3e9, 20_001)
    assert np.trapezoid(decay.at(early), early) + np.trapezoid(decay.at(late), late) == pytest.approx(1, abs=1e-3)


def test_light_of_earlier_pulses_is_their_sum() -> None:
    decay, time = Decay(prompt_ns=2.0, exponent=2.5, join_ns=3.0), np.array([1.0, 10.0, 24.0])
    one_by_one = sum(decay.at(time + k * 25.0) for k in range(1, 3000))
    assert decay.of_earlier_pulses(time, 25.0, 1) == pytest.approx(one_by_one, rel=1e-4)


def test_response_is_a_narrow_peak_with_a_tail() -> None:
    steps = np.arange(-400.0, 4000.0)
    density = np.diff(response_cdf(FILM.timing, steps))
    assert np.flatnonzero(density > density.max() / 2).size == pytest.approx(82, abs=3)
    assert density[steps[1:] > 300].sum() == pytest.approx(0.05 * np.exp(-300 / 250), rel=0.03)
    shares = response_per_channel(FILM.timing, 25_000, 2013.0)
    assert (shares * (np.arange(25_000) + 0.5) * 16).sum() == pytest.approx(2013 + 0.05 * 250, abs=0.5)


def test_displacement_grows_linearly_to_3_ns_and_slower_afterwards() -> None:
    """Fig. 1f; the response is left out, because it mixes neighbouring delays."""
    film = replace(STILL, timing=replace(STILL.timing, irf_fwhm_ps=1.0, irf_tail_share=0.0))
    setting = at_power(10)
    slope = 2e5 * diffusivity_cm2_s(film, setting)
    zero = int(time_zero_ps(film, setting) / 16)
    channels = zero + np.array([60, 120, 180, 600, 1200])
    delay_ns = (channels + 0.5) * 0.016 - time_zero_ps(film, setting) * 1e-3
    displacement = variance_nm2(film, setting, channels) - (500**2 + 333**2) / (8 * np.log(2))
    assert displacement[:3] == pytest.approx(slope * delay_ns[:3], rel=0.02)
    assert displacement[2] < displacement[3] <= displacement[4] * 1.01 < 0.6 * slope * delay_ns[4]


def test_light_before_the_pulse_is_wide_at_high_rates() -> None:
    """At 40 MHz the tail of earlier pulses forms a floor with a shape of its own: it is not dark counts."""
    setting = at_power(25, 40)
    before = variance_nm2(STILL, setting, np.array([60]))[0]
    start = variance_nm2(STILL, setting, np.array([126]))[0]
    assert before - start > 2 * 2e5 * diffusivity_cm2_s(STILL, setting)


def test_every_rate_has_its_channels_and_its_time_zero() -> None:
    assert [channels_of(at_power(1, rate), 16) for rate in (2.5, 5, 40)] == [25_000, 12_500, 1_562]
    external = replace(LOW, external_trigger=True)
    assert time_zero_ps(FILM, external) - time_zero_ps(FILM, LOW) == pytest.approx(12_000)
    light = expected_per_pulse(FILM, external, x_um=0, y_um=0, elapsed_s=0)
    assert int(np.argmax(light)) == pytest.approx(14_013 / 16, abs=6)


def test_filters_shutter_and_density_act_as_in_the_laboratory() -> None:
    light = expected_per_pulse(STILL, LOW, x_um=0, y_um=0, elapsed_s=0)
    dimmed = expected_per_pulse(STILL, replace(LOW, nd_od=1.0), x_um=0, y_um=0, elapsed_s=0)
    dark = expected_per_pulse(STILL, replace(LOW, shutter_open=False), x_um=0, y_um=0, elapsed_s=0)
    scatter = expected_per_pulse(STILL, replace(LOW, filters_in=False), x_um=0, y_um=0, elapsed_s=0)
    assert dark.sum() * 2.5e6 == pytest.approx(150)
    assert dimmed - dark == pytest.approx((light - dark) / 10)
    assert (light - dark).sum() * 2.5e6 == pytest.approx(2000, rel=0.1)
    assert scatter.argmax() == pytest.approx(125, abs=1)
    assert light.max() * 75e6 == pytest.approx(313, rel=0.1)


def test_first_photons_follow_the_law_of_single_pulses() -> None:
    """The fast draw against pulses that are looked at one by one, with the dead time of two pulses."""
    rng, expected, pulses = np.random.default_rng(4), np.array([0.05, 0.3, 0.1, 0.02]), 150

    def one_by_one() -> np.ndarray:
        counts, pulse = np.zeros(4, dtype=int), 0
        while pulse < pulses:
            fired = np.flatnonzero(rng.poisson(expected))
            if fired.size:
                counts[fired[0]] += 1
                pulse += 2
            pulse += 1
        return counts

    slow = np.array([one_by_one() for _ in range(120)])
    fast = np.array([draw(rng, expected, sync_pulses=pulses, blocked=2) for _ in range(4000)])
    for channel in range(4):
        assert stats.ks_2samp(slow[:, channel], fast[:, channel], method="asymp").pvalue > 1e-4
    assert stats.ks_2samp(slow.sum(axis=1), fast.sum(axis=1), method="asymp").pvalue > 1e-4
    assert fast.sum(axis=1).var() == pytest.approx(slow.sum(axis=1).var(), rel=0.3)


def test_counts_of_many_channels_are_multinomial() -> None:
    rng = np.random.default_rng(7)
    expected = np.concatenate([np.full(50, 2e-4), np.full(450, 1e-6)])
    counts = np.array([draw(rng, expected, sync_pulses=100_000) for _ in range(1500)])
    first = np.exp(-np.concatenate([[0], np.cumsum(expected)[:-1]])) * -np.expm1(-expected)
    z = (counts.mean(axis=0) - 1e5 * first) / np.sqrt(1e5 * first / 1500)
    assert np.abs(z).max() < 4.5
    assert counts.sum(axis=1).var() == pytest.approx(1e5 * first.sum() * (1 - first.sum()), rel=0.15)


def test_full_channels_and_dead_time() -> None:
    rng = np.random.default_rng(1)
    assert draw(rng, np.array([0.5]), sync_pulses=10**6).max() == FULL_CHANNEL
    assert not draw(rng, np.zeros(4), sync_pulses=10**6).any()
    assert [blocked_pulses(90, period) for period in (400, 90, 50, 25)] == [0, 0, 1, 3]


def test_a_draw_costs_about_a_millisecond_however_many_photons() -> None:
    """The cost of a Poisson draw per channel is the limit; a hundredfold power may not cost tenfold."""
    light = expected_per_pulse(FILM, at_power(100, 5), x_um=0, y_um=0, elapsed_s=0)
    rng = np.random.default_rng(2)
    counts = draw(rng, light, sync_pulses=150_000_000)
    assert counts.shape == (12_500,)
    assert counts.sum() == pytest.approx(1.5e8 * -np.expm1(-light.sum()), rel=0.01)


def test_folding_goes_around_the_period() -> None:
    light = np.zeros(100)
    light[98] = 1.0
    response = np.zeros(100)
    response[[0, 5]] = [0.75, 0.25]
    assert fold(light, np.fft.rfft(response))[[98, 3]] == pytest.approx([0.75, 0.25])


def test_shipped_films_extend_the_main_one(tmp_path: Path) -> None:
    films = {name: load_film(path) for name, path in shipped_films().items()}
    assert set(films) >= {"ola_oa", "zwitterionic", "ald_alox", "cald_4", "cald_8", "cald_12", "memory", "fluence"}
    assert films["cald_4"].diffusion.tau_us == 10.8
    assert films["cald_4"].image == FILM.image
    own = tmp_path / "mine.toml"
    own.write_text('extends = "ola_oa"\n[image]\ncentre_x_um = -0.4\n')
    assert load_film(film_path(str(own))).image.centre_x_um == -0.4


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('extends = "none"', "must be one of"),
        ('extends = "ola_oa"\n[diffusion]\nlaw = "magic"', "law = 'magic'"),
        ('extends = "ola_oa"\n[diffusion]\ntau_us = 0', "tau_us = 0 must be above 0"),
        ('extends = "ola_oa"\n[diffusion]\nspeed = 1', "unknown keys"),
        ('extends = "ola_oa"\n[emission]\nlow_exponent = 0.9', "exponents must be above 1"),
        ('extends = "ola_oa"\n[kinetics]\ntau1_ps = 1', "unknown tables"),
        ("[diffusion]\nslow_cm2_s = 0.1", "missing keys"),
    ],
)
def test_a_wrong_sample_file_names_the_key(text: str, problem: str, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(text)
    with pytest.raises(SimulationInputError, match=problem):
        load_film(wrong)


def test_afterpulses_are_a_share_of_the_counts_and_have_forgotten_the_pulse() -> None:
    seen = expected_per_pulse(FILM, LOW, x_um=0.1, y_um=0, elapsed_s=0)
    wrong = expected_per_pulse(FILM, replace(LOW, afterpulse_share=0.05), x_um=0.1, y_um=0, elapsed_s=0)
    more = wrong - seen
    assert more.sum() == pytest.approx(0.05 * seen.sum())
    assert more[0] / more[-1] == pytest.approx(np.exp(400 / 300), rel=1e-3)


def test_an_impossible_setting_is_refused() -> None:
    with pytest.raises(SimulationInputError, match=r"0\.5 to 80 MHz"):
        at_power(1, 100)
    with pytest.raises(SimulationInputError, match="must not be negative"):
        at_power(-1)
