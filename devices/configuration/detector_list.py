"""The list `[[detectors]]` as a whole: which entries the master's exposure reads, and the checks between entries.

The first counting detector, a boxcar's frame, I0 and the reference behind the foil are read by the exposure itself,
whose number or time stamps identify every reading; their entries become keys of `[exposure]`. All other entries are
read alongside it, each separately.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from devices.configuration.detector_settings import ExposureSettings
from devices.configuration.fields import Fault
from devices.configuration.listed_detectors import (
    ENTRIES,
    AnalogDetector,
    DriftDetector,
    Entry,
    GatedDetector,
    IonChamber,
    ListedDetector,
    SpcDetector,
)
from devices.configuration.shared_sources import shared_channels, shared_records
from devices.names import DetectorKind, DetectorRole

TABLE = "[detectors]"
"""Name under which faults of the list are reported; every table's name gets another pair of brackets."""

EXPOSURE_KEYS = (
    "spc_scaler", "spc_frame", "boxcar_frame", "spc_channels", "diodes_per_channel", "openings_channel", "i0_channel",
    "foil_channel", "boxcar_polarity", "apds",
)  # fmt: skip
"""Keys of [exposure] that describe detectors, and follow from the list where there is one."""

NAME = re.compile(r"[a-z][a-z0-9_]*")

OWN_NAMES: Mapping[str, DetectorKind] = {
    "spc": DetectorKind.SPC,
    "boxcar": DetectorKind.ANALOG,
    "i0": DetectorKind.ION_CHAMBER,
    "foil": DetectorKind.ION_CHAMBER,
}
"""Names of detectors whose fields events have always had, each with the only kind that may use it."""


def exposure_keys(detectors: Sequence[Entry]) -> dict[str, Any]:
    """Return the keys of `[exposure]` that follow from the list; those of a missing kind of detector are empty."""
    # A key that is left out would take its default, which describes the usual two photodiodes and boxcar.
    keys: dict[str, Any] = {
        "apds": 0, "spc_scaler": "", "spc_frame": "", "spc_channels": (), "boxcar_frame": "",
        "foil_channel": 0, "diodes_per_channel": 1, "openings_channel": 0,
    }  # fmt: skip
    for one in in_exposure(detectors):
        if isinstance(one, SpcDetector):
            keys |= {"apds": one.elements, "spc_frame": one.frame, "spc_channels": one.channels}
            keys |= {"spc_scaler": one.scaler, "diodes_per_channel": one.diodes}
            keys |= {"openings_channel": one.openings_channel}
        elif isinstance(one, AnalogDetector):
            keys |= {"boxcar_frame": one.frame, "boxcar_polarity": one.polarity}
        elif isinstance(one, IonChamber):
            keys["i0_channel" if one.role is DetectorRole.I0 else "foil_channel"] = one.channel
    return keys


def in_exposure(detectors: Sequence[Entry]) -> list[Entry]:
    """Return the entries that the exposure itself reads, in the order of the list."""
    # Of several entries for one place the first counts; the others are read alongside.
    found: dict[str, Entry] = {}
    for one in detectors:
        slot = _slot(one)
        if slot:
            found.setdefault(slot, one)
    return [one for one in detectors if one in found.values()]


def _slot(one: Entry) -> str:
    """Return the place of an entry in the exposure; empty if it has none."""
    if isinstance(one, SpcDetector) and one.role is DetectorRole.FLUORESCENCE:
        return "spc"
    if isinstance(one, AnalogDetector) and one.frame:
        return "boxcar"
    if isinstance(one, IonChamber) and one.channel and not one.scaler:
        return {DetectorRole.I0: "i0", DetectorRole.REFERENCE: "foil"}.get(one.role, "")
    return ""


def beside_exposure(detectors: Sequence[Entry]) -> list[Entry]:
    """Return the entries that are read alongside the exposure, each separately."""
    own = in_exposure(detectors)
    return [one for one in detectors if one not in own]


