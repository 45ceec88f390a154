"""If these fail, a typing error moves motors or opens a shutter, or ends in a traceback nobody understands."""

from __future__ import annotations

import inspect
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import plans
from errors import ConfigurationError, InputError, TrxasError
from tests.support.fake_beamline import FakeHardware
from tests.support.quick_plans import PLANS, STATED_LIMITS
from tests.support.recorded_runs import RecordedRuns

JUNK: tuple[Any, ...] = (
    *(math.nan, math.inf, -math.inf, -1, 0, 1e12, -1e12, True, None, "", "6", "Br K", b"x", [], {}, (), object, 1j),
    *([math.nan], [[1, 2]], [(1, 2, 0)], [(2, 1, 1)], [(1, 2, 1e-9)], ["a"], [None], {"uid": "mine"}, {1: 2}),
    *(10**400, -0.0, 5e-324, [True], [[]], [()], range(3), "nan"),
)
"""What does not belong anywhere, or only here and there."""

LIMITS: dict[str, tuple[float, float]] = {
    "delay_ps": (-100_000.0, 153_175.0),
    "around_ps": (-99_700.0, 152_775.0),
    "t0_ps": (-76_700.0, 76_700.0),
    "sigma_ps": (0.1, 1e5),
    "error_ps": (0.01, 1e5),
    "period_ps": (153_323.3, 153_476.7),
    "offset_ev": (-20.0, 20.0),
    "energy_ev": (12_800.0, 13_700.0),
    "dwell_s": (0.001, 400.0),
    "image_dwell_s": (0.001, 400.0),
    "fluence_mj_cm2": (0.0, 12.5),
    "temperature_c": (20.0, 160.0),
    "fluences_mj_cm2": (0.0, 12.5),
    "delays_ps": (-100_000.0, 153_175.0),
    "positions": (-5.0, 5.0),
    "positions_um": (-200.0, 200.0),
    "slow_points": (12_800.0, 13_700.0),
    "fast_points": (-100_000.0, 153_175.0),
    "angles_deg": (0.0, 50.0),
    "temperatures_c": (20.0, 160.0),
    "regions_ev": (12_800.0, 13_700.0),
    "regions_k": (0.0, 40.0),
    "dwell_power": (0.0, 3.0),
    "regions_ps": (-100_000.0, 153_175.0),
}
"""Limits of 7ID by parameter: of the value, of every value in it, or of the ends of its regions.

Energies are those around the two edges, of the 4 to 20 keV that the monochromator reaches.
"""

LIMITS = STATED_LIMITS | LIMITS

CHOICES: dict[str, tuple[Any, ...]] = {
    "edge": ("Br K", "Pb L3"),
    "edges": ([], ["Br K"], ("Br K", "Pb L3")),
    "repeats": (1, 2),
    "order": (None, "up", "snake", "interleaved", "progressive"),
    "images": (0, 1),
    "readings": (2, 5),
    "apply": (True, False),
    "allow_unreducible": (True, False),
    "axis": ("nozzle_mm",),
    "slow": ("energy_ev", "nozzle_mm", "fluence_mj_cm2"),
    "fast": ("delay_ps", "energy_ev"),
    "settings": ([{"nozzle_mm": 1.0}], [{"delay_ps": 0.0, "energy_ev": 13_470.0}] * 2, [{"delay_ps": 2e5}]),
    "direction": ("horizontal", "vertical"),
    "shutter_reference": ("none", "point", "scan"),
    "sample": ("", "CsPbBr3"),
    "series": ("", "night"),
    "md": (None, {}, {"vial": 3}),
    "approach": (None, "below", "direct"),
    "gates": ("none", "none", "none", "before", "around"),
    "foil": ("none", "none", "none", "before", "around"),
    "foil_edge": ("Pb L3", "Br K"),
    "until": ("points", "tau1", "tau2_relative", "window"),
    "until_window_ev": (None, (13_471.0, 13_473.0), (13_473.0, 13_471.0), (1.0, 2.0)),
    "stepping": ("software", "hardware", "fly"),
    "dwell_factors": (None, None, None, [1.0], [0.5, 2.0], [1.0, 0.0]),
}
"""Values that make sense, for every parameter that is not a number on an axis."""

LISTS = (
    "fluences_mj_cm2",
    "delays_ps",
    "positions",
    "positions_um",
    "slow_points",
    "fast_points",
    "angles_deg",
    "temperatures_c",
)
REGIONS = ("regions_ev", "regions_k", "regions_ps")
LONGEST = {"temperatures_c": 2}
"""Largest number of values in a list, where it is not 5: at each temperature, plans measure whole spectra."""
LONG_BY_DEFAULT = frozenset({*LISTS, *REGIONS})


def number(name: str) -> st.SearchStrategy[Any]:
    """A number within the limits, often at one of them, now and then just beyond."""
    low, high = LIMITS[name]
    edges = (low, high, math.nextafter(low, -math.inf), math.nextafter(high, math.inf), low - 1.0, high + 1.0)
    return st.floats(low, high) | st.floats(low, high).map(round) | st.sampled_from(edges)


