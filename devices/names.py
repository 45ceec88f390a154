"""The closed sets of words that devices, plans and documents share; each member is the plain text that is stored."""

from __future__ import annotations

from enum import StrEnum


class AxisName(StrEnum):
    """Axes that a plan may set, by the name of their event field, which ends in the unit."""

    ENERGY = "energy_ev"
    DELAY = "delay_ps"
    FLUENCE = "fluence_mj_cm2"
    POINTING_HORIZONTAL = "pointing_horizontal_um"
    POINTING_VERTICAL = "pointing_vertical_um"


class ShutterState(StrEnum):
    """States of a shutter; events store them as 1 (open) and 0 (closed)."""

    OPEN = "open"
    CLOSED = "closed"


class Approach(StrEnum):
    """Ways in which a long move down in energy ends: from below after an overshoot, or directly."""

    BELOW = "below"
    DIRECT = "direct"


class AcquisitionMode(StrEnum):
    """Detectors of a run, as its start document lists them under `modes`."""

    SPC = "spc"
    BOXCAR = "boxcar"
    SDD = "sdd"
    PILATUS = "pilatus"


class DetectorKind(StrEnum):
    """Kinds of entries in the list of detectors; the kind decides how values are read and corrected."""

    SPC = "spc"
    ANALOG = "analog"
    SDD = "sdd"
    ION_CHAMBER = "ion_chamber"
    DEVICE = "device"


class DetectorRole(StrEnum):
    """Roles of detectors, which decide their reduction; a monitor is only recorded."""

    FLUORESCENCE = "fluorescence"
    TRANSMISSION = "transmission"
    REFERENCE = "reference"
    I0 = "i0"
    MONITOR = "monitor"
