"""Runs of the paper's campaign, drawn from the tables of the simulated sample: counts and boxcar."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from plans.edges import EdgePreset
from reduction.accumulator import RunAccumulator, accumulate
from reduction.timing import Timing
from reduction.types import FloatArray, Mode
from reduction.xas.gate_rates import GateRates
from trxas.benchmarks.campaign_plans import EDGES, PlannedScan, energies_ev
from trxas.benchmarks.drawn_runs import (
    APDS,
    BUNCH_PERIOD_PS,
    DELAYS_PS,
    GATES,
    JET,
    OVERLAP,
    PUMPS_PER_S,
    TIMING,
    drawn_photons,
)
from trxas.simulation import sample_file
from trxas.validation.coverage.sample_template import SampleTemplate, gaussians
from trxas.validation.paper.true_spectra import excitation

HEIGHT_VARIANCE = 0.3
NOISE_PHOTONS = 1.2
"""Boxcar of the simulated beamline, with which 9 and 11 scans have the areas of the paper (docs/decisions, 0023):
relative variance of the height of a one-photon pulse, and electronic noise of a gate in photons."""

BLOCKS = 64
"""Sub-averages from which the boxcar states its variance."""


@dataclass(frozen=True, kw_only=True)
class DrawnEdge:
    """One edge of the simulated sample."""

    preset: EdgePreset
    template: SampleTemplate

    @property
    def change(self) -> FloatArray:
        """Transient at an excitation of 1, in units of the edge step, (energies,)."""
        return gaussians(self._tables["transient"], energies_ev(self.preset))

    def photons(self, energy_ev: FloatArray, delay_ps: FloatArray, timing: Timing = TIMING) -> FloatArray:
        """Return the photons per pulse of all photodiodes, shape (points, gates), at energies and first delays.

        One of both may be common to all points.
        """
        delays = tuple(float(one) for one in delay_ps)
        gates = range(timing.probes_per_pump)
        seen = np.stack([excitation(self.template.content, timing, gate, delays) for gate in gates], axis=-1)
        change = gaussians(self._tables["transient"], energy_ev)
        spectrum = self.template.level(energy_ev)[:, None] + change[:, None] * seen
        return np.asarray(self._tables["photons_per_pulse"] * spectrum)

    def spectrum_run(
        self, scan: PlannedScan, delay_ps: float, seed: list[int], modes: tuple[Mode, ...], passes: int
    ) -> RunAccumulator:
        """Return the sums of one drawn energy scan.

        `scan`: beam time at each point, s, which is split into `passes`; `delay_ps`: delay of the first probe.
        """
        random = np.random.default_rng(seed)
        energy_ev = energies_ev(self.preset)
        photons = self.photons(energy_ev, np.array([delay_ps]))
        events = []
        for number in range(passes):
            for point, mean in enumerate(photons):
                dwell_s = float(scan.seconds[point]) / passes
                # The time of a point is split into passes, as a real scan does: each pass then has a jet and a flux of
                # its own.
                counted = _event(random, mean, dwell_s, modes)
                place = {"scan_index": number, "point_index": point, "energy_ev": float(energy_ev[point])}
                events.append(counted | place | {"delay_ps": delay_ps})
        named = [("event", {"descriptor": "d", "data": event}) for event in events]
        start = self._start(modes, passes, delay_ps)
        return accumulate([("start", start), ("descriptor", {"uid": "d", "name": "primary"}), *named])

    def trace_rates(self, scan: PlannedScan, seed: list[int], timing: Timing) -> GateRates:
        """Return the drawn rates of a delay scan at the main feature, of all gates or of two.

        Counts and pulses have the shape (delays, gates), delays are in ps.
        """
        energy_ev = np.full(DELAYS_PS.size, self.preset.main_feature_ev)
        pulses = PUMPS_PER_S * scan.seconds[:, None]
        counts = drawn_photons(self.photons(energy_ev, DELAYS_PS, timing) * pulses, np.random.default_rng(seed))
        return GateRates(
            delay_ps=DELAYS_PS,
            photons=counts,
            variance=counts,
            pulses=np.broadcast_to(pulses, counts.shape),
            pumped=np.ones(DELAYS_PS.size, dtype=bool),
            elapsed_s=np.zeros(DELAYS_PS.size),
        )

    @property
    def _tables(self) -> dict[str, Any]:
        found: dict[str, Any] = self.template.content["edges"][self.preset.name]
        return found

    def _start(self, modes: tuple[Mode, ...], passes: int, delay_ps: float) -> dict[str, Any]:
        edge = self.preset
        windows = {name: list(getattr(edge, name)) for name in ("pre_edge_ev", "edge_integral_ev", "post_edge_ev")}
        timing = {
            "bunch_period_ps": BUNCH_PERIOD_PS, "probes_per_pump": GATES, "pumped_probe": 0,
            "unpumped_probe": GATES - 1, "irf_sigma_ps": TIMING.irf_sigma_ps, "pump_overlap": list(OVERLAP),
        }  # fmt: skip
        return {
            "uid": "drawn", "plan_name": "energy_scan", "sample": "drawn", "edge": edge.name, "absorber": edge.absorber,
            "modes": list(modes), "repeats": passes, "shutter_reference": "none", "delay_ps": delay_ps,
            "grid": {"axis": "energy_ev", "points": energies_ev(edge).tolist()}, "fluence_mj_cm2": 8.83,
            "reduction": {**timing, **windows},
        }  # fmt: skip


@cache
def drawn_edge(name: str) -> DrawnEdge:
    """Return an edge of the simulated sample: "br" or "pb"."""
    preset = EDGES[name]
    content = tomllib.loads(sample_file(None).read_text(encoding="utf-8"))
    return DrawnEdge(preset=preset, template=SampleTemplate(content=content, edge=preset.name))


def _event(random: np.random.Generator, mean: FloatArray, dwell_s: float, modes: tuple[Mode, ...]) -> dict[str, Any]:
    """Return what one exposure counts of `mean` photons per pulse, (gates,), seen through the jet, for a dwell, s."""
    # I0 sees the flux and not the jet. So the normalisation removes the flux, and leaves the jet, which is common to
    # all gates of an exposure.
    flux, jet = 1.0 + JET * np.array([2.0, 1.0]) * random.standard_normal(2)
    seen = mean * flux * jet
    pulses = int(PUMPS_PER_S * dwell_s)
    event: dict[str, Any] = {
        "laser_shutter": 1, "quality": "", "i0": 1e7 * flux * dwell_s, "exposure_s": dwell_s,
        "spc_pulses": np.full(GATES, pulses),
        "spc_counts": random.binomial(pulses, -np.expm1(-np.stack([seen / APDS] * APDS))),
    }  # fmt: skip
    if "boxcar" in modes:
        # The boxcar estimates the variance of its mean from BLOCKS sub-averages: the stated one scatters about the true
        # one as chi-square with BLOCKS - 1 degrees of freedom.
        variance = (seen * (1.0 + HEIGHT_VARIANCE) + NOISE_PHOTONS**2) / pulses
        event["boxcar_mean"] = seen + np.sqrt(variance) * random.standard_normal(GATES)
        event["boxcar_variance"] = variance * random.chisquare(BLOCKS - 1, GATES) / (BLOCKS - 1)
    return event
