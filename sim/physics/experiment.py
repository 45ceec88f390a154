"""One exposure of the whole experiment: from the state of the beamline to what its detectors count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from sim.physics import beam_path
from sim.physics.beamline_state import BeamlineState, Stretch
from sim.physics.constants import APDS
from sim.physics.counting_effects import (
    PulseMemory,
    SharedPhotons,
    course_of_jet,
    mains_ripple_v,
    previous_gates,
)
from sim.physics.detectors import BOXCAR_BLOCKS, Boxcar, Dwell, draw_boxcar, fired_gates
from sim.physics.drifts import NO_DRIFT, Drift, Drifts
from sim.physics.effects import IDEAL, EffectSizes
from sim.physics.excitation import PumpTrain, Spot, mean_excitation, train_excitation
from sim.physics.exposure_parts import block_shares, pump_periods
from sim.physics.fluctuations import Fluctuation
from sim.physics.gate_effects import LASER_LIGHT, LIGHT_FLUENCE_MJ_CM2, GateHardware, light_in_gates
from sim.physics.glitches import glitch_dip, lost_signal
from sim.physics.ion_chambers import HARMONIC_SHARE, IonChambers
from sim.physics.pump_scheme import PumpScheme
from sim.physics.sample import Sample
from sim.physics.sample_effects import PRODUCT_SHIFT_EV, Dose, self_absorbed
from sim.physics.source import DEFAULT_SCHEME, StoredCurrent, bunch_charges, pulses_per_bunch
from sim.physics.spectra import edge_at, static_spectrum, transient_spectrum
from sim.types import FloatArray, IntArray


@dataclass(frozen=True, kw_only=True)
class ExposureCounts:
    """The counts of all detectors in one exposure.

    `counts` (apd, probe) and `pulses` (probe,) of the gates; `boxcar` (block, probe) in volts per pulse; `i0` and
    `foil` in counts, before and behind the calibration foil. `delivered` is the count of an intact ion chamber.
    """

    duration_s: float
    counts: IntArray
    pulses: IntArray
    boxcar: FloatArray
    i0: int
    foil: int
    delivered: int


class Moment(NamedTuple):
    """Everything that an exposure changes.

    Number of exposures so far, beam time in s, drifts, dose in h, slow fluctuations, random numbers.
    """

    exposures: int
    time_s: float
    drift: Drift
    dose_h: float
    fluctuations: tuple[float, ...]
    generators: tuple[Mapping[str, Any], ...]


class Seen(NamedTuple):
    """Means of one state per X-ray pulse: photons (apd, probe, bunch), and light of the laser, all diodes, (probe,)."""

    photons: FloatArray
    light: FloatArray


@dataclass(frozen=True, kw_only=True)
class Fluctuations:
    """Slow fluctuations of jet and beam: relative standard deviation and correlation time (chosen)."""

    jet_sigma: float = 0.01
    jet_tau_s: float = 5.0
    flux_sigma: float = 0.003
    flux_tau_s: float = 30.0


def restarted_seed(seed: int, stream: int, restarts: int) -> list[int]:
    """Return the seed of a stream of random numbers; it differs between streams and after each restart."""
    return [seed, stream, restarts] if restarts else [seed, stream]


@dataclass(kw_only=True)
class Experiment:
    """The simulated experiment around one sample; all randomness comes from `seed`.

    `scheme`: bunches, pump and gates; `photodiodes`: their number, among which the fluorescence is divided.
    `effects`: sizes of all effects, which may change at any time. `begin_hour`: hour of the day at which beam time
    begins, for the drifts that follow the day.
    `restarts`: number of restarts of the server. The seed fixes the ring and the gates; all other random numbers differ
    after a restart, since repeated ones would not be independent measurements.
    Time passes only while the detectors count: the same exposures give the same counts, however fast a client asks.
    `time_s` is the beam time counted so far, `exposures` their number.
    """

    sample: Sample
    seed: int
    restarts: int = 0
    spot: Spot = field(default_factory=Spot)
    boxcar: Boxcar = field(default_factory=Boxcar)
    ring: StoredCurrent = field(default_factory=StoredCurrent)
    fluctuations: Fluctuations = field(default_factory=Fluctuations)
    scheme: PumpScheme = DEFAULT_SCHEME
    photodiodes: int = APDS
    effects: EffectSizes = IDEAL
    begin_hour: float = 0.0

    def __post_init__(self) -> None:
        """Give every source of randomness its own stream, so that they do not affect each other."""
        # One stream for everything would make all later counts depend on how many numbers an earlier detector drew: a
        # change of the boxcar would change the photodiodes. `fixed` holds what a restart of the server does not change,
        # the bunch charges and the gates.
        streams = [np.random.default_rng(restarted_seed(self.seed, stream, self.restarts)) for stream in range(6)]
        fixed = np.random.default_rng([self.seed, 6])
        self._gates, self._analog, chamber, self._phase = streams[:4]
        self._jet = Fluctuation(self.fluctuations.jet_sigma, self.fluctuations.jet_tau_s, streams[4])
        self._flux = Fluctuation(self.fluctuations.flux_sigma, self.fluctuations.flux_tau_s, streams[5])
        further = [np.random.default_rng(restarted_seed(self.seed, stream, self.restarts)) for stream in range(11, 16)]
        self._drifts = Drifts(further[:3])
        self._course, self._ripple = further[3:]
        self._generators = (*streams, *further)
        self._dose = Dose()
        self._drift = NO_DRIFT
        self._chambers = IonChambers(jet=self.sample.jet, edges=self.sample.edges, beam=self.sample.beam, rng=chamber)
        self._memory = PulseMemory(previous=previous_gates(self.scheme))
        self.exposures = 0
        self.time_s = 0.0
        self.charges = bunch_charges(fixed, self.scheme)
        self.gates = GateHardware.drawn(self.photodiodes, self.probes, fixed)
        self._scaled = self.gates.scaled(self.effects)
        self._scaled_for = self.effects

    @property
    def probes(self) -> int:
        """Number of gates per pump and photodiode."""
        return len(self.scheme.gates)

    @property
    def day_time_s(self) -> float:
        """Time since the beginning of the first day, s."""
        return 3600.0 * self.begin_hour + self.time_s

    @property
    def laser_power(self) -> float:
        """Power of the laser during the latest exposure, relative to that which is set; 1 with its effect off."""
        return self._drift.power if self.effects.laser_power else 1.0

    def true_state(self, state: BeamlineState) -> BeamlineState:
        """Return what a beamline set to `state` truly is, with glitches and the drifts of the latest exposure."""
        drifted = self._drift.applied(state)
        dip = glitch_dip(drifted.energy_ev, self.effects.glitches)
        return replace(drifted, glitch=drifted.glitch * (1 - dip)) if dip else drifted

    def spectrum(self, state: BeamlineState) -> FloatArray:
        """Return the fluorescence of the sample at each probe, in units of the edge step; shape (probe,)."""
        edge = edge_at(self.sample.edges, state.energy_ev)
        static = float(static_spectrum(edge, state.energy_ev))
        transient = float(transient_spectrum(edge, state.energy_ev))
        level = static + transient * self.excitation(state)
        intact = (1 - self._dose.damaged(self.effects.damage)) * (1 - state.damage)
        if intact < 1:
            # The damaged share does not take part in the excitation, and has its edge elsewhere.
            level = intact * level + (1 - intact) * float(static_spectrum(edge, state.energy_ev - PRODUCT_SHIFT_EV))
        strength = self.effects.self_absorption * edge.jet_self_absorption
        return np.asarray(edge.scatter + self_absorbed(level - edge.scatter, strength) if strength else level)

    def excitation(self, state: BeamlineState) -> FloatArray:
        """Return the excitation seen by each probe; shape (probe,)."""
        if not state.laser_shutter_open or state.fluence_mj_cm2 == 0:
            return np.zeros(self.probes)
        kinetics = self.sample.kinetics
        pump = self.sample.pump
        train = PumpTrain(
            fluence_mj_cm2=state.fluence_mj_cm2,
            period_ps=self.scheme.period_ps(state.rate_divider),
            spot=replace(self.spot, horizontal_um=state.laser_horizontal_um, vertical_um=state.laser_vertical_um),
        )
        if not state.laser_locked:
            return np.full(self.probes, mean_excitation(train, kinetics=kinetics, pump=pump))
        delays_ps = state.delay_ps + self.scheme.gate_delays_ps
        return train_excitation(delays_ps, train, kinetics=kinetics, pump=pump, sigma_ps=self.sample.beam.irf_sigma_ps)

    def photons(self, state: BeamlineState, flux: float, jet: float) -> FloatArray:
        """Return the mean detected photons per X-ray pulse, without stray light; shape (apd, probe, bunch)."""
        if state.beam == 0 or not state.jet_running:
            return np.zeros((self.photodiodes, self.probes, len(self.charges)))
        edge = edge_at(self.sample.edges, state.energy_ev)
        source = flux * beam_path.flux(state.energy_ev)
        beam = state.beam * (1 - lost_signal(glitch_dip(state.energy_ev, self.effects.glitches)))
        # What passes the crystal besides is far above the edge, and scatters like everything else.
        harmonic = self.effects.harmonics * HARMONIC_SHARE * flux * state.open_beam * edge.scatter
        jet_here = jet * state.jet_density
        seen = source * beam * self.spectrum(state) + harmonic
        per_probe = edge.photons_per_pulse / self.photodiodes * jet_here * seen
        return np.asarray(np.tile(per_probe[:, None] * self.charges, (self.photodiodes, 1, 1)))

    def light(self, state: BeamlineState) -> FloatArray:
        """Return the mean detected photons per pulse that the laser adds to each gate, all photodiodes; (probe,)."""
        at_zero = self.effects.laser_light * LASER_LIGHT + state.laser_light
        if not (state.laser_shutter_open and state.jet_running) or at_zero == 0:
            return np.zeros(self.probes)
        period_ps = self.scheme.period_ps(state.rate_divider)
        if state.laser_locked:
            in_gates = light_in_gates(state.delay_ps + self.scheme.gate_delays_ps, period_ps)
        else:
            phases = np.arange(256) * period_ps / 256
            in_gates = np.full(self.probes, light_in_gates(phases, period_ps).mean())
        return np.asarray(at_zero * state.fluence_mj_cm2 / LIGHT_FLUENCE_MJ_CM2 * in_gates)

    def expose(self, state: BeamlineState, duration_s: float) -> ExposureCounts:
        """Count for the next `duration_s` seconds of beam in one state."""
        return self.expose_changing([(state, duration_s)])

    def moment(self) -> Moment:
        """Return everything that the next exposure will change."""
        return Moment(
            exposures=self.exposures,
            time_s=self.time_s,
            drift=self._drift,
            dose_h=self._dose.hours,
            fluctuations=tuple(one.value for one in self._fluctuations),
            generators=tuple(one.bit_generator.state for one in self._generators),
        )

    def return_to(self, moment: Moment) -> None:
        """Go back, or forward, to a `moment`: the exposures that follow are those that followed it."""
        self.exposures = moment.exposures
        self.time_s = moment.time_s
        self._drift = moment.drift
        self._dose.hours = moment.dose_h
        for fluctuation, value in zip(self._fluctuations, moment.fluctuations, strict=True):
            fluctuation.value = value
        for generator, state in zip(self._generators, moment.generators, strict=True):
            generator.bit_generator.state = state

    @property
    def _fluctuations(self) -> tuple[Fluctuation, ...]:
        return (self._jet, self._flux, *self._drifts.fluctuations)

    def expose_changing(self, stretches: Sequence[Stretch]) -> ExposureCounts:
        """Count through `stretches` of beam, which follow each other: each is a state and its duration, s.

        Fluctuations of jet, flux and current are averaged over the exposure; everything else is drawn per gate. Counts
        have the shape (photodiodes, probes).
        """
        # Order: the slow fluctuations and drifts first, one mean each over the whole exposure, because their own
        # correlation time is longer than most exposures; then the mean photons per pulse of each distinct state; then
        # the draws. The gate opens at any moment of the pump's walk around the ring, so the first pumped bunch is a
        # random one of those that the pump meets.
        duration_s = sum(seconds for _, seconds in stretches)
        noise = self.effects.noise
        flux = self.ring.current_ma(self.time_s + duration_s / 2) / self.ring.full_ma
        flux *= 1 + noise * self._flux.average(duration_s)
        jet = 1 + noise * self._jet.average(duration_s)
        self._drift = self._drifts.over(self.day_time_s, duration_s, self.effects)
        self.time_s += duration_s
        self.exposures += 1
        step = self.scheme.places_between_pumps(stretches[0][0].rate_divider)
        first_bunch = step * int(self._phase.integers(self.scheme.units_per_turn // step))
        true = [(self.true_state(state), seconds) for state, seconds in stretches]
        for state, seconds in true:
            self._dose.add(state.beam * state.jet_running, seconds)
        # Equal states count as one: the order within the dwell matters only to the boxcar's sub-averages.
        states = list(dict.fromkeys(state for state, _ in true))
        seen = {state: Seen(self.photons(state, flux, jet), self.light(state)) for state in states}
        shared = SharedPhotons.none(self.probes)
        counts, pulses = self._count_gates(true, seen, first_bunch, shared)
        chambers = self._chambers.count(true, flux, self.effects)
        return ExposureCounts(
            duration_s=duration_s,
            counts=counts,
            pulses=pulses,
            boxcar=self._average_boxcar(true, seen, first_bunch, shared),
            i0=chambers.shown,
            foil=chambers.foil,
            delivered=chambers.delivered,
        )

    def _count_gates(
        self,
        stretches: Sequence[Stretch],
        seen: Mapping[BeamlineState, Seen],
        first_bunch: int,
        shared: SharedPhotons,
    ) -> tuple[IntArray, IntArray]:
        """Draw counts (apd, probe) and opened gates (probe,), summed over the states; `shared` learns from them."""
        gates = self._gates_now()
        counts = np.zeros((self.photodiodes, self.probes), dtype=np.int64)
        opened = np.zeros(self.probes, dtype=np.int64)
        for state, periods in pump_periods(stretches, self.scheme).items():
            pulses = pulses_per_bunch(int(periods * state.gates_open), state.rate_divider, first_bunch, self.scheme)
            efficiency = gates.efficiency * self._of_pumped_gate(state.gate_gain, 1.0)
            added = gates.dark_counts + seen[state].light / self.photodiodes + state.stray_photons
            photons = seen[state].photons * efficiency[:, :, None] + added[:, :, None]
            effective = self._memory.seen(photons, self.effects)
            fired = fired_gates(effective, pulses, self.effects.noise, self._gates)
            if self.effects.shared_photons:
                shared.add(fired, pulses, effective)
            counts += fired.sum(axis=-1)
            opened += pulses.sum(axis=-1)
            first_bunch = (first_bunch + periods * state.rate_divider) % self.scheme.units_per_turn
        return counts, opened

    def _average_boxcar(
        self,
        stretches: Sequence[Stretch],
        seen: Mapping[BeamlineState, Seen],
        first_bunch: int,
        shared: SharedPhotons,
    ) -> FloatArray:
        """Draw sub-averages (block, probe) in volts: each block sees the states of its own part of the dwell."""
        periods = sum(pump_periods(stretches, self.scheme).values())
        divider = stretches[0][0].rate_divider
        pulses = pulses_per_bunch(periods, divider, first_bunch, self.scheme)
        analog = {
            state: each.photons.sum(axis=0) + (self.photodiodes * state.stray_photons + each.light)[:, None]
            for state, each in seen.items()
        }
        shares = block_shares(stretches, BOXCAR_BLOCKS)
        mixed = analog[stretches[0][0]]
        if len(analog) > 1:
            mixed = np.asarray(sum(share[:, None, None] * analog[state] for state, share in shares.items()))
        duration_s = sum(seconds for _, seconds in stretches)
        volts = draw_boxcar(mixed, pulses, self.boxcar, self._analog, self._dwell(duration_s, shared))
        return self._through_gates(volts, shares, duration_s) if pulses.any() else volts

    def _dwell(self, duration_s: float, shared: SharedPhotons) -> Dwell:
        """Return what the boxcar sees of the jet, and what is known of its photons, in a dwell of `duration_s` s."""
        sizes = self.effects
        part = min(sizes.shared_photons, 1.0)
        sigma = sizes.turbulence * sizes.noise * self.fluctuations.jet_sigma
        steady = sigma == 0 or duration_s == 0
        return Dwell(
            course=1.0 if steady
            else course_of_jet(BOXCAR_BLOCKS, duration_s, sigma, self.fluctuations.jet_tau_s, self._course),
            surplus=part * shared.surplus if part else None,
            known=part**2 * shared.known,
            noise=sizes.noise,
        )  # fmt: skip

    def _through_gates(
        self, volts: FloatArray, shares: Mapping[BeamlineState, FloatArray], duration_s: float
    ) -> FloatArray:
        """Return sub-averages (block, probe), V, as gates of different gain and zero give them."""
        gates = self._gates_now()
        gain = sum(share[:, None] * self._of_pumped_gate(state.gate_gain, 1.0) for state, share in shares.items())
        zero_v = sum(share[:, None] * self._of_pumped_gate(state.gate_zero_v, 0.0) for state, share in shares.items())
        baseline_v = self.boxcar.baseline_v
        signal_v = self._memory.left_over(volts - baseline_v, self.effects)
        seen_v = baseline_v + signal_v * gates.gain * gain + gates.zero_v + zero_v
        if self.effects.mains:
            phase = self._ripple.uniform(0.0, 2 * np.pi)
            seen_v = seen_v + mains_ripple_v(BOXCAR_BLOCKS, duration_s, phase, self.effects.mains)[:, None]
        return np.asarray(seen_v)

    def _gates_now(self) -> GateHardware:
        """Return the gates with all effects at their sizes, which change far less often than exposures are made."""
        if self._scaled_for is not self.effects:
            self._scaled = self.gates.scaled(self.effects)
            self._scaled_for = self.effects
        return self._scaled

    def _of_pumped_gate(self, value: float, others: float) -> FloatArray:
        """Return `value` for the pumped gate and `others` for the rest, (probe,)."""
        values = np.full(self.probes, others)
        values[self.scheme.pumped] = value
        return values
