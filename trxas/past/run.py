"""Passes of old files as one run: the documents of a run like any other."""

from __future__ import annotations

import hashlib
import math
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from plans.engine.start_document import DOCUMENT_VERSION, pump_overlap, software_versions
from trxas.past.merged_passes import PUMPED, UNPUMPED, MergedPasses

if TYPE_CHECKING:
    from reduction.types import Document, NamedDocument
    from trxas.configuration import Configuration
    from trxas.past.columns import PastData
    from trxas.past.facts import PastFacts

NAMESPACE = uuid.UUID("5f1d3c5e-4bb0-4a5b-9d65-3f5a5b1d8f0e")
"""Namespace of the uids of imported runs: the same files with the same settings are the same run."""


@dataclass(frozen=True, kw_only=True)
class PastRun:
    """The documents of an imported run, and the `report`: what was used, what was cut, and why."""

    uid: str
    documents: tuple[NamedDocument, ...]
    report: tuple[str, ...]


class PastRunMaker:
    """Makes one run of several passes."""

    def __init__(self, merged: MergedPasses, facts: PastFacts, configuration: Configuration) -> None:
        self._merged = merged
        self._facts = facts
        self._configuration = configuration

    def run(self) -> PastRun:
        """Return the documents and the report."""
        report = tuple(self._merged.report())
        uid = str(uuid.uuid5(NAMESPACE, self._fingerprint()))
        start_s = self._start_s()
        start = self._start(uid, start_s, report)
        events = list(self._events(uid, start_s))
        end_s = events[-1]["time"]
        documents: list[NamedDocument] = [("start", start), ("descriptor", self._descriptor(uid, start_s, events[0]))]
        documents += [("event", event) for event in events]
        stop = {"uid": f"{uid}-stop", "run_start": uid, "time": end_s, "exit_status": "success", "reason": "imported"}
        documents.append(("stop", {**stop, "num_events": {"primary": len(events)}}))
        return PastRun(uid=uid, documents=tuple(documents), report=report)

    def _fingerprint(self) -> str:
        digest = hashlib.sha256(repr((self._facts, self._configuration.past)).encode())
        for data in self._merged.passes:
            for column in data.scan.columns:
                digest.update(repr(column.names).encode() + np.ascontiguousarray(column.values).tobytes())
        return digest.hexdigest()

    def _start_s(self) -> float:
        # A file without a time was written when the scan ended, or copied later: the best that is known.
        times = [data.scan.time_s for data in self._merged.passes if data.scan.time_s is not None]
        return min(times, default=min(data.scan.path.stat().st_mtime for data in self._merged.passes))

    def _start(self, uid: str, start_s: float, report: tuple[str, ...]) -> dict[str, Any]:
        facts = self._facts
        edge = facts.edge
        delays = np.concatenate(self._merged.delays)
        known = delays[np.isfinite(delays)]
        delay_ps = facts.delay_ps if facts.delay_ps is not None else float(np.median(known)) if len(known) else math.nan
        energy_ev = float(np.median(np.concatenate([data.energy_ev for data in self._merged.passes])))
        fixed = {"delay_ps": delay_ps, "energy_ev": energy_ev, "fluence_mj_cm2": facts.fluence_mj_cm2}
        del fixed[self._merged.axis]
        plan = "energy_scan" if self._merged.axis == "energy_ev" else "delay_scan"
        return {
            "uid": uid,
            "time": start_s,
            "plan_name": plan,
            "sample": facts.sample,
            "edge": str(edge.name),
            "absorber": edge.absorber,
            "modes": self._merged.modes,
            "dwell_s": max(float(data.exposure_s.max()) for data in self._merged.passes),
            "repeats": len(self._merged.passes),
            "series": facts.series,
            "num_points": sum(data.scan.rows for data in self._merged.passes),
            "shutter_reference": "none",
            "document_version": DOCUMENT_VERSION,
            "versions": software_versions(),
            "beamline": self._configuration.beamline.name,
            "time_zero_raw_ps": self._configuration.beamline.delay.time_zero_raw_ps,
            "grid": {"axis": self._merged.axis, "points": self._merged.grid.tolist()},
            "reduction": self._reduction(),
            "imported": {
                "files": [str(data.scan.path) for data in self._merged.passes],
                "format": self._merged.passes[0].scan.kind,
                # The reduction asks for a fluence; exports leave it out if it is not known.
                "unknown": [] if facts.fluence_mj_cm2 else ["fluence_mj_cm2"],
                "scan_numbers": [data.scan.number for data in self._merged.passes],
                "report": list(report),
            },
            **fixed,
        }

    def _reduction(self) -> dict[str, Any]:
        """Return timing (ps) and intervals (eV) of the two gates that such files have."""
        scheme = self._configuration.beamline.scheme
        edge = self._facts.edge
        pumped, unpumped = (scheme.gate_delays_ps[gate] for gate in (scheme.pumped_probe, scheme.unpumped_probe))
        return {
            "bunch_period_ps": scheme.bunch_period_ps,
            "probes_per_pump": 2,
            "pumped_probe": PUMPED,
            "unpumped_probe": UNPUMPED,
            "reference_probes": [UNPUMPED],
            "gate_delays_ps": [pumped, unpumped],
            "pump_period_ps": scheme.pump_period_ps,
            "irf_sigma_ps": self._configuration.beamline.geometry.irf_sigma_ps,
            "pump_overlap": pump_overlap(self._configuration.beamline.geometry, scheme.pump_period_ps),
            "photodiodes": 1,
            "pre_edge_ev": list(edge.pre_edge_ev),
            "edge_integral_ev": list(edge.edge_integral_ev),
            "post_edge_ev": list(edge.post_edge_ev),
            "main_feature_ev": edge.main_feature_ev,
        }

    def _descriptor(self, uid: str, start_s: float, first: Document) -> dict[str, Any]:
        keys = {name: _data_key(value, name) for name, value in first["data"].items()}
        return {
            "uid": f"{uid}-primary", "run_start": uid, "time": start_s, "name": "primary", "data_keys": keys,
            "configuration": {}, "hints": {}, "object_keys": {},
        }  # fmt: skip

    def _events(self, uid: str, start_s: float) -> Iterator[dict[str, Any]]:
        number = 0
        for index, (data, values, reasons) in enumerate(
            zip(self._merged.passes, self._merged.values, self._merged.faults, strict=True)
        ):
            time_s = start_s if data.scan.time_s is None else data.scan.time_s
            for row, point in enumerate(self._merged.points_of(values)):
                number += 1
                fields = self._fields(data, index, row, int(point), reasons[row]) | {"exposure_id": number}
                at_s = time_s + float(data.exposure_s[: row + 1].sum())
                yield {
                    "uid": f"{uid}-{number}", "descriptor": f"{uid}-primary", "seq_num": number, "time": at_s,
                    "data": fields, "timestamps": dict.fromkeys(fields, at_s), "filled": {},
                }  # fmt: skip

    def _fields(self, data: PastData, index: int, row: int, point: int, reason: str) -> dict[str, Any]:
        delay = float(self._merged.delays[index][row])
        if not np.isfinite(delay):
            delay = self._facts.delay_ps or 0.0
        fields: dict[str, Any] = {
            "scan_index": index,
            "point_index": point,
            "laser_shutter": 1,
            "quality": reason,
            "energy_ev": float(data.energy_ev[row]),
            "delay_ps": delay,
            "fluence_mj_cm2": self._facts.fluence_mj_cm2,
            "i0": float(data.i0[row]),
            "exposure_s": float(data.exposure_s[row]) if "spc" in self._merged.modes else data.boxcar_exposure_s,
        }
        if "spc" in self._merged.modes:
            assert data.spc is not None
            pulses = round(float(data.exposure_s[row]) * self._configuration.beamline.scheme.pumps_per_s)
            fields["spc_counts"] = np.nan_to_num(np.array([[one[row] for one in data.spc]]))
            fields["spc_pulses"] = np.array([pulses, pulses])
        if "boxcar" in self._merged.modes:
            assert data.boxcar is not None
            fields["boxcar_mean"] = np.nan_to_num(self._merged.polarity * np.array([one[row] for one in data.boxcar]))
            fields["boxcar_variance"] = np.full(2, (self._merged.noise_v * float(data.i0[row])) ** 2)
        return fields


def _data_key(value: Any, name: str) -> dict[str, Any]:
    units = {"energy_ev": "eV", "delay_ps": "ps", "fluence_mj_cm2": "mJ/cm2", "exposure_s": "s"}
    key: dict[str, Any] = {"source": "imported", "shape": []}
    key |= {"units": units[name]} if name in units else {}
    if isinstance(value, np.ndarray):
        return key | {"dtype": "array", "shape": list(value.shape), "dtype_numpy": value.dtype.str}
    return key | {"dtype": "string" if isinstance(value, str) else "integer" if isinstance(value, int) else "number"}