@st.composite
def regions(draw: st.DrawFn, name: str) -> list[tuple[float, float, float]]:
    """One region or two, of few points."""
    low, high = LIMITS[name]
    start, made = draw(number(name)), []
    for _ in range(draw(st.integers(1, 2))):
        stop = start + draw(st.floats(1e-3, (high - low) / 2))
        made.append((start, stop, (stop - start) / draw(st.integers(1, 3))))
        start = stop
    return made


def sensible(name: str) -> st.SearchStrategy[Any]:
    """Values that a parameter may have, or that are wrong by a hair."""
    if name in CHOICES:
        return st.sampled_from(CHOICES[name])
    if name in REGIONS:
        return regions(name)
    if name in LISTS:
        return st.lists(number(name), min_size=1, max_size=LONGEST.get(name, 5)).map(sorted)
    return number(name)


@st.composite
def arguments(draw: st.DrawFn, plan: str) -> dict[str, Any]:
    """Arguments of a plan: sensible ones, of which some are replaced by junk or by another parameter's."""
    parameters = list(inspect.signature(getattr(plans, plan)).parameters.values())[1:]
    chosen: dict[str, Any] = {}
    for parameter in parameters:
        needed = parameter.default is inspect.Parameter.empty
        # Defaults of grids are long; time is better spent on other examples.
        if needed or parameter.name in LONG_BY_DEFAULT or draw(st.booleans()):
            chosen[parameter.name] = draw(sensible(parameter.name))
    for name in draw(st.lists(st.sampled_from([p.name for p in parameters]), max_size=2)):
        others = st.sampled_from(sorted({*LIMITS, *CHOICES})).flatmap(sensible)
        chosen[name] = draw(st.sampled_from(JUNK) | others)
    return chosen


def watch_limits(hardware: FakeHardware) -> None:
    """Let every exposure fail the test that is made, and every motion that ends, beyond a limit of 7ID."""
    line = hardware.beamline
    count = line.exposure.count.on_put

    def look(value: Any) -> None:
        assert 4_000 - 1e-6 <= line.energy.position <= 20_000 + 1e-6
        assert -100_000 - 2 <= line.delay.position <= 200_000 + 2
        assert line.laser_shutter.position == "closed" or line.fluence.position <= 12.5 + 0.01
        count(value)

    line.exposure.count.on_put = look


def assert_within_limits(hardware: FakeHardware) -> None:
    """No axis was ever sent beyond the limits of 7ID, the wave plate beyond the fluence's only with the laser shut."""
    line, laser = hardware.beamline, 0
    for name, value in hardware.moves:
        if name == "laser_shutter":
            laser = value
        elif name == "energy":
            assert 4 - 1e-9 <= value <= 20 + 1e-9
        elif name in ("fluence", "waveplate"):
            fluence = line.fluence.value_from_raw({"angle_readback": value})
            assert 0 <= value <= 50
            assert fluence <= 12.5 + 1e-9 or (name == "waveplate" and not laser)
        elif name == "cell":
            assert line.cell is not None
            assert 20 - 1e-6 <= line.cell.value_from_raw({"thermocouple": value}) <= 160 + 1e-6
        elif name in ("horizontal", "vertical"):
            assert -200 <= value <= 200
        elif name == "dwell":
            assert 0.001 <= value <= 400


def check(plan: str, given_arguments: dict[str, Any], folder: Path) -> None:
    """Run the plan; whatever comes of it must be as the tests below say."""
    with RecordedRuns(folder) as runs:
        watch_limits(runs.hardware)
        try:
            runs.run(getattr(plans, plan)(runs.line, **given_arguments))
        except (InputError, ConfigurationError):
            runs.assert_untouched()
        except TrxasError:
            assert [start["uid"] for start in runs.starts] == [stop["run_start"] for stop in runs.stops]
            assert runs.hardware.moves == [] or runs.line.xray_shutter.position == "closed"
        else:
            assert [stop["exit_status"] for stop in runs.stops] == ["success"] * len(runs.starts)
        assert runs.line.laser_shutter.position == "closed", "the laser is on the sample"
        assert_within_limits(runs.hardware)


WHATEVER = list(HealthCheck)


@pytest.mark.parametrize("plan", PLANS)
@settings(max_examples=10, suppress_health_check=WHATEVER)
@given(data=st.data())
def test_wrong_arguments_move_nothing_and_right_ones_end_cleanly(
    plan: str, tmp_path: Path, data: st.DataObject
) -> None:
    """Lost: a sample burnt, or a motor in its stop, because of a wrong unit or a missing bracket."""
    check(plan, data.draw(arguments(plan)), tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("plan", PLANS)
@settings(max_examples=60, suppress_health_check=WHATEVER)
@given(data=st.data())
def test_no_arguments_at_all_move_what_they_must_not(plan: str, tmp_path: Path, data: st.DataObject) -> None:
    """The same with six times as many examples."""
    check(plan, data.draw(arguments(plan)), tmp_path)
