"""If these fail, a hybrid fill is measured or reduced wrongly, or counts of plain scaler channels are mixed up.

The camshaft bunch of a hybrid fill is pumped at every third revolution; its two other revolutions are the references.
Four photodiodes count, behind a frame in one test and behind channels of a scaler record in the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bluesky import RunEngine

import plans
from devices.assembly import build_beamline
from devices.beamline import Beamline
from devices.exposure.gated_detectors import Exposure
from errors import AcquisitionError, OutOfRangeError
from reduction.accumulator import accumulate
from reduction.xas.spc_time import spc_trace
from sim.physics.beamline_state import BeamlineState
from sim.physics.experiment import Experiment
from sim.physics.pump_scheme import load_scheme
from sim.physics.sample_file import load_sample
from sim.physics.spectra import edge_at, static_spectrum, transient_spectrum
from tests.support.fault_bench import FaultBench
from tests.support.scheme_files import SCHEMES, scaler_file, scheme_file
from tests.support.waiting import WAIT_S
from trxas.channel_access import environment as channel_access
from trxas.configuration import load_configuration

MACRO = "hybrid:"
SCHEME = "sls-hybrid-camshaft"
DELAYS_PS = [-400.0, -350.0, -300.0, -250.0, 100.0, 110.0, 120.0, 130.0]
CHANNELS = [[17, 18, 19], [20, 21, 22], [23, 24, 25], [26, 27, 28]]


@pytest.fixture(scope="module")
def beamline(start_ioc: Any) -> Iterator[None]:
    hardware = ("--photodiodes", "4", "--scheme", str(SCHEMES / f"{SCHEME}.toml"))
    with start_ioc("-m", "sim", "--macro", MACRO, "--speed", "20000", "--seed", "7", *hardware):
        yield


def connected(file: Path) -> Beamline:
    configuration = load_configuration(file, prefix=MACRO).beamline
    channel_access.prepare(configuration.epics)
    line = build_beamline(configuration)
    line.connect(timeout_s=WAIT_S)
    return line


def scanned(line: Beamline) -> list[tuple[str, dict[str, Any]]]:
    documents: list[tuple[str, dict[str, Any]]] = []
    scan = plans.delay_scan(line, "Br K", delays_ps=DELAYS_PS, dwell_s=200.0, repeats=1, sample="CsPbBr3")
    RunEngine({})(scan, lambda name, doc: documents.append((name, doc)))
    return documents


def check_transient(documents: list[tuple[str, dict[str, Any]]]) -> None:
    """The transient about 115 ps after the pump is that of the sample, within four standard errors."""
    start = documents[0][1]
    trace = spc_trace(accumulate(documents))
    sample = load_sample()
    edge = edge_at(sample.edges, start["energy_ev"])
    share = float(transient_spectrum(edge, start["energy_ev"]) / static_spectrum(edge, start["energy_ev"]))
    experiment = Experiment(sample=sample, seed=1, scheme=load_scheme(SCHEMES / f"{SCHEME}.toml"))
    state = BeamlineState(delay_ps=115.0 - sample.beam.time_zero_ps, rate_divider=3)
    excitation = experiment.excitation(state)
    late = trace.delay_ps > 0
    # The four points behind the pump have independent errors; those of the zero before it are as large.
    sigma = float(trace.sigma[late].mean()) / 2 * 2**0.5
    assert sigma < 0.1 * abs(share)
    expected = share * float(excitation[0] - excitation[1:].mean())
    assert float(trace.transient[late].mean()) == pytest.approx(expected, abs=4 * sigma + 0.001)


def test_the_transient_of_a_hybrid_fill_is_that_of_the_sample(beamline: None, tmp_path: Path) -> None:
    file = scheme_file(tmp_path, SCHEME)
    file.write_text(file.read_text(encoding="utf-8").replace("apds = 2", "apds = 4"), encoding="utf-8")
    documents = scanned(connected(file))
    start = documents[0][1]
    assert start["reduction"]["gate_delays_ps"] == pytest.approx([0.0, -1_921_400.0, -960_700.0])
    assert start["reduction"]["reference_probes"] == [1, 2]
    assert start["pump_scheme"]["fill"] == [[0, 390, 1, 0.06], [435, 1, 1, 0.25]]
    assert [np.shape(doc["data"]["spc_counts"]) for name, doc in documents if name == "event"] == [(4, 3)] * 8
    check_transient(documents)


def test_plain_scaler_channels_give_the_same_transient(beamline: None, tmp_path: Path, put: Any, get: Any) -> None:
    """Lost: every beamline whose electronics serve no frame, or counts of one exposure over the flux of another."""
    line = connected(scaler_file(tmp_path, SCHEME, CHANNELS))
    check_mixed_exposures(line.exposure, FaultBench(MACRO, get, put))
    documents = scanned(line)
    assert documents[0][1]["modes"] == ["spc"]
    events = [doc["data"] for name, doc in documents if name == "event"]
    assert [np.shape(event["spc_counts"]) for event in events] == [(4, 3)] * 8
    assert [event["quality"] for event in events] == [""] * 8
    assert events[-1]["spc_counts"][3][2] == get(f"{MACRO}amofg1a:scaler1.S28")
    assert len({event["exposure_id"] for event in events}) == 8
    check_transient(documents)


def check_mixed_exposures(exposure: Exposure, bench: FaultBench) -> None:
    """A scaler that missed the exposure is refused, and so is one that another client has started meanwhile."""
    exposure.prepare(2.0)
    exposure.trigger().wait(timeout=WAIT_S)
    assert exposure.read()["exposure_s"]["value"] == 2.0
    with bench.struck("FrameStale", Detector="spc"):
        exposure.trigger().wait(timeout=WAIT_S)
        with pytest.raises(AcquisitionError, match="amofg1a:scaler1 still holds the counts of an earlier exposure"):
            exposure.read()
    exposure.trigger().wait(timeout=WAIT_S)
    bench.put("amofg1a:scaler1.TP", 5.0)
    bench.put("amofg1a:scaler1.CNT", 1)
    with pytest.raises(AcquisitionError, match=r"counted 5 s, hybrid:7idd:scaler1\.T 2 s: they are not from one"):
        exposure.read()
    exposure.trigger().wait(timeout=WAIT_S)
    assert exposure.read()["exposure_s"]["value"] == 2.0


def test_a_delay_at_which_a_reference_meets_the_next_pump_is_refused(tmp_path: Path) -> None:
    """Lost: a trace that falls to zero, because its reference was pumped as well."""
    configuration = load_configuration(scheme_file(tmp_path, "aps-324-bunches"), prefix="nowhere:")
    line = build_beamline(configuration.beamline)
    with pytest.raises(OutOfRangeError, match="-100000 to 11140"):
        RunEngine({})(plans.delay_scan(line, "Br K", delays_ps=[0.0, 11_200.0], sample="CsPbBr3"))
