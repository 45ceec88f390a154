"""Assembly of a beamline: every device that its configuration asks for, each built once and shared."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ophyd import Device

from devices.axes.axis_group import AxisGroup
from devices.axes.cell import Cell
from devices.axes.delay import delay_axis
from devices.axes.energy import Energy, energy_axis
from devices.axes.fluence import Waveplate, fluence_axis
from devices.axes.further_axis import further_axes
from devices.axes.pointing import pointing_axis
from devices.beamline import Beamline, BeamlineAxes
from devices.configuration import BeamlineConfiguration, FluenceSettings
from devices.detectors.further_detectors import further_detectors
from devices.detectors.pilatus import Pilatus
from devices.detectors.power_meter import PowerMeter
from devices.detectors.sdd import Sdd
from devices.exposure.condition_limits import further_conditions
from devices.exposure.conditions import Conditions
from devices.exposure.event_reader import EventReader
from devices.exposure.fly_reader import FlyReader
from devices.exposure.gated_detectors import Exposure
from devices.exposure.own_detector import OwnDetector
from devices.exposure.point_reader import PointDevices, PointReader
from devices.exposure.powder_reader import PowderDevices, PowderReader
from devices.exposure.scaler_channels import exposure_device
from devices.exposure.sequence_reader import SequenceReader
from devices.exposure.sequencer import Sequencer
from devices.exposure.sweeps import FlyScans
from devices.foil_wheel import FoilWheel
from devices.further_devices import further_devices
from devices.instrument_response import InstrumentResponse
from devices.ioc_safety import Safety, SessionLock
from devices.laser import laser_device, laser_shutter
from devices.ring import ring_device
from devices.sample_stage import SampleStage
from devices.signals.uncached_signal import FreshSignalRO
from devices.surroundings import surroundings_device, xray_shutter
from errors import ConfigurationError


def build_beamline(configuration: BeamlineConfiguration) -> Beamline:
    """Return a beamline with every device of `configuration`, not connected yet; nothing is moved.

    Raises ConfigurationError for a class of a device that cannot be built, and for a detector that cannot make
    exposures.
    """
    prefix = configuration.epics.prefix
    around = configuration.surroundings
    fluence = configuration.fluence
    lasers = configuration.laser
    axes = _axes(configuration, prefix)
    shutter = laser_shutter(configuration.laser, prefix)
    xrays = xray_shutter(around, prefix)
    further = further_detectors(configuration, prefix)
    devices = further_devices(configuration.devices, prefix=prefix)
    # Steps, sequences and fly scans read the same devices, built once: each PV has one channel and one monitor.
    point_devices = PointDevices(
        axes=axes.axes,
        exposure=_exposure(configuration, prefix, devices),
        laser=laser_device(configuration.laser, prefix),
        surroundings=surroundings_device(around, prefix),
        injecting=_optional(prefix, around.injecting, "injecting"),
        further=further,
        conditions=further_conditions(configuration.conditions, prefix),
    )
    point = _point(configuration, point_devices)
    sequences = _sequences(configuration, point_devices)
    fly = _fly(configuration, point_devices)
    return Beamline(
        **vars(axes),
        **_powder_devices(configuration, axes.energy, point_devices, point.conditions),
        **_further_devices(configuration, prefix),
        further_devices=devices,
        configuration=configuration,
        ring=ring_device(configuration, prefix),
        waveplate=Waveplate(fluence, prefix=prefix, name="waveplate") if isinstance(fluence, FluenceSettings) else None,
        power_meter=PowerMeter(lasers, prefix=prefix, name="power_meter") if lasers.power else None,
        laser=point_devices.laser,
        laser_shutter=shutter,
        xray_shutter=xrays,
        surroundings=point_devices.surroundings,
        exposure=point_devices.exposure,
        point=point,
        sequences=sequences,
        fly=fly,
        further_detectors=further.devices,
        axis_group=AxisGroup(
            {**axes.axes, "laser_shutter": shutter, "xray_shutter": xrays},
            stop_first=_stopping([reader for reader in (sequences, fly) if reader is not None]),
        ),
    )


def _exposure(configuration: BeamlineConfiguration, prefix: str, devices: Mapping[str, Device]) -> Exposure:
    """Return what makes the exposures: the master scaler with the detectors that it gates, or a detector of its own.

    Raises ConfigurationError if the configured detector cannot make exposures.
    """
    name = configuration.exposure.detector
    if not name:
        return exposure_device(configuration, prefix)
    detector = devices[name]
    if not isinstance(detector, OwnDetector):
        path = f"{OwnDetector.__module__}.{OwnDetector.__qualname__}"
        raise ConfigurationError(
            f"[exposure] detector = {name!r}: the class of [devices.{name}] cannot make exposures. Give one that is "
            f"derived from {path}."
        )
    detector.use_limits(configuration.exposure)
    return detector


def _point(configuration: BeamlineConfiguration, devices: PointDevices) -> EventReader:
    if isinstance(devices.exposure, OwnDetector):
        return devices.exposure.reader(devices, configuration.quality)
    return PointReader(devices, quality=configuration.quality, pulses_per_s=configuration.scheme.pumps_per_s)


def _sequences(configuration: BeamlineConfiguration, devices: PointDevices) -> SequenceReader | None:
    """Return the reader of sequences; None for a beamline without a sequencer, or without two raw delays."""
    settings = configuration.sequencer
    if settings is None or not configuration.exposure.spc_frame or not configuration.delay.fine_setpoint:
        return None
    prefix = configuration.epics.prefix
    sequencer = Sequencer(settings, configuration.exposure, prefix=prefix, name="sequencer")
    scheme = configuration.scheme
    return SequenceReader(devices, sequencer, quality=configuration.quality, pulses_per_s=scheme.pumps_per_s)


def _fly(configuration: BeamlineConfiguration, devices: PointDevices) -> FlyReader | None:
    """Return the reader of fly scans; None for a beamline without them, or without frames or energy."""
    settings = configuration.fly
    if settings is None or not configuration.exposure.spc_frame or not configuration.energy.is_there:
        return None
    scans = FlyScans(settings, configuration.exposure, prefix=configuration.epics.prefix, name="fly_scans")
    scheme = configuration.scheme
    return FlyReader(devices, scans, quality=configuration.quality, pulses_per_s=scheme.pumps_per_s)


def _stopping(readers: Sequence[SequenceReader]) -> Callable[[], None] | None:
    """Return what stops the hardware that moves shutters by itself; None without any."""
    if not readers:
        return None

    def stop() -> None:
        for reader in readers:
            reader.pause()

    return stop


def _axes(configuration: BeamlineConfiguration, prefix: str) -> BeamlineAxes:
    pointing = configuration.pointing
    geometry = configuration.geometry
    response = InstrumentResponse(sigma_ps=geometry.irf_sigma_ps, error_ps=geometry.irf_error_ps)
    return BeamlineAxes(
        energy=energy_axis(configuration.energy, prefix),
        delay=delay_axis(configuration.delay, response, prefix),
        fluence=fluence_axis(configuration.fluence, prefix),
        pointing_horizontal=pointing_axis(pointing, pointing.horizontal, prefix, "pointing_horizontal"),
        pointing_vertical=pointing_axis(pointing, pointing.vertical, prefix, "pointing_vertical"),
        further_axes=further_axes(configuration.axes, prefix=prefix),
    )


def _optional(prefix: str, pv: str, name: str) -> FreshSignalRO | None:
    """Return the signal of a PV that a beamline may lack, None if it is not configured."""
    return FreshSignalRO(prefix + pv, name=name, auto_monitor=True) if pv else None


def _further_devices(configuration: BeamlineConfiguration, prefix: str) -> dict[str, Any]:
    """Return watchdog, lock, X-ray permit and foil wheel, None unless configured, by their names in a Beamline."""
    safety = configuration.safety
    holder = configuration.holder
    wheel = configuration.foil_wheel
    return {
        "safety": None if safety is None else Safety(safety, prefix=prefix, name="safety"),
        "holder": None if holder is None else SessionLock(holder, prefix=prefix, name="holder"),
        "xray_permit": _optional(prefix, configuration.surroundings.xray_permit, "xray_permit"),
        "foil_wheel": None if wheel is None else FoilWheel(wheel, prefix=prefix, name="foil_wheel"),
    }


def _powder_devices(
    configuration: BeamlineConfiguration, energy: Energy, shared: PointDevices, conditions: Conditions
) -> dict[str, Any]:
    """Return the optional devices of the powder cell and their readers, by their names in a Beamline."""
    prefix = configuration.epics.prefix
    sdd = Sdd(configuration.sdd, prefix=prefix, name="sdd") if configuration.sdd else None
    pilatus = Pilatus(configuration.pilatus, prefix=prefix, name="pilatus") if configuration.pilatus else None
    found: dict[str, Any] = {"sdd": sdd, "pilatus": pilatus}
    if configuration.cell is None:
        return found
    devices = PowderDevices(
        energy=energy,
        cell=Cell(configuration.cell, prefix=prefix, name="cell"),
        stage=SampleStage(configuration.cell, prefix=prefix, name="sample_stage"),
        exposure=shared.exposure,
        surroundings=shared.surroundings,
    )
    found |= {"cell": devices.cell, "sample_stage": devices.stage}
    # The readers share the conditions and the master scaler with the point; each has its own axes and life cycle.
    reader = functools.partial(PowderReader, devices=devices, conditions=conditions, quality=configuration.quality)
    if sdd is not None:
        found["powder"] = reader("powder", sdd=sdd)
    if pilatus is not None:
        found["powder_images"] = reader("powder_images", detectors=[pilatus])
    return found
