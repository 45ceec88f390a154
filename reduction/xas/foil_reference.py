"""The edge of a foil against its reference, which the run records: a curve, or the energy of its steepest point."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from errors import InputError, ReductionError
from reduction.values import Value
from reduction.xas.calibration import FoilEdge, FoilSpectrum, find_edge
from reduction.xas.foil_alignment import FoilAlignment, align_foil

if TYPE_CHECKING:
    from collections.abc import Mapping

CURVE = "curve"
TABULATED = "tabulated edge"

SEARCH_EV = 20.0
"""Distance from its reference within which the steepest point is searched: the largest energy calibration."""

_USE_ALIGN = "Align it with `align_foil` and a reference of your own."


@dataclass(frozen=True, kw_only=True)
class FoilReference:
    """Reference of a foil: `edge_ev` is the energy by which its edge is called, eV, for example 13035 for Pb L3.

    `error_ev`: how well the energies of the reference are known. `curve` is measured on an axis on which `edge_ev`
    holds; without a curve only `steepest_ev` is known. `source` states where it comes from.
    """

    edge: str
    kind: str
    source: str
    edge_ev: float
    error_ev: float
    steepest_ev: float | None = None
    curve: FoilSpectrum | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> FoilReference:
        """Read the `foil_reference` of a start document, energies in eV; raises ReductionError if damaged."""
        try:
            made = cls(
                edge=str(document["edge"]),
                kind=str(document["kind"]),
                source=str(document["source"]),
                edge_ev=float(document["edge_ev"]),
                error_ev=float(document["error_ev"]),
            )
            # References without a curve are a position only.
            if made.kind != CURVE:
                return replace(made, steepest_ev=float(document["steepest_ev"]))
            energy, absorption = (np.asarray(document[key], dtype=float) for key in ("energy_ev", "absorption"))
        except (KeyError, TypeError, ValueError) as error:
            raise ReductionError(f"The `foil_reference` of the run cannot be read: {error!r}. {_USE_ALIGN}") from error
        if energy.shape != absorption.shape or energy.ndim != 1 or not (np.diff(energy) > 0).all():
            raise ReductionError(
                "The curve of `foil_reference` needs ascending energies, eV, and one absorption for each. " + _USE_ALIGN
            )
        return replace(made, curve=FoilSpectrum(energy, absorption))

    @property
    def text(self) -> str:
        """The reference, its source, and its error in eV, in one line."""
        return f"{self.kind}, {self.source}, ± {self.error_ev:.2g} eV"

    @property
    def warning(self) -> str:
        """Why the edge must not be trusted to better than `error_ev`, eV; "" for a foil that was measured."""
        if self.kind != TABULATED:
            return ""
        return (
            f"Compared with the tabulated {self.edge} edge of {self.edge_ev:g} eV only, which the steepest point of a "
            f"metal misses by {self.error_ev:g} eV (standard deviation): give a measured foil, as [foils.NAME] or by "
            "use_foil_reference."
        )


@dataclass(frozen=True, kw_only=True)
class AlignedEdge:
    """The edge of a foil by its reference.

    `edge_ev`: energy on the axis of the run at which the reference's `edge_ev` lies, with the error of the scan alone.
    `alignment` is that of the whole curve; None where the reference has only its steepest point.
    """

    edge_ev: Value
    reference: FoilReference
    alignment: FoilAlignment | None = None

    @property
    def offset_ev(self) -> Value:
        """Offset to add to the energy axis of the run, eV, with the errors of scan and reference."""
        error_ev = math.hypot(self.edge_ev.sigma, self.reference.error_ev)
        return Value(self.reference.edge_ev - self.edge_ev.value, error_ev)


def aligned_edge(spectrum: FoilSpectrum, reference: FoilReference) -> AlignedEdge:
    """Return where the edge lies on the axis of a foil's spectrum, eV, by the whole curve if the reference has one.

    Raises ReductionError if the foil cannot be the metal of the reference, or shows no edge within 20 eV of it.
    """
    if reference.curve is not None:
        found = align_foil(spectrum, reference.curve)
        edge_ev = Value(reference.edge_ev + found.shift_ev.value, found.shift_ev.sigma)
        return AlignedEdge(edge_ev=edge_ev, reference=reference, alignment=found)
    steepest_ev = reference.edge_ev if reference.steepest_ev is None else reference.steepest_ev
    point = find_edge(spectrum, search_ev=(steepest_ev - SEARCH_EV, steepest_ev + SEARCH_EV)).edge_ev
    return AlignedEdge(edge_ev=Value(reference.edge_ev + point.value - steepest_ev, point.sigma), reference=reference)


def own_reference(
    spectrum: FoilSpectrum,
    edge: str,
    source: str,
    *,
    edge_ev: float,
    error_ev: float,
    at_ev: float | None = None,
) -> dict[str, Any]:
    """Return the reference that makes this spectrum the standard of its edge, as start documents carry it.

    `edge_ev` with `error_ev`, eV: true energy of the point that lies at `at_ev` on the spectrum's axis, by default of
    its steepest point. Raises InputError for impossible numbers, ReductionError if there is no steepest point.
    """
    if not (math.isfinite(edge_ev) and math.isfinite(error_ev) and error_ev > 0):
        raise InputError(
            f"edge_ev = {edge_ev!r} and error_ev = {error_ev!r}: give the energy of the edge and its error, above 0 eV."
        )
    point = _steepest(spectrum) if at_ev is None else Value(at_ev, 0.0)
    shift_ev = edge_ev - point.value
    if not abs(shift_ev) <= SEARCH_EV:
        raise InputError(
            f"edge_ev = {edge_ev:.10g} eV is {shift_ev:+.1f} eV from {point.value:.2f} eV, where the run has it; "
            f"at most {SEARCH_EV:g} eV is plausible. Check the number, or give at_ev."
        )
    return {
        "edge": edge,
        "kind": CURVE,
        "source": source,
        "edge_ev": float(edge_ev),
        "error_ev": math.hypot(error_ev, point.sigma),
        "energy_ev": (spectrum.energy_ev + shift_ev).tolist(),
        "absorption": spectrum.absorption.tolist(),
    }


def _steepest(spectrum: FoilSpectrum) -> Value:
    found: FoilEdge = find_edge(spectrum)
    return found.edge_ev
