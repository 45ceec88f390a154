"""If these fail, examples/fe_four_photodiodes.toml describes a beamline that cannot measure.

An iron complex, four photodiodes on channels of a plain scaler, a drift detector, a hybrid fill with the laser at every
third revolution, and a magnet: the file extends that of 7ID-D, and no Python is written.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import numpy as np
import pytest
from ophyd import EpicsMotor, EpicsScaler, EpicsSignalRO

from devices.signals.connection import wait_connected
from reduction.kinds import reduce_run
from reduction.xas.results import DependenceResults, TraceResults
from sim.physics.sample import sample_path
from sim.physics.sample_file import load_sample
from sim.physics.spectra import edge_at, static_spectrum, transient_spectrum
from storage import load_run
from tests.support.patient import patient
from tests.support.waiting import WAIT_S
from trxas.configuration import load_configuration
from trxas.session.session import Session, open_session

pytestmark = pytest.mark.channel_access
MACRO = "feuser:"
FILE = Path(__file__).parents[2] / "examples" / "fe_four_photodiodes.toml"
SAMPLE = "fe_bpy3"
COMMAND_S = 120.0


@pytest.fixture(scope="module")
def session(start_ioc: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    configuration = patient(load_configuration(FILE, prefix=MACRO, data=tmp_path_factory.mktemp("data")))
    simulation = ("-m", "sim", "--macro", MACRO, "--sample", SAMPLE, "--speed", "20000", "--seed", "7")
    with start_ioc(*simulation, *configuration.simulation_options), open_session(configuration) as made:
        yield made


def test_the_transient_of_the_complex_is_measured(session: Session) -> None:
    session.run_engine(bps.mv(session.beamline.axes["field_t"], 0.5))
    delays_ps = [-400.0, -350.0, -300.0, -250.0, 100.0, 110.0, 120.0, 130.0]
    plan = session.plans()["delay_scan"]("Fe K", delays_ps=delays_ps, dwell_s=200.0, repeats=1, sample=SAMPLE)
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


def caproto_tool(tool: str, *arguments: str) -> str:
    """What a command line client of caproto prints."""
    command = [sys.executable, "-m", f"caproto.commandline.{tool}", "--no-repeater", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_S, check=True)
    return done.stdout


STOCK: list[Any] = []
"""Stock devices; never destroyed, since pyepics may crash when it drops subscriptions."""


def test_stock_clients_use_the_same_records(session: Session, caproto_put: Any) -> None:
    """Lost: the tools of everybody else at the beamline, which know nothing of trxas.

    Stock ophyd classes count with the master scaler and move a mirror; caproto's tools read the gates, the drift
    detector and the mirror, and monitor the field; they cannot move what the session holds.
    """
    record = f"{MACRO}7idd:m31"
    # pyepics may never start a monitor that is asked for at the very moment at which its channel connects.
    channels = [EpicsSignalRO(f"{record}.{field}", name=field) for field in ("VAL", "RBV", "DMOV", "MOVN", "VELO")]
    wait_connected(channels, WAIT_S)
    scaler = EpicsScaler(f"{MACRO}7idd:scaler1", name="stock_scaler")
    motor = EpicsMotor(record, name="stock_motor")
    STOCK.extend([scaler, motor, *channels])
    for device in (scaler, motor):
        device.wait_for_connection(timeout=WAIT_S)
    scaler.preset_time.set(20.0).wait(WAIT_S)
    status = scaler.trigger()
    status.wait(timeout=WAIT_S)
    assert scaler.channels.chan2.get(use_monitor=False) > 0
    motor.set(5.0).wait(timeout=WAIT_S)
    assert motor.user_readback.get(use_monitor=False) == pytest.approx(5.0, abs=0.5)
    assert "wait until it is released" in caproto_put(f"{MACRO}ame:magnet:Field", 0.25), "the session holds it"
    session.run_engine(bps.mv(session.beamline.axes["field_t"], 0.25))
    # The scaler of the gates has four photodiodes with three gates each from channel 17 on; it and the drift detector
    # have counted with the master.
    names = ("amofg1a:scaler1.S17", "amofg1a:scaler1.S28", "7idd:xmap:E1:Gate0", "7idd:xmap:E1:ICR",
             "ame:magnet:FieldRBV", "7idd:m31.RBV")  # fmt: skip
    found = caproto_tool("get", "--terse", "--timeout", "50", *(f"{MACRO}{name}" for name in names)).split()
    first, last, photons, rate, field_t, mirror_um = (float(value.strip("[]")) for value in found)
    assert min(first, last, photons, rate) > 0
    assert field_t == pytest.approx(0.25)
    assert mirror_um == pytest.approx(5.0, abs=0.5)
    assert "0.25" in caproto_tool("monitor", "--maximum", "1", f"{MACRO}ame:magnet:FieldRBV")
    motor.set(0.0).wait(timeout=WAIT_S)
