"""Fill pattern of the ring, pump and gates: which bunch each gate sees, and when."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sim.errors import SimulationInputError
from sim.physics.constants import BUCKET_PS, BUCKETS, BUCKETS_PER_BUNCH, BUNCHES, PROBES
from sim.toml_file import read_toml
from sim.types import FloatArray

TABLE = "pump_scheme"
"""Name of the table in a file; other tables of the file are not for the simulation."""

NEEDED = {"revolution_ps", "buckets", "fill", "pump_divider", "gates"}
DEFAULTS = {"name": "", "pumped_bucket": 0, "pump_divider_of": "bunches", "gates_in": "bunches", "gate_width_ps": 0.0}


@dataclass(frozen=True, kw_only=True)
class PumpScheme:
    """A ring of `buckets`, each `bucket_ps` after the other, with bunches in those that are `filled`, in order.

    `charges` (bunches,): relative to the bunch for which a sample states its photons per pulse. The laser fires every
    `divider` x `unit_buckets` and meets `pumped_bucket` once in its cycle. `gates` (probes,): buckets from the pumped
    pulse to that of each gate, negative before it.
    """

    buckets: int = BUCKETS
    bucket_ps: float = BUCKET_PS
    filled: tuple[int, ...] = tuple(range(0, BUCKETS, BUCKETS_PER_BUNCH))
    charges: tuple[float, ...] = (1.0,) * BUNCHES
    pumped_bucket: int = 0
    divider: int = 5
    unit_buckets: int = BUCKETS_PER_BUNCH
    gates: tuple[int, ...] = tuple(range(0, PROBES * BUCKETS_PER_BUNCH, BUCKETS_PER_BUNCH))

    @property
    def rf_mhz(self) -> float:
        """Frequency of the RF, MHz: one bucket per period."""
        return 1e6 / self.bucket_ps

    def at_rf(self, rf_mhz: float) -> PumpScheme:
        """Return the same fill, pump and gates in a ring whose RF has the frequency `rf_mhz`, MHz."""
        return replace(self, bucket_ps=1e6 / rf_mhz)

    @property
    def units_per_turn(self) -> int:
        """Places in the ring where a pump may meet a bunch."""
        return self.buckets // self.unit_buckets

    @property
    def gate_delays_ps(self) -> FloatArray:
        """Pulse of each gate after the pumped one, ps, (probes,)."""
        return self.bucket_ps * np.array(self.gates, dtype=float)

    @property
    def pumped(self) -> int:
        """Gate that sees the pumped pulse."""
        return self.gates.index(0)

    @property
    def unpumped(self) -> int:
        """Gate whose pulse is the last before the next pump."""
        # Pulses before the pump belong to the end of the period before, so all are counted within one period.
        period = self.divider * self.unit_buckets
        return max(range(len(self.gates)), key=lambda gate: self.gates[gate] % period)

    def period_ps(self, divider: int) -> float:
        """Return the time from one pump to the next, ps, when the laser divides by `divider`."""
        return divider * self.unit_buckets * self.bucket_ps

    def places_between_pumps(self, divider: int) -> int:
        """Return the distance of the places that the pump meets in the course of time, by the laser's `divider`.

        It is 1 if the pump walks over all of them. Where `divider` and their number share a factor, it never meets
        those between: two bunches and every fourth bunch pumped mean always the same bunch.
        """
        return math.gcd(self.units_per_turn, divider)

    def bunches(self, places: np.ndarray, gate: int) -> np.ndarray:
        """Return the index of the bunch that a gate sees when the pump is at `places`, counted in units; same shape."""
        buckets = (self.pumped_bucket + self.unit_buckets * places + self.gates[gate]) % self.buckets
        return np.searchsorted(np.array(self.filled), buckets)


def load_scheme(path: Path) -> PumpScheme:
    """Return the scheme in the table [pump_scheme] of a TOML file.

    Raises SimulationInputError naming the file and the key, for an impossible scheme.
    """
    table = read_toml(path, "pump scheme").get(TABLE)
    where = f"{path} [{TABLE}]"
    if not isinstance(table, dict):
        raise SimulationInputError(f"{path} has no table [{TABLE}]")
    if missing := NEEDED - set(table):
        raise SimulationInputError(f"{where} lacks {', '.join(sorted(missing))}")
    if unknown := set(table) - NEEDED - set(DEFAULTS):
        raise SimulationInputError(f"{where}: {', '.join(sorted(unknown))} are not known")
    try:
        scheme = _scheme({**DEFAULTS, **table})
    except (TypeError, ValueError, IndexError, ZeroDivisionError) as error:
        raise SimulationInputError(f"{where} has a value of the wrong type: {error}") from error
    _check(scheme, where)
    return scheme


def _scheme(table: dict[str, Any]) -> PumpScheme:
    buckets = int(table["buckets"])
    bunches = sorted(
        (int(first) + int(spacing) * bunch, float(charge))
        for first, number, spacing, charge in table["fill"]
        for bunch in range(int(number))
    )
    filled = [bucket for bucket, _ in bunches]
    # Dividing revolutions, the laser always meets the same bunch; dividing bunches, it walks through all of them.
    by_revolution = table["pump_divider_of"] == "revolutions"
    return PumpScheme(
        buckets=buckets,
        bucket_ps=float(table["revolution_ps"]) / buckets,
        filled=tuple(filled),
        charges=tuple(charge for _, charge in bunches),
        pumped_bucket=int(table["pumped_bucket"]),
        divider=int(table["pump_divider"]),
        unit_buckets=buckets if by_revolution else buckets // len(filled),
        gates=tuple(_gate(int(gate), table, filled, buckets) for gate in table["gates"]),
    )


def _gate(position: int, table: dict[str, Any], filled: list[int], buckets: int) -> int:
    if table["gates_in"] == "revolutions":
        return position * buckets
    if table["gates_in"] == "buckets":
        return position
    # Counted in bunches, the next gate of a hybrid fill may lie behind a gap, or in the next revolution.
    turns, index = divmod(filled.index(int(table["pumped_bucket"])) + position, len(filled))
    return turns * buckets + filled[index] - int(table["pumped_bucket"])


def _check(scheme: PumpScheme, where: str) -> None:
    """Refuse a scheme whose gates see no bunch, or whose laser drifts through the ring between bunches."""
    numbers = [scheme.bucket_ps, *scheme.charges]
    if not all(math.isfinite(number) and number > 0 for number in numbers) or scheme.divider < 1:
        raise SimulationInputError(f"{where}: revolution_ps, charges and pump_divider must be above 0")
    filled = set(scheme.filled)
    if len(filled) < len(scheme.filled) or not filled <= set(range(scheme.buckets)):
        raise SimulationInputError(f"{where}: fill puts two bunches into a bucket, or one beyond {scheme.buckets}")
    # All buckets that the pump meets in one cycle: dividing bunches, a gap would leave some pumps without a probe.
    places = {(scheme.pumped_bucket + scheme.unit_buckets * place) % scheme.buckets
              for place in range(scheme.units_per_turn)}  # fmt: skip
    if scheme.units_per_turn * scheme.unit_buckets != scheme.buckets or not places <= filled:
        raise SimulationInputError(f"{where}: the laser meets empty buckets; divide revolutions, not bunches")
    if 0 not in scheme.gates or len(scheme.gates) < 2:
        raise SimulationInputError(f"{where}: gates must hold 0, the pumped pulse, and another one")
    if not {(place + gate) % scheme.buckets for place in places for gate in scheme.gates} <= filled:
        raise SimulationInputError(f"{where}: a gate sees an empty bucket")
