"""If these fail, the microscope cannot be measured with, or what it measures is not what its events say."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import bluesky.plan_stubs as bps
import epics
import numpy as np
import pytest

import plans
from devices.assembly import build_beamline
from devices.exposure.condition_limits import further_conditions
from devices.supervision.health import PvState, diagnose
from devices.tplm.timing import PhotonTiming
from errors import AcquisitionError, ConfigurationError, InputError, OutOfRangeError
from plans.registry import PLANS, plans_of
from plans.tplm.dose import spot_of
from reduction.kinds import combine_runs, reduce_run
from reduction.run_kind import CombineChoice
from reduction.tplm.spectrum_results import SpectrumResults
from sim.physics.tplm.sample import load_film
from storage import list_runs, load_run
from tests.support.patient import patient
from tests.support.waiting import WAIT_S
from tests.system.test_docs import REPOSITORY, SNIPPET
from trxas.configuration import load_configuration
from trxas.session.calibrations import calibration_file
from trxas.session.session import Session, open_session

pytestmark = pytest.mark.channel_access
MACRO = "scope:"
STILL = 'extends = "ola_oa"\nname = "still film"\n[image]\ndrift_nm_min = 0.0\n'
"""A film whose image does not drift: at the speed of these tests it would leave within seconds."""

QUICK: dict[str, dict[str, Any]] = {
    "tplm_map": {"positions": 5, "centre_every": 2},
    "tplm_centre": {"power_nw": 10.0},
    "tplm_dark": {},
    "tplm_response": {},
    "trpl_series": {"powers_nw": [0.5, 10.0]},
    "tplm_power_series": {"settings": [(1.0, 2.5), (6.0, 5.0)], "positions": 3},
    "tplm_constant_fluence": {"rates_mhz": [1.0, 5.0], "positions": 3},
    "tplm_constant_rate": {"powers_nw": [1.0, 25.0], "positions": 3},
    "tplm_constant_power": {"rates_mhz": [0.5, 40.0], "positions": 3},
    "tplm_reversibility": {"positions": 3, "powers_nw": [1.5, 6.0, 1.5]},
    "tplm_constant_snr": {"powers_nw": [1.0, 10.0], "positions": 3},
    "tplm_temperature_series": {"temperatures_k": [294.0, 296.0], "positions": 3},
    "tplm_focus": {"dwell_s": 0.5, "reach_um": 0.75},
    "pl_spectrum_series": {"powers_nw": [1.0, 5.0]},
    "pl_constant_fluence": {"rates_mhz": [0.5, 10.0]},
    "pl_temperature_series": {"temperatures_k": [294.0, 296.0]},
}
"""Arguments that make every plan of the microscope short."""


@pytest.fixture(scope="module")
def session(start_ioc: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    folder = tmp_path_factory.mktemp("microscope")
    film = folder / "still.toml"
    film.write_text(STILL, encoding="utf-8")
    configuration = patient(load_configuration("tplm", prefix=MACRO, data=folder))
    quality = replace(configuration.beamline.quality, attempts=3, pause_s=0.01)
    configuration = replace(configuration, beamline=replace(configuration.beamline, quality=quality))
    options = ("--macro", MACRO, "--speed", "2000", "--sample", str(film), *configuration.simulation_options)
    with start_ioc("-m", "sim", *options), open_session(configuration) as made:
        yield made


def run(session: Session, name: str, **arguments: Any) -> list[list[tuple[str, Any]]]:
    """Run a plan and return the documents of each of its runs."""
    plan = session.plans()[name](**{"dwell_s": 1.0, "sample": "film", **QUICK[name], **arguments})
    return [load_run(session.store, uid) for uid in session.measure_all(plan)]


def events_of(documents: list[tuple[str, Any]]) -> list[dict[str, Any]]:
    return [doc["data"] for name, doc in documents if name == "event" and "tcspc_counts" in doc["data"]]


@pytest.mark.long
def test_every_plan_of_the_microscope_measures_and_shuts_the_laser(session: Session) -> None:
    """Lost: a plan that is listed and cannot be run, or that leaves the laser on the sample."""
    offered = [plan.entry.name for plan in plans_of(session.configuration.beamline)]
    assert set(offered) == QUICK.keys()
    for name in QUICK:
        for documents in run(session, name):
            start = documents[0][1]
            assert documents[-1][1]["exit_status"] == "success"
            if name.startswith("pl_"):
                continue
            found = events_of(documents)
            assert len(found) == start["num_points"], name
            assert {event["quality"] for event in found} == {""}, name
            assert start["technique"] == "tplm"
            assert {np.shape(event["tcspc_counts"]) for event in found} == {(start["kept_channels"],)}, name
            assert {event["bin_ps"] for event in found} == {start["bin_ps"]}
            shut = 0 if start["laser"] == "closed" else 1
            assert {event["laser_shutter"] for event in found} == {shut}
        assert session.beamline.laser_shutter.position == "closed", name


@pytest.mark.long
def test_the_snippets_of_its_page_run(session: Session) -> None:
    """Lost: the first five minutes of a new user."""
    page = (REPOSITORY / "docs" / "how-to" / "measure-a-tplm-map.md").read_text(encoding="utf-8")
    for snippet in SNIPPET.findall(page):
        exec(snippet, {"RE": session.run_engine, **session.plans()})


def test_a_map_sees_the_spot_where_it_is(session: Session) -> None:
    """Lost: the axis of every width. The image stands at 0.13 um along the line, 0.08 um beside it."""
    line = {"centre_x_um": 0.0, "centre_y_um": 0.0, "positions": 17, "step_um": 0.2, "centre_every": 8}
    (documents,) = run(session, "tplm_map", dwell_s=30.0, **line)
    start = documents[0][1]
    found = events_of(documents)
    assert start["grid"]["axes"] == ["y_um", "x_um"]
    places = [point[1] for point in start["grid"]["points"]]
    assert start["centre_points"] == [8, 17]
    assert places[:3] == pytest.approx([-1.6, -1.2, -0.8])
    assert [event["x_um"] for event in found] == pytest.approx(places, abs=0.002)
    assert [event["stage_x_mm"] for event in found] == pytest.approx([0.495 * place for place in places], abs=1e-3)
    once = [event for event in found if event["point_index"] not in start["centre_points"]]
    counts = np.array([np.sum(event["tcspc_counts"]) for event in once]) - 150 * 30.0
    x_um = np.array([event["x_um"] for event in once])
    assert np.sum(counts * x_um) / counts.sum() == pytest.approx(0.13, abs=0.02)
    assert {event["sync_pulses"] for event in found} == {75_000_000}
    assert all(event["laser_power_nw"] == pytest.approx(1.0, abs=0.02) for event in found)


def test_spectra_tell_light_peak_and_width(session: Session) -> None:
    """Lost: that light grows with the power, and that its spectrum stays as it is (Figs. 1c, S5)."""
    runs = run(session, "pl_spectrum_series", dwell_s=10.0, powers_nw=[0.5, 2.5, 20.0])
    runs += run(session, "pl_constant_fluence", dwell_s=10.0, rates_mhz=[1.0, 2.5, 20.0])
    events = [doc["data"] for name, doc in runs[0] if name == "event" and "pl_counts" in doc["data"]]
    assert [event["laser_shutter"] for event in events] == [1, 0, 0, 1, 1, 0]
    assert {event["quality"] for event in events} == {""}
    assert {np.shape(event["pl_counts"]) for event in events} == {(1340,)}
    # The light goes to the camera, so the photon timing sees its dark counts alone.
    assert all(event["count_rate_hz"] < 300 for event in events)
    assert "tcspc_counts" not in events[0]
    results = combine_runs(runs, choice=CombineChoice())
    assert isinstance(results, SpectrumResults)
    assert results.power is not None
    assert len(results.points) == 6
    film = load_film()
    for one in results.points:
        assert one.fit.peak_ev.value == pytest.approx(film.spectrum.peak_ev, abs=5e-4 + 5 * one.fit.peak_ev.sigma)
        assert one.fit.fwhm_ev.value == pytest.approx(0.0899, abs=5 * one.fit.fwhm_ev.sigma + 1e-4)
    for found, truth in (
        (results.power.exponent, 1.0), (results.power.peak_mev.slope, 0.0), (results.power.fwhm_mev.slope, 0.0),
    ):  # fmt: skip
        assert found.value == pytest.approx(truth, abs=5 * found.sigma)
    assert 0 < results.power.exponent.sigma < 0.01
    # A map that follows has its light back.
    (later,) = run(session, "trpl_series", powers_nw=[5.0])
    assert events_of(later)[0]["count_rate_hz"] > 3000


def test_the_dark_rate_is_recorded_with_later_exposures(session: Session) -> None:
    """Lost: what the reduction subtracts."""
    (dark,) = run(session, "tplm_dark", dwell_s=60.0)
    counted = sum(np.sum(event["tcspc_counts"]) for event in events_of(dark))
    (later,) = run(session, "tplm_map")
    assert later[0][1]["dark_rate_hz"] == pytest.approx(counted / 180.0)
    assert later[0][1]["dark_rate_error_hz"] == pytest.approx((counted / 180.0**2) ** 0.5, rel=0.01)
    assert {event["dark_rate_hz"] for event in events_of(later)} == {later[0][1]["dark_rate_hz"]}


def test_another_trigger_moves_time_zero(session: Session) -> None:
    """Lost: 12 ns between the rates of the oscillator and all others."""
    internal, external = (run(session, "tplm_response", rate_mhz=rate, dwell_s=30.0)[0] for rate in (2.5, 1.0))
    peaks = [int(np.argmax(events_of(one)[0]["tcspc_counts"])) * 16.0 for one in (internal, external)]
    assert peaks == pytest.approx([2013.0, 14_013.0], abs=40.0)
    assert [one[0][1]["time_zero_ps"] for one in (internal, external)] == pytest.approx([2013.0, 14_013.0], abs=1.0)
    assert [events_of(one)[0]["trigger_source"] for one in (internal, external)] == ["internal", "external"]


def test_the_centre_that_was_found_is_used_and_outlasts_the_session(session: Session) -> None:
    """Lost: maps beside the image, and the alignment of the day before. The image stands at 0.13 and -0.08 um."""
    lines = run(session, "tplm_centre")
    assert len(lines) >= 4
    assert {one[0][1]["plan_name"] for one in lines} == {"tplm_centre"}
    assert len({one[0][1]["series"] for one in lines}) == 1
    (later,) = run(session, "tplm_power_series", settings=[(10.0, 2.5)], positions=3)
    assert later[0][1]["centre_um"] == pytest.approx([0.13, -0.08], abs=0.02)
    assert later[0][1]["plan_name"] == "tplm_map"
    saved = calibration_file(session.configuration).read()
    assert saved["image_centre_x"].value["value_um"] == later[0][1]["centre_um"][0]
    assert saved["image_centre_x"].run_uid == saved["image_centre_x"].value["run"]
    assert later[0][1]["calibrated_at_s"]["image_centre_y"] == saved["image_centre_y"].value["measured_s"]


def test_too_many_photons_make_a_point_bad(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: pile-up and full channels that nobody sees, in runs that look good."""
    timing: Any = session.beamline.exposure
    monkeypatch.setattr(timing, "count_share_high", 1e-4)
    monkeypatch.setattr(timing, "channel_high", 1)
    with pytest.raises(AcquisitionError, match=r"pile_up.*channel_full"):
        run(session, "tplm_map")
    assert session.beamline.laser_shutter.position == "closed"


