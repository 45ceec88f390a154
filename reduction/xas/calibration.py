"""Energy calibration: the absorption edge of a metal foil."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from errors import ReductionError
from reduction.values import Value

if TYPE_CHECKING:
    from pathlib import Path

    from reduction.accumulator import RunAccumulator
    from reduction.types import FloatArray

_ORDER = 4
_RECENTRINGS = 30
# Far below the error of an edge (0.01 eV and more), so the result does not depend on where the iteration stopped.
_SETTLED_EV = 1e-4


class FoilSpectrum(NamedTuple):
    """Energies in eV, sorted, and absorption ln(i0/foil), (points,) each.

    The zero of the absorption depends on the gains of the two chambers, so only differences count.
    """

    energy_ev: FloatArray
    absorption: FloatArray


@dataclass(frozen=True, kw_only=True)
class FoilEdge:
    """Energy of the steepest rise, `edge_ev`, and the quality of the local fit.

    `slope_per_ev`: derivative of the absorption there. `residual`: standard deviation of the absorption about the fit,
    over `points` points within `half_width_ev` of the edge.
    """

    edge_ev: Value
    slope_per_ev: float
    residual: float
    points: int
    half_width_ev: float


def foil_absorption(accumulator: RunAccumulator) -> FoilSpectrum:
    """Return the absorption of the foil behind the sample from an energy scan, summed over scans and shutter states.

    Raises ReductionError if the run scanned something else or has no foil counts at a point.
    """
    run = accumulator.metadata
    if run.axis != "energy_ev":
        raise ReductionError(f"This run scanned {run.axis}, not the energy. Choose an energy scan with the foil.")
    measured = accumulator.exposures.sum(axis=(0, 2)) > 0
    energy = accumulator.mean_readback("energy_ev")[measured]
    i0, foil = (part.sum(axis=(0, 2))[measured] for part in (accumulator.i0, accumulator.foil))
    order = np.argsort(energy, kind="stable")
    return FoilSpectrum(energy[order], _absorption(i0[order], foil[order]))


def read_xdi(path: Path) -> FoilSpectrum:
    """Read a transmission spectrum in XDI (XAS Data Interchange, version 1) with columns energy, i0, itrans.

    The absorption is ln(i0/itrans). Raises ReductionError if a column is missing or a value is invalid.
    """
    # Comments hold units and names in any encoding; columns and numbers are ASCII.
    lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    columns = _columns([line for line in lines if line.startswith("#")])
    missing = {"energy", "i0", "itrans"} - columns.keys()
    if missing:
        raise ReductionError(
            f"{path.name} has the columns {sorted(columns)}, but lacks {sorted(missing)}. Give a transmission "
            "spectrum in XDI with '# Column.N:' headers."
        )
    try:
        table = np.array([line.split() for line in lines if line.strip() and not line.startswith("#")], dtype=float)
        energy, i0, transmitted = (table[:, columns[name]] for name in ("energy", "i0", "itrans"))
    except (ValueError, IndexError) as error:
        raise ReductionError(f"The table of {path.name} is not a table of numbers: {error}. Check the file.") from error
    order = np.argsort(energy, kind="stable")
    return FoilSpectrum(energy[order], _absorption(i0[order], transmitted[order]))


def find_edge(
    spectrum: FoilSpectrum, *, half_width_ev: float = 3.0, search_ev: tuple[float, float] | None = None
) -> FoilEdge:
    """Return the energy of the maximum of the derivative, eV, by a local fit.

    A polynomial of fourth order is fitted within `half_width_ev` of the edge, and re-centred until it stops moving: its
    steepest point is the edge. Fourth order, because the white line makes the rise asymmetric, which would bias a
    cubic. The error follows from the scatter about the fit, so no noise model of the chambers is needed. The steepest
    place of the whole spectrum is taken, or of `search_ev`. The L3 edge of metallic lead has a shoulder about 7 eV
    below its steepest point, so a tabulated edge energy must refer to the same point. Raises ReductionError if there
    are too few points or no maximum inside.
    """
    # The slope of a cubic at every measured energy finds the region of the steepest rise; the polynomial of fourth
    # order then moves to the exact place.
    energy = spectrum.energy_ev
    low, high = search_ev or (energy[0] + half_width_ev, energy[-1] - half_width_ev)
    candidates = energy[(energy >= low) & (energy <= high)]
    slopes = [_slope(spectrum, float(centre), half_width_ev) for centre in candidates]
    if not slopes or max(slopes) <= 0:
        raise ReductionError(
            f"No rise with at least {_ORDER + 2} points within {half_width_ev:g} eV lies between {low:g} and {high:g} "
            "eV. Scan the edge more finely, or widen the search."
        )
    centre = float(candidates[int(np.argmax(slopes))])
    for _ in range(_RECENTRINGS):
        step = _steepest(_local_fit(spectrum, centre, half_width_ev)[0], half_width_ev)
        centre += step
        if abs(step) < _SETTLED_EV:
            return _edge(spectrum, centre, half_width_ev)
    # Not settled: two sets of points alternate at a border. Their maxima differ by far less than the error.
    return _edge(spectrum, centre, half_width_ev)


def _edge(spectrum: FoilSpectrum, centre: float, half_width_ev: float) -> FoilEdge:
    # At the steepest point the second derivative vanishes. An error of the coefficients changes it there by a linear
    # function of them, and so moves the point by that change over the third derivative.
    coefficients, covariance, residual, points = _local_fit(spectrum, centre, half_width_ev)
    shift = _steepest(coefficients, half_width_ev)
    powers = np.arange(_ORDER + 1)
    second = powers * (powers - 1) * shift ** np.maximum(powers - 2, 0)
    third = float(6 * coefficients[3] + 24 * coefficients[4] * shift)
    sigma = float(np.sqrt(second @ covariance @ second)) / abs(third)
    slope = float(np.polynomial.Polynomial(coefficients).deriv()(shift))
    return FoilEdge(
        edge_ev=Value(centre + shift, sigma),
        slope_per_ev=slope,
        residual=residual,
        points=points,
        half_width_ev=half_width_ev,
    )


def _local_fit(
    spectrum: FoilSpectrum, centre: float, half_width_ev: float
) -> tuple[FloatArray, FloatArray, float, int]:
    """Return coefficients in (energy - centre), their covariance, the deviation of the residuals, and the points."""
    x, y = _near(spectrum, centre, half_width_ev)
    if len(x) < _ORDER + 2:
        raise ReductionError(
            f"{len(x)} points lie within {half_width_ev:g} eV of {centre:.1f} eV; the edge fit needs {_ORDER + 2}. "
            "Scan more finely, or widen half_width_ev."
        )
    # Energies relative to the centre keep the powers small. The variance is that of the residuals, with one degree of
    # freedom less for each coefficient.
    design = np.vander(x, _ORDER + 1, increasing=True)
    inverse = np.linalg.pinv(design)
    coefficients = inverse @ y
    variance = float(np.sum((y - design @ coefficients) ** 2)) / (len(x) - _ORDER - 1)
    return coefficients, variance * inverse @ inverse.T, variance**0.5, len(x)


def _near(spectrum: FoilSpectrum, centre: float, half_width_ev: float) -> tuple[FloatArray, FloatArray]:
    near = np.abs(spectrum.energy_ev - centre) <= half_width_ev
    return spectrum.energy_ev[near] - centre, spectrum.absorption[near]


def _slope(spectrum: FoilSpectrum, centre: float, half_width_ev: float) -> float:
    x, y = _near(spectrum, centre, half_width_ev)
    if len(x) < _ORDER + 2:
        return -np.inf
    return float(np.linalg.lstsq(np.vander(x, 4, increasing=True), y, rcond=None)[0][1])


def _steepest(coefficients: FloatArray, half_width_ev: float) -> float:
    polynomial = np.polynomial.Polynomial(coefficients)
    # A fourth order has two points of inflection; the one with a negative third derivative is a maximum of the slope.
    # Of two the nearer one to the centre is taken.
    roots = polynomial.deriv(2).roots()
    inside = [float(root.real) for root in roots if abs(root.imag) < 1e-9 and abs(root.real) <= half_width_ev]
    maxima = [root for root in inside if polynomial.deriv(3)(root) < 0]
    if not maxima:
        raise ReductionError(
            "The derivative of the absorption has no maximum near its steepest point. Widen the scan or half_width_ev."
        )
    return min(maxima, key=abs)


def _absorption(i0: FloatArray, transmitted: FloatArray) -> FloatArray:
    if not (
        i0.size and np.isfinite(i0).all() and np.isfinite(transmitted).all() and min(i0.min(), transmitted.min()) > 0
    ):
        raise ReductionError(
            "The absorption ln(i0/foil) needs i0 and foil counts above 0 at every point. Check that the foil and its "
            "chamber are in the beam."
        )
    return np.log(i0 / transmitted)


def _columns(header: list[str]) -> dict[str, int]:
    columns = {}
    for line in header:
        key, _, value = line.lstrip("# ").partition(":")
        if key.lower().startswith("column.") and value.split():
            columns[value.split()[0].lower()] = int(key.split(".")[1]) - 1
    return columns
