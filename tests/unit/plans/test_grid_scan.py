"""If these fail, a map over two axes or a list of settings goes elsewhere, or a wrong one is measured for hours."""

from __future__ import annotations

from typing import Any

import pytest

import plans
from errors import InputError
from reduction.kinds import reduce_run
from reduction.xas.map_results import MapResults, SettingsResults
from tests.support.recorded_runs import RecordedRuns

ENERGIES_EV = [13_460.0, 13_472.0]
DELAYS_PS = [-200.0, 0.0, 50.0]


def test_a_map_goes_row_by_row_and_back_and_forth(recorded: RecordedRuns) -> None:
    recorded.run(plans.grid_scan(recorded.line, "Br K", ENERGIES_EV, DELAYS_PS, dwell_s=1.0, repeats=2))
    places = [(round(event["energy_ev"]), round(event["delay_ps"])) for event in recorded.events]
    there, back = [-200, 0, 50], [50, 0, -200]
    expected = [(13_460, one) for one in there] + [(13_472, one) for one in back]
    expected += [(13_460, one) for one in back] + [(13_472, one) for one in there]
    assert places == expected
    assert [event["point_index"] for event in recorded.events[:6]] == [0, 1, 2, 5, 4, 3]


def test_its_start_document_has_both_axes_and_what_the_reduction_needs(recorded: RecordedRuns) -> None:
    recorded.run(plans.grid_scan(recorded.line, "Br K", ENERGIES_EV, DELAYS_PS, dwell_s=1.0))
    (start,) = recorded.starts
    assert start["grid"]["axes"] == ["energy_ev", "delay_ps"]
    assert start["grid"]["shape"] == [2, 3]
    assert start["grid"]["points"][4] == [13_472.0, 0.0]
    assert start["hints"]["dimensions"] == [[["energy_ev"], "primary"], [["delay_ps"], "primary"]]
    assert start["num_points"] == 6
    assert "energy_ev" not in start
    assert (start["pumped_probe"], start["unpumped_probe"]) == (0, 4)
    assert start["reduction"]["probes_per_pump"] == 5


def test_a_map_reduces_to_its_table_and_reports_why_there_is_no_fit(recorded: RecordedRuns) -> None:
    """The fake beamline has no transient: on and off count the same."""
    recorded.run(plans.grid_scan(recorded.line, "Br K", ENERGIES_EV, DELAYS_PS, dwell_s=1.0))
    results = reduce_run(recorded.documents, kinetics="1")
    assert isinstance(results, MapResults)
    assert results.map.change == pytest.approx(0.0)
    assert "2 x 3 points, 6 measured" in results.table()
    assert "No global fit: No transient is seen" in results.table()


def test_any_two_axes_make_a_map(recorded: RecordedRuns) -> None:
    """If this fails, a magnet cannot be mapped against the delay."""
    recorded.run(
        plans.grid_scan(
            recorded.line, "Br K", [-1.0, 1.0], [1.0, 2.0], slow="nozzle_mm", fast="fluence_mj_cm2", dwell_s=1.0
        )
    )
    (start,) = recorded.starts
    assert start["energy_ev"] == 13_472.0
    assert start["delay_ps"] == 100.0
    assert "fluence_mj_cm2" not in start
    assert recorded.moved("nozzle") == [-1.0, 1.0]


