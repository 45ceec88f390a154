"""If these fail, a scan waits for monitors that say what is known already, or believes those that are out of date."""

from __future__ import annotations

from typing import Any

import pytest

from devices.exposure.axis_watch import FollowedAxes
from devices.signals.uncached_signal import PvReading, read_with_alarms
from tests.support.fake_beamline import FakeHardware


class Watched:
    """The delay of a fake beamline, 40 ps from where the watch expects it, with record stamps that a test sets."""

    def __init__(self) -> None:
        self.delay: Any = FakeHardware().beamline.delay
        self.cut: list[str] = []
        self.followed = FollowedAxes({"delay_ps": self.delay}, lambda: self.cut.append("delay"))
        self.fine = float(self.delay.fine_readback.get())
        self.watch = self.followed.watch({"delay_ps": self.delay.position})
        self.monitor(self.fine + 40.0, 100.0)
        assert self.watch.astray()

    def monitor(self, fine_ps: float, stamp_s: float) -> None:
        self.followed._changed("delay_ps", "fine_readback", fine_ps, stamp_s)

    def arrive(self, fine_ps: float, stamp_s: float) -> None:
        self.delay.arrived_with = {"fine_readback": PvReading(fine_ps, stamp_s=stamp_s)}


def test_the_read_back_that_ended_the_move_is_believed() -> None:
    """Lost: up to 10 ms per point, until the monitors of the same move have come."""
    watched = Watched()
    watched.arrive(watched.fine, 101.0)
    assert not watched.watch.astray()
    watched.watch.begin()
    watched.monitor(watched.fine + 20.0, 100.5)
    assert not watched.cut, "a monitor from the middle of the move is late, and says nothing about the exposure"
    watched.monitor(watched.fine + 20.0, 102.0)
    assert watched.cut == ["delay"], "a later one is a jump during the exposure"


def test_an_axis_at_the_end_of_its_move_is_watched_once_its_read_back_is_known() -> None:
    """Lost: an exposure that began in the moment of the arrival, or a jump of the axis in it."""
    watched = Watched()
    watched.watch.begin(frozenset({"delay_ps"}))
    watched.monitor(watched.fine + 20.0, 100.5)
    assert not watched.cut, "a monitor from the middle of the move is late"
    watched.arrive(watched.fine, 101.0)
    assert watched.watch.arrive()
    assert not watched.cut
    watched.monitor(watched.fine + 20.0, 102.0)
    assert watched.cut == ["delay"]


def test_an_axis_that_has_not_arrived_is_known_to_be_elsewhere() -> None:
    """Lost: a whole exposure at the delay before."""
    watched = Watched()
    watched.watch.begin(frozenset({"delay_ps"}))
    watched.arrive(watched.fine + 40.0, 101.0)
    assert not watched.watch.arrive()


def test_the_watch_over_an_abandoned_exposure_stops_nothing() -> None:
    """Lost: the exposure that is made in its place, cut short when the axis returns."""
    watched = Watched()
    watched.arrive(watched.fine, 101.0)
    assert not watched.watch.astray()
    watched.watch.begin()
    watched.watch.close()
    watched.monitor(watched.fine + 20.0, 102.0)
    assert not watched.cut


@pytest.mark.parametrize("stamp_s", [99.0, 100.0])
def test_a_read_back_that_is_no_newer_than_the_monitors_is_not_believed(stamp_s: float) -> None:
    """Lost: the truth about an axis that moved again, or whose record has no clock."""
    watched = Watched()
    watched.arrive(watched.fine, stamp_s)
    assert watched.watch.astray()


def test_a_clock_that_was_set_back_costs_one_exposure_at_most() -> None:
    """Lost: every jump of an axis for an hour."""
    watched = Watched()
    raw = {f"delay.{name}": reading for name, reading in read_with_alarms(watched.delay.fresh_signals()).items()}
    watched.followed.update({key: reading._replace(stamp_s=50.0) for key, reading in raw.items()})
    watched.watch.begin()
    watched.monitor(watched.fine + 20.0, 51.0)
    assert watched.cut == ["delay"]
