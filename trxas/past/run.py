"""Passes of old files as one run: a common grid, and the documents of a run like any other."""

from __future__ import annotations

import hashlib
import math
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from plans.engine.start_document import DOCUMENT_VERSION, pump_overlap, software_versions
from trxas.past.cleaning import REASONS, faulty_rows
from trxas.past.scan import PastFileError

if TYPE_CHECKING:
    from plans.edges import EdgePreset
    from reduction.types import Document, FloatArray, NamedDocument
    from trxas.configuration import Configuration
    from trxas.past.columns import PastData
    from trxas.past_settings import PastSettings

PUMPED = 0
UNPUMPED = 1
"""The two gates of an imported run."""

FEWEST_QUIET = 4
"""Points below the edge that are needed to find the noise of the boxcar."""

REPEATED = 0.2
"""Part of the largest distance between equal values below which a step of a pass is a repetition."""

SHORT_STEPS_PERCENT = 5.0
"""Part of the steps of a pass, in per cent, that may be shorter than those of its finest region."""

JUMP_AT_PS = 2560.0
"""Phase of the digital phase shifter of 7ID-D below which the delay was once seen to jump by 40 ps."""

NAMESPACE = uuid.UUID("5f1d3c5e-4bb0-4a5b-9d65-3f5a5b1d8f0e")
"""Namespace of the uids of imported runs: the same files with the same settings are the same run."""


@dataclass(frozen=True, kw_only=True)
class PastFacts:
    """Facts that the files do not contain: `sample`, `edge`, `series`, and the settings that were fixed, ps and mJ/cm2.

    `delay_ps` of energy scans, None to take it from the delay columns; `fluence_mj_cm2`, 0 if it is not known.
    """

    sample: str
    edge: EdgePreset
    series: str = ""
    delay_ps: float | None = None
    fluence_mj_cm2: float = 0.0


@dataclass(frozen=True, kw_only=True)
class PastRun:
    """The documents of an imported run, and the `report`: what was used, what was cut, and why."""

    uid: str
    documents: tuple[NamedDocument, ...]
    report: tuple[str, ...]


def merged_within(passes: Sequence[FloatArray], limit: float) -> float:
    """Return the distance within which values of `passes`, (rows,) each, are one point: at most `limit`, in their unit.

    It is half of the shortest step of a pass, so that no two neighbours of a fine grid become one point.
    """
    # The short end of all steps, not the shortest: a point that was measured again makes a step of the noise of the
    # read-back, and a glitch any step. Steps far below the limit are such repetitions.
    shortest = limit
    for values in passes:
        steps = np.abs(np.diff(values[np.isfinite(values)]))
        steps = steps[steps > REPEATED * limit]
        if len(steps):
            shortest = min(shortest, float(np.percentile(steps, SHORT_STEPS_PERCENT)) / 2.0)
    return shortest


