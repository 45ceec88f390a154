"""Entries of the list `[[detectors]]`, one class per kind: the PVs of a detector, its elements and its role."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from devices.configuration.detector_class import check_detector_class
from devices.configuration.detector_settings import CLOCK_CHANNEL, LAST_CHANNEL, openings_faults
from devices.configuration.fields import SETTINGS, Fault, OptionalPv, Pv, quantity, switch, text, whole_number
from devices.configuration.shared_sources import shared_channels, shared_records
from devices.names import DetectorKind, DetectorRole
from errors import InputError

ChannelTable = Annotated[
    tuple[tuple[int, ...], ...], Field(description="rows of scaler channels, a row per element and a channel per gate")
]

RecordTable = Annotated[
    tuple[tuple[Pv, ...], ...], Field(description="rows of records, a row per element and a record per gate")
]

Weights = Annotated[
    tuple[float, ...], Field(description="weight of each element in the sum; empty: 1 for each, 0 leaves one out")
]


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class ListedDetector:
    """Base of the detectors of the list: its event fields begin with `name`; `role` decides how it is reduced."""

    name: Annotated[str, text("name of the detector, with which its fields in events begin")]
    role: Annotated[DetectorRole, Field(description="role of the detector")]

    def faults(self, table: str) -> Iterable[Fault]:
        """Yield a fault for all keys of the entry that contradict each other; `table` is its name in messages."""
        return ()

    @property
    def channels_of(self) -> tuple[tuple[str, int], ...]:
        """Scaler channels that it occupies, each as (scaler, channel); the scaler "" is the master."""
        return ()

    @property
    def records_of(self) -> tuple[str, ...]:
        """Records that it reads and that no other detector may have."""
        return ()


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class GatedDetector(ListedDetector):
    """A detector with elements and gates; `contains` names another detector whose values are included in its own.

    `share` is the part of the exposure that the other detector covers; the values of the rest follow by subtraction.
    """

    weights: Weights = ()
    contains: Annotated[str, text("name of another detector whose values are included in these; empty: none")] = ""
    share: Annotated[
        float, quantity("part of the exposure that the contained detector covers", above=0.0, below=1.0)
    ] = 0.5

    @property
    def table_of(self) -> tuple[tuple[int | str, ...], ...]:
        """Channels or records, shape (element, gate); empty for a frame."""
        return ()

    @property
    def elements(self) -> int:
        """Number of elements."""
        return len(self.table_of)

    @property
    def element_weights(self) -> tuple[float, ...]:
        """Weight of each element, (elements,)."""
        return self.weights or (1.0,) * self.elements

    def faults(self, table: str) -> Iterable[Fault]:
        """Yield a fault for rows of different length, for gates with one source, and for impossible weights."""
        if len({len(row) for row in self.table_of}) > 1:
            yield Fault(table=table, key=self._table_key, message="has rows of different length. Give one per gate.")
        yield from shared_channels(table, [self])
        yield from shared_records(table, [self])
        yield from self._weight_faults(table)

    @property
    def _table_key(self) -> str:
        return "channels"

    def _weight_faults(self, table: str) -> Iterable[Fault]:
        if self.weights and len(self.weights) != self.elements:
            yield Fault(
                table=table,
                key="weights",
                message=f"= {list(self.weights)}: has {len(self.weights)} numbers for {self.elements} elements. Give "
                "one per element, or leave the key out.",
            )
        # A weight of 0 switches off a broken element; all 0 would leave nothing to sum.
        sound = all(math.isfinite(weight) and weight >= 0 for weight in self.weights)
        if self.weights and not (sound and any(self.weights)):
            yield Fault(
                table=table,
                key="weights",
                message=f"= {list(self.weights)}: must be finite, at least 0, and one of them above 0. Correct them.",
            )


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class SpcDetector(GatedDetector):
    """Photon counting by gates that count at most once per pulse: on channels of a scaler, or in a frame.

    `diodes` is the number of photodiodes whose counts are summed in one channel. `openings_channel` of the scaler
    counts the openings of one gate, so that gates which do not open are noticed.
    """

    kind: Literal[DetectorKind.SPC] = DetectorKind.SPC
    scaler: Annotated[OptionalPv, text("scaler record with the gates; empty: the master scaler")] = ""
    channels: ChannelTable = ()
    frame: Annotated[OptionalPv, text("frame with the number of the exposure; or give channels")] = ""
    photodiodes: Annotated[int, whole_number("photodiodes in the frame", low=1, high=64)] = 2
    diodes: Annotated[int, whole_number("photodiodes whose counts are summed in one channel", low=1, high=64)] = 1
    openings_channel: Annotated[
        int,
        whole_number(
            "channel that counts the openings of a gate; 0: they are calculated from time and pumps", low=0, high=64
        ),
    ] = 0

    @property
    def table_of(self) -> tuple[tuple[int | str, ...], ...]:
        """Channels, shape (element, gate); empty for a frame."""
        return self.channels

    @property
    def elements(self) -> int:
        """Number of rows of gates."""
        return self.photodiodes if self.frame else len(self.channels)

    @property
    def channels_of(self) -> tuple[tuple[str, int], ...]:
        """Scaler channels of the gates."""
        return tuple((self.scaler, channel) for row in self.channels for channel in row)

    def faults(self, table: str) -> Iterable[Fault]:
        """Yield a fault unless the gates come from one source, and one for every impossible channel."""
        yield from super().faults(table)
        yield from one_source(table, "frame", self.frame, "channels", self.channels)
        channels = [channel for row in self.channels for channel in row]
        yield from channel_range(table, "channels", channels)
        yield from openings_faults(table, self.openings_channel, channels)
        if self.frame and self.openings_channel:
            message = f"= {self.openings_channel}: is not used with a frame, which has the openings. Remove it."
            yield Fault(table=table, key="openings_channel", message=message)


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class AnalogDetector(GatedDetector):
    """Mean signal per pulse, V, of gates: in calc or ai records, or in a frame.

    `polarity` is -1 for a signal that goes negative with light.
    """

    kind: Literal[DetectorKind.ANALOG] = DetectorKind.ANALOG
    records: RecordTable = ()
    frame: Annotated[OptionalPv, text("frame with the number of the exposure; or give records")] = ""
    polarity: Annotated[int, whole_number("-1 for a signal that goes negative with light", low=-1, high=1)] = -1

    @property
    def table_of(self) -> tuple[tuple[int | str, ...], ...]:
        """Records, shape (element, gate); empty for a frame."""
        return self.records

    @property
    def elements(self) -> int:
        """Number of elements; a frame has one."""
        return 1 if self.frame else len(self.records)

    @property
    def records_of(self) -> tuple[str, ...]:
        """Records of the gates."""
        return tuple(record for row in self.records for record in row)

    @property
    def _table_key(self) -> str:
        return "records"

    def faults(self, table: str) -> Iterable[Fault]:
        """Yield a fault unless the signal comes from one source and has a sign."""
        yield from super().faults(table)
        yield from one_source(table, "frame", self.frame, "records", self.records)
        if self.polarity == 0:
            yield Fault(table=table, key="polarity", message="= 0: must be 1 or -1. Give the sign of light.")


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class DriftDetector(GatedDetector):
    """Silicon drift detector, corrected for dead time by input over output rate, each in one record per element.

    The counts of its window are on channels of a scaler, or in records: a column per gate, or one column for all
    bunches, which gives no transient.
    """

    kind: Literal[DetectorKind.SDD] = DetectorKind.SDD
    scaler: Annotated[OptionalPv, text("scaler record with the counts; empty: the master scaler")] = ""
    channels: ChannelTable = ()
    records: RecordTable = ()
    input_rates: Annotated[tuple[Pv, ...], Field(description="record of each element's input count rate (ICR)")] = ()
    output_rates: Annotated[tuple[Pv, ...], Field(description="record of each element's output count rate (OCR)")] = ()
    dead_fraction_high: Annotated[
        float, quantity("share of dead time above which an exposure does not count", above=0.0, below=1.0)
    ] = 0.5

    @property
    def table_of(self) -> tuple[tuple[int | str, ...], ...]:
        """Channels or records of the counts, shape (element, gate)."""
        return self.channels or self.records

    @property
    def is_gated(self) -> bool:
        """Whether each gate has its own counts; with one column the detector has counted the pulses of all bunches."""
        return all(len(row) > 1 for row in self.table_of)

    @property
    def channels_of(self) -> tuple[tuple[str, int], ...]:
        """Scaler channels of the counts."""
        return tuple((self.scaler, channel) for row in self.channels for channel in row)

    @property
    def records_of(self) -> tuple[str, ...]:
        """Records of counts and rates."""
        counts = tuple(record for row in self.records for record in row)
        return (*counts, *self.input_rates, *self.output_rates)

    def faults(self, table: str) -> Iterable[Fault]:
        """Yield a fault unless every element has counts from one source, and both rates."""
        yield from super().faults(table)
        yield from one_source(table, "channels", self.channels, "records", self.records)
        yield from channel_range(table, "channels", (channel for row in self.channels for channel in row))
        for key in ("input_rates", "output_rates"):
            # Elements have different dead times, so that one pair of rates cannot correct all of them.
            if len(getattr(self, key)) != self.elements:
                yield Fault(
                    table=table,
                    key=key,
                    message=f"has {len(getattr(self, key))} records for {self.elements} elements. Give one per "
                    "element: without both rates the dead time cannot be corrected.",
                )


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class IonChamber(ListedDetector):
    """Ion chamber or diode: a scaler channel with counts, or a record with a mean.

    Its signal is (counts - dark x seconds) / gain, or (mean - dark) / gain.
    """

    kind: Literal[DetectorKind.ION_CHAMBER] = DetectorKind.ION_CHAMBER
    scaler: Annotated[OptionalPv, text("scaler record; empty: the master scaler")] = ""
    channel: Annotated[int, whole_number("channel of the scaler; 0: a record is used instead", low=0, high=64)] = 0
    record: Annotated[OptionalPv, text("record with the mean signal; or give channel")] = ""
    dark: Annotated[float, quantity("offset without X-rays: counts per second, or in the unit of the record")] = 0.0
    gain: Annotated[float, quantity("amplification of the signal", above=0.0)] = 1.0

    @property
    def channels_of(self) -> tuple[tuple[str, int], ...]:
        """Its scaler channel."""
        return ((self.scaler, self.channel),) if self.channel else ()

    @property
    def records_of(self) -> tuple[str, ...]:
        """Its record."""
        return (self.record,) if self.record else ()

    def faults(self, table: str) -> Iterable[Fault]:
        """Yield a fault unless the signal comes from one source, which is not a scaler's clock."""
        yield from one_source(table, "record", self.record, "channel", self.channel)
        if self.channel == CLOCK_CHANNEL:
            yield from channel_range(table, "channel", (self.channel,))


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class DeviceDetector(ListedDetector):
    """Any ophyd device by the path of its class, such as ophyd.EpicsScaler; its readings are stored at every point.

    `fields` are the attributes to store, such as `channels.chan1`; by default those that the device itself reads.
    With `trigger` it is triggered with every exposure, otherwise only read.
    """

    kind: Literal[DetectorKind.DEVICE] = DetectorKind.DEVICE
    class_path: Annotated[str, text("module and class of the device, such as ophyd.EpicsScaler")]
    pv: Annotated[Pv, text("prefix of the PVs of the class")]
    fields: Annotated[
        tuple[str, ...], Field(description="attributes to store; empty: those that the device itself reads")
    ] = ()
    trigger: Annotated[bool, switch("trigger it with every exposure")] = False

    def faults(self, table: str) -> Iterable[Fault]:
        """Yield a fault for a class that is not an ophyd device, fields that it lacks, and a role other than monitor.

        All values of such a device are recorded as they are.
        """
        # The reduction needs to know what a value means: counts, seconds or volts. Of an unknown class it does not.
        if self.role is not DetectorRole.MONITOR:
            yield Fault(
                table=table,
                key="role",
                message=f'= "{self.role}": the meaning of the values of {self.class_path} is not known, so they are '
                'recorded but not reduced. Give "monitor", or list its PVs as a detector of another kind.',
            )
        try:
            check_detector_class(self.class_path, self.fields)
        except InputError as error:
            yield Fault(table=table, key="class_path", message=str(error))


