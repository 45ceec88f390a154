"""If these fail, the devices of the powder cell pass on what no detector counts, or trust a cell that is not there."""

from __future__ import annotations

import itertools
import math
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ophyd.sim import make_fake_device
from ophyd.status import StatusBase

from devices.axes.cell import Cell
from devices.configuration import CellSettings, beamline_from_table
from devices.detectors.sdd import parse_sdd_frame
from devices.exposure.gated_detectors import SimultaneousDetectors
from devices.sample_stage import SampleStage
from devices.signals.uncached_signal import PvReading
from errors import AcquisitionError, ConfigurationError, MotionError
from tests.support.fake_beamline import configuration
from tests.support.waiting import WAIT_S
from trxas.configuration import DEFAULT_CONFIGURATION

FRAME = [7.0, 2.0, *range(100, 105), *[5e4] * 5, *[4e4] * 5]


def cell_settings(**changes: Any) -> CellSettings:
    configured = configuration().cell
    assert configured is not None
    return replace(configured, **({"settle_s": 0.0, "poll_s": 0.001, "timeout_s": 60.0} | changes))


class FakeCell:
    """A controller in memory: the thermocouple follows the set value by `error_c`."""

    def __init__(self, **changes: Any) -> None:
        self.error_c = 0.0
        self.cell: Any = make_fake_device(Cell)(cell_settings(**changes), prefix="", name="cell")
        self.cell.thermocouple.sim_put(24.0)
        self.cell.in_position.sim_put(1)
        self.cell.setpoint.on_put = self._go
        self.cell.setpoint_readback.sim_put(24.0)
        self.sent = threading.Event()

    def _go(self, raw: float) -> None:
        self.cell.setpoint_readback.sim_put(raw)
        self.cell.thermocouple.sim_put(raw + self.error_c)
        self.sent.set()


@given(temperature_c=st.floats(20, 160), gain=st.floats(0.5, 2), offset_c=st.floats(-20, 20))
def test_the_calibration_is_undone_on_the_way_back(temperature_c: float, gain: float, offset_c: float) -> None:
    cell: Any = make_fake_device(Cell)(cell_settings(gain=gain, offset_c=offset_c), prefix="", name="cell")
    raw = cell.raw_targets(temperature_c)["setpoint"]
    assert cell.value_from_raw({"thermocouple": raw}) == pytest.approx(temperature_c)


def test_a_cell_that_settles_is_done_with_heater_and_ramp_set() -> None:
    fake = FakeCell(ramp_c_min=12.5)
    fake.cell.set(60.0).wait(timeout=WAIT_S)
    assert fake.cell.heater.get() == 1
    assert fake.cell.ramp.get() == 12.5
    assert fake.cell.position == pytest.approx(60.0)


def test_a_set_value_that_is_not_taken_is_an_error() -> None:
    fake = FakeCell()
    fake.cell.setpoint.on_put = lambda value: None
    fake.cell.setpoint_readback.sim_put(25.0)
    with pytest.raises(MotionError, match=r"Setpoint stays at 25, wanted 62\.7"):
        fake.cell.set(60.0).wait(timeout=WAIT_S)


def test_out_of_its_band_a_cell_is_never_done() -> None:
    fake = FakeCell(timeout_s=0.2)
    fake.error_c = -1.0
    with pytest.raises(MotionError, match=r"59\.5 to 60\.5 C for 0 s .* last reading 59\.02 C"):
        fake.cell.set(60.0).wait(timeout=WAIT_S)


def test_leaving_the_band_restarts_the_settling() -> None:
    """A temperature that swings through its band must not count as settled."""
    fake = FakeCell(settle_s=1e-9, timeout_s=0.3)
    swing = itertools.cycle([62.7, 64.7])
    fake.cell.thermocouple.collect = lambda timeout_s: PvReading(next(swing))
    with pytest.raises(MotionError, match="did not settle"):
        fake.cell.set(60.0).wait(timeout=WAIT_S)


def test_a_controller_that_does_not_say_so_is_not_in_position() -> None:
    fake = FakeCell(timeout_s=0.2)
    fake.cell.in_position.sim_put(0)
    with pytest.raises(MotionError, match="7idd:cell:InPosition confirm it"):
        fake.cell.set(60.0).wait(timeout=WAIT_S)


