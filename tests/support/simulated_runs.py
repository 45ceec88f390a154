"""Runs of the simulated experiment without a server: the counts of its detectors as the documents of a session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from plans.edges import BR_K, EdgePreset
from plans.engine.start_document import timing_metadata
from reduction.accumulator import RunAccumulator, accumulate
from reduction.xas.calibration_plans import BLOCKED_PLAN, DARK_PLAN
from reduction.xas.gate_exposures import GateExposureSums, gate_calibration
from sim.physics.beamline_state import BeamlineState
from sim.physics.effects import IDEAL, EffectSizes
from sim.physics.experiment import Experiment
from sim.physics.sample import DEFAULT_SAMPLE
from sim.physics.sample_file import load_sample
from trxas.configuration import DEFAULT_CONFIGURATION, load_configuration

Document = tuple[str, dict[str, Any]]

QUIET = replace(IDEAL, efficiencies=0.0, noise=0.0)
"""No effect and no noise."""

AXES = {"energy_ev": "energy_scan", "delay_ps": "delay_scan", "fluence_mj_cm2": "fluence_scan"}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What differs from a scan of the sample: the plan, the states of the laser shutter, and the beamline's state."""

    plan_name: str = ""
    shutters: tuple[int, ...] = (1,)
    state: Mapping[str, Any] = field(default_factory=dict)


PUMPED = Setting()
DARK = Setting(plan_name=DARK_PLAN, shutters=(1, 0), state={"xray_shutter_open": False})
BLOCKED = Setting(plan_name=BLOCKED_PLAN, shutters=(0,))
FOIL = Setting(plan_name="foil_scan", shutters=(0,), state={"foil": "Pb"})
"""Scans with and without what they need besides points."""


@dataclass(kw_only=True)
class SimulatedRuns:
    """The experiment around a sample file, whose runs follow each other in beam time.

    `metadata` is added to the start document of every run, such as a calibration of the gates.
    """

    sample: Path = DEFAULT_SAMPLE
    seed: int = 1
    effects: EffectSizes = QUIET
    response_ps: tuple[float, float] = (45.0, 15.0)

    def __post_init__(self) -> None:
        """Build the experiment; every run continues its drifts."""
        loaded = load_sample(self.sample)
        self._time_zero_ps = loaded.beam.time_zero_ps
        self.experiment = Experiment(sample=loaded, seed=self.seed, effects=self.effects)
        self._configuration = load_configuration(DEFAULT_CONFIGURATION).beamline
        self.metadata: dict[str, Any] = {}

    def run(
        self,
        axis: str,
        points: Sequence[float],
        *,
        dwell_s: float,
        repeats: int = 1,
        edge: EdgePreset = BR_K,
        setting: Setting = PUMPED,
        **fixed: float,
    ) -> list[Document]:
        """Measure a scan over `points`, on `axis`, and return its documents; `fixed` are the other axes."""
        start = self._start(axis, points, dwell_s, repeats, edge, setting, fixed)
        events: list[Document] = []
        for scan in range(repeats):
            for index, point in enumerate(points):
                for shutter in setting.shutters:
                    place = {"scan_index": scan, "point_index": index, "laser_shutter": shutter}
                    data = place | self._event({**fixed, axis: point}, shutter, dwell_s, setting.state)
                    events.append(("event", {"descriptor": "d", "time": self.experiment.time_s, "data": data}))
        descriptor = {"uid": "d", "run_start": start["uid"], "name": "primary"}
        return [("start", start), ("descriptor", descriptor), *events, ("stop", {"exit_status": "success"})]

    def sums(self, axis: str, points: Sequence[float], **settings: Any) -> RunAccumulator:
        """Measure a scan as `run` does, and return its sums."""
        return accumulate(self.run(axis, points, **settings))

    def calibrate_gates(
        self, delays_ps: Sequence[float], *, dwell_s: float, repeats: int, energy_ev: float, fluence_mj_cm2: float
    ) -> None:
        """Measure dark and blocked exposures, and use the zeros and gains of the gates in all later runs."""
        settings: dict[str, Any] = {"dwell_s": dwell_s, "repeats": repeats, "fluence_mj_cm2": fluence_mj_cm2}
        dark = self.run("delay_ps", delays_ps, setting=DARK, energy_ev=energy_ev, **settings)
        self._use_gates(dark)
        self._use_gates(self.run("energy_ev", [energy_ev], setting=BLOCKED, delay_ps=delays_ps[0], **settings))

    def _use_gates(self, documents: Sequence[Document]) -> None:
        sums = GateExposureSums()
        for name, document in documents:
            sums(name, document)
        self.metadata = {**self.metadata, "gate_calibration": gate_calibration(sums)}

    def power_w(self, fluence_mj_cm2: float) -> float:
        """Return the reading of the power meter at a fluence, W: 1 W per mJ/cm2."""
        return fluence_mj_cm2 * self.experiment.laser_power

    def _event(
        self, places: Mapping[str, float], shutter: int, dwell_s: float, further: Mapping[str, Any]
    ) -> dict[str, Any]:
        state = BeamlineState(
            energy_ev=places["energy_ev"],
            delay_ps=places["delay_ps"] - self._time_zero_ps,
            fluence_mj_cm2=places["fluence_mj_cm2"],
            laser_shutter_open=bool(shutter),
            **{"foil": "", **further},
        )
        seen = self.experiment.expose(state, dwell_s)
        volts = -seen.boxcar
        return {
            **places,
            "quality": "",
            "i0": seen.i0,
            "foil": seen.foil,
            "exposure_s": dwell_s,
            "laser_power_w": self.power_w(places["fluence_mj_cm2"]),
            "spc_counts": seen.counts,
            "spc_pulses": seen.pulses,
            "boxcar_mean": volts.mean(axis=0),
            "boxcar_variance": volts.var(axis=0, ddof=1) / len(volts),
            "boxcar_covariance": (np.cov(volts, rowvar=False) / len(volts))[np.triu_indices(volts.shape[1], 1)],
        }

    def _start(
        self,
        axis: str,
        points: Sequence[float],
        dwell_s: float,
        repeats: int,
        edge: EdgePreset,
        setting: Setting,
        fixed: Mapping[str, float],
    ) -> dict[str, Any]:
        scheme = self.experiment.scheme
        gates = self._configuration.scheme.with_bunch_period(scheme.bucket_ps * scheme.unit_buckets)
        sigma_ps, error_ps = self.response_ps
        return {
            "uid": f"run-{self.experiment.time_s:g}",
            "time": self.experiment.time_s,
            "plan_name": setting.plan_name or AXES[axis],
            "sample": "simulated",
            "edge": str(edge.name),
            "absorber": edge.absorber,
            "modes": ["spc", "boxcar"],
            "repeats": repeats,
            "series": "a",
            "num_points": repeats * len(points),
            "dwell_s": dwell_s,
            "grid": {"axis": axis, "points": list(map(float, points))},
            "shutter_reference": "point" if setting.shutters == (1, 0) else "none",
            "laser_power_w_per_mj_cm2": 1.0,
            "instrument_response": {"sigma_ps": sigma_ps, "error_ps": error_ps, "source": "configured"},
            "reduction": {
                **timing_metadata(gates, self._configuration.geometry, sigma_ps),
                "photodiodes": self.experiment.photodiodes,
                "pre_edge_ev": list(edge.pre_edge_ev),
                "edge_integral_ev": list(edge.edge_integral_ev),
                "post_edge_ev": list(edge.post_edge_ev),
                "main_feature_ev": edge.main_feature_ev,
            },
            **fixed,
            **self.metadata,
        }
