"""If these fail, a spectrum is measured at a temperature other than it states, or a scan waits for the cell forever."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from devices.axes.cell import Cell
from devices.configuration import CellSettings
from devices.sample_stage import SampleStage
from errors import InputError, MotionError, NotConnectedError, OutOfRangeError
from tests.support.waiting import WAIT_S
from trxas.configuration import load_configuration

MACRO = "cell:"
PREFIX = f"{MACRO}7idd:cell:"


@pytest.fixture(scope="module")
def ioc(start_ioc: Any) -> Iterator[Any]:
    with start_ioc("-m", "sim", "--macro", MACRO, "--speed", "2000") as running:
        yield running


def settings(**changes: Any) -> CellSettings:
    configured = load_configuration().beamline.cell
    assert configured is not None
    return replace(configured, **({"settle_s": 0.2, "poll_s": 0.02, "timeout_s": WAIT_S} | changes))


def make(**changes: Any) -> Cell:
    cell = Cell(settings(**changes), prefix=MACRO, name="cell")
    cell.wait_for_connection(timeout=WAIT_S)
    return cell


@pytest.fixture
def cell(ioc: Any) -> Cell:
    return make()


def test_the_true_temperature_is_reached_over_a_thermocouple_that_is_off(cell: Cell, get: Any) -> None:
    cell.set(60.0).wait(timeout=WAIT_S)
    assert cell.read()["temperature_c"]["value"] == pytest.approx(60.0, abs=0.5)
    assert get(f"{PREFIX}Setpoint") == pytest.approx(1.02 * 60.0 + 1.5, abs=1e-3)
    assert get(f"{PREFIX}TemperatureAI") == pytest.approx(1.02 * 60.0 + 1.5, abs=0.5)
    assert get(f"{PREFIX}InPosition") == 1
    assert cell.describe()["temperature_c"]["units"] == "C"


def test_both_ends_of_the_range_can_be_reached(cell: Cell) -> None:
    for temperature_c in (20.0, 160.0):
        cell.set(temperature_c).wait(timeout=WAIT_S)
        assert cell.position == pytest.approx(temperature_c, abs=0.5)


def test_settling_outlasts_arriving(start_ioc: Any, recorder: Any) -> None:
    """Done only after the band was held; the powder lags, and the first moment in band is not the last."""
    with start_ioc("-m", "sim", "--macro", "lag:", "--speed", "40"):
        cell = Cell(settings(settle_s=0.0), prefix="lag:", name="cell")
        cell.wait_for_connection(timeout=WAIT_S)
        readings = recorder("lag:7idd:cell:TemperatureAI")
        in_position = recorder("lag:7idd:cell:InPosition")
        cell.set(35.0).wait(timeout=WAIT_S)
        readings.wait(lambda values: abs(values[-1] - 37.2) < 0.51)
        # 20 C/min from 22 C takes 39 s of beam, the lag trails by 10 C: some readings come on the way.
        assert sum(23.0 < value < 36.0 for value in readings.values) >= 2
        in_position.wait(lambda values: values[-1] == 1)


@pytest.mark.parametrize("temperature_c", [19.9, 160.1, -40.0])
def test_a_temperature_outside_the_range_is_refused(cell: Cell, get: Any, temperature_c: float) -> None:
    before = get(f"{PREFIX}Setpoint")
    with pytest.raises(OutOfRangeError, match="20 to 160 C"):
        cell.set(temperature_c)
    assert get(f"{PREFIX}Setpoint") == before


@pytest.mark.parametrize("temperature_c", [float("nan"), "hot", None])
def test_what_is_no_temperature_is_refused(cell: Cell, temperature_c: object) -> None:
    with pytest.raises(InputError, match="not a finite number"):
        cell.set(temperature_c)  # type: ignore[arg-type]


def test_limits_of_the_controller_count_too(ioc: Any) -> None:
    with pytest.raises(OutOfRangeError, match="7idd:cell:Setpoint"):
        make(high_c=300.0).set(250.0)


def test_the_server_refuses_what_no_client_should_ask(ioc: Any, caproto_put: Any, get: Any) -> None:
    before = get(f"{PREFIX}Setpoint")
    assert "Limits are set to 20.0 and 170.0" in caproto_put(f"{PREFIX}Setpoint", 500.0)
    assert get(f"{PREFIX}Setpoint") == before
    rate = get(f"{PREFIX}RampRate")
    caproto_put(f"{PREFIX}RampRate", 0.0)
    assert get(f"{PREFIX}RampRate") == rate


def test_a_temperature_that_never_settles_reports_what_it_saw(ioc: Any, put: Any, recorder: Any) -> None:
    """Somebody switches the heater off: the scan must not start, and not wait forever."""
    cell = make(timeout_s=1.5)
    heater = recorder(f"{PREFIX}Heater")
    cell.set(100.0).wait(timeout=WAIT_S)
    status = cell.set(140.0)
    heater.wait(lambda values: values[-1] == 1)
    failed = threading.Event()
    status.add_callback(lambda status: failed.set())
    while not failed.wait(0.05):
        put(f"{PREFIX}Heater", 0)
    with pytest.raises(MotionError) as caught:
        status.wait(timeout=WAIT_S)
    message = str(caught.value)
    assert f"{PREFIX}TemperatureAI must stay within 139.5 to 140.5 C" in message
    assert "within 1.5 s" in message
    assert "last reading" in message


def test_a_band_narrower_than_the_calibration_never_settles(ioc: Any) -> None:
    """A wrong gain in the configuration shows as a cell that does not get there by its own account."""
    cell = make(timeout_s=1.0, tolerance_c=0.5, in_position="7idd:laser:Shutter")
    with pytest.raises(MotionError, match=r"7idd:laser:Shutter confirm it; last reading"):
        cell.set(80.0).wait(timeout=WAIT_S)


def test_a_new_target_ends_waiting_for_the_old_one(cell: Cell) -> None:
    first = cell.set(150.0)
    second = cell.set(30.0)
    with pytest.raises(MotionError, match="sent elsewhere on its way to 150 C"):
        first.wait(timeout=WAIT_S)
    second.wait(timeout=WAIT_S)
    assert cell.position == pytest.approx(30.0, abs=0.5)


def test_stop_holds_the_temperature_of_now(start_ioc: Any, get: Any, recorder: Any) -> None:
    with start_ioc("-m", "sim", "--macro", "hold:", "--speed", "20"):
        cell = Cell(settings(), prefix="hold:", name="cell")
        cell.wait_for_connection(timeout=WAIT_S)
        readings = recorder("hold:7idd:cell:TemperatureAI")
        status = cell.set(150.0)
        readings.wait(lambda values: values[-1] > 30.0)
        cell.stop()
        with pytest.raises(MotionError, match="was stopped"):
            status.wait(timeout=WAIT_S)
        assert 30.0 < get("hold:7idd:cell:Setpoint") < 120.0


def test_a_cell_that_is_not_there_is_named(ioc: Any) -> None:
    cell = Cell(settings(), prefix="nowhere:", name="cell")
    with pytest.raises(NotConnectedError, match="nowhere:7idd:cell:TemperatureAI"):
        cell.set(60.0).wait(timeout=WAIT_S)


def test_a_controller_that_dies_on_the_way_is_an_error(start_ioc: Any, recorder: Any) -> None:
    with start_ioc("-m", "sim", "--macro", "gone:", "--speed", "20") as ioc:
        cell = Cell(settings(), prefix="gone:", name="cell")
        cell.wait_for_connection(timeout=WAIT_S)
        readings = recorder("gone:7idd:cell:TemperatureAI")
        status = cell.set(150.0)
        readings.wait(lambda values: values[-1] > 30.0)
        ioc.process.kill()
        with pytest.raises(NotConnectedError, match="gone:7idd:cell:"):
            status.wait(timeout=WAIT_S)
        cell.stop()


def test_the_stage_exchanges_the_samples(ioc: Any, get: Any) -> None:
    stage = SampleStage(settings(), prefix=MACRO, name="sample_stage")
    stage.wait_for_connection(timeout=WAIT_S)
    for sample, state in (("cell", 1), ("jet", 0)):
        stage.set(sample).wait(timeout=WAIT_S)
        assert stage.position == sample
        assert get(f"{MACRO}7idd:sample:Status") == state
        assert stage.read()["sample_stage"]["value"] == sample
    with pytest.raises(InputError, match='"jet" or "cell"'):
        stage.set("foil")
