"""If these fail, a plan that ends badly leaves laser or X-rays on the sample."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import bluesky.preprocessors as bpp
import pytest
from bluesky.utils import Msg, RunEngineInterrupted

from errors import MotionError
from tests.support.disturbed_plans import (
    TO_DEVICES,
    Messages,
    abort_at,
    disturb,
    fail_at,
    pause_at,
    places,
)
from tests.support.quick_plans import PLANS, QUICK, quick_plan
from tests.support.recorded_runs import RecordedRuns


def test_every_plan_can_be_run_in_a_moment() -> None:
    """If this fails, a plan needs an argument that `quick_plans` does not give, or is gone: so are the tests below."""
    assert QUICK.keys() == set(PLANS)
    for name, given in QUICK.items():
        assert {one.name for one in PLANS[name].entry.parameters if one.required} <= given.keys()


@pytest.mark.long
@pytest.mark.parametrize("disturbance", [fail_at, abort_at, pause_at])
@pytest.mark.parametrize("name", PLANS)
def test_a_plan_disturbed_at_any_message_leaves_the_shutters_shut(
    name: str, disturbance: Callable[..., None], tmp_path: Path
) -> None:
    found = places(name, tmp_path, TO_DEVICES if disturbance is fail_at else ())
    if disturbance is pause_at:
        # Before its first message a plan has done nothing.
        found = found[1:]
    disturb(name, tmp_path, [(disturbance, place) for place in found])


def test_a_laser_shutter_that_sticks_at_a_pause_is_said_and_keeps_the_xrays_from_nothing(
    recorded: RecordedRuns, caplog: pytest.LogCaptureFixture
) -> None:
    """Lost: the X-rays stay on the sample as well, and the engine ends without cleaning up."""

    def stick() -> Messages:
        recorded.line.laser_shutter.setpoint.on_put = lambda value: None
        yield Msg("pause", None, defer=False)

    triggered = itertools.count()
    plan = bpp.plan_mutator(
        quick_plan(recorded.line, "energy_scan"),
        lambda message: (None, stick()) if message.command == "trigger" and not next(triggered) else (None, None),
    )
    with pytest.raises(RunEngineInterrupted):
        recorded.run(plan)
    assert recorded.engine.state == "paused"
    assert recorded.line.xray_shutter.position == "closed"
    assert "THE laser_shutter MAY STILL BE OPEN" in caplog.text
    with pytest.raises(MotionError, match="LASER MAY STILL BE ON THE SAMPLE"):
        recorded.engine.abort()
