"""Places on the axes of the beamline that the results of a run give: where people want to go next."""

from __future__ import annotations

from dataclasses import dataclass

from errors import ReductionError
from reduction.run_kind import RunResults
from reduction.values import Value
from reduction.xas.calibration import FoilSpectrum, find_edge
from reduction.xas.results import FoilResults, OverlapResults, SpectrumResults, TimeZeroResults, TraceResults
from reduction.xas.transient import Spectrum
from reduction.xas.unpumped_size import transient_size

ENERGY = "energy_ev"
DELAY = "delay_ps"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place on the axis of an event field, in its unit, with its standard error (0 if none is known)."""

    axis: str
    at: Value


def edge_of(spectrum: Spectrum) -> float | None:
    """Return the energy of the edge in a spectrum, eV, as a foil scan finds it; None if the spectrum shows none."""
    try:
        return find_edge(FoilSpectrum(spectrum.energy_ev, spectrum.off)).edge_ev.value
    except ReductionError:
        return None


def places_of(results: RunResults) -> dict[str, Place]:
    """Return the places that a run gives, by the words for them; empty for a run that gives none.

    Words are "time zero" (ps), "edge" and "feature" (eV), and "centre" of an overlap scan (um), on the axis of the run.
    """
    if isinstance(results, TimeZeroResults):
        found = None if results.time_zero is None else results.time_zero.t0_ps
        return {} if found is None else {"time zero": Place(axis=DELAY, at=found)}
    if isinstance(results, TraceResults):
        fit = results.fit
        known = fit is not None and "t0_ps" not in fit.undetermined
        return {"time zero": Place(axis=DELAY, at=fit.t0_ps)} if fit is not None and known else {}
    if isinstance(results, OverlapResults):
        fit_of_overlap = results.fit
        if fit_of_overlap is None:
            return {}
        center = Value(fit_of_overlap.center_um, fit_of_overlap.center_sigma_um)
        return {"centre": Place(axis=results.axis, at=center)}
    if isinstance(results, FoilResults):
        return {} if results.edge_ev is None else {"edge": Place(axis=ENERGY, at=results.edge_ev)}
    return _of_spectrum(results) if isinstance(results, SpectrumResults) else {}


def _of_spectrum(results: SpectrumResults) -> dict[str, Place]:
    spectrum = results.primary
    if spectrum is None:
        return {}
    feature_ev, _ = transient_size(spectrum)
    places = {"feature": Place(axis=ENERGY, at=Value(feature_ev, 0.0))}
    edge_ev = edge_of(spectrum)
    return places if edge_ev is None else {**places, "edge": Place(axis=ENERGY, at=Value(edge_ev, 0.0))}
