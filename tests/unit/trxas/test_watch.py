"""If these fail, those at home see another transient than those in the hutch, or an old one that looks live."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PySide6.QtQml import QJSEngine
from rich.console import Console

from gui.live.feed import QueueFeed
from gui.live.frame import FeedState, LiveFrame, RunHeader
from gui.live.run_state import RunState
from reduction.accumulator import accumulate
from reduction.kinds import curve_of
from reduction.run_kind import Headline, RunCurve
from reduction.values import Value
from storage import open_store
from tests.support.beam_time import br_signal, energy_points
from tests.support.live_runs import energy_run
from tests.support.waiting import until
from trxas.watch.page import page_app
from trxas.watch.terminal import NIGHT_COLUMNS, view_lines
from trxas.watch.text_plot import text_plot
from trxas.watch.view import Curve, NightView, Reduced, WatchView, forecast_lines, shown_curve, watch_view
from trxas.watch.watcher import REQUEST, NightReader, Watcher

TOKEN = "0123456789abcdef" * 4
NAME = "CsPbBr3 <script>"


@pytest.fixture
def watcher(tmp_path: Path) -> Iterator[tuple[Watcher, QueueFeed]]:
    feed = QueueFeed()
    with open_store(tmp_path, recover_runs=False) as store:
        watching = Watcher(feed, NightReader(store))
        watching.start()
        yield watching, feed
        watching.stop()


def test_the_view_holds_the_reduction_of_the_whole_run(watcher: tuple[Watcher, QueueFeed]) -> None:
    watching, feed = watcher
    documents = energy_run(overrides={"sample": NAME})
    for name, doc in documents:
        feed.put(name, doc)
    until(lambda: (view := watching.view()).word == "ENDED" and view.curve is not None, lambda: watching.view())
    until(lambda: watching.view().night.titles, lambda: watching.view().night)
    view = watching.view()
    expected = curve_of(documents)
    assert view.curve is not None
    np.testing.assert_array_equal(np.array(view.curve.y, dtype=float), expected.y)
    np.testing.assert_array_equal(np.array(view.curve.sigma, dtype=float), expected.sigma)
    assert view.curve.x_label == "energy (eV)"
    assert NAME in view.run
    assert "132 of 132 exposures" in view.progress
    assert any("of unpumped" in line for line in view.results)
    assert any(line.endswith("ended, success, after 132 of 132 exposures") for line in view.log)
    assert json.loads(json.dumps(view.as_record(), allow_nan=False))["fraction"] == 1.0


def test_the_first_pass_is_shown_point_by_point(watcher: tuple[Watcher, QueueFeed]) -> None:
    """Lost: the first minutes of every energy scan, an empty page until the whole edge is measured."""
    watching, feed = watcher
    documents = energy_run()
    start = accumulate(documents).metadata.windows.post_edge_ev[0]
    end = next(n for n, (name, doc) in enumerate(documents) if name == "event" and doc["data"]["energy_ev"] >= start)
    for name, doc in documents[:end]:
        feed.put(name, doc)
    until(lambda: watching.view().curve is not None, lambda: watching.view())
    curve = watching.view().curve
    assert curve is not None
    assert curve.y_label == "transient (not normalised yet, highest = 1)"
    assert max(value for value in curve.x if value is not None) < start
    assert watching.view().problem == ""
    console = Console(width=100, height=40, record=True, file=io.StringIO())
    console.print(view_lines(watching.view(), width=100, height=40))
    assert "not normalised yet" in console.export_text()


def test_a_new_run_does_not_wait_for_the_rest_of_the_one_before(
    watcher: tuple[Watcher, QueueFeed], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost: the first minutes of a run after a costly one, with an empty page."""
    monkeypatch.setattr("trxas.watch.question.REST", 1e6)
    watching, feed = watcher
    for sample in ("first", "second"):
        for name, doc in energy_run(sample, overrides={"sample": sample}):
            feed.put(name, doc)
        until(
            lambda sample=sample: sample in (view := watching.view()).run and view.curve is not None,  # type: ignore[misc]
            lambda: watching.view(),
        )


