"""Sizes of transients as measured, and against a sample that was never pumped.

The unpumped gate still holds a part of the pump's signal. Every size is therefore stated twice: against that reference,
as measured, and corrected by the decay of a delay scan of the same sample. Exposures with the laser blocked, where a
run has them, need no correction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.number_text import with_error
from reduction.run_metadata import RunMetadata
from reduction.values import Value
from reduction.xas.reference_share import corrected_size, reference_share

if TYPE_CHECKING:
    from reduction.run_kind import MeasuredDecay
    from reduction.types import Document
    from reduction.xas.transient import Spectrum, TransientMetadata

NO_DECAY = (
    "not known: too small by an unknown share, as the reference is not fully unpumped. Measure a delay scan of the "
    "same sample (give sample=...), or use shutter_reference."
)
"""Text in place of the corrected size if there is no decay."""

OTHER_FLUENCE = 0.1
"""Relative difference between the fluences of two runs above which they count as different (chosen)."""


@dataclass(frozen=True, kw_only=True)
class TransientSize:
    """Size of a transient relative to the unpumped signal, without unit, at one energy, eV.

    `measured` is that against the reference of the transient, `share` what this reference holds of the pumped signal,
    and `corrected` the size against a sample that was never pumped; both None without a decay, for the reason in
    `problem`. `decay` names the run with the decay. `blocked` is the size against exposures with the laser blocked.
    """

    energy_ev: float
    measured: Value
    share: Value | None = None
    corrected: Value | None = None
    decay: str = ""
    problem: str = NO_DECAY
    blocked: Value | None = None

    @property
    def is_unpumped(self) -> bool:
        """Whether the reference itself was unpumped, so that there is nothing to correct."""
        return self.share == Value(0.0, 0.0)

    def lines(self, label: str) -> list[str]:
        """Return the size as measured, corrected, and against the blocked laser, in %, a line each."""
        where = f"at {self.energy_ev:.2f} eV"
        if self.is_unpumped:
            return [f"{label:<22} {percent_text(self.measured)} of unpumped {where}, against the blocked laser"]
        lines = [f"{label:<22} {percent_text(self.measured)} of unpumped {where}, as measured", self._corrected_line()]
        if self.blocked is not None:
            lines.append(f"{'  laser blocked':<22} {percent_text(self.blocked)} of unpumped, with the jet in its error")
        return lines

    def _corrected_line(self) -> str:
        if self.corrected is None or self.share is None:
            return f"{'  corrected':<22} {self.problem}"
        return (
            f"{'  corrected':<22} {percent_text(self.corrected)} of unpumped: the reference holds "
            f"{percent_text(self.share)} of the transient, by {self.decay}"
        )


def percent_text(value: Value) -> str:
    """Return a number without unit as text in %, with its error."""
    return with_error(100 * value.value, 100 * value.sigma, "%")


def transient_size(spectrum: Spectrum) -> tuple[float, Value]:
    """Return the energy nearest the edge's main feature, eV, and the transient there relative to the unpumped signal.

    A fixed energy: the largest of many noisy points would be larger than the transient is. An edge without a known
    main feature has the maximum of its unpumped spectrum, which the noise of the transient does not choose. The size is
    that against the reference of the spectrum; `size_of` corrects it. Its error contains those of offsets and scales.
    """
    main_ev = spectrum.metadata.main_feature_ev
    if main_ev is None:
        main_ev = float(spectrum.energy_ev[spectrum.off.argmax()])
    index = int(abs(spectrum.energy_ev - main_ev).argmin())
    static = float(spectrum.off[index])
    variance = spectrum.sigma[index] ** 2 if spectrum.covariance is None else spectrum.covariance[index, index]
    size = Value(float(spectrum.transient[index]) / static, float(variance**0.5) / abs(static))
    return float(spectrum.energy_ev[index]), size


def size_of(spectrum: Spectrum, decay: MeasuredDecay | None, blocked: Spectrum | None = None) -> TransientSize:
    """Return the size of a spectrum as measured and corrected by `decay`; `blocked` is against the blocked laser."""
    energy_ev, measured = transient_size(spectrum)
    against_blocked = None if blocked is None else transient_size(blocked)[1]
    share, problem = share_by(decay, spectrum.metadata)
    return TransientSize(
        energy_ev=energy_ev,
        measured=measured,
        share=share,
        corrected=None if share is None else corrected_size(measured, share),
        decay="" if decay is None else decay_text(decay),
        problem=problem,
        blocked=against_blocked,
    )


def share_by(decay: MeasuredDecay | None, metadata: TransientMetadata) -> tuple[Value | None, str]:
    """Return the share of a transient that its reference holds, without unit; None with the reason if it is unknown."""
    if metadata.reference == "laser shutter":
        return Value(0.0, 0.0), ""
    if decay is None:
        return None, NO_DECAY
    try:
        share = reference_share(decay.fit, metadata)
    except ReductionError as error:
        return None, f"not known: {error}"
    if not (math.isfinite(share.value) and math.isfinite(share.sigma)):
        return None, f"not known: {decay_text(decay)} does not determine what the reference holds. Measure it longer."
    return share, ""


def decay_text(decay: MeasuredDecay) -> str:
    """Return a description of a decay: its run, edge, and fluence, mJ/cm2."""
    start = decay.start
    fluence = start.get("fluence_mj_cm2")
    at = "" if fluence is None else f" at {float(fluence):g} mJ/cm2"
    return f"the decay of run {decay.uid[:8]} ({start.get('edge', 'unknown edge')}{at})"


def decay_distance(start: Document, other: Document) -> tuple[float, ...] | None:
    """Return how far the decay measured by run `other` is from that of the run with this `start`; None if unsuitable.

    The sample must have the same name, and gates and pumps must be the same. Compared in this order: another fluence,
    another edge, and the time between both runs, s.
    """
    sample = str(start.get("sample", ""))
    if not sample or other.get("sample") != sample:
        return None
    try:
        mine = RunMetadata.from_start(start)
        others = RunMetadata.from_start(other)
    except ReductionError:
        return None
    if not _same_gates(mine, others):
        return None
    ratio = others.fluence_mj_cm2 / mine.fluence_mj_cm2 if mine.fluence_mj_cm2 > 0 else math.inf
    is_other_fluence = abs(ratio - 1.0) > OTHER_FLUENCE
    seconds = abs(float(other.get("time", 0.0)) - float(start.get("time", 0.0)))
    return (abs(math.log(ratio)) if is_other_fluence and ratio > 0 else 0.0, float(mine.edge != others.edge), seconds)


def _same_gates(one: RunMetadata, other: RunMetadata) -> bool:
    """Return whether two runs have the same gates and pumps, whatever the bunch period of each."""
    first, second = one.timing, other.timing
    if first.reference_probes != second.reference_probes or first.probes_per_pump != second.probes_per_pump:
        return False
    times = [(*timing.gate_delays_ps, timing.pump_period_ps) for timing in (first, second)]
    return bool(np.allclose(times[0], times[1], rtol=1e-3, atol=1.0))
