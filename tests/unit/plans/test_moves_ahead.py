"""If these fail, the move to the next point doubles or loses an exposure, or opens a shutter at the wrong time."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import bluesky.preprocessors as bpp
import numpy as np
import pytest
from bluesky.utils import Msg, RunEngineInterrupted, single_gen

import plans
from tests.support.electronic_delay import answer_at_once
from tests.support.recorded_runs import RecordedRuns

AHEAD = "axis_group_ahead"


class Watched(RecordedRuns):
    """Short scans whose `messages` are recorded: (command, name of the object, first argument)."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[tuple[str, str, Any]] = []

    def scan(self, **options: Any) -> list[tuple[str, str, Any]]:
        self.engine.msg_hook = self._note  # type: ignore[assignment]
        options = {"delay_ps": 100.0, "regions_ev": [(13_460, 13_462, 1)], "allow_unreducible": True} | options
        self.engine(plans.energy_scan(self.line, "Br K", dwell_s=1.0, **options))
        return self.messages

    def delays(self, **options: Any) -> list[tuple[str, str, Any]]:
        """Scan three delays as `scan` does energies, and return the messages."""
        self.engine.msg_hook = self._note  # type: ignore[assignment]
        options = {"delays_ps": [0.0, 100.0, 200.0], "order": "up"} | options
        self.engine(plans.delay_scan(self.line, "Br K", dwell_s=1.0, **options))
        return self.messages

    def _note(self, message: Msg) -> None:
        self.at(message)
        argument = message.args[0] if message.args else None
        self.messages.append((message.command, getattr(message.obj, "name", ""), argument))

    def at(self, message: Msg) -> None:
        """Do something to the hardware at a message; nothing by default."""


@pytest.fixture
def watched() -> Iterator[Watched]:
    with Watched() as runs:
        yield runs


def test_the_next_move_begins_when_the_exposure_is_read_and_before_it_is_stored(watched: Watched) -> None:
    """Lost: a third of the dead time between two points."""
    messages = watched.scan()
    after_reading = [messages[place + 1] for place, one in enumerate(messages) if one[:2] == ("read", "point")]
    assert [command for command, _, _ in after_reading] == ["set", "set", "save"]
    assert [argument for _, name, argument in after_reading if name == AHEAD] == [
        {"energy_ev": 13_461.0},
        {"energy_ev": 13_462.0},
    ]
    assert [event["energy_ev"] for event in watched.events] == pytest.approx([13_460, 13_461, 13_462])


def test_a_move_that_fails_costs_only_its_own_point_an_attempt(watched: Watched) -> None:
    """Lost: the exposure that was being stored, or one that is stored twice."""

    def fail_once(message: Msg) -> None:
        if message.command == "set" and getattr(message.obj, "name", "") == AHEAD:
            watched.hardware.energy_error_kev = 0.0 if watched.events else 0.01
        elif message.command == "sleep":
            watched.hardware.energy_error_kev = 0.0

    watched.at = fail_once  # type: ignore[method-assign]
    watched.scan()
    assert [event["point_index"] for event in watched.events] == [0, 1, 2]
    assert [event["quality"] for event in watched.events] == ["", "", ""]


def test_a_shutter_never_moves_ahead(watched: Watched) -> None:
    """Lost: the laser kept off the sample, if the beam is lost in the moment in which its shutter opens."""
    messages = watched.scan(shutter_reference="point")
    ahead = [argument for command, name, argument in messages if (command, name) == ("set", AHEAD)]
    assert ahead
    assert all("laser_shutter" not in targets for targets in ahead)


def test_nothing_moves_ahead_after_a_bad_exposure(watched: Watched) -> None:
    """Lost: the point that must be measured again, measured at the place of the next one."""

    def spoil_first(message: Msg) -> None:
        if message.command == "trigger":
            watched.line.surroundings.jet_flow.sim_put(0.0 if not watched.events else 240.0)
        elif message.command == "sleep":
            watched.line.surroundings.jet_flow.sim_put(240.0)

    watched.at = spoil_first  # type: ignore[method-assign]
    messages = watched.scan()
    after_reading = [messages[place + 1][0] for place, one in enumerate(messages) if one[:2] == ("read", "point")]
    assert after_reading[0] == "save"
    assert [event["point_index"] for event in watched.events] == [0, 0, 1, 2]


