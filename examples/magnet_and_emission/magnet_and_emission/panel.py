"""The panel of the technique: the emission spectrum while it is measured, and the energy of its line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gui.live.request import Request
from gui.live.run_state import RunState
from gui.panels.single_answer import SingleAnswerPanel
from gui.plots.axis import Quantity
from gui.plots.line_plot import LinePlot
from gui.plots.styles import series_style
from magnet_and_emission.run_kind import EMISSION, EmissionResults, EmissionSums

ANALYSER = Quantity(name="analyser", unit="eV", column="analyser_ev")
PHOTONS = Quantity(name="emission", unit="counts", column="emission_counts")


@dataclass(frozen=True, kw_only=True)
class EmissionRequest(Request[EmissionResults]):
    """The emission spectrum of the run with its line."""

    slow = True

    def compute(self, run: RunState) -> EmissionResults:
        """Return what the run reduces to so far; raises ReductionError for any other run, or before the first point."""
        results = EMISSION.reduce(run.sums_of(EmissionSums))
        assert isinstance(results, EmissionResults)
        return results


class EmissionPanel(SingleAnswerPanel[EmissionResults]):
    """The emission spectrum with error bars; the legend has the energy of its line."""

    title = "Emission"
    key = "emission"
    position = 58

    def __init__(self) -> None:
        super().__init__()
        self.spectrum = LinePlot(ANALYSER, PHOTONS)
        self.body.addWidget(self.spectrum, 1)

    def plots(self) -> Iterable[LinePlot]:
        """Return the plot, which is marked when it is not live."""
        return (self.spectrum,)

    def request(self) -> EmissionRequest:
        """Return the request for the spectrum."""
        return EmissionRequest()

    def show_answer(self, value: EmissionResults) -> None:
        """Draw the spectrum in eV and counts."""
        found = value.spectrum
        label = "measured" if value.line_ev is None else f"line at {value.line_ev.value:.2f} eV"
        self.spectrum.set_curve(
            "emission", found.energy_ev, found.intensity, found.sigma, style=series_style(0), label=label
        )
        self.spectrum.show_all()

    def show_nothing(self) -> None:
        """Remove the curve."""
        self.spectrum.retain(())

    def show_message(self, text: str) -> None:
        """Show `text` where the curve would be."""
        self.spectrum.show_message(text)
