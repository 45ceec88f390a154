"""The counts of each gate: probes of all photodiodes, photons per pulse, and losses by pile-up."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel

from gui.live.frame import LiveFrame
from gui.panels.single_answer import SingleAnswerPanel
from gui.panels.value_table import Cell, ValueTable
from gui.panels.xas.choices import Choices
from gui.plots.axis import Quantity
from gui.plots.line_plot import LinePlot
from gui.plots.scales import WholeNumberScale
from gui.plots.styles import CurveStyle
from gui.requests.xas.bunches import ATTENUATE_ABOVE, BunchRequest, BunchView
from gui.theme import current_theme
from gui.types import Severity

PROBE = Quantity(name="probe (bunch after the pump)", unit="", column="probe", number_format="probe {:.0f}")
PHOTONS = Quantity(name="photons", unit="per pulse", column="photons_per_pulse")
THRESHOLD = CurveStyle(role="neutral", line="dashed", bars=False)
APD_STYLES = (CurveStyle(role="off", line="", marker="circle"), CurveStyle(role="on", line="", marker="diamond"))
"""Styles of the photodiodes, repeated in this order: neighbours differ in colour and shape."""

NEAR = 0.5
"""Share of the threshold from which it is drawn; below that it would compress the points to a line."""

SHIFT = 0.08
"""Offset between the photodiodes, in probes, so that they are drawn side by side."""


class BunchesPanel(SingleAnswerPanel[BunchView]):
    """Counts per probe and photodiode, with the word ATTENUATE when a gate sees too many photons."""

    title = "Bunches"
    key = "bunches"
    position = 110
    group = "quality"

    def __init__(self) -> None:
        super().__init__()
        self.choices = Choices(["counting"])
        self.choices.changed.connect(self.requests_changed)
        self.of = QComboBox()
        for text, data in (("Latest exposure", "latest"), ("Current scan", "scan"), ("Whole run", "run")):
            self.of.addItem(text, data)
        self.of.currentIndexChanged.connect(lambda *_: self.requests_changed.emit())
        self.word = QLabel("")
        self.plot = LinePlot(PROBE, PHOTONS, x_scale=WholeNumberScale(), compact=True, named_x=True)
        self.table = ValueTable(column_names(len(APD_STYLES)))
        row = QHBoxLayout()
        row.addWidget(self.of)
        row.addWidget(self.choices)
        row.addWidget(self.word, 1)
        self.body.addLayout(row)
        self.body.addWidget(self.plot, 1)
        self.body.addWidget(self.table)
        self._attenuate: bool | None = None

    def request(self) -> BunchRequest:
        """Return the request for counts and losses of all gates, shape (photodiodes, probes)."""
        return BunchRequest(self.of.currentData(), self.choices.detector)

    def plots(self) -> Iterable[LinePlot]:
        """Return the plot of photons per pulse, of shape (probes,) for each photodiode."""
        return (self.plot,)

    def draw(self, frame: LiveFrame) -> None:
        """Offer the detectors of the run that count, and show the answer if it has changed."""
        self.choices.follow(frame)
        super().draw(frame)

    def show_message(self, text: str) -> None:
        """Show `text` in the plot, "" to remove it."""
        self.plot.show_message(text)

    def show_nothing(self) -> None:
        """Remove points, rows and word."""
        self.plot.retain(())
        self.table.show_rows([])
        self._attenuate = None
        self.apply_theme()

    def apply_theme(self) -> None:
        """Colour the word after a change of theme."""
        texts: dict[bool | None, tuple[str, Severity]] = {
            None: ("", "unknown"),
            False: ("● RATE OK", "good"),
            True: (_ATTENUATE, "bad"),
        }
        text, severity = texts[self._attenuate]
        self.word.setText(text)
        self.word.setStyleSheet(f"font-weight: bold; color: {current_theme().state_colour(severity)};")

    def show_answer(self, view: BunchView) -> None:
        """Replace points, table and word; photons per pulse with their counting errors."""
        self._attenuate = view.attenuate
        self.apply_theme()
        probes = np.arange(view.pulses.size, dtype=float)
        photodiodes = len(view.photons_per_pulse)
        self.table.name_columns(column_names(photodiodes))
        self.plot.retain([f"apd_{apd + 1}" for apd in range(photodiodes)] + ["threshold"])
        for apd in range(photodiodes):
            style = APD_STYLES[apd % len(APD_STYLES)]
            photons = view.photons_per_pulse[apd]
            pulses = np.maximum(view.pulses, 1.0)
            # A gate counts n of N with probability p: the error of -ln(1 - p) is sqrt(p / (N (1 - p))).
            share = view.counts[apd] / pulses
            sigma = np.sqrt(share / pulses / np.maximum(1.0 - share, 1e-12))
            # One point per gate of each photodiode, beside each other. Photodiodes that see the same light agree within
            # their bars; a difference of many bars is a wrong gate or a broken diode, and is seen here first.
            place = probes + (2 * apd - photodiodes + 1) * SHIFT * min(1.0, len(APD_STYLES) / photodiodes)
            self.plot.set_curve(f"apd_{apd + 1}", place, photons, sigma, style=style, label=f"photodiode {apd + 1}")
        if view.photons_per_pulse.max() > NEAR * ATTENUATE_ABOVE:
            ends = np.array([probes[0] - 0.4, probes[-1] + 0.4])
            label = f"attenuate above {ATTENUATE_ABOVE:g}"
            self.plot.set_curve("threshold", ends, np.full(2, ATTENUATE_ABOVE), style=THRESHOLD, label=label)
        else:
            self.plot.remove_curve("threshold")
        self.plot.show_all()
        self.table.show_rows([_row(view, probe) for probe in range(view.pulses.size)])


def column_names(photodiodes: int) -> list[str]:
    """Return the headings of the table for a number of photodiodes, in the order of `_row`."""
    numbers = range(1, photodiodes + 1)
    counts = [f"counts APD {number}" for number in numbers]
    photons = [f"photons/pulse {number}" for number in numbers]
    return ["probe", *counts, "gates opened", *photons, "lost to pile-up"]


_ATTENUATE = f"▲ ATTENUATE: above {ATTENUATE_ABOVE:g} photons per pulse the pile-up correction is not exact"


def _row(view: BunchView, probe: int) -> list[Cell]:
    counts = view.counts[:, probe]
    photons = view.photons_per_pulse[:, probe]
    lost = 100.0 * float(view.pile_up[:, probe].max())
    high = bool(photons.max() > ATTENUATE_ABOVE)
    rates: list[Cell] = [(f"{value:.4f}", "bad") if high else f"{value:.4f}" for value in photons]
    return [
        f"{probe}", *(f"{count:,.0f}".replace(",", " ") for count in counts),
        f"{view.pulses[probe]:,.0f}".replace(",", " "), *rates, f"{lost:.1f} %",
    ]  # fmt: skip
