"""Transient spectra and the foil in a coverage: sizes at three delays, C, the first peak, the edge of the foil."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from bluesky import RunEngine

from devices.beamline import Beamline
from devices.foil_references import STEEPEST_POINTS_EV
from errors import ReductionError
from plans import energy_scan, foil_scan
from plans.edges import BR_K, PB_L3
from plans.grids import Region, join_regions
from reduction.accumulator import RunAccumulator, accumulate
from reduction.energy_course import KEY as ENERGY_COURSE
from reduction.kinds import reduce_run
from reduction.timing import Timing
from reduction.types import Documents, FloatArray
from reduction.values import Value
from reduction.xas.boxcar_energy import boxcar_spectrum
from reduction.xas.comparison import BR_K as BR_WINDOWS
from reduction.xas.comparison import comparison_parameter
from reduction.xas.foil_course import energy_course
from reduction.xas.results import FoilResults
from reduction.xas.screening import screened
from reduction.xas.spc_energy import spc_spectrum
from reduction.xas.transient_shape import transient_covariance
from reduction.xas.unpumped_size import transient_size
from trxas.validation.coverage.calibration_measurement import FOIL_EDGE_EV, calibrate_gates
from trxas.validation.coverage.noise_free import Excited
from trxas.validation.coverage.random_sample import SampleTruth
from trxas.validation.coverage.sample_file import BR_SHAPE
from trxas.validation.coverage.sample_template import gaussians
from trxas.validation.coverage.static_peak import PEAK_EV, PEAK_HALF_WIDTH_EV, static_peak

FLUENCE_MJ_CM2 = 7.0
"""Below all saturation: the excitation is proportional to the fluence within 0.3 %."""

GRID_EV: tuple[Region, ...] = (
    *((13_450, 13_460, 5), (13_463, 13_467, 2), (13_467.5, 13_474, 0.5)),
    *((13_476, 13_516, 5), (13_530, 13_570, 20)),
)
"""All intervals that the recipes need: before the edge, both of C, first peak, edge integral, after the edge."""

PASSES = 3
DWELL_S = 18.0
"""Beam time per point and pass: with `PASSES` that of the paper's 9 scans of 6 s (SI 2)."""

FOIL_DWELL_S = 2.0
STEEPEST_EV = STEEPEST_POINTS_EV[str(PB_L3.name)][0]
"""Steepest point of a lead foil whose edge is at `FOIL_EDGE_EV`."""

FIRST_DELAY_PS = 100.0
SECOND_DELAY_PS = 10_100.0
"""Delays of the spectra; the second pulse of the later one comes 163.5 ns after the pump."""


SPECTRA_PARAMETERS = ("size_100ps", "size_10ns", "size_163ns", "c", "static_peak", "foil_edge")
"""Sizes relative to unpumped and C, without unit; energies in eV, the peak on the axis of the reference foil."""


def measure_spectra(beamline: Beamline, run_engine: RunEngine) -> dict[str, Value]:
    """Measure both spectra and the foil; return sizes and C without unit, energies in eV.

    Raises ReductionError if a spectrum or the foil cannot be reduced.
    """
    # The gates are calibrated just before the spectra, which are sensitive to differences of 1e-4 between gates. If
    # they were calibrated before the delay scans, time zero would drift by 1 ps meanwhile, more than its error.
    calibrate_gates(beamline, run_engine)
    before = _foil(beamline, run_engine)
    documents = _documents_of(run_engine, _scan(beamline, FIRST_DELAY_PS))
    after = _foil(beamline, run_engine)
    early = _sums(with_course(documents, [before, after]))
    late = _sums(_documents_of(run_engine, _scan(beamline, SECOND_DELAY_PS)))
    shown = boxcar_spectrum(early)
    counted = spc_spectrum(early)
    windows = early.metadata.windows
    # C by counting, whose spectrum has the smaller errors.
    c = comparison_parameter(counted.energy_ev, counted.transient, transient_covariance(counted, windows), BR_WINDOWS)
    return {
        "size_100ps": transient_size(shown)[1],
        "size_10ns": transient_size(boxcar_spectrum(late))[1],
        "size_163ns": transient_size(spc_spectrum(late, probe=1))[1],
        "c": Value(c.value, c.sigma),
        # The Bragg angle drifts: the foils around the scan put it on the axis of the reference foil.
        "static_peak": static_peak(early, shown),
        "foil_edge": _edge_of(before),
    }


