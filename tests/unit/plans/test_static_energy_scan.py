"""If these fail, static spectra ask for a laser they do not use, or hold another sample, temperature or detector."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import plans
from errors import (
    AcquisitionError,
    ConfigurationError,
    InputError,
    MotionError,
    NotConnectedError,
    NotSettledError,
    OutOfRangeError,
)
from plans.engine.spec import as_list
from reduction.xas.static_xas import accumulate_static, static_spectrum
from tests.support.recorded_runs import RecordedRuns
from trxas.configuration import DEFAULT_CONFIGURATION, load_configuration

CONFIGURATION = load_configuration(DEFAULT_CONFIGURATION).beamline
GRID = [(13_450, 13_460, 5), (13_460, 13_470, 2)]


def static_scan(recorded: RecordedRuns, edge: str = "Br K", **options: Any) -> Any:
    return recorded.run(
        plans.static_energy_scan(
            recorded.line, edge, **({"dwell_s": 1.0, "regions_ev": GRID, "allow_unreducible": True} | options)
        )
    )


def test_the_run_states_what_was_measured_and_the_events_hold_the_detector(recorded: RecordedRuns) -> None:
    uid = static_scan(recorded, temperature_c=60.0, repeats=2, sample="powder 1", series="s")
    (start,) = recorded.starts
    told = {key: start[key] for key in ("uid", "plan_name", "modes", "edge", "absorber", "temperature_c", "series")}
    assert told == {
        "uid": uid,
        "plan_name": "static_energy_scan",
        "modes": ["sdd"],
        "edge": "Br K",
        "absorber": "Br",
        "temperature_c": 60.0,
        "series": "s",
    }
    assert start["grid"] == {
        "axis": "energy_ev",
        "points": [13_450, 13_455, 13_460, 13_462, 13_464, 13_466, 13_468, 13_470],
    }
    assert [event["energy_ev"] for event in recorded.events] == pytest.approx(start["grid"]["points"] * 2)
    for event in recorded.events:
        assert event["sdd_counts"].tolist() == [100, 101, 102, 103, 104]
        assert event["sdd_input_rate"].tolist() == [5e4] * 5
        assert event["temperature_c"] == pytest.approx(60.0, abs=1e-3)
        assert (event["quality"], event["laser_shutter"], event["i0"]) == ("", 0, 1e6)
        assert "spc_counts" not in event
    assert recorded.stops[0]["exit_status"] == "success"


def test_the_reduction_understands_the_documents(recorded: RecordedRuns) -> None:
    def edge(_: str, doc: Any) -> None:
        recorded.hardware.sdd_counts = np.full(5, 300 if doc["data"]["energy_ev"] > 13_470 else 102)

    recorded.engine.subscribe(edge, "event")
    static_scan(recorded, regions_ev=None, temperature_c=40.0)
    spectrum = static_spectrum(accumulate_static(recorded.documents))
    assert spectrum.measured.energy_ev.size == len(recorded.starts[0]["grid"]["points"])
    assert spectrum.setpoint_c == 40.0
    # Five elements, a quarter more for their dead time, over I0.
    assert spectrum.measured.intensity[[0, -1]] == pytest.approx([510 * 1.25 / 1e6, 1500 * 1.25 / 1e6])


def test_sample_first_then_energy_then_temperature_and_never_the_laser(recorded: RecordedRuns) -> None:
    static_scan(recorded, temperature_c=60.0)
    names = [name for name, _ in recorded.hardware.moves]
    assert names.index("sample_stage") < names.index("energy") < names.index("cell")
    assert set(names) == {"dwell", "sample_stage", "energy", "laser_shutter", "cell"}
    assert 1 not in recorded.moved("laser_shutter")


def test_without_a_temperature_the_cell_stays_as_it_is(recorded: RecordedRuns) -> None:
    static_scan(recorded)
    assert recorded.moved("cell") == []
    assert recorded.line.cell is not None
    assert recorded.starts[0]["temperature_c"] == pytest.approx(recorded.line.cell.position, abs=0.01)


def test_a_settled_cell_is_not_waited_for_again_nor_stopped_by_a_failure(recorded: RecordedRuns) -> None:
    """Lost: hours, if every run of a series settles again, or a failed run lets the powder cool."""
    static_scan(recorded, temperature_c=60.0)
    static_scan(recorded, "Pb L3", temperature_c=60.0, regions_ev=[(13_000, 13_010, 5)])
    recorded.hardware.refused_triggers = 100
    with pytest.raises(AcquisitionError):
        static_scan(recorded, temperature_c=60.0)
    assert len(recorded.moved("cell")) == 1


@pytest.mark.parametrize("measure", ["static", "foil"])
def test_laser_jet_and_photodiodes_may_do_what_they_like(recorded: RecordedRuns, measure: str) -> None:
    """Lost: a day of powders, or a calibration, because a laser or a jet that they do not need is off."""
    line = recorded.line
    line.laser.lock.sim_put(0)
    line.laser.rate_divider.sim_put(4)
    line.surroundings.jet_flow.sim_put(0.0)
    recorded.hardware.counts = np.full((2, 5), 1_000_000)
    if measure == "static":
        static_scan(recorded)
    else:
        recorded.run(plans.foil_scan(line, regions_ev=[(13_030, 13_040, 5)]))
    assert {event["quality"] for event in recorded.events} == {""}
    with pytest.raises(AcquisitionError, match="jet_flow, laser_lock, laser_rate_divider"):
        recorded.run(plans.energy_scan(line, "Br K", delay_ps=100.0))


def test_pvs_that_are_not_used_need_not_be_there(recorded: RecordedRuns) -> None:
    line = recorded.line
    for signal in (line.delay.fine_readback, line.laser.lock, line.surroundings.jet_flow, line.fluence.angle_readback):
        signal.answers = False
    static_scan(recorded, temperature_c=30.0)
    assert len(recorded.events) == 8


def test_a_pumped_scan_gets_the_jet_back(recorded: RecordedRuns) -> None:
    """Lost: a run with the cell left in the beam, in which every photodiode counts nothing but is marked good."""
    static_scan(recorded)
    recorded.run(
        plans.energy_scan(
            recorded.line, "Br K", delay_ps=100.0, regions_ev=[(13_450, 13_452, 1)], allow_unreducible=True
        )
    )
    assert recorded.moved("sample_stage") == [1, 0]


@pytest.mark.parametrize(
    ("name", "signal", "value", "quality"),
    [
        ("sample_stage", "readback", 0, "sample_stage"),
        ("cell", "thermocouple", 70.0, "cell"),
    ],
)
def test_what_changes_during_the_scan_marks_the_points(
    recorded: RecordedRuns, name: str, signal: str, value: float, quality: str
) -> None:
    """If this fails, a point is stored that was measured with the wrong sample or at a wrong temperature."""
    line = recorded.line
    done: list[Any] = []

    def spoil(_: str, doc: Any) -> None:
        if doc["seq_num"] == 2 and not done:
            done.append(True)
            getattr(getattr(line, name), signal).sim_put(value)

    recorded.engine.subscribe(spoil, "event")
    static_scan(recorded, temperature_c=60.0)
    marked = [event["quality"] for event in recorded.events]
    assert marked[:3] == ["", "", quality]
    assert marked[3:] == [""] * 6
    assert recorded.events[3]["point_index"] == recorded.events[2]["point_index"] == 2


def test_dead_time_and_missing_counts_mark_the_points(recorded: RecordedRuns) -> None:
    sdd: Any = recorded.line.sdd
    sdd.failed_conditions = lambda frame: ["sdd_dead_time"]
    with pytest.raises(AcquisitionError, match="sdd_dead_time"):
        static_scan(recorded)
    assert {event["quality"] for event in recorded.events} == {"sdd_dead_time"}


def test_a_temperature_that_never_settles_ends_the_run_once_and_reports_why(recorded: RecordedRuns) -> None:
    """Lost: three times half an hour, if a cell that does not settle is tried again."""
    cell: Any = recorded.line.cell
    cell.timeout_s = 0.3
    recorded.hardware.cell_error_c = 3.0
    with pytest.raises(
        NotSettledError, match=r"7idd:cell:TemperatureAI must stay within 59\.5 to 60\.5 C.*last reading"
    ):
        static_scan(recorded, temperature_c=60.0)
    # Sent once, and then held where it is.
    assert recorded.moved("cell") == pytest.approx([62.70, 65.70], abs=0.01)
    assert recorded.stops[0]["exit_status"] == "fail"
    assert "did not settle" in recorded.stops[0]["reason"]
    assert recorded.events == []


def test_a_stage_that_does_not_arrive_ends_the_run(recorded: RecordedRuns) -> None:
    stage: Any = recorded.line.sample_stage
    stage.setpoint.on_put = lambda value: None
    with pytest.raises(MotionError, match="7idd:sample:Status"):
        static_scan(recorded)
    assert recorded.stops[0]["exit_status"] == "fail"


@pytest.mark.parametrize("device", ["cell", "sample_stage", "sdd"])
def test_a_missing_pv_of_the_cell_moves_nothing(recorded: RecordedRuns, device: str) -> None:
    made = getattr(recorded.line, device)
    signal = made.frame if device == "sdd" else made.thermocouple if device == "cell" else made.readback
    signal.answers = False
    with pytest.raises(NotConnectedError, match=signal.pvname):
        static_scan(recorded)
    recorded.assert_untouched()


@pytest.mark.parametrize("table", ["cell", "sdd"])
def test_a_beamline_without_the_cell_reports_which_table_is_missing(recorded: RecordedRuns, table: str) -> None:
    line = recorded.line
    bare = replace(line, configuration=replace(line.configuration, **{table: None}), powder=None)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=rf"no \[{table}\] in its configuration file"):
        recorded.run(plans.static_energy_scan(bare, "Br K"))
    recorded.assert_untouched()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"edge": "Cs L3"}, InputError, "out of the monochromator's reach"),
        ({"temperature_c": 200.0}, OutOfRangeError, "20 to 160 C"),
        ({"temperature_c": math.nan}, InputError, "temperature_c = nan"),
        ({"temperature_c": "hot"}, InputError, "not a finite number"),
        ({"regions_ev": []}, InputError, "empty"),
        ({"regions_ev": [(12_000, 12_100, 10)]}, OutOfRangeError, "12800 to 13700 eV"),
        ({"dwell_s": 0.0}, OutOfRangeError, r"0\.001 to 400 s"),
        ({"repeats": 0}, InputError, "1 to 10000"),
        ({"approach": "above"}, InputError, "'below', 'direct'"),
        ({"md": {"temperature_c": 5}}, InputError, "temperature_c"),
        ({"sample": 5}, InputError, "give a string"),
    ],
)
def test_bad_input_moves_nothing(
    recorded: RecordedRuns, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        static_scan(recorded, **options)
    recorded.assert_untouched()


def test_foil_scans_are_measured_with_each_spectrum_of_the_powder() -> None:
    """Lost: the energies of a temperature series, whose hours drift."""
    around = plans.static_energy_scan.entry.specs(CONFIGURATION, edge="Br K", foil="around", series="heating")
    assert isinstance(around, dict)
    assert list(around) == ["foil_before", "scan", "foil_after"]
    assert around["foil_before"].options.series == "heating"
    series = plans.temperature_series.entry.specs(
        CONFIGURATION, temperatures_c=[25.0, 60.0], edges=["Br K"], images=0, foil="before"
    )
    assert [one.plan_name for one in as_list(series)] == ["foil_scan", "static_energy_scan"] * 2
