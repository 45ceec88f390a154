"""Base of all kinds of faults: parameters with limits, an effect on the beamline's state, and one on its devices."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sim.errors import SimulationInputError
from sim.physics.beamline_state import BeamlineState


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault with its parameters; it does nothing unless a kind overrides a method.

    There are two separate effects. The effect on the state of the beamline is a pure function of that state and of the
    time since the fault struck, so that exactly the struck part of an exposure is affected. The effect on devices is
    what `begin` does to the targets and `end` undoes.

    Times are seconds of beam, or seconds of wall time for kinds with `wall_clock`: a network does not run faster
    because the beamline is simulated fast. `longest_s` limits the duration. A random schedule draws one of `variants`,
    each a set of parameters; a kind without any strikes only when it is asked for, because no point shows it.
    """

    meaning: ClassVar[str] = ""
    wall_clock: ClassVar[bool] = False
    longest_s: ClassVar[float] = math.inf
    variants: ClassVar[tuple[Mapping[str, float | str], ...]] = ({},)

    def steady(self, state: BeamlineState) -> BeamlineState:
        """Return the changed `state`, for kinds whose effect is the same at all times, in the units of the state."""
        return state

    def disturbed(self, state: BeamlineState, since_s: float) -> BeamlineState:
        """Return the changed `state`, `since_s` seconds after the fault struck."""
        return self.steady(state)

    def next_change_s(self, since_s: float) -> float:
        """Return when the effect on the state changes next after `since_s`, both in s since the strike; inf: never."""
        return math.inf

    # What a fault acts on belongs to its experiment: FaultTargets at the beamline, MicroscopeTargets at the microscope.
    # Each kind states which; the base takes any.

    def check(self, targets: Any) -> None:
        """Raise SimulationInputError if this experiment lacks the part on which the fault acts."""

    async def begin(self, targets: Any, duration_s: float) -> None:
        """Start the effect on devices or server, which `end` undoes after `duration_s` seconds on the fault's clock."""

    async def end(self, targets: Any) -> None:
        """Undo what `begin` did; raises nothing, even if the fault has ended already."""

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
    """Raise SimulationInputError unless `fault` can last for `duration_s`; infinite means until it is ended."""
    if not 0 < duration_s <= fault.longest_s:  # false for NaN
        limit = f" and at most {fault.longest_s:g} s" if math.isfinite(fault.longest_s) else "; inf means no end"
        raise SimulationInputError(f"{type(fault).__name__}: a duration of {duration_s:g} s must be above 0{limit}")