ENTRIES: dict[DetectorKind, type[ListedDetector]] = {
    DetectorKind.SPC: SpcDetector,
    DetectorKind.ANALOG: AnalogDetector,
    DetectorKind.SDD: DriftDetector,
    DetectorKind.ION_CHAMBER: IonChamber,
    DetectorKind.DEVICE: DeviceDetector,
}
"""Class of the entry by its kind."""

Entry = SpcDetector | AnalogDetector | DriftDetector | IonChamber | DeviceDetector
"""Any entry of the list."""


def one_source(table: str, first: str, first_value: object, second: str, second_value: object) -> Iterable[Fault]:
    """Yield a fault unless exactly one of two keys is given."""
    if bool(first_value) == bool(second_value):
        problem = f"and {second} are both given" if first_value else f"is missing, and so is {second}"
        yield Fault(table=table, key=first, message=f"{problem}. Give one of them.")


def channel_range(table: str, key: str, channels: Iterable[int]) -> Iterable[Fault]:
    """Yield a fault for every impossible channel: one that the record lacks, or its clock."""
    for channel in channels:
        if not CLOCK_CHANNEL < channel <= LAST_CHANNEL:
            yield Fault(
                table=table,
                key=key,
                message=f"has channel {channel}: allowed from {CLOCK_CHANNEL + 1} up to {LAST_CHANNEL}; channel "
                f"{CLOCK_CHANNEL} is the clock. Correct it.",
            )
