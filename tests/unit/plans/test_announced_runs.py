"""If these fail, a dry run moves something, or shows another run than the one that would be measured."""

from __future__ import annotations

import pytest
from bluesky import RunEngine
from bluesky.plans import count

import plans
from devices.names import AxisName
from errors import InputError
from plans.edges import BR_K
from plans.engine.scanning import announced_requests
from plans.resume import repeated_request
from tests.support.fake_beamline import FakeHardware
from trxas.prompt.dry_run import changes, moves, summary


@pytest.fixture
def hardware() -> FakeHardware:
    return FakeHardware()


def test_a_plan_tells_its_run_and_moves_nothing(hardware: FakeHardware) -> None:
    """Lost: the point of a dry run."""
    line = hardware.beamline
    before = line.delay.position
    plan = plans.delay_scan(line, "Br K", delays_ps=[-100.0, 0.0, 300.0], dwell_s=2.0, repeats=2, sample="vial 3")
    (request,) = announced_requests(plan)
    assert summary(request) == "delay_scan Br K of vial 3: 6 exposures, 12 s of counting"
    rows = {row[0]: row[1:] for row in moves(line, request)}
    assert rows["delay_ps"] == (f"{before:.6g}", "-100", "-100", "300", "ps")
    assert rows["energy_ev"][1:] == (*[f"{BR_K.main_feature_ev:.6g}"] * 3, "eV")
    assert hardware.moves == []
    with pytest.raises(StopIteration):
        next(plan)


def test_a_stock_plan_announces_nothing(hardware: FakeHardware) -> None:
    """Lost: a clear answer for a plan that is not one of trxas."""
    assert announced_requests(count([], 1)) == ()


def test_a_run_is_repeated_with_its_settings(hardware: FakeHardware) -> None:
    """Lost: the settings of a good run, or a new run that takes itself for a part of the old one."""
    line = hardware.beamline
    documents: list[tuple[str, dict[str, object]]] = []
    engine = RunEngine({})
    engine.subscribe(lambda name, doc: documents.append((name, doc)))
    engine(plans.delay_scan(line, "Pb L3", delays_ps=[0.0, 50.0], dwell_s=1.0, sample="a", md={"vial": 3}))
    first = documents[0][1]
    documents.clear()
    engine(plans.repeat_scan(line, first))
    second = documents[0][1]
    for key in ("plan_name", "edge", "grid", "dwell_s", "repeats", "order", "sample", "vial", str(AxisName.ENERGY)):
        assert second[key] == first[key], key
    assert second["repeats_run"] == first["uid"]
    assert second["series"] != first["series"]
    assert "resumes" not in second


def test_a_run_of_another_beamline_is_not_repeated(hardware: FakeHardware) -> None:
    """Lost: the axes of this beamline, at the positions of another."""
    with pytest.raises(InputError, match="resume it there"):
        repeated_request(hardware.beamline, {"uid": "u", "plan_name": "delay_scan", "beamline": "elsewhere"})


def test_changed_calibrations_are_named() -> None:
    """Lost: the reason why the same settings give another spectrum."""
    then = {"time_zero_raw_ps": 10.0, "beamline": "7ID-D", "attenuator": {"maximum_w": 1.0}}
    now = {"time_zero_raw_ps": 12.5, "beamline": "7ID-D", "attenuator": {"maximum_w": 1.0}, "unknown": 3}
    assert list(changes(then, now)) == [("time_zero_raw_ps", "10", "12.5")]
