"""Fluence scans with a known slope."""

from __future__ import annotations

from typing import Any

import numpy as np

from reduction.accumulator import accumulate
from reduction.types import Mode
from reduction.xas.fluence import fluence_scan
from reduction.xas.transient import FluenceScan

FLUENCES = np.array([0.5, 1.0, 2.0, 3.5, 5.0, 6.5, 8.0, 8.83, 9.6, 10.8, 11.6, 12.4])
SLOPE = -0.0023


def fluence_beam_time(beam_time: type[Any], knee_mj_cm2: float = 10.5, **settings: Any) -> Any:
    signal = np.outer(SLOPE * np.minimum(FLUENCES, knee_mj_cm2), [1.0, 0.2, 0.0, 0.0, 0.0])
    given = {"points": FLUENCES, "static": np.ones(len(FLUENCES)), "signal": signal, "axis": "fluence_mj_cm2"}
    return beam_time(**given | {"dwell_s": 3.0, "scans": 4, "boxcar_noise_v": 6e-4} | settings)


def reduced(beam_time: Any, seed: int, mode: Mode = "boxcar") -> FluenceScan:
    return fluence_scan(accumulate(beam_time.documents(np.random.default_rng(seed))), mode)
