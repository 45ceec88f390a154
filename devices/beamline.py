"""The beamline: every device, built from one configuration, connected or refused as a whole."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from ophyd import Device
from ophyd.signal import EpicsSignalBase

from devices.axis import Axis
from devices.configuration import BeamlineConfiguration
from devices.delay import Delay
from devices.energy import Energy
from devices.exposure import Exposure
from devices.fluence import Fluence
from devices.fresh import disconnected_names, read_together
from devices.laser import Laser, laser_shutter
from devices.point import PointReader
from devices.settings import Settings
from devices.shutter import Shutter
from devices.surroundings import Surroundings
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
    "surroundings_ring_current": "mA",
}
"""Units the raw PVs must have, by signal name: a delay in ns would be wrong by a thousand."""


@dataclass(frozen=True)
class Beamline:
    """All devices of one beamline, with the configuration they were built from."""

    configuration: BeamlineConfiguration
    energy: Energy
    delay: Delay
    fluence: Fluence
    laser: Laser
    laser_shutter: Shutter
    xray_shutter: Shutter
    surroundings: Surroundings
    exposure: Exposure
    point: PointReader
    settings: Settings

    @property
    def devices(self) -> dict[str, Device]:
        """Every ophyd device by its name."""
        found = (self.energy, self.delay, self.fluence, self.laser, self.laser_shutter, self.xray_shutter)
        return {device.name: device for device in (*found, self.surroundings, self.exposure)}

    @property
    def axes(self) -> dict[str, Axis]:
        """Positioners by the name of their event field."""
        return {"energy_ev": self.energy, "delay_ps": self.delay, "fluence_mj_cm2": self.fluence}

    def signals(self) -> Iterator[EpicsSignalBase]:
        """Every PV-backed signal of every device."""
        for device in self.devices.values():
            for walked in device.walk_signals():
                if hasattr(walked.item, "pvname"):
                    yield walked.item

    def disconnected(self) -> list[str]:
        """Names of the PVs that do not answer now."""
        return disconnected_names(self.signals())

    def silent(self, timeout_s: float = 2.0) -> list[str]:
        """Names of the PVs that are not connected, or else of one that does not answer a read: its IOC hangs."""
        missing = self.disconnected()
        if missing:
            return missing
        signals = {f"{name}.{key}": signal for name, axis in self.axes.items()
                   for key, signal in axis.fresh_signals().items()}  # fmt: skip
        try:
            read_together({**signals, **self.exposure.fresh_signals()}, timeout_s)
        except NotConnectedError as error:
            return error.pv_names
        return []

    def connect(self, timeout_s: float | None = None) -> None:
        """Wait for every PV and check its unit.

        Raises NotConnectedError with every PV that did not answer, ConfigurationError with every wrong unit.
        """
        timeout_s = self.configuration.epics.connection_timeout_s if timeout_s is None else timeout_s
        deadline = time.monotonic() + timeout_s
        for signal in self.signals():
            try:
                signal.wait_for_connection(timeout=max(deadline - time.monotonic(), 0.001))
            except TimeoutError:
                continue
        missing = self.disconnected()
        if missing:
            raise NotConnectedError(missing, timeout_s)
        self.check_units()

    def check_units(self) -> None:
        """Raise ConfigurationError for every raw PV whose unit is not the one the conversion assumes.

        A record without a unit says nothing and passes.
        """
        wrong = []
        for signal in self.signals():
            expected, found = RAW_UNITS.get(signal.name), signal.metadata.get("units")
            if expected and found and found != expected:
                wrong.append(f"{signal.pvname} is in {found}, the configuration needs {expected}")
        if wrong:
            raise ConfigurationError(f"Wrong units: {'; '.join(wrong)}. Point the configuration at PVs in those units.")


def build_beamline(configuration: BeamlineConfiguration) -> Beamline:
    """Make every device of `configuration`; nothing is connected or moved yet."""
    prefix, around = configuration.epics.prefix, configuration.surroundings
    energy = Energy(configuration.energy, prefix=prefix, name="energy")
    delay = Delay(configuration.delay, prefix=prefix, name="delay")
    fluence = Fluence(configuration.fluence, prefix=prefix, name="fluence")
    laser = Laser(configuration.laser, prefix=prefix, name="laser")
    surroundings = Surroundings(around, prefix=prefix, name="surroundings")
    exposure = Exposure(configuration.exposure, prefix=prefix, name="exposure")
    axes: dict[str, Axis] = {"energy_ev": energy, "delay_ps": delay, "fluence_mj_cm2": fluence}
    shutter = laser_shutter(configuration.laser, prefix)
    return Beamline(
        configuration=configuration,
        energy=energy,
        delay=delay,
        fluence=fluence,
        laser=laser,
        laser_shutter=shutter,
        xray_shutter=Shutter(
            prefix + around.xray_shutter, prefix + around.xray_shutter_readback, name="xray_shutter", timeout_s=10.0
        ),
        surroundings=surroundings,
        exposure=exposure,
        point=PointReader(axes, exposure, laser, surroundings),
        settings=Settings({**axes, "laser_shutter": shutter}),
    )
