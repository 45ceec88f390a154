"""Frames of a sequence as events of the same kind as those of single exposures: a bluesky Flyable and Collectable.

A plan calls `start_run` once, and for each table `prepare`, `kickoff`, `complete`, and `collect` while it runs and once
after its end. An event has the same fields as one of `PointReader`, and its quality is judged by the same rules. They
differ in their evidence: a frame carries the lowest and highest value that every watched PV had while it counted, so
that it can be judged at any time, even by a session that was not there.
"""

from __future__ import annotations

import logging
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ophyd.status import StatusBase

from devices.axes.axis import Axis
from devices.configuration import QualitySettings
from devices.exposure.condition_limits import LASER_ONLY, Condition
from devices.exposure.frame_player import FramePlayer
from devices.exposure.gated_detectors import ExposureReading
from devices.exposure.life_cycle import ExposureTargets
from devices.exposure.planned_frames import FrameSequence, PlannedFrame
from devices.exposure.point_reader import PointDevices, PointReader, conditions_of, counted_values
from devices.exposure.sequence_frames import Place, SequenceFrame, SequenceStep, pages
from devices.exposure.slices import SliceStream, merged, outliers
from devices.names import AxisName
from devices.shutter import CLOSED
from devices.signals.move_status import finished
from devices.signals.pausing import failures_logged
from devices.signals.uncached_signal import INVALID, FreshSignalRO, PvReading
from devices.types import FloatArray
from errors import AcquisitionError

logger = logging.getLogger("trxas.devices")


@dataclass(frozen=True, kw_only=True)
class Judged:
    """An exposure that has become an event; `quality` lists its faults, and is empty if it is good."""

    place: Place
    quality: str


