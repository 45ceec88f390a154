"""If these fail, a package that brings a technique is not found, or one that is broken ends a session."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pytestqt.qtbot import QtBot
from qtpy.QtWidgets import QWidget

import plans
from gui.panels.context import PanelContext
from gui.panels.registry import panel_classes, panel_docks
from plans.plug_ins import load_plans
from plans.registry import PLANS, Group, sorted_plans
from plugins.entry_points import load_results, plug_ins
from reduction.kinds import RunReduction, kind_of, reduce_run, run_kinds
from tests.support.installed_package import NAME, Install, install
from trxas.commands.plugins import PluginsOptions, loaded_plug_ins, plug_in_troubles, run
from trxas.prompt.welcome import plug_in_lines

__all__ = ["install"]

PLAN = '''
import bluesky.plan_stubs as bps
from plans.registry import plan


@plan(group="Borrowed", order=1)
def say_hello(beamline):
    """Say hello."""
    yield from bps.null()
'''

KIND = """
from dataclasses import dataclass

from reduction.run_kind import RunCurve, RunKind, RunResults


class Sums:
    def __init__(self):
        self.counts = 0

    def __call__(self, name, doc):
        if name == "event":
            self.counts += doc["data"]["counts"]


@dataclass(frozen=True, kw_only=True)
class Results(RunResults):
    counts: int

    def lines(self):
        return [f"counts: {self.counts}"]


KIND = RunKind(
    name="borrowed",
    is_kind=lambda start: start["plan_name"] == "say_hello",
    sums=lambda read_image: Sums(),
    reduce=lambda sums: Results(kind="borrowed", counts=sums.counts),
    curve=lambda sums, choice: 1 / 0,
)
"""

PANEL = """
from gui.panels.panel import Panel


class HelloPanel(Panel):
    title = "Hello"
    key = "hello"
    position = 45

    def draw(self, frame):
        pass
"""

START = ("start", {"uid": "u", "plan_name": "say_hello"})
EVENT = ("event", {"descriptor": "d", "data": {"counts": 3}})


def problem() -> str:
    (outcome,) = load_results()
    return outcome.problem


def test_without_plug_ins_nothing_is_imported_or_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert not any(NAME in plug_in.package for plug_in in plug_ins())
    if not plug_ins():
        assert run(PluginsOptions()) == 0
        assert "No installed package" in capsys.readouterr().out


def test_a_plan_of_another_package_is_a_plan_like_all_others(install: Install) -> None:
    install(PLAN, {"trxas.plans": NAME})
    load_plans()
    assert PLANS["say_hello"].entry.summary == "Say hello."
    assert plans.say_hello is PLANS["say_hello"]
    assert sorted_plans()[-1].entry.group == "Borrowed", "groups of trxas come first"
    assert plug_in_lines() == [f"plug-in: {NAME} 1.2 brings say_hello"]


def test_a_module_that_breaks_off_leaves_no_plan_and_reports_what_to_do(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    install(PLAN + "\nimport a_library_that_is_not_there\n", {"trxas.plans": NAME})
    load_plans()
    assert "say_hello" not in PLANS
    assert len(caplog.records) == 1
    load_plans()
    assert len(caplog.records) == 1, "one message is enough"
    for part in (NAME, "1.2", "mine = ", "trxas.plans", "a_library_that_is_not_there", f"pip uninstall {NAME}"):
        assert part in problem()


@pytest.mark.parametrize("text", ["raise SystemExit(3)", "1 / 0", "def broken(:", "import sys; sys.exit()"])
def test_whatever_an_import_raises_the_session_continues(install: Install, text: str) -> None:
    install(text, {"trxas.plans": NAME, "trxas.run_kinds": f"{NAME}:KIND", "trxas.panels": f"{NAME}:HelloPanel"})
    load_plans()
    found = loaded_plug_ins()
    assert [bool(outcome.problem) for outcome in found] == [True] * 3
    assert kind_of({"plan_name": "foil_scan"}).name == "foil"
    assert "energy_scan" in PLANS
    assert len(list(plug_in_troubles())) == 3


def test_a_plan_that_takes_the_name_of_another_is_refused(install: Install) -> None:
    """Lost: `energy_scan` that silently becomes another package's."""
    before = PLANS["energy_scan"]
    install(PLAN.replace("say_hello", "energy_scan"), {"trxas.plans": NAME})
    load_plans()
    assert PLANS["energy_scan"] is before
    assert before.entry.group == Group.PUMP_PROBE
    assert "plans.xas.energy_scan" in problem()


