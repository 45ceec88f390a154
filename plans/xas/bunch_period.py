"""The bunch period that a self-test of the delay axis has measured, as a calibration."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import bluesky.plan_stubs as bps
from bluesky.utils import Msg

from devices.beamline import Beamline
from devices.bunch_period import BunchPeriod, PeriodSource
from plans.parameters import PeriodErrorPs, PeriodPs
from plans.registry import Group, plan


@plan(group=Group.ALIGNMENT, order=11)
def apply_bunch_period(beamline: Beamline, period_ps: PeriodPs, error_ps: PeriodErrorPs) -> Generator[Msg, Any, str]:
    """Use a measured bunch period and its error; nothing moves.

    Take both from `delay_self_test`, which prints the call. Every later start document carries them as `bunch_period`,
    and the delays of all gates follow from it. An RF frequency that the ring serves takes precedence over a measured
    period. Returns the period in use as text.
    """
    measured = BunchPeriod(period_ps=period_ps, error_ps=error_ps, source=PeriodSource.MEASURED.value)
    yield from bps.configure(beamline.ring, {"bunch_period": measured})
    return beamline.ring.state_text()
