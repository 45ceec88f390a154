"""The one who breaks the beamline."""

from __future__ import annotations

import time
from typing import Any

import epics

from errors import InputError
from trxas.validation.robustness.fault_schedule import BEAM_KINDS, PlannedFault

ANSWER_TIMEOUT_S = 30.0
"""How long the beamline may be away after a fault (a dead IOC is found again after 8 to 9 s)."""


class Operator:
    """Strikes faults of the simulated beamline at `prefix` that runs `speed` times as fast as a watch."""

    def __init__(self, prefix: str, speed: float) -> None:
        self._prefix, self._speed = prefix, speed

    def strike(self, fault: PlannedFault) -> bool:
        """Let a fault strike and wait for its end; whether it did strike.

        Raises InputError if the simulation refuses a parameter: then another fault would strike than the one counted.
        """
        switch = f"7idd:sim:Fault:{fault.kind}"
        for name, value in fault.parameters.items():
            self._set(f"{switch}:{name}", value)
        duration_s = fault.duration_s * (self._speed if fault.kind in BEAM_KINDS else 1.0)
        struck = self._put(switch, duration_s)
        time.sleep(fault.duration_s)
        return struck

    def _set(self, name: str, value: Any) -> None:
        if self._put(name, value):
            taken = epics.get_pv(self._prefix + name).get(use_monitor=False, timeout=ANSWER_TIMEOUT_S)
            if taken is not None and taken != value:
                raise InputError(f"{name} stays at {taken!r}: the simulation refused {value!r}.")

    def _put(self, name: str, value: Any) -> bool:
        """Put as soon as the record answers; whether it did."""
        pv = epics.get_pv(self._prefix + name, connect=True, timeout=ANSWER_TIMEOUT_S)
        return pv is not None and pv.connected and pv.put(value, wait=True, timeout=ANSWER_TIMEOUT_S) == 1
