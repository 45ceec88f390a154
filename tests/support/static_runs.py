"""Static spectra of a powder as a session would emit them: an edge that moves and softens with the temperature."""

from __future__ import annotations

import numpy as np

from tests.support.types import NamedDocument

ENERGY_EV = np.concatenate(
    [np.arange(13_450, 13_464, 3.0), np.arange(13_465, 13_500, 1.0), np.arange(13_500, 13_571, 6.0)]
)
WINDOWS = {
    "pre_edge_ev": [13_449.0, 13_463.0],
    "edge_integral_ev": [13_465.5, 13_500.5],
    "post_edge_ev": [13_540.0, 13_571.0],
}


def static_run(uid: str, temperature_c: float, *, seed: int = 1, series: str = "heating") -> list[NamedDocument]:
    """One pass at a temperature, without dead time."""
    rng = np.random.default_rng(seed)
    centre = 13_470.0 + 1e-3 * (temperature_c - 25.0)
    spectrum = 0.1 + 0.9 / (1.0 + np.exp(-(ENERGY_EV - centre) / (1.5 + 1e-3 * temperature_c)))
    documents: list[NamedDocument] = [
        ("start", {
            "uid": uid, "time": 1000.0, "scan_id": 1, "plan_name": "static_energy_scan", "sample": "CsPbBr3",
            "edge": "Br K", "temperature_c": temperature_c, "temperature_held": True, "series": series,
            "num_points": ENERGY_EV.size, "grid": {"axis": "energy_ev", "points": ENERGY_EV.tolist()},
            "reduction": WINDOWS,
        }),
        ("descriptor", {"uid": f"{uid}-d", "run_start": uid, "name": "primary"}),
    ]  # fmt: skip
    for point, energy in enumerate(ENERGY_EV):
        rate = np.full(5, 2e4) * spectrum[point]
        data = {
            "scan_index": 0, "point_index": point, "quality": "", "energy_ev": float(energy),
            "temperature_c": temperature_c, "i0": 1e8, "exposure_s": 1.0, "sdd_counts": rng.poisson(rate).tolist(),
            "sdd_input_rate": (2.0 * rate).tolist(), "sdd_output_rate": (2.0 * rate).tolist(),
        }  # fmt: skip
        event = {"uid": f"{uid}-{point}", "descriptor": f"{uid}-d", "seq_num": point + 1, "time": 1001.0 + point}
        documents.append(("event", event | {"data": data}))
    return [*documents, ("stop", {"uid": f"{uid}-s", "run_start": uid, "exit_status": "success"})]
