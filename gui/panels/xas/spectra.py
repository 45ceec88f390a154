"""Spectra with and without laser and their difference, during the measurement."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QSplitter

from gui.live.frame import LiveFrame
from gui.live.request import Request
from gui.panels.panel import AnswerSlot
from gui.panels.single_answer import SingleAnswerPanel
from gui.panels.value_table import Cell, ValueTable
from gui.panels.xas.choices import Choices
from gui.plots.axis import ENERGY, Quantity
from gui.plots.line_plot import LinePlot
from gui.plots.move_menu import FoundPlace, MoveMenu
from gui.plots.scales import LinearScale
from gui.plots.styles import OFF, ON, TRANSIENT
from gui.requests.xas.spectra import (
    BestSpectraRequest,
    ChosenScansRequest,
    DecayRequest,
    FirstPassRequest,
    OwnSpectraRequest,
    SpectrumRequest,
)
from reduction.number_text import delay_text
from reduction.run_kind import MeasuredDecay
from reduction.xas.all_gates import AllGatesSpectrum
from reduction.xas.first_pass import FirstPass
from reduction.xas.found_places import edge_of
from reduction.xas.information import NAMES, information, primary
from reduction.xas.result_text import held_text, hour_text
from reduction.xas.transient import Spectrum, TransientMetadata
from reduction.xas.unpumped_size import TransientSize, percent_text, size_of, transient_size

STATIC = Quantity(name="signal", unit="edge = 1", column="signal")
"""Signal on a scale on which the mean of the unpumped spectrum in the post-edge window is 1."""

DIFFERENCE = Quantity(name="difference", unit="edge = 1", column="transient")
"""Difference on the scale of `STATIC`."""


STATIC_SO_FAR = Quantity(name="signal", unit="highest = 1", column="signal")
DIFFERENCE_SO_FAR = Quantity(name="difference", unit="highest = 1", column="transient")
"""The same before the post-edge is measured: the highest unpumped signal so far is 1."""


class SpectraPanel(SingleAnswerPanel[Spectrum]):
    """Static spectra above, the transient with error bars below, and its size; both plots show the same energies."""

    title = "Spectra"
    key = "spectra"
    position = 10
    run_kinds = ("pump-probe spectrum",)
    scans_of = ENERGY

    def __init__(self) -> None:
        super().__init__()
        self.choices = Choices(["mode", "probe", "reference", "all gates", "scans"])
        self.choices.changed.connect(self.requests_changed)
        self.static = LinePlot(ENERGY, STATIC, compact=True)
        self.transient = LinePlot(ENERGY, DIFFERENCE)
        self.static.chosen.connect(lambda view: _same_x(self.transient, view))
        self.transient.chosen.connect(lambda view: _same_x(self.static, view))
        self.moving = [MoveMenu(plot, ENERGY.column, self._places) for plot in (self.static, self.transient)]
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(self.static)
        split.addWidget(self.transient)
        split.setSizes([400, 500])
        self.sizes = ValueTable(["size of the transient", "value ± error"])
        self.body.addWidget(self.choices)
        self.body.addWidget(split, 1)
        self.body.addWidget(self.sizes)
        self._decays: AnswerSlot[MeasuredDecay | None] = AnswerSlot()
        self._decay: MeasuredDecay | None = None
        self._own: AnswerSlot[tuple[Spectrum, ...]] = AnswerSlot()
        self._best: AnswerSlot[tuple[Spectrum, ...]] = AnswerSlot()
        self._spectra: tuple[Spectrum, ...] = ()
        self._spectrum: Spectrum | None = None
        self._first: FirstPass | None = None

    def request(self) -> Request[Spectrum]:
        """Return the request for the spectrum of the chosen scope or scans, energies in eV."""
        chosen = self.choices
        if chosen.scope is None:
            return ChosenScansRequest(
                mode=chosen.mode,
                probe=chosen.probe,
                reference=chosen.reference,
                scans=chosen.scans,
                detector=chosen.detector,
            )
        return SpectrumRequest(
            mode=chosen.mode,
            probe=chosen.probe,
            reference=chosen.reference,
            scope=chosen.scope,
            detector=chosen.detector,
        )

    def requests(self) -> Collection[Request[Any]]:
        """Return the requests for the spectrum or its first pass, the decay that corrects its size, and both modes."""
        return (self.request(), self._first_request(), DecayRequest(), OwnSpectraRequest(), BestSpectraRequest())

    def _first_request(self) -> FirstPassRequest:
        chosen = self.choices
        return FirstPassRequest(
            mode=chosen.mode, probe=chosen.probe, reference=chosen.reference, detector=chosen.detector
        )

    def plots(self) -> Iterable[LinePlot]:
        """Return the plots of static spectra and transient against the energy in eV."""
        return (self.static, self.transient)

    def move_menus(self) -> Iterable[MoveMenu]:
        """Return the menus of both plots, for energies in eV."""
        return self.moving

    def draw(self, frame: LiveFrame) -> None:
        """Show the answer if it has changed, and name the runs that are missing from the mean of the series."""
        self.choices.follow(frame)
        super().draw(frame)
        self._draw_first_pass(frame)
        # The decay comes later than the spectrum, as it may have to be fitted first.
        if self._decays.changed(frame, DecayRequest()):
            answer = frame.answer(DecayRequest())
            self._decay = None if answer is None else answer.value
            self._show_sizes()
        if self._own.changed(frame, OwnSpectraRequest()):
            self.choices.suggest_richer(frame)
        if self._best.changed(frame, BestSpectraRequest()):
            found = frame.answer(BestSpectraRequest())
            self._spectra = (found.value or ()) if found is not None else ()
            self._show_sizes()

    def _draw_first_pass(self, frame: LiveFrame) -> None:
        """Show the first pass point by point until there is a spectrum: the first one takes minutes to normalise."""
        answer = frame.answer(self._first_request())
        found = None if answer is None or self._spectrum is not None else answer.value
        if found is self._first:
            return
        self._first = found
        if found is not None:
            self.show_message("")
            self._scale(STATIC_SO_FAR, DIFFERENCE_SO_FAR)
            self._show_curves(found, f"{scans_text(found.metadata)}, not normalised yet")

    def _scale(self, static: Quantity, difference: Quantity) -> None:
        for plot, quantity in ((self.static, static), (self.transient, difference)):
            if plot.canvas.left.quantity != quantity:
                plot.canvas.left.show_quantity(quantity, LinearScale())

    def _show_sizes(self) -> None:
        found = self._spectrum
        if found is None:
            self.sizes.show_rows([])
            return
        is_mean = self.choices.scope == "mean"
        others = other_rows(found, self._spectra) if is_mean else []
        sizes = size_rows(size_of(found, self._decay))
        # One more hour improves all spectra of the run: the best one shows what it gives, as at the prompt.
        probes = {one.metadata.probe for one in self._spectra}
        is_own = is_mean and not found.metadata.detector and found.metadata.probe in probes
        hours = hour_rows((primary(self._spectra) if is_own else None) or found)
        self.sizes.show_rows([*sizes, *gate_rows(found), *others, *later_rows(found), *hours])

    def _places(self) -> list[FoundPlace]:
        found = self._spectrum
        if found is None:
            return []
        feature_ev = size_of(found, self._decay).energy_ev
        places = [FoundPlace(name="the main feature of the transient", value=feature_ev)]
        edge_ev = edge_of(found)
        return places if edge_ev is None else [*places, FoundPlace(name="the steepest rise of the edge", value=edge_ev)]

    def show_message(self, text: str) -> None:
        """Show `text` in the plot of the transient."""
        self.transient.show_message(text)

    def show_nothing(self) -> None:
        """Remove all curves."""
        for plot in self.plots():
            plot.retain(())
        self._spectrum = None
        self._first = None
        self._show_sizes()

    def show_answer(self, found: Spectrum) -> None:
        """Replace the curves; energies in eV."""
        self._scale(STATIC, DIFFERENCE)
        self._show_curves(found, scans_text(found.metadata))
        self._spectrum = found
        self._show_sizes()

    def _show_curves(self, found: Spectrum | FirstPass, what: str) -> None:
        on, off = curve_labels(found.metadata)
        self.static.set_curve("off", found.energy_ev, found.off, found.off_sigma, style=OFF, label=off)
        self.static.set_curve("on", found.energy_ev, found.on, found.on_sigma, style=ON, label=on)
        gates = ", from all pulses" if isinstance(found, AllGatesSpectrum) else ""
        label = f"{on} - {off}{gates}, {what}"
        self.transient.set_curve(
            "transient", found.energy_ev, found.transient, found.sigma, style=TRANSIENT, label=label
        )
        for plot in self.plots():
            plot.show_all()


def size_rows(size: TransientSize) -> list[list[Cell]]:
    """Return the size of a transient in %, as measured and against a sample that was never pumped, shape (2, 2)."""
    label = f"at {size.energy_ev:.2f} eV, as measured"
    measured = f"{percent_text(size.measured)} of unpumped"
    if size.is_unpumped:
        return [[label, measured], ["corrected", "nothing to correct: the laser was blocked"]]
    if size.corrected is None or size.share is None:
        return [[label, measured], ["corrected", (size.problem, "warning")]]
    held = f"the reference holds {percent_text(size.share)}, by {size.decay}"
    return [[label, measured], ["corrected", f"{percent_text(size.corrected)} of unpumped; {held}"]]


def gate_rows(found: Spectrum) -> list[list[Cell]]:
    """Return what all pulses gain, or why two are shown although all were asked for: shape (1, 2), or none."""
    if isinstance(found, AllGatesSpectrum):
        gain = f"{found.variance_ratio:.2f} of the variance of two pulses"
        return [["from all pulses", f"{gain}; {held_text(found)}"]]
    reason = found.metadata.two_gates_reason
    return [["from two pulses", reason]] if reason else []


def other_rows(found: Spectrum, spectra: Sequence[Spectrum]) -> list[list[Cell]]:
    """Return the size in the other detection mode, and how many times its information this one holds.

    Rows of a table, shape (1, 2), or none. `spectra`: the best ones of the pumped gate, in both modes; a spectrum of
    anything else has nothing to be compared with.
    """
    origin = found.metadata
    own = next((one for one in spectra if one.metadata.mode == origin.mode), None)
    if own is None or (origin.detector, origin.probe) != ("", own.metadata.probe):
        return []
    if origin.reference == "laser shutter":
        return []
    less = information(own)
    return [
        [
            f"by {NAMES[one.metadata.mode]}",
            f"{percent_text(transient_size(one)[1])} of unpumped"
            + (f", {information(one) / less:.2g} times the information" if less else ""),
        ]
        for one in spectra
        if one is not own
    ]


def later_rows(found: Spectrum) -> list[list[Cell]]:
    """Return a note that a calibrated spectrum lacks calibrations after the run, shape (1, 2); none for any other."""
    energies = ["the foil"] if found.energy_sigma_ev > 0 else []
    gates = ["dark and blocked exposures"] if found.metadata.is_calibrated else []
    if not (energies or gates):
        return []
    return [
        ["corrections of later runs", f"not in it: {' and '.join(energies + gates)} after this run; show(-1) has them"]
    ]


def hour_rows(best: Spectrum) -> list[list[Cell]]:
    """Return the error at the main feature after one more hour, in %, as the prompt states it, and by which spectrum.

    Rows of a table, shape (1, 2); none without a beam time.
    """
    text = hour_text(best)
    gates = "all pulses" if isinstance(best, AllGatesSpectrum) else "two pulses"
    return [["one more hour", f"{text}, by {NAMES[best.metadata.mode]} from {gates}"]] if text else []


def scans_text(metadata: TransientMetadata) -> str:
    """Return the number of scans in words: "1 scan"."""
    return f"{metadata.scans} scan{'s' if metadata.scans != 1 else ''}"


def curve_labels(metadata: TransientMetadata) -> tuple[str, str]:
    """Return the names of on and off for a legend; on has its delay in ps or ns."""
    on = "pumped" if metadata.delay_ps is None else f"pumped {delay_text(metadata.delay_ps)}"
    return on, "laser blocked" if metadata.reference == "laser shutter" else "unpumped"


def _same_x(other: LinePlot, view: Any) -> None:
    """Show `view` in the other plot too, with signals blocked, because it would send the view back."""
    before = other.blockSignals(True)  # noqa: FBT003  # Qt's signature
    # If neither plot has a chosen view, both follow their data, and a copied view would end that.
    if view is not None or other.views.history.current is not None:
        other.follow_x(view)
    other.blockSignals(before)
