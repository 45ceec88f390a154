"""The sums of a fly scan in the simplest way: every frame is kept, and all are binned once, after the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from reduction.types import FloatArray
from trxas.benchmarks.drawn_fly_scans import DrawnScans


def kept_frames(scans: DrawnScans, seed: int) -> list[Mapping[str, Any]]:
    """Return all frames of the fly scan that `scans.fly(seed)` draws, in their order."""
    random = np.random.default_rng([seed, 0])
    return [frame for scan in range(scans.sweeps) for frame in scans.frames_of(random, scan)]


def binned(frames: Sequence[Mapping[str, Any]], scans: DrawnScans, backlash_ev: float) -> dict[str, FloatArray]:
    """Return sums (scans, points, shutter, ...) of frames, each in the bin of its energy, eV, without the backlash."""
    shape = scans.sweeps, scans.points, 2
    found = {"counts": np.zeros((*shape, 2, 5)), "i0": np.zeros(shape), "energy_ev": np.zeros(shape)}
    found["exposures"] = np.zeros(shape)
    for one in frames:
        true_ev = one["energy_ev"] - one["direction"] * backlash_ev / 2
        point = int(np.floor((true_ev - scans.first_ev) / scans.step_ev + 0.5))
        if not 0 <= point < scans.points:
            continue
        cell = one["scan_index"], point, one["laser_shutter"]
        found["counts"][cell] += one["spc_counts"]
        found["i0"][cell] += one["i0"]
        found["energy_ev"][cell] += true_ev
        found["exposures"][cell] += 1
    return found


def broadening_ev(frames: Sequence[Mapping[str, Any]], scans: DrawnScans, backlash_ev: float) -> float:
    """Return the standard deviation of the energies within a bin about their mean, eV, without the outer bins."""
    true_ev, spread_ev, seconds = (
        np.array([one[key] - (key == "energy_ev") * one["direction"] * backlash_ev / 2 for one in frames])
        for key in ("energy_ev", "spread_ev", "exposure_s")
    )
    points = np.floor((true_ev - scans.first_ev) / scans.step_ev + 0.5).astype(int)
    variance = 0.0
    total_s = 0.0
    for point in range(1, scans.points - 1):
        inside = points == point
        mean_ev = np.average(true_ev[inside], weights=seconds[inside])
        squares = (true_ev[inside] - mean_ev) ** 2 + spread_ev[inside] ** 2
        variance += float(seconds[inside] @ squares)
        total_s += float(seconds[inside].sum())
    return float(np.sqrt(variance / total_s))
