"""Pump fluence on the sample, in mJ/cm2, through a half-wave plate and a polariser."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ophyd import EpicsSignal
from ophyd import FormattedComponent as FCpt
from ophyd.status import DeviceStatus

from devices.axes.axis import Axis
from devices.axes.motor_record import MotorFields
from devices.configuration import FixedFluenceSettings, FluenceSettings
from devices.conversions import fluence_mj_cm2, waveplate_angle_deg
from devices.numbers import finite_number
from devices.signals.uncached_signal import FreshSignalRO, LimitedSignal
from errors import InputError, OutOfRangeError


@dataclass(frozen=True, kw_only=True)
class AttenuatorCalibration:
    """Attenuator: fluence = maximum x sin^2(2 (angle - zero)), mJ/cm2 and degrees, with standard errors.

    `source`: "configuration", or the run that measured it. A configured calibration has no errors (None).
    """

    maximum_mj_cm2: float
    zero_deg: float
    maximum_sigma_mj_cm2: float | None = None
    zero_sigma_deg: float | None = None
    source: str = "configuration"

    def __post_init__(self) -> None:
        """Raise InputError for impossible numbers."""
        numbers = (self.maximum_mj_cm2, self.zero_deg, self.maximum_sigma_mj_cm2 or 0.0, self.zero_sigma_deg or 0.0)
        if not all(math.isfinite(number) for number in numbers) or self.maximum_mj_cm2 <= 0:
            raise InputError(
                f"Attenuator with a maximum of {self.maximum_mj_cm2} mJ/cm2 and its zero at {self.zero_deg} deg: both "
                "must be finite and the maximum above 0 mJ/cm2. Calibrate again."
            )


class PlateAxis(Axis):
    """Base of an axis that turns the half-wave plate, a motor record in degrees."""

    angle = FCpt(LimitedSignal, "{_prefix}{_settings.waveplate}", kind="omitted")
    angle_readback = FCpt(FreshSignalRO, "{_prefix}{_settings.waveplate}.RBV", kind="omitted")
    halt = FCpt(EpicsSignal, "{_prefix}{_settings.waveplate}.STOP", kind="omitted")
    motor = FCpt(MotorFields, "{_prefix}{_settings.waveplate}", kind="omitted")

    raw_readbacks = ("angle_readback",)
    raw_setpoints = ("angle",)

    def __init__(self, settings: FluenceSettings, *, prefix: str, name: str, **motion: float) -> None:
        self._settings = settings
        self._prefix = prefix
        super().__init__(name=name, timeout_s=settings.timeout_s, **motion)

    def stop(self, *, success: bool = False) -> None:
        """Stop the plate where it is; does nothing if the motor does not answer."""
        if self.halt.connected:
            self.halt.put(1)


class Waveplate(PlateAxis):
    """Angle of the half-wave plate, degrees: the attenuator's own axis, for its calibration."""

    unit = "deg"

    def __init__(self, settings: FluenceSettings, *, prefix: str, name: str) -> None:
        super().__init__(
            settings,
            prefix=prefix,
            name=name,
            low=settings.angle_low_deg,
            high=settings.angle_high_deg,
            tolerance=settings.angle_tolerance_deg,
        )

    def raw_targets(self, value: float) -> dict[str, float]:
        """Return the motor's setpoint, degrees."""
        return {"angle": value}

    def value_from_raw(self, raw: Mapping[str, float]) -> float:
        """Return the angle, degrees, from the motor's read-back."""
        return float(raw["angle_readback"])


