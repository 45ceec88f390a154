"""Faults of beam, sample, laser and detectors that change what is counted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from sim.physics.experiment import BeamlineState
from sim.physics.fault import Fault

DRIFT_STEP_S = 10.0
"""Beam time after which a drift is looked at anew; the middle of a step gives its mean exactly."""

SAWTOOTH_STEPS = 10
"""Steps in which the stored current falls from one injection to the next."""


@dataclass(frozen=True)
class BeamDump(Fault):
    """The ring loses its beam."""

    meaning: ClassVar[str] = "Ring loses its beam"

    def steady(self, state: BeamlineState) -> BeamlineState:
        """No current, no photons."""
        return replace(state, current=0.0)


@dataclass(frozen=True)
class TopUp(Fault):
    """Coarse injections: the current falls by `current_drop` within `interval_s` and is refilled.

    During the `injection_s` after each refill the beam is unsteady and `i0_dip` of the flux misses the sample.
    """

    meaning: ClassVar[str] = "Coarse top-up with a dip at injection"
    interval_s: float = 30.0
    injection_s: float = 1.0
    current_drop: float = 0.01
    i0_dip: float = 0.3

    def __post_init__(self) -> None:
        """Refuse times that do not fit into each other."""
        self._require(interval_s=(1.0, 1e5), current_drop=(0.0, 1.0), i0_dip=(0.0, 1.0))
        self._require(injection_s=(1e-3, self.interval_s))

    def disturbed(self, state: BeamlineState, since_s: float) -> BeamlineState:
        """Current on its sawtooth; less flux while injecting."""
        phase_s = since_s % self.interval_s
        step_s = self.interval_s / SAWTOOTH_STEPS
        fallen = self.current_drop * (phase_s // step_s) / SAWTOOTH_STEPS
        injecting = phase_s < self.injection_s
        flux = state.flux * (1 - self.i0_dip if injecting else 1.0)
        return replace(state, current=state.current * (1 - fallen), flux=flux, injecting=injecting)

    def next_change_s(self, since_s: float) -> float:
        """End of the injection or of a step of the sawtooth."""
        start_s = since_s // self.interval_s * self.interval_s
        steps = [start_s + n * self.interval_s / SAWTOOTH_STEPS for n in range(1, SAWTOOTH_STEPS + 2)]
        return min(time_s for time_s in (start_s + self.injection_s, *steps) if time_s > since_s)


@dataclass(frozen=True)
class FluxDrift(Fault):
    """The flux changes by `per_minute` of its value at the start each minute, down to nothing."""

    meaning: ClassVar[str] = "Flux drifts"
    per_minute: float = -0.05

    def __post_init__(self) -> None:
        """Refuse what no optics do."""
        self._require(per_minute=(-10.0, 10.0))

    def disturbed(self, state: BeamlineState, since_s: float) -> BeamlineState:
        """Linear in time."""
        return replace(state, flux=state.flux * max(0.0, 1 + self.per_minute * since_s / 60))

    def next_change_s(self, since_s: float) -> float:
        """The next step."""
        return (since_s // DRIFT_STEP_S + 1) * DRIFT_STEP_S


@dataclass(frozen=True)
class I0Dropout(Fault):
    """The ion chamber's electronics show only `level` of its counts; the beam is there."""

    meaning: ClassVar[str] = "Ion chamber shows only part of its counts"
    level: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no fraction."""
        self._require(level=(0.0, 1.0))

    def steady(self, state: BeamlineState) -> BeamlineState:
        """Fewer counts shown."""
        return replace(state, chamber=state.chamber * self.level)


@dataclass(frozen=True)
class JetStall(Fault):
    """The jet's pump stops."""

    meaning: ClassVar[str] = "Jet stops"

    def steady(self, state: BeamlineState) -> BeamlineState:
        """No sheet, no signal."""
        return replace(state, jet_running=False, jet_flow=0.0)


