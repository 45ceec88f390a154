"""If these fail, a device whose monitor was lost has no value in the window until it is opened again."""

from __future__ import annotations

from gui.status.reader import FIRST_VALUE_S, FirstValues

LATER_S = FIRST_VALUE_S + 0.1


def test_a_connected_pv_without_a_value_is_monitored_again() -> None:
    values = FirstValues()
    assert values.overdue(["a", "b"], 0.0) == []
    values.note_value("a")
    assert values.overdue(["a", "b"], LATER_S) == ["b"]
    assert values.overdue(["a", "b"], LATER_S + 0.1) == [], "once in a while, not at every turn"
    assert values.overdue(["a", "b"], 2 * LATER_S + 0.1) == ["b"]


def test_a_pv_that_returns_must_show_a_value_again() -> None:
    """Lost: the value of a device whose IOC was restarted."""
    values = FirstValues()
    values.overdue(["a"], 0.0)
    values.note_value("a")
    assert values.overdue([], 1.0) == []
    assert values.overdue(["a"], 2.0) == []
    assert values.overdue(["a"], 2.0 + LATER_S) == ["a"]


def test_a_pv_that_is_away_is_not_late() -> None:
    """Lost: the library, to a new monitor for each PV of an IOC that is off."""
    values = FirstValues()
    values.overdue([], 0.0)
    assert values.overdue([], 100.0) == []