def test_a_run_kind_of_another_package_sums_and_reduces(install: Install) -> None:
    install(KIND, {"trxas.run_kinds": f"{NAME}:KIND"})
    assert run_kinds()[0].name == "borrowed"
    documents: Any = [START, EVENT, EVENT]
    assert reduce_run(documents).table() == "counts: 6"


@pytest.mark.parametrize(
    ("before", "after", "documents"),
    [
        ('doc["data"]["counts"]', 'doc["data"]["photons"]', [START, EVENT]),
        ('f"counts: {self.counts}"', "self.photons", [START]),
        ("counts=sums.counts", "counts=1 / 0", [START]),
        ('kind="borrowed", ', "", [START]),
    ],
    ids=["sums", "table", "reduce", "results"],
)
def test_a_defect_of_a_run_kind_is_a_remark_that_names_the_package(
    install: Install, before: str, after: str, documents: Any
) -> None:
    install(KIND.replace(before, after), {"trxas.run_kinds": f"{NAME}:KIND"})
    table = reduce_run(documents).table()
    assert f"The plug-in {NAME} 1.2" in table
    assert "Its authors have to correct it" in table


def test_a_kind_that_cannot_recognise_or_begin_a_run_costs_only_its_own_runs(install: Install) -> None:
    install(KIND.replace('start["plan_name"]', 'start["plan"]'), {"trxas.run_kinds": f"{NAME}:KIND"})
    assert kind_of({"plan_name": "foil_scan"}).name == "foil"
    assert kind_of(START[1]).name == "other"


def test_sums_that_cannot_be_made_leave_a_run_that_is_shown_without_results(install: Install) -> None:
    install(KIND.replace("Sums(),", "Sums(1),"), {"trxas.run_kinds": f"{NAME}:KIND"})
    reduction = RunReduction(START[1])
    assert reduction.kind.name == "other"
    assert "No reduction is known" in reduction.results().table()


def test_a_kind_with_a_known_name_or_of_another_type_is_refused(install: Install) -> None:
    install(KIND.replace('name="borrowed"', 'name="foil"'), {"trxas.run_kinds": f"{NAME}:KIND"})
    assert [kind.name for kind in run_kinds()].count("foil") == 1
    assert "there is a run kind 'foil' already" in problem()


def test_what_is_no_run_kind_is_refused(install: Install) -> None:
    install("KIND = [1]", {"trxas.run_kinds": f"{NAME}:KIND"})
    run_kinds()
    assert "1 is not a reduction.run_kind.RunKind" in problem()


def keys_of_made(qtbot: QtBot) -> list[str]:
    """Keys of the panels that a window would have; they are destroyed at the end of the test, in the thread of Qt."""
    docks = panel_docks(PanelContext())
    for dock in docks:
        if isinstance(dock.widget, QWidget):
            qtbot.addWidget(dock.widget)
    return [dock.key for dock in docks]


def test_a_panel_of_another_package_has_its_place(install: Install, qtbot: QtBot) -> None:
    install(PANEL, {"trxas.panels": NAME})
    keys = [panel.key for panel in panel_classes()]
    assert keys.index("hello") == keys.index("excited") + 1
    assert "hello" in keys_of_made(qtbot)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [('"hello"', '"kinetics"', "key 'kinetics' already"), ("(Panel)", "", "is not a gui.panels.panel.Panel")],
)
def test_a_panel_that_cannot_be_used_is_left_out(install: Install, before: str, after: str, reason: str) -> None:
    install(PANEL.replace(before, after), {"trxas.panels": f"{NAME}:HelloPanel"})
    keys = [panel.key for panel in panel_classes()]
    assert len(keys) == len(set(keys))
    assert "hello" not in keys
    assert reason in problem()


def test_a_panel_that_cannot_be_made_costs_only_itself(install: Install, qtbot: QtBot) -> None:
    """Lost: the whole window."""
    install(PANEL + "\n    def __init__(self):\n        raise OSError(7)\n", {"trxas.panels": NAME})
    keys = keys_of_made(qtbot)
    assert "spectra" in keys
    assert "hello" not in keys


def test_the_command_lists_them(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install(PLAN + KIND, {"trxas.plans": NAME, "trxas.run_kinds": f"{NAME}:KIND"})
    load_plans()
    assert run(PluginsOptions()) == 0
    shown = capsys.readouterr().out
    assert all(part in shown for part in (f"{NAME} 1.2", "trxas.plans", "say_hello", "borrowed"))
    assert run(PluginsOptions(json=True)) == 0
    assert {one["brought"][0] for one in json.loads(capsys.readouterr().out)} == {"say_hello", "borrowed"}
