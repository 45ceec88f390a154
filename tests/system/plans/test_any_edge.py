"""If these fail, an element that the paper did not measure cannot be measured.

The truth is in the sample file, which plans and reduction never see. Limits are 4.5 standard errors (one false alarm in
150 000 each).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from bluesky import RunEngine

import plans
from devices.assembly import build_beamline
from devices.beamline import Beamline
from reduction.kinds import reduce_run
from reduction.xas.features import extremum
from reduction.xas.results import FoilResults, SpectrumResults
from sim.physics.sample import sample_path
from sim.physics.sample_file import load_sample
from sim.physics.spectra import transient_spectrum
from tests.support.waiting import WAIT_S
from trxas.channel_access import environment as channel_access
from trxas.configuration import load_configuration

MACRO = "iron:"
IRON = load_sample(sample_path("fe_bpy3"))
GRID_EV = np.arange(7_120.0, 7_130.0, 0.01)
LARGEST_EV = float(GRID_EV[np.argmax([transient_spectrum(IRON.edges["Fe K"], energy_ev) for energy_ev in GRID_EV])])
"""Top of the sum of all features: the tail of its neighbour moves it by 0.16 eV."""


@pytest.fixture(scope="module")
def line(start_ioc: Any) -> Iterator[Beamline]:
    with start_ioc("-m", "sim", "--macro", MACRO, "--sample", "fe_bpy3", "--speed", "20000", "--seed", "5"):
        configuration = load_configuration(prefix=MACRO).beamline
        channel_access.prepare(configuration.epics)
        line = build_beamline(configuration)
        line.connect(timeout_s=WAIT_S)
        yield line


def measured(plan: Any) -> list[tuple[str, dict[str, Any]]]:
    engine = RunEngine({}, call_returns_result=True)
    documents: list[tuple[str, dict[str, Any]]] = []
    engine(plan, lambda name, doc: documents.append((name, doc)))
    return documents


def test_an_iron_scan_finds_the_feature_of_the_sample(line: Beamline) -> None:
    """Pre-edge, rise and level 100 ps after the pump, on the way down from the Br edge, where the energy starts."""
    regions = [(7_072, 7_112, 10), (7_119, 7_137, 0.5), (7_140, 7_170, 10)]
    documents = measured(
        plans.energy_scan(line, "Fe K", delay_ps=100.0, dwell_s=40.0, regions_ev=regions, sample=IRON.name)
    )
    start = documents[0][1]
    assert (start["edge"], start["absorber"], start["reduction"]["main_feature_ev"]) == ("Fe K", "Fe", 7_122.0)
    results = reduce_run(documents)
    assert isinstance(results, SpectrumResults), results.table()
    assert results.spectra, results.table()
    counted = results.spectra[-1]
    gain = extremum(counted.energy_ev, counted.transient, counted.sigma, near_ev=7_125.0, half_width_ev=2.0)
    # The play of the monochromator's drive is 0.12 eV.
    assert gain.value == pytest.approx(LARGEST_EV, abs=4.5 * gain.sigma + 0.15)
    assert gain.sigma < 0.15
    top = int(abs(counted.energy_ev - LARGEST_EV).argmin())
    assert counted.transient[top] > 5 * counted.sigma[top]


def test_the_wheel_brings_the_foil_of_the_element(line: Beamline) -> None:
    documents = measured(plans.foil_scan(line, "Fe K", dwell_s=5.0))
    assert line.foil_wheel is not None
    assert line.foil_wheel.position == "Fe"
    assert (documents[0][1]["foil_element"], documents[0][1]["sample"]) == ("Fe", "Fe foil")
    results = reduce_run(documents)
    assert isinstance(results, FoilResults), results.table()
    assert results.foil is not None
    assert results.foil.edge_ev.value == pytest.approx(7_112.0, abs=4.5 * results.foil.edge_ev.sigma + 0.05)
