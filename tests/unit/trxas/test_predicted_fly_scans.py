"""If this fails, a fly scan that is longer than the one before ends at another time than predicted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import plans
from plans.engine.scanning import announced_requests
from tests.support.fake_fly_scans import with_fly_scans
from tests.support.recorded_runs import RecordedRuns
from trxas.prompt.dry_run import prediction_of
from trxas.session.plan_times import PlanTimes
from trxas.session.time_use import Activity

OPENING_S = 0.5


def fly_scan(beamline: Any, last_ev: float, bin_s: float, sweeps: int) -> Any:
    return plans.energy_scan(
        beamline, "Br K", delay_ps=100.0, regions_ev=[(13_465, last_ev, 1)], dwell_s=sweeps * bin_s, bin_s=bin_s,
        stepping="fly", allow_unreducible=True,
    )  # fmt: skip


@pytest.mark.parametrize(("last_ev", "bin_s", "sweeps"), [(13_525, 0.1, 2), (13_467, 0.2, 4)])
def test_a_sweep_has_one_run_up_whatever_its_bins(tmp_path: Path, last_ev: float, bin_s: float, sweeps: int) -> None:
    """A sweep over 6 bins takes 0.69 s, of which 0.09 s are run-up and turn-around; those do not grow with the bins."""
    with RecordedRuns() as runs:
        beamline, _ = with_fly_scans(runs.line)
        (first,) = announced_requests(fly_scan(beamline, 13_470, 0.1, 2))
        assert first.sweeps is not None
        counting_s = 2 * first.sweeps.sweep_s(6)
        times = dict.fromkeys(Activity, 0.0) | {Activity.COUNTING: counting_s, Activity.MOVING: OPENING_S}
        learned = PlanTimes(tmp_path, lambda: times, lambda: OPENING_S)
        runs.engine(fly_scan(beamline, 13_470, 0.1, 2), learned)
        (request,) = announced_requests(fly_scan(beamline, last_ev, bin_s, sweeps))
    assert request.sweeps is not None
    found = prediction_of(learned, request)
    assert found is not None
    wanted_s = OPENING_S + sweeps * request.sweeps.sweep_s(request.sweeps.points)
    assert found.seconds == pytest.approx(wanted_s, rel=0.01)
