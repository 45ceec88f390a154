"""Counting: the I0 scaler is the master whose gate also opens the SPC electronics and the boxcar.

Every exposure has a number. The SPC electronics and the boxcar publish it in one array with all their counts (a frame),
so that a reader can never mix two exposures.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import numpy as np
from caproto.server import PVGroup, pvproperty

from sim.clock import BeamClock
from sim.faults.history import History
from sim.ioc.records.fields import repost, repost_all, resize
from sim.ioc.records.scaler import ConnectedChannels, CountActions, ScalerGroup
from sim.ioc.records.scaler_fields import CHANNELS
from sim.ioc.xas.detectors.frames import DetectorFrames, boxcar_length
from sim.ioc.xas.exposure_log import ExposureLog
from sim.physics.beamline_state import BeamlineState, Stretch
from sim.physics.counting_ahead import CountedAhead
from sim.physics.experiment import Experiment, ExposureCounts
from sim.types import FloatArray

MASTER_SCALER = "7idd:scaler1"
SPC_SCALER = "amofg1a:scaler1"

OFF_CHANNEL = 9
"""Channel of the SPC scaler with the last gate before the next pump, all photodiodes."""

ON_CHANNEL = 10
"""Channel of the SPC scaler with the pumped gate, all photodiodes."""

OPENINGS_CHANNEL = 16
"""Channel of the SPC scaler with the openings of the pumped gate."""

FIRST_GATE_CHANNEL = 17
"""Channel of the first gate of the first photodiode; the others follow, as far as the record has channels."""

MASTER_CHANNELS = {1: "clock", 2: "I0", 3: "Foil"}

SEQUENCE = "sequence"
"""Name of the frames of a sequence in the history."""

Gated = Callable[[int, BeamlineState, ExposureCounts], Awaitable[None]]
"""Another detector under the master's gate; it receives the exposure's number, its state, and the others' counts."""

MIXED_SHUTTER = -1.0
"""Laser shutter in the frame of an exposure during which it moved."""


