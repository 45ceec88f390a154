"""Parameters that the plans of the microscope share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from devices.configuration import BeamlineConfiguration
from devices.numbers import is_finite_number
from errors import InputError
from plans.argument import Arg, Limits
from plans.choices import PointOrder
from plans.options import ScanOptions, shared_options
from plans.parameters import DwellS, Metadata, Repeats, Sample, Series

GROUP = "Photoluminescence microscopy"
"""Group of the plans in window and documentation."""

PIXEL_UM = 0.101
"""Width of the detector in the plane of the sample, um: 50 um / 495."""


class LineAxis(StrEnum):
    """Direction of the line over which the detector is stepped."""

    X = "x_um"
    Y = "y_um"


def limits_of(axis: str) -> Callable[[BeamlineConfiguration], Limits | None]:
    """Return a function for the limits of an axis of a table `[axes.NAME]`, in its unit; None without that axis."""

    def limits(configuration: BeamlineConfiguration) -> Limits | None:
        settings = configuration.axes.get(axis)
        return None if settings is None else (settings.low, settings.high)

    return limits


PowerNw = Annotated[
    float, Arg("power of the laser outside the microscope", unit="nW", limits=limits_of("laser_power_nw"))
]
PowersNw = Annotated[
    Sequence[float],
    Arg("powers of the laser outside the microscope", unit="nW", limits=limits_of("laser_power_nw")),
]
RateMhz = Annotated[float, Arg("repetition rate of the laser", unit="MHz", limits=limits_of("repetition_rate_mhz"))]
RatesMhz = Annotated[
    Sequence[float], Arg("repetition rates of the laser", unit="MHz", limits=limits_of("repetition_rate_mhz"))
]
Density = Annotated[float, Arg("optical density of the filter in the detection path", limits=limits_of("nd_od"))]
TemperatureK = Annotated[
    float,
    Arg(
        "temperature of the sample, settled with the laser shutter closed before the run; without it the cryostat "
        "stays as it is",
        unit="K",
        limits=limits_of("temperature_k"),
    ),
]
TemperaturesK = Annotated[
    Sequence[float],
    Arg("temperatures of the sample, in the order given", unit="K", limits=limits_of("temperature_k")),
]
CentreXUm = Annotated[
    float,
    Arg("centre of the image along x; by default as tplm_centre found it last", unit="um", limits=limits_of("x_um")),
]
CentreYUm = Annotated[
    float,
    Arg("centre of the image along y; by default as tplm_centre found it last", unit="um", limits=limits_of("y_um")),
]
Positions = Annotated[int, Arg("positions on the line", low=3, high=400)]
StepUm = Annotated[float, Arg("distance between two positions, by default one width of the "
    "detector", unit="um", low=0.001,
                              high=10.0)]  # fmt: skip
CentreEvery = Annotated[
    int, Arg("number of positions after which the centre is measured again; 0 for never", low=0, high=400)
]
AllowDose = Annotated[bool, Arg("measure even if the spot then exceeds its dose limit")]
Line = Annotated[LineAxis, Arg("direction of the line")]


def numbers(values: Sequence[float], name: str) -> list[float]:
    """Return `values` of the argument `name` as a list; raises InputError unless they are finite numbers."""
    if (
        isinstance(values, str)
        or not isinstance(values, Sequence)
        or not values
        or not all(map(is_finite_number, values))
    ):
        raise InputError(f"{name} = {values!r}: give a list of numbers, such as [1.0, 2.5].")
    return [float(value) for value in values]


@dataclass(frozen=True, kw_only=True)
class SpotOptions:
    """Options of every plan of the microscope."""

    centre_x_um: CentreXUm | None = None
    centre_y_um: CentreYUm | None = None
    dwell_s: DwellS = 30.0
    repeats: Repeats = 1
    sample: Sample = ""
    series: Series = ""
    md: Metadata | None = None
    allow_dose: AllowDose = False

    @property
    def centre(self) -> dict[LineAxis, float]:
        """Centre of the image by axis, um; 0 along an axis whose centre is not given, and was not measured."""
        return {LineAxis.X: self.centre_x_um or 0.0, LineAxis.Y: self.centre_y_um or 0.0}

    @property
    def scan(self) -> ScanOptions:
        """The same options as the engine takes them; points are measured in the order in which they are listed."""
        return ScanOptions(**shared_options(self, ScanOptions), order=PointOrder.UP)


@dataclass(frozen=True, kw_only=True)
class BriefOptions(SpotOptions):
    """Options of a search, with short exposures."""

    dwell_s: DwellS = 1.0


@dataclass(frozen=True, kw_only=True)
class LongOptions(SpotOptions):
    """Options of measurements at one place, with long exposures."""

    dwell_s: DwellS = 60.0


@dataclass(frozen=True, kw_only=True)
class MapOptions(SpotOptions):
    """Options of every plan that makes maps."""

    line_axis: Line = LineAxis.X
    positions: Positions = 31
    step_um: StepUm = PIXEL_UM
    centre_every: CentreEvery = 8
