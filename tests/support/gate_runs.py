"""Runs of a beam time whose gates differ in gain and zero and see the laser, with the runs that calibrate them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reduction.accumulator import RunAccumulator, accumulate
from reduction.xas.calibration_plans import BLOCKED_PLAN, DARK_PLAN
from reduction.xas.gate_exposures import GateExposureSums, gate_calibration
from tests.support.beam_time import BeamTime, Document, br_signal, br_static, energy_points

GATES = 5
PER_PULSE = 0.06
"""Photons per pulse of one of two photodiodes at a signal of 1."""


@dataclass
class GatedBeamTime(BeamTime):
    """A beam time with a signal of 1 V; `zeros_v` and `gains` are the boxcar's, `light` photons per photodiode."""

    zeros_v: NDArray[np.float64] = field(default_factory=lambda: np.zeros(GATES))
    gains: NDArray[np.float64] = field(default_factory=lambda: np.ones(GATES))
    light: NDArray[np.float64] = field(default_factory=lambda: np.zeros(GATES))

    def _event(self, rng: np.random.Generator, scan: int, point: int, shutter: int, of_scan: float) -> dict[str, Any]:
        data = super()._event(rng, scan, point, shutter, of_scan)
        light = shutter * self.light
        volts = self.gains * (data["boxcar_mean"] + light / PER_PULSE) + self.zeros_v
        return data | {
            "boxcar_mean": volts,
            "spc_counts": data["spc_counts"] + rng.binomial(data["spc_pulses"], light, (2, GATES)),
        }


def gates(seed: int = 0) -> dict[str, Any]:
    """Return gates of which the pumped one is off by 1e-3 in gain and by 2 % of the signal in zero (0.1 of 5 mV)."""
    rng = np.random.default_rng([seed, 77])
    zeros_v = 0.4 + 1e-3 * rng.standard_normal(GATES)
    gains = 1 + 2e-4 * rng.standard_normal(GATES)
    return {"zeros_v": zeros_v + np.array([0.02, 0, 0, 0, 0]), "gains": gains * [1.001, 1, 1, 1, 1]}


def energy_run(seed: int, calibration: dict[str, Any] | None = None, **settings: Any) -> RunAccumulator:
    """Return a Br scan with closed exposures; 3 scans of 6 s with the boxcar's noise of 0.1 % in each."""
    energy = energy_points()
    given: dict[str, Any] = {
        "points": energy, "static": br_static(energy), "signal": br_signal(energy), "dwell_s": 6.0,
        "boxcar_noise_v": 1e-3, "shutter_reference": "point", **gates(),
    }  # fmt: skip
    given |= settings
    given["overrides"] = {"gate_calibration": calibration} if calibration else {}
    return accumulate(GatedBeamTime(**given).documents(np.random.default_rng([seed, 1])))


def calibration_of(seed: int, exposures: int = 12, **settings: Any) -> dict[str, Any]:
    """Return the calibration after as many dark exposures (with laser and without) and blocked ones, of 50 s."""
    rng = np.random.default_rng([seed, 2])
    points = np.full(1, 10_100.0)
    given: dict[str, Any] = {
        "points": points, "signal": np.zeros((1, GATES)), "axis": "delay_ps", "scans": exposures, "dwell_s": 50.0,
        "boxcar_noise_v": 3.5e-4, "efficiency": (0.0,) * GATES, **gates(),
    }  # fmt: skip
    given |= settings
    dark = GatedBeamTime(**given, static=np.zeros(1), shutter_reference="point")
    zeros = gate_calibration(_sums(dark.documents(rng), DARK_PLAN, {}))
    blocked = GatedBeamTime(**{**given, "light": np.zeros(GATES)}, static=np.ones(1))
    return gate_calibration(_sums(blocked.documents(rng), BLOCKED_PLAN, zeros))


def _sums(documents: list[Document], plan_name: str, before: dict[str, Any]) -> GateExposureSums:
    start = {**documents[0][1], "plan_name": plan_name, "time": 1.0, "gate_calibration": before}
    sums = GateExposureSums()
    blocked = plan_name == BLOCKED_PLAN
    for name, doc in [("start", start), *documents[1:]]:
        sums(name, {**doc, "data": {**doc["data"], "laser_shutter": 0}} if blocked and name == "event" else doc)
    return sums