def entries_of(exposure: ExposureSettings) -> tuple[Entry, ...]:
    """Return the list that is equivalent to the keys of `[exposure]`, for files without a list."""
    fluorescence = DetectorRole.FLUORESCENCE
    spc = SpcDetector(
        name="spc", role=fluorescence, scaler=exposure.spc_scaler, channels=exposure.spc_channels,
        frame=exposure.spc_frame, photodiodes=exposure.apds, diodes=exposure.diodes_per_channel,
        openings_channel=exposure.openings_channel if exposure.spc_channels else 0,
    )  # fmt: skip
    found: list[Entry] = [spc]
    if exposure.boxcar_frame:
        frame = exposure.boxcar_frame
        polarity = exposure.boxcar_polarity
        found.append(AnalogDetector(name="boxcar", role=fluorescence, frame=frame, polarity=polarity))
    found.append(IonChamber(name="i0", role=DetectorRole.I0, channel=exposure.i0_channel))
    found.append(IonChamber(name="foil", role=DetectorRole.REFERENCE, channel=exposure.foil_channel))
    return tuple(found)


def entry_class(content: Mapping[str, Any]) -> tuple[type[ListedDetector] | None, list[Fault]]:
    """Return the class of an entry by its kind, or None with the fault."""
    kind = content.get("kind")
    if kind in list(DetectorKind):
        return ENTRIES[DetectorKind(kind)], []
    known = ", ".join(DetectorKind)
    close = difflib.get_close_matches(str(kind), list(DetectorKind), n=1)
    hint = f"Did you mean {close[0]}?" if close else f"Give one of {known}."
    problem = f"is missing. Give one of {known}." if kind is None else f"= {kind!r}: is an unknown kind. {hint}"
    return None, [Fault(table=TABLE, key="kind", message=problem)]


def row_name_faults(rows: Iterable[Mapping[str, Any]]) -> Iterable[Fault]:
    """Yield a fault for every invalid name, and for every name that several rows have."""
    for name, times in Counter(str(row["name"]) for row in rows if row.get("name")).items():
        if not NAME.fullmatch(name):
            message = "is not a name. Use lower-case letters, digits and _, and begin with a letter."
            yield Fault(table=TABLE, key=f"{name}: name", message=message)
        if times > 1:
            message = f"is the name of {times} detectors. Give each its own."
            yield Fault(table=TABLE, key=f"{name}: name", message=message)


def labelled(fault: Fault, label: str) -> Fault:
    """Return a fault of one entry with the name of the entry in front of its key."""
    return replace(fault, table=TABLE, key=f"{label}{': ' if fault.key else ':'}{fault.key}")


def list_faults(
    detectors: Sequence[Entry], exposure_given: Iterable[str], taken: Collection[str], *, complete: bool
) -> Iterable[Fault]:
    """Yield a fault for every contradiction between entries of a list that have no faults of their own.

    `exposure_given`: keys of [exposure] in the file; `taken`: names that are already those of event fields; `complete`:
    whether no entry was left out because of faults of its own.
    """
    for key in exposure_given:
        if key in EXPOSURE_KEYS:
            yield Fault(table="exposure", key=key, message="follows from [[detectors]]. Remove it.")
    yield from _name_faults(detectors, taken)
    # If the entry with I0 has a fault of its own, that fault is enough.
    if complete or any(one.role is DetectorRole.I0 for one in detectors):
        yield from _i0_faults(detectors)
    yield from _source_faults(detectors)
    for one in detectors:
        if isinstance(one, GatedDetector):
            yield from _containment_faults(one, detectors)


def _name_faults(detectors: Sequence[Entry], taken: Collection[str]) -> Iterable[Fault]:
    own = in_exposure(detectors)
    for one in detectors:
        key = f"{one.name}: name"
        if OWN_NAMES.get(one.name, one.kind) is not one.kind:
            message = f'is reserved in every run for a detector of the kind "{OWN_NAMES[one.name]}". Choose another.'
            yield Fault(table=TABLE, key=key, message=message)
        elif one.name in ("spc", "i0", "foil") and one not in own and any(_slot(other) == one.name for other in own):
            message = "is reserved for the first detector of its kind. Choose another."
            yield Fault(table=TABLE, key=key, message=message)
        elif one.name in taken and one.name not in OWN_NAMES:
            message = "is already the name of a device or a field. Choose another."
            yield Fault(table=TABLE, key=key, message=message)