def test_a_spoilt_exposure_is_measured_again(session: Session) -> None:
    """A stranger's power, filter or place spoils an exposure; the map is whole all the same."""
    spoilt = False

    def spoil(name: str, _doc: Any) -> None:
        nonlocal spoilt
        if name == "event" and not spoilt:
            spoilt = True
            session.beamline.axes["nd_od"].set(1.0).wait(timeout=WAIT_S)

    token = session.run_engine.subscribe(spoil)
    try:
        (documents,) = run(session, "tplm_map", dwell_s=20.0)
    finally:
        session.run_engine.unsubscribe(token)  # type: ignore[no-untyped-call]  # bluesky's
    found = events_of(documents)
    # On a busy machine the same exposure may have another mark as well.
    assert any("nd_od" in event["quality"].split(",") for event in found)
    good = [event for event in found if not event["quality"]]
    assert [event["point_index"] for event in good] == list(range(documents[0][1]["num_points"]))
    assert {event["nd_od"] for event in good} == {0.0}


def test_a_laser_that_stops_suspends_the_map_and_a_weak_one_spoils_its_points(session: Session) -> None:
    """Lost: a night of maps without light, or at another power than their documents state."""
    wrong = {name: epics.PV(f"{MACRO}tplm:sim:{name}") for name in ("EmissionOff", "PowerShare")}
    assert all(one.wait_for_connection(timeout=WAIT_S) for one in wrong.values())
    struck: list[str] = []

    def strike(name: str, doc: Any) -> None:
        # The laser stops after the first point, and is weak after the first good point behind the suspension.
        if name != "event":
            return
        if "suspended" in doc["data"]:
            struck.append("suspended" if doc["data"]["suspended"] else "continued")
            wrong["EmissionOff"].put(0, wait=True)
        elif "laser_power_nw" in doc["data"]["quality"] and struck[-1] == "continued":
            struck.append("weak")
            wrong["PowerShare"].put(1.0, wait=True)
        elif not struck:
            struck.append("off")
            wrong["EmissionOff"].put(1, wait=True)
        elif struck[-1] == "continued":
            wrong["PowerShare"].put(0.7, wait=True)

    token = session.run_engine.subscribe(strike)
    try:
        (documents,) = run(session, "tplm_map", dwell_s=20.0)
    finally:
        session.run_engine.unsubscribe(token)  # type: ignore[no-untyped-call]  # bluesky's
        wrong["EmissionOff"].put(0)
        wrong["PowerShare"].put(1.0)
    good = [event for event in events_of(documents) if not event["quality"]]
    assert struck[:4] == ["off", "suspended", "continued", "weak"]
    assert [event["point_index"] for event in good] == list(range(documents[0][1]["num_points"]))
    assert all(event["laser_power_nw"] == pytest.approx(1.0, abs=0.02) for event in good)


