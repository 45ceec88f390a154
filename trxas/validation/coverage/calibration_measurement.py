"""Calibrations of a coverage, as in a beam time: the energy axis first, zeros and gains of the gates before spectra."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bluesky.plan_stubs as bps
from bluesky import RunEngine

from devices.beamline import Beamline
from plans import blocked_exposures, dark_exposures, foil_scan
from plans.edges import BR_K, PB_L3
from reduction.kinds import reduce_run
from reduction.run_kind import RunResults
from reduction.xas.foil_reference import own_reference
from reduction.xas.gate_kinds import GateResults
from reduction.xas.results import FoilResults

FOIL_EDGE_EV = 13_035.0
"""L3 edge of lead by the X-ray data booklet, on whose scale the reference foil and the simulated foils are."""

REFERENCE_DWELL_S = 20.0
REFERENCE_ERROR_EV = 0.01
"""Beam time per point of the foil to which all energies of a beamline refer, and the error of its alignment."""

LIT_DELAYS_PS = (100.0, 10_100.0)
"""First delays of the spectra."""

FLUENCE_MJ_CM2 = 7.0
"""That of the spectra."""

EXPOSURES = 10
DARK_DWELL_S = 120.0
BLOCKED_DWELL_S = 360.0
"""Two hours in total: the boxcar's zeros are then known to 1.5 uV and its gains to 1e-4, below their usual spreads.

The default of 10 minutes, which finds gates that are really wrong, would leave errors of twice the spread of gains.
"""


def calibrate_gates(beamline: Beamline, run_engine: RunEngine) -> None:
    """Measure dark and blocked exposures at the Br edge; all later runs are corrected by them, with their errors.

    Raises ReductionError for exposures that show no light.
    """
    # In the order of a session: gains need zeros, which the blocked exposures take from their start document.
    dark = dark_exposures(
        beamline,
        BR_K.name,
        delays_ps=LIT_DELAYS_PS,
        fluence_mj_cm2=FLUENCE_MJ_CM2,
        dwell_s=DARK_DWELL_S,
        repeats=EXPOSURES,
    )
    _use_gates(beamline, run_engine, dark)
    blocked = blocked_exposures(beamline, BR_K.name, dwell_s=BLOCKED_DWELL_S, repeats=EXPOSURES)
    _use_gates(beamline, run_engine, blocked)


def _use_gates(beamline: Beamline, run_engine: RunEngine, plan: Any) -> None:
    found = _reduced(run_engine, plan)
    assert isinstance(found, GateResults)
    run_engine(bps.configure(beamline.gates, {"calibration": found.document}))


def use_reference_foil(beamline: Beamline, run_engine: RunEngine) -> None:
    """Make the first foil scan of a beamline, whose axis counts as right, the reference of all later ones.

    Raises ReductionError for a scan that is not an absorption spectrum.
    """
    # Once per beamline, however often its sample is measured: the axis drifts by 0.03 eV within hours, 2 errors of C,
    # and foil scans around a spectrum show only what it does meanwhile.
    edge = str(PB_L3.name)
    if edge in beamline.foils.own:
        return
    found = _reduced(run_engine, foil_scan(beamline, edge, dwell_s=REFERENCE_DWELL_S))
    assert isinstance(found, FoilResults)
    made = own_reference(
        found.absorption,
        edge,
        "first foil scan",
        edge_ev=FOIL_EDGE_EV,
        at_ev=FOIL_EDGE_EV,
        error_ev=REFERENCE_ERROR_EV,
    )
    run_engine(bps.configure(beamline.foils, {"own": {**beamline.foils.own, edge: made}}))


def _reduced(run_engine: RunEngine, plan: Any) -> RunResults:
    documents: list[tuple[str, Mapping[str, Any]]] = []
    run_engine(plan, lambda name, doc: documents.append((name, doc)))
    return reduce_run(documents)
