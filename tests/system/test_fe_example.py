"""If these fail, examples/fe_four_photodiodes.toml describes a beamline that cannot measure.

An iron complex, four photodiodes on channels of a plain scaler, a drift detector, a hybrid fill with the laser at every
third revolution, and a magnet: the file extends that of 7ID-D, and no Python is written. The example package's IOC
serves the magnet.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import numpy as np
import pytest

from reduction.kinds import reduce_run
from reduction.xas.results import DependenceResults, TraceResults
from sim.physics.sample import load_sample, sample_path
from sim.physics.spectra import edge_at, static_spectrum, transient_spectrum
from storage import load_run
from tests.support.example_package import SOURCE
from tests.support.patient import patient
from trxas.configuration import load_configuration
from trxas.session.session import Session, open_session

pytestmark = pytest.mark.channel_access
MACRO = "feuser:"
FILE = Path(__file__).parents[2] / "examples" / "fe_four_photodiodes.toml"
SAMPLE = "fe_bpy3"


@pytest.fixture(scope="module")
def session(start_ioc: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    configuration = patient(load_configuration(FILE, prefix=MACRO, data=tmp_path_factory.mktemp("data")))
    simulation = ("-m", "sim", "--macro", MACRO, "--sample", SAMPLE, "--speed", "20000", "--seed", "7")
    with (
        pytest.MonkeyPatch.context() as patch,
        start_ioc(*simulation, *configuration.simulation_options),
    ):
        patch.setenv("PYTHONPATH", str(SOURCE))
        with (
            start_ioc("-m", "magnet_and_emission.ioc", "--macro", MACRO, "--speed", "2000"),
            open_session(configuration) as made,
        ):
            yield made


def test_the_transient_of_the_complex_is_measured(session: Session) -> None:
    session.run_engine(bps.mv(session.beamline.axes["field_t"], 0.5))
    delays_ps = [-400.0, -350.0, -300.0, -250.0, 100.0, 110.0, 120.0, 130.0]
    plan = session.plans()["delay_scan"]("Fe K", delays_ps=delays_ps, dwell_s=200.0, sample=SAMPLE)
    documents = load_run(session.store, session.measure(plan))
    start = documents[0][1]
    assert (start["modes"], start["energy_ev"]) == (["spc"], 7125.0)
    assert start["reduction"]["gate_delays_ps"] == pytest.approx([0.0, -1_921_400.0, -960_700.0])
    events = [doc["data"] for name, doc in documents if name == "event"]
    assert {np.shape(event["spc_counts"]) for event in events} == {(4, 3)}
    assert {event["quality"] for event in events} == {""}
    assert {np.shape(event["drift_counts"]) for event in events} == {(1, 3)}
    assert all("missing" not in event["marks"] and np.sum(event["drift_counts"]) > 0 for event in events)
    assert all(event["field_t"] == pytest.approx(0.5, abs=0.005) for event in events)
    results = reduce_run(documents)
    assert isinstance(results, TraceResults), results.table()
    late = results.trace.delay_ps > 0
    # Independent errors of the four late points, and as large ones of the zero before.
    sigma = float(results.trace.sigma[late].mean()) / 2 * 2**0.5
    edge = edge_at(load_sample(sample_path(SAMPLE)).edges, start["energy_ev"])
    whole = float(transient_spectrum(edge, start["energy_ev"]) / static_spectrum(edge, start["energy_ev"]))
    found = float(results.trace.transient[late].mean())
    # The lifetime and the fluence of the sample leave a part of the whole transient; its sign and size are the test.
    assert found / whole > 5 * sigma / abs(whole)
    assert found / whole < 1.0 + 5 * sigma / abs(whole)


def test_the_magnet_is_scanned(session: Session) -> None:
    plan = session.plans()["axis_scan"]("field_t", [0.0, 1.0], edge="Fe K", dwell_s=20.0)
    results = reduce_run(load_run(session.store, session.measure(plan)))
    assert isinstance(results, DependenceResults), results.table()
    assert list(results.position) == pytest.approx([0.0, 1.0], abs=0.005)
