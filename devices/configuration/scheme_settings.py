"""Table of the pump scheme: fill pattern, pump and gates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from devices.configuration.fields import SETTINGS, Fault, quantity, text, whole_number
from devices.pump_scheme import (
    GateUnit,
    PumpClock,
    PumpScheme,
    buckets_after_pump,
    filled_buckets,
    is_equal,
    nearest_neighbour,
    reference_probes,
)

FillRow = tuple[int, int, int, float]
"""First bucket, number of bunches, spacing in buckets, charge relative to the bunch that samples are described for."""

SHORTEST_BUCKET_PS = 1000.0
"""Time between two buckets below which the number of buckets must be wrong: 1 GHz, twice that of the densest ring."""

MOST_GATES = 64
"""Largest number of gates of a scheme: the sums of a run grow in proportion to it."""

TABLE = "pump_scheme"

POSITION_KEYS = frozenset(
    {"revolution_ps", "buckets", "fill", "pumped_bucket", "pump_divider", "pump_divider_of", "gates", "gates_in",
     "gate_width_ps"}
)  # fmt: skip
"""Keys on which the times of the gates, and the pulses that they see, depend."""


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class PumpSchemeSettings:
    """Which bunches are in the ring, which the laser pumps, and which the gates see.

    Bunches are given by rows of `fill`: first bucket, number of bunches, spacing in buckets, relative charge. The laser
    fires at every `pump_divider`-th bunch, or revolution, by `pump_divider_of`. With "bunches" the fill must be equal,
    and the pump may walk over all bunches; with "revolutions" it always meets `pumped_bucket`.

    A gate is given by the position of its pulse after the pumped one (0), negative before it, in bunches, buckets or
    revolutions by `gates_in`. The delay of every gate follows from this, and so do the references: all gates before the
    pump, or the last one after it if there are none. Without this table [laser], [exposure] and [geometry] describe
    equally spaced bunches with one gate each.
    """

    name: Annotated[str, text("readable name of the scheme")] = ""
    revolution_ps: Annotated[float, quantity("time of one revolution", "ps", low=1e4, high=1e7)]
    revolution_error_ps: Annotated[float, quantity("standard error of revolution_ps", "ps", above=0.0, high=1e4)] = 10.0
    buckets: Annotated[int, whole_number("buckets of the ring, its harmonic number", low=1, high=100_000)]
    fill: Annotated[
        tuple[FillRow, ...], Field(description="rows [first bucket, bunches, spacing in buckets, relative charge]")
    ]
    pumped_bucket: Annotated[int, whole_number("bucket of the pumped bunch", low=0, high=99_999)] = 0
    pump_divider: Annotated[int, whole_number("bunches, or revolutions, per pump", low=1, high=1000)]
    pump_divider_of: PumpClock = PumpClock.BUNCHES
    gates: Annotated[
        tuple[int, ...],
        Field(description="positions of the gates after the pumped pulse, whole numbers; 0 is the pumped pulse"),
    ]
    gates_in: GateUnit = GateUnit.BUNCHES
    gate_width_ps: Annotated[float, quantity("width of a gate; 0 leaves it unchecked", "ps", low=0.0, high=1e8)] = 0.0

    def faults(self) -> Iterable[Fault]:
        """Yield a fault for everything that makes the scheme impossible."""
        yield from self._gate_list_faults()
        # Gates are counted from the pumped bunch, so that a wrong fill, pump or unit would make every gate look wrong.
        found = list(self._fill_faults()) or list(self._pump_faults())
        yield from found or self._gate_faults()

    def faults_without(self, wrong: Collection[str]) -> Iterable[Fault]:
        """Yield the faults that do not depend on the `wrong` keys, which other values replace."""
        if not POSITION_KEYS & {*wrong}:
            yield from self.faults()
            return
        if "gates" not in wrong:
            yield from self._gate_list_faults()
        if not {"fill", "buckets"} & {*wrong}:
            found = list(self._fill_faults())
            yield from found
            if not found and not {"pump_divider_of", "pumped_bucket"} & {*wrong}:
                yield from self._pump_faults()

    @property
    def is_sound(self) -> bool:
        """Whether the scheme is possible, so that gates and pumps follow from it."""
        return not any(True for _ in self.faults())

    def scheme(self) -> PumpScheme:
        """Return the gates and pumps that follow from settings without faults, ps."""
        bucket_ps = self.revolution_ps / self.buckets
        gate_delays = tuple(bucket_ps * gate for gate in self._gate_buckets())
        references = reference_probes(gate_delays)
        period_ps = bucket_ps * self._period_buckets()
        return PumpScheme(
            name=self.name,
            gate_delays_ps=gate_delays,
            pump_period_ps=period_ps,
            bunch_period_ps=bucket_ps * self.buckets_per_bunch,
            pumped_probe=gate_delays.index(0.0),
            unpumped_probe=max(references, key=lambda probe: gate_delays[probe] % period_ps),
            reference_probes=references,
            rate_divider=self.pump_divider,
            pattern={
                "revolution_ps": self.revolution_ps,
                "buckets": self.buckets,
                "fill": [list(row) for row in self.fill],
                "pumped_bucket": self.pumped_bucket,
                "pump_divider": self.pump_divider,
                "pump_divider_of": str(self.pump_divider_of),
            },
        )

    @property
    def buckets_per_bunch(self) -> int:
        """Buckets from the pumped bunch to its nearest neighbour."""
        return nearest_neighbour(self.pumped_bucket, self._filled(), self.buckets)

    def _filled(self) -> list[int]:
        return [bucket for bucket, _ in filled_buckets(self.fill)]

    def _period_buckets(self) -> int:
        per_unit = (
            self.buckets if self.pump_divider_of is PumpClock.REVOLUTIONS else self.buckets // len(self._filled())
        )
        return self.pump_divider * per_unit

    def _gate_buckets(self) -> list[int]:
        filled = self._filled()
        return [
            buckets_after_pump(gate, self.gates_in, filled, self.pumped_bucket, self.buckets) for gate in self.gates
        ]

    def _fill_faults(self) -> Iterable[Fault]:
        if self.revolution_ps / self.buckets < SHORTEST_BUCKET_PS:
            yield _fault(
                "buckets",
                f"= {self.buckets}: puts the buckets {self.revolution_ps / self.buckets:.4g} ps apart, less than "
                f"{SHORTEST_BUCKET_PS:g} ps. Correct buckets or revolution_ps.",
            )
        # A row with a fault is reported once, here; the checks of buckets below use the other rows, so that one slip
        # does not hide a second one.
        sound = [row for row in self.fill if row[0] >= 0 and row[1] >= 1 and row[2] >= 1 and row[3] > 0]
        for row in self.fill:
            if row not in sound:
                yield _fault(
                    "fill",
                    f"row {list(row)}: first bucket must be at least 0, bunches and spacing at least 1, charge above "
                    "0. Correct the row.",
                )
        filled = [bucket for bucket, _ in filled_buckets(sound)]
        if not filled and len(sound) == len(self.fill):
            yield _fault("fill", "is empty. Give at least one row [first bucket, bunches, spacing, relative charge].")
        elif filled and filled[-1] >= self.buckets:
            yield _fault(
                "fill",
                f"puts a bunch into bucket {filled[-1]}: the ring has the buckets 0 to {self.buckets - 1}. Correct the "
                "row, or buckets.",
            )
        twice = [bucket for bucket, times in Counter(filled).items() if times > 1]
        if twice:
            yield _fault("fill", f"fills bucket {twice[0]} twice. Correct the rows.")

    def _pump_faults(self) -> Iterable[Fault]:
        filled = self._filled()
        if self.pump_divider_of is PumpClock.BUNCHES and not is_equal(filled, self.buckets):
            yield _fault(
                "pump_divider_of",
                '= "bunches": the bunches are not equally spaced, so every pump would come at another time after its '
                'bunch. Give "revolutions".',
            )
        if self.pumped_bucket not in filled:
            yield _fault(
                "pumped_bucket",
                f"= {self.pumped_bucket}: is empty, so the laser would meet no X-ray pulse. Give one of the filled "
                f"buckets, such as {filled[0]}.",
            )

    def _gate_list_faults(self) -> Iterable[Fault]:
        """Yield what is wrong with the gates whatever bunches there are."""
        if not 2 <= len(self.gates) <= MOST_GATES:
            yield _fault(
                "gates",
                f"has {len(self.gates)} entries: 2 to {MOST_GATES} are needed, the pumped pulse and at least one "
                "unpumped. Add or remove gates.",
            )
        if len({*self.gates}) != len(self.gates):
            yield _fault("gates", f"= {list(self.gates)}: names a position twice. Remove one.")
        if 0 not in self.gates:
            yield _fault("gates", f"= {list(self.gates)}: none sees the pumped pulse. Add 0.")

    def _gate_faults(self) -> Iterable[Fault]:
        gates = dict(zip(self.gates, self._gate_buckets(), strict=True))
        period = self._period_buckets()
        bucket_ns = 1e-3 * self.revolution_ps / self.buckets
        filled = self._filled()
        if len({gate % period for gate in gates.values()}) != len(gates):
            yield _fault(
                "gates",
                f"= {list(self.gates)}: two of them see the same pulse of the pump period of {period * bucket_ns:.6g} "
                "ns. Remove one.",
            )
        for position, gate in gates.items():
            if not -period < gate < period:
                yield _fault(
                    "gates",
                    f"{position} {self.gates_in}: that pulse, at {gate * bucket_ns:.6g} ns, meets the next pump or "
                    f"comes after it; pumps come every {period * bucket_ns:.6g} ns. Give a position between them.",
                )
            yield from self._pulse_faults(position, (self.pumped_bucket + gate) % self.buckets, filled)

    def _pulse_faults(self, position: int, bucket: int, filled: list[int]) -> Iterable[Fault]:
        """Yield a fault if the gate at `position` sees an empty bucket, or the pulses of other bunches as well."""
        if bucket not in filled:
            yield _fault("gates", f"{position} {self.gates_in}: bucket {bucket} is empty. Give a filled one.")
            return
        neighbour_ps = self.revolution_ps / self.buckets * nearest_neighbour(bucket, filled, self.buckets)
        if self.gate_width_ps / 2 >= neighbour_ps:
            yield _fault(
                "gate_width_ps",
                f"= {self.gate_width_ps:g} ps: the gate at {position} {self.gates_in} sees the next bunch too, "
                f"{neighbour_ps:.6g} ps away. Make it narrower, or choose another bunch.",
            )


def _fault(key: str, message: str) -> Fault:
    return Fault(table=TABLE, key=key, message=message)
