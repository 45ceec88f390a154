"""Faults switched on by another process, through the PVs of the simulation."""

from __future__ import annotations

import time
from typing import Any

import epics

from errors import InputError
from trxas.validation.robustness.fault_schedule import PlannedFault

ANSWER_TIMEOUT_S = 30.0
"""Wall time that the beamline may be away after a fault (a dead IOC is found again after 8 to 9 s)."""


class FaultInjector:
    """Switches on faults of the simulated beamline at `prefix`, which runs at `speed` times the wall clock."""

    def __init__(self, prefix: str, speed: float) -> None:
        self._prefix = prefix
        self._speed = speed

    def strike(self, fault: PlannedFault) -> bool:
        """Switch on a fault and wait for its end; return whether the beamline took it.

        Raises InputError if the simulation refuses a parameter: the fault would differ from the one that is counted.
        """
        switch = fault.switch
        for name, value in fault.parameters.items():
            self._set(f"{switch}:{name}", value)
        # The record takes its own clock: beam time for most faults, so that a fault lasts the same number of exposures
        # at any speed; wall time for those of processes and network.
        duration_s = fault.duration_s * (1.0 if fault.wall_clock else self._speed)
        struck = self._put(switch, duration_s)
        time.sleep(fault.duration_s)
        return struck

    def _set(self, name: str, value: Any) -> None:
        if self._put(name, value):
            # Asked again, not taken from the monitor: pyepics reports a refused write as done.
            taken = epics.get_pv(self._prefix + name).get(use_monitor=False, timeout=ANSWER_TIMEOUT_S)
            if taken is not None and taken != value:
                raise InputError(f"{name} stays at {taken!r}: the simulation refused {value!r}.")

    def _put(self, name: str, value: Any) -> bool:
        """Write as soon as the record answers; return whether it did."""
        pv = epics.get_pv(self._prefix + name, connect=True, timeout=ANSWER_TIMEOUT_S)
        return pv is not None and pv.connected and pv.put(value, wait=True, timeout=ANSWER_TIMEOUT_S) == 1