@contextlib.contextmanager
def fault(session: Session, kind: str, exposures: tuple[int, int]) -> Iterator[None]:
    """Let a fault strike from one exposure of the next run on, and end it after another one."""
    switch = epics.PV(f"{MACRO}tplm:sim:Fault:{kind}")
    assert switch.wait_for_connection(timeout=WAIT_S)
    seen = 0

    def strike(name: str, _doc: Any) -> None:
        nonlocal seen
        seen += name == "event"
        if name == "event" and seen in exposures:
            switch.put(1e9 if seen == exposures[0] else 0.0, wait=True)

    token = session.run_engine.subscribe(strike)
    try:
        yield
    finally:
        session.run_engine.unsubscribe(token)  # type: ignore[no-untyped-call]  # bluesky's
        switch.put(0.0, wait=True)


def test_a_rate_that_is_changed_by_hand_spoils_points_of_no_map(session: Session) -> None:
    """Lost: a map at two rates, whose histograms have different lengths."""
    with fault(session, "RateByHand", (2, 99)):
        (documents,) = run(session, "tplm_map", dwell_s=20.0)
    found = events_of(documents)
    assert any("channels" in event["quality"].split(",") for event in found)
    assert {np.shape(event["tcspc_counts"]) for event in found} == {(25_000,)}
    good = [event for event in found if not event["quality"]]
    assert [event["point_index"] for event in good] == list(range(documents[0][1]["num_points"]))
    assert {round(event["sync_rate_hz"]) for event in good} == {2_500_000}


