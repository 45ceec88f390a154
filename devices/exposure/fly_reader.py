"""Frames of fly scans as events of the same kind as those of single exposures: one per bin and sweep.

A plan calls `use_grid` once, and then as for a sequence `prepare`, `kickoff`, `complete`, and `collect` while it runs
and once after its end.
"""

from __future__ import annotations

import logging
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from devices.configuration import QualitySettings
from devices.exposure.event_fields import data_key
from devices.exposure.fly_frames import FrameStream
from devices.exposure.gated_detectors import ExposureReading
from devices.exposure.life_cycle import ExposureTargets
from devices.exposure.planned_frames import FrameSequence, PlannedFrame
from devices.exposure.point_reader import PointDevices, counted_values
from devices.exposure.sequence_frames import Place, SequenceFrame
from devices.exposure.sequence_reader import SequenceReader
from devices.exposure.slices import merged
from devices.exposure.sweeps import FlyFrame, FlyScans, FlySweep, SweepGrid
from devices.names import AxisName
from errors import AcquisitionError

logger = logging.getLogger("trxas.devices")

COMPLETE = 0.75
"""Share of a bin's time that must have been counted without faults: frames do not end at the edges of bins."""

SAME_I0 = 0.05
"""Relative difference up to which the flux at an energy is the same in two sweeps: then it belongs to the energy."""

Counted = tuple[FlyFrame, dict[str, Any]]
"""A frame and its data, as of an event."""


