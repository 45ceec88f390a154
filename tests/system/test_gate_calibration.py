"""If these fail, gates of different gain or zero pass for a transient, or nobody learns that they differ."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reduction.kinds import reduce_run
from reduction.values import Value
from reduction.xas.results import SpectrumResults
from reduction.xas.unpumped_size import transient_size
from storage import load_dataset, load_run
from tests.support.patient import patient
from trxas.configuration import Configuration, load_configuration
from trxas.prompt.welcome import welcome
from trxas.session.calibrations import calibration_file
from trxas.session.session import Session, open_session

MACRO = "gates:"
FAULT = """
[[faults]]
kind = "GateDrift"
at_s = 0
duration_s = inf
gain = 0.01
zero_v = 0.001
"""
REGIONS_EV = [(13_450, 13_460, 5), (13_466, 13_480, 2), (13_530, 13_570, 20)]


@pytest.fixture
def ioc(start_ioc: Any, tmp_path: Path) -> Iterator[Any]:
    faults = tmp_path / "faults.toml"
    faults.write_text(FAULT, encoding="utf-8")
    options = ("--macro", MACRO, "--speed", "5000", "--seed", "11", "--faults", str(faults))
    with start_ioc("-m", "sim", *options) as running:
        yield running


@pytest.fixture
def configuration(ioc: Any, tmp_path: Path) -> Configuration:
    return patient(load_configuration(prefix=MACRO, data=tmp_path / "data"))


def test_dark_and_blocked_exposures_calibrate_the_scans_that_follow(
    configuration: Configuration, capsys: pytest.CaptureFixture[str]
) -> None:
    """Gain off by 1 % and zero by 1 mV of 5 mV, over Channel Access, from the plans to the results."""
    with open_session(configuration) as session:
        before = scanned(session)
        offered, shutter = session.plans(), session.beamline.xray_shutter
        dark = session.measure(offered["dark_exposures"](delays_ps=[100.0], dwell_s=300.0, repeats=4))
        assert shutter.position == "open"
        blocked = session.measure(offered["blocked_exposures"](dwell_s=300.0, repeats=4))
        after = scanned(session)
        start = load_dataset(session.store, -1)[0][1]
        used = session.beamline.gates.calibration
        numbers = reduce_run(load_run(session.store, blocked)).table()
    shown = capsys.readouterr().out
    assert f"zeros and gains of run {blocked[:8]}" in shown
    assert "gate 0, boxcar" in numbers
    assert start["gate_calibration"]["dark"]["uid"] == dark
    assert start["gate_calibration"]["blocked"]["uid"] == blocked
    zeros = used["modes"]["boxcar"]["zero"]
    # The boxcar's signal goes negative with light, and events turn it round.
    assert zeros[0] - np.mean(zeros[1:]) == pytest.approx(-1e-3, abs=1e-5)
    with open_session(configuration) as session:
        assert session.beamline.gates.calibration == used
        assert "gate_calibration = zeros and gains of 5 gates" in welcome(session)
    assert calibration_file(configuration).read()["gate_calibration"].run_uid == blocked

    assert any("before the edge" in remark and "dark_exposures" in remark for remark in before.remarks)
    assert after.remarks == ()
    analog, counted = (sizes(after)[mode] for mode in ("boxcar", "spc"))
    assert analog.value == pytest.approx(counted.value, abs=5 * np.hypot(analog.sigma, counted.sigma))
    wrong = sizes(before)["boxcar"]
    assert abs(wrong.value - counted.value) > 20 * wrong.sigma


def scanned(session: Session) -> SpectrumResults:
    scan = session.plans()["energy_scan"]("Br K", delay_ps=100.0, regions_ev=REGIONS_EV, dwell_s=60.0)
    results = reduce_run(load_dataset(session.store, session.measure(scan)))
    assert isinstance(results, SpectrumResults)
    return results


def sizes(results: SpectrumResults) -> dict[str, Value]:
    return {spectrum.metadata.mode: transient_size(spectrum)[1] for spectrum in results.spectra}
