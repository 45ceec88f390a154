"""If these fail, a scan over real Channel Access does not give its data."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bluesky.plans as bp
import numpy as np
import pytest
from bluesky.utils import RunEngineInterrupted
from ophyd import EpicsMotor, EpicsSignalRO

from devices.assembly import build_beamline
from devices.beamline import Beamline
from devices.configuration import read_toml
from devices.supervision.health import PvState, diagnose
from errors import ConfigurationError, MotionError, NotConnectedError
from reduction.accumulator import accumulate
from reduction.events import PrimaryEvents
from reduction.kinds import reduce_run
from reduction.xas.boxcar_energy import boxcar_spectrum
from reduction.xas.gate_rates import gate_rates
from reduction.xas.spc_energy import spc_spectrum
from sim.ioc.xas.equipment.monochromator import bragg_angle_deg
from storage import Store, load_run
from tests.support.patient import patient
from tests.support.waiting import COMMAND_S, WAIT_S
from trxas.channel_access import environment as channel_access
from trxas.configuration import DEFAULT_CONFIGURATION, load_configuration
from trxas.session.session import Session, open_session

MACRO = "beam:"


@pytest.fixture(scope="module")
def ioc(start_ioc: Any) -> Iterator[Any]:
    with start_ioc("-m", "sim", "--macro", MACRO, "--speed", "2000", "--seed", "3") as running:
        yield running


@pytest.fixture(scope="module")
def session(ioc: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    configuration = patient(load_configuration(prefix=MACRO, data=tmp_path_factory.mktemp("data")))
    with open_session(configuration) as opened:
        yield opened


@pytest.fixture(scope="module")
def energy_uid(session: Session) -> str:
    regions = [(13_450, 13_462, 4), (13_462, 13_480, 1), (13_480, 13_570, 6)]
    return session.measure(
        session.plans()["energy_scan"]("Br K", delay_ps=100, regions_ev=regions, repeats=2, sample="vial 7")
    )


@pytest.fixture(scope="module")
def beamline(session: Session) -> Beamline:
    return session.beamline


def test_every_pv_is_alive(beamline: Beamline) -> None:
    unwell = [entry for entry in diagnose(beamline) if entry.state is not PvState.ALIVE]
    assert unwell == []


def test_a_plan_begins_after_the_catalogue_is_open(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: the first scan of a session, to an ImportError of two threads that import one package."""
    opened: list[str] = []
    monkeypatch.setattr(Store, "open_ahead", lambda _: opened.append("catalogue"))
    monkeypatch.setattr("trxas.session.session.import_scipy_parts", lambda: opened.append("scipy"))
    session.run_engine.before_plan()
    assert opened == ["catalogue", "scipy"]


def test_energy_scan_is_stored_and_shows_the_edge_and_the_transient(session: Session, energy_uid: str) -> None:
    accumulator = accumulate(load_run(session.store, energy_uid))
    assert accumulator.exit_status == "success"
    assert accumulator.rejected.sum() == 0
    for spectrum in (boxcar_spectrum(accumulator), spc_spectrum(accumulator)):
        inside = (spectrum.energy_ev > 13_455) & (spectrum.energy_ev < 13_461)
        assert np.abs(spectrum.off[inside]).max() < 0.1
        # At 12 s per point the mean of three points is -2.1 %, with sigma 0.28 % (boxcar) or 0.08 % (counts): the
        # boxcar misses a bound of 3 sigma by chance if it is off by more than 4.4 sigma, once in 200 000.
        feature = np.abs(spectrum.energy_ev - 13_472) < 1.5
        sigma = np.hypot.reduce(spectrum.sigma[feature]) / feature.sum()
        assert spectrum.transient[feature].mean() + 3 * sigma < 0
        assert spectrum.metadata.delay_ps == pytest.approx(100, abs=0.1)


def test_the_bunch_period_is_that_of_the_ring_and_not_the_configured_one(session: Session, energy_uid: str) -> None:
    """Lost: the second bunch, 39 ps later than stated. The RF frequency comes over Channel Access."""
    start = load_run(session.store, energy_uid)[0][1]
    assert start["bunch_period"]["source"] == "RF frequency"
    second_ps = 10_100.0 + start["reduction"]["gate_delays_ps"][1]
    assert second_ps == pytest.approx(10_100.0 + 1e12 * 1104.0 / 299_792_458.0 / 24, abs=0.3)
    assert session.configuration.beamline.scheme.gate_delays_ps[1] == 153_400.0


