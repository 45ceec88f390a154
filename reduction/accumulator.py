"""Running sums of a run, document by document: the one definition for live display and stored runs."""

from __future__ import annotations

from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np

from errors import ReductionError
from reduction.energy_course import joined_courses
from reduction.event_rows import EventRows, layout_of, pairs_of
from reduction.events import PrimaryEvents
from reduction.run_metadata import RunMetadata
from reduction.sum_table import NO_EXPOSURE, SumTable, joined_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reduction.gate_calibration import GateCalibration
    from reduction.types import BoolArray, FloatArray, IntArray

_Fact = TypeVar("_Fact")


class RunAccumulator:
    """Running sums of one run per (scan, point, laser shutter): call it with `(name, document)`.

    Adding an event takes tens of microseconds and copies nothing. The memory is 8 bytes x scans begun x points x
    shutter states used x numbers (26 by counting with 2 photodiodes and 5 gates), however often exposures are repeated,
    and 220 MB at most: beyond `MOST_CELLS`, scans that follow each other are added up (`scans_per_row`). Exposures of
    the same scan, point and shutter add up. Events whose `quality` is not empty are counted in `rejected`, never
    summed. All arrays may be read at any moment of a run; their leading shape (...) is (scans begun, points, shutter),
    shutter 0 being closed and 1 open. Raises ReductionError for invalid documents.
    """

    # One table holds all sums, (scans, points, shutter, numbers): an event is one row that is added to one cell, so
    # there is no second place that could get out of step. `_layout` gives the columns of each quantity, `_widths` the
    # numbers of all, also of those that are zero in this run and have no columns. Invariants:
    # - only sums are stored, never means, so runs can be joined and a point repeated without weights;
    # - every number is linear in the exposures (the boxcar mean is multiplied by its time), so sums over scans are
    #   those of one long exposure.

    def __init__(self) -> None:
        self.exit_status: str | None = None
        self._metadata: RunMetadata | None = None
        self._event_rows: EventRows | None = None
        self._events = PrimaryEvents(strict=True)
        self._layout: dict[str, slice] = {}
        self._widths: dict[str, int] = {}
        self._table = SumTable(0, 0)

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Take one document of the bluesky event model; kinds without meaning here are ignored.

        Raises ReductionError for an invalid document; those before it still count.
        """
        for event in self._events(name, doc):
            self._take_event(event["data"], float(event.get("time", 0.0)))
        if name == "start":
            self._begin(doc)
        elif name == "stop":
            self.exit_status = str(doc.get("exit_status", "success"))

    @property
    def metadata(self) -> RunMetadata:
        """Metadata of the run; raises ReductionError before the start document has arrived."""
        return _after_start(self._metadata)

    @property
    def scans(self) -> int:
        """Number of scans begun, the length of the first axis of the arrays of sums, shape (scans, points, ...).

        See `scans_per_row`.
        """
        return self._table.scans

    @property
    def scans_per_row(self) -> int:
        """Scans of the run that count as one in the arrays: 1, and more only in a run of more than a million cells."""
        return self._table.scans_per_row

    @property
    def nbytes(self) -> int:
        """Memory of the sums, bytes."""
        return self._table.nbytes

    @property
    def counts(self) -> FloatArray:
        """Gate counts, shape (..., apd, probe)."""
        counts = self._field("counts")
        return counts.reshape(*counts.shape[:-1], self.metadata.photodiodes, self.metadata.timing.probes_per_pump)

    @property
    def element_weights(self) -> FloatArray:
        """Weights of the photodiodes in the sum over them, shape (apd, 1), to be multiplied with (..., apd, probe)."""
        return np.asarray(self.metadata.element_weights)[:, None]

    @property
    def pulses(self) -> FloatArray:
        """Gates opened for each APD, shape (..., probe)."""
        return self._field("pulses")

    def live_pulses(self) -> FloatArray:
        """Return the gates for which each photodiode was not blind from the bunch before, shape (..., apd, probe).

        All gates opened, unless the run states a `dead_time_share`.
        """
        opened = self.pulses[..., None, :]
        share = self.metadata.dead_time_share
        if share == 0.0:
            return opened
        previous = [len(self.metadata.timing.gate_delays_ps) if one is None else one
                    for one in self.metadata.timing.previous_gates]  # fmt: skip
        fires = np.divide(self.counts, opened, out=np.zeros_like(self.counts), where=opened > 0)
        # A column of zeros stands for the bunch before of a gate that has none.
        before = np.concatenate([fires, np.zeros_like(fires[..., :1])], axis=-1)[..., previous]
        return np.asarray(opened * (1.0 - share * before))

    @property
    def boxcar_integral(self) -> FloatArray:
        """Sum of boxcar mean x exposure time, V s, shape (..., probe). Dividing by `i0` weights exposures by flux."""
        return self._field("boxcar_integral")

    @property
    def boxcar_integral_variance(self) -> FloatArray:
        """Variance of `boxcar_integral`, shape (..., probe), V^2 s^2."""
        return self._field("boxcar_variance")

    def boxcar_integral_covariance(self, first: int, second: int) -> FloatArray:
        """Return the covariance of `boxcar_integral` of two gates, V^2 s^2, (...); 0 where it was not recorded."""
        probes = self.metadata.timing.probes_per_pump
        if first == second:
            return np.asarray(self.boxcar_integral_variance[..., first])
        if not pairs_of(probes):
            return np.zeros(self.exposures.shape)
        rows, columns = np.triu_indices(probes, 1)
        pair = int(np.flatnonzero((rows == min(first, second)) & (columns == max(first, second)))[0])
        return np.asarray(self._field("boxcar_covariance")[..., pair])

    @property
    def i0(self) -> FloatArray:
        """Ion chamber counts, shape (...)."""
        return self._field("i0")[..., 0]

    @property
    def foil(self) -> FloatArray:
        """Counts behind the foil, shape (...); 0 where they were not recorded."""
        return self._field("foil")[..., 0]

    @property
    def laser_power_w(self) -> FloatArray:
        """Readings of the laser's power meter, W, summed over the exposures, shape (...); 0 where not recorded."""
        return self._field("laser_power_w")[..., 0]

    @property
    def fluences_mj_cm2(self) -> FloatArray:
        """Fluences, mJ/cm2, summed over the exposures, shape (...)."""
        return self._field("fluence_mj_cm2")[..., 0]

    @property
    def exposure_s(self) -> FloatArray:
        """Exposure time, s, shape (...)."""
        return self._field("exposure_s")[..., 0]

    @property
    def times_s(self) -> FloatArray:
        """Times of the events, s since 1970, summed over the exposures, shape (...); 0 where events have none."""
        return self._field("time_s")[..., 0]

    @property
    def exposures(self) -> FloatArray:
        """Number of good exposures, shape (...)."""
        return self._field("exposures")[..., 0]

    @property
    def rejected(self) -> IntArray:
        """Number of events that a failed quality condition excluded, shape (...)."""
        return self._table.rejected

    @property
    def exposure_ids(self) -> IntArray:
        """Number of the latest good exposure, shape (...); `NO_EXPOSURE` where there is none or it has no number."""
        return self._table.exposure_ids

    def snapshot(self) -> Self:
        """Return a copy that later documents do not change."""
        result = copy(self)
        result._table = self._table.copied()
        return result

    def without(self, cells: BoolArray) -> RunAccumulator:
        """Return the sums without the exposures of the chosen `cells`, (scans, points, shutter); these do not change.

        Raises ReductionError for another shape.
        """
        result = copy(self)
        result._table = self._table.copied(without=cells)
        return result

    def without_power(self) -> RunAccumulator:
        """Return the same sums as if the power of the laser had not been recorded, so that nothing is corrected by it.

        Raises ReductionError before a start document.
        """
        result = copy(self)
        result._metadata = replace(self.metadata, laser_power_w_per_mj_cm2=0.0)
        return result

    def with_i0_offset(self, more_per_s: float) -> RunAccumulator:
        """Return the same sums with an I0 from which `more_per_s` counts per second more are subtracted.

        I0 of a cell, counts, falls by `more_per_s` times its exposure time, s. The original sums do not change.
        """
        result = self.snapshot()
        result._table.add_multiple(result._layout["i0"], result._layout["exposure_s"], -more_per_s)
        return result

    def with_gates(self, gates: GateCalibration) -> RunAccumulator:
        """Return the same sums with another calibration of the gates; raises ReductionError before a start document."""
        result = copy(self)
        result._metadata = replace(self.metadata, gates=gates)
        return result

    def mean_readback(self, axis: str, *, laser_shutter: int | None = None) -> FloatArray:
        """Return the mean read-back of "energy_ev", "delay_ps" or "fluence_mj_cm2" at each point, (points,).

        Over all exposures, or over those with the given `laser_shutter`. A run that scanned another axis may lack the
        fluence in its events; then its planned fluence is used. Points without exposures get the planned value on the
        scanned axis, and the mean of the other points on a fixed one. Raises ReductionError if the fixed axis was never
        read.
        """
        states = slice(None) if laser_shutter is None else slice(laser_shutter, laser_shutter + 1)
        total = self._field(axis)[:, :, states, 0].sum(axis=(0, 2))
        exposures = self.exposures[:, :, states].sum(axis=(0, 2))
        if axis == self.metadata.axis:
            missing = np.asarray(self.metadata.points)
        elif exposures.sum() > 0:
            missing = np.full(total.shape, total.sum() / exposures.sum())
        else:
            raise ReductionError("The run holds no good exposure yet. Wait for the first point.")
        return np.asarray(np.divide(total, exposures, out=missing, where=exposures > 0))

    def _begin(self, doc: Mapping[str, Any]) -> None:
        if self._metadata is not None:
            raise ReductionError("A second start document arrived: use one RunAccumulator per run.")
        metadata = RunMetadata.from_start(doc)
        points = len(metadata.points)
        if points == 0:
            raise ReductionError("The grid of the run holds no points. Give at least one.")
        rows = EventRows(metadata)
        self._event_rows = rows
        self._layout = rows.layout
        self._widths = rows.widths
        self._table = SumTable(points, rows.width)
        self._metadata = metadata

    def _take_event(self, data: Mapping[str, Any], time_s: float) -> None:
        with self._refused():
            self._add(data, time_s)

    @contextmanager
    def _refused(self) -> Iterator[None]:
        """Turn errors in the data of an event into a ReductionError."""
        try:
            yield
        except KeyError as error:
            raise ReductionError(
                f"An event lacks {error}. The modes {self.metadata.modes} need it: record it, or correct `modes`."
            ) from error
        except (TypeError, ValueError) as error:
            if isinstance(error, ReductionError):
                raise
            raise ReductionError(
                f"A value of an event has the wrong shape or type: {error}. Mark such events in `quality`."
            ) from error

    def _add(self, data: Mapping[str, Any], time_s: float) -> FloatArray | None:
        """Add an event to the sums; return its row, (width,), or None for a rejected one."""
        # The shutter of a bad exposure may have moved (-1); such an exposure is only counted.
        shutter = max(int(data["laser_shutter"]), 0) if data["quality"] else int(data["laser_shutter"])
        cell = self._cell(int(data["scan_index"]), int(data["point_index"]), shutter)
        if data["quality"]:
            self._table.reject(cell)
            return None
        row = self._row(data, time_s)
        if not np.isfinite(row).all() or min(row[self._layout["i0"]][0], data["exposure_s"]) <= 0:
            raise ReductionError(
                f"Scan {cell[0]}, point {cell[1]} holds a value that is not finite, or an i0 or exposure_s that is not "
                "above 0, yet its quality is good. Mark such events in `quality`."
            )
        self._table.add(cell, row, int(data.get("exposure_id", NO_EXPOSURE)))
        return row

    def _cell(self, scan: int, point: int, shutter: int) -> tuple[int, int, int]:
        """Return row, point and shutter of the cell of an exposure; raises ReductionError outside the run."""
        metadata = self.metadata
        limits = {"scan_index": (scan, metadata.repeats), "point_index": (point, len(metadata.points))}
        for name, (value, size) in {**limits, "laser_shutter": (shutter, 2)}.items():
            if not 0 <= value < size:
                raise ReductionError(
                    f"An event has {name} = {value}, outside 0 to {size - 1}. Check the grid and repeats of the run."
                )
        return self._table.row_of(scan, shutter), point, shutter

    def _row(self, data: Mapping[str, Any], time_s: float) -> FloatArray:
        return _after_start(self._event_rows).row(data, time_s)

    def _rows_of(self, columns: Mapping[str, Any], times_s: Sequence[float]) -> FloatArray:
        return _after_start(self._event_rows).rows(columns, times_s)

    def _field(self, name: str) -> FloatArray:
        _ = self.metadata
        if name in self._layout:
            return self._table.sums[..., self._layout[name]]
        return np.broadcast_to(0.0, (*self._table.rejected.shape, self._widths[name]))


