"""If these fail, the delays of all gates but the first are wrong by n bunches times an error that nobody sees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import plans
from devices.bunch_period import BunchPeriod, PeriodSource, period_from_rf
from devices.configuration import beamline_from_table, read_toml
from errors import ConfigurationError, InputError, OutOfRangeError
from storage.calibrations import CalibrationFile
from tests.support.fake_beamline import RF_MHZ, FakeHardware
from tests.support.quick_plans import quick_plan
from tests.support.recorded_runs import RecordedRuns
from tests.support.scheme_files import SCHEMES
from tests.unit.devices.test_pump_scheme import content
from trxas.configuration import DEFAULT_CONFIGURATION
from trxas.session.calibrations import PERIOD, SessionCalibrations, current

TRUE_PS = 1e12 * 1104.0 / 299_792_458.0 / 24
CONFIGURED = BunchPeriod(period_ps=153_400.0, error_ps=29.0, source=PeriodSource.CONFIGURATION.value)


def unserved(line: Any) -> None:
    """Take the RF frequency away."""
    line.ring.rf_frequency.answers = False


@pytest.mark.parametrize(
    ("frequency", "unit"), [(RF_MHZ, "MHz"), (1e3 * RF_MHZ, "kHz"), (1e6 * RF_MHZ, "Hz"), (1e6 * RF_MHZ, "")]
)
def test_the_rf_gives_the_period_in_any_unit(frequency: float, unit: str) -> None:
    found = period_from_rf(frequency, unit, 54, CONFIGURED)
    assert found is not None
    assert found.period_ps == pytest.approx(TRUE_PS, abs=0.2)
    assert found.error_ps < 0.2
    assert found.source == "RF frequency"


@pytest.mark.parametrize("frequency", [0.0, -351.93, 508.58, 351.93 * 1297 / 1296, 351.93e6])
def test_the_rf_of_another_ring_or_unit_gives_none(frequency: float) -> None:
    """Lost: a harmonic number that is wrong by one, 118 ps at the next pulse and 473 ps at the fourth."""
    assert period_from_rf(frequency, "MHz", 54, CONFIGURED) is None


def test_rf_then_measured_then_configured() -> None:
    """Lost: a measured period where the far better RF is there, or no period that was measured where it is not."""
    line = FakeHardware().beamline
    measured = BunchPeriod(period_ps=153_436.0, error_ps=4.0)
    line.ring.configure({"bunch_period": measured})
    by_rf = line.ring.current_period()
    assert by_rf.source == "RF frequency"
    assert line.ring.current_scheme().gate_delays_ps[4] == pytest.approx(4 * TRUE_PS, abs=1.0)
    line.ring.rf_frequency.sim_put(0.0)
    assert line.ring.current_period() == measured
    assert line.ring.state_text() == (
        "bunch period 153.436 ns, as measured; 7idd:ring:RFFrequencyAI is not used: it does not show about 352.021 MHz"
    )
    line.ring.rf_frequency.sim_put(RF_MHZ)
    line.ring.rf_frequency.set_alarm(3, 9)
    assert line.ring.current_period() == measured
    unserved(line)
    assert line.ring.current_period() == measured
    line.ring.configure({"bunch_period": BunchPeriod(period_ps=11_366.0, error_ps=4.0)})
    assert line.ring.current_period() == CONFIGURED
    assert line.ring.current_scheme() == line.configuration.scheme


def test_every_run_records_the_period_with_error_and_source(tmp_path: Path) -> None:
    """Lost: runs whose delays nobody can correct, as it is not known by which period they were stated."""
    with RecordedRuns() as runs:
        runs.run(quick_plan(runs.line, "delay_scan"))
        unserved(runs.line)
        runs.run(quick_plan(runs.line, "delay_scan"))
        runs.run(plans.apply_bunch_period(runs.line, 153_441.5, 4.2))
        runs.run(quick_plan(runs.line, "delay_scan"))
        found = [start["bunch_period"] for start in runs.starts]
        delays = [start["reduction"]["gate_delays_ps"] for start in runs.starts]
    assert [one["source"] for one in found] == ["RF frequency", "configuration", "measured"]
    assert found[2] == {"period_ps": 153_441.5, "error_ps": 4.2, "source": "measured"}
    for one, gates in zip(found, delays, strict=True):
        np.testing.assert_allclose(gates, one["period_ps"] * np.arange(5), rtol=1e-12)
    assert delays[1] == [0.0, 153_400.0, 306_800.0, 460_200.0, 613_600.0]


def test_a_measured_period_holds_in_the_next_session(tmp_path: Path) -> None:
    with RecordedRuns() as runs:
        calibrations = SessionCalibrations(runs.line, CalibrationFile(tmp_path, "7ID-D"))
        runs.run(calibrations.saving(plans.apply_bunch_period(runs.line, 153_441.5, 4.2)))
    later = FakeHardware().beamline
    unserved(later)
    SessionCalibrations(later, CalibrationFile(tmp_path, "7ID-D")).restore()
    assert later.ring.current_period() == BunchPeriod(period_ps=153_441.5, error_ps=4.2)
    assert current(later)[PERIOD]["source"] == "measured"


@pytest.mark.parametrize(
    ("period_ps", "error_ps", "error"),
    [(153_600.0, 4.0, OutOfRangeError), (153_440.0, 0.0, InputError), (float("nan"), 4.0, InputError)],
)
def test_a_period_of_another_fill_is_no_calibration(period_ps: float, error_ps: float, error: type[Exception]) -> None:
    with RecordedRuns() as runs:
        with pytest.raises(error):
            runs.run(plans.apply_bunch_period(runs.line, period_ps, error_ps))
        assert runs.line.ring.calibrated == CONFIGURED


@pytest.mark.parametrize("scheme", sorted(path.stem for path in SCHEMES.glob("*.toml")))
def test_the_buckets_of_a_scheme_are_those_of_its_bunch_period(scheme: str) -> None:
    """Lost: with [pump_scheme], the RF frequency of the ring itself would be refused, or stretch its gates."""
    configuration = beamline_from_table({**content(), **read_toml(SCHEMES / f"{scheme}.toml")}, scheme)
    table = configuration.pump_scheme
    assert table is not None
    rf_hz = 1e12 * table.buckets / table.revolution_ps
    found = period_from_rf(rf_hz, "Hz", configuration.buckets_per_bunch, configuration.bunch_period)
    assert found is not None
    assert found.period_ps == pytest.approx(configuration.scheme.bunch_period_ps, rel=1e-6)
    stretched = configuration.scheme.with_bunch_period(1.0002 * configuration.scheme.bunch_period_ps)
    np.testing.assert_allclose(stretched.gate_delays_ps, 1.0002 * np.array(configuration.scheme.gate_delays_ps))
    assert stretched.pump_period_ps == pytest.approx(1.0002 * configuration.scheme.pump_period_ps)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"harmonic_number": 0}, "harmonic_number is missing"),
        ({"bunches": 0}, "bunches is missing"),
        ({"bunches": 25}, "= 25: must divide harmonic_number = 1296"),
        ({"bunch_period_error_ps": 0.0}, "bunch_period_error_ps"),
    ],
)
def test_an_rf_frequency_without_its_buckets_is_refused(keys: dict[str, Any], message: str) -> None:
    table = read_toml(DEFAULT_CONFIGURATION)
    table.pop("storage")
    table["geometry"] |= keys
    with pytest.raises(ConfigurationError, match=message):
        beamline_from_table(table, "7id.toml")


def test_a_unit_that_is_none_of_frequency_is_refused() -> None:
    line = FakeHardware().beamline
    line.ring.rf_frequency._metadata["units"] = "ps"
    with pytest.raises(ConfigurationError, match="RFFrequencyAI is in ps, the configuration needs Hz, kHz, MHz, GHz"):
        line.check_units()
