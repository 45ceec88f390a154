"""Faults of beam, sample, laser and detectors that act on the state of the beamline alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from sim.faults.fault import Fault
from sim.physics.beamline_state import BeamlineState

DRIFT_STEP_S = 10.0
"""Beam time of one step of a drift; the value at its middle is exactly its mean."""

SAWTOOTH_STEPS = 10
"""Number of steps in which the stored current falls from one injection to the next."""


@dataclass(frozen=True, kw_only=True)
class BeamDump(Fault):
    """The ring loses its beam."""

    meaning: ClassVar[str] = "Ring loses its beam"

    def steady(self, state: BeamlineState) -> BeamlineState:
        """Set the stored current to 0 mA: no photons."""
        return replace(state, current=0.0)


@dataclass(frozen=True, kw_only=True)
class TopUp(Fault):
    """Coarse injections: the current falls by the fraction `current_drop` within `interval_s` and is refilled.

    During `injection_s` after each refill the beam is unsteady, and the fraction `i0_dip` of the flux is missing.
    """

    meaning: ClassVar[str] = "Coarse top-up with a dip at injection"
    variants: ClassVar[tuple[Mapping[str, float | str], ...]] = ({"interval_s": 30}, {"interval_s": 10})
    interval_s: float = 30.0
    injection_s: float = 1.0
    current_drop: float = 0.01
    i0_dip: float = 0.3

    def __post_init__(self) -> None:
        """Refuse an injection longer than its interval."""
        self._require(interval_s=(1.0, 1e5), current_drop=(0.0, 1.0), i0_dip=(0.0, 1.0))
        self._require(injection_s=(1e-3, self.interval_s))

    def disturbed(self, state: BeamlineState, since_s: float) -> BeamlineState:
        """Put the current on its sawtooth, `since_s` seconds after the start, and reduce the flux while injecting."""
        phase_s = since_s % self.interval_s
        step_s = self.interval_s / SAWTOOTH_STEPS
        fallen = self.current_drop * (phase_s // step_s) / SAWTOOTH_STEPS
        injecting = phase_s < self.injection_s
        flux = state.flux * (1 - self.i0_dip if injecting else 1.0)
        return replace(state, current=state.current * (1 - fallen), flux=flux, injecting=injecting)

    def next_change_s(self, since_s: float) -> float:
        """Return the next end of an injection or of a step of the sawtooth, s since the strike."""
        start_s = since_s // self.interval_s * self.interval_s
        steps = [start_s + n * self.interval_s / SAWTOOTH_STEPS for n in range(1, SAWTOOTH_STEPS + 2)]
        return min(time_s for time_s in (start_s + self.injection_s, *steps) if time_s > since_s)


@dataclass(frozen=True, kw_only=True)
class FluxDrift(Fault):
    """The flux changes each minute by the fraction `per_minute` of its initial value, down to 0."""

    meaning: ClassVar[str] = "Flux drifts"
    per_minute: float = -0.05

    def __post_init__(self) -> None:
        """Refuse drifts that no optics make."""
        self._require(per_minute=(-10.0, 10.0))

    def disturbed(self, state: BeamlineState, since_s: float) -> BeamlineState:
        """Change the flux by the fraction `per_minute` of its first value per 60 s, down to 0."""
        return replace(state, flux=state.flux * max(0.0, 1 + self.per_minute * since_s / 60))

    def next_change_s(self, since_s: float) -> float:
        """Return the time of the next step, s since the strike."""
        return (since_s // DRIFT_STEP_S + 1) * DRIFT_STEP_S


@dataclass(frozen=True, kw_only=True)
class Glitch(Fault):
    """A glitch of the monochromator: at `energy_ev` only the fraction `level` of the flux is left, as I0 shows.

    The dip is a Gaussian of `fwhm_ev`. A crystal glitches where another of its planes fulfils Bragg's law as well, so
    the dip stays at its energy however often the point is measured.
    """

    meaning: ClassVar[str] = "Monochromator glitches at one energy"
    variants: ClassVar[tuple[Mapping[str, float | str], ...]] = ({"level": 0.4}, {"level": 0.1})
    energy_ev: float = 13_475.0
    fwhm_ev: float = 1.0
    level: float = 0.4

    def __post_init__(self) -> None:
        """Refuse energies beyond the monochromator's range and values that are not a fraction."""
        self._require(energy_ev=(4e3, 20e3), fwhm_ev=(0.01, 100.0), level=(0.0, 1.0))

    def steady(self, state: BeamlineState) -> BeamlineState:
        """Reduce the flux by the dip at the energy of the exposure."""
        widths = (state.energy_ev - self.energy_ev) / self.fwhm_ev
        missing = (1 - self.level) * math.exp(-4 * math.log(2) * widths**2)
        return replace(state, glitch=state.glitch * (1 - missing))