class Acquisition(PVGroup):
    """Both scalers, the averages of the boxcar, and the frames."""

    spc_frame = pvproperty(
        name="amofg1a:spc:Frame", value=[0.0], record="waveform", dtype=float, read_only=True,
        doc="SPC exposure: id s shutter na np n c",
    )  # fmt: skip
    boxcar_frame = pvproperty(
        name="7idb:boxcar:Frame", value=[0.0], record="waveform", dtype=float, units="V", read_only=True,
        doc="Boxcar: id s shutter mean var cov",
    )  # fmt: skip
    boxcar_off_3s = pvproperty(
        name="7idb:userCalc11", value=0.0, record="calc", dtype=float, units="V", precision=6, read_only=True,
        doc="Boxcar off, first half of dwell",
    )  # fmt: skip
    boxcar_on_3s = pvproperty(
        name="7idb:userCalc12", value=0.0, record="calc", dtype=float, units="V", precision=6, read_only=True,
        doc="Boxcar on, first half of dwell",
    )  # fmt: skip
    boxcar_off_6s = pvproperty(
        name="7idb:userCalc13", value=0.0, record="calc", dtype=float, units="V", precision=6, read_only=True,
        doc="Boxcar off, whole dwell",
    )  # fmt: skip
    boxcar_on_6s = pvproperty(
        name="7idb:userCalc14", value=0.0, record="calc", dtype=float, units="V", precision=6, read_only=True,
        doc="Boxcar on, whole dwell",
    )  # fmt: skip

    def __init__(
        self,
        prefix: str,
        *,
        clock: BeamClock,
        experiment: Experiment,
        history: History,
        **kwargs: Any,
    ) -> None:
        super().__init__(prefix, **kwargs)
        self._clock = clock
        self._experiment = experiment
        # Frames are as long as the scheme has gates: their records are declared with one element.
        gates = experiment.photodiodes * experiment.probes
        head = [0.0, 0.0, 0.0, float(experiment.photodiodes), float(experiment.probes)]
        resize(self.spc_frame, [*head, *[0.0] * (experiment.probes + gates)])
        resize(self.boxcar_frame, [0.0] * boxcar_length(experiment.probes))
        self._spc_shown = np.asarray(self.spc_frame.value, dtype=float)
        self._boxcar_shown = np.asarray(self.boxcar_frame.value, dtype=float)
        self._history = history
        self._started: dict[str, BeamlineState] = {}
        self._stretches: dict[str, list[Stretch]] = {}
        self._ahead: dict[str, tuple[CountedAhead, DetectorFrames]] = {}
        self._frames: dict[str, DetectorFrames] = {}
        self.fault_stale = ""
        """Detector whose frames are not updated: "spc", "boxcar", "both", or "" for none."""
        self._exposure_id = 0
        self._counted: dict[str, ExposureCounts] = {}
        self.gated: list[Gated] = []
        self.ahead: list[Callable[[CountedAhead], Awaitable[None]]] = []
        """What other devices compute or show during an exposure, from what is expected of it."""
        self.exposure_log: ExposureLog | None = None
        self.master = self._scaler(prefix, MASTER_SCALER, "I0 scaler, master", MASTER_CHANNELS, self._publish)
        self.spc = self._scaler(prefix, SPC_SCALER, "SPC gates", self._gate_names(), None)
        self.pvdb.update({**self.master.pvdb, **self.spc.pvdb})

    def _scaler(
        self, prefix: str, name: str, description: str, channels: Mapping[int, str], on_finish: Any
    ) -> ScalerGroup:
        values = master_channels if name == MASTER_SCALER else self._spc_channels
        return ScalerGroup(
            prefix + name,
            clock=self._clock,
            description=description,
            channels=ConnectedChannels(names=channels),
            actions=CountActions(
                count=lambda elapsed_s: values(self._expose(name, elapsed_s)),
                on_start=lambda: self._start(name),
                ahead=lambda preset_s: self._count_ahead(name, preset_s),
                on_finish=on_finish,
            ),
        )

    def _gate_names(self) -> dict[int, str]:
        """Return the channels of the SPC scaler with their names: off, on, openings, then the gates that fit."""
        probes = self._experiment.probes
        gates = {
            FIRST_GATE_CHANNEL + probes * apd + probe: f"APD{apd} probe{probe}"
            for apd in range(self._experiment.photodiodes)
            for probe in range(probes)
        }
        within = {channel: name for channel, name in gates.items() if channel <= CHANNELS}
        return {OFF_CHANNEL: "TFY off", ON_CHANNEL: "TFY on", OPENINGS_CHANNEL: "gate openings", **within}

    def _spc_channels(self, exposure: ExposureCounts) -> dict[int, float]:
        """Return the channels of the SPC scaler: fluorescence off and on, openings, then counts (apd, probe)."""
        total = exposure.counts.sum(axis=0)
        scheme = self._experiment.scheme
        gates = enumerate(exposure.counts.ravel()[: CHANNELS - FIRST_GATE_CHANNEL + 1])
        return {
            OFF_CHANNEL: float(total[scheme.unpumped]),
            ON_CHANNEL: float(total[scheme.pumped]),
            OPENINGS_CHANNEL: float(exposure.pulses[scheme.pumped]),
        } | {FIRST_GATE_CHANNEL + index: float(count) for index, count in gates}

    def _start(self, name: str) -> None:
        self._started[name] = self._history.begin(name)

    async def _count_ahead(self, name: str, preset_s: float) -> None:
        """Compute an exposure of `preset_s` seconds of beam that has just begun, for the case that nothing changes."""
        ahead = CountedAhead(self._experiment, [(self._history.now(), preset_s)])
        self._ahead[name] = ahead, DetectorFrames(ahead.counts, self._experiment.scheme)
        for count_ahead in self.ahead if name == MASTER_SCALER else ():
            await count_ahead(ahead)

    def _expose(self, name: str, elapsed_s: float) -> ExposureCounts:
        stretches = self._history.end(name, elapsed_s)
        ahead, frames = self._ahead.pop(name, (None, None))
        if ahead is not None and frames is not None and ahead.happened(stretches):
            counts = ahead.counts
        else:
            counts = self._experiment.expose_changing(stretches)
            frames = DetectorFrames(counts, self._experiment.scheme)
        self._stretches[name] = stretches
        self._counted[name] = counts
        self._frames[name] = frames
        return counts

    async def _publish(self, elapsed_s: float, counts: Mapping[int, float]) -> None:
        """Post the counts of the gated detectors, frames first: they carry the number of the exposure."""
        # The master's put completes only after all of this has been posted, so that a client that reads after
        # completion finds the new frames. Numbers count the master's gates, also those whose frames are stale by a
        # fault: a reader recognises a stale frame by a number that did not increase. The shutter in the frame is that
        # of the whole exposure, from the recorded states, not the one at its end.
        exposure = self._counted[MASTER_SCALER]
        frames = self._frames[MASTER_SCALER]
        before = self._started[MASTER_SCALER]
        head = self._numbered(elapsed_s, exposure, self._stretches[MASTER_SCALER])
        if self.fault_stale not in ("spc", "both"):
            await repost(self.spc_frame, frames.spc(head))
            await self.spc.post_counts(elapsed_s, self._spc_channels(exposure))
        if self.fault_stale not in ("boxcar", "both"):
            await repost(self.boxcar_frame, frames.boxcar(head))
            await self._publish_averages(frames)
        for detector in self.gated:
            await detector(self._exposure_id, self._experiment.true_state(before), exposure)

    def _numbered(self, elapsed_s: float, exposure: ExposureCounts, stretches: list[Stretch]) -> list[float]:
        """Give an exposure the next number and log it; return the head of its frames: number, seconds, shutter."""
        self._exposure_id += 1
        if self.exposure_log is not None:
            self.exposure_log(self._exposure_id, exposure, stretches)
        shutters = {float(state.laser_shutter_open) for state, _ in stretches}
        return [float(self._exposure_id), elapsed_s, shutters.pop() if len(shutters) == 1 else MIXED_SHUTTER]

    @property
    def frame_length(self) -> int:
        """Numbers in the frames of SPC and boxcar together."""
        return len(self._latest_frames())

    def _latest_frames(self) -> FloatArray:
        return np.concatenate([self._spc_shown, self._boxcar_shown])

    def begin_sequence(self) -> None:
        """Hand the frames of the last exposure on to a sequence: a stale detector repeats them."""
        self._spc_shown = np.asarray(self.spc_frame.value, dtype=float)
        self._boxcar_shown = np.asarray(self.boxcar_frame.value, dtype=float)

    def begin_frame(self) -> None:
        """Open the gates for one frame of a sequence."""
        self._history.begin(SEQUENCE)

    def end_frame(self, elapsed_s: float) -> list[Stretch]:
        """Close the gates after `elapsed_s` seconds of beam, and return the states that the frame went through."""
        return self._history.end(SEQUENCE, elapsed_s)

    def count_frame(self, elapsed_s: float, stretches: list[Stretch]) -> tuple[int, ExposureCounts, FloatArray]:
        """Count a frame whose gates have closed; return its number, its counts, and the frames of SPC and boxcar.

        A detector that is stale by a fault repeats its frame before, with the number of that one.
        """
        exposure = self._experiment.expose_changing(stretches)
        head = self._numbered(elapsed_s, exposure, stretches)
        frames = DetectorFrames(exposure, self._experiment.scheme)
        if self.fault_stale not in ("spc", "both"):
            self._spc_shown = np.asarray(frames.spc(head))
        if self.fault_stale not in ("boxcar", "both"):
            self._boxcar_shown = np.asarray(frames.boxcar(head))
        return self._exposure_id, exposure, self._latest_frames()

    async def show_frames(self) -> None:
        """Post the latest frames of a sequence, so that the next one to count knows the number of the last exposure."""
        await self.spc_frame.write(self._spc_shown.tolist())
        await self.boxcar_frame.write(self._boxcar_shown.tolist())

    async def _publish_averages(self, frames: DetectorFrames) -> None:
        records = (self.boxcar_off_3s, self.boxcar_on_3s, self.boxcar_off_6s, self.boxcar_on_6s)
        await repost_all(dict(zip(records, frames.averages, strict=True)), time.time())


def master_channels(exposure: ExposureCounts) -> dict[int, float]:
    """Return the channels of the I0 scaler: ion chamber, and the one behind the foil."""
    return {2: float(exposure.i0), 3: float(exposure.foil)}
