"""The simulated beamline with a switch that lets records lose their devices, as a real IOC does."""

from __future__ import annotations

import argparse
from typing import Any

from caproto import AlarmSeverity, AlarmStatus, ChannelType
from caproto.server import PVGroup, pvproperty

from sim.ioc.channel_access.server import ServerHooks, run_server
from sim.ioc.channel_access.sockets import Address
from sim.ioc.experiment import BuildOptions
from sim.ioc.xas.beamline import SimulatedBeamline
from sim.physics.sample_file import load_sample


class Switch(PVGroup):
    """`test:Lost`: the record, without the macro, that is in INVALID alarm with the value it had; "" ends it."""

    lost = pvproperty(name="test:Lost", value="", dtype=ChannelType.STRING)

    def __init__(self, macro: str, records: dict[str, Any]) -> None:
        super().__init__(macro)
        self._macro = macro
        self._records = records

    @lost.putter  # type: ignore[no-redef]
    async def lost(self, instance: Any, value: str) -> str:
        before = instance.value
        if before:
            await self._alarm(before, AlarmStatus.NO_ALARM, AlarmSeverity.NO_ALARM)
        if value:
            await self._alarm(value, AlarmStatus.COMM, AlarmSeverity.INVALID_ALARM)
        return value

    async def _alarm(self, name: str, status: AlarmStatus, severity: AlarmSeverity) -> None:
        record = self._records[self._macro + name]
        await record.write(record.value, status=status, severity=severity)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--macro", required=True)
    parser.add_argument("--speed", type=float, required=True)
    options = parser.parse_args()
    beamline = SimulatedBeamline(load_sample(), BuildOptions(seed=1, speed=options.speed, macro=options.macro))
    records = beamline.pvdb
    hooks = ServerHooks(on_ready=lambda port: print(f"ready on {port}"), gate=beamline.safety)  # noqa: T201
    run_server(records | Switch(options.macro, records).pvdb, Address(port=options.port), hooks=hooks)


if __name__ == "__main__":
    main()
