"""Delay scans that several detectors see at once: photodiodes, a second group of them, and drift detectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.support.kinetic_traces import DELAYS_PS, ONE, TIMING, traced

LIFETIME_PS = ONE[0][1]
PULSES = int(36 * 1.304e6)
SECONDS = 36.0
LIVE = 0.8

DETECTORS: dict[str, Any] = {
    "i0": {"kind": "ion_chamber", "role": "i0", "fields": {"counts": "i0"}},
    "total": {"kind": "sdd", "role": "fluorescence", "weights": [1.0], "gated": False,
              "fields": {key: f"total_{key}" for key in ("counts", "input_rate", "output_rate")}},
    "drift": {"kind": "sdd", "role": "fluorescence", "weights": [1.0], "gated": True,
              "fields": {key: f"drift_{key}" for key in ("counts", "input_rate", "output_rate")}},
    "diodes": {"kind": "spc", "role": "fluorescence", "fields": {"counts": "spc_counts", "pulses": "spc_pulses"},
               "weights": [1.0, 1.0]},
    "far": {"kind": "spc", "role": "fluorescence", "fields": {"counts": "far_counts", "pulses": "far_pulses"},
            "weights": [1.0, 0.5]},
}  # fmt: skip


def delay_documents(
    seed: int = 1, *, detectors: dict[str, Any] = DETECTORS, modes: tuple[str, ...] = ("spc",)
) -> list[tuple[str, dict[str, Any]]]:
    """Documents of a delay scan of one lifetime, LIFETIME_PS, with the shares of light that each detector sees."""
    rng = np.random.default_rng(seed)
    rates = traced(ONE, seed=None).photons / PULSES
    documents: list[tuple[str, dict[str, Any]]] = [("start", _start(detectors, modes))]
    documents.append(("descriptor", {"uid": "d", "name": "primary", "run_start": "run", "data_keys": {}}))
    for point, (delay, rate) in enumerate(zip(DELAYS_PS, rates, strict=True)):
        jet = 1 + 0.02 * rng.standard_normal()
        gates = rng.poisson(0.8 * jet * rate * PULSES)
        rows = {"drift": gates, "total": gates.sum(keepdims=True)}
        data: dict[str, Any] = {
            "scan_index": 0, "point_index": point, "delay_ps": float(delay), "energy_ev": 7125.0, "laser_shutter": 1,
            "quality": "", "marks": "", "i0": 1e7, "exposure_s": SECONDS,
            "spc_counts": _counted(rng, 0.5 * jet * rate, 2), "spc_pulses": [PULSES] * rate.size,
            "far_counts": _counted(rng, 0.4 * jet * rate, 2), "far_pulses": [PULSES] * rate.size,
        }  # fmt: skip
        for name, photons in rows.items():
            counted = rng.binomial(photons, LIVE)
            data |= {f"{name}_counts": [counted], f"{name}_input_rate": [1e5], f"{name}_output_rate": [1e5 * LIVE]}
        if "spc" not in modes:
            del data["spc_counts"], data["spc_pulses"]
        documents.append(("event", {"descriptor": "d", "seq_num": point + 1, "time": float(point), "data": data}))
    documents.append(("stop", {"exit_status": "success", "run_start": "run"}))
    return documents


def _counted(rng: np.random.Generator, rate: Any, elements: int) -> Any:
    return rng.binomial(PULSES, -np.expm1(-rate), (elements, rate.size))


def _start(detectors: dict[str, Any], modes: tuple[str, ...]) -> dict[str, Any]:
    reduction = {
        "bunch_period_ps": TIMING.bunch_period_ps, "probes_per_pump": 5, "pumped_probe": 0, "unpumped_probe": 4,
        "irf_sigma_ps": TIMING.irf_sigma_ps, "pump_overlap": list(TIMING.pump_overlap),
        "photodiodes": 2 if "spc" in modes else 0,
        "pre_edge_ev": [7090.0, 7100.0], "edge_integral_ev": [7110.0, 7140.0], "post_edge_ev": [7150.0, 7200.0],
    }  # fmt: skip
    return {
        "uid": "run", "time": 0.0, "plan_name": "delay_scan", "sample": "s", "edge": "Fe K", "absorber": "Fe",
        "modes": list(modes), "repeats": 1, "grid": {"axis": "delay_ps", "points": DELAYS_PS.tolist()},
        "energy_ev": 7125.0, "fluence_mj_cm2": 8.83, "shutter_reference": "none", "reduction": reduction,
        "document_version": 2, "detectors": detectors,
    }  # fmt: skip
