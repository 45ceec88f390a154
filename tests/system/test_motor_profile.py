"""If these fail, simulated motors are elsewhere during a move than a real stage would be."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.ioc.records.motor_profile import Profile, approach, braking

positions = st.floats(-1e3, 1e3)
velocities = st.floats(-50.0, 50.0)
speeds = st.floats(1e-2, 1e3)
accelerations = st.one_of(st.floats(1e-1, 1e4), st.just(math.inf))


def samples(profile: Profile, count: int = 41) -> list[tuple[float, float]]:
    return [profile.state(profile.duration_s * k / (count - 1)) for k in range(count)]


@given(positions, velocities, positions, speeds, accelerations)
def test_every_move_reaches_its_target(
    start: float, velocity: float, target: float, speed: float, acceleration: float
) -> None:
    """From any motion, a few profiles in a row end at the target, at rest; else a scan would hang."""
    position = start
    for _ in range(4):
        profile = approach(position, velocity, target, speed, acceleration)
        position, velocity = profile.state(profile.duration_s)
        assert velocity == 0
        if position == target:
            return
    pytest.fail(f"ended at {position}")


@given(positions, velocities, positions, speeds, accelerations)
def test_profiles_never_reverse_or_exceed_their_speed(
    start: float, velocity: float, target: float, speed: float, acceleration: float
) -> None:
    """A stretch in one direction only: read-backs never pass the target and come back by themselves."""
    profile = approach(start, velocity, target, speed, acceleration)
    states = samples(profile)
    limit = max(speed, abs(velocity)) * (1 + 1e-9)
    sign = math.copysign(1.0, profile.end - start)
    rounding = 1e-9 * (abs(start) + abs(profile.end) + 1)
    assert all(abs(v) <= limit for _, v in states)
    assert all((b[0] - a[0]) * sign >= -rounding for a, b in pairwise(states))


def test_duration_of_a_long_move_is_distance_over_speed_plus_one_ramp() -> None:
    """10 mm at 2 mm/s with ramps of 0.1 s take 5.1 s, what a real stage would take."""
    assert approach(0.0, 0.0, 10.0, 2.0, 20.0).duration_s == pytest.approx(5.1)


def test_short_move_never_reaches_full_speed() -> None:
    """0.1 mm at 20 mm/s2 peaks at sqrt(a d) = 1.414 mm/s and takes 2 sqrt(d/a)."""
    profile = approach(0.0, 0.0, 0.1, 100.0, 20.0)
    assert profile.duration_s == pytest.approx(2 * math.sqrt(0.1 / 20.0))
    assert max(v for _, v in samples(profile)) == pytest.approx(math.sqrt(2.0))


def test_braking_distance_is_v_squared_over_2a() -> None:
    """A stop takes the stage on by v^2/2a."""
    assert braking(1.0, -2.0, 20.0).end == pytest.approx(0.9)