def expected_spectra(truth: SampleTruth, timing: Timing) -> dict[str, float]:
    """Return the truths of `measure_spectra`, energies in eV; the spectra are differences to the last probe."""
    energy_ev = np.array(join_regions(GRID_EV, "eV"))
    main = int(abs(energy_ev - BR_K.main_feature_ev).argmin())
    sizes = []
    for delay_ps, pulse in ((FIRST_DELAY_PS, 0), (SECOND_DELAY_PS, 0), (SECOND_DELAY_PS, 1)):
        spectra = _excited(truth, timing, energy_ev, (delay_ps, timing.pumped_probe + pulse))
        off, transient = spectra.by_recipe(own_scale=pulse > 0)
        sizes.append(float(transient[main] / off[main]))
    first = _excited(truth, timing, energy_ev, (FIRST_DELAY_PS, timing.pumped_probe))
    _, counted = first.by_recipe(own_scale=True)
    return {
        **dict(zip(SPECTRA_PARAMETERS[:3], sizes, strict=True)),
        "c": comparison_parameter(energy_ev, counted, np.ones_like(counted), BR_WINDOWS).value,
        "static_peak": _highest_ev(truth, timing),
        "foil_edge": FOIL_EDGE_EV,
    }


def _scan(beamline: Beamline, delay_ps: float) -> Any:
    return energy_scan(
        beamline,
        BR_K.name,
        regions_ev=GRID_EV,
        delay_ps=delay_ps,
        dwell_s=DWELL_S,
        repeats=PASSES,
        fluence_mj_cm2=FLUENCE_MJ_CM2,
    )


def _sums(documents: Documents) -> RunAccumulator:
    sums: RunAccumulator = screened(accumulate(documents)).sums
    return sums


def with_course(documents: Documents, foils: Sequence[FoilResults]) -> Documents:
    """Return a run whose start document has the course of its energy axis by foil scans, eV, as a session adds it."""
    start = documents[0][1]
    course = energy_course(foils, float(start["energy_calibration_offset_ev"]))
    return documents if course is None else [("start", {**start, ENERGY_COURSE: course.document}), *documents[1:]]


def _foil(beamline: Beamline, run_engine: RunEngine) -> FoilResults:
    found = reduce_run(_documents_of(run_engine, foil_scan(beamline, PB_L3.name, dwell_s=FOIL_DWELL_S)))
    assert isinstance(found, FoilResults)
    return found


def _edge_of(found: FoilResults) -> Value:
    """Return the edge of a foil by its steepest point, eV; the reference foil would give the axis itself."""
    if found.foil is None:
        raise ReductionError(f"The foil scan has no edge. {found.table()}")
    point_ev = found.foil.edge_ev
    return Value(FOIL_EDGE_EV + point_ev.value - STEEPEST_EV, point_ev.sigma)


def _documents_of(run_engine: RunEngine, plan: Any) -> Documents:
    documents: list[tuple[str, Mapping[str, Any]]] = []
    run_engine(plan, lambda name, doc: documents.append((name, doc)))
    return documents


def _excited(truth: SampleTruth, timing: Timing, energy_ev: FloatArray, pumped: tuple[float, int]) -> Excited:
    """Return the true spectra at energies, eV; `pumped` is the first delay, ps, and the probe."""
    strength = truth.excitation(FLUENCE_MJ_CM2)
    delay_ps, probe = pumped
    return Excited(
        energy_ev=energy_ev,
        level=np.array([BR_SHAPE.level(float(one)) for one in energy_ev]),
        change=gaussians(BR_SHAPE.scaled_transient(truth.br_change, BR_K.main_feature_ev), energy_ev),
        pumped=strength * truth.after_pump(delay_ps, probe, timing),
        unpumped=strength * truth.after_pump(delay_ps, timing.unpumped_probe, timing),
    )


def _highest_ev(truth: SampleTruth, timing: Timing) -> float:
    """Return the energy of the highest point of the unpumped spectrum near the first peak, eV."""
    energy_ev = np.arange(PEAK_EV - PEAK_HALF_WIDTH_EV, PEAK_EV + PEAK_HALF_WIDTH_EV, 0.002)
    found = _excited(truth, timing, energy_ev, (FIRST_DELAY_PS, timing.pumped_probe))
    return float(energy_ev[(found.level + found.change * found.unpumped).argmax()])
