"""If these fail, time zero or the response come from another scan than the latest, or are applied twice."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from errors import InputError
from reduction.values import Value
from reduction.xas.results import TimeZeroResults
from tests.unit.trxas.test_single_application import Prompt
from trxas.session import latest_scan, latest_time_zero
from trxas.session.latest_time_zero import latest_response


def results(t0_ps: float | None, response: Value | None = None) -> Any:
    fit: Any = None if t0_ps is None else SimpleNamespace(t0_ps=Value(t0_ps, 2.5))
    trace: Any = None
    return TimeZeroResults(
        kind="time zero",
        trace=trace,
        time_zero=fit,
        response=response,
        axis_zero_raw_ps=169_780.0,
        remarks=("No step.",),
    )


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Results by uid; the newest complete time-zero scan is "b"."""
    found: dict[str, Any] = {"a": results(99.0), "b": results(16.125, Value(52.0, 2.0))}

    def line(uid: str, time_s: float, plan: str = "time_zero_scan", status: str = "complete") -> Any:
        return SimpleNamespace(uid=uid, time_s=time_s, plan_name=plan, status=status)

    listed = [line("d", 9.0, status="abort"), line("c", 5.0, "delay_scan"), line("b", 3.0), line("a", 1.0)]
    monkeypatch.setattr(latest_scan, "list_runs", lambda _: listed)
    monkeypatch.setattr(latest_time_zero, "load_dataset", lambda _, uid: uid)
    monkeypatch.setattr(latest_time_zero, "reduce_run", lambda uid: found[uid])
    return found


def test_time_zero_is_that_of_the_latest_scan_once(runs: dict[str, Any], tmp_path: Path) -> None:
    prompt = Prompt(tmp_path)
    assert prompt.run("rezero") == pytest.approx(169_796.125)
    assert prompt.lines[0] == "time zero on the raw delay: the latest scan asks for a change by 16.1 ± 2.5 ps"
    assert prompt.run("rezero") == pytest.approx(169_796.125)
    assert prompt.lines[-1].endswith("changed by +0)")
    runs["b"] = results(None)
    with pytest.raises(InputError, match=r"The latest time-zero scan, b, gives no time zero: No step\. Give t0_ps"):
        prompt.run("rezero")


def test_the_response_is_that_of_the_latest_scan(runs: dict[str, Any], tmp_path: Path) -> None:
    prompt = Prompt(tmp_path)
    prompt.run("apply_instrument_response")
    assert prompt.lines == ["instrument response: the latest scan gives 52.0 ± 2.0 ps"]
    assert (prompt.line.delay.response.sigma_ps, prompt.line.delay.response.error_ps) == (52.0, 2.0)
    store: Any = None
    runs["b"] = results(16.0)
    with pytest.raises(InputError, match="does not determine the width"):
        latest_response(store)


def test_without_a_scan_the_number_is_asked_for(runs: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    store: Any = None
    monkeypatch.setattr(latest_scan, "list_runs", lambda _: [])
    with pytest.raises(InputError, match="Run time_zero_scan, or give sigma_ps and error_ps"):
        latest_response(store)
