"""The detectors in the start document: by name, what each measures and how the reduction uses it."""

from __future__ import annotations

from typing import Any

from devices.beamline import Beamline
from devices.configuration.detector_list import in_exposure
from devices.configuration.listed_detectors import (
    AnalogDetector,
    DriftDetector,
    Entry,
    GatedDetector,
    IonChamber,
    SpcDetector,
)
from devices.exposure.event_reader import EventReader
from devices.exposure.sequence_reader import SequenceReader
from devices.names import DetectorRole


def detector_metadata(beamline: Beamline, reader: EventReader | None = None) -> dict[str, dict[str, Any]]:
    """Return the detectors of a run by name: kind, role, `fields` of events by quantity, and how they are summed.

    Detectors that are read alongside are those of the `reader` of a sequence, which has none, or of single exposures.
    Gated detectors state `weights` (elements,), and which detector they contain; a drift detector also whether it is
    `gated`, or counts all bunches. Ion chambers state `dark`, in counts per second or in the unit of their record, and
    `gain`.
    """
    configuration = beamline.configuration
    further = reader if isinstance(reader, SequenceReader) else beamline.point
    detectors = configuration.all_detectors
    own = {one.name: _fields_in_exposure(one) for one in in_exposure(detectors)}
    fields = own | further.further_fields
    return {
        one.name: {"kind": str(one.kind), "role": str(one.role), "fields": fields[one.name], **_details(one)}
        for one in detectors
        if one.name in fields
    }


def _fields_in_exposure(one: Entry) -> dict[str, str]:
    """Return the event fields of an entry that the exposure itself reads, which do not depend on its name."""
    if isinstance(one, SpcDetector):
        return {"counts": "spc_counts", "pulses": "spc_pulses"}
    if isinstance(one, AnalogDetector):
        return {"mean": "boxcar_mean", "variance": "boxcar_variance"}
    return {"counts": "i0" if one.role is DetectorRole.I0 else "foil"}


def _details(one: Entry) -> dict[str, Any]:
    if isinstance(one, GatedDetector):
        inside = {"contains": one.contains, "share": one.share} if one.contains else {}
        gated = {"gated": one.is_gated} if isinstance(one, DriftDetector) else {}
        return {"weights": list(one.element_weights), **inside, **gated}
    return {"dark": one.dark, "gain": one.gain} if isinstance(one, IonChamber) else {}
