"""Several runs in one plot, or the difference or ratio of two."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QStackedWidget, QVBoxLayout, QWidget

from errors import ReductionError
from gui.browser.comparison import difference, ratio
from gui.browser.run_curves import ChoicePart, CurveChoice, CurveKind, RunCurve
from gui.message_line import MessageLine
from gui.panels.xas.choices import Choices
from gui.plots.axis import DELAY, Quantity, axis_of
from gui.plots.line_plot import LinePlot
from gui.plots.scales import DelayScale
from gui.plots.styles import CurveStyle

PARTS: Mapping[str, CurveKind] = {"Transient": "transient", "Pumped": "on", "Unpumped": "off"}
VIEWS = ("Overlay", "Difference", "Ratio")
_HINT = "Select a run in the list; hold Ctrl to select several."
RESULT = CurveStyle(role="neutral", line="", marker="circle")


@dataclass(frozen=True, kw_only=True)
class DrawnRun:
    """A run in the plot: its label, its style, and its curve, which is None for the reason `problem`."""

    uid: str
    label: str
    style: CurveStyle
    curve: RunCurve | None
    problem: str = ""


class Overlay(QWidget):
    """A plot of the runs given to `show_runs`; the first one determines the axes.

    Signal `choice_changed()`: the runs must be reduced again, by the new `choice`.
    """

    choice_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runs: Sequence[DrawnRun] = ()
        self._waiting = self._left_out = 0
        self.view = QComboBox(self)
        self.part = QComboBox(self)
        self.view.setObjectName("view")
        self.view.addItems(VIEWS)
        self.part.setObjectName("part")
        for text, part in PARTS.items():
            self.part.addItem(text, part)
        self.choices = Choices(["mode", "detector", "probe", "reference", "all gates"], leading=(self.view, self.part))
        self.message = MessageLine(self)
        self._plots: dict[tuple[str, str], LinePlot] = {}
        self._stack = QStackedWidget(self)
        self._nothing = MessageLine(self)
        self._stack.addWidget(self._nothing)
        self._lay_out()
        self._draw()
        self.view.currentIndexChanged.connect(self._draw)
        self.part.currentIndexChanged.connect(lambda _index: self.choice_changed.emit())
        self.choices.changed.connect(self.choice_changed)

    @property
    def choice(self) -> CurveChoice:
        """Curve, detector, probe and reference with which the runs are to be reduced."""
        curve: CurveKind = self.part.currentData()
        return CurveChoice(
            curve=curve,
            mode=self.choices.mode,
            probe=self.choices.probe,
            reference=self.choices.reference,
            detector=self.choices.detector,
        )

    @property
    def plot(self) -> LinePlot | None:
        """The visible plot, None while there is only a message."""
        shown = self._stack.currentWidget()
        return shown if isinstance(shown, LinePlot) else None

    def offer(self, parts: Collection[ChoicePart]) -> None:
        """Offer only choices that affect the selected runs' curves; a map of photons has no probe and no reference."""
        self.part.setVisible("curve" in parts)
        if "curve" not in parts:
            self.part.setCurrentIndex(0)
        self.choices.offer_parts(parts)

    def show_runs(self, runs: Sequence[DrawnRun], *, waiting: int = 0, left_out: int = 0) -> None:
        """Draw `runs` in the order of their selection; the first one determines axis and quantity.

        `waiting`: number of runs that are still being reduced; `left_out`: number of selected runs that are not drawn.
        Runs that show another quantity are named in a message.
        """
        self._runs = tuple(runs)
        self._waiting = waiting
        self._left_out = left_out
        self._draw()

    def _draw(self, _index: int = 0) -> None:
        self._nothing.show_message("Reading and reducing …" if self._waiting else _HINT if not self._runs else "")
        curves = [run.curve for run in self._runs if run.curve is not None]
        problems = [f"{run.label}: {run.problem}" for run in self._runs if run.problem]
        if not curves:
            self._stack.setCurrentWidget(self._nothing)
        elif self.view.currentText() == "Overlay":
            problems += self._draw_overlay(curves[0])
        else:
            problems += self._draw_comparison()
        problems += by_two_gates(self._runs)
        if self._left_out:
            problems.append(f"{self._left_out} more selected runs are not drawn: too many to distinguish.")
        self.message.show_message("\n".join(problems), "warning")
        self.message.setVisible(bool(problems))

    def _draw_overlay(self, first: RunCurve) -> list[str]:
        plot = self._show_plot(first.axis, first.quantity)
        drawn = []
        problems = []
        for run in self._runs:
            if run.curve is None:
                continue
            # One plot has one axis; the first run decides which.
            if (run.curve.axis, run.curve.quantity) != (first.axis, first.quantity):
                problems.append(f"{run.label}: not drawn, because it shows another quantity ({run.curve.quantity}).")
                continue
            drawn.append(run)
        plot.retain([run.label for run in drawn])
        for run in drawn:
            assert run.curve is not None
            plot.set_curve(run.label, run.curve.x, run.curve.y, run.curve.sigma, style=run.style)
        plot.remarks = [f"{run.label}: run {run.uid}" for run in drawn]
        plot.show_all()
        return problems

    def _draw_comparison(self) -> list[str]:
        drawn = [run for run in self._runs if run.curve is not None]
        if len(drawn) != 2:
            self._stack.setCurrentWidget(self._nothing)
            # Runs that are still being reduced may become the missing ones: no message yet.
            if self._waiting:
                return []
            view = self.view.currentText()
            return [f"{view}: select two runs in the list. {len(drawn)} of the selected runs can be drawn."]
        first, second = drawn
        assert first.curve is not None
        assert second.curve is not None
        sign = "minus" if self.view.currentText() == "Difference" else "over"
        omitted = 0
        try:
            if sign == "minus":
                result = difference(first.curve, second.curve)
            else:
                result, omitted = ratio(first.curve, second.curve)
        except ReductionError as error:
            self._stack.setCurrentWidget(self._nothing)
            return [str(error)]
        plot = self._show_plot(result.axis, result.quantity)
        label = f"{first.label} {sign} {second.label}"
        plot.retain([label])
        plot.set_curve(label, result.x, result.y, result.sigma, style=RESULT)
        plot.remarks = [label, f"{first.label}: run {first.uid}", f"{second.label}: run {second.uid}"]
        plot.show_all()
        return [f"{omitted} points are omitted, as the second run is zero there within errors."] if omitted else []

    def _show_plot(self, axis: str, quantity: str) -> LinePlot:
        plot = self._plots.get((axis, quantity))
        if plot is None:
            scale = DelayScale() if axis == DELAY.column else None
            plot = LinePlot(axis_of(axis), _quantity(quantity), x_scale=scale)
            self._plots[axis, quantity] = plot
            self._stack.addWidget(plot)
        self._stack.setCurrentWidget(plot)
        return plot

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.choices)
        layout.addWidget(self._stack, stretch=1)
        layout.addWidget(self.message)
        self.message.hide()


def by_two_gates(runs: Sequence[DrawnRun]) -> list[str]:
    """Return a line on the spectra that are by two gates instead of all of them, with the reason of a single one."""
    found = [run for run in runs if run.curve is not None and run.curve.two_gates_reason]
    if len(found) == 1:
        assert found[0].curve is not None
        return [f"{found[0].label} is by two pulses. {found[0].curve.two_gates_reason}"]
    names = ", ".join(run.label for run in found)
    return [f"By two pulses: {names}. Select one of them to see why."] if found else []


def _quantity(words: str) -> Quantity:
    name, _, unit = words.removesuffix(")").partition(" (")
    return Quantity(name=name, unit=unit, column=name.replace(" ", "_"))
