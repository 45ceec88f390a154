"""If these fail, the relaxation is wrong, or a film that depends on the fluence passes as one of power."""

from __future__ import annotations

import numpy as np
import pytest

from errors import ReductionError
from reduction.tplm.attribution import Cause, attribute
from reduction.tplm.metadata import ExcitationScale, dose_of
from reduction.tplm.relaxation import MapPoint, RelaxationLaw, compare_laws, fit_relaxation
from reduction.values import Value
from sim.physics.tplm.diffusion import diffusivity_cm2_s
from sim.physics.tplm.sample import Film, film_path, load_film
from sim.physics.tplm.setting import Setting

POWERS = (0.5, 1.0, 1.5, 2.5, 5.0, 6.0, 10.0, 20.0, 25.0, 100.0)
THREE_CUTS = [(p, 2.5) for p in POWERS] + [(p, 5.0) for p in POWERS[1:8]] + [(5.0, f) for f in (1.0, 10.0, 20.0, 40.0)]


def maps(film: Film, settings: list[tuple[float, float]], seed: int = 3, sigma: float = 0.001) -> list[MapPoint]:
    """Diffusivities as maps give them, without the maps."""
    rng = np.random.default_rng(seed)
    points = []
    for power, rate in settings:
        true = diffusivity_cm2_s(film, Setting(power_nw=power, repetition_rate_mhz=rate))
        dose = dose_of(ExcitationScale(), power, rate)
        points.append(
            MapPoint(
                uid="", power_nw=power, rate_mhz=rate, excitons=dose.excitons, waiting_us=dose.waiting_us,
                diffusivity=Value(true + sigma * rng.standard_normal(), sigma),
            )
        )  # fmt: skip
    return points


def test_relaxation_is_recovered_with_true_errors() -> None:
    """The paper's figure 4a, 40 times."""
    film = load_film()
    fits = [fit_relaxation(maps(film, THREE_CUTS, seed)) for seed in range(40)]
    pulls = np.array(
        [
            ((f.tau_us.value - 6.0) / f.tau_us.sigma, (f.slow_cm2_s.value - 0.01) / f.slow_cm2_s.sigma,
             (f.fast_cm2_s.value - 0.15) / f.fast_cm2_s.sigma)
            for f in fits
        ]
    )  # fmt: skip
    assert np.abs(pulls.mean(axis=0)).max() < 0.6
    assert 0.65 < pulls.std(axis=0).min() <= pulls.std(axis=0).max() < 1.4
    assert 0.05 < fits[0].tau_us.sigma < 0.25
    assert fits[0].at(np.array([1e6]))[0] == pytest.approx(fits[0].slow_cm2_s.value)


@pytest.mark.parametrize(("name", "law"), [("ola_oa", RelaxationLaw.EXPONENTIAL), ("memory", RelaxationLaw.OCCUPATION)])
def test_the_laws_are_told_apart(name: str, law: RelaxationLaw) -> None:
    compared = compare_laws(maps(load_film(film_path(name)), THREE_CUTS))
    assert compared.is_decided
    assert compared.better.law is law
    assert compared.better.tau_us.value == pytest.approx(6.0, abs=0.6)
    assert law in compared.text()


def test_diffusivity_is_attributed_to_the_power() -> None:
    found = attribute(maps(load_film(), THREE_CUTS))
    assert found.is_power_alone, found.text()
    assert found.cause is Cause.POWER
    assert abs(found.rate_exponent.value) < 0.1
    assert found.ranks.power > 0.95 > abs(found.ranks.rate)
    assert "depends on the power alone" in found.text()


def test_a_film_that_depends_on_the_fluence_fails_the_test() -> None:
    """The attribution can fail: at constant power, more pulses of less fluence give less diffusion here."""
    found = attribute(maps(load_film(film_path("fluence")), THREE_CUTS))
    assert not found.is_power_alone
    assert found.rate_exponent.value < -0.2
    assert found.ranks.excitons > found.ranks.power
    assert found.cause is Cause.FLUENCE, found
    assert "D depends on the fluence of a pulse alone" in found.text()


def test_a_dependence_on_the_rate_alone_fails_too() -> None:
    points = maps(load_film(), THREE_CUTS)
    by_rate = [
        MapPoint(
            uid="", power_nw=one.power_nw, rate_mhz=one.rate_mhz, excitons=one.excitons, waiting_us=one.waiting_us,
            diffusivity=Value(0.02 * one.rate_mhz**0.5, 0.001),
        )
        for one in points
    ]  # fmt: skip
    assert not attribute(by_rate).is_power_alone
    assert attribute(by_rate).cause is Cause.RATE


def test_too_few_maps_are_refused() -> None:
    film = load_film()
    with pytest.raises(ReductionError, match="4 different powers; there are 2"):
        fit_relaxation(maps(film, [(1.0, 2.5), (1.0, 5.0), (2.0, 5.0)]))
    with pytest.raises(ReductionError, match="do not separate power from rate"):
        attribute(maps(film, [(power, 2.5) for power in POWERS]))
