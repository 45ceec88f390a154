"""The detectors of a scan, and the parts of the beamline that they need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from ophyd import Device
from ophyd.signal import EpicsSignalBase

from devices.beamline import Beamline
from devices.detectors.pilatus import Pilatus
from devices.exposure.condition_limits import BEAM, CONDITIONS, DARK, IMAGE
from devices.exposure.event_reader import EventReader
from devices.exposure.technique_reader import TechniqueDetector
from devices.names import AcquisitionMode
from errors import ConfigurationError

Devices = tuple[Device | EpicsSignalBase, ...]
"""Devices, or single PVs of devices, that are checked together for an answer."""

SampleInBeam = Literal["jet", "cell"]


@dataclass(frozen=True, kw_only=True)
class Detection:
    """How exposures are made and read.

    `modes`: detectors, as named in the start document; `reader`: device that is triggered and gives the event;
    `devices`: devices that must answer; `conditions`: conditions that must hold; `sample`: sample that is moved into
    the beam, None for no change; `pilatus`: takes an image with each exposure. `records_grid`: whether a start document
    without an edge holds the points of the scan, which images at one energy do not need. `unpumped_probe`: whether the
    unpumped probe must come before the next pump, because the transients are measured against it.
    """

    modes: tuple[str, ...]
    reader: EventReader
    devices: Devices
    conditions: frozenset[str]
    sample: SampleInBeam | None = None
    pilatus: Pilatus | None = None
    records_grid: bool = True
    unpumped_probe: bool = True


def pump_probe(beamline: Beamline) -> Detection:
    """Return the detection of the jet with the laser: photodiodes, counted and, if there is a boxcar, analog."""
    return Detection(
        modes=beamline.exposure.modes,
        reader=beamline.point,
        devices=beamline.pump_probe_devices,
        conditions=CONDITIONS,
        sample="jet",
    )


def by_sequencer(beamline: Beamline, detection: Detection) -> Detection:
    """Return a detection whose exposures are the frames of a sequence.

    Raises ConfigurationError for a beamline without sequencer.
    """
    if beamline.sequences is None:
        raise ConfigurationError(
            f'{beamline.configuration.name} has no [sequencer] in its configuration file: use stepping="software", or '
            "describe the sequencer as in trxas/7id.toml. It needs frames and both raw delays."
        )
    return replace(detection, reader=beamline.sequences, devices=(*detection.devices, beamline.sequences.sequencer))


def by_fly_scans(beamline: Beamline, detection: Detection) -> Detection:
    """Return a detection whose exposures are the bins of fly scans.

    Raises ConfigurationError for a beamline without them.
    """
    if beamline.fly is None:
        raise ConfigurationError(
            f'{beamline.configuration.name} has no [fly] in its configuration file: use stepping="software", or '
            "describe its fly scans as in trxas/7id.toml. They need frames with the energy of the encoder."
        )
    return replace(detection, reader=beamline.fly, devices=(*detection.devices, beamline.fly.sequencer))


def xrays_off(beamline: Beamline) -> Detection:
    """Return the detection of the jet with the laser and without X-rays: for the signals of the gates themselves."""
    return replace(pump_probe(beamline), conditions=DARK)


def foil(beamline: Beamline) -> Detection:
    """Return the detection of the foil behind the sample: only the beam matters, not jet, laser or photodiodes.

    Raises ConfigurationError if no diode behind the foil is configured.
    """
    if beamline.exposure.foil is None:
        raise ConfigurationError(
            f"{beamline.configuration.name} has no detector behind the foil. List an ion chamber or diode with the "
            'role "reference" on a channel of the master scaler, or give foil_channel in [exposure].'
        )
    return Detection(
        modes=beamline.exposure.modes,
        reader=beamline.point,
        devices=beamline.pump_probe_devices,
        conditions=BEAM,
    )


def powder(beamline: Beamline) -> Detection:
    """Return the detection of the powder cell by the drift detector; raise ConfigurationError without one."""
    reader = _configured(beamline, "powder", "cell", "sdd")
    sdd = beamline.sdd
    return Detection(
        modes=(AcquisitionMode.SDD,),
        reader=reader,
        devices=(*_powder_devices(beamline), *((sdd,) if sdd else ())),
        conditions=BEAM,
        sample="cell",
    )


def powder_images(beamline: Beamline) -> Detection:
    """Return the detection of the powder cell by the Pilatus; raise ConfigurationError without one."""
    reader = _configured(beamline, "powder_images", "cell", "pilatus")
    pilatus = beamline.pilatus
    assert pilatus is not None  # a beamline with its reader has it
    return Detection(
        modes=(AcquisitionMode.PILATUS,),
        reader=reader,
        devices=(*_powder_devices(beamline), pilatus),
        conditions=IMAGE,
        sample="cell",
        pilatus=pilatus,
        records_grid=False,
    )


def technique(
    kind: type[TechniqueDetector],
    *,
    mode: str,
    conditions: frozenset[str] = BEAM,
    sample: SampleInBeam | None = None,
) -> Callable[[Beamline], Detection]:
    """Return the detection of another package's technique: the further device of class `kind`, with every axis and I0.

    `mode` names its detector in the start document. By default only the beam must hold, not laser and jet. The function
    that is returned raises ConfigurationError for a beamline without the device.
    """

    def detection(beamline: Beamline) -> Detection:
        """Return the detection by this kind of detector. Raises ConfigurationError if `beamline` does not have one."""
        reader = beamline.technique_reader(kind)
        beam = (beamline.surroundings.ring_current, beamline.surroundings.xray_shutter)
        shutters = (beamline.laser_shutter, beamline.xray_shutter)
        return Detection(
            modes=(mode,),
            reader=reader,
            devices=(*beamline.axes.values(), *shutters, beamline.exposure, reader.detector, *beam),
            conditions=conditions,
            sample=sample,
        )

    return detection


def _configured(beamline: Beamline, name: str, *tables: str) -> EventReader:
    # Named by their tables, because that is what a user has to add.
    missing = [f"[{table}]" for table in tables if getattr(beamline.configuration, table) is None]
    reader: EventReader | None = getattr(beamline, name)
    if missing or reader is None:
        raise ConfigurationError(
            f"{beamline.configuration.name} has no {' and no '.join(missing)} in its configuration file, so it cannot "
            "measure the powder cell. Add the tables, as in trxas/7id.toml, or use another beamline."
        )
    return reader


def _powder_devices(beamline: Beamline) -> Devices:
    """Return the devices that are moved or read for the cell, and of the surroundings only those of the beam."""
    # Laser, delay, jet and photodiodes are not among them: a day of powders must not depend on their PVs.
    found = (beamline.energy, beamline.laser_shutter, beamline.exposure, beamline.cell, beamline.sample_stage)
    beam: Devices = (beamline.surroundings.ring_current, beamline.surroundings.xray_shutter)
    return tuple(device for device in (*found, *beam) if device is not None)