def test_live_and_stored_numbers_are_the_same_to_the_last_digit(session: Session) -> None:
    regions = [(13_450, 13_462, 4), (13_462, 13_480, 3), (13_480, 13_570, 15)]
    uid = session.measure(session.plans()["energy_scan"]("Br K", delay_ps=100, regions_ev=regions))
    live = session.live.accumulator
    assert live is not None
    assert live.metadata.uid == uid
    stored = accumulate(load_run(session.store, uid))
    np.testing.assert_array_equal(boxcar_spectrum(live).transient, boxcar_spectrum(stored).transient)
    np.testing.assert_array_equal(spc_spectrum(live).sigma, spc_spectrum(stored).sigma)


def test_databroker_finds_the_run_by_uid_scan_id_and_metadata(session: Session, energy_uid: str) -> None:
    session.store.wait()
    db = session.store.db
    start = db[energy_uid].start
    assert db[start["scan_id"]].start["uid"] == energy_uid
    assert [header.start["uid"] for header in db(sample="vial 7")] == [energy_uid]
    table = db[energy_uid].table()
    assert len(table) == start["num_points"]
    assert np.shape(table["spc_counts"].iloc[0]) == (2, 5)
    assert np.isfinite(table["energy_ev"]).all()


def test_delay_scan_with_shutter_reference(session: Session) -> None:
    uid = session.measure(
        session.plans()["delay_scan"](
            "Br K", delays_ps=[-300.0, 100.0, 1000.0], dwell_s=60.0, shutter_reference="point", fluence_mj_cm2=8.0
        )
    )
    rates = gate_rates(accumulate(load_run(session.store, uid)))
    values, _ = rates.log_rate()
    change = values[:, 0] - values[:, 4]
    pumped = dict(zip(rates.delay_ps[rates.pumped].round(), change[rates.pumped], strict=True))
    # 60 s: sigma 0.05 %; 2 % bleach at 100 ps, none before the pump nor with the laser blocked (gates differ by 0.2 %).
    assert pumped[100] < -0.015
    assert abs(pumped[-300]) < 0.006
    assert np.abs(change[~rates.pumped]).max() < 0.006


def test_axes_arrive_in_their_raw_units(beamline: Beamline) -> None:
    import epics

    beamline.energy.set(13_472.25).wait(timeout=WAIT_S)
    assert epics.caget(f"{MACRO}7ida:BraggERdbkAO") == pytest.approx(13.472_25, abs=1e-6)
    assert epics.caget(f"{MACRO}7ida:m1.RBV") == pytest.approx(bragg_angle_deg(13_472.25), abs=1e-6)
    beamline.delay.set(12_345.0).wait(timeout=WAIT_S)
    coarse, fine = epics.caget(f"{MACRO}7idd:DG1:ADelayAI"), epics.caget(f"{MACRO}7idd:digDelay1:actualDelay")
    assert coarse * 1e12 + fine == pytest.approx(169_780 + 12_345, abs=0.01)
    beamline.fluence.set(8.83).wait(timeout=WAIT_S)
    assert beamline.fluence.position == pytest.approx(8.83, abs=0.01)


def test_the_delay_of_one_server_may_leave_during_a_read_out(beamline: Beamline) -> None:
    """Lost: a quarter of the time between two delays. Every other axis waits until the exposure is read."""
    assert [name for name, axis in beamline.axes.items() if axis.moves_during_read_out] == ["delay_ps"]


def test_a_stopped_motor_fails_its_move(beamline: Beamline) -> None:
    """EPICS says done after STOP; a scan that believed it would measure at a wrong energy."""
    status = beamline.energy.set(12_900.0)
    beamline.energy.stop()
    # The stop may come during the overshoot or between the two moves.
    with pytest.raises(MotionError, match=r"sent to 12900 eV and stopped at|was stopped on its way to 12900 eV"):
        status.wait(timeout=WAIT_S)


