"""The choice of a transient: detector, probe, reference and scans."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QLineEdit, QVBoxLayout, QWidget

from errors import ReductionError
from gui.live.frame import LiveFrame
from gui.live.left_out import LeftOutRun
from gui.live.run_state import Scope
from gui.message_line import MessageLine
from gui.plots.flow_layout import FlowLayout
from gui.requests.xas.spectra import OwnSpectraRequest
from reduction.detector_view import further_gated
from reduction.detectors import DetectorFacts, detectors_of
from reduction.run_kind import pair_reference
from reduction.timing import Timing, timing_from
from reduction.types import Mode, PairReference, Reference
from reduction.xas.information import clearly_richer

MODES: Mapping[str, Mode] = {"Photon counting": "spc", "Boxcar": "boxcar"}
REFERENCES: Mapping[str, Reference] = {
    "minus unpumped pulse": "unpumped probe",
    "minus laser blocked": "laser shutter",
}
ALL_GATES: Mapping[str, Reference] = {"from all pulses": "all gates"}
"""The reference that only spectra have: every gate of the pump period instead of two."""

ALL_GATES_TIP = (
    "From all pulses: the pumped minus the unpumped pulse, determined by all pulses after a pump where they make the "
    "error smaller. Minus unpumped pulse: from these two pulses only, as in the paper"
)

SCOPES: Mapping[str, Scope | None] = {
    "Mean of the run": "mean",
    "Current scan": "scan",
    "Mean of the series": "series",
    "Chosen scans": None,
}

WHOLE = 1e-6
"""A distance in bunch periods that differs from a whole number by less counts as whole."""

NAMED_RUNS = 3
"""Runs outside a mean that are named; the tool tip names all."""


class Choices(QWidget):
    """A row of boxes to choose from. Signal `changed()`: another choice.

    `parts`: the boxes that a panel offers, of "mode", "detector", "probe", "reference", "scope" and "scans" (a scope
    with a list of scan numbers); "all gates" adds the reference of `ALL_GATES`, which comes first. "mode" offers photon
    counting, the boxcar, and every further gated detector that the run lists; "detector" offers the same without the
    boxcar, and "counting" only the detectors that count. `leading` are boxes of the panel itself, which come first.
    """

    changed = Signal()

    def __init__(self, parts: Sequence[str], leading: Sequence[QWidget] = ()) -> None:
        super().__init__()
        self._parts = parts
        self._further: Sequence[DetectorFacts] = ()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self._row = FlowLayout(spacing_px=6)
        column.addLayout(self._row)
        for widget in leading:
            self._row.addWidget(widget)
        scopes = SCOPES if "scans" in parts else {text: scope for text, scope in SCOPES.items() if scope}
        self._own = _own_modes(parts)
        self._modes = self._box("mode", self._own, ["mode"] if {"mode", "detector", "counting"} & set(parts) else [])
        self._modes.setToolTip(
            "Detector. By default, the first that counts, or the first gated one of the list if none counts"
        )
        # What the user has chosen holds from run to run; None for what still follows the runs.
        self._kept_mode: str | None = None
        # Qt emits this for a choice of the user only.
        self._modes.activated.connect(lambda *_: self._keep_mode())
        self._run_uid = ""
        self._probes = self._box("probe", probe_labels(Timing()), parts)
        self._references = self._box("reference", _references(parts), parts)
        self._kept_reference: Reference | None = None
        self._references.activated.connect(lambda *_: self._keep_reference())
        if "all gates" in parts:
            self._references.setToolTip(ALL_GATES_TIP)
        self._scopes = self._box("scope", scopes, [*parts, "scope"] if "scans" in parts else parts)
        self._scans = QLineEdit()
        self._scans.setPlaceholderText("scans, for example 1-3, 5")
        self._scans.setToolTip("Scans to average, counted from 1, for example 1-3, 5")
        self._row.addWidget(self._scans)
        self._scans.hide()
        self.left_out = MessageLine(object_name="left out")
        column.addWidget(self.left_out)
        self.left_out.hide()
        self._scans.editingFinished.connect(self.changed)
        self._scopes.currentIndexChanged.connect(lambda *_: self._scans.setVisible(self.scope is None))

    @property
    def mode(self) -> Mode:
        """Detection mode: photon counting, or the boxcar average in V; analog and drift detectors count as boxcar."""
        return cast("Mode", str(self._modes.currentData()).partition(":")[0])

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._modes.setCurrentIndex(self._modes.findData(mode))
        self._keep_mode()

    def suggest_richer(self, frame: LiveFrame) -> None:
        """Choose the detection mode with more information, unless the user has chosen a mode or a detector.

        The panel has to ask for `OwnSpectraRequest`.
        """
        answer = frame.answer(OwnSpectraRequest())
        richer = None if answer is None or answer.value is None else clearly_richer(answer.value)
        if richer is None or self._kept_mode is not None or self.detector or richer.metadata.mode == self.mode:
            return
        self._choose(richer.metadata.mode)

    def _keep_mode(self) -> None:
        self._kept_mode = str(self._modes.currentData())

    def _keep_reference(self) -> None:
        self._kept_reference = self.reference

    @property
    def detector(self) -> str:
        """Name of the further detector, as the run lists it; empty for those of the exposure itself."""
        return str(self._modes.currentData()).partition(":")[2]

    @detector.setter
    def detector(self, name: str) -> None:
        found = [index for index in range(self._modes.count()) if self._modes.itemData(index).endswith(f":{name}")]
        self._modes.setCurrentIndex(found[0] if name and found else 0)

    @property
    def probe(self) -> int:
        """Gate of the pump scheme, counted from 0."""
        return int(self._probes.currentData())

    @probe.setter
    def probe(self, probe: int) -> None:
        self._probes.setCurrentIndex(self._probes.findData(probe))

    @property
    def pair_reference(self) -> PairReference:
        """Signal that is subtracted from a curve of two gates."""
        return pair_reference(self.reference)

    @property
    def reference(self) -> Reference:
        """Signal that is subtracted."""
        return cast("Reference", self._references.currentData())

    @reference.setter
    def reference(self, reference: Reference) -> None:
        self._references.setCurrentIndex(self._references.findData(reference))
        self._keep_reference()

    @property
    def scope(self) -> Scope | None:
        """Scans to include; None for those in the list."""
        return cast("Scope | None", self._scopes.currentData())

    @scope.setter
    def scope(self, scope: Scope | None) -> None:
        self._scopes.setCurrentIndex(self._scopes.findData(scope))

    @property
    def scans(self) -> tuple[int, ...]:
        """Indices of the scans in the list, of shape (scans,), counted from 0; empty without a list."""
        return parse_scans(self._scans.text())

    def follow(self, frame: LiveFrame) -> None:
        """Offer gates and detectors of the run in `frame`, and name the runs missing from the mean of its series."""
        self.show_left_out(frame.left_out)
        if frame.run is None or frame.run.uid == self._run_uid:
            return
        self._run_uid = frame.run.uid
        self.offer_gates_of(frame.run.start)
        measured = frame.run.start.get("modes", ())
        kept = self._kept_mode or ""
        if kept in measured or (":" in kept and self._modes.findData(kept) >= 0):
            self._choose(kept)
        elif not self.detector and self.mode not in measured:
            # A run without a boxcar shows its counts, without being asked; one that only lists gated detectors shows
            # the first of them, which is the default of the reduction.
            own = (mode for mode in self._own.values() if mode in measured)
            further = (self._modes.itemData(index) for index in range(len(self._own), self._modes.count()))
            self._choose(next(own, None) or next(further, self.mode))

    def offer_gates_of(self, start: Mapping[str, Any]) -> None:
        """Offer gates and detectors of the run with this start document; a run without transients changes no box."""
        with contextlib.suppress(ReductionError):
            self.offer_probes(timing_from(start.get("reduction", {})))
            further = further_gated(detectors_of(start))
            self.offer_detectors([one for one in further if one.kind == "spc" or "counting" not in self._parts])

    def offer_parts(self, parts: Collection[str]) -> None:
        """Offer the boxes of `parts` only, of those that the panel has, and the boxcar only with "mode"."""
        self._probes.setVisible("probe" in parts and "probe" in self._parts)
        self._references.setVisible("reference" in parts and "reference" in self._parts)
        if "reference" in parts:
            self._offer_references([part for part in parts if part in self._parts])
        self._own = _own_modes([part for part in parts if part in self._parts])
        self.offer_detectors(self._further)
        # One detector is not a choice.
        self._modes.setVisible(bool({"mode", "detector"} & set(parts)) and self._modes.count() > 1)

    def offer_detectors(self, detectors: Sequence[DetectorFacts]) -> None:
        """Offer the further `detectors` beside those of the exposure; if the chosen one is not among them, the first.

        A box with the same entries is left alone.
        """
        self._further = detectors
        # The mode stands before the colon: counts of a further detector are reduced like those of the first, the
        # signals of analog and drift detectors like those of the boxcar.
        offered = {
            **self._own,
            **{one.name: f"{'spc' if one.kind == 'spc' else 'boxcar'}:{one.name}" for one in detectors},
        }
        chosen = self._modes.currentData()
        self._offer(self._modes, offered, chosen if chosen in offered.values() else next(iter(offered.values())))

    def _choose(self, data: str) -> None:
        self._modes.setCurrentIndex(self._modes.findData(data))

    def offer_probes(self, timing: Timing) -> None:
        """Offer the gates of `timing`; if it lacks the chosen gate, choose the pumped one."""
        labels = probe_labels(timing)
        # The user's choice holds from run to run as long as the gate exists.
        self._offer(self._probes, labels, self.probe if self.probe in labels.values() else timing.pumped_probe)

    def _offer_references(self, parts: Collection[str]) -> None:
        offered = _references(parts)
        # The first one, unless the user has chosen another, which holds wherever it exists.
        first = next(iter(offered.values()))
        self._offer(
            self._references, offered, self._kept_reference if self._kept_reference in offered.values() else first
        )

    def _offer(self, box: QComboBox, offered: Mapping[str, Any], chosen: Any) -> None:
        """Fill a box with the texts and data `offered`, and choose one; a box with the same entries is left alone."""
        if list(offered) == [box.itemText(index) for index in range(box.count())]:
            return
        before = box.currentData()
        # Filling the box would emit a change for every entry; panels should hear of one, if at all.
        blocked = box.blockSignals(True)  # noqa: FBT003  # Qt's signature
        box.clear()
        for text, data in offered.items():
            box.addItem(text, data)
        box.setCurrentIndex(box.findData(chosen))
        box.blockSignals(blocked)
        if box.currentData() != before:
            self.changed.emit()

    def show_left_out(self, runs: Sequence[LeftOutRun]) -> None:
        """Name the runs missing from the mean of the series, with the reason in eV or ps, while that mean is chosen."""
        # Not every panel offers the scope: in one that does not, the box exists but is hidden, with its first entry.
        # The text is shown only while the mean is, since it would alarm people about a mean that they do not look at.
        is_series = self.scope == "series" and {"scope", "scans"} & set(self._parts)
        text = left_out_text(runs) if is_series else ""
        self.left_out.show_message(text, "warning")
        self.left_out.setToolTip("\n".join(run.text for run in runs) if text else "")
        self.left_out.setVisible(bool(text))

    def _box(self, name: str, items: Mapping[str, Any], parts: Sequence[str]) -> QComboBox:
        box = QComboBox()
        box.setObjectName(name)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        for text, data in items.items():
            box.addItem(text, data)
        self._row.addWidget(box)
        box.setVisible(name in parts)
        box.currentIndexChanged.connect(self.changed)
        return box


def _own_modes(parts: Collection[str]) -> dict[str, Mode]:
    return {text: mode for text, mode in MODES.items() if "mode" in parts or mode == "spc"}


def _references(parts: Collection[str]) -> dict[str, Reference]:
    return {**(ALL_GATES if "all gates" in parts else {}), **REFERENCES}


def probe_labels(timing: Timing) -> dict[str, int]:
    """Return the gates of a pump scheme by their names in the window, in the order of their numbers."""
    return {f"Probe {probe}, {_place(probe, timing)}": probe for probe in range(timing.probes_per_pump)}


def _place(probe: int, timing: Timing) -> str:
    if probe == timing.pumped_probe:
        return "pumped"
    if probe in timing.reference_probes:
        return "before the next pump"
    delay_ps = timing.gate_delays_ps[probe]
    bunches = delay_ps / timing.bunch_period_ps
    if abs(bunches - round(bunches)) < WHOLE:
        return f"{round(bunches):+d} bunch{'' if abs(round(bunches)) == 1 else 'es'}"
    return f"{1e-3 * delay_ps:+.5g} ns"


def left_out_text(runs: Sequence[LeftOutRun]) -> str:
    """Return which runs are missing from the mean of a series and why, the latest first; "" if none is.

    At most three are named; the others are counted.
    """
    if not runs:
        return ""
    named = [run.text for run in reversed(runs[-NAMED_RUNS:])]
    more = f", and {len(runs) - len(named)} more" if len(runs) > len(named) else ""
    return f"▲ Not in this mean, because they were calibrated differently: {', '.join(named)}{more}"


def parse_scans(text: str) -> tuple[int, ...]:
    """Return scan indices (scans,), from 0, for an entry such as "1-3, 5", which counts from 1.

    Invalid parts are ignored, because the text is read while it is typed.
    """
    found: set[int] = set()
    for first, last in re.findall(r"(\d+)(?:\s*-\s*(\d+))?", text):
        found.update(range(int(first) - 1, min(int(last or first), int(first) + 9999)))
    return tuple(sorted(number for number in found if number >= 0))
