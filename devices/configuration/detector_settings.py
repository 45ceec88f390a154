"""Tables of the detectors: gated counters, drift detector, area detector."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from devices.configuration.fields import SETTINGS, Fault, OptionalPv, Pv, ascending, quantity, text, whole_number

CLOCK_CHANNEL = 1
"""Channel of a scaler record that counts its clock; a spectrum divided by it would be normalised by time."""

LAST_CHANNEL = 64
"""Channels of a scaler record."""

CLOCK_BITS = 32
"""Width of a scaler's clock channel, bits."""


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class ExposureSettings:
    """Master scaler and the detectors it gates: with frames, or with their gates on channels of a plain scaler.

    A file may describe the detectors in `[[detectors]]` instead, from which all keys but those of the master follow.
    `i0_channel` and `foil_channel` are channels of the master scaler, whose channel 1 is its clock. Without frames
    `spc_channels` has a row per photodiode with the channels of `spc_scaler`, one per gate of the pump scheme; the
    master must start that scaler. Its counts are from one exposure if they carry one time stamp, and from that of the
    master if both stamps differ by less than half the dwell, or by less than `stamp_tolerance_s`. `openings_channel` of
    that scaler counts the openings of one gate, so that gates which do not open are noticed.
    """

    scaler: OptionalPv = ""
    detector: Annotated[
        str, text("table [devices.NAME] of the detector that makes the exposures, instead of a master scaler")
    ] = ""
    spc_scaler: Annotated[OptionalPv, text("scaler record with the gates; needed with spc_channels")] = ""
    spc_frame: Annotated[OptionalPv, text("frame of the counters; or give spc_channels")] = ""
    boxcar_frame: Annotated[OptionalPv, text("frame of the boxcar; needs spc_frame")] = ""
    spc_channels: Annotated[
        tuple[tuple[int, ...], ...], Field(description="rows of channels, one per gate, a row per photodiode")
    ] = ()
    stamp_tolerance_s: Annotated[
        float, quantity("largest allowed difference between the clocks of two IOCs", "s", low=0.0, high=60.0)
    ] = 0.1
    diodes_per_channel: Annotated[
        int, whole_number("photodiodes whose counts are summed in one channel", low=1, high=64)
    ] = 1
    openings_channel: Annotated[
        int,
        whole_number(
            "channel that counts the openings of a gate; 0: they are calculated from time and pumps", low=0, high=64
        ),
    ] = 0
    i0_channel: Annotated[int, whole_number("channel of the ion chamber", low=1, high=64)] = 2
    foil_channel: Annotated[int, whole_number("channel of the foil's diode; 0: there is none", low=0, high=64)] = 3
    boxcar_polarity: Annotated[int, whole_number("-1 for a signal that goes negative with light", low=-1, high=1)] = -1
    apds: Annotated[int, whole_number("photodiodes that are counted; 0: none", low=0, high=64)] = 2
    spc_dead_share: Annotated[
        float, quantity("share of the counts after which a photodiode is blind for the next bunch", low=0.0, high=1.0)
    ] = 0.0
    probes: Annotated[int, whole_number("X-ray pulses, and gates, per pump pulse", low=2, high=1000)] = 5
    clock_hz: Annotated[float, quantity("clock of the master scaler", "Hz", low=1e3, high=1e9)] = 1e7
    dwell_low_s: Annotated[float, quantity("shortest exposure", "s", above=0.0, high=3600.0)] = 0.001
    dwell_high_s: Annotated[float, quantity("longest exposure", "s", above=0.0, high=86_400.0)] = 400.0
    margin_s: Annotated[float, quantity("time a trigger may take beyond its dwell", "s", above=0.0, high=600.0)] = 10.0

    @property
    def gate_scaler(self) -> str:
        """Scaler record with the gates on its channels: the master itself, unless another one is given."""
        return self.spc_scaler or self.scaler

    def faults(self) -> Iterable[Fault]:
        """Yield a fault for all keys of the table that contradict each other."""
        if bool(self.scaler) == bool(self.detector):
            problem = "is missing. Give" if not self.scaler else f"= {self.scaler!r}: is not used with detector. Give"
            message = f"{problem} the master scaler, or the detector that makes the exposures."
            yield Fault(table="exposure", key="scaler", message=message)
        for key in ("i0_channel", "foil_channel"):
            if getattr(self, key) == CLOCK_CHANNEL:
                yield Fault(
                    table="exposure",
                    key=key,
                    message=f"= {CLOCK_CHANNEL}: this channel counts the scaler's clock, so spectra would be "
                    "normalised by time; allowed from 2 up to 64. Give the channel that the detector is connected to.",
                )
        if self.i0_channel == self.foil_channel:
            yield Fault(
                table="exposure",
                key="foil_channel",
                message=f"= {self.foil_channel}: is i0_channel too. Give each detector its own channel.",
            )
        yield from self._source_faults()
        if self.boxcar_polarity == 0:
            yield Fault(
                table="exposure", key="boxcar_polarity", message="= 0: must be 1 or -1. Give the sign of light."
            )
        yield from ascending("exposure", "dwell_low_s", self.dwell_low_s, "dwell_high_s", self.dwell_high_s, "s")
        overflow_s = (2**CLOCK_BITS - 1) / self.clock_hz
        if self.dwell_high_s > overflow_s:
            yield Fault(
                table="exposure",
                key="dwell_high_s",
                message=f"= {self.dwell_high_s:g} s: the scaler's clock of {self.clock_hz:g} Hz has {CLOCK_BITS} bits "
                f"and overflows after {overflow_s:.6g} s. Lower it.",
            )

    def _source_faults(self) -> Iterable[Fault]:
        """Yield a fault unless the counts come from one source, each gate from a channel of its own."""
        if self.apds == 0 or self.detector:
            return
        # Two sources of the same counts could disagree. The boxcar's frame has no time stamp rule of its own: it is
        # matched by the number in the counters' frame.
        if bool(self.spc_frame) == bool(self.spc_channels):
            problem = "and spc_channels are both given" if self.spc_frame else "is missing, and so is spc_channels"
            yield Fault(table="exposure", key="spc_frame", message=f"{problem}. Give one of them.")
        if bool(self.spc_frame) != bool(self.boxcar_frame) and not (self.spc_channels and self.spc_frame):
            given, missing = ("boxcar_frame", "spc_frame") if self.boxcar_frame else ("spc_frame", "boxcar_frame")
            yield Fault(
                table="exposure",
                key=missing,
                message=f"is missing, but {given} is given: an exposure is identified by the number in both. Give both "
                "or neither.",
            )
        if self.spc_channels:
            yield from self._channel_faults()

    def _channel_faults(self) -> Iterable[Fault]:
        """Yield a fault for a wrong number of rows, a channel that a gate cannot have, and two gates on one channel."""
        if len(self.spc_channels) != self.apds:
            yield Fault(
                table="exposure",
                key="apds",
                message=f"= {self.apds}: spc_channels has {len(self.spc_channels)} rows, one per photodiode. Correct "
                "one of them.",
            )
        channels = [channel for row in self.spc_channels for channel in row]
        yield from openings_faults("exposure", self.openings_channel, channels)
        for channel, times in Counter(channels).items():
            if times > 1:
                yield Fault(
                    table="exposure",
                    key="spc_channels",
                    message=f"has two gates on channel {channel}. Give each gate its own channel.",
                )
            if not CLOCK_CHANNEL < channel <= LAST_CHANNEL:
                yield Fault(
                    table="exposure",
                    key="spc_channels",
                    message=f"has channel {channel}: allowed from {CLOCK_CHANNEL + 1} up to {LAST_CHANNEL}; channel "
                    f"{CLOCK_CHANNEL} is the clock. Correct it.",
                )