def test_a_move_the_ioc_refuses_is_an_error(beamline: Beamline) -> None:
    """Server-side refusals are silent through pyepics; the read-back is not."""
    import epics

    limit = epics.PV(f"{MACRO}7idd:m21.HLM")
    assert limit.wait_for_connection(WAIT_S)
    limit.put(10.0, wait=True, timeout=WAIT_S)
    try:
        with pytest.raises((MotionError, ValueError), match="7idd:m21"):
            beamline.fluence.set(12.0).wait(timeout=WAIT_S)
    finally:
        limit.put(50.0, wait=True, timeout=WAIT_S)


def test_a_raw_delay_in_another_unit_is_refused(beamline: Beamline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(beamline.delay.coarse_setpoint.metadata, "units", "ns")
    monkeypatch.setattr(type(beamline.delay.coarse_setpoint), "metadata", {"units": "ns"})
    with pytest.raises(ConfigurationError, match="ADelayAO is in ns, the configuration needs s"):
        beamline.check_units()


def test_missing_pvs_are_all_named_in_time(ioc: Any) -> None:
    channel_access.prepare(load_configuration().beamline.epics)
    nowhere = build_beamline(load_configuration(prefix="nowhere:").beamline)
    with pytest.raises(NotConnectedError) as caught:
        nowhere.connect(timeout_s=0.5)
    assert "nowhere:7ida:BraggEAO" in caught.value.pv_names
    assert "nowhere:amofg1a:spc:Frame" in str(caught.value)
    assert len(caught.value.pv_names) == len({signal.pvname for signal in nowhere.signals()})


def test_two_beamlines_at_once_do_not_mix(start_ioc: Any, beamline: Beamline) -> None:
    with start_ioc("-m", "sim", "--macro", "other:", "--speed", "2000"):
        other = build_beamline(load_configuration(prefix="other:").beamline)
        other.connect(timeout_s=WAIT_S)
        beamline.delay.set(50.0).wait(timeout=WAIT_S)
        other.delay.set(-50.0).wait(timeout=WAIT_S)
        assert beamline.delay.position == pytest.approx(50.0)
        assert other.delay.position == pytest.approx(-50.0)


def test_same_seed_same_counts_whatever_the_client_does(start_ioc: Any) -> None:
    """Counts depend on the exposures made, not on how long a client took between them."""
    frames = []
    for macro in ("twin1:", "twin2:"):
        with start_ioc("-m", "sim", "--macro", macro, "--speed", "2000", "--seed", "9"):
            twin = build_beamline(load_configuration(prefix=macro).beamline)
            twin.connect(timeout_s=WAIT_S)
            twin.exposure.prepare(1.0)
            for _ in range(3):
                twin.exposure.trigger().wait(timeout=WAIT_S)
            frames.append(twin.exposure.spc_frame.get())
    np.testing.assert_array_equal(*frames)


def test_caproto_client_agrees(ioc: Any, beamline: Beamline) -> None:
    """A client of another make sees the same value as pyepics."""
    beamline.delay.set(777.0).wait(timeout=WAIT_S)
    command = [sys.executable, "-m", "caproto.commandline.get", "--no-repeater", "--terse"]
    said = subprocess.run(
        [*command, f"{MACRO}7idd:digDelay1:actualDelay"], capture_output=True, text=True, timeout=COMMAND_S, check=True
    )
    assert float(said.stdout.strip().strip("[]")) == pytest.approx(beamline.delay.fine_readback.get())


def test_stock_ophyd_devices_join_our_reader_in_bp_scan(session: Session) -> None:
    """Lost: a device that people bring along, of ophyd's own classes, in bluesky's own plan on our beamline."""
    motor = EpicsMotor(f"{MACRO}7ida:m1", name="bragg")
    current = EpicsSignalRO(f"{MACRO}S:SRcurrentAI", name="ring")
    for device in (motor, current):
        device.wait_for_connection(timeout=WAIT_S)
    start_deg = motor.position
    point: Any = session.beamline.point  # its documents are plain mappings, which bluesky's types do not accept
    uid = session.measure(bp.scan([point, current], motor, start_deg, start_deg + 1e-4, 2))
    events = [doc["data"] for name, doc in load_run(session.store, uid) if name == "event"]
    assert [event["bragg_user_setpoint"] for event in events] == pytest.approx([start_deg, start_deg + 1e-4])
    assert all(event["ring"] > 0 and event["exposure_s"] > 0 for event in events)


def test_the_default_configuration_names_the_real_pvs() -> None:
    """The step to the real beamline is an address list: these names are public."""
    table = read_toml(DEFAULT_CONFIGURATION)
    assert table["energy"]["setpoint"] == "7ida:BraggEAO"
    assert table["delay"]["coarse_setpoint"] == "7idd:DG1:ADelayAO"
    assert table["exposure"]["spc_scaler"] == "amofg1a:scaler1"
    assert table["exposure"]["scaler"] == "7idd:scaler1"


def test_docs_list_every_pv() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "sim", "--list-pvs"], capture_output=True, text=True, timeout=COMMAND_S, check=True
    )
    documented = (Path(__file__).parents[2] / "docs" / "reference" / "pvs.md").read_text(encoding="utf-8")
    assert listed.stdout.strip() in documented


