"""Fly scans and stepped scans of one spectrum, drawn with known truth: counts of frames, without a beamline."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.optimize import curve_fit

from reduction.accumulator import RunAccumulator, accumulate
from reduction.types import FloatArray
from reduction.xas.fly_sums import PREFIX, FlyAccumulator
from trxas.benchmarks.drawn_runs import APDS, BUNCH_PERIOD_PS, GATES, JET, PHOTONS_PER_PULSE, PUMPS_PER_S

WINDOWS_EV = {"pre_edge_ev": (13_450.0, 13_462.0), "edge_integral_ev": (13_462.0, 13_510.0),
              "post_edge_ev": (13_495.0, 13_510.0)}  # fmt: skip

WAY = 1.01
"""Energy range of a frame relative to that for whole frames in a bin (chosen: 1 % of 5 in a bin, as with a ramp)."""

LINE_EV = 0.6
"""Width of a line, eV, by which the broadening is measured."""

NODES, WEIGHTS = np.polynomial.legendre.leggauss(4)
"""Gauss's rule for the mean over the energy range of a frame."""


def br_like(energy_ev: FloatArray, gate: int) -> FloatArray:
    """Return photons per pulse at an edge, relative to its step, with a transient in the first gate only.

    The result has the shape of `energy_ev`, eV.
    """
    static = 0.15 + 0.85 / (1.0 + np.exp(-(energy_ev - 13_470.0) / 1.5))
    if gate:
        return np.asarray(static)
    up = 0.01 * np.exp(-(((energy_ev - 13_467.5) / 1.5) ** 2))
    return np.asarray(static * (1.0 + up - 0.02 * np.exp(-(((energy_ev - 13_472.0) / 1.5) ** 2))))


def line(energy_ev: FloatArray, _gate: int) -> FloatArray:
    """Return photons per pulse of a Gaussian line on a background, relative to its height.

    The result has the shape of `energy_ev`, eV.
    """
    return np.asarray(0.2 + np.exp(-(((energy_ev - 13_470.0) / LINE_EV) ** 2) / 2))


def fitted_width_ev(run: RunAccumulator) -> float:
    """Return the standard deviation of the line in a run, eV, from the last gate, corrected for pile-up."""
    fires = run.counts[..., -1].sum(axis=(0, 2, 3)) / (APDS * run.pulses[..., -1].sum(axis=(0, 2)))

    def model(energy_ev: FloatArray, height: float, center_ev: float, width_ev: float, level: float) -> FloatArray:
        """Return a Gaussian line on a level, with the shape of `energy_ev`, eV."""
        return level + height * np.exp(-(((energy_ev - center_ev) / width_ev) ** 2) / 2)

    found, _ = curve_fit(
        model, run.mean_readback("energy_ev"), -np.log1p(-fires), p0=(PHOTONS_PER_PULSE, 13_470.0, LINE_EV, 0.05)
    )
    return float(abs(found[2]))


def page_of_frames(descriptor: str, frames: Sequence[Mapping[str, Any]], times_s: Sequence[float]) -> dict[str, Any]:
    """Return frames, by the fields of an exposure, as a page of events; their times, s, or one time for all."""
    return {
        "descriptor": descriptor,
        "seq_num": list(range(1, len(frames) + 1)),
        "time": list(times_s) if len(times_s) == len(frames) else list(times_s) * len(frames),
        "data": {PREFIX + key: [one[key] for one in frames] for key in frames[0]},
    }