@dataclass(frozen=True, kw_only=True)
class I0Dropout(Fault):
    """The electronics of the ion chamber show only the fraction `level` of its counts; the beam is there."""

    meaning: ClassVar[str] = "Ion chamber shows only part of its counts"
    level: float = 0.0

    def __post_init__(self) -> None:
        """Refuse values that are not a fraction."""
        self._require(level=(0.0, 1.0))

    def steady(self, state: BeamlineState) -> BeamlineState:
        """Show a fraction of the counts; the beam itself is not changed."""
        return replace(state, chamber=state.chamber * self.level)


@dataclass(frozen=True, kw_only=True)
class JetStall(Fault):
    """The pump of the jet stops."""

    meaning: ClassVar[str] = "Jet stops"

    def steady(self, state: BeamlineState) -> BeamlineState:
        """Stop the jet: the flow is 0 ml/min, and there is neither sheet nor signal."""
        return replace(state, jet_running=False, jet_flow=0.0)


@dataclass(frozen=True, kw_only=True)
class Bubbles(Fault):
    """Gas in the jet: `per_s` times a second, at irregular times, `depth` of the signal is missing for `dip_s`.

    The gas also disturbs the flow meter, which shows a flow lower by the fraction `flow_drop`.
    """

    meaning: ClassVar[str] = "Bubbles in the jet"
    per_s: float = 1.0
    dip_s: float = 0.1
    depth: float = 0.8
    flow_drop: float = 0.2

    def __post_init__(self) -> None:
        """Refuse bubbles that would overlap."""
        self._require(per_s=(1e-3, 20.0), depth=(0.0, 1.0), flow_drop=(0.0, 1.0))
        self._require(dip_s=(1e-3, 0.5 / self.per_s))

    def disturbed(self, state: BeamlineState, since_s: float) -> BeamlineState:
        """Reduce the sample in the beam while a bubble passes, for `dip_s` seconds."""
        start_s = self._start_s(int(since_s * self.per_s))
        passing = start_s <= since_s < start_s + self.dip_s
        density = state.jet_density * (1 - self.depth if passing else 1.0)
        return replace(state, jet_density=density, jet_flow=state.jet_flow * (1 - self.flow_drop))

    def next_change_s(self, since_s: float) -> float:
        """Return the next start or end of a bubble, s since the strike."""
        number = int(since_s * self.per_s)
        starts = [self._start_s(n) for n in (number, number + 1)]
        return min(time_s for start_s in starts for time_s in (start_s, start_s + self.dip_s) if time_s > since_s)

    def _start_s(self, number: int) -> float:
        """Return the start of a bubble, s; each interval of 1/`per_s` has one, within its first half."""
        # The state during an exposure is computed afterwards, from the times of its changes. So a bubble must follow
        # from its number alone, without a generator whose draws would depend on how often it is asked. Multiples of
        # the golden ratio, modulo 1, spread the starts evenly but irregularly (Weyl sequence).
        return (number + 0.5 * (number * 0.618_033_988_749_895 % 1.0)) / self.per_s


@dataclass(frozen=True, kw_only=True)
class LaserUnlock(Fault):
    """The laser loses the clock of the ring: it fires at random phases, or, with `firing` 0, not at all."""

    meaning: ClassVar[str] = "Laser loses its lock"
    variants: ClassVar[tuple[Mapping[str, float | str], ...]] = ({"firing": 1}, {"firing": 0})
    firing: int = 1

    def __post_init__(self) -> None:
        """Refuse values that are neither 0 nor 1."""
        self._require(firing=(0, 1))

    def steady(self, state: BeamlineState) -> BeamlineState:
        """Unlock the laser, so that there is no fixed delay; with `firing` 0 the fluence is 0 mJ/cm2."""
        return replace(state, laser_locked=False, fluence_mj_cm2=state.fluence_mj_cm2 * self.firing)


