"""If these fail, an exposure is stored as another point's, or a wrong order of steps goes unnoticed."""

from __future__ import annotations

import pytest

from devices.exposure.life_cycle import ExposureLifeCycle, ExposurePhase, ExposureTargets
from errors import AcquisitionError
from tests.support.exposures import trigger_and_wait
from tests.support.fake_beamline import FakeHardware


def test_an_exposure_goes_from_armed_to_read() -> None:
    life = ExposureLifeCycle()
    phases = [life.phase]
    life.arm(ExposureTargets(point_index=3))
    phases.append(life.phase)
    number = life.start()
    phases.append(life.phase)
    life.end(number, succeeded=True)
    phases.append(life.phase)
    life.close()
    phases.append(life.phase)
    assert phases == [
        ExposurePhase.IDLE,
        ExposurePhase.ARMED,
        ExposurePhase.COUNTING,
        ExposurePhase.COUNTED,
        ExposurePhase.IDLE,
    ]
    assert life.targets.point_index == 3


@pytest.mark.parametrize("phase", [ExposurePhase.IDLE, ExposurePhase.COUNTING, ExposurePhase.COUNTED])
def test_only_an_armed_exposure_is_triggered(phase: ExposurePhase) -> None:
    life = in_phase(phase)
    with pytest.raises(AcquisitionError, match=f"Cannot trigger the exposure: it is {phase}, not armed"):
        life.start()


@pytest.mark.parametrize("phase", [ExposurePhase.IDLE, ExposurePhase.ARMED, ExposurePhase.COUNTING])
def test_only_a_counted_exposure_is_read(phase: ExposurePhase) -> None:
    life = in_phase(phase)
    with pytest.raises(AcquisitionError, match=f"Cannot read the exposure: it is {phase}, not counted"):
        life.close()


def in_phase(phase: ExposurePhase) -> ExposureLifeCycle:
    life = ExposureLifeCycle()
    if phase is ExposurePhase.IDLE:
        return life
    life.arm(ExposureTargets())
    if phase is ExposurePhase.ARMED:
        return life
    number = life.start()
    if phase is ExposurePhase.COUNTED:
        life.end(number, succeeded=True)
    return life


def test_the_late_end_of_an_abandoned_exposure_does_not_end_the_next() -> None:
    """Lost: the frames of one point under the name of another."""
    life = ExposureLifeCycle()
    life.arm(ExposureTargets())
    abandoned = life.start()
    life.arm(ExposureTargets(point_index=1))
    life.start()
    life.end(abandoned, succeeded=True)
    assert life.phase is ExposurePhase.COUNTING


def test_a_pause_puts_the_exposure_back_to_be_triggered_again() -> None:
    for phase in (ExposurePhase.COUNTING, ExposurePhase.COUNTED, ExposurePhase.ARMED):
        life = in_phase(phase)
        life.interrupt()
        assert life.phase is ExposurePhase.ARMED, phase
    idle = in_phase(ExposurePhase.IDLE)
    idle.interrupt()
    assert idle.phase is ExposurePhase.IDLE, "nothing was armed"


def test_a_failed_exposure_cannot_be_read() -> None:
    life = ExposureLifeCycle()
    life.arm(ExposureTargets())
    life.end(life.start(), succeeded=False)
    with pytest.raises(AcquisitionError, match="it is idle"):
        life.close()


def test_readers_of_the_same_beamline_do_not_disturb_each_other() -> None:
    """Lost: a scan of the jet that watches what the powder cell needs, because its reader was made last."""
    line = FakeHardware().beamline
    line.exposure.prepare(1.0)
    assert line.powder is not None
    line.point.start_run(frozenset({"ring_current", "jet_flow"}))
    line.powder.start_run(frozenset({"ring_current"}))
    line.point.arm(ExposureTargets(scan_index=2, point_index=5))
    trigger_and_wait(line.point)
    line.surroundings.jet_flow.sim_put(0.0)
    event = line.point.read()
    assert event["quality"]["value"] == "jet_flow"
    assert (event["scan_index"]["value"], event["point_index"]["value"]) == (2, 5)


def test_a_reader_reports_what_order_it_needs() -> None:
    line = FakeHardware().beamline
    line.exposure.prepare(1.0)
    with pytest.raises(AcquisitionError, match="Arm it with its targets before the trigger"):
        line.point.trigger()
    line.point.arm(ExposureTargets())
    with pytest.raises(AcquisitionError, match="Trigger it and wait for its end before reading"):
        line.point.read()