@dataclass(frozen=True)
class Bubbles(Fault):
    """Gas in the jet: `per_s` times a second, at random moments, `depth` of the signal is missing for `dip_s`.

    The flow meter, which gas disturbs, shows `flow_drop` less.
    """

    meaning: ClassVar[str] = "Bubbles in the jet"
    per_s: float = 1.0
    dip_s: float = 0.1
    depth: float = 0.8
    flow_drop: float = 0.2

    def __post_init__(self) -> None:
        """Refuse more bubbles than jet."""
        self._require(per_s=(1e-3, 20.0), depth=(0.0, 1.0), flow_drop=(0.0, 1.0))
        self._require(dip_s=(1e-3, 0.5 / self.per_s))

    def disturbed(self, state: BeamlineState, since_s: float) -> BeamlineState:
        """Less sample in the beam while a bubble passes."""
        start_s = self._start_s(int(since_s * self.per_s))
        passing = start_s <= since_s < start_s + self.dip_s
        density = state.jet_density * (1 - self.depth if passing else 1.0)
        return replace(state, jet_density=density, jet_flow=state.jet_flow * (1 - self.flow_drop))

    def next_change_s(self, since_s: float) -> float:
        """Start or end of the next bubble."""
        number = int(since_s * self.per_s)
        starts = [self._start_s(n) for n in (number, number + 1)]
        return min(time_s for start_s in starts for time_s in (start_s, start_s + self.dip_s) if time_s > since_s)

    def _start_s(self, number: int) -> float:
        """Start of a bubble; each interval of 1/`per_s` has one, within its first half.

        The golden ratio's multiples spread the bubbles evenly and irregularly, and can be had for any of them alone.
        """
        return (number + 0.5 * (number * 0.618_033_988_749_895 % 1.0)) / self.per_s


@dataclass(frozen=True)
class LaserUnlock(Fault):
    """The laser loses the ring's clock: it fires at random phases, or, with `firing` 0, not at all."""

    meaning: ClassVar[str] = "Laser loses its lock"
    firing: int = 1

    def __post_init__(self) -> None:
        """Refuse what is neither yes nor no."""
        self._require(firing=(0, 1))

    def steady(self, state: BeamlineState) -> BeamlineState:
        """No fixed delay any more."""
        return replace(state, laser_locked=False, fluence_mj_cm2=state.fluence_mj_cm2 * self.firing)


@dataclass(frozen=True)
class LaserPower(Fault):
    """The laser gives `factor` of its power."""

    meaning: ClassVar[str] = "Laser loses power"
    factor: float = 0.5

    def __post_init__(self) -> None:
        """Refuse a laser that gains power: the limit of the fluence would not hold."""
        self._require(factor=(0.0, 1.0))

    def steady(self, state: BeamlineState) -> BeamlineState:
        """Less fluence at the same wave plate."""
        return replace(state, fluence_mj_cm2=state.fluence_mj_cm2 * self.factor)


@dataclass(frozen=True)
class GatesLost(Fault):
    """The gate electronics open `fraction` fewer gates than there are pump pulses."""

    meaning: ClassVar[str] = "Fewer gates opened than demanded"
    fraction: float = 0.2

    def __post_init__(self) -> None:
        """Refuse what is no fraction."""
        self._require(fraction=(0.0, 1.0))

    def steady(self, state: BeamlineState) -> BeamlineState:
        """Fewer gates."""
        return replace(state, gates_open=state.gates_open * (1 - self.fraction))


@dataclass(frozen=True)
class ApdSaturation(Fault):
    """Stray light, `photons` per pulse on each photodiode: every gate counts every time."""

    meaning: ClassVar[str] = "Photodiodes saturate"
    photons: float = 30.0

    def __post_init__(self) -> None:
        """Refuse darkness and what would burn the photodiodes."""
        self._require(photons=(0.0, 1e4))

    def steady(self, state: BeamlineState) -> BeamlineState:
        """More light."""
        return replace(state, stray_photons=state.stray_photons + self.photons)
