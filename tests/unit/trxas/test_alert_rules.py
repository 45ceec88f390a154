"""If these fail, nobody is woken when the night stops, or everybody is, a hundred times."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from errors import ConfigurationError
from gui.live.feed import QueueFeed
from reduction.run_kind import Headline
from reduction.values import Value
from tests.support.waiting import until
from trxas.alert_settings import AlertChannel, AlertSettings
from trxas.alerts.limiter import Limiter
from trxas.alerts.rules import Alert, AlertKind, Rules
from trxas.alerts.watch import AlertWatch
from trxas.configuration import DEFAULT_CONFIGURATION, load_configuration

BEGAN_S = 1_000_000.0
PLENTY_MB = 1e6
ALERT = Alert(kind=AlertKind.JET, text="scan 7 waits for the jet")


class Night:
    """Rules with a clock, and a run that can be suspended."""

    def __init__(self, **settings: Any) -> None:
        self.rules = Rules(AlertSettings(**settings))
        self.now_s = BEGAN_S
        start = {"uid": "abc", "scan_id": 7, "sample": "CsPbBr3", "edge": "Br K", "plan_name": "energy_scan"}
        assert self.take("start", {**start, "time": BEGAN_S}) == []
        assert self.take("descriptor", {"uid": "d", "run_start": "abc", "name": "suspension"}) == []

    def take(self, name: str, doc: Mapping[str, Any]) -> list[Alert]:
        return list(self.rules.take(name, doc, self.now_s))

    def suspend(self, reason: str, *, suspended: int = 1) -> list[Alert]:
        data = {"suspended": suspended, "reason": reason, "waited_s": 0.0}
        return self.take("event", {"descriptor": "d", "seq_num": 1, "time": self.now_s, "data": data, "timestamps": {}})

    def after(self, minutes: float, *, free_mb: float = PLENTY_MB, heard: bool = True) -> list[Alert]:
        self.now_s += 60.0 * minutes
        return list(self.rules.tick(self.now_s, free_mb=free_mb, session_is_heard=heard))


def test_a_long_suspension_is_reported_once_with_its_reason() -> None:
    night = Night(suspended_min=10.0)
    assert night.suspend("ring_current = 0 mA, needs at least 50 mA") == []
    assert night.after(9.0) == []
    (alert,) = night.after(1.5)
    assert alert.kind is AlertKind.SUSPENDED
    assert "scan 7 · CsPbBr3 · Br K · energy scan has waited for 10 min 30 s: ring_current = 0 mA" in alert.text
    assert night.after(60.0) == []
    night.suspend("", suspended=0)
    night.suspend("laser_lock = 0, needs 1")
    assert [one.kind for one in night.after(11.0)] == [AlertKind.SUSPENDED], "another suspension is another alert"


def test_a_suspension_that_ended_is_not_reported() -> None:
    night = Night()
    night.suspend("ring_current = 0 mA")
    night.suspend("", suspended=0)
    assert night.after(100.0) == []


def test_a_stopped_jet_is_reported_at_once() -> None:
    night = Night()
    (alert,) = night.suspend("jet_flow = 3 ml/min, needs at least 225 ml/min")
    assert alert.kind is AlertKind.JET
    assert night.suspend("jet_flow = 2 ml/min, needs at least 225 ml/min") == []
    assert Night(jet_stopped=False).suspend("jet_flow = 3 ml/min") == []


def test_history_that_the_relay_sends_again_is_no_alert() -> None:
    """Lost: trust in alerts, as every restart at night would report the failures of the day."""
    night = Night()
    night.now_s += 3600.0
    old = {"suspended": 1, "reason": "jet_flow = 3 ml/min", "waited_s": 0.0}
    event = {"descriptor": "d", "seq_num": 1, "time": BEGAN_S, "data": old, "timestamps": {}}
    assert night.take("event", event) == []
    assert night.take("stop", {"run_start": "abc", "exit_status": "fail", "reason": "x", "time": BEGAN_S}) == []


def test_failed_runs_are_reported_and_others_not() -> None:
    night = Night()
    stop = {"run_start": "abc", "reason": "The monochromator stalled.", "time": BEGAN_S}
    (alert,) = night.take("stop", {**stop, "exit_status": "fail"})
    assert (alert.kind, "The monochromator stalled." in alert.text) == (AlertKind.FAILED, True)
    assert Night().take("stop", {**stop, "exit_status": "success"}) == []
    assert Night(run_failed=False).take("stop", {**stop, "exit_status": "fail"}) == []


def test_a_session_that_dies_within_a_run_is_a_failed_run() -> None:
    night = Night()
    assert night.after(0.1, heard=False) == []
    (alert,) = night.after(1.1, heard=False)
    assert alert.kind is AlertKind.FAILED
    assert "its session has been silent for 1 min 06 s" in alert.text
    ended = Night()
    ended.take("stop", {"run_start": "abc", "exit_status": "success", "time": BEGAN_S})
    ended.after(0.1, heard=False)
    assert ended.after(60.0, heard=False) == []


def test_a_full_disk_is_reported_once_until_there_was_room_again() -> None:
    night = Night(disk_below_mb=1000.0)
    assert [one.kind for one in night.after(0.0, free_mb=900.0)] == [AlertKind.DISK]
    assert night.after(1.0, free_mb=1050.0) == []
    assert night.after(1.0, free_mb=990.0) == []
    assert night.after(1.0, free_mb=1200.0) == []
    assert [one.kind for one in night.after(1.0, free_mb=900.0)] == [AlertKind.DISK]


def test_an_aim_is_reported_once_per_run() -> None:
    night = Night(aim_percent=10.0)
    far = Headline(quantity="transient", value=Value(-2.0, 0.3), unit="%")
    near = Headline(quantity="transient", value=Value(-2.0, 0.19), unit="%")
    assert list(night.rules.aim(far)) == []
    (alert,) = night.rules.aim(near)
    assert "transient = -2.00 ± 0.19 %, an error of 9.5 %" in alert.text
    assert list(night.rules.aim(near)) == []
    assert list(Night().rules.aim(near)) == [], "no aim unless one is set"


def test_a_scan_that_ends_because_its_result_is_known_is_reported() -> None:
    start = {"uid": "b", "time": BEGAN_S, "scan_id": 8, "num_points": 500, "until": {"goal": "tau1", "sigma": 15.0}}
    stop = {"run_start": "b", "exit_status": "success", "time": BEGAN_S}
    night = Night()
    night.take("start", start)
    (alert,) = night.take("stop", {**stop, "num_events": {"primary": 120}})
    assert (alert.kind, alert.text) == (AlertKind.AIM, "scan 8 has ended early: tau1 is known to 15 ps, as requested.")
    night.take("start", start)
    assert night.take("stop", {**stop, "num_events": {"primary": 500}}) == [], "it took all the time that it had"


def test_the_limiter_holds_alerts_back_and_counts_them() -> None:
    limiter = Limiter(AlertSettings(pause_min=15.0, most_per_hour=2))
    assert limiter.passed(ALERT, 0.0) == ALERT
    assert limiter.passed(ALERT, 600.0) is None
    again = limiter.passed(ALERT, 1000.0)
    assert again is not None
    assert "1 more of this kind were held back" in again.text
    other = Alert(kind=AlertKind.DISK, text="full")
    assert limiter.passed(other, 1100.0) is None, "two in this hour already"
    assert limiter.passed(other, 3601.0) is not None


def test_faults_of_the_table_are_reported_together_with_remedies(tmp_path: Path) -> None:
    path = tmp_path / "faulty.toml"
    table = '[alerts]\nsend = ["mail", "command"]\nmail_server = "smtp"\nmost_per_hour = 0\n'
    path.write_text(f'extends = "7ID-D"\n{table}')
    with pytest.raises(ConfigurationError, match="most_per_hour"):
        load_configuration(path)
    path.write_text(f'extends = "7ID-D"\n{table}'.replace("most_per_hour = 0\n", ""))
    with pytest.raises(ConfigurationError) as found:
        load_configuration(path)
    text = str(found.value)
    assert "[alerts] mail_to is missing. Give the addresses" in text
    assert "[alerts] mail_server = 'smtp': give host and port" in text
    assert "[alerts] command is missing. Give the command to run" in text
    path.write_text('extends = "7ID-D"\n[alerts]\nsend = ["pigeon"]\n')
    with pytest.raises(ConfigurationError, match="channels: mail, webhook, command"):
        load_configuration(path)


def test_nothing_is_sent_unless_it_is_configured() -> None:
    assert load_configuration(DEFAULT_CONFIGURATION).alerts is None
    assert AlertSettings().send == ()


def test_documents_become_alerts_without_delaying_their_feed(tmp_path: Path) -> None:
    feed = QueueFeed()
    sent: list[Alert] = []
    watch = AlertWatch(AlertSettings(send=(AlertChannel.COMMAND,), disk_below_mb=0.0), tmp_path, feed, sent.append)
    watch.start()
    try:
        feed.put("start", {"uid": "abc", "time": 0.0, "scan_id": 7, "plan_name": "count"})
        feed.put("stop", {"uid": "s", "run_start": "abc", "exit_status": "fail", "reason": "stalled", "time": 1e12})

        def turned() -> bool:
            watch.turn()
            return bool(sent)

        until(turned, lambda: sent)
    finally:
        watch.stop()
    assert [one.kind for one in sent] == [AlertKind.FAILED]
