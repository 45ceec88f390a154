"""If these fail, a typing error moves motors or opens a shutter, or ends in a traceback nobody understands."""

from __future__ import annotations

import inspect
import math
from typing import Any

import pytest
from bluesky.utils import FailedStatus
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recorded_runs import RecordedRuns

import plans
from errors import ConfigurationError, InputError, TrxasError
from trxas.session import SCANS

JUNK: tuple[Any, ...] = (
    *(math.nan, math.inf, -math.inf, -1, 0, 1e12, -1e12, True, None, "", "6", "Br K", b"x", [], {}, (), object, 1j),
    *([math.nan], [[1, 2]], [(1, 2, 0)], [(2, 1, 1)], [(1, 2, 1e-9)], ["a"], [None], {"uid": "mine"}, {1: 2}),
)
"""What does not belong anywhere, or only here and there."""

GOOD: dict[str, tuple[Any, ...]] = {
    "edge": ("Br K", "Pb L3"),
    "edges": ([], ["Br K"], ("Br K", "Pb L3")),
    "delay_ps": (-100.0, 0, 100.0, 2000.0),
    "around_ps": (0.0, 20.0),
    "t0_ps": (0.0, 12.0),
    "offset_ev": (0.0, 0.3, -0.3),
    "energy_ev": (13_450.0, 13_472),
    "dwell_s": (0.5, 1, 6.0),
    "image_exposure_s": (1.0, 60.0),
    "exposure_s": (1.0, 60.0),
    "repeats": (1, 2),
    "images": (0, 1),
    "readings": (2, 5),
    "apply": (True, False),
    "fluence_mj_cm2": (0.5, 8.83),
    "fluences_mj_cm2": ([1.0, 5.0], (2, 3, 4)),
    "regions_ev": ([(13_460, 13_462, 1)], [(13_030, 13_040, 5), (13_040, 13_042, 1)]),
    "grid": ([(13_460, 13_462, 1)], None),
    "regions_ps": ([(-100, 100, 50)],),
    "delays_ps": ([-100.0, 0.0, 100.0], (0, 1)),
    "positions_um": ([-50.0, 0.0, 50.0],),
    "direction": ("horizontal", "vertical"),
    "angles_deg": ([0.0, 6.0, 12.0, 20.0, 28.0, 36.0, 43.0, 50.0],),
    "temperature_c": (None, 40.0),
    "temperatures_c": ([30.0], (25.0, 60)),
    "shutter_reference": ("none", "point", "scan"),
    "sample": ("", "CsPbBr3"),
    "series": ("", "night"),
    "md": (None, {}, {"vial": 3}),
    "approach": (None, "below", "direct"),
}
"""Values that make sense, for every parameter that a plan has."""


@st.composite
def arguments(draw: st.DrawFn, plan: str) -> dict[str, Any]:
    """Arguments of a plan: sensible ones, of which some are replaced by junk or by another parameter's."""
    parameters = list(inspect.signature(getattr(plans, plan)).parameters.values())[1:]
    chosen: dict[str, Any] = {}
    for parameter in parameters:
        needed = parameter.default is inspect.Parameter.empty
        # Defaults of grids are long; time is better spent on other examples.
        if needed or parameter.name in ("regions_ev", "grid", "delays_ps") or draw(st.booleans()):
            chosen[parameter.name] = draw(st.sampled_from(GOOD[parameter.name]))
    for name in draw(st.lists(st.sampled_from([p.name for p in parameters]), max_size=2)):
        others = [value for values in GOOD.values() for value in values]
        chosen[name] = draw(st.sampled_from([*JUNK, *others]))
    return chosen


@pytest.mark.parametrize("plan", SCANS)
@settings(deadline=None, max_examples=15, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_wrong_arguments_move_nothing_and_right_ones_end_cleanly(plan: str, data: st.DataObject) -> None:
    """Lost: a sample burnt, or a motor in its stop, because of a wrong unit or a missing bracket."""
    given_arguments = data.draw(arguments(plan))
    runs = RecordedRuns()
    try:
        runs.run(getattr(plans, plan)(runs.line, **given_arguments))
    except (InputError, ConfigurationError):
        runs.assert_untouched()
    except (TrxasError, FailedStatus):
        assert [start["uid"] for start in runs.starts] == [stop["run_start"] for stop in runs.stops]
    else:
        assert [stop["exit_status"] for stop in runs.stops] == ["success"] * len(runs.starts)
    finally:
        runs.engine.loop.call_soon_threadsafe(runs.engine.loop.stop)
        runs.engine._th.join(60)
        runs.engine.loop.close()
    assert runs.line.laser_shutter.readback.get() == 0, "the laser is on the sample"
