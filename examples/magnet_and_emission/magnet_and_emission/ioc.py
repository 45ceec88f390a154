"""A simulation of magnet, analyser and counter over Channel Access: `python -m magnet_and_emission.ioc --port 5066`.

The line of the sample lies at 7058 eV and moves by 0.2 eV per tesla, which is invented. Seconds of beam pass `--speed`
times faster than seconds of the clock.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import threading
from typing import Any

import numpy as np
from caproto.asyncio.server import Context
from caproto.server import PVGroup, pvproperty

from magnet_and_emission.simulated_line import photons_per_s

RAMP_T_S = 0.1
STEP_S = 0.02
"""Interval in which the read-back of the field follows its ramp, s of wall time."""


class EmissionGroup(PVGroup):
    """Magnet, analyser and counter; every put completes when what it starts has ended."""

    field = pvproperty(
        name="ame:magnet:Field", value=0.0, units="T", precision=4, doc="Field, setpoint",
        lower_ctrl_limit=-5.0, upper_ctrl_limit=5.0,
    )  # fmt: skip
    field_rbv = pvproperty(name="ame:magnet:FieldRBV", value=0.0, units="T", precision=4, doc="Field, read-back")
    stop = pvproperty(name="ame:magnet:Stop", value=0, doc="1 stops the ramp")
    analyser = pvproperty(
        name="ame:analyser:Energy", value=7058.0, units="eV", precision=3, doc="Analyser, setpoint",
        lower_ctrl_limit=6900.0, upper_ctrl_limit=7200.0,
    )  # fmt: skip
    analyser_rbv = pvproperty(name="ame:analyser:EnergyRBV", value=7058.0, units="eV", precision=3, doc="Analyser")
    dwell = pvproperty(name="ame:counter:Dwell", value=1.0, units="s", precision=3, doc="Dwell of an exposure")
    count = pvproperty(name="ame:counter:Count", value=0, doc="1 starts; the put completes at the end")
    frame = pvproperty(name="ame:counter:Frame", value=[0.0, 0.0, 0.0], doc="Number, seconds, counts")

    def __init__(self, prefix: str, *, speed: float, seed: int) -> None:
        super().__init__(prefix)
        self._speed = speed
        self._random = np.random.default_rng(seed)
        self._number = 0

    @field.putter  # type: ignore[no-redef]
    async def field(self, _instance: Any, value: float) -> float:
        """Ramp to the new field, T, or until the ramp is stopped."""
        await self.stop.write(0)
        here = float(self.field_rbv.value)
        while here != value and not self.stop.value:
            step = RAMP_T_S * STEP_S * self._speed
            here += min(max(value - here, -step), step)
            await self.field_rbv.write(here)
            await asyncio.sleep(STEP_S)
        return value

    @analyser.putter  # type: ignore[no-redef]
    async def analyser(self, _instance: Any, value: float) -> float:
        """Turn the analyser to the new energy, eV, at once."""
        await self.analyser_rbv.write(value)
        return value

    @count.putter  # type: ignore[no-redef]
    async def count(self, _instance: Any, value: int) -> int:
        """Count for the dwell and publish the frame, all of it together, before the put completes."""
        if not value:
            return 0
        dwell_s = float(self.dwell.value)
        await asyncio.sleep(dwell_s / self._speed)
        rate = photons_per_s(float(self.analyser_rbv.value), float(self.field_rbv.value))
        self._number += 1
        await self.frame.write([float(self._number), dwell_s, float(self._random.poisson(rate * dwell_s))])
        return 0


def _stop_with_stdin() -> None:
    """Send SIGTERM to this process once its standard input is closed: its parent is gone."""
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Serve the records on loopback until Ctrl-C."""
    parser = argparse.ArgumentParser(description="Serve a magnet, an analyser and its counter over Channel Access.")
    parser.add_argument("--macro", default="", help="prefix of every PV name")
    parser.add_argument("--port", type=int, default=5066, help="Channel Access port")
    parser.add_argument("--speed", type=float, default=1.0, help="seconds of beam per second of wall time")
    parser.add_argument("--seed", type=int, default=1, help="seed of the counting noise")
    parser.add_argument("--stop-with-stdin", action="store_true", help="stop when standard input is closed")
    options = parser.parse_args()
    if options.stop_with_stdin:
        threading.Thread(target=_stop_with_stdin, daemon=True).start()
    # caproto reads the port from its environment, when the server is made.
    os.environ["EPICS_CA_SERVER_PORT"] = os.environ["EPICS_CAS_SERVER_PORT"] = str(options.port)
    group = EmissionGroup(options.macro, speed=options.speed, seed=options.seed)

    async def announce(_async_library: Any) -> None:
        print(f"magnet and emission ready: EPICS_CA_ADDR_LIST=127.0.0.1:{options.port}", flush=True)

    async def serve() -> None:
        await Context(group.pvdb, interfaces=["127.0.0.1"]).run(startup_hook=announce)

    asyncio.run(serve())


if __name__ == "__main__":
    main()
