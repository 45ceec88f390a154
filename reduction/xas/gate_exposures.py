"""Dark and blocked exposures: the zeros and gains of the gates that they give, as start documents record them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from errors import ReductionError
from reduction.detectors import DetectorFacts, detectors_of
from reduction.events import PrimaryEvents
from reduction.gate_calibration import CHAMBERS, GateCalibration, chamber_offsets
from reduction.pileup import true_counts, true_counts_variance
from reduction.run_metadata import weights_of_photodiodes
from reduction.values import Value
from reduction.xas.calibration_plans import DARK_PLAN
from reduction.xas.exposure_pairs import SHUTTER_CLOSED, SHUTTER_OPEN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reduction.types import Document, FloatArray

CHAMBER_FIELDS = ("i0", "foil")
"""Event fields of the ion chambers whose offsets dark exposures measure."""

ROUNDING = 12**-0.5
"""Standard deviation of a number that is rounded to a whole count."""


@dataclass(kw_only=True)
class _Cell:
    """Sums of the exposures of one point and shutter: counts of all photodiodes, gates opened, V s and V2 s2."""

    counts: FloatArray
    pulses: FloatArray
    volt_seconds: FloatArray
    volt_seconds_variance: FloatArray
    seconds: float = 0.0
    delay_ps: float = 0.0

    @classmethod
    def empty(cls, photodiodes: int, probes: int) -> _Cell:
        """Return a cell without exposures: counts of shape (photodiodes, probes), the other sums of shape (probes,)."""
        return cls(
            counts=np.zeros((photodiodes, probes)),
            pulses=np.zeros(probes),
            volt_seconds=np.zeros(probes),
            volt_seconds_variance=np.zeros(probes),
        )


class GateExposureSums:
    """Sums of a run of dark or blocked exposures: call it with every `(name, document)`.

    Exposures with a remark in `quality` do not count. Without X-rays there is no flux, so the signals are those of a
    pulse, not of a photon of the ion chamber.
    """

    def __init__(self) -> None:
        self.start: Document = {}
        self._events = PrimaryEvents()
        self._listed: tuple[DetectorFacts, ...] = ()
        self._cells: dict[tuple[int, int], _Cell] = {}
        # Signal per second of each ion chamber in each exposure: their scatter gives the error of the mean.
        self._chambers: dict[str, list[float]] = {}

    def __call__(self, name: str, doc: Document) -> None:
        """Take one document; raises ReductionError for an event without counts or signal."""
        if name == "start":
            self.start = doc
            listed = detectors_of(doc)
            known = {field for one in listed for field in one.fields.values()}
            plain = [DetectorFacts(name=field, kind="ion_chamber", role="", fields={"counts": field})
                     for field in CHAMBER_FIELDS if field not in known]  # fmt: skip
            self._listed = (*listed, *plain)
        for event in self._events(name, doc):
            try:
                self._add(event["data"])
            except (KeyError, TypeError, ValueError) as error:
                raise ReductionError(f"An exposure of the gates lacks {error}. Measure them again.") from error

    @property
    def modes(self) -> tuple[str, ...]:
        """Detection modes of the run."""
        return tuple(self.start.get("modes", ()))

    @property
    def weights(self) -> FloatArray:
        """Weights of the photodiodes in the sum over them, (apd,); 1 in runs that list no detectors."""
        stated = weights_of_photodiodes(detectors_of(self.start))
        return np.asarray(stated) if stated else np.ones(int(self.start["reduction"].get("photodiodes", 2)))

    @property
    def seconds(self) -> float:
        """Beam time of the exposures with the laser blocked, s, in which the zeros and the gains are measured."""
        return sum(cell.seconds for (_, shutter), cell in self._cells.items() if shutter == SHUTTER_CLOSED)

    def delays_ps(self) -> FloatArray:
        """Return the mean first delay of each point with the laser on, ps, ascending; (delays,)."""
        return np.array([self._cells[key].delay_ps / self._cells[key].seconds for key in self._lit()])

    def zero(self, mode: str) -> tuple[FloatArray, FloatArray]:
        """Return signal per pulse and its error with the laser blocked, (probes,), V or photons per pulse.

        Raises ReductionError without such exposures.
        """
        closed = [cell for (_, shutter), cell in self._cells.items() if shutter == SHUTTER_CLOSED]
        if not closed:
            raise ReductionError("The run holds no exposure with the laser blocked yet. Wait for the first one.")
        return self._signal(mode, closed)

    def lit(self, mode: str) -> tuple[FloatArray, FloatArray]:
        """Return signal per pulse and its error with the laser on, shape (delays, probes).

        Rows are in the order of `delays_ps`.
        """
        parts = [self._signal(mode, [self._cells[key]]) for key in self._lit()]
        return np.array([value for value, _ in parts]), np.array([error for _, error in parts])

    def chambers(self) -> dict[str, Value]:
        """Return what each ion chamber shows per second, by event field, with its error from the exposures' scatter.

        Counts per second, or the unit of a record's mean, beyond the configured offset. At least the rounding to whole
        counts is in the error, so that equal readings are not taken for exact.
        """
        found = {}
        for name, rates in self._chambers.items():
            number = len(rates)
            scatter = float(np.std(rates, ddof=1)) if number > 1 else 0.0
            longest_s = max(cell.seconds for cell in self._cells.values())
            rounding = ROUNDING / longest_s
            found[name] = Value(float(np.mean(rates)), math.hypot(scatter / math.sqrt(number), rounding))
        return found

    def _signal(self, mode: str, cells: list[_Cell]) -> tuple[FloatArray, FloatArray]:
        """Return signal per pulse and standard error, (probes,), of several cells together."""
        if mode == "boxcar":
            seconds = sum(cell.seconds for cell in cells)
            error = np.sqrt(sum(cell.volt_seconds_variance for cell in cells)) / seconds
            return np.asarray(sum(cell.volt_seconds for cell in cells) / seconds), np.asarray(error)
        counts = np.asarray(sum(cell.counts for cell in cells))
        pulses = np.asarray(sum(cell.pulses for cell in cells))
        weights = self.weights[:, None]
        variance = (weights**2 * true_counts_variance(counts, pulses)).sum(axis=0)
        return (weights * true_counts(counts, pulses)).sum(axis=0) / pulses, np.asarray(np.sqrt(variance) / pulses)

    def _lit(self) -> list[tuple[int, int]]:
        keys = [key for key in self._cells if key[1] == SHUTTER_OPEN]
        return sorted(keys, key=lambda key: self._cells[key].delay_ps / self._cells[key].seconds)

    def _add(self, data: Mapping[str, Any]) -> None:
        if data["quality"]:
            return
        key = (int(data["point_index"]), int(data["laser_shutter"]))
        counts = np.asarray(data["spc_counts"], dtype=float)
        cell = self._cells.setdefault(key, _Cell.empty(*counts.shape))
        seconds = float(data["exposure_s"])
        cell.counts += counts
        cell.pulses += np.asarray(data["spc_pulses"], dtype=float)
        if "boxcar" in self.modes:
            cell.volt_seconds += np.asarray(data["boxcar_mean"], dtype=float) * seconds
            cell.volt_seconds_variance += np.asarray(data["boxcar_variance"], dtype=float) * seconds**2
        cell.seconds += seconds
        for one in self._listed:
            field = next((name for name in CHAMBER_FIELDS if name in one.fields.values()), "")
            if field and field in data:
                self._chambers.setdefault(field, []).append(one.integral(float(data[field]), seconds) / seconds)
        cell.delay_ps += float(data["delay_ps"]) * seconds


def gate_calibration(sums: GateExposureSums) -> dict[str, Any]:
    """Return the calibration of the gates after a run of dark or blocked exposures, as start documents record it.

    Values that the run does not measure are taken from its start document. Raises ReductionError without exposures, and
    for blocked exposures before any dark ones: without the zeros there are no gains.
    """
    before: Mapping[str, Any] = sums.start.get("gate_calibration", {})
    source = {"uid": str(sums.start["uid"]), "time_s": float(sums.start["time"])}
    if sums.start["plan_name"] == DARK_PLAN:
        tables = {mode: _dark_table(sums, mode, before) for mode in sums.modes}
        document = {
            **before,
            "dark": source,
            "modes": tables,
            CHAMBERS: {
                name: {"offset_per_s": offset.value, "error_per_s": offset.sigma}
                for name, offset in sums.chambers().items()
            },
            "photodiode_weights": sums.weights.tolist(),
            "lit_delays_ps": sums.delays_ps().tolist(),
            "lit_fluence_mj_cm2": float(sums.start["fluence_mj_cm2"]),
        }
    else:
        if not before:
            raise ReductionError("Gains need zeros: measure dark_exposures first, then the blocked exposures again.")
        tables = {mode: _levels(sums, mode, before) for mode in before["modes"]}
        document = {**before, "blocked": source, "modes": tables}
    GateCalibration.from_document(document)
    chamber_offsets(document)
    return document


def _dark_table(sums: GateExposureSums, mode: str, before: Mapping[str, Any]) -> dict[str, Any]:
    values = (*sums.zero(mode), *sums.lit(mode))
    table = dict(zip(("zero", "zero_error", "lit", "lit_error"), (value.tolist() for value in values), strict=True))
    return {**before.get("modes", {}).get(mode, {}), **table}


def _levels(sums: GateExposureSums, mode: str, before: Mapping[str, Any]) -> dict[str, Any]:
    level, error = sums.zero(mode)
    return {**before["modes"][mode], "level": level.tolist(), "level_error": error.tolist()}


def gate_values(calibration: GateCalibration, mode: str) -> list[tuple[Value, Value, Value]]:
    """Return zero, gain, and largest light of the laser of every gate of a mode, each with its error.

    Zeros and light in V or photons per pulse, gains relative to their mean.
    """
    chain = calibration.chains[mode]
    zero = np.asarray(chain.zero)
    light = np.asarray(chain.lit) - zero if chain.lit else np.zeros((1, zero.size))
    errors = np.hypot(chain.lit_error, chain.zero_error) if chain.lit else np.zeros((1, zero.size))
    brightest = np.abs(light).argmax(axis=0)
    return [
        (
            Value(float(zero[gate]), chain.zero_error[gate]),
            Value(float(chain.gain[gate]), float(chain.gain_error[gate])),
            Value(float(light[row, gate]), float(errors[row, gate])),
        )
        for gate, row in enumerate(brightest)
    ]