@pytest.mark.parametrize(
    ("kind", "remark"),
    [
        ("BacklashSkipped", "does not follow the image"),
        ("SpotJump", "does not follow the image"),
        ("Afterpulsing", "counts before the pulse change"),
    ],
)
def test_what_no_point_can_show_is_said_by_the_map(session: Session, kind: str, remark: str) -> None:
    """Lost: a diffusivity from places that the detector never saw, or of counts without light."""
    with fault(session, kind, (3, 6)):
        (documents,) = run(session, "tplm_map", power_nw=10.0, dwell_s=30.0, positions=11, step_um=0.2, centre_every=4)
    assert not any(event["quality"] for event in events_of(documents))
    table = reduce_run(documents).table()
    assert remark in table, table


def test_a_spot_that_has_had_its_dose_is_not_lit_again_without_saying_so(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost: a film that fades, and maps of it that pass for those of a fresh one."""
    timing: Any = session.beamline.exposure
    doses = timing.doses
    spot = spot_of(session.beamline)
    before = doses.at(spot)
    runs_before = len(list_runs(session.store, limit=100))
    monkeypatch.setattr(doses, "limit_nw_s", before + 6.0)
    with pytest.raises(InputError, match=r"gives the spot 7 nW s.*exceeds its limit.*piezo_x_um.*allow_dose=True"):
        run(session, "tplm_map", power_nw=1.0, dwell_s=1.0)
    assert len(list_runs(session.store, limit=100)) == runs_before
    run(session, "tplm_map", power_nw=1.0, dwell_s=1.0, allow_dose=True)
    assert doses.at(spot) == pytest.approx(before + 7.0, abs=0.1)
    monkeypatch.setattr(doses, "limit_nw_s", 6.0)
    with pytest.raises(InputError, match="dose"):
        run(session, "tplm_temperature_series", power_nw=1.0, dwell_s=1.0)


def test_an_interrupted_map_is_resumed_where_it_stopped(session: Session) -> None:
    """Lost: a quarter of an hour of beam time, because of one disk, cable or Ctrl-C."""
    events = 0

    def fail(name: str, _doc: Any) -> None:
        nonlocal events
        events += name == "event"
        if name == "event" and events == 3:
            raise OSError("disk full")

    session.run_engine.record_with(fail)
    with pytest.raises(OSError, match="disk full"):
        run(session, "tplm_map")
    (latest,) = list_runs(session.store, limit=1)
    broken = load_run(session.store, latest.uid)
    done = {(event["scan_index"], event["point_index"], event["laser_shutter"]) for event in events_of(broken)}
    (uid,) = session.measure_all(plans.resume_scan(session.beamline, broken[0][1], done))
    rest = load_run(session.store, uid)
    points = [event["point_index"] for one in (broken, rest) for event in events_of(one)]
    assert sorted(points) == list(range(broken[0][1]["num_points"]))
    assert rest[0][1]["resumes"] == broken[0][1]["uid"]
    assert rest[0][1]["held_axes"] == broken[0][1]["held_axes"]
    assert session.beamline.laser_shutter.position == "closed"


def test_wrong_arguments_move_nothing(session: Session) -> None:
    with pytest.raises(OutOfRangeError, match=r"power_nw = 2000 nW is outside 0.1 to 200 nW"):
        run(session, "tplm_map", power_nw=2000.0)
    with pytest.raises(InputError, match="give a list of pairs of power in nW"):
        run(session, "tplm_power_series", settings=[1.0, 2.0])
    with pytest.raises(OutOfRangeError, match="dwell_s = 61 s"):
        run(session, "tplm_map", dwell_s=61.0)
    with pytest.raises(ConfigurationError, match="no photon timing"):
        PLANS["tplm_map"].entry.detection(build_beamline(load_configuration().beamline))  # type: ignore[misc]  # every scan has a detection


def test_positions_are_approached_from_below_even_without_the_correction_of_the_record(session: Session) -> None:
    """Somebody sets BDST to 0: then only the axis itself takes out 8 um of play, 16 nm on the sample."""
    epics.caput(f"{MACRO}tplm:m1.BDST", 0.0, wait=True)
    axis = session.beamline.axes["x_um"]
    visited: list[float] = []
    motor: Any = axis
    motor.readback.subscribe(lambda value, **_: visited.append(value), run=False)
    try:
        session.run_engine(bps.mv(axis, 1.0))
        session.run_engine(bps.mv(axis, 0.5))
    finally:
        motor.readback.unsubscribe_all()
        epics.caput(f"{MACRO}tplm:m1.BDST", 0.02, wait=True)
    assert axis.position == pytest.approx(0.5, abs=0.002)
    # On the way down, from 1 um to 0.5 um, it passes the target by 0.05 um.
    down = visited[visited.index(max(visited)) :]
    assert min(down) == pytest.approx(0.45 * 0.495, abs=1e-3)


def test_the_doctor_knows_the_microscope(session: Session) -> None:
    assert {one.remark for one in diagnose(session.beamline) if one.state is not PvState.ALIVE} == set()


def test_an_endstation_without_x_rays_has_no_tables_of_them() -> None:
    """Lost: a file of a microscope that must describe a monochromator."""
    line = build_beamline(load_configuration("tplm").beamline)
    assert isinstance(line.exposure, PhotonTiming)
    assert not {"energy_ev", "delay_ps", "fluence_mj_cm2"} & line.axes.keys()
    assert {signal.pvname for signal in line.signals()} >= {"tplm:m1", "tplm:HARP:Frame", "tplm:LS335:TC1:IN1"}
    assert all(signal.pvname for signal in line.signals())
    with pytest.raises(InputError, match="no monochromator"):
        line.energy.check_value(7000.0)
    with pytest.raises(InputError, match="no laser delay"):
        line.delay.check_value(0.0)


def test_conditions_of_the_configuration_close_the_shutter_and_have_limits_on_one_side() -> None:
    emission, sync = further_conditions(load_configuration("tplm").beamline.conditions, "t:")
    assert (emission.low, emission.high, sync.low) == (1.0, float("inf"), 1e5)
    assert sync.signal.pvname == "t:tplm:HARP:COUNT_RATE_0"
    assert emission.closes
    assert not emission.holds(0.0)
