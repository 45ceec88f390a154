"""One exposure of the whole experiment: from the state of the beamline to what its detectors count."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from sim.physics.constants import APDS, BUNCH_PERIOD_PS, BUNCHES, PROBES
from sim.physics.detectors import Boxcar, draw_boxcar, draw_gates
from sim.physics.excitation import Spot, mean_excitation, train_excitation
from sim.physics.fluctuations import Fluctuation
from sim.physics.sample import Edge, Sample
from sim.physics.source import TopUp, bunch_charges, pulses_per_bunch
from sim.physics.spectra import edge_at, foil_transmission, static_spectrum, transient_spectrum

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

I0_RATE = 1e6
"""Counts per second of the ungated ion chamber at nominal flux (chosen: 0.04 % in 6 s)."""

GATE_EFFICIENCY_SPREAD = 1e-3
"""Relative differences between the counting gates of one APD: their edges sit differently on the pulse (chosen).

The boxcar integrates the whole pulse in one channel and knows no such differences.
"""


@dataclass(frozen=True)
class BeamlineState:
    """Where everything stands during one exposure; `delay_ps` is the true delay of probe 0.

    `laser_horizontal_um` and `laser_vertical_um`: middle of the laser spot, seen from the X-ray spot.
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


@dataclass(frozen=True)
class ExposureCounts:
    """What the detectors made of one exposure.

    `counts` (apd, probe) and `pulses` (probe,) of the gates; `boxcar` (block, probe) in volts per pulse; `i0` and
    `foil` in counts, before and behind the Pb foil.
    """

    duration_s: float
    counts: IntArray
    pulses: IntArray
    boxcar: FloatArray
    i0: int
    foil: int


@dataclass(frozen=True)
class Fluctuations:
    """How much the jet and the beam wander: relative standard deviation and correlation time (chosen)."""

    jet_sigma: float = 0.01
    jet_tau_s: float = 5.0
    flux_sigma: float = 0.003
    flux_tau_s: float = 30.0


@dataclass
class Experiment:
    """The simulated experiment around one sample; all randomness comes from `seed`.

    Time passes while it counts and only then: the same exposures give the same counts, however fast a client asks.
    `time_s` is the beam time counted so far.
    """

    sample: Sample
    seed: int
    spot: Spot = field(default_factory=Spot)
    boxcar: Boxcar = field(default_factory=Boxcar)
    ring: TopUp = field(default_factory=TopUp)
    fluctuations: Fluctuations = field(default_factory=Fluctuations)

    def __post_init__(self) -> None:
        """Give every source of randomness a stream of its own, so that one does not shift another."""
        streams = [np.random.default_rng([self.seed, stream]) for stream in range(7)]
        self._gates, self._analog, self._chamber, self._phase = streams[:4]
        self._jet = Fluctuation(self.fluctuations.jet_sigma, self.fluctuations.jet_tau_s, streams[4])
        self._flux = Fluctuation(self.fluctuations.flux_sigma, self.fluctuations.flux_tau_s, streams[5])
        self.time_s = 0.0
        self.charges = bunch_charges(streams[6])
        self.gate_efficiency = 1 + GATE_EFFICIENCY_SPREAD * streams[6].standard_normal((APDS, PROBES))

    def spectrum(self, state: BeamlineState) -> FloatArray:
        """Fluorescence of the sample at each probe, in units of the edge step; shape (probe,)."""
        edge = edge_at(self.sample.edges, state.energy_ev)
        static = float(static_spectrum(edge, state.energy_ev))
        transient = float(transient_spectrum(edge, state.energy_ev))
        return np.asarray(static + transient * self.excitation(state))

    def excitation(self, state: BeamlineState) -> FloatArray:
        """Excitation seen by each probe; shape (probe,)."""
        if not state.laser_shutter_open or state.fluence_mj_cm2 == 0:
            return np.zeros(PROBES)
        pump_period_ps = state.rate_divider * BUNCH_PERIOD_PS
        kinetics, pump = self.sample.kinetics, self.sample.pump
        spot = replace(self.spot, horizontal_um=state.laser_horizontal_um, vertical_um=state.laser_vertical_um)
        if not state.laser_locked:
            fluence = state.fluence_mj_cm2 * float(spot.overlap(0.0))
            mean = mean_excitation(fluence_mj_cm2=fluence, pump_period_ps=pump_period_ps, kinetics=kinetics, pump=pump)
            return np.full(PROBES, mean)
        return train_excitation(
            state.delay_ps + BUNCH_PERIOD_PS * np.arange(PROBES),
            fluence_mj_cm2=state.fluence_mj_cm2,
            pump_period_ps=pump_period_ps,
            spot=spot,
            kinetics=kinetics,
            pump=pump,
            sigma_ps=self.sample.beam.irf_sigma_ps,
        )

    def photons(self, state: BeamlineState, flux: float, jet: float) -> FloatArray:
        """Mean detected photons per pulse; shape (apd, probe, bunch)."""
        if not state.xray_shutter_open or not state.jet_running:
            return np.zeros((APDS, PROBES, BUNCHES))
        edge: Edge = edge_at(self.sample.edges, state.energy_ev)
        per_probe = edge.photons_per_pulse / APDS * flux * jet * self.spectrum(state)
        return np.asarray(np.tile(per_probe[:, None] * self.charges, (APDS, 1, 1)))

    def expose(self, state: BeamlineState, duration_s: float) -> ExposureCounts:
        """Count for the next `duration_s` seconds of beam.

        Jet, flux and current are held at their averages over the exposure; everything else is drawn per gate.
        """
        flux = self.ring.current_ma(self.time_s + duration_s / 2) / self.ring.full_ma
        flux *= 1 + self._flux.average(duration_s)
        jet = 1 + self._jet.average(duration_s)
        self.time_s += duration_s
        periods = int(duration_s * 1e12 / (state.rate_divider * BUNCH_PERIOD_PS))
        pulses = pulses_per_bunch(periods, state.rate_divider, int(self._phase.integers(BUNCHES)))
        photons = self.photons(state, flux, jet)
        beam = flux if state.xray_shutter_open else 0.0
        i0_counts = beam * I0_RATE * duration_s
        return ExposureCounts(
            duration_s=duration_s,
            counts=draw_gates(photons * self.gate_efficiency[:, :, None], pulses, self._gates),
            pulses=pulses.sum(axis=-1),
            boxcar=draw_boxcar(photons.sum(axis=0), pulses, self.boxcar, self._analog),
            i0=int(self._chamber.poisson(i0_counts)),
            foil=int(self._chamber.poisson(i0_counts * foil_transmission(state.energy_ev))),
        )
