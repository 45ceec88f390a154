"""The pump scheme: which X-ray pulses the gates see, and when they come relative to the pump."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class PumpClock(StrEnum):
    """Events that the divider of the laser counts."""

    BUNCHES = "bunches"
    REVOLUTIONS = "revolutions"


class GateUnit(StrEnum):
    """Unit in which the position of a gate is counted, from the pumped bunch."""

    BUNCHES = "bunches"
    BUCKETS = "buckets"
    REVOLUTIONS = "revolutions"


@dataclass(frozen=True, kw_only=True)
class PumpScheme:
    """Gates and pumps as everything behind the configuration uses them.

    `gate_delays_ps` (probes,): X-ray pulse of each gate, counted from the pulse whose delay the delay axis sets,
    negative before it. `pump_period_ps`: one pump to the next. `bunch_period_ps`: the pumped pulse to its nearest
    neighbour in the ring. `pumped_probe` sees the pumped pulse; `reference_probes` are the unpumped gates, and
    `unpumped_probe` is the last of them before the next pump. `rate_divider`: required divider of the laser. `pattern`:
    the fill pattern as configured, for start documents.
    """

    name: str
    gate_delays_ps: tuple[float, ...]
    pump_period_ps: float
    bunch_period_ps: float
    pumped_probe: int
    unpumped_probe: int
    reference_probes: tuple[int, ...]
    rate_divider: int
    pattern: Mapping[str, Any] = field(default_factory=dict)

    @property
    def probes(self) -> int:
        """Number of gates per pump."""
        return len(self.gate_delays_ps)

    @property
    def pumps_per_s(self) -> float:
        """Pump pulses, and so openings of each gate, per second."""
        return 1e12 / self.pump_period_ps

    def with_bunch_period(self, bunch_period_ps: float) -> PumpScheme:
        """Return the same bunches, gates and pumps in a ring whose bunch period is `bunch_period_ps`, ps."""
        # All times are whole numbers of buckets, so the ring as a whole is longer or shorter.
        factor = bunch_period_ps / self.bunch_period_ps
        if factor == 1.0:
            return self
        return replace(
            self,
            gate_delays_ps=tuple(factor * delay for delay in self.gate_delays_ps),
            pump_period_ps=factor * self.pump_period_ps,
            bunch_period_ps=bunch_period_ps,
        )

    def until_next_pump_ps(self, probe: int) -> float:
        """Return the time from the pulse of `probe` to the next pump at a delay of 0, ps, above 0."""
        # Pumps repeat: a gate before the pump, with a negative delay, is as late as one a whole period behind it.
        return self.pump_period_ps - self.gate_delays_ps[probe] % self.pump_period_ps

    @property
    def unpumped_until_ps(self) -> float:
        """Delay at which the first of the reference pulses meets the next pump, ps."""
        return min(self.until_next_pump_ps(probe) for probe in self.reference_probes)

    @property
    def probes_by_next_pump(self) -> tuple[int, ...]:
        """Gates in the order in which they meet the next pump as the delay grows, (probes,)."""
        return tuple(sorted(range(self.probes), key=self.until_next_pump_ps))


def filled_buckets(fill: Sequence[tuple[int, int, int, float]]) -> list[tuple[int, float]]:
    """Return bucket and charge of every bunch, in the order of the ring.

    `fill` are rows [first bucket, bunches, spacing in buckets, relative charge].
    """
    filled = [(first + spacing * bunch, charge) for first, bunches, spacing, charge in fill for bunch in range(bunches)]
    return sorted(filled)


def is_equal(filled: Sequence[int], buckets: int) -> bool:
    """Return whether the bunches in the buckets `filled` are equally spaced around a ring of `buckets`."""
    gaps = {
        (after - before) % buckets or buckets for before, after in zip(filled, [*filled[1:], *filled[:1]], strict=True)
    }
    return len(gaps) == 1


def buckets_after_pump(position: int, unit: GateUnit, filled: Sequence[int], pumped: int, buckets: int) -> int:
    """Return the buckets from the pumped bucket to that of a gate; negative before the pump.

    `filled` are the filled buckets of a ring of `buckets`, in order. Raises ValueError if `pumped` is not among them.
    """
    if unit is GateUnit.BUCKETS:
        return position
    if unit is GateUnit.REVOLUTIONS:
        return position * buckets
    # Bunches are counted around the ring: one beyond the last bunch is the first one, a turn later. Python's divmod
    # rounds down, so counting backwards from the pump gives negative turns.
    turns, index = divmod(filled.index(pumped) + position, len(filled))
    return turns * buckets + filled[index] - pumped


def nearest_neighbour(bucket: int, filled: Sequence[int], buckets: int) -> int:
    """Return the buckets from a bunch to its nearest neighbour; to itself, one turn later, if it is alone."""
    distances = {(other - bucket) % buckets for other in filled} - {0}
    return min((min(distance, buckets - distance) for distance in distances), default=buckets)


def reference_probes(gate_delays: Sequence[float]) -> tuple[int, ...]:
    """Return the unpumped gates: all that come before the pump, or the last one after it if there are none.

    `gate_delays` are the delays of the gates after the pump, shape (probes,), in any unit.
    """
    # A pulse before the pump has had the longest time since the previous pump. Without one, the last pulse has; what it
    # still holds of the transient is corrected when the run is reduced.
    before = tuple(probe for probe, delay in enumerate(gate_delays) if delay < 0)
    return before or (max(range(len(gate_delays)), key=lambda probe: gate_delays[probe]),)
