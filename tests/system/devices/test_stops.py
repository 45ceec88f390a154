"""If these fail, nothing can be stopped: an exposure, a sequence or a series of images runs to its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ophyd import EpicsSignal

from devices.beamline import Beamline
from devices.exposure.life_cycle import ExposureTargets
from devices.exposure.planned_frames import FrameSequence, PlannedFrame
from devices.signals.connection import wait_connected
from devices.signals.uncached_signal import put_and_wait, put_with_completion
from tests.support.patient import patient
from tests.support.waiting import WAIT_S, until
from trxas.configuration import load_configuration
from trxas.session.session import Session, open_session

MACRO = "stops:"
DWELL_S = 300.0
"""Dwell of what is stopped, s, in real time: longer than any wait of a test."""


@pytest.fixture(scope="module")
def beamline(start_ioc: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beamline]:
    """A beamline in real time."""
    with start_ioc("-m", "sim", "--macro", MACRO, "--speed", "1", "--seed", "3"):
        configuration = patient(load_configuration(prefix=MACRO, data=tmp_path_factory.mktemp("data")))
        session: Session
        with open_session(configuration) as session:
            yield session.beamline


def test_an_exposure_ends_when_it_is_cut_short(beamline: Beamline) -> None:
    """Lost: beam time with a lost beam; and the laser shutter, which does not answer while the stop waits."""
    exposure: Any = beamline.exposure
    exposure.prepare(DWELL_S)
    status = exposure.trigger()
    until(lambda: exposure.counting.get(use_monitor=False), "the start of the exposure")
    exposure.cut_short()
    assert beamline.laser_shutter.position == "closed"
    status.wait(timeout=WAIT_S)
    exposure.trigger()
    exposure.stop()
    assert not exposure.counting.get(use_monitor=False)


def test_a_sequence_ends_when_it_is_stopped(beamline: Beamline) -> None:
    """Lost: a pause, which would have to wait for the end of the sequence."""
    reader: Any = beamline.sequences
    targets = ExposureTargets(positions={"delay_ps": 100.0}, laser_shutter=0)
    reader.start_run(frozenset())
    reader.prepare(FrameSequence(frames=[PlannedFrame(targets=targets, dwell_s=DWELL_S, slices=1)], token=7))
    reader.kickoff()
    until(lambda: reader.sequencer.state.get(use_monitor=False) == 2, "the start of the sequence")
    reader.pause()
    reader.complete().wait(timeout=WAIT_S)


@pytest.mark.parametrize("stop", [put_and_wait, put_with_completion])
def test_the_server_carries_out_writes_with_completion_one_after_the_other(
    bench: str, stop: Callable[..., None]
) -> None:
    """Otherwise a simulated beamline would allow stops that wait for an hour at a real one."""
    count = EpicsSignal(f"{bench}scaler1.CNT", name="count")
    preset = EpicsSignal(f"{bench}scaler1.TP", name="preset")
    wait_connected([count, preset], WAIT_S)
    put_and_wait(preset, 0.5)
    ended_s: list[float] = []
    began_s = time.monotonic()
    put_with_completion(count, 1, lambda **_: ended_s.append(time.monotonic() - began_s))
    arguments: tuple[Any, ...] = (WAIT_S,) if stop is put_and_wait else (lambda **_: None,)
    stop(count, 0, *arguments)
    until(lambda: ended_s, "the end of the exposure")
    assert ended_s[0] >= 0.5
