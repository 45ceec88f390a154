"""One exposure of the whole experiment: from the state of the beamline to what its detectors count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np

from sim.physics import beam_path
from sim.physics.constants import APDS
from sim.physics.detectors import BOXCAR_BLOCKS, Boxcar, draw_boxcar, draw_gates
from sim.physics.excitation import PumpTrain, Spot, mean_excitation, train_excitation
from sim.physics.fluctuations import Fluctuation
from sim.physics.gate_effects import (
    IDEAL_GATES,
    LASER_LIGHT,
    LIGHT_FLUENCE_MJ_CM2,
    GateEffects,
    GateHardware,
    light_in_gates,
)
from sim.physics.pump_scheme import PumpScheme
from sim.physics.sample import Edge, Sample
from sim.physics.source import DEFAULT_SCHEME, TopUp, bunch_charges, pulses_per_bunch
from sim.physics.spectra import edge_at, static_spectrum, transient_spectrum
from sim.types import FloatArray, IntArray

I0_RATE = 1e6
"""Counts per second of the ungated ion chamber at nominal flux, 12.5 to 14 keV (chosen: 0.04 % in 6 s)."""


@dataclass(frozen=True, kw_only=True)
class BeamlineState:
    """The state of the beamline during one exposure; `delay_ps` is the true delay of probe 0.

    `laser_horizontal_um` and `laser_vertical_um`: centre of the laser spot relative to the X-ray spot.
    Relative to nominal, 1.0 when healthy: `current` stored in the ring, `flux` of the optics, `glitch` the share of it
    that the crystal passes at this energy, `chamber` the counts that the ion chamber shows, `jet_density` the sample in
    the jet, `jet_flow` the flow that the meter shows, `gates_open` the opened gates. `stray_photons`: per pulse and
    photodiode, 0 when healthy. `injecting`: whether the ring is being filled. `foil`: element of the calibration foil
    behind the sample, "" for none.

    Of the pumped gate, in addition to its hardware: `gate_gain`, relative, in both chains, and `gate_zero_v` of the
    boxcar, V. `laser_light`: further photons per pulse, all photodiodes, that the laser adds at time zero.
    """

    energy_ev: float = 13472.0
    delay_ps: float = 100.0
    fluence_mj_cm2: float = 8.83
    laser_shutter_open: bool = True
    laser_locked: bool = True
    xray_shutter_open: bool = True
    jet_running: bool = True
    rate_divider: int = 5
    laser_horizontal_um: float = 0.0
    laser_vertical_um: float = 0.0
    current: float = 1.0
    flux: float = 1.0
    glitch: float = 1.0
    chamber: float = 1.0
    jet_density: float = 1.0
    jet_flow: float = 1.0
    gates_open: float = 1.0
    stray_photons: float = 0.0
    injecting: bool = False
    foil: str = "Pb"
    gate_gain: float = 1.0
    gate_zero_v: float = 0.0
    laser_light: float = 0.0

    @property
    def beam(self) -> float:
        """X-ray flux on the sample, as a fraction of that of an undisturbed ring; 0 with the shutter closed."""
        return self.current * self.flux * self.glitch if self.xray_shutter_open else 0.0


Stretch: TypeAlias = tuple[BeamlineState, float]
"""A state and its duration, seconds of beam."""


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
    `effects`: sizes of the gate effects, which may change at any time.
    `restarts`: number of restarts of the server. The seed fixes the ring and the gates; all other random numbers differ
    after a restart, since repeated ones would not be independent measurements.
    Time passes only while the detectors count: the same exposures give the same counts, however fast a client asks.
    `time_s` is the beam time counted so far.
    """

    sample: Sample
    seed: int
    restarts: int = 0
    spot: Spot = field(default_factory=Spot)
    boxcar: Boxcar = field(default_factory=Boxcar)
    ring: TopUp = field(default_factory=TopUp)
    fluctuations: Fluctuations = field(default_factory=Fluctuations)
    scheme: PumpScheme = DEFAULT_SCHEME
    photodiodes: int = APDS
    effects: GateEffects = IDEAL_GATES

    def __post_init__(self) -> None:
        """Give every source of randomness its own stream, so that they do not affect each other."""
        # One stream for everything would make all later counts depend on how many numbers an earlier detector drew: a
        # change of the boxcar would change the photodiodes. `fixed` holds what a restart of the server does not change,
        # the bunch charges and the gates.
        streams = [np.random.default_rng(restarted_seed(self.seed, stream, self.restarts)) for stream in range(6)]
        fixed = np.random.default_rng([self.seed, 6])
        self._gates, self._analog, self._chamber, self._phase = streams[:4]
        self._jet = Fluctuation(self.fluctuations.jet_sigma, self.fluctuations.jet_tau_s, streams[4])
        self._flux = Fluctuation(self.fluctuations.flux_sigma, self.fluctuations.flux_tau_s, streams[5])
        self.time_s = 0.0
        self.charges = bunch_charges(fixed, self.scheme)
        self.gates = GateHardware.drawn(self.photodiodes, self.probes, fixed)

    @property
    def probes(self) -> int:
        """Number of gates per pump and photodiode."""
        return len(self.scheme.gates)

    def spectrum(self, state: BeamlineState) -> FloatArray:
        """Return the fluorescence of the sample at each probe, in units of the edge step; shape (probe,)."""
        edge = edge_at(self.sample.edges, state.energy_ev)
        static = float(static_spectrum(edge, state.energy_ev))
        transient = float(transient_spectrum(edge, state.energy_ev))
        return np.asarray(static + transient * self.excitation(state))

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
        edge: Edge = edge_at(self.sample.edges, state.energy_ev)
        flux_here = flux * state.beam * beam_path.flux(state.energy_ev)
        jet_here = jet * state.jet_density
        per_probe = edge.photons_per_pulse / self.photodiodes * flux_here * jet_here * self.spectrum(state)
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

    def expose_changing(self, stretches: Sequence[Stretch]) -> ExposureCounts:
        """Count for the next seconds of beam, in consecutive states, each for its seconds.

        Fluctuations of jet, flux and current are averaged over the exposure; everything else is drawn per gate.
        """
        # Order: the slow fluctuations first, one mean each over the whole exposure, because their own correlation time
        # is longer than most exposures; then the mean photons per pulse of each distinct state; then the draws. The
        # first pumped bunch is random, because the gate opens at any moment of the ring's revolution.
        duration_s = sum(seconds for _, seconds in stretches)
        flux = self.ring.current_ma(self.time_s + duration_s / 2) / self.ring.full_ma
        flux *= 1 + self._flux.average(duration_s)
        jet = 1 + self._jet.average(duration_s)
        self.time_s += duration_s
        first_bunch = int(self._phase.integers(self.scheme.units_per_turn))
        # Equal states count as one: the order within the dwell matters only to the boxcar's sub-averages.
        states = list(dict.fromkeys(state for state, _ in stretches))
        photons = {state: self.photons(state, flux, jet) for state in states}
        counts, pulses = self._count_gates(stretches, photons, first_bunch)
        delivered, shown, foil = self._count_chambers(stretches, flux)
        return ExposureCounts(
            duration_s=duration_s,
            counts=counts,
            pulses=pulses,
            boxcar=self._average_boxcar(stretches, photons, first_bunch),
            i0=shown,
            foil=foil,
            delivered=delivered,
        )

    def _count_gates(
        self, stretches: Sequence[Stretch], photons: Mapping[BeamlineState, FloatArray], first_bunch: int
    ) -> tuple[IntArray, IntArray]:
        """Draw counts (apd, probe) and opened gates (probe,), summed over the states."""
        gates = self.gates.scaled(self.effects)
        counts = np.zeros((self.photodiodes, self.probes), dtype=np.int64)
        opened = np.zeros(self.probes, dtype=np.int64)
        for state, periods in _periods(stretches, self.scheme).items():
            pulses = pulses_per_bunch(int(periods * state.gates_open), state.rate_divider, first_bunch, self.scheme)
            efficiency = gates.efficiency * self._of_pumped_gate(state.gate_gain, 1.0)
            added = gates.dark_counts + self.light(state) / self.photodiodes + state.stray_photons
            seen = photons[state] * efficiency[:, :, None] + added[:, :, None]
            counts += draw_gates(seen, pulses, self._gates)
            opened += pulses.sum(axis=-1)
            first_bunch = (first_bunch + periods * state.rate_divider) % self.scheme.units_per_turn
        return counts, opened

    def _average_boxcar(
        self, stretches: Sequence[Stretch], photons: Mapping[BeamlineState, FloatArray], first_bunch: int
    ) -> FloatArray:
        """Draw sub-averages (block, probe) in volts: each block sees the states of its own part of the dwell."""
        periods = sum(_periods(stretches, self.scheme).values())
        divider = stretches[0][0].rate_divider
        pulses = pulses_per_bunch(periods, divider, first_bunch, self.scheme)
        seen = {
            state: per_apd.sum(axis=0) + (self.photodiodes * state.stray_photons + self.light(state))[:, None]
            for state, per_apd in photons.items()
        }
        shares = _shares(stretches, BOXCAR_BLOCKS)
        mixed = seen[stretches[0][0]]
        if len(seen) > 1:
            mixed = np.asarray(sum(share[:, None, None] * seen[state] for state, share in shares.items()))
        volts = draw_boxcar(mixed, pulses, self.boxcar, self._analog)
        return self._through_gates(volts, shares) if pulses.any() else volts

    def _through_gates(self, volts: FloatArray, shares: Mapping[BeamlineState, FloatArray]) -> FloatArray:
        """Return sub-averages (block, probe), V, as gates of different gain and zero give them."""
        gates = self.gates.scaled(self.effects)
        gain = sum(share[:, None] * self._of_pumped_gate(state.gate_gain, 1.0) for state, share in shares.items())
        zero_v = sum(share[:, None] * self._of_pumped_gate(state.gate_zero_v, 0.0) for state, share in shares.items())
        baseline_v = self.boxcar.baseline_v
        return np.asarray(baseline_v + (volts - baseline_v) * gates.gain * gain + gates.zero_v + zero_v)

    def _of_pumped_gate(self, value: float, others: float) -> FloatArray:
        """Return `value` for the pumped gate and `others` for the rest, (probe,)."""
        values = np.full(self.probes, others)
        values[self.scheme.pumped] = value
        return values

    def _transmission(self, state: BeamlineState) -> float:
        """Return the transmission of jet and foil between the two ion chambers."""
        jet = beam_path.jet_transmission(self.sample.jet, state.energy_ev)
        return jet * beam_path.foil_transmission(state.foil, state.energy_ev, self.sample.beam.foil_shift_ev)

    def _count_chambers(self, stretches: Sequence[Stretch], flux: float) -> tuple[int, int, int]:
        """Draw the counts of an intact ion chamber, of the current one, and of the one behind the foil."""
        # A faulty chamber shows a part of its counts. The intact count is drawn as the shown part plus an independent
        # lost part, which together are Poisson with the full mean; so both are consistent within one exposure, and
        # other detectors can derive the flux of this exposure from the intact count.
        expected = [(state, flux * state.beam * i0_rate(state.energy_ev) * seconds) for state, seconds in stretches]
        shown = int(self._chamber.poisson(sum(counts * state.chamber for state, counts in expected)))
        behind = sum(counts * self._transmission(state) for state, counts in expected)
        foil = int(self._chamber.poisson(behind))
        lost = sum(counts * (1 - state.chamber) for state, counts in expected)
        return shown + (int(self._chamber.poisson(lost)) if lost else 0), shown, foil


