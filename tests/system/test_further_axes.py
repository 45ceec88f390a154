"""If these fail, an axis that a user adds in the configuration file is not scanned, recorded or watched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import pytest

from devices.axes.further_axis import further_axis
from devices.configuration import RecordAxisSettings
from devices.supervision.health import PvState, diagnose
from errors import InputError, OutOfRangeError
from reduction.kinds import reduce_run
from storage import load_run
from tests.support.patient import patient
from tests.support.waiting import WAIT_S
from trxas.configuration import DEFAULT_CONFIGURATION, load_configuration
from trxas.session.session import Session, open_session

pytestmark = pytest.mark.channel_access
MACRO = "further:"
TABLE = """
[axes.nozzle_mm]
class_path = "ophyd.EpicsMotor"
pv = "7idd:m41"
unit = "mm"
low = -5.0
high = 5.0
tolerance = 0.01
"""


@pytest.fixture(scope="module")
def session(start_ioc: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    folder: Path = tmp_path_factory.mktemp("further")
    (folder / "mine.toml").write_text(DEFAULT_CONFIGURATION.read_text(encoding="utf-8") + TABLE, encoding="utf-8")
    configuration = patient(load_configuration(folder / "mine.toml", prefix=MACRO, data=folder / "data"))
    with (
        start_ioc("-m", "sim", "--macro", MACRO, "--speed", "2000", "--seed", "5"),
        open_session(configuration) as made,
    ):
        yield made


def test_it_moves_within_its_limits_and_is_diagnosed(session: Session) -> None:
    nozzle: Any = session.beamline.devices["nozzle_mm"]
    session.run_engine(bps.mv(nozzle, 1.5))
    assert nozzle.position == pytest.approx(1.5, abs=0.01)
    with pytest.raises(OutOfRangeError, match="-5 to 5 mm"):
        nozzle.set(6.0)
    states = {entry.pv: entry.state for entry in diagnose(session.beamline)}
    assert {states[f"{MACRO}7idd:m41{field}"] for field in (".VAL", ".RBV", ".STOP")} == {PvState.ALIVE}


@pytest.mark.parametrize(
    ("class_path", "keys"),
    [
        ("ophyd.PVPositioner", {"done": "7idd:m41.DMOV", "stop": "7idd:m41.STOP"}),
        ("ophyd.PVPositionerPC", {}),
    ],
)
def test_a_set_point_and_a_read_back_make_a_positioner(session: Session, class_path: str, keys: dict[str, Any]) -> None:
    """If this fails, a power supply with a PV that reports its end needs Python."""
    settings = RecordAxisSettings(
        class_path=class_path, setpoint="7idd:m41.VAL", readback="7idd:m41.RBV",
        unit="mm", low=-5.0, high=5.0, tolerance=0.01, timeout_s=WAIT_S, **keys,
    )  # fmt: skip
    axis = further_axis(settings, prefix=MACRO, name="other_mm")
    for walked in axis.walk_signals():
        walked.item.wait_for_connection(timeout=WAIT_S)
    for target in (2.5, 2.5, -1.0):
        axis.set(target).wait(timeout=WAIT_S)
        assert axis.position == pytest.approx(target, abs=0.01)
    with pytest.raises(OutOfRangeError, match="-5 to 5 mm"):
        axis.set(5.5)


def test_it_is_scanned_recorded_and_reduced(session: Session) -> None:
    plan = session.plans()["axis_scan"]("nozzle_mm", [-1.0, 0.0, 1.0], dwell_s=6.0, repeats=2)
    documents = load_run(session.store, session.measure(plan))
    start = documents[0][1]
    assert start["grid"] == {"axis": "nozzle_mm", "points": [-1.0, 0.0, 1.0]}
    results: Any = reduce_run(documents)
    assert list(results.position) == pytest.approx([-1.0, 0.0, 1.0], abs=0.01)
    # 2 % of the signal at 100 ps; 12 s per point leave an error of 0.1 %: the bound is ten of them away.
    assert all(change == pytest.approx(-0.02, abs=0.011) for change in results.change)
    assert "% of unpumped" in results.table()


def test_other_scans_record_it_too(session: Session) -> None:
    session.run_engine(bps.mv(session.beamline.devices["nozzle_mm"], 0.7))
    uid = session.measure(session.plans()["delay_scan"]("Br K", delays_ps=[0.0, 100.0], dwell_s=1.0))
    events = [doc["data"] for name, doc in load_run(session.store, uid) if name == "event"]
    assert [event["nozzle_mm"] for event in events] == pytest.approx([0.7, 0.7], abs=0.01)


def test_a_map_is_measured_back_and_forth_and_fitted_as_a_whole(session: Session) -> None:
    """If this fails, an energy x delay map has to be put together from single scans."""
    energies, delays = [13_466.0, 13_472.0, 13_478.0], [-300.0, -100.0, 60.0, 150.0, 400.0, 1_000.0]
    plan = session.plans()["grid_scan"]("Br K", energies, delays, dwell_s=300.0)
    documents = load_run(session.store, session.measure(plan))
    assert documents[0][1]["grid"]["shape"] == [3, 6]
    order = [doc["data"]["point_index"] for name, doc in documents if name == "event"]
    assert order == [*range(6), *range(11, 5, -1), *range(12, 18)]
    results: Any = reduce_run(documents, kinetics="1+offset")
    assert results.remarks == ()
    assert results.map.change.shape == (3, 6)
    # 300 s at the main feature: a bleach of 2.8 %, with an error of 0.15 %.
    first = results.fit.spectra[:, 1].sum()
    assert -0.08 < first < -0.02
    assert "spectrum of offset" in results.table()


def test_a_name_that_is_not_configured_is_refused(session: Session) -> None:
    with pytest.raises(InputError, match="give one of nozzle_mm"):
        session.measure(session.plans()["axis_scan"]("magnet", [0.0, 1.0]))
