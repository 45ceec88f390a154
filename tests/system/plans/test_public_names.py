"""If these fail, the step from the simulation to the real beamline is more than an address list."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bluesky import RunEngine

import plans
from devices.assembly import build_beamline
from errors import ConfigurationError, InputError
from reduction.kinds import reduce_run
from reduction.xas.results import SpectrumResults, TraceResults
from tests.support.waiting import WAIT_S
from trxas.channel_access import environment as channel_access
from trxas.configuration import DEFAULT_CONFIGURATION, load_configuration

MACRO = "public:"
FILE = DEFAULT_CONFIGURATION.parent / "7id-public.toml"

PUBLIC = {
    "7ida:BraggEAO", "7ida:BraggERdbkAO", "7idd:DG1:ADelayAO", "7idd:DG1:ADelayAI", "7idd:digDelay1:actualDelay",
    "7idd:scaler1", "amofg1a:scaler1", "7idb:userCalc11", "7idb:userCalc12", "7idb:userCalc13", "7idb:userCalc14",
}  # fmt: skip
"""Every name of the beamline that is public."""


@pytest.fixture(scope="module")
def served(start_ioc: Any) -> Iterator[None]:
    options = load_configuration(FILE).simulation_options
    with start_ioc("-m", "sim", "--macro", MACRO, "--speed", "20000", "--seed", "5", *options):
        yield


def test_scans_with_public_names_alone_are_measured_and_reduced(served: None, tmp_path: Path, get: Any) -> None:
    """Lost: the real beamline, of which no other name is known."""
    configuration = load_configuration(FILE, prefix=MACRO).beamline
    channel_access.prepare(configuration.epics)
    line = build_beamline(configuration)
    line.connect(timeout_s=WAIT_S)
    names = {signal.pvname.removeprefix(MACRO).partition(".")[0] for signal in line.signals()}
    assert names == PUBLIC
    documents: list[tuple[str, dict[str, Any]]] = []
    engine = RunEngine({})
    engine(
        plans.energy_scan(line, "Br K", delay_ps=100.0, dwell_s=60.0, repeats=2, sample="CsPbBr3"),
        lambda name, doc: documents.append((name, doc)),
    )
    found = reduce_run(documents)
    assert isinstance(found, SpectrumResults), found.table()
    counted, boxcar = found.spectra
    assert (counted.metadata.detector, boxcar.metadata.detector) == ("", "boxcar_6s"), found.table()
    for spectrum in found.spectra:
        main = int(np.argmin(np.abs(spectrum.energy_ev - 13_472.0)))
        assert spectrum.transient[main] < -5 * spectrum.sigma[main], found.table()
        assert -0.04 < spectrum.transient[main] / spectrum.off[main] < -0.01
    events = [doc["data"] for name, doc in documents if name == "event"]
    assert all(event["quality"] == "" and event["marks"] == "" for event in events)
    assert events[-1]["fluence_mj_cm2"] == documents[0][1]["fluence_mj_cm2"] == 8.83
    assert not {"ring_current_ma", "jet_flow_ml_min", "foil"} & set(events[-1])
    assert events[-1]["spc_counts"][0][1] == get(f"{MACRO}amofg1a:scaler1.S9")

    documents.clear()
    engine(
        plans.delay_scan(line, "Br K", dwell_s=60.0, repeats=2, sample="CsPbBr3"),
        lambda name, doc: documents.append((name, doc)),
    )
    trace = reduce_run(documents)
    assert isinstance(trace, TraceResults), trace.table()
    assert trace.fit is not None, trace.table()
    check_refusals(engine, line)


def check_refusals(engine: RunEngine, line: Any) -> None:
    """What the beamline cannot do is refused before anything moves, with the reason."""
    for wrong, message in (
        ({"shutter_reference": "point"}, "no such shutter, so the beam is always on"),
        ({"fluence_mj_cm2": 5.0}, "outside 8.83 to 8.83 mJ/cm2"),
    ):
        with pytest.raises(InputError, match=message):
            engine(plans.energy_scan(line, "Br K", delay_ps=100.0, sample="CsPbBr3", **wrong))
    for plan, message in (
        (plans.foil_scan(line, "Pb L3"), "no detector behind the foil"),
        (plans.calibrate_attenuator(line), "has no waveplate, or no power"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            engine(plan)
