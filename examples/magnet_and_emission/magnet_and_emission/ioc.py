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

LINE_EV = 7058.0
EV_PER_T = 0.2
WIDTH_EV = 5.0
PHOTONS_PER_S = 2000.0
BACKGROUND_PER_S = 40.0
RAMP_T_S = 0.1
STEP_S = 0.02
"""Interval in which the read-back of the field follows its ramp, s of wall time."""


def photons_per_s(analyser_ev: float, field_t: float) -> float:
    """Return the rate that the counter sees, photons/s."""
    detuning = 2.0 * (analyser_ev - LINE_EV - EV_PER_T * field_t) / WIDTH_EV
    return PHOTONS_PER_S / (1.0 + detuning**2) + BACKGROUND_PER_S


def emission_group(prefix: str, speed: float, seed: int) -> Any:
    """Return the records, with `prefix` in front of their names, as a caproto PVGroup."""
    from caproto.server import PVGroup, pvproperty

    random = np.random.default_rng(seed)

    class EmissionGroup(PVGroup):
        """Magnet, analyser, counter."""

        field = pvproperty(name="ame:magnet:Field", value=0.0, units="T", precision=4, doc="Field, set point",
                           lower_ctrl_limit=-5.0, upper_ctrl_limit=5.0)  # fmt: skip
        field_rbv = pvproperty(name="ame:magnet:FieldRBV", value=0.0, units="T", precision=4, doc="Field, read-back")
        stop = pvproperty(name="ame:magnet:Stop", value=0, doc="1 stops the ramp")
        analyser = pvproperty(name="ame:analyser:Energy", value=7058.0, units="eV", precision=3, doc="Analyser",
                              lower_ctrl_limit=6900.0, upper_ctrl_limit=7200.0)  # fmt: skip
        analyser_rbv = pvproperty(name="ame:analyser:EnergyRBV", value=7058.0, units="eV", precision=3, doc="Analyser")
        dwell = pvproperty(name="ame:counter:Dwell", value=1.0, units="s", precision=3, doc="Dwell of an exposure")
        count = pvproperty(name="ame:counter:Count", value=0, doc="1 starts; the put completes at the end")
        frame = pvproperty(name="ame:counter:Frame", value=[0.0, 0.0, 0.0], doc="Number, seconds, counts")
        number = 0

        @field.putter  # type: ignore[no-redef]
        async def field(self, _instance: Any, value: float) -> float:
            await self.stop.write(0)
            here = float(self.field_rbv.value)
            while here != value and not self.stop.value:
                step = RAMP_T_S * STEP_S * speed
                here += min(max(value - here, -step), step)
                await self.field_rbv.write(here)
                await asyncio.sleep(STEP_S)
            return value

        @analyser.putter  # type: ignore[no-redef]
        async def analyser(self, _instance: Any, value: float) -> float:
            await self.analyser_rbv.write(value)
            return value

        @count.putter  # type: ignore[no-redef]
        async def count(self, _instance: Any, value: int) -> int:
            if not value:
                return 0
            dwell_s = float(self.dwell.value)
            await asyncio.sleep(dwell_s / speed)
            rate = photons_per_s(float(self.analyser_rbv.value), float(self.field_rbv.value))
            self.number += 1
            await self.frame.write([float(self.number), dwell_s, float(random.poisson(rate * dwell_s))])
            return 0

    return EmissionGroup(prefix)


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
    # caproto reads its environment when the server is made.
    os.environ["EPICS_CA_SERVER_PORT"] = os.environ["EPICS_CAS_SERVER_PORT"] = str(options.port)
    from caproto.asyncio.server import Context

    group = emission_group(options.macro, options.speed, options.seed)

    async def announce(_async_library: Any) -> None:
        print(f"magnet and emission ready: EPICS_CA_ADDR_LIST=127.0.0.1:{options.port}", flush=True)

    async def serve() -> None:
        await Context(group.pvdb, interfaces=["127.0.0.1"]).run(startup_hook=announce)

    asyncio.run(serve())


if __name__ == "__main__":
    main()
