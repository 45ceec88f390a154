"""What every fault of the simulated beamline has: parameters that make sense, and an effect on the beamline's state.

The effect is a pure function of the state and of the time since the fault struck, so that an exposure is affected for
exactly the part of it that was struck; what a fault does to records beside is for `sim.ioc`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from sim.errors import SimulationInputError
from sim.physics.experiment import BeamlineState


@dataclass(frozen=True)
class Fault:
    """One fault with its parameters; without any change to the physics unless a kind says otherwise.

    Seconds are seconds of beam, for kinds with `wall_clock` those of a watch: a network does not run faster because
    the beamline is simulated fast.
    """

    meaning: ClassVar[str] = ""
    wall_clock: ClassVar[bool] = False
    longest_s: ClassVar[float] = math.inf

    def steady(self, state: BeamlineState) -> BeamlineState:
        """What `state` becomes while this is active, for kinds whose effect stays the same."""
        return state

    def disturbed(self, state: BeamlineState, since_s: float) -> BeamlineState:  # noqa: ARG002  # for other kinds
        """What `state` becomes `since_s` seconds after this struck."""
        return self.steady(state)

    def next_change_s(self, since_s: float) -> float:  # noqa: ARG002  # for other kinds
        """When, after `since_s`, the effect is next different; seconds since this struck, infinite for never."""
        return math.inf

    def _require(self, **allowed: tuple[float, float]) -> None:
        """Raise SimulationInputError unless every named parameter is within its limits."""
        for name, (low, high) in allowed.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise SimulationInputError(
                    f"{type(self).__name__}: {name} = {value:g} must be within {low:g} to {high:g}"
                )

    def _require_choice(self, name: str, choices: tuple[str, ...]) -> None:
        if getattr(self, name) not in choices:
            raise SimulationInputError(
                f"{type(self).__name__}: {name} = {getattr(self, name)!r} must be one of {', '.join(choices)}"
            )


def check_duration(fault: Fault, duration_s: float) -> None:
    """Raise SimulationInputError unless `fault` can last for `duration_s`; infinite is until it is ended."""
    if not 0 < duration_s <= fault.longest_s:  # false for NaN
        limit = f" and at most {fault.longest_s:g} s" if math.isfinite(fault.longest_s) else "; inf for ever"
        raise SimulationInputError(f"{type(fault).__name__}: a duration of {duration_s:g} s must be above 0{limit}")
