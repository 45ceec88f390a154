"""A plan that waits for the beam reports what is new, and does not fill the log."""

from plans.engine.wait_reports import WaitReports

HOUR_S = 3600
LOW = "ring_current = {:.2f} mA, needs at least 50 mA"


def test_a_night_without_beam_is_a_page_of_the_log() -> None:
    """Lost: the log, with a line every 5 s."""
    reports = WaitReports(5.0)
    reports.begin(LOW.format(0.0), 0.0)
    reported = [s for s in range(8 * HOUR_S) if reports.are_due(LOW.format(0.01 * (s % 7)), float(s))]
    assert reported[:4] == [60, 180, 420, 900]
    assert len(reported) < 25


def test_another_reason_is_reported_at_once_but_not_more_often_than_stated() -> None:
    reports = WaitReports(5.0)
    reports.begin(LOW.format(0.0), 0.0)
    assert not reports.are_due("settling", 4.0)
    assert reports.are_due("settling", 5.0)
    assert not reports.are_due("settling", 20.0)
    assert reports.are_due("jet_flow = 0 ml/min", 20.0)


def test_the_first_reason_of_a_wait_is_reported_at_once() -> None:
    reports = WaitReports(5.0)
    assert reports.are_due("7ida:m1.VAL", 0.0)
    assert not reports.are_due("7ida:m1.VAL", 30.0)
