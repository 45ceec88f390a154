"""The life of an exposure as explicit states: idle, armed, counting, counted, and idle again once it is read.

A reader owns one life cycle. The plan arms it with the targets of the exposure; the trigger starts counting; the end
of the trigger's status makes it counted; reading it closes it. After a failed or abandoned exposure the cycle can be
armed again. A pause of the plan puts it back to armed, as bluesky repeats the trigger afterwards. The transitions come
from two threads, the RunEngine's and that of the status, hence the lock and the number: the late end of an abandoned
exposure must not end the next one.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from errors import AcquisitionError


class ExposurePhase(StrEnum):
    """State of a life cycle."""

    IDLE = "idle"
    ARMED = "armed"
    COUNTING = "counting"
    COUNTED = "counted"


@dataclass(frozen=True, kw_only=True)
class ExposureTargets:
    """Targets of one exposure, and its place in the run.

    `positions` of axes by event field, in their units; `laser_shutter` 1 open, 0 closed, None if it does not matter.
    `dip_per_s` is I0 in counts/s where it is known to be lower than elsewhere, at a glitch of the monochromator.
    """

    positions: Mapping[str, float] = field(default_factory=dict)
    laser_shutter: int | None = None
    scan_index: int = 0
    point_index: int = 0
    dip_per_s: float | None = None


class ExposureLifeCycle:
    """Phase and targets of the current exposure; a step in the wrong phase raises AcquisitionError."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._phase = ExposurePhase.IDLE
        self._targets = ExposureTargets()
        self._number = 0

    @property
    def phase(self) -> ExposurePhase:
        """Phase of the current exposure."""
        return self._phase

    @property
    def targets(self) -> ExposureTargets:
        """Targets of the exposure armed last."""
        return self._targets

    def arm(self, targets: ExposureTargets) -> None:
        """Accept new `targets` in any phase, and abandon an exposure that was not read; never raises."""
        with self._lock:
            self._number += 1
            self._targets = targets
            self._phase = ExposurePhase.ARMED

    def start(self) -> int:
        """Go from armed to counting and return the exposure's number, for `end`; raises AcquisitionError otherwise."""
        with self._lock:
            self._require(ExposurePhase.ARMED, "trigger", "Arm it with its targets before the trigger.")
            self._number += 1
            self._phase = ExposurePhase.COUNTING
            return self._number

    def end(self, number: int, *, succeeded: bool) -> bool:
        """Go to counted, or to idle after a failure; return whether exposure `number` can be read now.

        Does nothing if it was abandoned.
        """
        with self._lock:
            if self._phase is ExposurePhase.COUNTING and number == self._number:
                self._phase = ExposurePhase.COUNTED if succeeded else ExposurePhase.IDLE
                return succeeded
            return False

    def close(self) -> None:
        """Go from counted to idle, as the exposure is being read; raises AcquisitionError in any other phase."""
        with self._lock:
            self._require(ExposurePhase.COUNTED, "read", "Trigger it and wait for its end before reading it.")
            self._phase = ExposurePhase.IDLE

    def reset(self) -> None:
        """Go to idle from any phase, and abandon the current exposure."""
        with self._lock:
            self._number += 1
            self._phase = ExposurePhase.IDLE

    def interrupt(self) -> None:
        """Go back to armed after a pause: bluesky triggers the same exposure again."""
        # A pause before the first exposure has nothing to repeat. Otherwise the number changes, so that the end of the
        # exposure that the pause stopped, which may arrive later, does not count as the end of the repeated one.
        with self._lock:
            if self._number:
                self._number += 1
                self._phase = ExposurePhase.ARMED

    def _require(self, phase: ExposurePhase, step: str, remedy: str) -> None:
        if self._phase is not phase:
            raise AcquisitionError(f"Cannot {step} the exposure: it is {self._phase}, not {phase}. {remedy}")
