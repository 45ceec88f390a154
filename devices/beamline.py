"""The beamline: every device of one configuration, connected or refused as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ophyd import Device
from ophyd.signal import EpicsSignalBase

from devices.axes.axis import Axis
from devices.axes.axis_group import AxisGroup
from devices.axes.cell import Cell
from devices.axes.delay import Delay
from devices.axes.energy import Energy
from devices.axes.fluence import FixedFluence, Fluence, Waveplate
from devices.axes.pointing import Pointing
from devices.axes.positioner_axis import PositionerAxis
from devices.axes.record_axis import RecordAxis
from devices.bunch_period import MHZ_BY_UNIT
from devices.configuration import BeamlineConfiguration
from devices.detectors.pilatus import Pilatus
from devices.detectors.power_meter import PowerMeter
from devices.detectors.sdd import Sdd
from devices.exposure.event_reader import EventReader
from devices.exposure.fly_reader import FlyReader
from devices.exposure.gated_detectors import Exposure
from devices.exposure.powder_reader import PowderReader
from devices.exposure.sequence_reader import SequenceReader
from devices.exposure.technique_reader import TechniqueDetector, TechniqueDevices, TechniqueReader
from devices.foil_references import FoilReferences
from devices.foil_wheel import FoilWheel
from devices.gates import Gates
from devices.ioc_safety import Safety, SessionLock
from devices.laser import Laser
from devices.names import AxisName
from devices.ring import Ring
from devices.sample_stage import SampleStage
from devices.shutter import Shutter
from devices.signals.connection import wait_connected
from devices.signals.uncached_signal import FreshSignalRO, disconnected_names, read_together
from devices.surroundings import Surroundings
from devices.suspension import Suspension
from errors import ConfigurationError, NotConnectedError

RAW_UNITS = {
    "energy_setpoint": "keV",
    "energy_readback": "keV",
    "delay_coarse_setpoint": "s",
    "delay_coarse_readback": "s",
    "delay_fine_setpoint": "ps",
    "delay_fine_readback": "ps",
    "fluence_angle": "deg",
    "fluence_angle_readback": "deg",
    "pointing_horizontal_setpoint": "um",
    "pointing_vertical_setpoint": "um",
    "power_meter_power": "W",
    "surroundings_ring_current": "mA",
    "cell_setpoint": "C",
    "cell_thermocouple": "C",
    "cell_ramp": "C/min",
}
"""Units that the raw PVs must have, by signal name: a delay in ns would be wrong by a factor of a thousand."""


OPTIONAL_WAIT_S = 1.0
"""Additional time to connect for devices that a pump-probe measurement does not need, s."""


@dataclass(frozen=True, kw_only=True)
class BeamlineAxes:
    """The axes that plans set.

    The fixed ones have the names of the members of AxisName in lower case; `further_axes` come from the configuration.
    """

    energy: Energy
    delay: Delay
    fluence: Fluence | FixedFluence
    pointing_horizontal: Pointing | None = None
    pointing_vertical: Pointing | None = None
    further_axes: Mapping[str, Axis] = field(default_factory=dict)

    @property
    def axes(self) -> dict[str, Axis]:
        """Axes by the name of their event field, which ends in the unit."""
        fixed = {name.value: getattr(self, name.name.lower()) for name in AxisName}
        there = {name: axis for name, axis in fixed.items() if axis is not None and axis.is_there}
        return there | dict(self.further_axes)


@dataclass(frozen=True, kw_only=True)
class Beamline(BeamlineAxes):
    """All devices of one beamline, with the configuration they were built from.

    Optional devices are None unless configured; `further_devices` come from tables `[devices.NAME]`. One that does not
    connect does not stop the session; a plan that needs it refuses to start.
    """

    configuration: BeamlineConfiguration
    waveplate: Waveplate | None
    power_meter: PowerMeter | None
    laser: Laser
    laser_shutter: Shutter
    xray_shutter: Shutter
    surroundings: Surroundings
    exposure: Exposure
    point: EventReader
    axis_group: AxisGroup
    cell: Cell | None = None
    sample_stage: SampleStage | None = None
    sdd: Sdd | None = None
    pilatus: Pilatus | None = None
    foil_wheel: FoilWheel | None = None
    sequences: SequenceReader | None = None
    fly: FlyReader | None = None
    powder: PowderReader | None = None
    powder_images: PowderReader | None = None
    ring: Ring
    # One object for all suspensions: in bluesky, every event of a stream must come from the same objects.
    suspension: Suspension = field(default_factory=Suspension)
    gates: Gates = field(default_factory=Gates)
    foils: FoilReferences = field(default_factory=FoilReferences)
    xray_permit: FreshSignalRO | None = None
    safety: Safety | None = None
    holder: SessionLock | None = None
    further_detectors: tuple[Device, ...] = ()
    further_devices: Mapping[str, Device] = field(default_factory=dict)
    technique_readers: dict[str, TechniqueReader] = field(default_factory=dict)

    def technique_reader(self, kind: type[TechniqueDetector]) -> TechniqueReader:
        """Return the reader of exposures with the further device of class `kind`, the same object at every call.

        Raises ConfigurationError if the configuration has no such device, or several.
        """
        found = [device for device in self.further_devices.values() if isinstance(device, kind)]
        if len(found) != 1:
            path = f"{kind.__module__}.{kind.__qualname__}"
            raise ConfigurationError(
                f"{self.configuration.name} has {len(found)} devices of the class {path}, and the plan needs one. Give "
                f"one table [devices.NAME] with class_path = {path!r} in the configuration file."
            )
        detector = found[0]
        # One object for all runs: it follows monitors of the axes from its first exposure on.
        if detector.name not in self.technique_readers:
            devices = TechniqueDevices(
                axes=self.axes, exposure=self.exposure, surroundings=self.surroundings, detector=detector
            )
            self.technique_readers[detector.name] = TechniqueReader(
                devices, conditions=self.point.conditions, quality=self.configuration.quality
            )
        return self.technique_readers[detector.name]

    @property
    def pump_probe_devices(self) -> tuple[Device, ...]:
        """Devices of every pump-probe measurement."""
        found = (self.laser, self.laser_shutter, self.xray_shutter, self.waveplate, self.power_meter)
        there = (device for device in found if device is not None)
        return (*self.axes.values(), *there, self.surroundings, self.exposure)

    @property
    def devices(self) -> dict[str, Device]:
        """Every ophyd device by its name."""
        found = (*self.pump_probe_devices, *self.guarding_devices, *self.optional_devices)
        return {device.name: device for device in found}

    @property
    def guarding_devices(self) -> tuple[Device, ...]:
        """Watchdog and lock, if the configuration has them; they must answer then."""
        return tuple(device for device in (self.safety, self.holder) if device is not None)

    @property
    def optional_devices(self) -> tuple[Device, ...]:
        """Devices of the powder cell, foil wheel, RF of the ring, further devices and detectors, as configured."""
        found = (self.cell, self.sample_stage, self.sdd, self.pilatus, self.foil_wheel, *self.further_devices.values())
        players = [reader.sequencer for reader in (self.sequences, self.fly) if reader is not None]
        return (*(one for one in found if one is not None), *players, self.ring, *self.further_detectors)

    def signals(self, devices: Iterable[Device | EpicsSignalBase] | None = None) -> Iterator[EpicsSignalBase]:
        """Yield every PV-backed signal of `devices`, by default of all."""
        for device in self.devices.values() if devices is None else devices:
            yield from _signals(device)

    def disconnected(self, devices: Iterable[Device | EpicsSignalBase] | None = None) -> list[str]:
        """Return the names of the PVs of `devices`, by default of all, that are not connected now."""
        return disconnected_names(self.signals(devices))

    def silent(self, devices: Iterable[Device | EpicsSignalBase] | None = None, timeout_s: float = 2.0) -> list[str]:
        """Return the names of the PVs of `devices`, by default of all, that are not connected.

        If all are connected, return the name of a read-back that does not answer within `timeout_s` seconds, as its IOC
        hangs, or whose record is in INVALID alarm. Raises nothing for a silent PV: its name is in the result.
        """
        asked = tuple(self.devices.values() if devices is None else devices)
        # A connection can be alive while its IOC hangs: only a read that is answered proves the contrary.
        if missing := self.disconnected(asked):
            return missing
        signals = {f"{device.name}.{key}": signal for device in asked if isinstance(device, Axis | Exposure)
                   for key, signal in device.fresh_signals().items()}  # fmt: skip
        try:
            read_together(signals, timeout_s)
        except NotConnectedError as error:
            return error.pv_names
        return []

    def connect(self, timeout_s: float | None = None) -> None:
        """Wait up to `timeout_s` seconds for every PV and check its unit; from then on log changes of motor records.

        Raises NotConnectedError with every PV that did not answer, if one of them is required, and ConfigurationError
        with every wrong unit.
        """
        timeout_s = self.configuration.epics.connection_timeout_s if timeout_s is None else timeout_s
        # The required PVs get the whole time. The optional ones connect meanwhile, and get one second more: a beamline
        # without its powder cell must not open slowly every time.
        optional = list(self.signals(self.optional_devices))
        needed = list(self.signals([*self.pump_probe_devices, *self.guarding_devices]))
        needed += self.point.conditions.further_signals
        wait_connected(needed, timeout_s)
        wait_connected(optional, min(OPTIONAL_WAIT_S, timeout_s))
        if disconnected_names(needed):
            raise NotConnectedError(self.disconnected(), timeout_s)
        self.check_units()
        # One axis per motor, so that a change is logged once: plate and fluence share theirs.
        motors = {axis.motor_fields.prefix: axis.motor_fields for axis in self.axes.values() if axis.motor_fields}
        for motor in motors.values():
            motor.follow_changes()

    def check_units(self) -> None:
        """Raise ConfigurationError for every raw PV whose unit is not the one the conversion or its table assumes.

        A record without a unit passes.
        """
        # Conversions assume fixed units, because the numbers of a record do not change when its EGU is edited. A delay
        # PV in ns, or an energy PV in eV, would move the hardware to a wrong place without any error.
        wrong = []
        for signal in self.signals():
            expected = RAW_UNITS.get(signal.name)
            found = signal.metadata.get("units")
            if expected and found and found != expected:
                wrong.append(f"{signal.pvname} is in {found}, the configuration needs {expected}")
        unit = None if self.ring.rf_frequency is None else self.ring.rf_frequency.metadata.get("units")
        if unit and unit not in MHZ_BY_UNIT:
            name = self.ring.rf_frequency.pvname
            wrong.append(f"{name} is in {unit}, the configuration needs {', '.join(MHZ_BY_UNIT)}")
        for name, axis in self.further_axes.items():
            # An axis of its own class may convert, so that its PVs may have other units.
            found = axis.readback.metadata.get("units") if isinstance(axis, RecordAxis | PositionerAxis) else None
            if isinstance(axis, RecordAxis) and axis.is_scaled:
                continue
            if found and found != axis.unit:
                wrong.append(f"{axis.readback.pvname} is in {found}, but [axes.{name}] has unit = {axis.unit!r}")
        if wrong:
            raise ConfigurationError(f"Wrong units: {'; '.join(wrong)}. Point the configuration at PVs in those units.")


def _signals(device: Device | EpicsSignalBase) -> Iterator[EpicsSignalBase]:
    if not isinstance(device, Device):
        yield device
        return
    for walked in device.walk_signals():
        if hasattr(walked.item, "pvname"):
            yield walked.item
