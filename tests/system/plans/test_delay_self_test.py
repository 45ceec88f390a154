"""If these fail, a delay axis with a wrong sign or a jump passes its self-test, or a good one is refused."""

from __future__ import annotations

import numpy as np
import pytest

import plans
from plans.grids import join_regions
from plans.xas.time_zero import TIME_ZERO_REGIONS_PS
from tests.support.recorded_runs import RecordedRuns

DELAYS = np.array(join_regions(TIME_ZERO_REGIONS_PS, "ps"))


def test_each_arm_makes_the_delays_its_own_way(recorded: RecordedRuns) -> None:
    uids = recorded.run(plans.delay_self_test(recorded.line, dwell_s=1.0))
    assert list(uids) == ["fine", "coarse", "fine lower", "probe"]
    told = {start["self_test"]["arm"]: start["self_test"] for start in recorded.starts}
    assert [start["uid"] for start in recorded.starts] == list(uids.values())
    assert len({start["series"] for start in recorded.starts}) == 1
    raw = _raw_by_arm(recorded)
    assert len(set(raw["fine"]["coarse"])) == 1
    assert len(set(raw["coarse"]["fine"])) == len(set(raw["fine lower"]["fine"])) == 1
    assert max(raw["fine lower"]["fine"]) < 2560 < min(raw["coarse"]["fine"])
    # The delays follow from the configuration, and where the rise is expected from the RF frequency of the ring.
    assert told["probe"]["watched_probe"] == 4
    assert told["probe"]["rise_offset_ps"] == pytest.approx(153_439.5, abs=0.1)
    for start in recorded.starts:
        offset = 153_400.0 if start["self_test"]["arm"] == "probe" else 0.0
        assert np.array(start["grid"]["points"]) - offset == pytest.approx(DELAYS)


def _raw_by_arm(recorded: RecordedRuns) -> dict[str, dict[str, list[float]]]:
    """Raw setpoints of each arm, told apart by their number, which is that of the points."""
    count = DELAYS.size
    coarse, fine = (recorded.moved(f"delay_{name}") for name in ("coarse", "fine"))
    parts = {
        name: slice(count * index, count * (index + 1)) for index, name in enumerate(("fine", "coarse", "fine lower"))
    }
    return {name: {"coarse": coarse[part], "fine": fine[part]} for name, part in parts.items()}
