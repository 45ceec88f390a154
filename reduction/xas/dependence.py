"""The transient against any axes: mirror positions, a nozzle, a magnet, or two of them at once."""

from __future__ import annotations

import math
from copy import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from errors import ReductionError
from reduction.detector_view import transient_detectors
from reduction.detectors import DetectorSums, detectors_of
from reduction.events import PrimaryEvents
from reduction.pileup import true_counts, true_counts_variance
from reduction.run_metadata import gates_of_start, overlap_of_start
from reduction.timing import timing_from
from reduction.values import Value
from reduction.xas.exposure_pairs import SHUTTER_CLOSED, SHUTTER_OPEN
from reduction.xas.gate_table import OWN, GateTable
from reduction.xas.laser_power import PowerUse
from reduction.xas.single_exposures import SingleExposure, live_pulses, power_use_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from reduction.gate_calibration import GateCalibration
    from reduction.types import Document, FloatArray
from reduction.xas.photon_pairs import PumpedPhotons

_KEYS = ("grid", "pumped_probe", "unpumped_probe")


class DependenceSums:
    """Running sums of a scan of any axes: photons of every gate at every point, with the laser open and blocked.

    Call it with `(name, document)`. Only good exposures count. Elements are added by their weights. Zeros, laser light
    and gains of the gates of the first detector are corrected if the run has a calibration of them; the errors of that
    calibration, far below the counting error of a single point, are not included. Its dead time beyond a bunch is
    corrected too, if the run states one, and transients are those of the nominal power of the laser. `exposures` are
    the good ones, one by one. Raises ReductionError for a start document without grid and probes.
    """

    # The sums are linear in the exposures, each of which is kept: an outlier is taken out again by subtraction. An
    # exposure is some 500 bytes, so a night of ten thousand is 5 MB.

    def __init__(self) -> None:
        self.start: Document = {}
        self._events = PrimaryEvents()
        self._tables: dict[str, GateTable] = {}
        self._detector = OWN
        # Per state of the laser shutter and point: exposures, and the sum of the positions of each axis.
        self._visits = np.zeros((2, 0, 1))
        self._weights = np.ones((1, 1))
        self._share = 0.0
        self._previous: tuple[int | None, ...] = ()
        self._gates: GateCalibration | None = None
        self.exposures: list[SingleExposure] = []
        self._corrects_power = True
        self._further = DetectorSums((), 0)

    def __call__(self, name: str, doc: Document) -> None:
        """Take one document of the bluesky event model."""
        if name == "start":
            self._begin(doc)
        for event in self._events(name, doc):
            self._add(event["data"])

    @property
    def axes(self) -> tuple[str, ...]:
        """Event fields of the scanned axes; raises KeyError before the start document."""
        grid = self.start["grid"]
        return (str(grid["axis"]),) if "axis" in grid else tuple(map(str, grid["axes"]))

    @property
    def axis(self) -> str:
        """Event field of the first scanned axis; raises KeyError before the start document."""
        return self.axes[0]

    @property
    def detector(self) -> str:
        """Name of the further detector through which the run is seen; empty for the first that counts."""
        return self._detector

    def seen_by(self, name: str) -> DependenceSums:
        """Return the same sums as the listed detector `name` saw them.

        Raises ReductionError for a detector that the run does not have, or that is not gated.
        """
        known = transient_detectors(detectors_of(self.start))
        one = next((other for other in known if other.name == name), None)
        if one is None or (one.is_own and one.kind != "spc"):
            names = ", ".join(other.name for other in known if not other.is_own or other.kind == "spc")
            raise ReductionError(f"The run has no gated detector {name!r}. Choose one of: {names or 'none'}.")
        result = copy(self)
        result._detector = OWN if one.is_own else name
        return result

    def photons(self, probe: int | None = None) -> PumpedPhotons:
        """Return the photons at every point that was measured, those of `probe` in the place of the pumped gate.

        Raises ReductionError before the first good exposure.
        """
        table = self._table()
        on = int(self.start["pumped_probe"]) if probe is None else probe
        references = self.references()
        pairs = [table.pairs(shutter, on, references) for shutter in (SHUTTER_CLOSED, SHUTTER_OPEN)]
        blocked, opened = pairs
        pumped_gate = table.pairs(SHUTTER_OPEN, int(self.start["pumped_probe"]), references)
        measured = (self._visits[SHUTTER_OPEN, :, 0] > 0) & (pumped_gate[:2] > 0).all(axis=0)
        if not measured.any():
            raise ReductionError("The run holds no good exposure yet. Wait for the first point.")
        exposures, *positions = self._visits[SHUTTER_OPEN, measured].T
        pumped, unpumped, pumped_variance, unpumped_variance = opened[:, measured]
        efficiency = _efficiency(blocked)
        total, variance = blocked[1].sum(), blocked[3].sum()
        power = self._power()[measured]
        # In proportion, as in every other scan: what the laser changes is divided by its power. At the nominal power,
        # exactly the photons as counted.
        unchanged = unpumped * (1.0 if efficiency is None else efficiency.value)
        pumped = np.where(power == 1.0, pumped, unchanged + (pumped - unchanged) / power)
        pumped_variance = pumped_variance / power**2
        return PumpedPhotons(
            index=np.flatnonzero(measured),
            positions=(np.array(positions) / exposures).T,
            pumped=pumped,
            unpumped=unpumped,
            pumped_variance=pumped_variance,
            unpumped_variance=unpumped_variance,
            efficiency=efficiency,
            blocked_variance=0.0 if efficiency is None else float(variance / total**2),
        )

    def later_gates(self) -> list[int]:
        """Return the numbers of the gates that are neither pumped nor a reference.

        Raises ReductionError before the first good exposure.
        """
        known = {int(self.start["pumped_probe"]), *self.references()}
        return [gate for gate in range(self._table().variance.shape[-1]) if gate not in known]

    def power(self) -> PowerUse | None:
        """Return the power of the laser during the exposures with it; None if the run does not record it.

        Raises ReductionError for a start document with a `laser_overlap` outside 0 to 1.
        """
        return power_use_of(self.exposures, overlap_of_start(self.start)) if self._corrects_power else None

    def without_power(self) -> DependenceSums:
        """Return the same sums as if the power of the laser had not been recorded."""
        result = copy(self)
        result._corrects_power = False
        return result

    def without(self, numbers: Collection[int]) -> DependenceSums:
        """Return the sums without the `exposures` at these places of their list; these do not change."""
        result = self.snapshot()
        result.exposures = [one for number, one in enumerate(self.exposures) if number not in numbers]
        for one in (self.exposures[number] for number in numbers):
            result._visits[one.place] -= one.visit
            for name, row in one.rows.items():
                result._tables[name].sums[:, one.place[0], one.place[1]] -= row
        return result

    def references(self) -> list[int]:
        """Return the numbers of all unpumped gates; runs that do not list them have one."""
        listed = self.start.get("reference_probes", self.start.get("reduction", {}).get("reference_probes", ()))
        return [int(probe) for probe in listed or (self.start["unpumped_probe"],)]

    def snapshot(self) -> DependenceSums:
        """Return a copy that later documents do not change; it shares the start document, but no sums."""
        copied = copy(self)
        copied._visits = self._visits.copy()
        copied.exposures = list(self.exposures)
        copied._tables = {name: table.snapshot() for name, table in self._tables.items()}
        return copied

    def change(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return positions in the unit of the first axis, ln(pumped / unpumped) and its error, (points,) each.

        Raises ReductionError before the first good exposure.
        """
        photons = self.photons()
        return photons.positions[:, 0], photons.change, photons.total_sigma

    def _begin(self, doc: Document) -> None:
        missing = [key for key in _KEYS if key not in doc]
        if missing:
            lacking = ", ".join(missing)
            raise ReductionError(
                f"The start document lacks {lacking}: it does not belong to a scan of axes. Choose another run."
            )
        self.start = doc
        listed = detectors_of(doc)
        weights = next((one.weights for one in listed if "spc_counts" in one.fields.values()), (1.0,))
        self._weights = np.asarray(weights)[:, None]
        self._gates = gates_of_start(doc)
        self._further = DetectorSums(listed, _probes(doc))
        self._visits = np.zeros((2, len(doc["grid"]["points"]), 1 + len(self.axes)))
        self._share = float(doc.get("reduction", {}).get("dead_time_share", 0.0))
        if self._share:
            self._previous = timing_from(doc["reduction"], None, doc.get("bunch_period")).previous_gates

    def _power(self) -> FloatArray:
        """Return the power at every point of the grid, relative to nominal, (points,); 1 where it is not corrected."""
        total = np.zeros((2, self._visits.shape[1]))
        use = self.power()
        if use is not None and use.corrected:
            for one in self.exposures:
                if one.power is not None and one.place[0] == SHUTTER_OPEN:
                    total[:, one.place[1]] += one.pulses * np.array([use.overlap * one.power, 1.0])
        return np.asarray(np.divide(total[0], total[1], out=np.ones_like(total[0]), where=total[1] > 0))

    def _table(self) -> GateTable:
        """Return the table of the chosen detector, by default the first that counts, or the first gated one."""
        known = transient_detectors(detectors_of(self.start))
        names = [OWN if one.is_own else one.name for one in known if not one.is_own or one.kind == "spc"]
        # Without a choice, the first detector that counts; a run that only lists gated detectors shows the first of
        # those.
        name = self._detector or next((one for one in (OWN, *names) if one in self._tables), OWN)
        if name not in self._tables:
            raise ReductionError("The run holds no good exposure yet. Wait for the first point.")
        kind = next((one.kind for one in known if one.name == name), "spc")
        table = self._tables[name]
        # A mean without parts has no error from one exposure, and a scan of axes need not repeat a point.
        if kind == "analog" and not table.variance.any():
            raise ReductionError(
                f"The errors of {name} are not known in a scan of axes. List a second detector that covers a part of "
                "the exposure and is named by `contains`, or choose one that counts."
            )
        return table.pooled() if kind == "analog" else table

    def _zero_and_gain(self, data: Document) -> tuple[FloatArray | float, FloatArray | float]:
        """Return zeros, photons per pulse, and gains of all gates in an exposure: 0 and 1 without a calibration."""
        if self._gates is None or "spc" not in self._gates.chains:
            return 0.0, 1.0
        laser = data["laser_shutter"] == SHUTTER_OPEN
        zeros = self._gates.zeros("spc", [data["delay_ps"]], [data["fluence_mj_cm2"]], laser=laser)
        return zeros[0], self._gates.chains["spc"].gain

    def _add(self, data: Document) -> None:
        if data["quality"] or data["laser_shutter"] not in (SHUTTER_CLOSED, SHUTTER_OPEN):
            return
        try:
            place = int(data["laser_shutter"]), int(data["point_index"])
            visit = [1.0, *(float(data[axis]) for axis in self.axes)]
            rows = self._rows(data)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            if isinstance(error, ReductionError):
                raise
            raise ReductionError(
                f"An event of the scan lacks a value, or has a wrong one: {error!r}. Mark it in `quality`."
            ) from error
        # Nothing is added before everything has been read: an event counts as a whole or not at all.
        for name, row in rows.items():
            table = self._tables.setdefault(name, GateTable.empty(self._visits.shape[1], len(row[0])))
            table.sums[:, place[0], place[1]] += row
        self._visits[place] += visit
        self.exposures.append(SingleExposure.of_event(data, self.start, place=place, visit=visit, rows=rows))

    def _rows(self, data: Document) -> dict[str, FloatArray]:
        """Return what an event adds by detector: photons, variances and pulses (or seconds), (3, gates)."""
        found: dict[str, FloatArray] = {}
        if "spc" in self.start.get("modes", ("spc",)):
            pulses = np.asarray(data["spc_pulses"], dtype=float)
            live = live_pulses(np.asarray(data["spc_counts"], dtype=float), pulses, self._share, self._previous)
            photons, variance = _corrected(data["spc_counts"], pulses, self._weights, live)
            zero, gain = self._zero_and_gain(data)
            found[OWN] = np.array([(photons - zero * pulses) / gain, variance / gain**2, pulses])
        if not self._further.detectors:
            return found
        values = self._further.values(data, 0.0)
        for one in self._further.detectors:
            if not one.sees_transients or f"{one.name}:exposure_s" not in values:
                continue
            if one.kind == "spc":
                pulses = np.asarray(values[f"{one.name}:pulses"], dtype=float)
                counts = np.reshape(values[f"{one.name}:counts"], (-1, pulses.size))
                photons, variance = _corrected(counts, pulses, np.asarray(one.weights)[:, None])
            else:
                photons = values[f"{one.name}:signal"]
                variance = values[f"{one.name}:variance"]
                # An analog detector counts no pulses; exposures are weighted by time instead.
                pulses = np.full(len(photons), values[f"{one.name}:exposure_s"])
            found[one.name] = np.array([photons, variance, pulses])
        return found


def _corrected(
    counts: Any, pulses: FloatArray, weights: FloatArray, live: FloatArray | None = None
) -> tuple[FloatArray, FloatArray]:
    """Return the weighted sum of photons and its variance, (gates,) each, corrected for pile-up element by element.

    `live` (elements, gates): gates for which an element was not blind; all of them by default.
    """
    # Exposure by exposure, before anything is summed: the correction is not linear in the counts.
    table = np.asarray(counts, dtype=float)
    opened: FloatArray = pulses if live is None else live
    scale = weights if live is None else weights * pulses / np.maximum(live, 1e-12)
    photons = (scale * true_counts(table, opened)).sum(axis=0)
    variance = (scale**2 * true_counts_variance(table, opened)).sum(axis=0)
    return photons, variance


def _efficiency(blocked: FloatArray) -> Value | None:
    """Return the ratio of pumped to unpumped gate, from the pairs of `GateTable.pairs` with the laser blocked."""
    # Summed over all points: the ratio of two gates does not depend on what is scanned, and single points are noisier.
    pumped, unpumped, pumped_variance, unpumped_variance = blocked.sum(axis=1)
    if min(pumped, unpumped) <= 0:
        return None
    relative = pumped_variance / pumped**2 + unpumped_variance / unpumped**2
    ratio = float(pumped / unpumped)
    return Value(ratio, ratio * math.sqrt(relative))


def _probes(start: Document) -> int:
    """Return the number of gates; runs that do not state it have none beside those of the exposure."""
    return int(start.get("probes_per_pump", start.get("reduction", {}).get("probes_per_pump", 0)))
