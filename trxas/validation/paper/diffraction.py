"""The part with diffraction: graphite line and phase at every temperature, from the images of the temperature part."""

from __future__ import annotations

import numpy as np

from reduction.number_text import plus_minus
from reduction.powder.phases import CSPBBR3
from reduction.powder.series import PowderImage, PowderSeries, geometry_of, reduce_powder_series
from storage import load_images
from trxas.validation.paper import published
from trxas.validation.paper.campaign import Drawing, Part, PartResult, nothing_to_measure
from trxas.validation.paper.stored_runs import StoredRuns
from trxas.validation.paper.table import Row
from trxas.validation.paper.temperature.figures import powder_figure
from trxas.validation.paper.temperature.section import NAME as TEMPERATURE
from trxas.validation.paper.temperature.series import run_name

TEMPERATURES_C = published.PB_TEMPERATURES_C

SHOWN_C = (35.0, 65.0, 100.0, 120.0)
"""Temperatures of Fig. S8: one of each phase, and one more."""

NUMBERS = {phase.name: float(number) for number, phase in enumerate(CSPBBR3, start=1)}
"""Phases in the order in which they appear on heating: 1 orthorhombic, 2 tetragonal, 3 cubic."""


def _reduce(runs: StoredRuns) -> PartResult:
    # Through the catalogue, which must have heard of all images.
    runs.store.wait()
    series = reduce_powder_series(
        [_image(runs, temperature_c) for temperature_c in TEMPERATURES_C],
        geometry_of(runs.documents(run_name("images", TEMPERATURES_C[0]))[0][1]),
    )
    rows = [row for index in range(len(TEMPERATURES_C)) for row in _rows(runs, series, index)]
    caption = "Powder patterns at four temperatures, with the indices of the cubic phase (Fig. S8)"
    drawing = Drawing("fig-s8-diffraction", caption, powder_figure(series, TEMPERATURES_C, SHOWN_C))
    return PartResult(tuple(rows), (drawing,), (_text(series),))


def _image(runs: StoredRuns, temperature_c: float) -> PowderImage:
    """Sum of the images of one run, masked pixels staying negative."""
    name = run_name("images", temperature_c)
    (uid,) = runs.uids(name)
    images = np.asarray(load_images(runs.store, uid), dtype=float)
    i0 = sum(float(doc["data"]["i0"]) for kind, doc in runs.documents(name) if kind == "event")
    return PowderImage(np.where((images < 0).any(axis=0), -1.0, images.sum(axis=0)), i0)


def _rows(runs: StoredRuns, series: PowderSeries, index: int) -> tuple[Row, Row]:
    temperature_c = TEMPERATURES_C[index]
    uids, found = runs.uids(run_name("images", temperature_c)), series.phases[index]
    remark = "calibrated on this one" if index == 0 else "with the calibration of the first"
    line = Row(
        f"graphite line, {temperature_c:g} C",
        "1/A",
        published.GRAPHITE_INV_ANGSTROM,
        None,
        *series.graphite[index],
        uids,
        f"{remark}; counting error only",
    )
    expected = expected_phase(temperature_c)
    remark = f"{found.phase}, {found.margin:.0f} better than the next (BIC); 1 orthorhombic, 2 tetragonal, 3 cubic"
    if expected % 1:
        remark += "; within the interval of the transition"
    phase = Row(f"phase, {temperature_c:g} C", "", expected, None, NUMBERS[found.phase], 0.0, uids, remark)
    return line, phase


def expected_phase(temperature_c: float) -> float:
    """Number of the paper's phase at a temperature, half a number within the interval of a transition."""
    for number, (low, high) in enumerate((published.TETRAGONAL_C, published.CUBIC_C), start=1):
        if temperature_c < low:
            return float(number)
        if temperature_c <= high:
            return number + 0.5
    return float(len(CSPBBR3))


def _text(series: PowderSeries) -> str:
    before, distance = series.calibration.line_before_inv_angstrom, series.calibration.refined
    distance_mm = plus_minus(1e3 * distance.value, 1e3 * distance.sigma)
    strains = ", ".join(
        f"{100 * found.scores[0].strain:+.2f} % at {temperature_c:g} C"
        for temperature_c, found in zip(TEMPERATURES_C, series.phases, strict=True)
    )
    return (
        "Images of the Pilatus, read back through the catalogue and integrated with pyFAI. With the distance noted at "
        f"the beamline the graphite line of the first image lay at {before.value:.4f} 1/Angstrom; bringing it to "
        f"{published.GRAPHITE_INV_ANGSTROM} puts the sample {distance_mm} mm from the detector. "
        "It overlaps with lines of CsPbBr3, so it is fitted together with them. One linear "
        f"background is common to all patterns. Strain of the best phase against its cell in the literature: {strains}."
    )


PART = Part("diffraction", "powder patterns against temperature", nothing_to_measure, _reduce, needs=(TEMPERATURE,))
"""The part of this module."""
