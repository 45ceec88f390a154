"""The section on diffraction: graphite line and phase at every temperature, from images of the temperature section."""

from __future__ import annotations

import numpy as np

from reduction.number_text import with_error
from reduction.powder.phases import CSPBBR3
from reduction.powder.series import PowderImage, PowderSeries, geometry_of, reduce_powder_series
from storage import load_images
from trxas.validation.paper import published
from trxas.validation.paper.section import Drawing, PaperSection, SectionResult, nothing_to_measure
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


def _reduce(runs: StoredRuns) -> SectionResult:
    # The images are read through the catalogue, which must have received all of them.
    runs.store.wait()
    series = reduce_powder_series(
        [_image(runs, temperature_c) for temperature_c in TEMPERATURES_C],
        geometry_of(runs.documents(run_name("images", TEMPERATURES_C[0]))[0][1]),
    )
    rows = [row for index in range(len(TEMPERATURES_C)) for row in _rows(runs, series, index)]
    # The first image has calibrated the distance, so that its graphite line is where the paper has it.
    del rows[0]
    # Within the interval of a transition the paper has both phases, so that no phase would contradict it.
    rows = [row for row in rows if row.expected_sigma is not None or row.expected in NUMBERS.values()]
    caption = "Powder patterns at four temperatures, with the indices of the cubic phase (Fig. S8)"
    figure = powder_figure(series, TEMPERATURES_C, SHOWN_C)
    drawing = Drawing(name="fig-s8-diffraction", caption=caption, figure=figure)
    return SectionResult(rows=tuple(rows), drawings=(drawing,), notes=(_text(series),))


def _image(runs: StoredRuns, temperature_c: float) -> PowderImage:
    """Return the sum of the images of one run and of their I0; masked pixels stay negative."""
    name = run_name("images", temperature_c)
    (uid,) = runs.uids(name)
    images = np.asarray(load_images(runs.store, uid), dtype=float)
    i0 = sum(float(doc["data"]["i0"]) for kind, doc in runs.documents(name) if kind == "event")
    # Negative counts mark gaps and dead pixels. A pixel that is masked in one image is masked in the sum, or its sum
    # would hold fewer exposures than those around it.
    return PowderImage(np.where((images < 0).any(axis=0), -1.0, images.sum(axis=0)), i0)


def _rows(runs: StoredRuns, series: PowderSeries, index: int) -> tuple[Row, Row]:
    temperature_c = TEMPERATURES_C[index]
    uids = runs.uids(run_name("images", temperature_c))
    found = series.phases[index]
    line = Row(
        name=f"graphite line, {temperature_c:g} C",
        unit="1/A",
        expected=published.GRAPHITE_INV_ANGSTROM,
        expected_sigma=published.rounded(0.01),
        value=series.graphite[index].value,
        sigma=series.graphite[index].sigma,
        uids=uids,
        remark="with the calibration of the first image; counting error only",
    )
    expected = expected_phase(temperature_c)
    remark = f"{found.phase}, {found.margin:.0f} better than the next (BIC); 1 orthorhombic, 2 tetragonal, 3 cubic"
    phase = Row(
        name=f"phase, {temperature_c:g} C",
        expected=expected,
        value=NUMBERS[found.phase],
        sigma=0.0,
        uids=uids,
        remark=remark,
    )
    return line, phase


def expected_phase(temperature_c: float) -> float:
    """Return the number of the paper's phase at a temperature; half a number inside the interval of a transition."""
    for number, (low, high) in enumerate((published.TETRAGONAL_C, published.CUBIC_C), start=1):
        if temperature_c < low:
            return float(number)
        if temperature_c <= high:
            # No phase has such a number, so the caller can recognise and drop these rows.
            return number + 0.5
    return float(len(CSPBBR3))


def _text(series: PowderSeries) -> str:
    before = series.calibration.line_before_inv_angstrom
    distance = series.calibration.refined
    distance_mm = with_error(1e3 * distance.value, 1e3 * distance.sigma)
    strains = ", ".join(
        f"{100 * found.scores[0].strain:+.2f} % at {temperature_c:g} C"
        for temperature_c, found in zip(TEMPERATURES_C, series.phases, strict=True)
    )
    return (
        "Images of the Pilatus, read back through the catalogue and integrated with pyFAI. With the distance noted at "
        f"the beamline, the graphite line of the first image lay at {before.value:.4f} 1/Angstrom. Its published "
        f"value, {published.GRAPHITE_INV_ANGSTROM}, puts the sample {distance_mm} mm from the detector. The line "
        "overlaps with lines of CsPbBr3 and is fitted together with them. All patterns share one linear background. "
        f"Strain of the best phase against its cell in the literature: {strains}."
    )


SECTION = PaperSection(
    name="diffraction",
    title="powder patterns against temperature",
    measure=nothing_to_measure,
    reduce=_reduce,
    needs=(TEMPERATURE,),
)
"""The section of this module."""