def _i0_faults(detectors: Sequence[Entry]) -> Iterable[Fault]:
    chambers = [one for one in detectors if one.role is DetectorRole.I0]
    if len(chambers) != 1:
        problem = "no detector has" if not chambers else f"{', '.join(one.name for one in chambers)} have"
        message = (
            f'{problem} the role "i0", which exactly one must have: everything is divided by it. Correct the roles.'
        )
        yield Fault(table=TABLE, key="", message=message)
    # Another scaler could be started earlier or later than the photodiodes, and I0 would be that of other pulses.
    for one in chambers:
        if not (isinstance(one, IonChamber) and one.channel and not one.scaler):
            message = (
                "must be an ion chamber on a channel of the master scaler, exposure.scaler, whose gate every exposure "
                "follows. Give its channel, and leave scaler out."
            )
            yield Fault(table=TABLE, key=f"{one.name}:", message=message)


def _source_faults(detectors: Sequence[Entry]) -> Iterable[Fault]:
    """Yield a fault for every channel and record that two detectors share, and for frames without a pair."""
    yield from shared_channels(TABLE, detectors)
    yield from shared_records(TABLE, detectors)
    yield from _frame_faults(detectors)


def _frame_faults(detectors: Sequence[Entry]) -> Iterable[Fault]:
    counting = [one for one in detectors if isinstance(one, SpcDetector) and one.role is DetectorRole.FLUORESCENCE]
    analog = [one for one in detectors if isinstance(one, AnalogDetector) and one.frame]
    framed = [one for one in detectors if isinstance(one, SpcDetector) and one.frame]
    if framed and framed[0] is not next(iter(counting), None):
        message = "is only possible for the first detector that counts. Give channels instead."
        yield Fault(table=TABLE, key=f"{framed[0].name}: frame", message=message)
    for kind in (framed[1:], analog[1:]):
        for one in kind:
            message = "is a second frame of this kind. Give one detector the frame, the others channels or records."
            yield Fault(table=TABLE, key=f"{one.name}: frame", message=message)
    # Counts and analog means of one exposure are matched by their numbers, which only frames carry.
    if bool(analog) != bool(framed):
        message = (
            "needs the other frame, of the counts or of the analog signal: an exposure is identified by the number in "
            "both. Give both, or channels and records."
        )
        yield Fault(table=TABLE, key=f"{(analog or framed)[0].name}: frame", message=message)


def _containment_faults(one: GatedDetector, detectors: Sequence[Entry]) -> Iterable[Fault]:
    if not one.contains:
        return
    key = f"{one.name}: contains"
    part = next((other for other in detectors if other.name == one.contains and other is not one), None)
    if part is None:
        others = ", ".join(other.name for other in detectors if other.name != one.name)
        message = f"= {one.contains!r}: is not another detector of the list. Give one of {others}."
        yield Fault(table=TABLE, key=key, message=message)
    elif not isinstance(part, type(one)) or [len(row) for row in part.table_of] != [len(row) for row in one.table_of]:
        message = f"= {one.contains!r}: differs in kind, elements or gates. They must be equal."
        yield Fault(table=TABLE, key=key, message=message)
    # With two levels the order of the subtractions, and the share of each error, would have to be stated too.
    elif part.contains:
        message = f"= {one.contains!r}: that one itself contains another. Only one level is possible: remove one."
        yield Fault(table=TABLE, key=key, message=message)
    elif isinstance(one, SpcDetector | DriftDetector) and one in in_exposure(detectors):
        message = "is not possible for the first detector that counts. List the contained one first."
        yield Fault(table=TABLE, key=key, message=message)


def gate_number_faults(detectors: Sequence[Entry], probes: int) -> Iterable[Fault]:
    """Yield a fault for every row of channels or records without one per gate of the pump scheme, `probes` of them.

    A drift detector may also have one column: it then sees all pulses.
    """
    for one in detectors:
        if not isinstance(one, GatedDetector):
            continue
        for row in one.table_of:
            if len(row) != probes and not (isinstance(one, DriftDetector) and len(row) == 1):
                key = f"{one.name}: {'records' if one.records_of and isinstance(one, AnalogDetector) else 'channels'}"
                message = (
                    f"row {list(row)}: has {len(row)} entries for {probes} gates of the pump scheme. Give one per "
                    f"gate, in "
                    "their order."
                )
                yield Fault(table=TABLE, key=key, message=message)
