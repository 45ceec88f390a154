"""Detectors of a run as its start document lists them, and what each adds to the sums of the run per event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from errors import ReductionError

if TYPE_CHECKING:
    from reduction.types import Document, FloatArray

MISSING_ENDING = "_missing"
"""Ending of the mark of a detector that has no value of the exposure; its name stands before it."""

GATED = ("spc", "analog", "sdd")
"""Kinds of detectors with elements and gates."""

TRANSMITTED = ("transmission", "reference")
"""Roles of detectors behind an absorber, whose absorption is ln(I0/I)."""


@dataclass(frozen=True, kw_only=True)
class DetectorFacts:
    """One detector of a run: its kind and role, the `fields` of events by quantity, and how it is summed.

    `weights` (elements,) of the sum over the elements of a gated detector. `gated`: whether it has one value per gate;
    a drift detector that counts all bunches has one for all, and no transient. `contains` is the detector whose values
    are part of these, over the `share` of the exposure. `dark` and `gain` of an ion chamber: counts per second or the
    unit of its record, and a factor.
    """

    name: str
    kind: str
    role: str
    fields: Mapping[str, str]
    weights: tuple[float, ...] = ()
    contains: str = ""
    share: float = 0.5
    dark: float = 0.0
    gain: float = 1.0
    gated: bool = True

    @property
    def is_own(self) -> bool:
        """Whether the sums of every run have columns for it: the first that counts, the boxcar, I0 and the foil."""
        return not {"spc_counts", "boxcar_variance", "i0", "foil"}.isdisjoint(self.fields.values())

    @property
    def sees_transients(self) -> bool:
        """Whether it separates pumped from unpumped fluorescence: its kind has gates, and it is gated."""
        return self.kind in GATED and self.role == "fluorescence" and self.gated

    @property
    def is_summed(self) -> bool:
        """Whether its values are summed; those of a device of any other kind are only recorded."""
        return self.kind in (*GATED, "ion_chamber")

    def integral(self, value: float, exposure_s: float) -> float:
        """Return the signal of an ion chamber over `exposure_s` seconds: minus its offset, divided by its gain.

        `value` and the offset are a mean, V, for a detector with the field "mean", whose result is in V s over the
        gain; for any other detector `value` is in counts, and the offset in counts per s.
        """
        if "mean" in self.fields:
            return (value - self.dark) / self.gain * exposure_s
        return (value - self.dark * exposure_s) / self.gain


def detectors_of(doc: Document) -> tuple[DetectorFacts, ...]:
    """Return the detectors that a start document lists; none for runs that do not list them.

    Raises ReductionError for an entry without kind, role or fields.
    """
    listed = doc.get("detectors", {})
    # Stock plans, and users of earlier versions, write other things under this key, such as a list of names.
    if not isinstance(listed, Mapping) or not all(isinstance(facts, Mapping) for facts in listed.values()):
        return ()
    found = []
    for name, facts in listed.items():
        try:
            found.append(
                DetectorFacts(
                    name=str(name),
                    kind=str(facts["kind"]),
                    role=str(facts["role"]),
                    fields=dict(facts["fields"]),
                    weights=tuple(float(weight) for weight in facts.get("weights", ())),
                    contains=str(facts.get("contains", "")),
                    share=float(facts.get("share", 0.5)),
                    dark=float(facts.get("dark", 0.0)),
                    gain=float(facts.get("gain", 1.0)),
                    gated=bool(facts.get("gated", True)),
                )
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ReductionError(f"The detector {name!r} of the start document is incomplete: {error!r}.") from error
    return tuple(found)


class DetectorSums:
    """Columns of the further detectors in the sums of a run, and the row that an event adds to them.

    Per detector: `counts` (element x gate) and `pulses` (gate) if it counts, otherwise `signal` and `variance` (gate,
    or one of each if it counts all bunches), or one `signal` of an ion chamber; and the I0 and the seconds of the
    exposures in which it had a value.
    """

    def __init__(self, detectors: Sequence[DetectorFacts], probes: int) -> None:
        self._all = {one.name: one for one in detectors}
        self.detectors = tuple(one for one in detectors if one.is_summed and not one.is_own)
        self._probes = probes

    def widths(self) -> dict[str, int]:
        """Return the number of columns of each quantity, by "NAME:quantity"."""
        found: dict[str, int] = {}
        for one in self.detectors:
            for quantity, width in self._widths(one).items():
                found[f"{one.name}:{quantity}"] = width
        return found

    def _widths(self, one: DetectorFacts) -> dict[str, int]:
        common = {"i0": 1, "exposure_s": 1}
        if one.kind == "spc":
            return {"counts": len(one.weights) * self._probes, "pulses": self._probes, **common}
        if one.kind == "ion_chamber":
            return {"signal": 1, **common}
        gates = self._probes if one.gated else 1
        return {"signal": gates, "variance": gates, **common}

    def values(self, data: Document, i0: float) -> dict[str, Any]:
        """Return the values of an event by "NAME:quantity"; nothing for a detector without a value. `i0` in counts.

        The values come with "NAME:i0", counts, and "NAME:exposure_s", s, of the same exposures.
        """
        missing = {mark for mark in str(data.get("marks", "")).split(",") if mark.endswith(MISSING_ENDING)}
        exposure_s = float(data["exposure_s"])
        found: dict[str, Any] = {}
        for one in self.detectors:
            if one.name + MISSING_ENDING in missing:
                continue
            part = None if one.contains + MISSING_ENDING in missing else self._all.get(one.contains)
            own = self._values(one, part, data, exposure_s)
            if not own:
                continue
            found |= {f"{one.name}:{quantity}": value for quantity, value in own.items()}
            found |= {f"{one.name}:i0": i0, f"{one.name}:exposure_s": exposure_s}
        return found

    def _values(
        self, one: DetectorFacts, part: DetectorFacts | None, data: Document, exposure_s: float
    ) -> dict[str, Any]:
        if one.kind == "ion_chamber":
            return {"signal": one.integral(float(data[next(iter(one.fields.values()))]), exposure_s)}
        if one.kind == "spc":
            return {"counts": np.ravel(data[one.fields["counts"]]), "pulses": data[one.fields["pulses"]]}
        if one.kind == "sdd":
            signal, variance = corrected_for_dead_time(one, data)
            gates = self._probes if one.gated else 1
            # One value for all bunches would fill every gate, and look like a transient of 0. A start document that
            # does not state that the detector is not gated costs its values, and nothing else.
            return {"signal": signal, "variance": variance} if len(signal) == gates else {}
        weights = np.asarray(one.weights)[:, None]
        whole = (weights * np.asarray(data[one.fields["mean"]], dtype=float)).sum(axis=0)
        if part is None:
            return {"signal": whole * exposure_s, "variance": np.zeros(self._probes)}
        first = (weights * np.asarray(data[part.fields["mean"]], dtype=float)).sum(axis=0)
        return {"signal": whole * exposure_s, "variance": variance_of_parts(whole, first, one.share) * exposure_s**2}


def corrected_for_dead_time(one: DetectorFacts, data: Document) -> tuple[FloatArray, FloatArray]:
    """Return the weighted photons of a drift detector and their variance, (gate,) each.

    An element that analyses only OCR (output count rate) of ICR (input count rate) photons per second has seen counts x
    ICR / OCR; the variance of the counts grows with the square of that factor. Elements without counts add nothing.
    """
    counts = np.asarray(data[one.fields["counts"]], dtype=float)
    rates = [np.asarray(data[one.fields[key]], dtype=float) for key in ("input_rate", "output_rate")]
    factor = np.divide(rates[0], rates[1], out=np.ones_like(rates[0]), where=rates[1] > 0)
    scale = (np.asarray(one.weights) * factor)[:, None]
    # At least one count: an empty gate has no error of zero.
    return (scale * counts).sum(axis=0), (scale**2 * np.maximum(counts, 1.0)).sum(axis=0)


def variance_of_parts(whole: FloatArray, part: FloatArray, share: float) -> FloatArray:
    """Return the variance of the mean `whole`, (gate,), from the mean of its first `share` of the exposure.

    The whole is share x part + (1 - share) x rest, so the rest follows by subtraction. Part and rest are independent,
    and their difference has the variance of the whole over share x (1 - share). The common effect of jet and flux on
    all gates is removed first, as it cancels in the transient; the factor G / (G - 1) corrects for that.
    """
    rest = (whole - share * part) / (1.0 - share)
    difference = part - rest
    gates = len(difference)
    if gates < 2:
        return np.asarray(share * (1.0 - share) * difference**2)
    apart = difference - difference.mean()
    return np.asarray(share * (1.0 - share) * apart**2 * gates / (gates - 1))