@pytest.fixture
def electronic(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> Watched:
    """Scans of a delay whose PVs are all on one server, as signals in memory are on none."""
    answer_at_once(monkeypatch, watched.line)
    return watched


def test_an_electronic_delay_moves_while_its_exposure_is_read(electronic: Watched) -> None:
    """Lost: a third of the dead time between two delays; or an exposure at the delay of the next one."""
    messages = electronic.delays()
    after_trigger = [messages[place + 1] for place, one in enumerate(messages) if one[:2] == ("trigger", "point")]
    assert after_trigger[:2] == [("set", AHEAD, {"delay_ps": 100.0}), ("set", AHEAD, {"delay_ps": 200.0})]
    assert after_trigger[2][0] == "wait"
    assert [event["delay_ps"] for event in electronic.events] == pytest.approx([0.0, 100.0, 200.0])
    assert [event["quality"] for event in electronic.events] == ["", "", ""]


def test_a_pause_decides_by_the_exposure_that_it_has_repeated(electronic: Watched) -> None:
    """Lost: beam time, to a point that was good when it was repeated; or the point, if it was bad only then."""
    left = itertools.count(1)

    def lose_light(message: Msg) -> None:
        if message.command == "trigger":
            electronic.hardware.i0_per_s = 1e4 if len(electronic.events) == 1 and next(left) == 1 else 1e6

    paused: list[str] = []

    def pause_behind(message: Msg) -> Any:
        second = message.command == "read" and len(electronic.events) == 1 and not paused
        if second:
            paused.append("read")
        return None, single_gen(Msg("pause", defer=False)) if second else None

    electronic.engine.msg_hook = electronic._note  # type: ignore[assignment]
    electronic.at = lose_light  # type: ignore[method-assign]
    plan = plans.delay_scan(electronic.line, "Br K", delays_ps=[0.0, 100.0, 200.0], dwell_s=1.0, order="up")
    with pytest.raises(RunEngineInterrupted):
        electronic.engine(bpp.plan_mutator(plan, pause_behind))
    electronic.engine.resume()
    assert [(event["point_index"], event["quality"]) for event in electronic.events] == [(0, ""), (1, ""), (2, "")]


def test_a_failure_seen_during_the_exposure_keeps_the_delay_where_it_is(electronic: Watched) -> None:
    """Lost: a delay that moves on while the laser is lost."""

    def stop_jet(message: Msg) -> None:
        if message.command == "trigger":
            electronic.line.surroundings.jet_flow.sim_put(0.0 if len(electronic.events) == 1 else 240.0)
        elif message.command == "sleep":
            electronic.line.surroundings.jet_flow.sim_put(240.0)

    delays_at_event: list[float] = []
    electronic.engine.subscribe(lambda _name, _doc: delays_at_event.append(electronic.line.delay.position), "event")
    electronic.at = stop_jet  # type: ignore[method-assign]
    electronic.delays()
    assert [(event["point_index"], event["quality"]) for event in electronic.events] == [
        (0, ""), (1, "jet_flow"), (1, ""), (2, ""),
    ]  # fmt: skip
    assert delays_at_event == pytest.approx([100.0, 100.0, 200.0, 200.0])


@pytest.mark.parametrize("scanned", ["delay_ps", "energy_ev"])
@pytest.mark.parametrize("place", ["trigger", "create", "read", "save", "checkpoint"])
def test_a_pause_behind_any_message_loses_and_doubles_no_exposure(
    electronic: Watched, place: str, scanned: str
) -> None:
    """Lost: a point that is measured where the next one belongs, or that is stored twice."""
    delays_ps = [0.0, 100.0, 200.0]
    plan = {
        "delay_ps": lambda: plans.delay_scan(electronic.line, "Br K", delays_ps=delays_ps, dwell_s=1.0, order="up"),
        "energy_ev": lambda: plans.energy_scan(
            electronic.line, "Br K", delay_ps=0.0, regions_ev=[(13_460, 13_462, 1)], allow_unreducible=True
        ),
    }[scanned]()
    left = itertools.count(1)

    def pause_behind(message: Msg) -> Any:
        second = message.command == place and len(electronic.events) == 1 and next(left) == 1
        return None, single_gen(Msg("pause", defer=False)) if second else None

    with pytest.raises(RunEngineInterrupted):
        electronic.engine(bpp.plan_mutator(plan, pause_behind))
    electronic.engine.resume()
    found = [(event["point_index"], event["quality"]) for event in electronic.events]
    assert found == [(0, ""), (1, ""), (2, "")]
    values = [event[scanned] for event in electronic.events]
    assert np.diff(values) == pytest.approx([values[1] - values[0]] * 2)