def _after_start(value: _Fact | None) -> _Fact:
    """Return `value`, which the start document sets; raises ReductionError before that."""
    if value is None:
        raise ReductionError("No start document has arrived yet: feed the run's documents in order.")
    return value


def joined(runs: Sequence[RunAccumulator], kept: Sequence[BoolArray] | None = None, uid: str = "") -> RunAccumulator:
    """Return one accumulator with the scans of several runs on one grid, in their order; the runs do not change.

    `kept`: per run a mask (scans,) of the scans to take, None for all. The metadata are those of the first run, with
    the number of scans as `repeats`. `reduction.xas.series` checks whether the runs belong together. Raises
    ReductionError without runs or with different numbers of points.
    """
    if not runs or len({_own_shape(run) for run in runs}) != 1:
        raise ReductionError(
            "Only runs with the same number of points, gates and photodiodes can be joined. Give at least one, and "
            "check the list."
        )
    masks = [np.ones(run.scans, dtype=bool) for run in runs] if kept is None else kept
    # A further detector that a run lacks has zeros there.
    widths = {name: part.stop - part.start for run in runs for name, part in run._layout.items()}
    layout = layout_of(widths)
    places = [np.concatenate([np.r_[layout[name]] for name in run._layout]) for run in runs]
    result = copy(runs[0])
    result._layout = layout
    result._widths = {name: width for run in reversed(runs) for name, width in run._widths.items()}
    result._table = joined_tables([run._table for run in runs], masks, places, sum(widths.values()))
    # The runs may list different further detectors; of one that several list, the first run's facts count.
    listed = {one.name: one for run in reversed(runs) for one in run.metadata.detectors}
    result._metadata = replace(
        runs[0].metadata,
        repeats=result.scans,
        uid=uid or runs[0].metadata.uid,
        detectors=tuple(listed.values()),
        energy_course=joined_courses([run.metadata.energy_course for run in runs]),
    )
    return result


def _own_shape(run: RunAccumulator) -> tuple[int, ...]:
    """Return the numbers of points, photodiodes and gates."""
    return len(run.metadata.points), run.metadata.photodiodes, run.metadata.timing.probes_per_pump


def accumulate(documents: Iterable[tuple[str, Mapping[str, Any]]] | Sequence[tuple[str, Any]]) -> RunAccumulator:
    """Return an accumulator of all `(name, document)` pairs of a stored run; raises ReductionError as it does."""
    accumulator = RunAccumulator()
    for name, doc in documents:
        accumulator(name, doc)
    return accumulator