class Fluence(PlateAxis):
    """Pump fluence, mJ/cm2, by `calibration`; the plate is a motor record in degrees."""

    unit = "mJ/cm2"

    def __init__(self, settings: FluenceSettings, *, prefix: str, name: str) -> None:
        self.calibration = AttenuatorCalibration(maximum_mj_cm2=settings.maximum_mj_cm2, zero_deg=settings.zero_deg)
        super().__init__(
            settings,
            prefix=prefix,
            name=name,
            low=settings.low_mj_cm2,
            high=settings.high_mj_cm2,
            tolerance=settings.tolerance_mj_cm2,
        )

    @property
    def spot_area_cm2(self) -> float:
        """Area of the laser spot on the sample, cm2: an ellipse of the configured widths."""
        return math.pi / 4 * self._settings.spot_horizontal_um * self._settings.spot_vertical_um * 1e-8

    @property
    def probed_share(self) -> float:
        """Fluence averaged over the X-ray spot, relative to this axis: 0.693 for X-rays that are much smaller.

        The axis is pulse energy over the ellipse of the laser's full widths, w and h. At its centre a Gaussian spot has
        4 ln 2 / (pi w h) times the pulse energy, which is ln 2 of that. Averaging over Gaussian X-rays of widths x and
        y, centred on it, takes another 1 / sqrt((1 + (x/w)^2) (1 + (y/h)^2)).
        """
        settings = self._settings
        across = settings.xray_horizontal_um / settings.spot_horizontal_um
        along = settings.xray_vertical_um / settings.spot_vertical_um
        return math.log(2) / math.sqrt((1 + across**2) * (1 + along**2))

    def configure(self, settings: dict[str, AttenuatorCalibration]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Use `settings["calibration"]`, mJ/cm2 and degrees; return the old and the new one as bluesky expects."""
        old = self.calibration
        self.calibration = settings["calibration"]
        now = time.time()
        return tuple({"calibration": {"value": asdict(item), "timestamp": now}} for item in (old, self.calibration))  # type: ignore[return-value]  # two of them

    def check_value(self, value: float) -> None:
        """Raise InputError unless `value`, mJ/cm2, is within the limits and the laser can give it."""
        super().check_value(value)
        # Two different limits: what the sample may get, from the configuration, and what the laser can give, from the
        # latest calibration. A calibration can find less light than the configuration promises; beyond the maximum
        # there is no angle of the plate at all.
        if value > self.calibration.maximum_mj_cm2:
            maximum = self.calibration.maximum_mj_cm2
            remedy = "The attenuator cannot transmit more: raise the laser power, then run calibrate_attenuator()."
            raise OutOfRangeError(self.name, value, self.low, maximum, self.unit, remedy)

    def raw_targets(self, value: float) -> dict[str, float]:
        """Return the angle of the plate, degrees, for a fluence in mJ/cm2 from 0 to the maximum."""
        plate = self.calibration
        return {"angle": waveplate_angle_deg(value, maximum_mj_cm2=plate.maximum_mj_cm2, zero_deg=plate.zero_deg)}

    def value_from_raw(self, raw: Mapping[str, float]) -> float:
        """Return the fluence, mJ/cm2, from the angle."""
        plate = self.calibration
        return fluence_mj_cm2(
            float(raw["angle_readback"]), maximum_mj_cm2=plate.maximum_mj_cm2, zero_deg=plate.zero_deg
        )


class FixedFluence(Axis):
    """Fluence of a beamline without a remote attenuator, mJ/cm2: always the configured one."""

    unit = "mJ/cm2"
    raw_readbacks = ()
    raw_setpoints = ()
    spot_area_cm2 = math.nan
    probed_share = 0.0
    """Unknown to the hardware: the fluence is the value that the operator states after setting it by hand."""

    def __init__(self, settings: FixedFluenceSettings, *, name: str) -> None:
        self._fixed_mj_cm2 = settings.fixed_mj_cm2
        self.calibration = AttenuatorCalibration(maximum_mj_cm2=settings.fixed_mj_cm2, zero_deg=0.0, source="by hand")
        low_high = settings.low_mj_cm2, settings.high_mj_cm2
        super().__init__(name=name, low=low_high[0], high=low_high[1], tolerance=0.0, timeout_s=1.0)

    def check_value(self, value: float) -> None:
        """Raise InputError unless `value` is the fluence, mJ/cm2, that was set by hand."""
        if not math.isclose(finite_number(value, self.name, self.unit), self._fixed_mj_cm2, rel_tol=1e-6):
            raise InputError(
                f"{self.name} = {value:g} mJ/cm2: the beamline has no attenuator that can be moved from here; "
                f"fixed_mj_cm2 = {self._fixed_mj_cm2:g} mJ/cm2 in [fluence]. Leave the fluence out, or set it by hand "
                "and correct the file."
            )

    def set(self, value: float) -> DeviceStatus:
        """Return a status that is done; raises InputError for any other fluence, mJ/cm2."""
        self.check_value(value)
        status = DeviceStatus(self)
        status.set_finished()
        return status

    def value_from_raw(self, raw: Mapping[str, float]) -> float:
        """Return the fluence, mJ/cm2, that was set by hand."""
        del raw
        return self._fixed_mj_cm2

    def configure(self, settings: dict[str, AttenuatorCalibration]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Change nothing, because there is no attenuator to calibrate in mJ/cm2."""
        del settings
        return {}, {}

    def stop(self, *, success: bool = False) -> None:
        """Do nothing: there is no motion."""


class NoFluence(FixedFluence):
    """Stand-in for the fluence of an endstation without pump."""

    is_there = False


def fluence_axis(settings: FluenceSettings | FixedFluenceSettings, prefix: str) -> Fluence | FixedFluence:
    """Return the axis of the fluence, mJ/cm2: the half-wave plate, or a fixed value that was set by hand."""
    if isinstance(settings, FluenceSettings):
        return Fluence(settings, prefix=prefix, name="fluence")
    return (FixedFluence if settings.is_there else NoFluence)(settings, name="fluence")