class FlyReader(SequenceReader):
    """Reader of the frames of fly scans: it adds up the good ones in each bin, and stores all of them as a stream."""

    # A frame belongs to the bin in which the encoder was on average, and the bin to the sweep whose number the frame
    # repeats. `_good` holds what has been counted of a bin, until that is enough for its event; so a bin whose sweep
    # was cut short is completed by a later sweep over it, and nothing of it is thrown away. Bins are closed when the
    # encoder leaves them. The good frames of a bin are put into their stream with its event, never before: what a
    # session that dies has not stored is read again from the ring as a whole.

    def __init__(
        self,
        devices: PointDevices,
        scans: FlyScans,
        *,
        quality: QualitySettings | None = None,
        pulses_per_s: float,
    ) -> None:
        super().__init__(devices, scans, quality=quality, pulses_per_s=pulses_per_s)
        self.name = "fly"
        self._grid: SweepGrid | None = None
        self._good: dict[Place, list[Counted]] = defaultdict(list)
        self._open: Place | None = None
        self._spoilt: list[Counted] = []
        self._flux_at: dict[int, tuple[float, float]] = {}
        self._flux_now: list[float] = []
        self.frames = FrameStream(self._frame_keys())
        """Stream of all frames in the bins of the run."""

    @property
    def grid(self) -> SweepGrid:
        """Bins of the run; raises AcquisitionError before `use_grid`."""
        if self._grid is None:
            raise AcquisitionError("The fly scan has no bins. Call use_grid before prepare.")
        return self._grid

    def use_grid(self, grid: SweepGrid) -> None:
        """Set the bins, eV, and the speed, eV/s, of the sweeps that follow."""
        self._grid = grid

    def start_run(self, needed: frozenset[str]) -> None:
        """Begin a new run, as every reader does, with nothing counted yet; raises nothing."""
        super().start_run(needed)
        self._good.clear()
        self._spoilt.clear()
        self._flux_at.clear()
        self._flux_now.clear()
        self._open = None
        self.frames.clear()

    def sweeps_of(self, frames: Sequence[PlannedFrame]) -> list[FlySweep]:
        """Return the sweeps that cover the bins of planned exposures, one per scan index and shutter, in their order.

        Even scans go up, odd ones down. Raises AcquisitionError before `use_grid`.
        """
        energy = self._axes[AxisName.ENERGY]
        grid = self.grid
        found = []
        for (scan_index, shutter), group in groupby(frames, key=lambda one: (one.place[0], one.place[2])):
            bins = [one.place[1] for one in group]
            ends_ev = grid.edges_ev(min(bins), max(bins))
            first_ev, last_ev = ends_ev if scan_index % 2 == 0 else ends_ev[::-1]
            first_kev, last_kev = (energy.raw_targets(end_ev)["setpoint"] for end_ev in (first_ev, last_ev))
            found.append(
                FlySweep(
                    first_kev=first_kev,
                    last_kev=last_kev,
                    kev_per_s=grid.speed_ev_s * 1e-3,
                    frame_s=grid.frame_s,
                    shutter=shutter,
                    scan_index=scan_index,
                )
            )
        return found

    def missing_parts(self, frame: PlannedFrame) -> list[int]:
        """Return [0] for a bin that has not been counted long enough, nothing for one that has."""
        return [] if frame.place in self._complete else [0]

    @property
    def counting_share(self) -> float:
        """Always 1: sweeps count all the time, and how long the turn-arounds take is the motor's."""
        return 1.0

    def _arm(self, sequence: FrameSequence) -> float:
        sweeps = self.sweeps_of(sequence.frames)
        scans: Any = self._sequencer
        scans.arm(sweeps, token=sequence.token, watch=list(self._watched))
        way_kev = [abs(one.last_kev - one.first_kev) for one in sweeps]
        # Between the end of one sweep and the start of the next it may have to go back as far as it came.
        return sum(2 * way / one.kev_per_s for way, one in zip(way_kev, sweeps, strict=True)) + len(sweeps)

    def collect_pages(self) -> Iterator[dict[str, Any]]:
        """Yield the bins that were completed since the last call, as pages that span at most 0.1 s each.

        Raises NotConnectedError if unanswered; the frames are read by the next call then.
        """
        # Looked up before the read-out: if nothing runs then, no frame can follow those that are read.
        running = self.running
        yield from super().collect_pages()
        if not running:
            yield from self._stored_page(self._closed())

    def _is_planned(self, _frame: SequenceFrame) -> bool:
        return True  # frames beside the bins close the open bin

    def _planned_at(self, frame: FlyFrame) -> PlannedFrame | None:
        """Return the exposure to which a frame belongs; None outside the bins, or if its bin is complete."""
        place = self._place_of(frame)
        return None if place is None or place in self._complete else self._planned.get(place)

    def _place_of(self, frame: FlyFrame) -> Place | None:
        scan_index, _, shutter = frame.place
        bin_index = self.grid.bin_of(self._energy_ev(frame))
        return None if bin_index is None else (scan_index, bin_index, shutter)

    def _energy_ev(self, frame: FlyFrame) -> float:
        return self._axes[AxisName.ENERGY].value_from_raw({"readback": frame.mean_kev})

    def _page(self, frames: Sequence[SequenceFrame]) -> Iterator[dict[str, Any]]:
        events = []
        for frame in frames:
            assert isinstance(frame, FlyFrame)
            place = self._place_of(frame)
            if place != self._open:
                events += self._closed()
                self._open = place
            if self._planned_at(frame) is not None:
                self._take(frame)
        yield from self._stored_page(events)

    def _take(self, frame: FlyFrame) -> None:
        """Judge a frame, and add it to its bin; one that holds values that cannot be stored is dropped."""
        planned = self._planned_at(frame)
        assert planned is not None  # asked before
        # The encoder says where the frame was; the slow read-back of the energy lags behind.
        targets = planned.targets
        self._dwell_s = 0.0
        self._life.arm(targets)
        raw = self._raw(frame)
        try:
            positions = {**self._positions(raw), str(AxisName.ENERGY): self._energy_ev(frame)}
            slow = self._slow(raw)
        except AcquisitionError as error:
            logger.warning("Frame %d of the fly scan is counted again: %s", frame.number, error)
            return
        failed = self._judge(frame, targets)
        self._accept_flux(planned.place[1], failed)
        if failed and self._recovering:
            return
        self.remarks = failed
        self._cut_if_lasting(failed)
        values = self._indices() | positions | counted_values(frame.reading) | slow
        values["quality"] = ",".join(failed)
        values["marks"] = ",".join((*self.marks, *self._invalid_marks(raw)))
        if failed:
            self.frames.put(self._frame_values(frame, values), frame.end_s)
            self._spoilt.append((frame, values))
        else:
            self._good[planned.place].append((frame, values))

    def _strays(self, frame: SequenceFrame, targets: ExposureTargets) -> dict[str, str]:
        """Return remarks on axes that were not at their targets all the time; the energy has none, it moves."""
        positions = {name: value for name, value in targets.positions.items() if name != AxisName.ENERGY}
        return super()._strays(frame, replace(targets, positions=positions))

    def _accept_flux(self, bin_index: int, failed: dict[str, str]) -> None:
        """Drop the fault of an unusual I0 that an earlier sweep has found at this energy: a glitch of the crystal."""
        if failed.keys() - {"i0"}:
            return
        low, high = self._flux_at.get(bin_index, (math.inf, -math.inf))
        self._flux_now.append(self.i0_per_s)
        if failed and (1 - SAME_I0) * low <= self.i0_per_s <= (1 + SAME_I0) * high:
            failed.clear()

    def _remember_flux(self, bin_index: int) -> None:
        """Remember the range of I0 in the bin that is closed, counts/s, for the sweeps that follow."""
        if self._flux_now:
            low, high = self._flux_at.get(bin_index, (math.inf, -math.inf))
            self._flux_at[bin_index] = min(low, *self._flux_now), max(high, *self._flux_now)
        self._flux_now = []

    def _closed(self) -> list[tuple[Place, float, dict[str, Any]]]:
        """Close the bin that was open; return its events with their places and ends, s."""
        place = self._open
        self._open = None
        spoilt = self._spoilt
        self._spoilt = []
        if place is None or place not in self._planned:
            return []
        self._remember_flux(place[1])
        found = []
        if spoilt:
            found.append((place, spoilt[-1][0].end_s, self._merged(spoilt)))
        good = self._good.get(place, [])
        # A bin of which a part was bad is swept again as a whole; its good frames count in addition.
        counted_s = sum(frame.reading.spc.exposure_s for frame, _ in good)
        if not spoilt and counted_s >= COMPLETE * self.grid.bin_s:
            for frame, values in good:
                self.frames.put(self._frame_values(frame, values), frame.end_s)
            found.append((place, good[-1][0].end_s, self._merged(good)))
            self._complete.add(place)
            del self._good[place]
        return found

    def _merged(self, counted: Sequence[Counted]) -> dict[str, Any]:
        """Return the event of a bin: what its frames have counted together, at their mean energy, eV."""
        reading: ExposureReading = merged([frame for frame, _ in counted])
        last = counted[-1][1]
        seconds = [frame.reading.spc.exposure_s for frame, _ in counted]
        energies = [values[AxisName.ENERGY] for _, values in counted]
        mean_ev = math.fsum(one * s for one, s in zip(energies, seconds, strict=True)) / math.fsum(seconds)
        words = {key: _joined([values[key] for _, values in counted]) for key in ("quality", "marks")}
        return {**last, **counted_values(reading), str(AxisName.ENERGY): mean_ev, **words}

    def _frame_values(self, frame: FlyFrame, values: dict[str, Any]) -> dict[str, Any]:
        spread_ev = frame.spread_kev * 1e3
        return {**values, "spread_ev": spread_ev, "direction": 1 if frame.last_kev >= frame.first_kev else -1}

    def _frame_keys(self) -> dict[str, dict[str, Any]]:
        source = self._sequencer.frames_source
        spread = data_key("number", units="eV", source=source)
        return {**self.describe(), "spread_ev": spread, "direction": data_key("integer", source=source)}


def _joined(words: Sequence[str]) -> str:
    """Return the words of all frames, separated by commas, each word once, in order."""
    return ",".join(dict.fromkeys(word for one in words for word in one.split(",") if word))