class PastRunMaker:
    """Makes one run of several passes, which must have scanned the same axis; raises PastFileError otherwise."""

    # Order: the axis that was scanned, the rows of each pass that are cut, the grid of what is left, then the events.
    # A row that is cut becomes an event all the same, with the reason as its quality: nothing of the files is lost, and
    # the table of runs counts it as rejected.

    def __init__(self, passes: Sequence[PastData], facts: PastFacts, configuration: Configuration) -> None:
        self._passes = passes
        self._facts = facts
        self._configuration = configuration
        self._settings: PastSettings = configuration.past
        self._delays = [self._delay_ps(data) for data in passes]
        self._axis = self._scanned_axis()
        # One axis per run: its values decide which rows are in order, and which are one point.
        is_delay = self._axis == "delay_ps"
        self._values = self._delays if is_delay else [data.energy_ev for data in passes]
        self._limit = self._settings.merge_ps if is_delay else self._settings.merge_ev
        self._same = merged_within(self._values, self._limit)
        self._modes = self._common_modes()
        self._polarity = self._boxcar_polarity()
        self._faults = [
            faulty_rows(data, values, self._settings, self._same)
            for data, values in zip(passes, self._values, strict=True)
        ]
        self._grid = self._common_grid()
        self._noise_v = self._boxcar_noise()

    def run(self) -> PastRun:
        """Return the documents and the report."""
        report = tuple(self.report())
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

    def report(self) -> Iterator[str]:
        """Yield what was used, cut and merged, a sentence each."""
        for data, reasons, values in zip(self._passes, self._faults, self._values, strict=True):
            if data.scan.time_s is None:
                yield f"{data.scan.name}: no time in the file; the time of the file itself is used"
            columns = ", ".join(f"{quantity}: {name}" for quantity, name in data.used.items())
            yield f"{data.scan.name} ({data.scan.kind}): {len(reasons)} rows; {columns}"
            yield from (f"  {remark}" for remark in data.remarks)
            for reason, count in Counter(filter(None, reasons)).items():
                places = ", ".join(f"{value:.8g}" for value, one in zip(values, reasons, strict=True) if one == reason)
                yield f"  cut {count}: {REASONS[reason]}: at {places}"
            yield from (f"  {line}" for line in self._pass_lines(values, reasons))
            fine_ps = np.zeros(1) if data.delay_raw_ps is None else data.delay_raw_ps[1]
            if fine_ps.min() < JUMP_AT_PS < fine_ps.max():
                yield f"  the phase shifter crosses {JUMP_AT_PS:g} ps, where it jumped by 40 ps: compare both sides"
        passes = "1 pass" if len(self._passes) == 1 else f"{len(self._passes)} passes"
        yield f"{passes} on {len(self._grid)} points of {self._axis}, merged within {self._same:.3g}"
        if self._same < self._limit:
            unit = "ps" if self._axis == "delay_ps" else "eV"
            yield (
                f"steps are as short as {2.0 * self._same:.3g} {unit}, so only what is closer than half of that "
                f"is merged, not the {self._limit:g} {unit} of the table [past]"
            )
        if self._polarity < 0:
            yield "the boxcar's signal is negative-going: its sign is reversed, so that more fluorescence is positive"
        if self._facts.fluence_mj_cm2 == 0.0:
            yield "the fluence is not known; give --fluence-mj-cm2 to record it"

    def _pass_lines(self, values: FloatArray, reasons: list[str]) -> Iterator[str]:
        good = np.array([not reason for reason in reasons])
        places = self._points_of(values)
        repeated = [place for place, count in Counter(places[good].tolist()).items() if count > 1]
        if repeated:
            yield f"measured more than once, and added up: {', '.join(f'{self._grid[one]:.8g}' for one in repeated)}"
        shift = float(np.median(values[good] - self._grid[places[good]])) if good.any() else 0.0
        if abs(shift) > 0.2 * self._same:
            yield f"shifted by {shift:+.3g} against the mean of all passes; merged, not corrected"

    def _delay_ps(self, data: PastData) -> FloatArray:
        """Return the signed delay of each row, ps, by sign and time zero of the configuration."""
        if data.delay_raw_ps is None:
            return np.full(data.scan.rows, np.nan)
        settings = self._configuration.beamline.delay
        coarse_ps, fine_ps = data.delay_raw_ps
        return settings.coarse_sign * coarse_ps + settings.fine_sign * fine_ps - settings.time_zero_raw_ps

    def _scanned_axis(self) -> str:
        found = set()
        for data, delays in zip(self._passes, self._delays, strict=True):
            if data.scan.rows < 2:
                raise PastFileError(f"{data.scan.name} has {data.scan.rows} rows. Leave it out.")
            has_delays = np.isfinite(delays).any() and np.ptp(delays[np.isfinite(delays)]) > self._settings.merge_ps
            moves = np.ptp(data.energy_ev[np.isfinite(data.energy_ev)]) > 4 * self._settings.merge_ev
            found.add("energy_ev" if moves else "delay_ps" if has_delays else "")
        is_delay_known = self._facts.delay_ps is not None or any(np.isfinite(one).any() for one in self._delays)
        if found == {"energy_ev"} and not is_delay_known:
            raise PastFileError(
                f"{self._passes[0].scan.name} has no column for the delay, so the delay of the spectrum is not known. "
                "Give it, with --delay-ps."
            )
        if len(found) > 1 or "" in found:
            names = ", ".join(data.scan.name for data in self._passes)
            raise PastFileError(f"{names}: neither all energy scans nor all delay scans. Import them one by one.")
        return found.pop()

    def _common_modes(self) -> list[str]:
        has = {"spc": [data.spc is not None for data in self._passes]}
        has["boxcar"] = [data.boxcar is not None for data in self._passes]
        modes = [mode for mode, there in has.items() if all(there)]
        if not modes:
            raise PastFileError(
                "Some passes have counts and others the boxcar only. Import them separately: the two are not added up."
            )
        return modes

    def _boxcar_polarity(self) -> int:
        """Return 1, or -1 if the unpumped boxcar goes down where the sample absorbs more."""
        if "boxcar" not in self._modes:
            return 1
        off = np.concatenate([data.boxcar[UNPUMPED] / data.i0 for data in self._passes if data.boxcar is not None])
        finite = off[np.isfinite(off)]
        return -1 if len(finite) and np.median(finite) < 0 else 1

    def _common_grid(self) -> FloatArray:
        """Return the points of all passes, (points,): values closer than `_same` to each other are one point."""
        good = [
            value
            for values, reasons in zip(self._values, self._faults, strict=True)
            for value, reason in zip(values, reasons, strict=True)
            if not reason
        ]
        if not good:
            raise PastFileError("No row is left after the cuts. See the report, and the limits in the table [past].")
        points: list[list[float]] = []
        for value in sorted(good):
            # A group is as wide as the tolerance at most, so that a fine grid does not become one point step by step.
            if points and value - points[-1][0] <= self._same:
                points[-1].append(value)
            else:
                points.append([value])
        return np.array([np.mean(point) for point in points])

    def _points_of(self, values: FloatArray) -> Any:
        """Return the nearest point of each row, (rows,); a value that is not a number gets the first."""
        return np.abs(np.where(np.isfinite(values), values, self._grid[0])[:, None] - self._grid).argmin(axis=1)

    def _boxcar_noise(self) -> float:
        """Return the standard deviation of one boxcar reading per I0, from on - off below the edge, without unit."""
        # The files hold means without errors. Below the edge, or before time zero, there is no transient, so on - off
        # scatters by the noise of both gates alone.
        if "boxcar" not in self._modes:
            return 0.0
        differences: list[float] = []
        for data, values, reasons in zip(self._passes, self._values, self._faults, strict=True):
            assert data.boxcar is not None
            quiet = np.array([not reason for reason in reasons]) & self._is_quiet(values)
            found = (data.boxcar[PUMPED] - data.boxcar[UNPUMPED])[quiet] / data.i0[quiet]
            differences += (found - found.mean()).tolist() if len(found) >= FEWEST_QUIET else []
        if not differences:
            if self._modes == ["boxcar"]:
                raise PastFileError(
                    f"Fewer than {FEWEST_QUIET} points without a transient: the noise of the boxcar is not known."
                )
            self._modes.remove("boxcar")
            return 0.0
        return float(np.std(differences, ddof=1) / np.sqrt(2.0))

    def _is_quiet(self, values: FloatArray) -> Any:
        if self._axis == "delay_ps":
            return values < -3.0 * self._configuration.beamline.geometry.irf_sigma_ps
        low, high = self._facts.edge.pre_edge_ev
        return (values >= low) & (values <= high)

    def _fingerprint(self) -> str:
        digest = hashlib.sha256(repr((self._facts, self._settings)).encode())
        for data in self._passes:
            for column in data.scan.columns:
                digest.update(repr(column.names).encode() + np.ascontiguousarray(column.values).tobytes())
        return digest.hexdigest()

    def _start_s(self) -> float:
        # A file without a time was written when the scan ended, or copied later: the best that is known.
        times = [data.scan.time_s for data in self._passes if data.scan.time_s is not None]
        return min(times, default=min(data.scan.path.stat().st_mtime for data in self._passes))

    def _start(self, uid: str, start_s: float, report: tuple[str, ...]) -> dict[str, Any]:
        facts = self._facts
        edge = facts.edge
        delays = np.concatenate(self._delays)
        known = delays[np.isfinite(delays)]
        delay_ps = facts.delay_ps if facts.delay_ps is not None else float(np.median(known)) if len(known) else math.nan
        energy_ev = float(np.median(np.concatenate([data.energy_ev for data in self._passes])))
        fixed = {"delay_ps": delay_ps, "energy_ev": energy_ev, "fluence_mj_cm2": facts.fluence_mj_cm2}
        del fixed[self._axis]
        plan = "energy_scan" if self._axis == "energy_ev" else "delay_scan"
        return {
            "uid": uid,
            "time": start_s,
            "plan_name": plan,
            "sample": facts.sample,
            "edge": str(edge.name),
            "absorber": edge.absorber,
            "modes": self._modes,
            "dwell_s": max(float(data.exposure_s.max()) for data in self._passes),
            "repeats": len(self._passes),
            "series": facts.series,
            "num_points": sum(data.scan.rows for data in self._passes),
            "shutter_reference": "none",
            "document_version": DOCUMENT_VERSION,
            "versions": software_versions(),
            "beamline": self._configuration.beamline.name,
            "time_zero_raw_ps": self._configuration.beamline.delay.time_zero_raw_ps,
            "grid": {"axis": self._axis, "points": self._grid.tolist()},
            "reduction": self._reduction(),
            "imported": {
                "files": [str(data.scan.path) for data in self._passes],
                "format": self._passes[0].scan.kind,
                # The reduction asks for a fluence; exports leave it out if it is not known.
                "unknown": [] if facts.fluence_mj_cm2 else ["fluence_mj_cm2"],
                "scan_numbers": [data.scan.number for data in self._passes],
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
        for index, (data, values, reasons) in enumerate(zip(self._passes, self._values, self._faults, strict=True)):
            time_s = start_s if data.scan.time_s is None else data.scan.time_s
            for row, point in enumerate(self._points_of(values)):
                number += 1
                fields = self._fields(data, index, row, int(point), reasons[row]) | {"exposure_id": number}
                at_s = time_s + float(data.exposure_s[: row + 1].sum())
                yield {
                    "uid": f"{uid}-{number}", "descriptor": f"{uid}-primary", "seq_num": number, "time": at_s,
                    "data": fields, "timestamps": dict.fromkeys(fields, at_s), "filled": {},
                }  # fmt: skip

    def _fields(self, data: PastData, index: int, row: int, point: int, reason: str) -> dict[str, Any]:
        delay = float(self._delays[index][row])
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
            "exposure_s": float(data.exposure_s[row]) if "spc" in self._modes else data.boxcar_exposure_s,
        }
        if "spc" in self._modes:
            assert data.spc is not None
            pulses = round(float(data.exposure_s[row]) * self._configuration.beamline.scheme.pumps_per_s)
            fields["spc_counts"] = np.nan_to_num(np.array([[one[row] for one in data.spc]]))
            fields["spc_pulses"] = np.array([pulses, pulses])
        if "boxcar" in self._modes:
            assert data.boxcar is not None
            fields["boxcar_mean"] = np.nan_to_num(self._polarity * np.array([one[row] for one in data.boxcar]))
            fields["boxcar_variance"] = np.full(2, (self._noise_v * float(data.i0[row])) ** 2)
        return fields


def _data_key(value: Any, name: str) -> dict[str, Any]:
    units = {"energy_ev": "eV", "delay_ps": "ps", "fluence_mj_cm2": "mJ/cm2", "exposure_s": "s"}
    key: dict[str, Any] = {"source": "imported", "shape": []}
    key |= {"units": units[name]} if name in units else {}
    if isinstance(value, np.ndarray):
        return key | {"dtype": "array", "shape": list(value.shape), "dtype_numpy": value.dtype.str}
    return key | {"dtype": "string" if isinstance(value, str) else "integer" if isinstance(value, int) else "number"}
