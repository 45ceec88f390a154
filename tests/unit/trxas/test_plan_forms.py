"""If these fail, a plan takes another time than the window has predicted."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from errors import InputError
from gui.control.entries import value_of
from gui.control.parameters import EntryKind
from gui.control.plan_panel import forecast_words
from gui.control.plan_signature import PlanSignature
from plans.registry import PLANS
from trxas.configuration import load_configuration
from trxas.session.session import bind
from trxas.window.docks import form_settings
from trxas.window.plan_forms import SETTLING, PlanExposures, known_plans

CONFIGURATION = load_configuration().beamline
COURSES = PlanExposures(CONFIGURATION)


def with_defaults(signature: PlanSignature, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {one.name: one.default for one in signature.parameters} | dict(arguments)


def test_what_cannot_be_known_is_said() -> None:
    for plan, given in (
        ("temperature_series", {}),
        ("static_energy_scan", {"edge": "Br K", "temperature_c": 60.0}),
    ):
        arguments = with_defaults(known_plans()[plan], given)
        course = COURSES(plan, arguments, None)
        assert course is not None
        assert course.besides == SETTLING
    assert COURSES("rezero", with_defaults(known_plans()["rezero"], {"t0_ps": 1.0}), None) is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"until_sigma": 0.001}, 'until_sigma with stepping="fly"'),
        ({"shutter_reference": "point"}, 'shutter_reference = .*with stepping="fly"'),
        ({"regions_ev": [(13_450.0, 13_462.0, 4.0), (13_462.0, 13_570.0, 1.0)]}, "a sweep has one speed"),
        ({"stepping": "software", "until_sigma": 0.001, "shutter_reference": "point"}, "with until_sigma"),
    ],
)
def test_fields_that_are_wrong_together_are_refused_before_they_are_queued(given: dict[str, Any], message: str) -> None:
    """Lost: a plan that fails at 3 in the morning, when the queue comes to it."""
    arguments = {"edge": "Br K", "delay_ps": 100.0, "stepping": "fly"} | given
    with pytest.raises(InputError, match=message):
        COURSES("energy_scan", with_defaults(known_plans()["energy_scan"], arguments), None)


@pytest.mark.parametrize(
    ("plan", "given"),
    [
        ("delay_scan", {"edge": "Br K"}),
        ("time_zero_scan", {}),
        ("grid_scan", {"edge": "Br K", "slow_points": [13_460.0, 13_465.0], "fast_points": [0.0, 100.0]}),
    ],
)
def test_slices_that_are_too_long_for_their_exposures_are_refused_in_the_form(plan: str, given: dict[str, Any]) -> None:
    """Lost: the detection of bubbles, or a plan that the queue refuses at night."""
    signature = known_plans(CONFIGURATION)[plan]
    arguments = with_defaults(signature, given | {"stepping": "hardware", "dwell_s": 0.2, "slice_s": 0.05})
    with pytest.raises(InputError, match=r"slice_s = 0\.05 s is outside 0\.001 to 0\.04 s"):
        COURSES(plan, arguments, None)
    assert COURSES(plan, arguments | {"slice_s": 0.04}, None) is not None


def test_a_scan_that_counts_until_it_is_good_enough_is_forecast_by_its_longest_time() -> None:
    """Lost: the beam time of the longest scan in the queue: 35 delays in up to 1000 passes were forecast as 58 h."""
    signature = known_plans(CONFIGURATION)["delay_scan"]
    settings = form_settings(CONFIGURATION)
    arguments = {"edge": "Br K", "until_sigma": 15.0, "until": "tau1", "max_time_s": 600.0, "dwell_s": 6.0}
    expected = settings.forecast(signature, arguments)
    assert expected is not None
    assert expected.exposures == 100
    assert forecast_words(expected).startswith("Takes at most 10 min 02 s of beam time (100 exposures)")
    with pytest.raises(InputError, match=r"max_time_s = 60 s is too short: .* Give at least 210 s, fewer"):
        settings.forecast(signature, arguments | {"max_time_s": 60.0})


def test_a_fly_scan_is_forecast_in_sweeps_without_gaps() -> None:
    """Lost: five minutes of dead time in the forecast of a scan that has none, and what its exposures are."""
    arguments = {"edge": "Br K", "delay_ps": 100.0, "stepping": "fly", "dwell_s": 6.0}
    signature = known_plans(CONFIGURATION)["energy_scan"]
    expected = form_settings(CONFIGURATION).forecast(signature, arguments)
    assert expected is not None
    assert expected.duration_s == pytest.approx(241 * 6.0)
    assert "60 sweeps, up and down in turn, over 241 bins" in expected.expects


def test_every_form_of_a_scan_starts_with_a_plan_that_can_be_queued() -> None:
    """Lost: a form whose example for the energies of a map is a list of delays."""
    settings = form_settings(CONFIGURATION)
    for name in ("energy_scan", "delay_scan", "grid_scan"):
        signature = known_plans(CONFIGURATION)[name]
        required = [one.name for one in signature.parameters if one.required]
        assert settings.forecast(signature, {one: settings.presets[one] for one in required}) is not None


def test_a_form_suggests_edges_and_takes_any_other() -> None:
    """Lost: the names of edges, which nobody can guess, or every edge that the form does not list."""
    edge = next(one for one in known_plans(CONFIGURATION)["energy_scan"].parameters if one.name == "edge")
    assert edge.kind is EntryKind.TEXT
    assert edge.suggestions == ("Br K", "Pb L3")
    assert value_of("Fe K", edge) == "Fe K"


def test_a_fluence_that_is_set_by_hand_is_the_default_of_every_form(tmp_path: Path) -> None:
    """Lost: a form that shows 8.83 mJ/cm2, which this beamline refuses."""
    file = tmp_path / "fixed.toml"
    file.write_text('extends = "7ID-D"\nname = "by hand"\n[fluence]\nfixed_mj_cm2 = 4.0\n')
    configuration = load_configuration(file).beamline
    line = SimpleNamespace(configuration=configuration)
    for name in ("energy_scan", "delay_scan", "grid_scan"):
        form = {one.name: one.default for one in known_plans(configuration)[name].parameters}
        assert form["fluence_mj_cm2"] == 4.0
        # What the queue server reads, and what the prompt completes.
        bound = inspect.signature(bind(PLANS[name], line))  # type: ignore[arg-type]  # only its configuration is read
        assert bound.parameters["fluence_mj_cm2"].default == 4.0
    assert inspect.signature(PLANS["energy_scan"]).parameters["fluence_mj_cm2"].default == 8.83
