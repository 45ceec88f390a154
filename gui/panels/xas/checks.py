"""Checks of the error bars: the scatter between scans, and differences that must vanish."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from qtpy.QtWidgets import QLabel

from gui.live.frame import LiveFrame
from gui.live.request import Answer, Request
from gui.live.run_state import Scope
from gui.panels.panel import Panel, problem_of
from gui.panels.value_table import Cell, ValueTable
from gui.panels.xas.choices import Choices
from gui.requests.xas.checks import BaselineRequest, GateTestRequest, NullTestRequest, ScatterRequest
from gui.theme import current_theme
from gui.types import Severity
from reduction.number_text import with_error
from reduction.xas.gate_checks import FALSE_ALARMS, BaselineCheck, GateNullTest
from reduction.xas.grouping import NullPair, NullTest
from reduction.xas.scatter import ScatterRatio

AGREE_ABOVE = 1e-3
"""p-value below which two signals do not agree (`reduction.xas.grouping.NullTest`)."""

SIGMAS = 3.0
"""A ratio farther than this from 1, in units of its error, is not photon-limited."""

LASER_BLOCKED = {NullPair.UNPUMPED: "", NullPair.OFF: ", laser blocked", NullPair.PUMPED_OFF: ", laser blocked"}
"""Part of a null test's name that follows its probes."""


class ChecksPanel(Panel):
    """The ratio of scatter to counting error (1: photon-limited), and null tests with chi-square and p-value."""

    title = "Checks"
    key = "checks"
    position = 120
    group = "quality"

    def __init__(self) -> None:
        super().__init__()
        self.choices = Choices(["mode", "probe", "reference", "scope"])
        self.choices.changed.connect(self.requests_changed)
        self.ratio = QLabel("")
        self.verdict = QLabel("")
        self.verdict.setWordWrap(True)
        self.table = ValueTable(["null test", "χ² / degrees of freedom", "p", "verdict"])
        for widget in (self.choices, self.ratio, self.verdict, self.table):
            self.body.addWidget(widget)
        self.body.addStretch(1)
        self._severity: Severity = "unknown"
        self._shown: list[Answer[Any] | None] | None = None

    def requests(self) -> Collection[Request[Any]]:
        """Return the requests for the ratio of scatter to counting error, and for the null tests and baselines."""
        return (self._scatter_request(), *self._null_requests().values(), *self._gate_requests())

    def draw(self, frame: LiveFrame) -> None:
        """Replace number and table."""
        self.choices.follow(frame)
        scatter = self._scatter_request()
        nulls = self._null_requests()
        gates, baselines = self._gate_requests()
        requests = (scatter, *nulls.values(), gates, baselines)
        answers: list[Answer[Any] | None] = [frame.answer(request) for request in requests]
        if self._shown is not None and all(new is old for new, old in zip(answers, self._shown, strict=True)):
            return
        self._shown = answers
        self._draw_ratio(frame.answer(scatter))
        rows = [null_row(pair, frame.answer(null)) for pair, null in nulls.items()]
        self.table.show_rows([*rows, gate_row(frame.answer(gates)), *baseline_rows(frame.answer(baselines))])

    def apply_theme(self) -> None:
        """Give the number its size and colour after a change of theme."""
        theme = current_theme()
        colour = theme.state_colour(self._severity)
        self.ratio.setStyleSheet(f"font-size: {2.2 * theme.font_points:g}pt; font-weight: bold; color: {colour};")
        self.verdict.setStyleSheet(f"color: {colour};")

    def _draw_ratio(self, answer: Answer[ScatterRatio] | None) -> None:
        if answer is None or answer.value is None:
            self._severity = "unknown"
            number = "-"
            verdict = problem_of(answer)
        else:
            number = with_error(answer.value.ratio, answer.value.sigma)
            verdict, self._severity = scatter_verdict(answer.value)
        self.ratio.setText(f"scatter / counting error = {number}")
        self.verdict.setText(verdict)
        self.apply_theme()

    def _scatter_request(self) -> ScatterRequest:
        chosen = self.choices
        return ScatterRequest(
            mode=chosen.mode,
            probe=chosen.probe,
            reference=chosen.pair_reference,
            scope=self._scope,
            detector=chosen.detector,
        )

    def _null_requests(self) -> dict[NullPair, NullTestRequest]:
        mode = self.choices.mode
        detector = self.choices.detector
        return {pair: NullTestRequest(pair=pair, mode=mode, scope=self._scope, detector=detector) for pair in NullPair}

    def _gate_requests(self) -> tuple[GateTestRequest, BaselineRequest]:
        mode = self.choices.mode
        detector = self.choices.detector
        return (
            GateTestRequest(mode=mode, scope=self._scope, detector=detector),
            BaselineRequest(mode=mode, scope=self._scope, detector=detector),
        )

    @property
    def _scope(self) -> Scope:
        return self.choices.scope or "mean"


def scatter_verdict(scatter: ScatterRatio) -> tuple[str, Severity]:
    """Return the meaning of the ratio, and its severity: within three errors of 1, the counts explain the scatter."""
    excess = (scatter.ratio - 1.0) / scatter.sigma
    if excess > SIGMAS:
        return "▲ NOT PHOTON-LIMITED: the scans differ by more than their counting errors", "warning"
    if excess < -SIGMAS:
        return (
            "▲ TOO QUIET: the scans differ by less than their counting errors, so the errors are too large",
            "warning",
        )
    return "● PHOTON-LIMITED: the scans differ as much as their counting errors predict", "good"


def null_row(pair: NullPair, answer: Answer[NullTest] | None) -> list[Cell]:
    """Return the row of a null test in the table: name, chi-square, p-value, verdict.

    A difference vanishes if its p-value is at least 0.001. Without an answer the row gives the reason.
    """
    if answer is None or answer.value is None:
        return [str(pair), "-", "-", problem_of(answer)]
    test = answer.value
    probes = ", ".join(map(str, test.probes))
    name = f"{pair} (probes {probes}{LASER_BLOCKED[pair]})"
    if test.tail is not None:
        name += f", minus {with_error(100 * test.tail.value, 100 * test.tail.sigma)} % of the transient"
    agrees = test.p_value >= AGREE_ABOVE
    verdict: Cell = ("● vanishes", "good") if agrees else ("▲ DOES NOT VANISH", "bad")
    return [name, f"{test.chi_square:.1f} / {test.degrees_of_freedom}", f"{test.p_value:.3g}", verdict]


def gate_row(answer: Answer[GateNullTest] | None) -> list[Cell]:
    """Return the row of the test of zeros and gains: name, chi-square, p-value, verdict."""
    name = "zeros and gains of the gates (laser blocked)"
    if answer is None or answer.value is None:
        return [name, "-", "-", problem_of(answer)]
    test = answer.value
    return [name, f"{test.chi_square:.1f} / {test.degrees_of_freedom}", *_verdict(test.p_value)]


def baseline_rows(answer: Answer[tuple[BaselineCheck, ...]] | None) -> list[list[Cell]]:
    """Return a row per baseline: name with the mean transient in %, no chi-square, p-value, verdict."""
    if answer is None or answer.value is None:
        return []
    return [
        [
            f"mean transient {check.where}: {with_error(100 * check.mean.value, 100 * check.mean.sigma)} %",
            "-",
            *_verdict(check.p_value),
        ]
        for check in answer.value
    ]


def _verdict(p_value: float) -> list[Cell]:
    verdict: Cell = ("● vanishes", "good") if p_value >= FALSE_ALARMS else ("▲ DOES NOT VANISH", "bad")
    return [f"{p_value:.3g}", verdict]
