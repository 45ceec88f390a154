"""Drifts of the experiment: flux and jet from exposure to exposure, time zero and edge from scan to scan."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from qtpy.QtWidgets import QHBoxLayout

from gui.live.frame import LiveFrame
from gui.live.request import Answer, Request
from gui.panels.panel import AnswerSlot, Panel, problem_of, scanned_axis
from gui.plots.axis import DELAY, ENERGY, TIME, Quantity
from gui.plots.line_plot import LinePlot
from gui.plots.styles import CurveStyle
from gui.requests.xas.trends import AllBunchesTrend, EdgeTrend, TimeCourse, TimeZeroTrend, TrendRequest

EXPOSURES = CurveStyle(role="off", line="solid", width_px=1.0)
SCANS = CurveStyle(role="transient", line="", marker="circle")


class FollowedTrend(NamedTuple):
    """A trend: its quantity, request and style. `axis`: event field that a run must scan to show it, "" for any run.

    `optional`: without a value its plot is hidden.
    """

    quantity: Quantity
    request: Request[TimeCourse]
    style: CurveStyle
    axis: str = ""
    optional: bool = False


TRENDS = (
    FollowedTrend(
        Quantity(name="time zero", unit="ps", column="t0_ps", number_format="{:.1f}"),
        TimeZeroTrend(),
        SCANS,
        DELAY.column,
    ),
    FollowedTrend(
        Quantity(name="edge", unit="eV", column="edge_ev", number_format="{:.3f}"), EdgeTrend(), SCANS, ENERGY.column
    ),
    FollowedTrend(
        Quantity(name="temperature", unit="°C", column="temperature_c", number_format="{:.2f}"),
        TrendRequest("temperature_c"),
        EXPOSURES,
    ),
    FollowedTrend(Quantity(name="I0", unit="counts/s", column="i0"), TrendRequest("i0"), EXPOSURES),
    FollowedTrend(
        Quantity(name="jet flow", unit="ml/min", column="jet_flow_ml_min"), TrendRequest("jet_flow_ml_min"), EXPOSURES
    ),
    FollowedTrend(
        Quantity(name="ring", unit="mA", column="ring_current_ma"), TrendRequest("ring_current_ma"), EXPOSURES
    ),
    FollowedTrend(
        Quantity(name="all bunches", unit="counts / I0", column="all_bunches"), AllBunchesTrend(), SCANS, optional=True
    ),
)
"""The trends: of exposures as lines, of scans as points with errors."""

_UPPER = 3
"""Number of trends in the upper row."""


class TrendsPanel(Panel):
    """One small plot per quantity, against the time since the start of the run."""

    title = "Trends"
    key = "trends"
    position = 130
    group = "quality"

    def __init__(self) -> None:
        super().__init__()
        self._plots = [
            LinePlot(TIME, quantity, compact=True, named_x=place >= _UPPER)
            for place, (quantity, *_) in enumerate(TRENDS)
        ]
        self._slots: list[AnswerSlot[TimeCourse]] = [AnswerSlot() for _ in TRENDS]
        # At most one of time zero and edge is visible, because no run has both.
        for plots in (self._plots[:_UPPER], self._plots[_UPPER:]):
            row = QHBoxLayout()
            for plot in plots:
                row.addWidget(plot, 1)
            self.body.addLayout(row, 1)

    def requests(self) -> Collection[Request[Any]]:
        """Return the requests for all trends."""
        return tuple(trend.request for trend in TRENDS)

    def plots(self) -> Iterable[LinePlot]:
        """Return the plots of all trends against the time since the start, s."""
        return self._plots

    def draw(self, frame: LiveFrame) -> None:
        """Replace the curves whose answers have changed; times are s since the start of the run."""
        origin = frame.run.time_s if frame.run else 0.0
        scanned = scanned_axis(frame)
        for plot, slot, trend in zip(self._plots, self._slots, TRENDS, strict=True):
            answer = frame.answer(trend.request)
            present = not trend.optional or (answer is not None and answer.value is not None)
            plot.setVisible(present and trend.axis in ("", scanned))
            if slot.changed(frame, trend.request):
                _draw(plot, answer, trend, origin)


def _problem(followed: FollowedTrend, answer: Answer[TimeCourse] | None) -> str:
    problem = problem_of(answer)
    # A reason from the reduction names a missing field, which helps only for fitted quantities.
    return f"This run does not record the {followed.quantity.name}." if problem and not followed.axis else problem


def _draw(plot: LinePlot, answer: Answer[TimeCourse] | None, followed: FollowedTrend, origin_s: float) -> None:
    plot.show_message(_problem(followed, answer))
    if answer is None or answer.value is None:
        plot.retain(())
        return
    trend = answer.value
    name = followed.quantity.name
    label = f"{name}, {trend.missing} without a value" if trend.missing else name
    plot.set_curve("trend", trend.time_s - origin_s, trend.value, trend.sigma, style=followed.style, label=label)
    plot.show_all()
