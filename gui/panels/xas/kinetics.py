"""Kinetics during the measurement, with the fit that will be published."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel

from gui.live.frame import LiveFrame
from gui.live.request import Answer, Request
from gui.live.run_state import Scope
from gui.panels.panel import AnswerSlot, Panel, other_kind, problem_of
from gui.panels.splitter import beside_each_other, results_below
from gui.panels.value_table import Cell, ValueTable, quality_row
from gui.panels.xas.choices import Choices
from gui.panels.xas.thin_sample import thin_rows
from gui.plots.axis import DELAY, Quantity
from gui.plots.line_plot import LinePlot
from gui.plots.move_menu import FoundPlace, MoveMenu
from gui.plots.scales import DelayScale
from gui.plots.styles import FIT, TRANSIENT
from gui.requests.xas.kinetics import FittedTrace, KineticsRequest, TraceRequest
from reduction.number_text import with_error
from reduction.values import Value
from reduction.xas.kinetics.choice import ModelChoice
from reduction.xas.kinetics.fitted import UNDETERMINED_SHARE, KineticsFit
from reduction.xas.kinetics.kinetic_model import DECAY_MODELS, Criterion, KineticModel
from reduction.xas.transient import Trace

TRANSIENT_SHARE = Quantity(name="difference", unit="unpumped = 1", column="transient")
RESIDUAL = Quantity(name="residual", unit="standard errors", column="residual")


DEFAULT_MODEL = "2 lifetimes, offset"


def _model_text(model: KineticModel) -> str:
    rise = "rise, " * model.has_rise
    offset = "" if not model.has_offset else ", offset" if model.offset_decays else ", offset that stays"
    return f"{rise}{model.lifetimes} lifetime{'s' * (model.lifetimes > 1)}{offset}"


MODELS: Mapping[str, KineticModel | Criterion] = {
    **{_model_text(one): one for one in KineticModel},
    **{f"by {one.value}": one for one in Criterion},
}
"""Kinetic models, and the criteria that choose between them, by what the panel offers."""

MAP_MODELS = {text: one for text, one in MODELS.items() if isinstance(one, Criterion) or one in DECAY_MODELS}
"""Those of them for a map, in which a rise is a decay with a spectrum of the other sign."""


LABELS: Mapping[str, str] = {
    "rise_ps": "rise",
    **{f"tau{number}_ps": f"τ{number}" for number in (1, 2, 3)},
    **{f"fraction{number}": f"share of τ{number}" for number in (1, 2, 3)},
    "offset": "offset",
    "offset_lifetime_ps": "offset lifetime",
    "amplitude": "amplitude",
    "t0_ps": "time zero",
    "irf_sigma_ps": "response",
}
"""Words of the panel for the parameters of a fit, by their names."""


class KineticsPanel(Panel):
    """The trace with the weighted kinetic fit, its residuals, and its parameters with errors."""

    title = "Kinetics"
    key = "kinetics"
    position = 20
    run_kinds = ("pump-probe trace", "time zero", "self-test of the delay axis")

    def __init__(self) -> None:
        super().__init__()
        self.choices = Choices(["detector", "probe", "reference", "scope"])
        self.model = QComboBox()
        self.model.setObjectName("kinetics")
        self.model.setToolTip("Number of lifetimes, or the criterion that chooses it and shows its values")
        for text in MODELS:
            self.model.addItem(text)
        self.model.setCurrentText(DEFAULT_MODEL)
        self.model.currentIndexChanged.connect(lambda *_: self.requests_changed.emit())
        self.constant_offset = QCheckBox("Constant offset")
        self.constant_offset.setToolTip(
            "Model of the paper: the offset does not decay, earlier pump pulses have no effect"
        )
        self.choices.changed.connect(self.requests_changed)
        self.constant_offset.toggled.connect(lambda *_: self.requests_changed.emit())
        self.trace = LinePlot(DELAY, TRANSIENT_SHARE, x_scale=DelayScale())
        self.moving = MoveMenu(self.trace, DELAY.column, self._places)
        self._fit: KineticsFit | None = None
        self.residuals = LinePlot(DELAY, RESIDUAL, x_scale=DelayScale(), compact=True)
        self.table = ValueTable(["parameter", "value ± error"])
        self.remark = QLabel("")
        self.remark.setWordWrap(True)
        self._lay_out()
        self._traces: AnswerSlot[Trace] = AnswerSlot()
        self._fits: AnswerSlot[FittedTrace] = AnswerSlot()

    def requests(self) -> Collection[Request[Any]]:
        """Return the requests for trace and fit, delays in ps."""
        return (self._trace_request(), self._fit_request())

    def plots(self) -> Iterable[LinePlot]:
        """Return the plots of trace and residuals against the delay in ps."""
        return (self.trace, self.residuals)

    def move_menus(self) -> Iterable[MoveMenu]:
        """Return the menu of the trace, for delays of the first probe in ps."""
        return (self.moving,)

    def draw(self, frame: LiveFrame) -> None:
        """Replace curves and table."""
        self.choices.follow(frame)
        traces = self._trace_request()
        fits = self._fit_request()
        # Trace and fit are separate requests: the trace is quick and follows every exposure, the fit takes up to some
        # seconds and lags behind. Each is drawn when its own answer changes. While both differ, the curve of an older
        # fit stands over newer points, which is what the user expects of a fit that is running.
        if self._traces.changed(frame, traces):
            answer = frame.answer(traces)
            self.trace.show_message(other_kind(frame, DELAY) or problem_of(answer))
            self._draw_trace(answer.value if answer else None)
        if self._fits.changed(frame, fits):
            fitted = frame.answer(fits)
            self._draw_fit(fitted.value if fitted else None)
            self._show_remark(frame, fitted)

    def _show_remark(self, frame: LiveFrame, fitted: Answer[FittedTrace] | None) -> None:
        problem = "" if other_kind(frame, DELAY) else problem_of(fitted)
        remark = f"No fit: {problem}" if problem else ""
        if fitted is not None and fitted.value is not None:
            remark = "\n".join(filter(None, [fit_remark(fitted.value.fit), choice_remark(fitted.value.choice)]))
        self.remark.setText(remark)
        self.remark.setVisible(bool(remark))

    def _draw_trace(self, trace: Trace | None) -> None:
        if trace is None:
            self.trace.retain(())
            return
        label = f"probe {trace.metadata.probe}, {trace.metadata.scans} scan{'s' if trace.metadata.scans != 1 else ''}"
        # The plot shows the delay of the chosen probe; what is moved is that of the first one.
        self.moving.offset = float(trace.delay_ps[0] - trace.first_delay_ps[0]) if trace.delay_ps.size else 0.0
        self.trace.set_curve("transient", trace.delay_ps, trace.transient, trace.sigma, style=TRANSIENT, label=label)
        self.trace.show_all()

    def _places(self) -> list[FoundPlace]:
        fit = self._fit
        if fit is None or "t0_ps" in fit.undetermined:
            return []
        return [FoundPlace(name="the fitted time zero", value=fit.t0_ps.value)]

    def _draw_fit(self, found: FittedTrace | None) -> None:
        self._fit = None if found is None else found.fit
        if found is None:
            self.trace.remove_curve("fit")
            self.residuals.retain(())
            self.table.show_rows([])
            return
        self.trace.set_curve("fit", found.delay_ps, found.curve, style=FIT)
        ones = found.residuals * 0.0 + 1.0
        self.residuals.set_curve("residual", found.trace.delay_ps, found.residuals, ones, style=TRANSIENT)
        self.residuals.show_all()
        self.trace.show_all()
        forecast = [["forecast", found.forecast]] if found.forecast else []
        self.table.show_rows([*fit_rows(found.fit), *thin_rows(found.fit.amplitude, found.trace.metadata), *forecast])

    def _trace_request(self) -> TraceRequest:
        return TraceRequest(
            probe=self.choices.probe,
            reference=self.choices.pair_reference,
            scope=self._scope,
            detector=self.choices.detector,
        )

    def _fit_request(self) -> KineticsRequest:
        return KineticsRequest(
            probe=self.choices.probe,
            scope=self._scope,
            detector=self.choices.detector,
            constant_offset=self.constant_offset.isChecked(),
            kinetics=MODELS[self.model.currentText()],
        )

    @property
    def _scope(self) -> Scope:
        return self.choices.scope or "mean"

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.choices, 1)
        top.addWidget(self.model)
        top.addWidget(self.constant_offset)
        results = results_below(self.residuals, self.remark, self.table)
        self.body.addLayout(top)
        self.body.addWidget(beside_each_other(self.trace, results, shares=(3, 2)), 1)


def fit_rows(fit: KineticsFit) -> list[list[Cell]]:
    """Return the parameters of a fit as rows of a table, shape (rows, 2), with lifetimes in ps and ns and shares in %.

    Those that the data do not determine are marked as such.
    """
    values = {}
    if fit.rise_ps is not None:
        values["rise_ps"] = _text(fit.rise_ps, "ps") + _limits(fit, "rise_ps", 1.0)
    values |= {
        f"tau{n}_ps": _text(value, "ps") + _limits(fit, f"tau{n}_ps", 1.0)
        for n, value in enumerate(fit.lifetimes_ps, 1)
    }
    # A single lifetime has the whole decay as its share.
    if fit.model.components > 1:
        shares = enumerate(fit.fractions, 1)
        values |= {f"fraction{n}": _percent(value) + _limits(fit, f"fraction{n}", 100.0) for n, value in shares}
    if fit.model.has_offset:
        values["offset"] = _percent(fit.offset) + _limits(fit, "offset", 100.0)
        values["offset_lifetime_ps"] = _lifetime(fit.offset_lifetime_ps)
    values["amplitude"] = _percent(fit.amplitude)
    values["t0_ps"] = _text(fit.t0_ps, "ps")
    values["irf_sigma_ps"] = _text(fit.irf_sigma_ps, "ps")
    vague = fit.undetermined
    rows: list[list[Cell]] = [
        [LABELS[name], (f"▲ {text}, NOT DETERMINED", "warning") if name in vague else text]
        for name, text in values.items()
    ]
    return [*rows, quality_row(fit.chi_square, fit.degrees_of_freedom)]


def fit_remark(fit: KineticsFit) -> str:
    """Return the meaning of the marks in the table, and the remedy; "" if the data determine every parameter."""
    if not fit.undetermined:
        return ""
    *others, last = (LABELS.get(name, name) for name in fit.undetermined)
    vague = f"{', '.join(others)} and {last}" if others else last
    percent = f"{100 * UNDETERMINED_SHARE:g} %"
    return (
        f"▲ The data do not determine {vague}: lifetimes need errors below {percent} of their values, shares below "
        f"{percent}. Measure longer, or at more delays after the pump, or choose fewer lifetimes above, as “by BIC” "
        "does."
    )


def choice_remark(choice: ModelChoice | None) -> str:
    """Return the model that a criterion chose and the criteria of all models, a line each; "" without a criterion."""
    return "" if choice is None else "\n".join(" ".join(line.split()) for line in choice.lines())


def _limits(fit: KineticsFit, name: str, scale: float) -> str:
    """Return the 68 % limits times `scale` of a quantity whose chi-square is not a parabola; "" for any other."""
    if name not in fit.intervals:
        return ""
    low, high = fit.intervals[name]
    return f" [{scale * low:.3g} to {scale * high:.3g}]"


def _text(value: Value, unit: str) -> str:
    return with_error(value.value, value.sigma, unit)


def _percent(value: Value) -> str:
    return with_error(100.0 * value.value, 100.0 * value.sigma, "%")


def _lifetime(value: Value) -> str:
    if not math.isfinite(value.value):
        return "no decay seen"
    return with_error(1e-3 * value.value, 1e-3 * value.sigma, "ns")
