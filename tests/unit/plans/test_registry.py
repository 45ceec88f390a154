"""If these fail, signature, check, form and documentation of a plan differ, or a new plan is not found."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import plans
from errors import InputError
from gui.unit_endings import unit_of
from plans.choices import Direction
from plans.reference import with_plans
from plans.registry import PLANS, Group, plan, reserved_keys, sorted_plans
from tests.support.fake_beamline import FakeHardware
from tests.support.quick_plans import MOVE_NOTHING, QUICK, quick_plan
from tests.support.quick_plans import PLANS as X_RAY_PLANS
from tests.support.recorded_runs import RecordedRuns
from trxas.configuration import load_configuration
from trxas.session.session import bind

DOCS = Path(__file__).parents[3] / "docs"
PARAMETERS = {(one.entry.name, each.name): each for one in PLANS.values() for each in one.entry.parameters}


def test_the_documentation_of_every_plan_is_current() -> None:
    """Run `.venv/bin/python docs/write_plans.py` after a plan has changed."""
    page = (DOCS / "reference" / "plans.md").read_text(encoding="utf-8")
    assert page == with_plans(page, load_configuration().beamline)


def test_every_module_of_plans_registers_what_it_defines() -> None:
    """If this fails, a new plan needs more than its file."""
    assert QUICK.keys() == X_RAY_PLANS.keys()
    assert {one.entry.name for one in sorted_plans()} == PLANS.keys()
    assert plans.energy_scan is PLANS["energy_scan"]
    with pytest.raises(AttributeError, match="no plan 'energyscan'"):
        _ = plans.energyscan


def test_plans_are_listed_by_group_and_order() -> None:
    groups = list(dict.fromkeys(one.entry.group for one in sorted_plans()))
    assert groups[: len(Group)] == [str(group) for group in Group]
    assert groups[len(Group) :] == sorted(groups[len(Group) :])
    assert sorted_plans()[0].entry.name == "energy_scan"


@pytest.mark.parametrize("key", PARAMETERS)
def test_the_unit_of_a_parameter_is_that_of_its_name(key: tuple[str, str]) -> None:
    """Lost: a factor of a thousand, if a name that ends in _ps has the unit ns."""
    one = PARAMETERS[key]
    by_name = unit_of(one.name)
    plain = {"mJ/cm²": "mJ/cm2", "µm": "um", "°": "deg", "°C": "C", "1/Å": "1/A"}
    assert one.arg.unit == plain.get(by_name, by_name)


@pytest.mark.parametrize("name", PLANS)
def test_prompt_and_queue_server_see_every_parameter_with_plain_types(name: str) -> None:
    bound = bind(PLANS[name], FakeHardware().beamline)
    shown = inspect.signature(bound).parameters
    assert list(shown) == [one.name for one in PLANS[name].entry.parameters]
    for one in PLANS[name].entry.parameters:
        assert one.arg.description in (bound.__doc__ or "")
        assert "plans." not in str(shown[one.name].annotation), "a type that a queue server cannot know"
        assert type(shown[one.name].default) in (type, type(None), bool, int, float, str, tuple)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("static_energy_scan", "grid", "regions_ev"),
        ("diffraction", "exposure_s", "dwell_s"),
        ("temperature_series", "image_exposure_s", "image_dwell_s"),
    ],
)
def test_a_former_name_of_an_argument_names_the_new_one(recorded: RecordedRuns, name: str, old: str, new: str) -> None:
    with pytest.raises(InputError, match=f"{name} has no argument {old}: it is called {new}"):
        recorded.run(quick_plan(recorded.line, name, **{old: 1.0}))
    recorded.assert_untouched()


@pytest.mark.parametrize(
    ("args", "options", "message"),
    [
        (("Br K",), {}, "energy_scan needs delay_ps"),
        (("Br K",), {"delay": 100.0}, "no argument delay. Did you mean delay_ps?"),
        (("Br K", 100.0), {}, r"takes 1 arguments by position \(edge\), not 2"),
        (("Br K",), {"delay_ps": 100.0, "edge": "Br K"}, "edge twice"),
        (("Br K",), {"delay_ps": 100.0, "approach": "sideways"}, "'below', 'direct'"),
        (("Br K",), {"delay_ps": 100.0, "allow_unreducible": "yes"}, "True or False"),
        (("Br K",), {"delay_ps": 100.0, "sample": "\ud800"}, "not a character"),
    ],
)
def test_wrong_calls_say_what_the_plan_takes(
    recorded: RecordedRuns, args: tuple[Any, ...], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        recorded.run(plans.energy_scan(recorded.line, *args, **options))
    recorded.assert_untouched()


def test_arguments_of_numpy_are_those_of_python(recorded: RecordedRuns) -> None:
    """Lost: grids computed with numpy; a run with arrays must be the same as with lists, and can be stored."""
    regions = np.array([[13_460.0, 13_461.0, 1.0], [13_540.0, 13_541.0, 1.0]])
    recorded.run(
        plans.energy_scan(
            recorded.line,
            "Br K",
            delay_ps=np.float32(100.0),
            regions_ev=regions,
            dwell_s=np.int64(1),
            repeats=np.int32(2),
            md={"flow": np.float64(2.5), "vials": np.arange(3), "good": np.bool_(True)},
        )
    )
    (start,) = recorded.starts
    assert start["grid"]["points"] == [13_460.0, 13_461.0, 13_540.0, 13_541.0]
    assert (start["repeats"], start["delay_ps"], start["dwell_s"]) == (2, 100.0, 1.0)
    assert (start["flow"], start["vials"], start["good"]) == (2.5, [0, 1, 2], True)
    assert {type(start[key]) for key in ("delay_ps", "dwell_s", "flow")} == {float}


@pytest.mark.parametrize("name", sorted(set(QUICK) - MOVE_NOTHING))
def test_users_can_set_no_key_that_a_run_writes(name: str, tmp_path: Path) -> None:
    """If this fails, `RE(plan, key=value)` can store values that were not measured."""
    with RecordedRuns(tmp_path) as runs:
        runs.run(quick_plan(runs.line, name))
        for start in runs.starts:
            assert start.keys() <= reserved_keys()
            assert {type(value) for value in start.values()} <= {str, int, float, bool, list, dict}
        documents = len(runs.documents)
        with pytest.raises(InputError, match="may not set modes, sample"):
            runs.run(quick_plan(runs.line, name, md={"sample": "mine", "vial": 3, "modes": []}))
        assert len(runs.documents) == documents


def test_a_plan_with_a_parameter_without_description_is_refused() -> None:
    def careless(_beamline: Any, speed: float) -> Any:
        yield speed

    careless.__annotations__ = {"speed": float, "_beamline": Any}
    with pytest.raises(TypeError, match="has no Arg"):
        plan(group=Group.ALIGNMENT, order=99)(careless)
    assert "careless" not in PLANS


def test_choices_are_stored_as_the_words_they_are() -> None:
    assert [str(direction) for direction in Direction] == ["horizontal", "vertical"]
