"""If these fail, a detector of the list is missing in a run, and nobody knows before the run is reduced."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import plans
from devices.beamline import Beamline
from devices.configuration.detector_list import entries_of
from devices.configuration.listed_detectors import DriftDetector, IonChamber
from devices.names import DetectorRole
from plans.resume import resume_scan
from storage import open_store
from tests.support.detector_files import DIODES, FURTHER, I0, list_file
from tests.support.fake_fly_scans import with_fly_scans
from tests.support.fake_sequencer import with_sequencer
from tests.support.recorded_runs import RecordedRuns
from trxas.configuration import load_configuration
from trxas.prompt.dry_run import planned_runs
from trxas.session.plan_times import PlanTimes
from trxas.window.docks import form_settings
from trxas.window.plan_forms import known_plans

DRIFT = DriftDetector(
    name="drift",
    role=DetectorRole.FLUORESCENCE,
    records=(("d:1", "d:2", "d:3", "d:4", "d:5"),),
    input_rates=("d:icr",),
    output_rates=("d:ocr",),
)
BEHIND = IonChamber(name="behind", role=DetectorRole.TRANSMISSION, channel=6)
LEFT_OUT = 'Detectors not read with stepping="{}": drift, behind. To read them too, give stepping="software".'


class Listed(RecordedRuns):
    """Runs at a beamline in memory with a sequencer, or with fly scans, and two detectors alongside the exposure."""

    def __init__(self) -> None:
        super().__init__()
        configuration = self.line.configuration
        listed = replace(configuration, detectors=(*entries_of(configuration.exposure), DRIFT, BEHIND))
        self.beamline: Beamline = replace(with_sequencer(self.line)[0], configuration=listed)
        self.flying: Beamline = replace(with_fly_scans(self.line)[0], configuration=listed)


@pytest.fixture
def listed() -> Iterator[Listed]:
    with Listed() as runs:
        yield runs


def delay_scan(line: Beamline, stepping: str = "hardware") -> Any:
    return plans.delay_scan(line, "Br K", delays_ps=[-100.0, 100.0], dwell_s=1.0, stepping=stepping)


def energy_scan(line: Beamline) -> Any:
    regions: Any = [(13_460.0, 13_470.0, 1.0)]
    return plans.energy_scan(line, "Br K", delay_ps=100.0, regions_ev=regions, dwell_s=0.2, stepping="fly",
                             allow_unreducible=True)  # fmt: skip


def test_detectors_that_a_run_leaves_out_are_named_before_anything_moves(
    listed: Listed, caplog: pytest.LogCaptureFixture
) -> None:
    """Lost: the drift detector of a night of hardware stepping."""
    moves_at: list[int] = []

    class Counting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "not read" in record.getMessage():
                moves_at.append(len(listed.hardware.moves))

    handler = Counting()
    logging.getLogger("trxas.plans").addHandler(handler)
    try:
        listed.engine(delay_scan(listed.beamline))
        start = listed.documents[0][1]
        assert caplog.messages.count(LEFT_OUT.format("hardware")) == 1
        assert moves_at == [0]
        listed.engine(resume_scan(listed.beamline, start, [(0, 0, 1)]))
        assert caplog.messages.count(LEFT_OUT.format("hardware")) == 2
        caplog.clear()
        listed.engine(energy_scan(listed.flying))
        assert caplog.messages.count(LEFT_OUT.format("fly")) == 1
    finally:
        logging.getLogger("trxas.plans").removeHandler(handler)


def test_single_steps_and_a_beamline_without_further_detectors_need_no_warning(
    listed: Listed, caplog: pytest.LogCaptureFixture
) -> None:
    """Lost: the meaning of a warning that comes before every scan."""
    listed.engine(delay_scan(listed.beamline, "software"))
    listed.engine(delay_scan(with_sequencer(listed.line)[0]))
    assert "not read" not in caplog.text


def test_a_dry_run_names_them(listed: Listed, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Lost: the only look at a scan before the night."""
    store = open_store(tmp_path, recover_runs=False)
    times = PlanTimes(tmp_path, dict, float)
    session: Any = SimpleNamespace(beamline=listed.beamline, store=store, plan_times=times)
    (hardware,) = planned_runs(session, delay_scan(listed.beamline))
    (fly,) = planned_runs(session, energy_scan(listed.flying))
    (software,) = planned_runs(session, delay_scan(listed.beamline, "software"))
    assert LEFT_OUT.format("hardware") in hardware.expects
    assert LEFT_OUT.format("fly") in fly.expects
    assert not any("not read" in sentence for sentence in software.expects)
    assert "not read" not in caplog.text
    assert listed.hardware.moves == []


def test_the_form_names_them(tmp_path: Path) -> None:
    """Lost: the same look for those who queue their scans in the window."""
    configuration = load_configuration(list_file(tmp_path, I0 + DIODES + FURTHER)).beamline
    signature = known_plans(configuration)["delay_scan"]
    settings = form_settings(configuration)
    hardware = settings.forecast(signature, {"edge": "Br K", "stepping": "hardware"})
    software = settings.forecast(signature, {"edge": "Br K"})
    assert hardware is not None
    assert software is not None
    assert 'not read with stepping="hardware": behind, boxcar_3s, boxcar_6s, drift, total, stock.' in hardware.expects
    assert "not read" not in software.expects