class SequenceReader(PointReader):
    """Reader of the frames of a sequence, which the sequencer counts without a client."""

    # `_next` is the number of the first frame that is not read yet. A frame is read when it has become an event, or if
    # it is not of this run; so reading again after any error neither loses a frame nor repeats one. What was planned is
    # looked up by the labels of the frame, not by its place in the table: frames of an earlier table, or of a session
    # that was killed, are judged alike.

    def __init__(
        self,
        devices: PointDevices,
        sequencer: FramePlayer,
        *,
        quality: QualitySettings | None = None,
        pulses_per_s: float,
    ) -> None:
        quality = QualitySettings() if quality is None else quality
        super().__init__(replace(devices, further=None), quality=quality, pulses_per_s=pulses_per_s)
        # Its own: what fails during a sequence stops the sequencer, not the scaler of single exposures.
        self._conditions = conditions_of(devices, quality, on_failure=sequencer.cut_short)
        self._watch = self._conditions.watch(())
        self._sequencer = sequencer
        self._planned: dict[Place, PlannedFrame] = {}
        self._dwell_s = 0.0
        self._judged: dict[str, Condition] = {}
        self._watched: dict[str, int] = {}
        self._token = 0
        self._next = 1
        self._duration_s = 0.0
        self._counted_s = 0.0
        self._stored: list[Judged] = []
        self._parts: dict[Place, dict[int, SequenceFrame]] = defaultdict(dict)
        self._complete: set[Place] = set()
        self.slices = SliceStream(devices.exposure.settings, sequencer.frames_source)
        """Stream of the slices of exposures that are counted in several."""
        self._recovering = False
        self._status: StatusBase | None = None

    @property
    def sequencer(self) -> FramePlayer:
        """The records of the hardware that plays the frames."""
        return self._sequencer

    @property
    def running(self) -> bool:
        """Whether a sequence has been started and has not ended."""
        return self._status is not None and not self._status.done

    def prepare(self, sequence: FrameSequence) -> StatusBase:
        """Arm the sequencer with a sequence; the status is done at once.

        Raises AcquisitionError if it refuses, NotConnectedError if unanswered.
        """
        self._use(sequence)
        self._duration_s = self._arm(sequence)
        self._next = self._sequencer.latest_number() + 1
        self._recovering = False
        # Conditions of the laser do not matter while it is blocked, and only the frame knows when that is.
        self._watch = self._conditions.watch(self._needed - LASER_ONLY)
        return finished(self._sequencer)

    def _arm(self, sequence: FrameSequence) -> float:
        """Arm the hardware with what is missing of a sequence; return how long it takes, s."""
        sequencer: Any = self._sequencer
        steps = [self._step(frame, part) for frame in sequence.frames for part in self.missing_parts(frame)]
        sequencer.arm(steps, token=sequence.token, watch=list(self._watched))
        self._counted_s = float(sum(one.dwell_s for one in steps))
        return self._counted_s + float(sequencer.settings.settle_s) * len(steps)

    @property
    def counting_share(self) -> float:
        """Share of the time of the armed sequence in which its gates are open; in the rest the laser settles."""
        return self._counted_s / self._duration_s if self._duration_s else 1.0

    def missing_parts(self, frame: PlannedFrame) -> list[int]:
        """Return the slices of an exposure that are not measured yet, by their place in it."""
        if frame.place in self._complete:
            return []
        there = self._parts.get(frame.place, {})
        return [part for part in range(frame.slices) if part not in there]

    def recover(self, sequence: FrameSequence) -> bool:
        """Let the next `collect` read all frames of an earlier session that the ring still has.

        `sequence` is what that session had to measure, and its token. Return whether its frames can be judged: False if
        the sequencer watches other PVs now. Raises NotConnectedError if unanswered.
        """
        self._use(sequence)
        watched = str(self._sequencer.watch.get()).split()
        if watched != list(self._watched):
            return False
        self._next = 1
        # A bad frame may be stored already, and is measured again in any case.
        self._recovering = True
        return True

    def _use(self, sequence: FrameSequence) -> None:
        """Remember what was planned, and how its frames are judged."""
        self._planned |= {frame.place: frame for frame in sequence.frames}
        self._token = sequence.token
        targets = sequence.frames[0].targets
        self._judged = self._conditions.watch(self._needed, self._power_w(targets)).definitions
        signals = {condition.signal.pvname for condition in self._judged.values()}
        pvs = [signal.pvname for signal in {**self._axis_signals(), **self._surroundings_signals()}.values()]
        self._watched = {pv: slot for slot, pv in enumerate(dict.fromkeys([*pvs, *sorted(signals)]))}

    def start_run(self, needed: frozenset[str]) -> None:
        """Begin a new run, as every reader does, with nothing planned yet; raises nothing."""
        super().start_run(needed)
        self._planned.clear()
        self._stored.clear()
        self._parts.clear()
        self._complete.clear()
        self.slices.clear()

    def kickoff(self) -> StatusBase:
        """Start the armed sequence; the status is done at once. Raises NotConnectedError if the PV is not connected."""
        self._watch.begin()
        watch = self._watch
        self._status = self._sequencer.start(self._duration_s)
        self._status.add_callback(lambda _: watch.end({}))
        return finished(self._sequencer)

    def complete(self) -> StatusBase:
        """Return the status of the sequence, which is done at its end; raises AcquisitionError before `kickoff`."""
        if self._status is None:
            raise AcquisitionError("No sequence has been started. Call prepare and kickoff before complete.")
        return self._status

    def describe_collect(self) -> dict[str, dict[str, Any]]:
        """Return the data keys of the events, with their shapes, units and the PVs behind them."""
        return self.describe()

    def collect_pages(self) -> Iterator[dict[str, Any]]:
        """Yield the frames that came since the last call, as pages of events that span at most 0.1 s each.

        A frame that a lasting fault has spoilt stops the sequence: those after it would be bad as well. Raises
        NotConnectedError if unanswered; the frames are read by the next call then.
        """
        latest = self._sequencer.latest_number()
        # An IOC that was restarted counts from 1 again, and its ring is empty.
        self._next = min(self._next, latest + 1)
        while self._next <= latest:
            frames = self._sequencer.frames_from(self._next)
            if not frames:
                return
            for page in pages([frame for frame in frames if frame.token == self._token and self._is_planned(frame)]):
                yield from self._page(page)
                self._next = page[-1].number + 1
            self._next = frames[-1].number + 1

    def take_judged(self) -> list[Judged]:
        """Return the exposures that became events since the last call, in order, with their faults."""
        # Kept here and not with the plan: after a pause, bluesky repeats a read-out without telling the plan.
        judged = self._stored
        self._stored = []
        return judged

    def _page(self, frames: Sequence[SequenceFrame]) -> Iterator[dict[str, Any]]:
        """Yield one page of events, unless none of the frames can be stored."""
        yield from self._stored_page([(frame.place, frame.end_s, self._event(frame)) for frame in frames])

    def _stored_page(self, events: Sequence[tuple[Place, float, dict[str, Any]]]) -> Iterator[dict[str, Any]]:
        """Yield events, each with its place and its end, s, as one page; those without data are left out."""
        found = [one for one in events if one[2]]
        if not found:
            return
        keys = list(found[0][2])
        ends_s = [end_s for _, end_s, _ in found]
        yield {
            "data": {key: [event[key] for _, _, event in found] for key in keys},
            "timestamps": {key: list(ends_s) for key in keys},
            "time": list(ends_s),
        }
        # Only now: if a subscriber cannot store the page, none of it counts as measured.
        self._stored += [Judged(place=place, quality=event["quality"]) for place, _, event in found]

    def _is_planned(self, frame: SequenceFrame) -> bool:
        return frame.place in self._planned

    def _event(self, frame: SequenceFrame) -> dict[str, Any]:
        """Return the data of one frame, judged; empty if it holds values that cannot be stored."""
        planned = self._planned[frame.place]
        self._dwell_s = planned.dwell_s / planned.slices
        self._life.arm(planned.targets)
        raw = self._raw(frame)
        try:
            positions = self._positions(raw)
            slow = self._slow(raw)
        except AcquisitionError as error:
            logger.warning("Frame %d of the sequencer is measured again: %s", frame.number, error)
            return {}
        failed = self._judge(frame, planned.targets)
        if failed and self._recovering:
            return {}
        self.remarks = failed
        self._cut_if_lasting(failed)
        reading = frame.reading if planned.slices == 1 else self._whole(frame, planned, ",".join(failed))
        if reading is None:
            return {}
        values = self._indices() | positions | counted_values(reading) | slow
        values["quality"] = ",".join(failed)
        values["marks"] = ",".join((*self.marks, *self._invalid_marks(raw)))
        return values

    def _cut_if_lasting(self, failed: Iterable[str]) -> None:
        if self.running and any(self._lasts(name) for name in failed):
            self._sequencer.cut_short()

    def _whole(self, frame: SequenceFrame, planned: PlannedFrame, quality: str) -> ExposureReading | None:
        """Add a slice to its exposure; return the exposure if that was its last good slice."""
        self.slices.put(frame, quality)
        if quality:
            return None
        parts = self._parts[planned.place]
        parts[frame.part] = frame
        if len(parts) < planned.slices:
            return None
        in_order = [parts[part] for part in range(planned.slices)]
        for spoilt in outliers(in_order):
            logger.info("Slice %d of point %d is measured again: unsteady light", spoilt.part, planned.place[1])
            del parts[spoilt.part]
        if len(parts) < planned.slices:
            return None
        # The slices are not needed any more, and a night has a million of them.
        del self._parts[planned.place]
        self._complete.add(planned.place)
        return merged(in_order)

    def _judge(self, frame: SequenceFrame, targets: ExposureTargets) -> dict[str, str]:
        """Return a remark for everything that makes the frame bad, by name, in the order of single exposures."""
        reading = frame.reading
        failed = self._failed_conditions(frame, targets)
        failed |= self._shutter_remarks(reading) | self._counting_remarks(reading) | self._strays(frame, targets)
        failed |= self._flux_remarks(reading, others_failed=bool(failed))
        self.marks = ()
        if reading.boxcar is not None and reading.boxcar.exposure_id != reading.spc.exposure_id:
            found = f"{reading.spc.exposure_id} and {reading.boxcar.exposure_id}"
            failed["exposure_id"] = f"exposure_id: photon counters and boxcar show exposures {found}"
        return failed

    def _failed_conditions(self, frame: SequenceFrame, targets: ExposureTargets) -> dict[str, str]:
        ignored = LASER_ONLY if targets.laser_shutter == CLOSED else frozenset()
        failed = {}
        for name, condition in sorted(self._judged.items()):
            if name in ignored:
                continue
            slot = self._watched[condition.signal.pvname]
            # Limits are intervals, so both ends decide; NaN, of a record in INVALID alarm, is within none.
            bad = [value for value in (frame.low[slot], frame.high[slot]) if not condition.holds(float(value))]
            if bad:
                failed[name] = condition.remark(float(bad[0]))
        return failed

    def _strays(self, frame: SequenceFrame, targets: ExposureTargets) -> dict[str, str]:
        """Return remarks on axes that were not at their targets all the time, or moved without a target."""
        remarks = {}
        for key, axis in self._axes.items():
            low = axis.value_from_raw(self._raw_of(axis, frame.low))
            high = axis.value_from_raw(self._raw_of(axis, frame.high))
            if key in targets.positions:
                expected = targets.positions[key]
            elif key not in {*AxisName} and math.isfinite(low):
                expected = low
            else:
                continue
            position = max((low, high), key=lambda value: abs(value - expected) if math.isfinite(value) else math.inf)
            if not abs(position - expected) <= axis.tolerance:
                needs = f"needs {expected:.8g} ± {axis.tolerance:g}"
                remarks[axis.name] = f"{axis.name} = {position:.8g} {axis.unit}, {needs}"
        return remarks

    def _raw_of(self, axis: Axis, values: FloatArray) -> dict[str, float]:
        return {name: float(values[self._watched[one.pvname]]) for name, one in axis.fresh_signals().items()}

    def _raw(self, frame: SequenceFrame) -> dict[str, PvReading]:
        """Return the values at the end of a frame as answers of the PVs, by the keys of a point."""
        signals: dict[str, FreshSignalRO] = {**self._axis_signals(), **self._surroundings_signals()}
        slots = {key: self._watched[signal.pvname] for key, signal in signals.items()}
        return {
            key: PvReading(float(frame.last[slot]), INVALID if math.isnan(frame.low[slot]) else 0, 0, frame.end_s)
            for key, slot in slots.items()
        }

    def _lasts(self, name: str) -> bool:
        """Return whether a fault will spoil the next frames as well: a condition to wait for, an axis, the shutter."""
        if name in self._judged:
            return self._judged[name].waits
        return name == "laser_shutter" or name in {axis.name for axis in self._axes.values()}

    def _wanted_dwell_s(self) -> float:
        return self._dwell_s

    def _step(self, frame: PlannedFrame, part: int) -> SequenceStep:
        """Return the settings of one frame as the sequencer takes them: the delay divided between both raw delays."""
        delay = self._axes[AxisName.DELAY]
        raw = delay.raw_targets(frame.targets.positions[AxisName.DELAY])
        return SequenceStep(
            dwell_s=frame.dwell_s / frame.slices,
            coarse_s=raw["coarse_setpoint"],
            fine_ps=raw["fine_setpoint"],
            place=frame.place,
            part=part,
        )

    def pause(self) -> None:
        """Stop the sequence: the plan measures what is missing when it is resumed. A failure is logged, not raised."""
        with failures_logged(f"{self.name} was not stopped for the pause"):
            self._sequencer.stop()

    def stop(self, *, success: bool = False) -> None:
        """Stop the sequence; the frames so far stay in the ring. Raises the same errors as `Sequencer.stop`."""
        self._sequencer.stop(success=success)