@dataclass(frozen=True, kw_only=True)
class DrawnScans:
    """Scans over `points` from `first_ev` in steps of `step_ev`, each counted for `total_s` seconds altogether.

    `level` returns the photons per pulse at energies, eV, in one gate, relative to those of the Br edge. The fly scan
    takes `sweeps`, with `frames` per bin, and a drive with a play of `backlash_ev`. With `noise` 0 the counts are their
    means.
    """

    level: Callable[[FloatArray, int], FloatArray] = br_like
    first_ev: float = 13_450.0
    step_ev: float = 0.5
    points: int = 121
    sweeps: int = 4
    frames: int = 5
    total_s: float = 6.0
    backlash_ev: float = 0.12
    noise: int = 1
    jet: float = field(default=JET)

    @property
    def energies_ev(self) -> FloatArray:
        """Energies of the points, (points,)."""
        return np.asarray(self.first_ev + self.step_ev * np.arange(self.points), dtype=float)

    @property
    def broadening_ev(self) -> float:
        """Standard deviation of the energies in one bin, eV: by the bin, and by the energy range of a frame."""
        return float(np.hypot(self.step_ev, self.step_ev / self.frames) / np.sqrt(12.0))

    def fly(self, seed: int) -> FlyAccumulator:
        """Return the sums of a fly scan."""
        random = np.random.default_rng([seed, 0])
        sums = FlyAccumulator()
        sums("start", self.fly_start())
        sums("descriptor", {"uid": "f", "name": "frames"})
        for scan in range(self.sweeps):
            sums("event_page", page_of_frames("f", self.frames_of(random, scan), [0.0]))
        sums("stop", {"exit_status": "success"})
        return sums

    def fly_start(self) -> dict[str, object]:
        """Return the start document of the fly scan, speeds in eV/s."""
        speed_ev_s = self.step_ev / self._bin_s
        facts = {"step_ev": self.step_ev, "speed_ev_s": speed_ev_s, "broadening_ev": self.broadening_ev}
        return self.start(self.sweeps) | {"fly": facts}

    def stepped(self, seed: int, scans: int = 2) -> RunAccumulator:
        """Return the sums of a scan in steps, which counts `total_s` seconds at each point as the fly scan does."""
        random = np.random.default_rng([seed, 1])
        seconds = self.total_s / scans
        events = [
            self._exposure(random, (scan, point), np.array([energy]), seconds)
            for scan in range(scans)
            for point, energy in enumerate(self.energies_ev)
        ]
        named = [("event", {"descriptor": "d", "data": data}) for data in events]
        return accumulate([("start", self.start(scans)), ("descriptor", {"uid": "d", "name": "primary"}), *named])

    @property
    def _bin_s(self) -> float:
        return self.total_s / self.sweeps

    def frames_of(self, random: np.random.Generator, scan: int) -> list[dict[str, object]]:
        """Return the frames of a sweep, in the order in which they are counted, by the fields of an exposure.

        `energy_ev` is the middle of the frame and `spread_ev` the standard deviation of the energy in it, both in eV.
        """
        direction = 1 if scan % 2 == 0 else -1
        # A sweep, with its ramps, is divided into whole frames, so bins are not whole numbers of frames: from bin to
        # bin their edges cross those of the frames at other places.
        way_ev = self.step_ev / self.frames * WAY
        count = math.ceil(self.points * self.frames / WAY)
        middles = self.first_ev - self.step_ev / 2 + way_ev * (np.arange(count) + random.uniform(0.0, 1.0))
        found = []
        for middle in middles[::direction]:
            point = int(np.floor((middle - self.first_ev) / self.step_ev + 0.5))
            if not 0 <= point < self.points:
                continue
            # The drive lags by half of its play, to the other side on the way down: the same energy on the axis is
            # another true one in the two directions, which is what the fit of the backlash sees.
            true_ev = middle - direction * self.backlash_ev / 2 + way_ev / 2 * NODES
            data = self._exposure(random, (scan, point), true_ev, self._bin_s / self.frames)
            further = {"energy_ev": float(middle), "direction": direction, "spread_ev": way_ev / np.sqrt(12.0)}
            found.append(data | further)
        return found

    def _exposure(
        self, random: np.random.Generator, place: tuple[int, int], true_ev: FloatArray, seconds: float
    ) -> dict[str, object]:
        # During a frame the energy moves, so its mean count is an integral over the way, by quadrature with a few
        # nodes.
        weights = WEIGHTS / 2 if true_ev.size > 1 else np.ones(1)
        flux = 1.0 + self.noise * 2 * JET * random.standard_normal()
        jet = 1.0 + self.noise * self.jet * random.standard_normal()
        level = np.array([weights @ self.level(true_ev, gate) for gate in range(GATES)])
        pulses = int(PUMPS_PER_S * seconds)
        fires = -np.expm1(-np.stack([PHOTONS_PER_PULSE / APDS * flux * jet * level] * APDS))
        counts = random.binomial(pulses, fires) if self.noise else pulses * fires
        return {
            "scan_index": place[0], "point_index": place[1], "laser_shutter": 1, "quality": "", "exposure_id": 1,
            "energy_ev": float(np.mean(true_ev)), "delay_ps": 100.0, "i0": 1e7 * seconds * flux, "exposure_s": seconds,
            "spc_counts": counts, "spc_pulses": np.full(GATES, pulses),
        }  # fmt: skip

    def start(self, scans: int) -> dict[str, object]:
        """Return the start document of a scan in steps, energies in eV."""
        timing = {
            "bunch_period_ps": BUNCH_PERIOD_PS, "probes_per_pump": GATES, "pumped_probe": 0, "unpumped_probe": 4,
            "irf_sigma_ps": 45.0, "pump_overlap": [1.0],
        }  # fmt: skip
        return {
            "uid": "drawn", "plan_name": "energy_scan", "sample": "drawn", "edge": "Br K", "absorber": "Br",
            "modes": ["spc"], "repeats": scans, "grid": {"axis": "energy_ev", "points": self.energies_ev.tolist()},
            "shutter_reference": "none", "delay_ps": 100.0, "fluence_mj_cm2": 8.83,
            "reduction": {**timing, **{name: list(window) for name, window in WINDOWS_EV.items()}},
        }  # fmt: skip
