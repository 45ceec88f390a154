"""Velocity profiles of one motor axis: constant acceleration in pieces, each profile in one direction only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate


@dataclass(frozen=True, kw_only=True)
class Segment:
    """`duration_s` of constant `acceleration` (units/s2) from `start` (units) and `velocity` (units/s)."""

    duration_s: float
    start: float
    velocity: float
    acceleration: float

    def position(self, elapsed_s: float) -> float:
        """Return the position `elapsed_s` seconds after the start of this segment, in units of the axis."""
        return self.start + self.velocity * elapsed_s + self.acceleration * elapsed_s**2 / 2


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A motion without reversal, from the start of its first segment to a stop at `end`."""

    segments: tuple[Segment, ...]
    end: float

    @property
    def duration_s(self) -> float:
        """Time from start to stop, s of beam."""
        return sum(segment.duration_s for segment in self.segments)

    def state(self, elapsed_s: float) -> tuple[float, float]:
        """Return position and velocity, in units and units/s, `elapsed_s` after the start.

        Once the profile is over, that is `end` and 0.
        """
        if elapsed_s >= self.duration_s:
            return self.end, 0.0
        begins = accumulate((segment.duration_s for segment in self.segments), initial=0.0)
        for begin_s, segment in zip(begins, self.segments, strict=False):
            inside_s = elapsed_s - begin_s
            if inside_s < segment.duration_s:
                return segment.position(inside_s), segment.velocity + segment.acceleration * inside_s
        return self.end, 0.0


def braking(start: float, velocity: float, acceleration: float) -> Profile:
    """Return the profile that slows down from `velocity`, units/s, to rest.

    `acceleration`, units/s2, is above 0 and may be infinite.
    """
    duration_s = abs(velocity) / acceleration
    end = start + velocity * duration_s / 2
    return Profile(
        segments=(
            Segment(
                duration_s=duration_s,
                start=start,
                velocity=velocity,
                acceleration=-math.copysign(acceleration, velocity),
            ),
        ),
        end=end,
    )


def approach(start: float, velocity: float, target: float, speed: float, acceleration: float) -> Profile:
    """Return the fastest profile towards `target` within `speed`, units/s, and `acceleration`, units/s2.

    Both are above 0; an infinite acceleration means a constant speed without ramps. The `end` is `target`, unless the
    present `velocity` is backwards, above `speed` or too high to stop in time. Then the axis only brakes, and needs
    another approach from the end of this one.
    """
    distance = target - start
    sign = math.copysign(1.0, distance)
    forward = velocity * sign
    if distance == 0:
        return braking(start, velocity, acceleration) if velocity else Profile(segments=(), end=target)
    # Backwards, too fast, or too fast to stop in time: the axis brakes first, and its next profile starts from there.
    if forward < 0 or forward > speed or forward**2 / (2 * acceleration) > abs(distance):
        return braking(start, velocity, acceleration)
    if math.isinf(acceleration):
        return Profile(
            segments=(Segment(duration_s=abs(distance) / speed, start=start, velocity=sign * speed, acceleration=0.0),),
            end=target,
        )
    return _trapezium(start, forward, target, speed, acceleration)


def _trapezium(start: float, forward: float, target: float, speed: float, acceleration: float) -> Profile:
    """Return the profile that speeds up, cruises and slows down; without cruise if the distance is too short."""
    # With v^2 = v0^2 + 2 a s, speeding up from `forward` to a peak and braking to rest takes (2 peak^2 - forward^2) /
    # 2a. Without cruise that is the whole distance, which gives the highest peak that can be reached; a lower speed
    # limit leaves a rest of the distance for the cruise.
    distance = abs(target - start)
    sign = math.copysign(1.0, target - start)
    peak = min(speed, math.sqrt(acceleration * distance + forward**2 / 2))
    if peak == 0:  # a distance too small for floating point
        return Profile(segments=(), end=target)
    ramp_up = (peak**2 - forward**2) / (2 * acceleration)
    ramp_down = peak**2 / (2 * acceleration)
    cruise = max(0.0, distance - ramp_up - ramp_down)
    return Profile(
        segments=(
            Segment(
                duration_s=(peak - forward) / acceleration,
                start=start,
                velocity=sign * forward,
                acceleration=sign * acceleration,
            ),
            Segment(duration_s=cruise / peak, start=start + sign * ramp_up, velocity=sign * peak, acceleration=0.0),
            Segment(
                duration_s=peak / acceleration,
                start=target - sign * ramp_down,
                velocity=sign * peak,
                acceleration=-sign * acceleration,
            ),
        ),
        end=target,
    )
