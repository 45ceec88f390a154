"""Energy x delay maps of known spectra and lifetimes, drawn without the formulas of the reduction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reduction.timing import Timing
from reduction.xas.transient_map import LaterGate, TransientMap

TIMING = Timing(pump_overlap=(1.0,) * 12, irf_sigma_ps=45.0, irf_error_ps=3.0)
ENERGY_EV = np.linspace(13_452.0, 13_488.0, 10)
DELAY_PS = np.array([-400.0, -200.0, -60.0, 0.0, 60.0, 130.0, 250.0, 500.0, 1_200.0, 3_000.0, 8_000.0])
LIFETIMES_PS = (300.0, 400e3)
T0_PS = 12.0
EFFICIENCY = 1.02
SPECTRA = np.array(
    [
        -0.04 * np.exp(-((ENERGY_EV - 13_472.0) ** 2) / 50.0) + 0.02 * np.exp(-((ENERGY_EV - 13_462.0) ** 2) / 20.0),
        0.012 * np.exp(-((ENERGY_EV - 13_478.0) ** 2) / 60.0),
    ]
)
"""A shift of the edge that decays, and a product that stays, relative to the unpumped signal."""

FloatArray = NDArray[np.float64]


def decays(delay_ps: FloatArray) -> FloatArray:
    """Every decay after the pumps, convolved with the response numerically, (components, delays)."""
    # The middle of 4000 slices of the Gaussian: no closed form, so that a mistake in one would be seen.
    sigma_ps = TIMING.irf_sigma_ps
    slices = (np.arange(4000) + 0.5) / 4000 * 16 * sigma_ps - 8 * sigma_ps
    weight = np.exp(-(slices**2) / 2 / sigma_ps**2)
    found = np.zeros((len(LIFETIMES_PS), delay_ps.size))
    for pump, overlap in enumerate(TIMING.pump_overlap):
        age = delay_ps[:, None] + pump * TIMING.pump_period_ps - slices
        for row, lifetime_ps in enumerate(LIFETIMES_PS):
            signal = np.where(age > 0, np.exp(-np.maximum(age, 0.0) / lifetime_ps), 0.0)
            found[row] += overlap * (signal * weight).sum(axis=1) / weight.sum()
    return found


def drawn_map(
    seed: int, *, photons: float = 2e6, spectra: FloatArray = SPECTRA, delay_ps: FloatArray = DELAY_PS
) -> TransientMap:
    """A map of 10 energies: Poisson counts of both gates, with a jet that fluctuates by 5 % from point to point."""
    random = np.random.default_rng(seed)
    bunches_ps = TIMING.bunch_period_ps * (TIMING.unpumped_probe - TIMING.pumped_probe)
    on = np.einsum("ke,kt->et", spectra, decays(delay_ps - T0_PS))
    off = np.einsum("ke,kt->et", spectra, decays(delay_ps - T0_PS + bunches_ps))
    absorption = 0.3 + 0.7 / (1.0 + np.exp(-(ENERGY_EV - 13_465.0) / 3.0))
    level = photons * absorption[:, None] * random.normal(1.0, 0.05, size=on.shape)
    pumped = random.poisson(level * EFFICIENCY * (1.0 + on)).astype(float)
    unpumped = random.poisson(level * (1.0 + off)).astype(float)
    return TransientMap.of_counts(ENERGY_EV, delay_ps, pumped, unpumped)


LATER_EFFICIENCIES = (0.97, 1.01, 1.03)
"""Efficiencies of the gates between the pumped and the unpumped one."""


def with_later_gates(measured: TransientMap, seed: int) -> TransientMap:
    """The same map with the counts of all gates, each with noise of its own, in the jet of their exposure."""
    random = np.random.default_rng([seed, 3])
    # Jet and flux of each exposure, from what one gate has counted: all gates are drawn again in their common jet.
    level = measured.unpumped * random.normal(1.0, 0.05, measured.unpumped.shape)
    bunches_ps = TIMING.bunch_period_ps * np.arange(TIMING.probes_per_pump)
    signals = [np.einsum("ke,kt->et", SPECTRA, decays(measured.columns - T0_PS + bunch_ps)) for bunch_ps in bunches_ps]
    means = [efficiency * level * (1.0 + signal)
             for efficiency, signal in zip((EFFICIENCY, *LATER_EFFICIENCIES, 1.0), signals, strict=True)]  # fmt: skip
    pumped, *later, unpumped = (random.poisson(mean).astype(float) for mean in means)
    gates = tuple(LaterGate(probe=probe, photons=one, variance=one) for probe, one in enumerate(later, 1))
    return replace(
        measured, pumped=pumped, unpumped=unpumped, pumped_variance=pumped, unpumped_variance=unpumped, later=gates
    )


def map_run(
    seed: int, uid: str = "map-1", *, rows: int = len(ENERGY_EV), all_gates: bool = False
) -> list[tuple[str, dict[str, Any]]]:
    """Documents of a grid scan that has measured the first `rows` of its energies, as a session would emit them.

    The gates between the pumped and the unpumped one see next to nothing, unless `all_gates` have counted.
    """
    drawn = drawn_map(seed)
    if all_gates:
        drawn = with_later_gates(drawn, seed)
    points = [[float(energy), float(delay)] for energy in drawn.rows for delay in drawn.columns]
    reduction = {
        "bunch_period_ps": TIMING.bunch_period_ps, "probes_per_pump": 5, "pumped_probe": 0, "unpumped_probe": 4,
        "irf_sigma_ps": TIMING.irf_sigma_ps, "pump_overlap": list(TIMING.pump_overlap),
    }  # fmt: skip
    start = {
        "uid": uid, "time": 1.7e9, "plan_name": "grid_scan", "sample": "CsPbBr3", "edge": "Br K", "modes": ["spc"],
        "grid": {"axes": ["energy_ev", "delay_ps"], "points": points, "shape": list(drawn.pumped.shape)},
        "pumped_probe": 0, "unpumped_probe": 4, "repeats": 1, "num_points": len(points), "reduction": reduction,
        "instrument_response": {"sigma_ps": TIMING.irf_sigma_ps, "error_ps": TIMING.irf_error_ps, "source": "test"},
    }  # fmt: skip
    documents: list[tuple[str, dict[str, Any]]] = [("start", start)]
    documents.append(("descriptor", {"uid": f"{uid}-d", "run_start": uid, "name": "primary", "data_keys": {}}))
    for index in range(rows * len(drawn.columns)):
        counts = np.ones((2, 5))
        # With this many gates pile-up changes nothing; both photodiodes count the same.
        counts[:, 0] = drawn.pumped.ravel()[index] / 2
        counts[:, 4] = drawn.unpumped.ravel()[index] / 2
        for gate in drawn.later:
            counts[:, gate.probe] = gate.photons.ravel()[index] / 2
        data = {
            "scan_index": 0, "point_index": index, "energy_ev": points[index][0], "delay_ps": points[index][1],
            "laser_shutter": 1, "spc_counts": counts, "spc_pulses": np.full(5, 1e12), "quality": "", "marks": "",
            "i0": 1e6, "exposure_s": 1.0,
        }  # fmt: skip
        event = {"uid": f"{uid}-{index}", "descriptor": f"{uid}-d", "seq_num": index + 1, "time": 1.7e9 + index}
        documents.append(("event", {**event, "data": data}))
    if rows == len(drawn.rows):
        documents.append(("stop", {"uid": f"{uid}-s", "run_start": uid, "exit_status": "success"}))
    return documents