def test_a_sequence_is_stored_and_reduced_like_single_steps(session: Session) -> None:
    """Lost: everything that hardware has stepped. Table, frames and pages go over Channel Access into the store."""
    delays_ps = [-500.0, -200.0, 100.0, 300.0]
    options: dict[str, Any] = {"delays_ps": delays_ps, "dwell_s": 20.0, "repeats": 1, "shutter_reference": "point"}
    uid = session.measure(session.plans()["delay_scan"]("Br K", stepping="hardware", sample="vial 8", **options))
    documents = load_run(session.store, uid)
    accumulator = accumulate(documents)
    assert accumulator.exit_status == "success"
    assert accumulator.exposures.sum() == 8
    assert [event for event in events(documents) if event["quality"]] == []
    assert sorted(event["point_index"] for event in events(documents)) == [0, 0, 1, 1, 2, 2, 3, 3]
    numbers = [event["exposure_id"] for event in events(documents)]
    assert len(set(numbers)) == 8
    for event in events(documents):
        assert event["delay_ps"] == pytest.approx(delays_ps[event["point_index"]], abs=2.0)
        assert event["exposure_s"] == 20.0


def test_a_fly_scan_is_stored_and_reduced_like_single_steps(session: Session) -> None:
    """Lost: everything that was measured on the fly. Sweeps, frames and pages go over Channel Access into the store."""
    options: dict[str, Any] = {"regions_ev": [(13_450, 13_570, 5)], "dwell_s": 0.4, "bin_s": 0.2, "sample": "vial 9"}
    uid = session.measure(session.plans()["energy_scan"]("Br K", delay_ps=100.0, stepping="fly", **options))
    documents = load_run(session.store, uid)
    good = [(event["scan_index"], event["point_index"]) for event in events(documents) if not event["quality"]]
    assert sorted(good) == [(scan, point) for scan in range(2) for point in range(25)]
    for event in events(documents):
        assert event["energy_ev"] == pytest.approx(13_450 + 5 * event["point_index"], abs=0.6)
        assert event["exposure_s"] == pytest.approx(0.2, rel=0.3)
    text = reduce_run(documents).table()
    assert "broadening by sweeps" in text
    assert "transient, spc" in text


def events(documents: Any) -> list[dict[str, Any]]:
    primary = PrimaryEvents()
    return [event["data"] for name, doc in documents for event in primary(name, doc)]


@pytest.mark.long
def test_a_paused_sequence_continues_with_what_is_missing(session: Session) -> None:
    """Lost: the rest of a sequence after Ctrl-C, or exposures that count twice."""
    engine: Any = session.run_engine
    documents: list[tuple[str, Any]] = []

    def pause_once(name: str, doc: Any) -> None:
        documents.append((name, doc))
        if name == "event_page" and not any(kind == "event_page" for kind, _ in documents[:-1]):
            threading.Thread(target=engine.request_pause).start()

    token = engine.subscribe(pause_once)
    try:
        options: dict[str, Any] = {"delays_ps": np.linspace(-500, 500, 60).tolist(), "dwell_s": 20.0, "repeats": 1}
        with pytest.raises(RunEngineInterrupted):
            engine(session.plans()["delay_scan"]("Br K", stepping="hardware", **options))
        assert session.beamline.sequences is not None
        assert not session.beamline.sequences.running
        engine.resume()
    finally:
        engine.unsubscribe(token)
    good = [event["point_index"] for event in events(documents) if not event["quality"]]
    assert sorted(good) == list(range(60))
    assert documents[-1][1]["exit_status"] == "success"