@dataclass(frozen=True, kw_only=True)
class LaserPower(Fault):
    """The laser gives the fraction `factor` of its power."""

    meaning: ClassVar[str] = "Laser loses power"
    factor: float = 0.5

    def __post_init__(self) -> None:
        """Refuse a gain of power: it would break the limit of the fluence."""
        self._require(factor=(0.0, 1.0))

    def steady(self, state: BeamlineState) -> BeamlineState:
        """Reduce the fluence, mJ/cm2, at the same angle of the wave plate."""
        return replace(state, fluence_mj_cm2=state.fluence_mj_cm2 * self.factor)


@dataclass(frozen=True, kw_only=True)
class GatesLost(Fault):
    """The gate electronics miss the fraction `fraction` of the gates."""

    meaning: ClassVar[str] = "Fewer gates opened than demanded"
    fraction: float = 0.2

    def __post_init__(self) -> None:
        """Refuse values that are not a fraction."""
        self._require(fraction=(0.0, 1.0))

    def steady(self, state: BeamlineState) -> BeamlineState:
        """Open fewer gates, by a fraction of those demanded."""
        return replace(state, gates_open=state.gates_open * (1 - self.fraction))


@dataclass(frozen=True, kw_only=True)
class ApdSaturation(Fault):
    """Stray light, `photons` per pulse on each photodiode: every gate counts every time."""

    meaning: ClassVar[str] = "Photodiodes saturate"
    photons: float = 30.0

    def __post_init__(self) -> None:
        """Refuse a negative number, and light that would burn the photodiodes."""
        self._require(photons=(0.0, 1e4))

    def steady(self, state: BeamlineState) -> BeamlineState:
        """Add the stray light, photons per pulse and photodiode."""
        return replace(state, stray_photons=state.stray_photons + self.photons)


@dataclass(frozen=True, kw_only=True)
class GateDrift(Fault):
    """The gate of the pumped pulse changes: its gain by the fraction `gain`, its zero at the boxcar by `zero_v`.

    No exposure is bad, and no PV shows it; a calibration of the gates has to find it. Random schedules draw a change
    that is too small to affect a result.
    """

    meaning: ClassVar[str] = "Pumped gate changes gain and zero"
    variants: ClassVar[tuple[Mapping[str, float | str], ...]] = ({"gain": 1e-6, "zero_v": 1e-8},)
    gain: float = 1e-3
    zero_v: float = 1e-4

    def __post_init__(self) -> None:
        """Refuse changes that no electronics make."""
        self._require(gain=(-0.5, 0.5), zero_v=(-0.1, 0.1))

    def steady(self, state: BeamlineState) -> BeamlineState:
        """Change gain, relative, and zero, V, of the pumped gate."""
        gain = state.gate_gain * (1 + self.gain)
        return replace(state, gate_gain=gain, gate_zero_v=state.gate_zero_v + self.zero_v)


@dataclass(frozen=True, kw_only=True)
class LaserLight(Fault):
    """The laser adds `photons` per pulse to a gate at time zero, all photodiodes together, as through a hole in a foil.

    It follows the luminescence of the sample. As nothing in an exposure reveals it, random schedules draw a light that
    is too weak to affect a result.
    """

    meaning: ClassVar[str] = "Light of the laser in the gates"
    variants: ClassVar[tuple[Mapping[str, float | str], ...]] = ({"photons": 1e-7},)
    photons: float = 1e-4

    def __post_init__(self) -> None:
        """Refuse a negative number, and one above that of the X-rays."""
        self._require(photons=(0.0, 1.0))

    def steady(self, state: BeamlineState) -> BeamlineState:
        """Add the light, photons per pulse at time zero."""
        return replace(state, laser_light=state.laser_light + self.photons)