def i0_rate(energy_ev: float) -> float:
    """Return the counts per second of the ion chamber at nominal flux."""
    return I0_RATE * beam_path.flux(energy_ev) * beam_path.chamber_response(energy_ev)


def _periods(stretches: Sequence[Stretch], scheme: PumpScheme) -> dict[BeamlineState, int]:
    """Return the pump periods spent in each state; a period cut by the end of a stretch ends in the next one."""
    # Numbers of whole periods are differences of a running total, so that rounding at the boundaries neither loses nor
    # adds a period: undisturbed and disturbed exposures of equal length open equally many gates.
    periods: dict[BeamlineState, int] = {}
    end_s = 0.0
    begun = 0
    for state, seconds in stretches:
        end_s += seconds
        ended = int(end_s * 1e12 / scheme.period_ps(state.rate_divider))
        # After a change of the divider the numbers restart, so the difference could be below 0.
        periods[state] = periods.get(state, 0) + max(ended - begun, 0)
        begun = ended
    return periods


def _shares(stretches: Sequence[Stretch], blocks: int) -> dict[BeamlineState, FloatArray]:
    """Return the share of each state in each of `blocks` equal parts of the dwell, (blocks,); shares add up to 1."""
    ends_s = np.cumsum([0.0, *(seconds for _, seconds in stretches)])
    edges_s = np.linspace(0.0, ends_s[-1], blocks + 1)
    shares: dict[BeamlineState, FloatArray] = {state: np.zeros(blocks) for state, _ in stretches}
    for (state, _), begin_s, end_s in zip(stretches, ends_s[:-1], ends_s[1:], strict=True):
        inside = np.minimum(edges_s[1:], end_s) - np.maximum(edges_s[:-1], begin_s)
        shares[state] += np.maximum(inside, 0.0) / (ends_s[-1] / blocks)
    return shares
