"""Measuring the exposures of a run as sequences: hardware steps the delay, and the plan only reads what it counted."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
from bluesky.utils import Msg, short_uid

from devices.axes.axis_group import Target
from devices.beamline import Beamline
from devices.exposure.life_cycle import ExposureTargets
from devices.exposure.planned_frames import FrameSequence, PlannedFrame
from devices.exposure.sequence_frames import Place
from devices.exposure.sequence_reader import Judged, SequenceReader
from devices.exposure.slices import STREAM as SLICES
from devices.names import AxisName, ShutterState
from devices.shutter import STATES
from errors import AcquisitionError
from plans.engine.approach import use_approach
from plans.engine.attempts import FINAL, RETRYABLE, Attempts, reason
from plans.engine.point_settings import PointSettings
from plans.engine.request import ScanRequest
from plans.engine.slicing import number_of_slices
from plans.engine.suspending import wait_connected
from plans.engine.until import PassChooser
from plans.engine.wait import send_and_wait
from plans.types import Plan

FLUSH_S = 0.04
"""Time between two read-outs of a running sequence, s.

A bin of a fly scan is at the window within 0.25 s of its first frame: up to 0.1 s until the bin is complete, up to
0.1 s until the read-out, and the way to the window.
"""

STREAM = "primary"

logger = logging.getLogger("trxas.plans")


class SequenceLoop:
    """Loop over the exposures of `request`, in tables as long as only the delay is stepped, until all are good."""

    # The only state of the loop is what is missing. Each round arms a table of missing exposures and runs it; while it
    # runs, frames become events, and good ones are crossed off. A round may end early: by a condition that fails (the
    # reader stops the sequencer), by a pause, or by an error of the connection. The next round begins by waiting until
    # the beamline is well, and arms what is still missing, in the same order. Frames that were counted while nobody
    # could read them are read before that, so they are neither lost nor measured twice. A checkpoint comes before every
    # read-out: what bluesky repeats after a pause reads again, and never arms again.

    def __init__(self, beamline: Beamline, request: ScanRequest) -> None:
        self._beamline = beamline
        self._request = request
        reader = request.detection.reader
        assert isinstance(reader, SequenceReader)  # check_request has chosen it
        self._reader = reader
        self._settings = PointSettings(beamline, request)
        self._planned: dict[Place, PlannedFrame] = {}
        self._missing: dict[Place, None] = {}
        self._bad: Counter[Place] = Counter()
        self._remark = ""
        self._unread = False

    def run(self) -> Plan:
        """Measure all exposures; raises AcquisitionError, or the last failure, of one that stays bad."""
        yield from use_approach(self._beamline, self._request.approach)
        yield Msg("declare_stream", None, self._reader, name=STREAM, collect=True)
        for name, stream in self._further_streams().items():
            yield Msg("declare_stream", None, stream, name=name, collect=True)
        yield from bpp.finalize_wrapper(self._passes(), self._stopped)

    def _further_streams(self) -> dict[str, Any]:
        """Return the streams beside that of the exposures, by name."""
        return {} if self._request.slice_s is None else {SLICES: self._reader.slices}

    def _passes(self) -> Plan:
        """Measure all passes as one course; a run that counts until its result is good enough, pass by pass."""
        request = self._request
        if request.until is None:
            self._plan(request.course())
            if request.recovers:
                yield from self._recovered()
            yield from self._rounds()
            return
        recovered = (yield from self._recovered_later_passes()) if request.recovers else frozenset()
        dwells_s = [request.dwell_of(index) for index in range(len(request.points))]
        chooser = PassChooser(request.until, dwells_s, request.done | recovered)
        yield from chooser.passes(request.repeats, self._measure_pass)

    def _measure_pass(self, scan_index: int, chosen: tuple[int, ...]) -> Plan:
        self._plan((scan_index, *one) for one in self._request.course_of_pass(scan_index, chosen))
        # Only the first pass: what there is of later ones has been read, and their points are chosen again.
        if self._request.recovers and scan_index == 0 and self._missing:
            yield from self._recovered()
        yield from self._rounds()

    def _plan(self, course: Iterable[tuple[int, int, ShutterState]]) -> None:
        """Set the exposures that are missing: each is (scan index, point index, laser shutter)."""
        self._planned = {frame.place: frame for frame in planned_frames(self._request, course)}
        self._missing = dict.fromkeys(self._planned)

    def _rounds(self) -> Plan:
        """Play tables until nothing is missing."""
        attempts = self._new_attempts()
        while self._missing:
            before = self._rows_left()
            yield Msg("checkpoint")
            error = yield from self._round(attempts)
            self._check_attempts()
            if self._rows_left() < before:
                attempts = self._new_attempts()
            elif error is not None:
                yield from attempts.failed(str(error), error)
            if error is not None:
                yield from wait_connected(self._beamline, self._request.detection.devices)

    def _round(self, attempts: Attempts) -> Generator[Msg, Any, BaseException | None]:
        """Play one table, or after an error read what is left of the earlier one; return an error that may be cured."""
        before = self._rows_left()
        try:
            if self._unread:
                yield from self._caught_up()
                return None
            table = self._next_table()
            move = partial(self._settings.move_axes, self._targets(table[0]), attempts.suspend)
            if (yield from attempts.wait_until_well(self._request.detection.conditions, move)):
                self._settings.forget()
            yield from self._play(table, attempts)
        except RETRYABLE as error:
            self._unread = True
            self._settings.forget()
            why = reason(error)
            if isinstance(why, FINAL):
                raise
            return why
        if self._rows_left() < before:
            return None
        return AcquisitionError("No frame of the sequence was good.")

    def _new_attempts(self) -> Attempts:
        return Attempts(self._beamline, "The sequence")

    def _rows_left(self) -> int:
        """Return how many frames are missing; of an exposure in slices, each is one."""
        return sum(len(self._reader.missing_parts(self._planned[place])) for place in self._missing)

    def _next_table(self) -> list[PlannedFrame]:
        """Return the missing exposures that one table can measure, in their order."""
        # Up to the next one at which something else than delay and shutter must move.
        table: list[PlannedFrame] = []
        rows = 0
        for place in self._missing:
            frame = self._planned[place]
            rows += len(self._reader.missing_parts(frame))
            if table and (rows > self._reader.sequencer.settings.rows or _held(frame) != _held(table[0])):
                break
            table.append(frame)
        return table

    def _play(self, frames: Sequence[PlannedFrame], attempts: Attempts) -> Plan:
        """Set what has changed for a table of exposures, play it, and store its frames as they come."""
        # Delay and shutter are set by the table itself; where the last table has left them does not matter.
        yield from self._settings.apply(self._targets(frames[0]), frames[0].dwell_s, attempts.suspend)
        attempts.arrived()
        yield from send_and_wait("prepare", self._reader, FrameSequence(frames=frames, token=self._request.token))
        yield from send_and_wait("kickoff", self._reader)
        group = short_uid("complete")
        yield Msg("complete", self._reader, group=group)
        while True:
            # Looked up before the read-out: frames that end after it are found by the next one.
            running = self._reader.running
            yield Msg("wait", None, group=group, timeout=FLUSH_S, error_on_timeout=False)
            yield Msg("checkpoint")
            yield from self._collect()
            if not running:
                return

    def _targets(self, frame: PlannedFrame) -> Mapping[str, Target]:
        shutter = ShutterState.OPEN if frame.targets.laser_shutter else ShutterState.CLOSED
        return {**frame.targets.positions, "laser_shutter": str(shutter)}

    def _collect(self) -> Plan:
        """Store the frames that came since the last time; cross off the good ones, and count the bad ones."""
        pages = yield Msg("collect", self._reader, name=STREAM, return_payload=True)
        if pages is None:
            self._missing.clear()  # a simulator that only reads the messages gives no answer
            return
        for name, stream in self._further_streams().items():
            yield Msg("collect", stream, name=name, return_payload=False)
        for one in self._reader.take_judged():
            self._note(one)

    def _note(self, one: Judged) -> None:
        place = one.place
        if not one.quality:
            self._missing.pop(place, None)
            return
        self._bad[place] += 1
        self._remark = f"Point {place[1]} of scan {place[0]} was bad {self._bad[place]} times. Last: {one.quality}"
        logger.warning("Point %d of scan %d is measured again: %s", place[1], place[0], one.quality)

    def _check_attempts(self) -> None:
        """Raise AcquisitionError if an exposure was bad too often."""
        if max(self._bad.values(), default=0) >= self._beamline.configuration.quality.attempts:
            raise AcquisitionError(
                f"{self._remark}. The run is closed and its data are saved; remove the cause and resume it with "
                "resume_run()."
            )

    def _caught_up(self) -> Plan:
        """Stop a sequence that may still run after an error, and store the frames that could not be read."""
        yield from bps.stop(self._reader)
        yield from self._collect()
        self._unread = False

    def _recovered_later_passes(self) -> Generator[Msg, Any, frozenset[Place]]:
        """Store what the sequencer still has of passes after the first; return these exposures.

        Which points the interrupted run had chosen is not known, so any of the latest pass, or of the next one, may be
        there. Neither of these passes is completed.
        """
        request = self._request
        if any(request.course_of_pass(0)):
            return frozenset()
        latest = max((scan_index for scan_index, _, _ in request.done), default=0)
        self._plan((scan, *one) for scan in (latest, latest + 1) for one in request.course_of_pass(scan))
        planned = frozenset(self._missing)
        yield from self._recovered()
        found = planned - self._missing.keys()
        self._missing.clear()
        return found

    def _recovered(self) -> Plan:
        """Store what the sequencer still has of the interrupted run, which its session could not store any more."""
        whole = FrameSequence(frames=list(self._planned.values()), token=self._request.token)
        before = len(self._missing)
        yield from bps.stop(self._reader)
        if not self._reader.recover(whole):
            logger.warning(
                "The sequencer watches other PVs than for the interrupted run: what it counted after the interruption "
                "cannot be judged, and is measured again."
            )
            return
        yield from self._collect()
        logger.info("%d exposures of the interrupted run were read again", before - len(self._missing))

    def _stopped(self) -> Plan:
        try:
            yield from bps.stop(self._reader)
        except RETRYABLE as error:
            logger.warning("The sequencer was not stopped: %s", reason(error))


def _held(frame: PlannedFrame) -> dict[str, float]:
    """Return where a frame needs the axes that the sequencer does not step, in their units."""
    return {name: value for name, value in frame.targets.positions.items() if name != AxisName.DELAY}


def planned_frames(request: ScanRequest, course: Iterable[tuple[int, int, ShutterState]]) -> Iterator[PlannedFrame]:
    """Yield exposures of a scan, each (scan index, point index, laser shutter), as frames in their order."""
    for scan_index, point_index, shutter in course:
        positions = {**request.fixed, **request.points.setting(point_index)}
        targets = ExposureTargets(
            positions={str(name): float(value) for name, value in positions.items()},
            laser_shutter=STATES[shutter],
            scan_index=scan_index,
            point_index=point_index,
        )
        dwell_s = request.dwell_of(point_index)
        slices = number_of_slices(dwell_s, request.slice_s)
        yield PlannedFrame(targets=targets, dwell_s=dwell_s, slices=slices)