def test_a_good_frame_is_read() -> None:
    frame = parse_sdd_frame(FRAME, 5, "pv")
    assert (frame.exposure_id, frame.exposure_s) == (7, 2.0)
    assert frame.counts.tolist() == [100, 101, 102, 103, 104]
    assert frame.input_rate.tolist() == [5e4] * 5
    assert frame.output_rate.tolist() == [4e4] * 5


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (FRAME[:-1], "pv has 16 numbers; 5 elements need 17"),
        ([*FRAME[:-1], math.nan], "NaN"),
        ([*FRAME[:-1], -1.0], "negative"),
        ([7.0, 2.0, 0.5, *FRAME[3:]], "not whole numbers"),
    ],
)
def test_a_frame_that_makes_no_sense_is_never_data(raw: list[float], message: str) -> None:
    with pytest.raises(AcquisitionError, match=message):
        parse_sdd_frame(raw, 5, "pv")


def table() -> dict[str, Any]:
    import tomllib

    content = tomllib.loads(Path(DEFAULT_CONFIGURATION).read_text(encoding="utf-8"))
    content.pop("storage")
    return content


def test_a_beamline_without_powder_cell_needs_no_tables_for_it() -> None:
    content = table()
    for name in ("cell", "sdd", "pilatus"):
        del content[name]
    bare = beamline_from_table(content, "bare.toml")
    assert (bare.cell, bare.sdd, bare.pilatus) == (None, None, None)


def test_a_wrong_key_in_an_optional_table_is_named() -> None:
    content = table()
    content["cell"]["tolerance_k"] = 1.0
    with pytest.raises(
        ConfigurationError,
        match=r"wrong\.toml has 1 fault:\n  \[cell\] tolerance_k is an unknown key\. Did you mean tolerance_c",
    ):
        beamline_from_table(content, "wrong.toml")


def test_a_cell_that_is_there_already_is_done_at_once() -> None:
    """A series settles once per temperature, not once per run; it must not believe a cell that somebody moved."""
    fake = FakeCell(settle_s=0.2)
    fake.cell.set(60.0).wait(timeout=WAIT_S)
    assert fake.cell.set(60.0).done
    for signal, astray in (
        (fake.cell.setpoint_readback, 40.0),
        (fake.cell.thermocouple, 70.0),
        (fake.cell.in_position, 0),
    ):
        before = signal.get()
        signal.sim_put(astray)
        assert not fake.cell.is_settled_at(60.0)
        signal.sim_put(before)
        assert fake.cell.is_settled_at(60.0)
    assert not fake.cell.is_settled_at(61.0)


def test_stop_leaves_a_settled_cell_alone_and_holds_one_on_its_way() -> None:
    """A scan that fails must not let the powder drift off; one that fails in the ramp must not heat on."""
    fake = FakeCell()
    fake.cell.stop()
    assert fake.cell.setpoint.get() != fake.cell.thermocouple.get()
    fake.cell.set(60.0).wait(timeout=WAIT_S)
    fake.cell.thermocouple.sim_put(62.9)
    fake.cell.stop()
    assert fake.cell.setpoint.get() == pytest.approx(62.7, abs=0.01)
    fake.error_c = -20.0
    fake.sent.clear()
    status = fake.cell.set(100.0)
    fake.sent.wait(WAIT_S)
    fake.cell.stop()
    with pytest.raises(MotionError, match="was stopped"):
        status.wait(timeout=WAIT_S)
    # 103.5 in the controller's reading was asked for; it reads 20 less.
    assert fake.cell.setpoint.get() == pytest.approx(83.5, abs=0.01)


def test_a_stage_that_is_there_already_does_not_move() -> None:
    stage: Any = make_fake_device(SampleStage)(cell_settings(), prefix="", name="sample_stage")
    stage.readback.sim_put(1)
    moves: list[int] = []
    stage.setpoint.on_put = moves.append
    stage.set("cell").wait(timeout=WAIT_S)
    assert moves == []


def test_detectors_triggered_together_are_done_together_and_fail_with_the_first() -> None:
    class Detector:
        name = "detector"

        def __init__(self) -> None:
            self.status = StatusBase()

        def trigger(self) -> StatusBase:
            return self.status

    both = [Detector(), Detector()]
    status = SimultaneousDetectors(both).trigger()
    both[0].status.set_finished()
    both[0].status.wait(timeout=WAIT_S)
    assert not status.done
    both[1].status.set_exception(AcquisitionError("no image"))
    with pytest.raises(AcquisitionError, match="no image"):
        status.wait(timeout=WAIT_S)
