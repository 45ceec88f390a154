"""A beam time in a few lines, independent of the simulated beamline: documents with known truth."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

BUNCH_PERIOD_PS = 153_400.0
PUMP_RATE_HZ = 1.304e6
PLANS = {"energy_ev": "energy_scan", "delay_ps": "delay_scan", "fluence_mj_cm2": "fluence_scan"}
Document = tuple[str, dict[str, Any]]


@dataclass
class BeamTime:
    """Draws the documents of one run. `signal(energy or delay, probe)` is relative to `static`, shutter open."""

    points: NDArray[np.float64]
    static: NDArray[np.float64]
    signal: NDArray[np.float64]  # (points, 5), 0 with the shutter closed
    axis: str = "energy_ev"
    scans: int = 3
    shutter_reference: str = "none"
    modes: tuple[str, ...] = ("spc", "boxcar")
    photons_per_pulse: float = 0.12
    dwell_s: float = 0.5
    jet: float = 0.01
    jet_between_scans: float = 0.0
    boxcar_noise_v: float = 1e-4
    boxcar_offset_v: float = 0.0
    efficiency: tuple[float, ...] = (0.004, -0.006, 0.003, 0.002, 0.0)
    overrides: dict[str, Any] = field(default_factory=dict)

    def start(self) -> dict[str, Any]:
        fixed = {"delay_ps": 10_100.0, "energy_ev": 13_472.0, "fluence_mj_cm2": 8.8}
        del fixed[self.axis]
        return {
            "uid": "run",
            "plan_name": PLANS[self.axis],
            "sample": "CsPbBr3",
            "edge": "Br K",
            "absorber": "Br",
            "modes": list(self.modes),
            "repeats": self.scans,
            "series": "a",
            "num_points": self.scans * len(self.points),
            "grid": {"axis": self.axis, "points": self.points.tolist()},
            "shutter_reference": self.shutter_reference,
            "reduction": {
                "bunch_period_ps": BUNCH_PERIOD_PS,
                "probes_per_pump": 5,
                "pumped_probe": 0,
                "unpumped_probe": 4,
                "irf_sigma_ps": 45.0,
                "pre_edge_ev": [13_450.0, 13_462.0],
                "edge_integral_ev": [13_466.0, 13_500.0],
                "post_edge_ev": [13_540.0, 13_571.0],
                "pump_overlap": [1.0],
            },
            **fixed,
            **self.overrides,
        }

    def events(self, rng: np.random.Generator) -> list[dict[str, Any]]:
        """Event data in the order of acquisition."""
        states = (1, 0) if self.shutter_reference == "point" else (1,)
        data: list[dict[str, Any]] = []
        for scan in range(self.scans):
            of_scan = 1.0 + self.jet_between_scans * rng.standard_normal()
            for point in range(len(self.points)):
                for shutter in states:
                    data.append(self._event(rng, scan, point, shutter, of_scan) | {"exposure_id": len(data)})
        return data

    def _event(self, rng: np.random.Generator, scan: int, point: int, shutter: int, of_scan: float) -> dict[str, Any]:
        flux = 1.0 + 0.02 * rng.standard_normal()
        jet = of_scan * (1.0 + self.jet * rng.standard_normal())
        level = flux * jet * self.static[point] * (1.0 + shutter * self.signal[point])
        pulses = int(self.dwell_s * PUMP_RATE_HZ)
        mu = 0.5 * self.photons_per_pulse * level * (1.0 + np.asarray(self.efficiency))
        volts = level + self.boxcar_offset_v * (scan + 1) * flux
        data = {
            "scan_index": scan,
            "point_index": point,
            "laser_shutter": shutter,
            "quality": "",
            "energy_ev": 13_472.0,
            "delay_ps": 10_100.0,
            "i0": 1e8 * self.dwell_s * flux,
            "foil": 1.0,
            "exposure_s": self.dwell_s,
            "spc_counts": rng.binomial(pulses, -np.expm1(-np.stack([mu, mu]))),
            "spc_pulses": np.full(5, pulses),
            "boxcar_mean": volts + self.boxcar_noise_v * rng.standard_normal(5),
            "boxcar_variance": np.full(5, self.boxcar_noise_v**2),
        }
        return data | {self.axis: float(self.points[point] + 1e-3 * rng.standard_normal())}

    def documents(self, rng: np.random.Generator) -> list[Document]:
        """All documents of the run."""
        events = [
            ("event", {"uid": str(n), "descriptor": "d", "seq_num": n + 1, "time": 0.0, "data": data, "timestamps": {}})
            for n, data in enumerate(self.events(rng))
        ]
        return [
            ("start", self.start()),
            ("descriptor", {"uid": "d", "run_start": "run", "name": "primary"}),
            *events,
            ("stop", {"run_start": "run", "exit_status": "success"}),
        ]


def energy_points() -> NDArray[np.float64]:
    """A non-uniform Br K grid, 13.450 to 13.570 keV."""
    return np.concatenate(
        [np.arange(13_450, 13_464, 3.0), np.arange(13_465, 13_490, 1.0), np.arange(13_492, 13_571, 6.0)]
    )


def br_static(energy_ev: NDArray[np.float64]) -> NDArray[np.float64]:
    """An edge over a background of 15 %."""
    return 0.15 + 0.85 / (1.0 + np.exp(-(energy_ev - 13_470.0) / 1.5))


def br_signal(energy_ev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Relative transient of probe 0 and a fifth of it for probe 1, (points, 5)."""
    shape = 0.01 * np.exp(-(((energy_ev - 13_467.5) / 1.5) ** 2)) - 0.02 * np.exp(
        -(((energy_ev - 13_472.0) / 1.5) ** 2)
    )
    return np.outer(shape, [1.0, 0.2, 0.0, 0.0, 0.0])