def frame_of(**changes: object) -> LiveFrame:
    header = RunHeader(
        uid="u", scan_id=3, plan_name="energy_scan", sample=NAME, edge="Br K", series="", time_s=1000.0, exposures=100,
        start={"uid": "u"},
    )  # fmt: skip
    feed = FeedState(source="session", live=True, connected=True, last_document_at=50.0, lag_s=0.0)
    return replace(LiveFrame(number=1, feed=feed, run=header, events=25), **changes)  # type: ignore[arg-type]


def view_of(frame: LiveFrame, reduced: Reduced | None = None, now_s: float = 51.0) -> WatchView:
    return watch_view(
        frame,
        reduced,
        log=["12:00:00  scan 3: started"],
        night=NightView(),
        now_s=now_s,
        time_s=1050.0,
        written="12:00",
    )


CURVE = RunCurve(
    uid="u", axis="energy_ev", quantity="transient (edge = 1)", x=np.array([13450.0, 13472.0, 13480.0]),
    y=np.array([0.0, -0.02, np.nan]), sigma=np.array([0.001, 0.002, np.inf]),
)  # fmt: skip


def test_the_forecast_is_the_time_left_and_the_error_at_the_end() -> None:
    headline = Headline(quantity="transient", value=Value(-2.0, 0.4), unit="%")
    left, error = forecast_lines(frame_of(), headline, time_s=1050.0)
    assert left == "about 2 min 30 s left, 50 s so far"
    assert error == "transient -2.00 ± 0.40 %; at the end ± 0.2 %"
    assert forecast_lines(frame_of(exit_status="success"), headline, time_s=1050.0) == []
    assert forecast_lines(frame_of(events=2), headline, time_s=1050.0) == []
    catching_up = frame_of(feed=replace(frame_of().feed, lag_s=None))
    assert forecast_lines(catching_up, headline, time_s=1050.0) == [], (
        "5 h for a scan of 40 min, to those who come late"
    )


def test_a_close_case_stays_as_the_page_showed_it_until_the_run_ends() -> None:
    """Lost: a curve on the page that jumps by its error with every exposure, where that of the window does not."""
    documents = energy_run(signal=0.65 * br_signal(energy_points()), modes=("spc",), dwell_s=1.0)
    state = RunState()
    for name, doc in documents[:-1]:
        state(name, doc)
    by_all = REQUEST.compute(state).curve
    state.decided[REQUEST] = False
    by_two = REQUEST.compute(state).curve
    assert by_all is not None
    assert by_two is not None
    assert by_all.two_gates_reason == ""
    assert "can only just be used" in by_two.two_gates_reason
    state(*documents[-1])
    ended = REQUEST.compute(state).curve
    assert ended is not None
    np.testing.assert_array_equal(ended.y, by_all.y)


def test_a_scan_until_a_result_has_no_certain_end() -> None:
    """Lost: a forecast of 30 h for a scan that may end in ten minutes."""
    frame = frame_of()
    assert frame.run is not None
    run = replace(frame.run, start={"until": {"goal": "tau1", "sigma": 15.0}})
    assert forecast_lines(replace(frame, run=run), None, time_s=1050.0) == [
        "at most 2 min 30 s left, 50 s so far", "counts until tau1 is known to 15 ps",
    ]  # fmt: skip


def test_silence_makes_the_view_stale() -> None:
    """Lost: the word that says whether the numbers may be trusted is that of the window."""
    assert view_of(frame_of()).word == "LIVE"
    silent = view_of(frame_of(), now_s=500.0)
    assert (silent.word, silent.severity) == ("STALE", "warning")
    assert "no document for 8 min" in silent.reason


