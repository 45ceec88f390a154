"""Slow faults that no exposure shows by itself: the true values move away from the calibrated ones."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from sim.faults.fault import Fault
from sim.physics.beamline_state import BeamlineState

STEP_S = 10.0
"""Beam time of one step of a drift."""


@dataclass(frozen=True, kw_only=True)
class Drifting(Fault):
    """A drift in steps of 10 s from the moment at which it strikes; kinds change the state by `hours` of it."""

    def disturbed(self, state: BeamlineState, since_s: float) -> BeamlineState:
        """Return the state as it has drifted `since_s` seconds after the start, in whole steps."""
        return self.drifted(state, math.floor(since_s / STEP_S) * STEP_S / 3600.0)

    def next_change_s(self, since_s: float) -> float:
        """Return the time of the next step, s since the strike."""
        return (math.floor(since_s / STEP_S) + 1) * STEP_S

    def drifted(self, state: BeamlineState, hours: float) -> BeamlineState:
        """Return the state after `hours` of the drift."""
        return state


@dataclass(frozen=True, kw_only=True)
class TimeZeroDrift(Drifting):
    """Time zero moves by `ps_per_h`, as when the hutch warms up; random schedules draw less than any trace resolves."""

    meaning: ClassVar[str] = "Time zero drifts"
    variants: ClassVar[tuple[Mapping[str, float | str], ...]] = ({"ps_per_h": 0.1},)
    ps_per_h: float = 10.0

    def __post_init__(self) -> None:
        """Refuse drifts that no cables make."""
        self._require(ps_per_h=(-1e4, 1e4))

    def drifted(self, state: BeamlineState, hours: float) -> BeamlineState:
        """Reduce the true delay, ps, by the drift of time zero."""
        return replace(state, delay_ps=state.delay_ps - self.ps_per_h * hours)


@dataclass(frozen=True, kw_only=True)
class EnergyDrift(Drifting):
    """The energy moves by `ev_per_h` at the same angle; random schedules draw less than any edge resolves."""

    meaning: ClassVar[str] = "Energy of the monochromator drifts"
    variants: ClassVar[tuple[Mapping[str, float | str], ...]] = ({"ev_per_h": 1e-3},)
    ev_per_h: float = 0.3

    def __post_init__(self) -> None:
        """Refuse drifts that no crystal makes."""
        self._require(ev_per_h=(-100.0, 100.0))

    def drifted(self, state: BeamlineState, hours: float) -> BeamlineState:
        """Increase the true energy, eV, by the drift."""
        return replace(state, energy_ev=state.energy_ev + self.ev_per_h * hours)


@dataclass(frozen=True, kw_only=True)
class PointingDrift(Drifting):
    """The laser spot moves off the X-rays by `um_per_h`; the power meter does not see it."""

    meaning: ClassVar[str] = "Laser spot drifts off the X-rays"
    variants: ClassVar[tuple[Mapping[str, float | str], ...]] = ({"um_per_h": 0.1},)
    um_per_h: float = 10.0

    def __post_init__(self) -> None:
        """Refuse drifts that would leave the jet within minutes."""
        self._require(um_per_h=(-1e4, 1e4))

    def drifted(self, state: BeamlineState, hours: float) -> BeamlineState:
        """Move the laser spot horizontally, um."""
        return replace(state, laser_horizontal_um=state.laser_horizontal_um + self.um_per_h * hours)


@dataclass(frozen=True, kw_only=True)
class SampleDamage(Drifting):
    """Damage: each hour changes the fraction `per_h` of the intact sample, in addition to what X-rays do."""

    meaning: ClassVar[str] = "Sample is damaged"
    variants: ClassVar[tuple[Mapping[str, float | str], ...]] = ({"per_h": 1e-4},)
    per_h: float = 0.05

    def __post_init__(self) -> None:
        """Refuse values that are not loss."""
        self._require(per_h=(0.0, 100.0))

    def drifted(self, state: BeamlineState, hours: float) -> BeamlineState:
        """Add to the damaged share of the sample, which stays below 1."""
        return replace(state, damage=1 - (1 - state.damage) * math.exp(-self.per_h * hours))


@dataclass(frozen=True, kw_only=True)
class ChamberOffset(Fault):
    """The amplifiers of both ion chambers get an offset of `per_s` counts; random schedules draw a small one."""

    meaning: ClassVar[str] = "Ion chambers get an offset"
    variants: ClassVar[tuple[Mapping[str, float | str], ...]] = ({"per_s": 100.0},)
    per_s: float = 1e4

    def __post_init__(self) -> None:
        """Refuse what no amplifier gives."""
        self._require(per_s=(0.0, 1e7))

    def steady(self, state: BeamlineState) -> BeamlineState:
        """Add the offset, counts per second."""
        return replace(state, chamber_offset=state.chamber_offset + self.per_s)