def test_all_faults_of_a_map_are_one_message_and_nothing_moves(recorded: RecordedRuns) -> None:
    """Lost: a try per fault."""
    with pytest.raises(InputError) as caught:
        recorded.run(plans.grid_scan(recorded.line, "Br K", [5.0, 1.0], [6.0], slow="nozle_mm", fast="nozzle_mm"))
    message = str(caught.value)
    assert message.startswith("The grid has 2 faults:")
    assert "'nozle_mm' is not an axis: give one of energy_ev" in message
    assert "nozzle_mm = 6 mm is outside -5 to 5 mm" in message
    recorded.assert_untouched()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"slow_points": [13_472.0, 13_460.0]}, "must ascend"),
        ({"slow_points": []}, "empty"),
        ({"slow_points": [7_112.0]}, "outside 12800 to 13700 eV"),
        ({"slow_points": [13_040.0]}, "belongs to Pb L3"),
        ({"slow": "delay_ps", "slow_points": [0.0]}, "both 'delay_ps'. Give two different axes"),
        ({"energy_ev": 13_472.0}, "energy_ev has no meaning"),
        ({"fast_points": [153_220.0]}, "the unpumped pulse would be pumped"),
        ({"order": "progressive", "slow_points": [13_460.0 + step for step in range(12)]}, "backlash"),
        ({"fast_points": [0.001 * step for step in range(6_000)]}, "2 x 6000 points, at most 10000"),
    ],
)
def test_a_wrong_map_is_refused(recorded: RecordedRuns, given: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"edge": "Br K", "slow_points": ENERGIES_EV, "fast_points": DELAYS_PS, **given}
    with pytest.raises(InputError, match=message):
        recorded.run(plans.grid_scan(recorded.line, **arguments))
    recorded.assert_untouched()


def test_a_glitch_costs_no_row_of_a_map(recorded: RecordedRuns) -> None:
    """A dip belongs to its energy: found at one delay, it is known at all others."""
    publish = recorded.hardware._publish

    def weaker(dwell_s: float) -> None:
        publish(dwell_s)
        if abs(recorded.line.energy.position - 13_472.0) < 0.2:
            i0 = recorded.line.exposure.i0
            i0.sim_put(i0.get() * 0.5)

    recorded.hardware._publish = weaker  # type: ignore[method-assign]  # for this test
    recorded.run(plans.grid_scan(recorded.line, "Br K", [13_460.0, 13_472.0], DELAYS_PS, dwell_s=1.0))
    good = [event for event in recorded.events if not event["quality"]]
    assert len(good) == 6
    assert len(recorded.events) == 8, "two bad exposures show the dip once, not at every delay"


SETTINGS: list[dict[str, float]] = [
    {"nozzle_mm": 1.0, "delay_ps": 100.0},
    {"nozzle_mm": -1.0, "delay_ps": 0.0},
    {"nozzle_mm": 1.0, "delay_ps": 100.0},
]


def test_a_list_of_settings_is_measured_as_written_and_reduced(recorded: RecordedRuns) -> None:
    recorded.run(plans.settings_scan(recorded.line, SETTINGS, dwell_s=1.0, repeats=2))
    assert [round(event["nozzle_mm"]) for event in recorded.events] == [1, -1, 1] * 2
    results = reduce_run(recorded.documents)
    assert isinstance(results, SettingsResults)
    assert results.axes == ("nozzle_mm", "delay_ps")
    assert results.positions[1] == pytest.approx([-1.0, 0.0], abs=0.5)
    assert "nozzle_mm = -1, delay_ps = " in results.table()


def test_all_faults_of_a_list_are_one_message_and_nothing_moves(recorded: RecordedRuns) -> None:
    wrong: list[Any] = [{"nozzle_mm": 1.0}, {"nozzle_mm": 9.0}, {"delay_ps": 0.0}, {"nozzle_mm": float("nan")}, 7.0]
    with pytest.raises(InputError) as caught:
        recorded.run(plans.settings_scan(recorded.line, wrong, dwell_s=1.0))
    message = str(caught.value)
    assert message.startswith("The list of settings has 4 faults:")
    assert "setting 1: nozzle_mm = 9.0 mm is outside -5 to 5 mm" in message
    assert "setting 2 has the axes delay_ps, the first has nozzle_mm" in message
    assert "setting 3: nozzle_mm = nan mm" in message
    assert "setting 4 is 7.0: give a mapping" in message
    recorded.assert_untouched()


def test_a_run_of_an_axis_that_is_gone_is_not_resumed(recorded: RecordedRuns) -> None:
    recorded.run(plans.settings_scan(recorded.line, SETTINGS, dwell_s=1.0))
    (start,) = recorded.starts
    other = {**start, "grid": {"axes": ["magnet_mt", "delay_ps"], "points": [[1.0, 0.0]]}}
    with pytest.raises(InputError, match=r"has no axis magnet_mt. Add its table \[axes.NAME\]"):
        recorded.run(plans.resume_scan(recorded.line, other, []))