def test_values_that_are_not_known_are_left_out_of_the_page() -> None:
    curve = shown_curve(CURVE)
    assert curve.y == (0.0, -0.02, None)
    assert curve.sigma == (0.001, 0.002, None)
    assert shown_curve(replace(CURVE, sigma=None)).sigma == (None, None, None)


def test_the_plot_in_the_terminal_shows_values_with_error_bars() -> None:
    x = tuple(np.linspace(0.0, 10.0, 21))
    y = tuple(-1.0 if index == 10 else 0.0 for index in range(21))
    lines = text_plot(Curve(x_label="delay (ps)", y_label="transient", x=x, y=y, sigma=(0.05,) * 21), 72, 10)
    assert len(lines) == 12
    assert "delay (ps)" in lines[-1]
    deepest = lines[10]
    filled = [place for place, character in enumerate(deepest[12:]) if character != "\u2800"]
    assert filled, lines
    assert abs(np.mean(filled) - 30) < 2, "the dip is in the middle of the axis, at the bottom"
    assert text_plot(Curve(x_label="", y_label="", x=(None,), y=(None,), sigma=(None,)), 72, 10) == []


@pytest.mark.parametrize(("width", "height"), [(40, 12), (80, 24), (200, 60)])
def test_the_terminal_shows_the_view_at_every_size(width: int, height: int) -> None:
    cells = (
        "3",
        "2026-11-29 14:37:18",
        "CsPbBr3",
        "energy_scan",
        "Br K",
        "█▇▂▁▃▄▅▅▅▆▆▇▇█▆█",
        "-2.0 ± 0.4 %",
        "complete",
    )
    night = NightView(titles=NIGHT_COLUMNS, rows=(cells,))
    view = replace(view_of(frame_of(), Reduced(curve=CURVE, lines=("size -2 %",))), night=night)
    console = Console(width=width, height=height, record=True, file=io.StringIO())
    console.print(view_lines(view, width=width, height=height))
    text = console.export_text()
    assert "● LIVE" in text
    assert "25%" in text
    assert "-2.0 ± 0.4 %" in text, "a narrow screen leaves out columns instead of folding them"
    assert max(map(len, text.splitlines())) <= width


