"""Documents of static spectra with a known shape and known dead time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reduction.xas.static_xas import StaticSpectrum, accumulate_static, static_spectrum

ENERGY_EV = np.concatenate(
    [np.arange(13_450, 13_464, 3.0), np.arange(13_465, 13_500, 1.0), np.arange(13_500, 13_571, 6.0)]
)
WINDOWS = {
    "pre_edge_ev": [13_449.0, 13_463.0],
    "edge_integral_ev": [13_465.5, 13_500.5],
    "post_edge_ev": [13_540.0, 13_571.0],
}
DEAD_S = 1e-6


def edge(energy_ev: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.1 + 0.9 / (1.0 + np.exp(-(energy_ev - 13_470.0) / 1.5)))


def documents(seed: int, counts_per_s: float = 2e4, scans: int = 2, *, deadtime: bool = True) -> list[Any]:
    """Two scans of a powder: the whole spectrum's rate follows the edge, and with it the deadtime."""
    rng = np.random.default_rng(seed)
    events: list[Any] = []
    for scan in range(scans):
        for point, energy in enumerate(ENERGY_EV):
            flux = 1.0 + 0.02 * rng.standard_normal()
            share = flux * edge(energy) * np.array([1.0, 0.9, 1.1, 1.0, 0.8])
            input_rate = 5 * counts_per_s * (share + 0.5)
            output_rate = input_rate * np.exp(-input_rate * DEAD_S) if deadtime else input_rate
            data = {
                "scan_index": scan,
                "point_index": point,
                "quality": "",
                "energy_ev": energy + 1e-3 * rng.standard_normal(),
                "temperature_c": 45.2,
                "i0": 1e8 * flux,
                "exposure_s": 1.0,
                "sdd_counts": rng.poisson(counts_per_s * share * output_rate / input_rate),
                "sdd_input_rate": input_rate,
                "sdd_output_rate": output_rate,
            }
            events.append(("event", {"descriptor": "d", "seq_num": len(events) + 1, "data": data}))
    start = {
        "uid": "t45",
        "plan_name": "static_energy_scan",
        "sample": "CsPbBr3",
        "edge": "Br K",
        "temperature_c": 45.0,
        "grid": {"axis": "energy_ev", "points": ENERGY_EV.tolist()},
        "reduction": WINDOWS,
    }
    return [("start", start), ("descriptor", {"uid": "d", "name": "primary"}), *events, ("stop", {})]


def spectrum(seed: int, **settings: Any) -> StaticSpectrum:
    return static_spectrum(accumulate_static(documents(seed, **settings)))


def exact() -> NDArray[np.float64]:
    y = edge(ENERGY_EV)
    y = y - y[ENERGY_EV <= 13_462].mean()
    inside = (ENERGY_EV >= 13_466) & (ENERGY_EV <= 13_500)
    return np.asarray(y / np.trapezoid(y[inside], ENERGY_EV[inside]))
