"""If these fail, the move to the next point doubles or loses an exposure, or opens a shutter at the wrong time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from bluesky.utils import Msg

import plans
from tests.support.recorded_runs import RecordedRuns

AHEAD = "axis_group_ahead"


class Watched(RecordedRuns):
    """Short energy scans whose messages are recorded: (command, name of the object, first argument)."""

    def scan(self, **options: Any) -> list[tuple[str, str, Any]]:
        messages: list[tuple[str, str, Any]] = []

        def note(message: Msg) -> None:
            self.at(message)
            argument = message.args[0] if message.args else None
            messages.append((message.command, getattr(message.obj, "name", ""), argument))

        self.engine.msg_hook = note  # type: ignore[assignment]
        options = {"delay_ps": 100.0, "regions_ev": [(13_460, 13_462, 1)], "allow_unreducible": True} | options
        self.engine(plans.energy_scan(self.line, "Br K", dwell_s=1.0, **options))
        return messages

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
