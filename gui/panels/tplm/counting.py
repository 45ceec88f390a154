"""Counting from exposure to exposure: photons, pile-up and fullest channel, with the present settings."""

from __future__ import annotations

from collections.abc import Iterable

from gui.panels.single_answer import SingleAnswerPanel
from gui.panels.splitter import above_each_other
from gui.panels.tplm.quantities import CHANNEL, COUNT_RATE, EXPOSURE, PILE_UP
from gui.panels.value_table import Cell, ValueTable
from gui.plots.line_plot import LinePlot
from gui.plots.scales import WholeNumberScale
from gui.plots.styles import OFF
from gui.requests.tplm.counting import CountingRequest, ExposureCounting
from reduction.tplm.kinds import HISTOGRAM_KINDS

PILE_UP_PERCENT = 5.0
"""Share of pulses with a photon, %, above which the correction for pile-up should not be relied on."""

NEARLY_FULL = 0.9
"""Share of a full channel from which it is marked."""


class CountingPanel(SingleAnswerPanel[ExposureCounting]):
    """Photons per second, pulses with a photon, and the fullest channel, against the number of the exposure."""

    title = "Counting"
    key = "counting"
    group = "quality"
    position = 115
    run_kinds = tuple(kind.name for kind in HISTOGRAM_KINDS)

    def __init__(self) -> None:
        super().__init__()
        self.rate = LinePlot(EXPOSURE, COUNT_RATE, x_scale=WholeNumberScale(), compact=True)
        self.pile_up = LinePlot(EXPOSURE, PILE_UP, x_scale=WholeNumberScale(), compact=True)
        self.channel = LinePlot(EXPOSURE, CHANNEL, x_scale=WholeNumberScale(), compact=True, named_x=True)
        self.table = ValueTable(["quantity", "value"])
        self.body.addWidget(above_each_other(self.rate, self.pile_up, self.channel, self.table), 1)

    def plots(self) -> Iterable[LinePlot]:
        """Return the three plots, in 1/s, % and counts."""
        return (self.rate, self.pile_up, self.channel)

    def request(self) -> CountingRequest:
        """Return the request for the exposures."""
        return CountingRequest()

    def show_answer(self, value: ExposureCounting) -> None:
        """Replace curves and numbers."""
        # Each exposure is a point, also the repeated ones: a drift of the laser shows from one to the next.
        shown = ((self.rate, value.rate_hz), (self.pile_up, value.pile_up_percent), (self.channel, value.highest))
        for plot, column in shown:
            plot.set_curve("exposures", value.number, column, style=OFF, label="exposures")
            plot.show_all()
        self.table.show_rows(counting_rows(value))

    def show_nothing(self) -> None:
        """Remove curves and numbers."""
        for plot in self.plots():
            plot.retain(())
        self.table.show_rows([])

    def show_message(self, text: str) -> None:
        """Show `text` in the first plot."""
        self.rate.show_message(text)


def counting_rows(value: ExposureCounting) -> list[list[Cell]]:
    """Return the latest exposure's pile-up, fullest channel, power, rate and temperature as rows, shape (rows, 2)."""
    pile_up = float(value.pile_up_percent.max())
    highest = float(value.highest.max())
    latest = value.latest
    rate = f"{latest['repetition_rate_mhz']:.4g} MHz"
    return [
        [
            "pulses with a photon",
            f"{pile_up:.3g} % at most" if pile_up < PILE_UP_PERCENT else (f"▲ {pile_up:.3g} %, ATTENUATE", "warning"),
        ],
        [
            "fullest channel",
            f"{highest:.0f} of {value.full}"
            if highest < NEARLY_FULL * value.full
            else (f"▲ {highest:.0f} of {value.full}, MEASURE SHORTER", "warning"),
        ],
        ["power, rate", f"{latest['laser_power_nw']:.4g} nW, {rate}"],
        ["temperature", f"{latest['temperature_k']:.2f} K"],
        ["optical density", f"{latest['nd_od']:g}"],
    ]