def openings_faults(table: str, channel: int, gates: Iterable[int]) -> Iterable[Fault]:
    """Yield a fault if the `channel` that counts the openings of a gate is the clock, or that of one of the `gates`."""
    if channel == CLOCK_CHANNEL or channel in gates:
        used = "the clock" if channel == CLOCK_CHANNEL else "a gate"
        yield Fault(
            table=table,
            key="openings_channel",
            message=f"= {channel}: is the channel of {used}. Give the channel that counts the openings, or 0.",
        )


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class SddSettings:
    """Silicon drift detector with the PV of its frame."""

    frame: Pv
    elements: Annotated[int, whole_number("elements of the detector", low=1, high=1024)] = 5
    dead_fraction_high: Annotated[
        float, quantity("share of dead time above which a point is bad", above=0.0, below=1.0)
    ] = 0.3

    def faults(self) -> Iterable[Fault]:
        """Yield nothing: the keys do not depend on each other."""
        return ()


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class FoilWheelSettings:
    """Wheel of calibration foils behind the sample: both PVs hold the symbol of an element, empty for no foil."""

    element: Pv
    element_readback: Pv
    timeout_s: Annotated[float, quantity("longest turn", "s", above=0.0, high=3600.0)] = 60.0

    def faults(self) -> Iterable[Fault]:
        """Yield a fault if both PVs are the same: the read-back would show the setting, not the foil in the beam."""
        if self.element == self.element_readback:
            yield Fault(
                table="foil_wheel",
                key="element_readback",
                message=f"= {self.element_readback}: is the set value too. Give the PV of the foil in the beam.",
            )


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class PilatusSettings:
    """Area detector: areaDetector prefix, folder for its files, exposure limits, geometry.

    With an empty `folder` the session chooses one. If the detector's computer mounts the data elsewhere, its name for
    `local_root` is `ioc_root`, which may be a Windows path. `offset_horizontal_m` is the distance from the direct beam
    to the detector's near edge, `offset_vertical_m` that to its middle row. `margin_s` is the time that an image may
    take beyond its exposure.
    """

    prefix: Pv
    folder: Annotated[str, text("folder of the images, as the session sees it; empty: in the data folder")] = ""
    local_root: Annotated[str, text("folder that both computers share, as the session sees it")] = ""
    ioc_root: Annotated[str, text("the same folder, as the detector's computer sees it")] = ""
    exposure_low_s: Annotated[float, quantity("shortest exposure", "s", above=0.0, high=86_400.0)] = 0.001
    exposure_high_s: Annotated[float, quantity("longest exposure", "s", above=0.0, high=86_400.0)] = 3600.0
    margin_s: Annotated[float, quantity("time an image may take beyond its exposure", "s", above=0.0, high=600.0)] = (
        10.0
    )
    connection_timeout_s: Annotated[float, quantity("time to connect", "s", above=0.0, high=600.0)] = 5.0
    distance_m: Annotated[float, quantity("sample to detector plane", "m", low=0.001, high=100.0)] = 0.2410
    offset_horizontal_m: Annotated[float, quantity("direct beam to near edge", "m", low=-10.0, high=10.0)] = 0.0453
    offset_vertical_m: Annotated[float, quantity("direct beam to middle row", "m", low=-10.0, high=10.0)] = 0.0
    pixel_m: Annotated[float, quantity("side length of a pixel", "m", low=1e-6, high=0.01)] = 172e-6
    rows: Annotated[int, whole_number("rows of an image", low=1, high=20_000)] = 195
    columns: Annotated[int, whole_number("columns of an image", low=1, high=20_000)] = 487
    # A planar undulator is linearly polarised in the orbit plane; monochromators with vertical diffraction keep that.
    polarization: Annotated[
        float, quantity("polarisation of the X-rays: 1 horizontal, 0 none, -1 vertical", "", low=-1.0, high=1.0)
    ] = 1.0

    def faults(self) -> Iterable[Fault]:
        """Yield a fault for all keys of the table that contradict each other."""
        yield from ascending(
            "pilatus", "exposure_low_s", self.exposure_low_s, "exposure_high_s", self.exposure_high_s, "s"
        )
        if bool(self.local_root) != bool(self.ioc_root):
            given, missing = ("local_root", "ioc_root") if self.local_root else ("ioc_root", "local_root")
            yield Fault(
                table="pilatus",
                key=missing,
                message=f"is empty, but {given} is given. Give both: the same folder as each computer sees it.",
            )
        for key in ("folder", "local_root"):
            folder = getattr(self, key)
            if folder and not Path(folder).is_absolute():
                yield Fault(
                    table="pilatus", key=key, message=f"= {folder!r}: must be an absolute path. Begin it with /."
                )
