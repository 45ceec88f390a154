"""The spectrum of the excited species, for an excited fraction that the user sets."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QSlider

from gui.live.frame import LiveFrame
from gui.live.request import Request
from gui.panels.panel import AnswerSlot, Panel, other_kind, problem_of
from gui.panels.xas.choices import Choices
from gui.panels.xas.spectra import STATIC
from gui.plots.axis import ENERGY
from gui.plots.line_plot import LinePlot
from gui.plots.styles import OFF, TRANSIENT
from gui.requests.xas.spectra import ExcitedStateRequest, OwnSpectraRequest, SpectrumRequest
from reduction.xas.excited_state import ExcitedStateSpectrum
from reduction.xas.transient import Spectrum

PER_CENT = 10
"""Steps of the slider per per cent."""


class ExcitedPanel(Panel):
    """(on - (1 - f) off) / f with its error, and the unpumped spectrum; a slider sets the excited fraction f."""

    title = "Excited state"
    key = "excited"
    position = 40

    def __init__(self) -> None:
        super().__init__()
        self.choices = Choices(["mode", "probe", "reference", "scope"])
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(5, 100 * PER_CENT)
        self.percent = QDoubleSpinBox()
        self.percent.setRange(0.5, 100.0)
        self.percent.setDecimals(1)
        self.percent.setSuffix(" %")
        self.slider.setValue(20 * PER_CENT)
        self.percent.setValue(20.0)
        self.slider.valueChanged.connect(lambda value: self.percent.setValue(value / PER_CENT))
        self.percent.valueChanged.connect(self._percent_changed)
        self.choices.changed.connect(self.requests_changed)
        self.plot = LinePlot(ENERGY, STATIC)
        row = QHBoxLayout()
        row.addWidget(QLabel("excited fraction f"))
        row.addWidget(self.slider, 1)
        row.addWidget(self.percent)
        self.body.addWidget(self.choices)
        self.body.addLayout(row)
        self.body.addWidget(self.plot, 1)
        self._excited: AnswerSlot[ExcitedStateSpectrum] = AnswerSlot()
        self._static: AnswerSlot[Spectrum] = AnswerSlot()

    @property
    def fraction(self) -> float:
        """Excited fraction, above 0 and up to 1."""
        return self.percent.value() / 100.0

    def requests(self) -> Collection[Request[Any]]:
        """Return the requests for the excited and the unpumped spectrum, and for both detection modes."""
        return (self._excited_request(), self._static_request(), OwnSpectraRequest())

    def plots(self) -> Iterable[LinePlot]:
        """Return the plot of both spectra: signal, edge = 1, against the energy in eV."""
        return (self.plot,)

    def draw(self, frame: LiveFrame) -> None:
        """Replace the curves that have changed."""
        self.choices.follow(frame)
        self.choices.suggest_richer(frame)
        excited = self._excited_request()
        static = self._static_request()
        if self._static.changed(frame, static):
            answer = frame.answer(static)
            if answer is None or answer.value is None:
                self.plot.remove_curve("off")
            else:
                off = answer.value
                self.plot.set_curve("off", off.energy_ev, off.off, off.off_sigma, style=OFF, label="unpumped")
        if self._excited.changed(frame, excited):
            self._draw(frame, excited)
        self.plot.show_all()

    def _draw(self, frame: LiveFrame, request: ExcitedStateRequest) -> None:
        answer = frame.answer(request)
        self.plot.show_message(other_kind(frame, ENERGY) or problem_of(answer))
        if answer is None or answer.value is None:
            self.plot.remove_curve("excited")
            return
        found = answer.value
        label = f"excited state, f = {100 * found.fraction:.1f} %"
        self.plot.set_curve("excited", found.energy_ev, found.value, found.sigma, style=TRANSIENT, label=label)

    def _percent_changed(self, percent: float) -> None:
        # Slider and field show one number and set each other. The slider has whole steps: its answer would round the
        # number that was typed, so its signal is blocked.
        before = self.slider.blockSignals(True)  # noqa: FBT003  # Qt's signature
        self.slider.setValue(round(percent * PER_CENT))
        self.slider.blockSignals(before)
        self.requests_changed.emit()

    def _excited_request(self) -> ExcitedStateRequest:
        chosen = self.choices
        return ExcitedStateRequest(
            fraction=self.fraction,
            mode=chosen.mode,
            probe=chosen.probe,
            reference=chosen.pair_reference,
            scope=chosen.scope or "mean",
        )

    def _static_request(self) -> SpectrumRequest:
        chosen = self.choices
        return SpectrumRequest(
            mode=chosen.mode,
            probe=chosen.probe,
            reference=chosen.reference,
            scope=chosen.scope or "mean",
            detector=chosen.detector,
        )