class Browser:
    """A browser on the page, without a socket: it keeps cookies, and follows no redirection."""

    def __init__(self) -> None:
        view = view_of(frame_of(), Reduced(curve=CURVE))
        self._transport = httpx.ASGITransport(page_app(lambda: view, TOKEN))
        self._cookies: dict[str, str] = {}

    def ask(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        return asyncio.run(self._ask(path, method, headers))

    async def _ask(self, path: str, method: str, headers: dict[str, str]) -> httpx.Response:
        async with httpx.AsyncClient(
            transport=self._transport, base_url="http://test", cookies=self._cookies
        ) as client:
            answer = await client.request(method, path, headers=headers)
            self._cookies |= dict(client.cookies)
            return answer


BEARER = {"Authorization": f"Bearer {TOKEN}"}


def test_nobody_without_the_token_reads_anything() -> None:
    browser = Browser()
    for path in ("/", "/view.json", "/?token=", "/?token=wrong"):
        answer = browser.ask(path)
        assert answer.status_code == 401
        assert "trxas watch --address" in answer.text
        assert NAME not in answer.text
    assert browser.ask("/view.json", Authorization="Bearer wrong").status_code == 401
    assert browser.ask("/view.json", Cookie=f"trxas-00000000={TOKEN}").status_code == 401


def test_the_token_opens_the_page_and_stays_in_a_cookie_only() -> None:
    browser = Browser()
    first = browser.ask(f"/?token={TOKEN}")
    assert (first.status_code, first.headers["location"]) == (303, "./")
    assert "HttpOnly" in first.headers["set-cookie"]
    page = browser.ask("/")
    assert page.status_code == 200
    assert TOKEN not in page.text
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    nonce = policy.partition("nonce-")[2].partition("'")[0]
    assert f'<script nonce="{nonce}">' in page.text
    assert browser.ask("/view.json").json()["curve"]["y"] == [0.0, -0.02, None]


def test_the_page_reads_and_nothing_else() -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert Browser().ask("/view.json", method, **BEARER).status_code == 405
    assert Browser().ask("/keys.json", **BEARER).status_code == 404


def test_the_page_needs_nothing_from_elsewhere_and_writes_no_html_of_others() -> None:
    """Lost: a page that loads nothing at a beamline without internet, or runs what a sample's name contains."""
    html = Browser().ask("/", **BEARER).text
    assert "http://" not in html.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in html
    for unsafe in ("innerHTML", "document.write", "eval(", "insertAdjacentHTML"):
        assert unsafe not in html


def test_delays_are_spread_so_that_the_first_picoseconds_are_seen() -> None:
    """Lost: 130 ns on a linear axis hide the rise and the fast decay in one pixel."""
    delays = np.array([-100.0, 0.0, 100.0, 1000.0, 130e3])
    run = replace(CURVE, axis="delay_ps", x=delays, y=np.zeros(5), sigma=np.ones(5))
    curve = shown_curve(run)
    assert curve.linear_to == 100.0
    columns = [line[12:] for line in text_plot(curve, 72, 8)[1:9]]
    bars = [any(ord(line[place]) & bits == bits for line in columns for bits in (0x47, 0xB8)) for place in range(60)]
    assert sum(bars) == 5, columns
    assert bars.index(True, 1) > 3, "100 ps before and after time zero stand apart"


DOM = """
function Element(name) { this.name = name; this.attributes = {}; this.children = []; this.textContent = ""; }
Element.prototype.setAttribute = function (key, value) { this.attributes[key] = value; };
Element.prototype.append = function (...more) { this.children.push(...more); };
Element.prototype.replaceChildren = function (...more) { this.children = more; };
var found = {}, setTimeout = () => 0, addEventListener = () => 0;
var document = {
  hidden: true, addEventListener: () => 0,
  createElementNS: (_, name) => new Element(name), createElement: (name) => new Element(name),
  getElementById: (id) => { if (!found[id]) found[id] = new Element(id); return found[id]; },
};
function xml(one) {
  const attributes = Object.keys(one.attributes).map((key) => ` ${key}="${one.attributes[key]}"`).join("");
  return `<${one.name}${attributes}>${one.textContent}${one.children.map(xml).join("")}</${one.name}>`;
}
"""
"""The part of a browser that the page's script uses."""


def test_the_script_of_the_page_draws_the_view(qapp: Any) -> None:
    """Run by an engine of ECMAScript, as a browser would; drawn are a circle and an error bar per known point."""
    html = Browser().ask("/", **BEARER).text
    script = (
        html.partition("<script")[2].partition(">")[2].partition("</script>")[0].replace("const element", "var element")
    )
    night = NightView(titles=("scan", "sample", "tags"), rows=(("3", NAME, ""),))
    view = replace(view_of(frame_of(), Reduced(curve=CURVE, lines=("size      -2 %", "The axis drifts."))), night=night)
    engine: Any = QJSEngine()
    for code in (DOM, script, f"show({json.dumps(view.as_record())});"):
        outcome = engine.evaluate(code)
        assert not outcome.isError(), f"line {outcome.property('lineNumber').toInt()}: {outcome.toString()}"
    svg = engine.evaluate("xml(found.plot.children[0])").toString()
    assert svg.count("<circle") == 2
    assert svg.count('class="bar"') == 2
    assert "energy (eV)" in svg
    assert "NaN" not in svg
    assert engine.evaluate("found.word.textContent").toString() == "● LIVE"
    assert engine.evaluate("xml(found.results)").toString().count("<td") == 3, "a name and its text, and a remark"
    assert "<td>size</td><td>-2 %</td>" in engine.evaluate("xml(found.results)").toString()
    table = engine.evaluate("xml(found.night)").toString()
    assert "<th>sample</th>" in table
    assert "tags" not in table, "a column without a value"
