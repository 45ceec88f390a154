"""If these fail, somebody begins a night-long scan without knowing that its errors are too large, or what it moves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from bluesky.utils import Msg
from pytestqt.qtbot import QtBot
from qtpy.QtWidgets import QLabel, QTableWidget

import plans
from errors import InputError
from gui.control.dry_run_dialog import DryRunDialog
from gui.control.dry_run_task import DryRunTask, dry_run_request
from gui.control.forecast import transient_sigma
from gui.control.manager_link import RefusedError
from plans.engine.scanning import announced_requests
from reduction.accumulator import accumulate
from reduction.values import Value
from storage import open_store
from tests.support.fake_beamline import FakeHardware
from tests.support.live_runs import delay_run, energy_run
from tests.support.stored_runs import StoredRuns
from trxas.commands.measure import arguments_of
from trxas.configuration import load_configuration
from trxas.prompt.dry_run import changes, dry_run_answer, moves, planned_runs, summary
from trxas.results.expected_errors import expected_errors, photons_per_pulse
from trxas.session.plan_times import PlanTimes
from trxas.window.plan_forms import known_plans

PULSES_PER_S = 1.3e6


def test_expected_errors_come_from_the_counts_of_earlier_runs_at_the_edge(tmp_path: Path) -> None:
    earlier, delays = energy_run(), delay_run()
    runs = StoredRuns(tmp_path)
    for documents in (delays, earlier):
        runs.write(documents)
    runs.close()
    store = open_store(tmp_path, recover_runs=False)
    line = FakeHardware().beamline
    (spectrum,) = announced_requests(plans.energy_scan(line, "Br K", dwell_s=4.0, repeats=3, delay_ps=100.0))
    (sentence,) = expected_errors(store, spectrum, PULSES_PER_S)
    photons = photons_per_pulse(accumulate(earlier))
    sigma = transient_sigma(photons, 12.0 * PULSES_PER_S)
    assert f"±{100 * sigma:.2g} % of the unpumped signal per point" in sentence
    (trace,) = announced_requests(plans.delay_scan(line, "Br K", delays_ps=[-100.0, 0.0, 900.0], dwell_s=4.0))
    point, lifetimes = expected_errors(store, trace, PULSES_PER_S)
    assert "±" in point
    assert lifetimes.startswith("Expected lifetimes: tau1 ")
    (other,) = announced_requests(plans.energy_scan(line, "Pb L3", delay_ps=100.0))
    assert expected_errors(store, other, PULSES_PER_S) == [
        "No earlier run at Pb L3 has counts, so no error can be expected."
    ]
    # Ten passes of the 79 points, and not all of the passes that it may have.
    counting = {"dwell_s": 4.0, "until_sigma": 1.0, "max_time_s": 79 * 40.0}
    (until,) = announced_requests(plans.energy_scan(line, "Br K", delay_ps=100.0, **counting))
    assert summary(until) == "energy_scan Br K: at most 790 exposures, at most 52 min 40 s of counting"
    sigma = transient_sigma(photons, 40.0 * PULSES_PER_S)
    assert f"±{100 * sigma:.2g} %" in expected_errors(store, until, PULSES_PER_S)[0]


@pytest.mark.parametrize("plan", [plans.blocked_exposures, plans.dark_exposures])
def test_no_transient_is_expected_of_a_run_that_measures_none(plan: Any, tmp_path: Path) -> None:
    """Lost: trust in a dry run, which promised a transient and lifetimes of exposures without laser or X-rays."""
    runs = StoredRuns(tmp_path)
    runs.write(delay_run())
    runs.close()
    (request,) = announced_requests(plan(FakeHardware().beamline))
    assert expected_errors(open_store(tmp_path, recover_runs=False), request, PULSES_PER_S) == []


def test_a_plan_without_a_scan_says_what_it_does(tmp_path: Path) -> None:
    """Lost: an answer to `--dry-run` for half of the plans of alignment."""
    line = FakeHardware().beamline
    session: Any = SimpleNamespace(beamline=line, store=open_store(tmp_path, recover_runs=False))
    (found,) = planned_runs(session, plans.rezero(line, 3.0))
    assert found.summary.startswith("rezero does not scan. Make `t0_ps`, a delay on the current axis, the new zero")
    (blocked,) = announced_requests(plans.blocked_exposures(line, repeats=1))
    assert summary(blocked) == "blocked_exposures Br K: 1 exposure, 1 min 00 s of counting, with the laser blocked"
    with pytest.raises(InputError, match="does not belong to trxas"):
        planned_runs(session, (message for message in [Msg("null")]))


def test_the_temperature_is_among_the_moves(tmp_path: Path) -> None:
    line = FakeHardware().beamline
    first, second = announced_requests(plans.temperature_series(line, [25.0, 60.0], edges=["Br K"], images=0))
    rows = [row for request in (first, second) for row in moves(line, request) if row[0] == "temperature_c"]
    assert [row[2:] for row in rows] == [("25", "25", "25", "C"), ("60", "60", "60", "C")]


def test_a_series_states_its_whole_time_and_where_each_run_leaves_the_axes(tmp_path: Path) -> None:
    """Lost: the sum of 18 times that somebody has to add up at night; and a cell that seems to cool between runs."""
    line = FakeHardware().beamline
    session: Any = SimpleNamespace(
        beamline=line, store=open_store(tmp_path, recover_runs=False), plan_times=PlanTimes(tmp_path, dict, float)
    )
    plan = plans.temperature_series(line, [25.0, 60.0], edges=["Br K"], dwell_s=2.0, images=0)
    whole, first, second = planned_runs(session, plan)
    assert whole.summary == "2 runs, 5 min 16 s of counting in all"
    starts = [{row[0]: row[1] for row in run.moves} for run in (first, second)]
    assert [one["temperature_c"] for one in starts] == ["22.0588", "25"]
    assert [one["energy_ev"] for one in starts] == ["13450", "13570"]
    assert "The time in which the temperature settles comes on top." in second.expects


def test_the_queue_answers_a_dry_run_or_why_the_plan_is_refused(tmp_path: Path) -> None:
    hardware = FakeHardware()
    line = hardware.beamline
    session: Any = SimpleNamespace(
        beamline=line,
        store=open_store(tmp_path, recover_runs=False),
        plan_times=PlanTimes(tmp_path, dict, float),
        plans=lambda: {"energy_scan": lambda **arguments: plans.energy_scan(line, **arguments)},
    )
    answer = dry_run_answer(session)
    found = answer("energy_scan", {"edge": "Br K", "delay_ps": 100.0})
    assert found["runs"][0]["summary"].startswith("energy_scan Br K: 79 exposures")
    assert found["runs"][0]["moves"][-1][0] == "energy_ev"
    assert "outside" in answer("energy_scan", {"edge": "Br K", "delay_ps": 1e9})["problem"]
    assert "cannot be predicted" in answer("rezero", {})["problem"]
    short = {"edge": "Br K", "delay_ps": 100.0, "until_sigma": 1e-3, "max_time_s": 60.0, "dwell_s": 6.0}
    assert "Give at least 474 s, fewer" in answer("energy_scan", short)["problem"]
    assert hardware.moves == []


class Link:
    """A server whose task is completed at the second poll."""

    address = ""

    def __init__(self, result: Mapping[str, Any]) -> None:
        self._answers: list[Mapping[str, Any]] = [{"status": "running"}, {"status": "completed", "result": result}]

    def request(self, method: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        assert (method, parameters) == ("task_result", {"task_uid": "7"})
        if not self._answers:
            raise RefusedError("no such task")
        return self._answers.pop(0)

    def close(self) -> None:
        """Nothing to close."""


def test_a_dry_run_is_asked_for_until_it_is_answered() -> None:
    method, parameters = dry_run_request("energy_scan", {"edge": "Br K"})
    assert method == "function_execute"
    assert parameters["run_in_background"]
    for result, outcome in (
        ({"success": True, "return_value": {"runs": []}}, ("Energy scan", {"runs": []})),
        ({"success": False, "msg": "no session"}, ("Dry run of Energy scan: no session",)),
    ):
        heard: list[Any] = []
        task = DryRunTask(lambda *answer: heard.append(answer), lambda text: heard.append((text,)))  # noqa: B023
        link = Link(result)
        task.begin("Energy scan", {"task_uid": "7"})
        for _ in range(3):
            task.poll(link)
        assert heard == [outcome]


def test_the_answer_is_shown_with_a_row_per_axis(qtbot: QtBot) -> None:
    answer = {
        "problem": "",
        "columns": ["axis", "now", "unit"],
        "runs": [
            {
                "summary": "energy_scan Br K: 79 exposures",
                "moves": [["fluence_mj_cm2", "8.83", "mJ/cm2"]],
                "expects": ["±0.1 %"],
            }
        ],
    }
    dialog = DryRunDialog("Energy scan", answer)
    qtbot.addWidget(dialog)
    texts = [label.text() for label in dialog.findChildren(QLabel)]
    assert texts == ["Nothing has moved.", "Energy scan Br K: 79 exposures", "±0.1 %"]
    table = dialog.findChild(QTableWidget)
    assert table is not None
    cells = [table.item(0, column) for column in range(table.columnCount())]
    assert [cell.text() for cell in cells if cell is not None] == ["Fluence (mJ/cm²)", "8.83"]


def test_arguments_of_a_command_line_are_those_of_a_form() -> None:
    signature = known_plans(load_configuration().beamline)["energy_scan"]
    found = arguments_of(signature, ["edge=Br K", "delay_ps=0.1 ns", "regions_ev=13450:13460:5", "md=vial = 7"])
    assert found == {
        "edge": "Br K", "delay_ps": 100.0, "regions_ev": [[13450.0, 13460.0, 5.0]], "md": {"vial": 7}
    }  # fmt: skip
    for wrong in ("nonsense", "dellay_ps=3", "delay_ps=3 eV"):
        with pytest.raises(InputError):
            arguments_of(signature, [wrong])


def test_changed_calibrations_are_named_in_few_words() -> None:
    """Lost: the differences of an earlier run, in a table ten thousand letters wide."""
    then = {"gate_calibration": {"dark": {"uid": "1c367066-cb7a", "zero": [4.7e-6] * 5}}, "gains": [1.0, 1.1, 0.9]}
    now = {"gate_calibration": {"dark": {"uid": "eb9a7337-e419", "zero": [4.8e-6] * 5}}, "gains": [1.0, 1.2, 0.9]}
    assert list(changes(then, now)) == [
        ("gate_calibration", "dark run 1c367066", "dark run eb9a7337"),
        ("gains", "1 and 2 more", "1 and 2 more"),
    ]


def test_a_value_is_read_with_its_error() -> None:
    assert f"{Value(141.6, 22.3)}" == "142 ± 22"
