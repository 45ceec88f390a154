"""Runs drawn with known truth for the statistical benchmarks: a quick redraw of the counts, without a beamline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plans.xas.delay_scan import time_trace_ps
from reduction.accumulator import RunAccumulator, accumulate
from reduction.timing import Timing
from reduction.types import FloatArray, Mode
from reduction.xas.gate_rates import GateRates
from reduction.xas.pump_train import PumpTrain

BUNCH_PERIOD_PS = 153_439.0
PUMPS_PER_S = 1.304e6
PHOTONS_PER_PULSE = 0.28
"""Photons of all photodiodes at the main feature of the Br edge."""

APDS = 2
GATES = 5
JET = 0.01
"""Fluctuation of the jet from exposure to exposure, ten times the error of a gate that counts for some seconds."""

OVERLAP = tuple(float(np.exp(-4 * np.log(2) * (4.0 * 0.7672 * pump / 45.0) ** 2)) for pump in range(24))
TIMING = Timing(bunch_period_ps=BUNCH_PERIOD_PS, pump_overlap=OVERLAP, irf_sigma_ps=45.0, irf_error_ps=3.0)
TWO_GATES = Timing(
    bunch_period_ps=BUNCH_PERIOD_PS,
    probes_per_pump=2,
    unpumped_probe=1,
    reference_probes=(1,),
    gate_delays_ps=(0.0, 4 * BUNCH_PERIOD_PS),
    pump_period_ps=5 * BUNCH_PERIOD_PS,
    pump_overlap=OVERLAP,
    irf_sigma_ps=45.0,
    irf_error_ps=3.0,
)
"""The same beamline as the recipe of the paper sees it: the pumped and the unpumped gate."""

DELAYS_PS = np.array(time_trace_ps())
WINDOWS_EV = {"pre_edge_ev": (13_450.0, 13_462.0), "edge_integral_ev": (13_466.0, 13_500.0),
              "post_edge_ev": (13_540.0, 13_571.0)}  # fmt: skip
ENERGY_EV = np.concatenate(
    [np.arange(13_450, 13_464, 3.0), np.arange(13_465, 13_490, 1.0), np.arange(13_492, 13_571, 6.0)]
)


@dataclass(frozen=True, kw_only=True)
class Draws:
    """Which runs the statistical benchmarks draw: by seeds from `first_seed` on, adaptive scans on `workers` processes.

    The adaptive scans are `scans` of each of `samples` for each goal, in exposures of `dwell_s`, s.
    """

    first_seed: int
    samples: int
    scans: int
    dwell_s: float
    workers: int

    def seeds(self, number: int) -> range:
        """Return that many seeds."""
        return range(self.first_seed, self.first_seed + number)


@dataclass(frozen=True, kw_only=True)
class SampleKinetics:
    """Kinetics of a sample: lifetimes, ps, the fractions of both and the offset, its lifetime, and the amplitude."""

    taus_ps: tuple[float, float] = (120.0, 900.0)
    fractions: tuple[float, float, float] = (0.60, 0.21, 0.19)
    offset_ps: float = 400e3
    amplitude: float = -0.0315

    @classmethod
    def drawn(cls, seed: int) -> SampleKinetics:
        """Return a random sample: lifetimes from 60 to 250 ps and 5 to 12 times that, amplitude 2 to 5 %."""
        random = np.random.default_rng([seed, 1])
        tau1 = float(np.exp(random.uniform(np.log(60.0), np.log(250.0))))
        first = float(random.uniform(0.4, 0.65))
        second = float(random.uniform(0.2, 0.75 - first + 0.1))
        return cls(
            taus_ps=(tau1, tau1 * float(random.uniform(5.0, 12.0))),
            fractions=(first, second, 1.0 - first - second),
            offset_ps=float(random.uniform(100e3, 600e3)),
            amplitude=-float(random.uniform(0.02, 0.05)),
        )

    def signal(self, timing: Timing) -> FloatArray:
        """Return the excitation at all gates of the default delays, shape (delays, gates), 1 just after a pump."""
        train = PumpTrain(period_ps=timing.pump_period_ps, overlap=timing.pump_overlap, sigma_ps=timing.irf_sigma_ps)
        times_ps = DELAYS_PS[:, None] + np.array(timing.gate_delays_ps)
        parts = zip(self.fractions, (*self.taus_ps, self.offset_ps), strict=True)
        return np.asarray(sum(part * train.decay(times_ps, 1.0 / tau).value for part, tau in parts))

    def photons_per_s(self, timing: Timing) -> FloatArray:
        """Return the mean photons per second of all gates at the default delays, shape (delays, gates)."""
        return PUMPS_PER_S * PHOTONS_PER_PULSE * (1.0 + self.amplitude * self.signal(timing))


def rates_of(photons: FloatArray, seconds: FloatArray) -> GateRates:
    """Return the rates of `photons`, shape (delays, gates), counted for `seconds` at each of the default delays."""
    return GateRates(
        delay_ps=DELAYS_PS,
        photons=photons,
        variance=photons,
        pulses=np.repeat(PUMPS_PER_S * seconds[:, None], photons.shape[1], axis=1),
        pumped=np.ones(DELAYS_PS.size, dtype=bool),
        elapsed_s=np.zeros(DELAYS_PS.size),
    )


def drawn_photons(mean: FloatArray, random: np.random.Generator) -> FloatArray:
    """Return Poisson counts of the means, shape (rows, gates), each row seen through a jet of its own thickness."""
    # One factor per row, as all gates of an exposure see the same jet.
    jet = 1.0 + JET * random.standard_normal((len(mean), 1))
    return random.poisson(mean * jet).astype(float)


@dataclass(frozen=True, kw_only=True)
class EnergyScan:
    """An energy scan of one detector; `shares` (gates,) of the transient at each gate, relative to the first.

    Exposures of `dwell_s`, s; `noise_v` is the error of the boxcar's mean of one gate, whose signal is 1 V.
    """

    mode: Mode
    shares: tuple[float, ...]
    scans: int = 3
    dwell_s: float = 6.0
    noise_v: float = 8e-4

    @property
    def static(self) -> FloatArray:
        """Unpumped signal, edge step = 0.85, over a background, (points,)."""
        return np.asarray(0.15 + 0.85 / (1.0 + np.exp(-(ENERGY_EV - 13_470.0) / 1.5)))

    @property
    def transient(self) -> FloatArray:
        """Transient of the first gate relative to the unpumped signal, (points,)."""
        first = 0.01 * np.exp(-(((ENERGY_EV - 13_467.5) / 1.5) ** 2))
        return np.asarray(first - 0.02 * np.exp(-(((ENERGY_EV - 13_472.0) / 1.5) ** 2)))

    @property
    def level(self) -> FloatArray:
        """Mean signal of each gate without jet and flux, shape (points, gates)."""
        return np.asarray(self.static[:, None] * (1.0 + self.transient[:, None] * np.array(self.shares)))

    @property
    def relative_variance(self) -> FloatArray:
        """Relative variance of the signal of each gate over all scans, shape (points, gates), from counting alone."""
        if self.mode == "boxcar":
            return np.asarray((self.noise_v / self.level) ** 2 / self.scans)
        # A photodiode that fires at most once: (exp(mu) - 1) / (N mu^2), N gates of mu photons.
        mu = PHOTONS_PER_PULSE / APDS * self.level
        return np.asarray(np.expm1(mu) / mu**2 / (PUMPS_PER_S * self.dwell_s * self.scans * APDS))

    def drawn(self, seed: int) -> RunAccumulator:
        """Return the sums of one run."""
        random = np.random.default_rng(seed)
        events = [self._event(random, scan, point) for scan in range(self.scans) for point in range(ENERGY_EV.size)]
        named = [("event", {"descriptor": "d", "data": event}) for event in events]
        return accumulate([("start", self._start()), ("descriptor", {"uid": "d", "name": "primary"}), *named])

    def _event(self, random: np.random.Generator, scan: int, point: int) -> dict[str, object]:
        # The flux is seen by I0 and by all gates, the jet by the gates only: the recipe has to remove both.
        flux = 1.0 + 2 * JET * random.standard_normal()
        level = flux * (1.0 + JET * random.standard_normal()) * self.level[point]
        pulses = int(PUMPS_PER_S * self.dwell_s)
        mean = PHOTONS_PER_PULSE / APDS * level
        return {
            "scan_index": scan, "point_index": point, "laser_shutter": 1, "quality": "",
            "energy_ev": float(ENERGY_EV[point]), "delay_ps": 100.0, "i0": 1e8 * flux, "exposure_s": self.dwell_s,
            "spc_counts": random.binomial(pulses, -np.expm1(-np.stack([mean] * APDS))),
            "spc_pulses": np.full(GATES, pulses),
            "boxcar_mean": level + self.noise_v * random.standard_normal(GATES),
            "boxcar_variance": np.full(GATES, self.noise_v**2),
        }  # fmt: skip

    def _start(self) -> dict[str, object]:
        timing = {
            "bunch_period_ps": BUNCH_PERIOD_PS, "probes_per_pump": GATES, "pumped_probe": 0, "unpumped_probe": 4,
            "irf_sigma_ps": 45.0, "pump_overlap": [1.0],
        }  # fmt: skip
        return {
            "uid": "drawn", "plan_name": "energy_scan", "sample": "drawn", "edge": "Br K", "absorber": "Br",
            "modes": [self.mode], "repeats": self.scans, "grid": {"axis": "energy_ev", "points": ENERGY_EV.tolist()},
            "shutter_reference": "none", "delay_ps": 100.0, "fluence_mj_cm2": 8.83,
            "reduction": {**timing, **{name: list(window) for name, window in WINDOWS_EV.items()}},
        }  # fmt: skip
