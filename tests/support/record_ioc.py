"""IOC with single motor and scaler records, for tests of these records over real Channel Access."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from caproto import AlarmSeverity, AlarmStatus
from caproto.server import PVGroup, pvproperty

from sim.clock import BeamClock
from sim.errors import PortTakenError
from sim.ioc.channel_access.server import ServerHooks, run_server
from sim.ioc.channel_access.sockets import Address
from sim.ioc.records.mechanics import Mechanics
from sim.ioc.records.motor import MotorGroup
from sim.ioc.records.scaler import ConnectedChannels, CountActions, ScalerGroup

RATE_HZ = {2: 1000.0, 3: 50_000.0}


class Bench(PVGroup):
    """Motors m1 (slow), m2 (fast), m3 (backlash), scaler1, and switches into them."""

    stall = pvproperty(name="stall", value=0, doc="Block m1")
    arrivals = pvproperty(name="arrivals", value=[0.0], max_length=40, dtype=float, doc="Ends of all motions of m3")
    frame = pvproperty(name="frame", value=[0.0, 0.0], dtype=float, doc="Seconds and counts of S2, posted on finish")
    flow = pvproperty(name="flow", value=240.0, dtype=float, read_only=True, doc="Value of a device that can be lost")
    lost = pvproperty(name="lost", value=0, doc="Put flow into INVALID alarm, its value kept, or out of it")
    broken = pvproperty(name="broken", value=0, doc="Let the counting function return NaN")

    def __init__(self, prefix: str, speed: float) -> None:
        super().__init__(prefix)
        self._ends: list[float] = []
        clock = BeamClock(speed)
        slow = Mechanics(egu="mm", low=-10.0, high=10.0, velocity=2.0, precision=5)
        fast = Mechanics(egu="mm", low=-10.0, high=10.0, velocity=1e5, acceleration_s=0.0)
        loose = Mechanics(egu="mm", low=-10.0, high=10.0, velocity=500.0, acceleration_s=0.01, backlash=0.5)
        self.m1 = MotorGroup(f"{prefix}m1", clock=clock, description="Slow stage", mechanics=slow)
        self.m2 = MotorGroup(f"{prefix}m2", clock=clock, description="Fast stage", mechanics=fast)
        self.m3 = MotorGroup(
            f"{prefix}m3", clock=clock, description="Stage with backlash", mechanics=loose, on_arrival=self._arrived
        )
        self.scaler = ScalerGroup(
            f"{prefix}scaler1",
            clock=clock,
            description="Test scaler",
            channels=ConnectedChannels(names={2: "I0", 3: "signal"}),
            actions=CountActions(count=self._count, on_finish=self._finished),
        )
        for group in (self.m1, self.m2, self.m3, self.scaler):
            self.pvdb.update(group.pvdb)

    def _arrived(self, start: float, end: float) -> None:
        self._ends += [start, end]

    def _count(self, elapsed_s: float) -> dict[int, float]:
        if self.broken.value:
            return {2: float("nan")}
        return {number: float(int(rate * elapsed_s)) for number, rate in RATE_HZ.items()}

    async def _finished(self, elapsed_s: float, counts: Any) -> None:
        await self.frame.write([elapsed_s, counts[2]])

    @lost.putter  # type: ignore[no-redef]
    async def lost(self, instance: Any, value: int) -> None:
        status = AlarmStatus.COMM if value else AlarmStatus.NO_ALARM
        severity = AlarmSeverity.INVALID_ALARM if value else AlarmSeverity.NO_ALARM
        await self.flow.write(self.flow.value, status=status, severity=severity)

    @stall.putter  # type: ignore[no-redef]
    async def stall(self, instance: Any, value: int) -> None:
        self.m1.fault_stalled = bool(value)

    @arrivals.getter  # type: ignore[no-redef]
    async def arrivals(self, instance: Any) -> list[float]:
        return self._ends[-40:] or [0.0]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--prefix", default="rec:")
    parser.add_argument("--speed", type=float, default=1.0)
    options = parser.parse_args()
    try:
        run_server(
            Bench(options.prefix, options.speed).pvdb,
            Address(port=options.port),
            hooks=ServerHooks(on_ready=lambda port: print(f"ready on {port}")),  # noqa: T201
        )
    except PortTakenError as error:
        sys.stderr.write(f"{error}\n")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
