"""Parameters of plans: one annotation gives the signature, the check, the form, the forecast and the documentation.

A parameter is annotated with one of the types below, or with `Annotated[type, Arg(...)]` of its own. `parameters_of`
reads them from a plan; nothing reads a docstring.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from enum import StrEnum
from inspect import Parameter as Signature
from typing import Annotated, Any

import numpy as np

from devices.bunch_period import LARGEST_DEVIATION
from devices.configuration import BeamlineConfiguration
from devices.instrument_response import HIGH_PS, LOW_PS
from devices.names import Approach
from devices.numbers import finite_number, is_finite_number
from errors import InputError, OutOfRangeError
from plans.edges import edge_name, suggested_edges
from plans.grids import Region
from plans.metadata import check_text, storable_metadata

Limits = tuple[float, float]
"""Lowest and highest allowed value, inclusive, in the unit of the parameter."""

MAXIMUM_REPEATS = 10_000
"""Most repeats, images or readings of one run; more are considered a mistake."""


HIGHEST_K = 40.0
"""Largest wave number of a photoelectron in a grid, 1/A: 6 keV above the edge, beyond any EXAFS."""


class PointOrder(StrEnum):
    """Order in which a pass measures its points."""

    UP = "up"
    """Ascending, every pass."""
    SNAKE = "snake"
    """Alternately ascending and descending: a linear drift cancels."""
    PROGRESSIVE = "progressive"
    """Every eighth point first, then those between: a usable curve after an eighth of the time."""


class ShutterReference(StrEnum):
    """When the laser shutter closes for a second reference: never, at every point, or for a whole pass."""

    NONE = "none"
    POINT = "point"
    SCAN = "scan"


class Stepping(StrEnum):
    """What steps the delay from exposure to exposure: the plan, or a sequencer that plays a table by itself."""

    SOFTWARE = "software"
    HARDWARE = "hardware"


class Schedule(StrEnum):
    """When the runs that calibrate a scan are measured: never, before it, or before and after it.

    A number instead of a word stands for before the scan, after every so many passes, and after the last.
    """

    NONE = "none"
    BEFORE = "before"
    AROUND = "around"


class DelayGoal(StrEnum):
    """Result of a delay scan that may end it: the error of every point, or of a lifetime."""

    POINTS = "points"
    TAU1 = "tau1"
    TAU2 = "tau2"


class EnergyGoal(StrEnum):
    """Result of an energy scan that may end it: the error of every point, or of the mean over a window."""

    POINTS = "points"
    WINDOW = "window"


def read_schedule(value: Any) -> Schedule | int:
    """Return a schedule given as a word, or as a number of passes from 1, also written as text.

    Raises InputError for anything else.
    """
    text = str(value).strip()
    if isinstance(value, str | int | np.integer) and not isinstance(value, bool):
        if text in tuple(Schedule):
            return Schedule(text)
        if text.isdecimal() and 1 <= int(text) <= MAXIMUM_REPEATS:
            return int(text)
    words = ", ".join(repr(str(one)) for one in Schedule)
    raise InputError(f"{value!r} is no schedule: give {words}, or a number of passes from 1 to {MAXIMUM_REPEATS}.")


class Direction(StrEnum):
    """Direction in which one mirror moves the laser over the sample."""

    HORIZONTAL = "horizontal"
    VERTICAL = "vertical"


@dataclass(frozen=True)
class Arg:
    """Meaning of a parameter: `description`, `unit`, and the fixed limits `low` and `high`, both inclusive.

    `limits` reads the limits from the configuration of a beamline instead, for everything that a device sets; `remedy`
    is the advice for a value beyond them. `formerly`: earlier names of the parameter, which scripts may still use.
    `read` turns a value into the one that the plan expects, or raises InputError. `suggestions` are values that a form
    offers, where others are allowed too. A form shows a `rare` parameter on request only.
    """

    description: str
    _: KW_ONLY
    unit: str = ""
    low: float | None = None
    high: float | None = None
    limits: Callable[[BeamlineConfiguration], Limits | None] | None = None
    remedy: str = ""
    formerly: tuple[str, ...] = ()
    read: Callable[[Any], Any] | None = None
    suggestions: Callable[[BeamlineConfiguration], Sequence[str]] | None = None
    rare: bool = False


def energy_limits(configuration: BeamlineConfiguration) -> Limits:
    """Return the limits of energies, eV."""
    return configuration.energy.low_ev, configuration.energy.high_ev


def delay_limits(configuration: BeamlineConfiguration) -> Limits:
    """Return the limits of delays, ps."""
    return configuration.delay.low_ps, configuration.delay.high_ps


def fluence_limits(configuration: BeamlineConfiguration) -> Limits:
    """Return the limits of fluences, mJ/cm2."""
    return configuration.fluence.low_mj_cm2, configuration.fluence.high_mj_cm2


def dwell_limits(configuration: BeamlineConfiguration) -> Limits:
    """Return the limits of exposures, s."""
    return configuration.exposure.dwell_low_s, configuration.exposure.dwell_high_s


def image_dwell_limits(configuration: BeamlineConfiguration) -> Limits | None:
    """Return the limits of the exposure of an image, s, for both Pilatus and counters; None without a Pilatus."""
    if configuration.pilatus is None:
        return None
    low, high = dwell_limits(configuration)
    return max(low, configuration.pilatus.exposure_low_s), min(high, configuration.pilatus.exposure_high_s)


def temperature_limits(configuration: BeamlineConfiguration) -> Limits | None:
    """Return the limits of temperatures, C; None without a cell."""
    return None if configuration.cell is None else (configuration.cell.low_c, configuration.cell.high_c)


def position_limits(configuration: BeamlineConfiguration) -> Limits:
    """Return the limits of positions of a mirror, um."""
    return configuration.pointing.low_um, configuration.pointing.high_um


def angle_limits(configuration: BeamlineConfiguration) -> Limits:
    """Return the limits of the angle of the half-wave plate, degrees: a tuple (low, high)."""
    return configuration.fluence.angle_low_deg, configuration.fluence.angle_high_deg


def time_zero_limits(configuration: BeamlineConfiguration) -> Limits:
    """Return the limits of shifts of time zero, ps: beyond half a bunch period another X-ray pulse is nearer."""
    half = configuration.geometry.bunch_period_ps / 2
    return -half, half


def bunch_period_limits(configuration: BeamlineConfiguration) -> Limits:
    """Return the limits of bunch periods, ps: beyond 0.05 % it belongs to another fill pattern."""
    period_ps = configuration.bunch_period.period_ps
    return (1.0 - LARGEST_DEVIATION) * period_ps, (1.0 + LARGEST_DEVIATION) * period_ps


Edge = Annotated[
    str,
    Arg(
        'K or L edge of any element within reach, such as "Fe K"; sets the default energies and the intervals that '
        "normalise a spectrum",
        read=edge_name,
        suggestions=suggested_edges,
    ),
]
EnergyEv = Annotated[
    float, Arg("photon energy; by default the main feature of the edge", unit="eV", limits=energy_limits)
]
RegionsEv = Annotated[
    Sequence[Region],
    Arg(
        "energies as regions (start, stop, step); by default those of the edge",
        unit="eV",
        limits=energy_limits,
        formerly=("grid",),
    ),
]
RegionsK = Annotated[
    Sequence[Region],
    Arg(
        "wave numbers of the photoelectron as regions (start, stop, step), above those in eV; by default those of the "
        "edge, none with `regions_ev`",
        unit="1/A",
        limits=lambda _: (0.0, HIGHEST_K),
        rare=True,
    ),
]
DelayPs = Annotated[
    float, Arg("pump to first probe, positive when the X-rays come after the laser", unit="ps", limits=delay_limits)
]
DelaysPs = Annotated[Sequence[float], Arg("delays of the first probe, ascending", unit="ps", limits=delay_limits)]
RegionsPs = Annotated[
    Sequence[Region],
    Arg("delays as regions (start, stop, step), instead of `delays_ps`", unit="ps", limits=delay_limits),
]
TimeZeroPs = Annotated[
    float,
    Arg(
        "delay on the current axis at which laser and X-rays coincide",
        unit="ps",
        limits=time_zero_limits,
        remedy="Beyond that, another X-ray pulse is closer to the pump.",
    ),
]
ResponsePs = Annotated[
    float,
    Arg("standard deviation of the instrument response", unit="ps", low=LOW_PS, high=HIGH_PS, remedy="Fit it again."),
]
ResponseErrorPs = Annotated[
    float, Arg("standard error of `sigma_ps`, from the same fit", unit="ps", low=0.01, high=HIGH_PS)
]
PeriodPs = Annotated[
    float,
    Arg(
        "time from one X-ray pulse to the next",
        unit="ps",
        limits=bunch_period_limits,
        remedy="Only another fill pattern or harmonic number differs by that much: correct the configuration first.",
    ),
]
PeriodErrorPs = Annotated[
    float, Arg("standard error of `period_ps`, from the same self-test", unit="ps", low=0.001, high=1e4)
]
FluenceMjCm2 = Annotated[float, Arg("pump fluence on the sample", unit="mJ/cm2", limits=fluence_limits)]
FluencesMjCm2 = Annotated[
    Sequence[float], Arg("pump fluences on the sample, ascending", unit="mJ/cm2", limits=fluence_limits)
]
PositionsUm = Annotated[
    Sequence[float], Arg("positions of the mirror, on the sample, ascending", unit="um", limits=position_limits)
]
AnglesDeg = Annotated[
    Sequence[float], Arg("angles of the half-wave plate, ascending, at least 4", unit="deg", limits=angle_limits)
]
DwellPower = Annotated[
    float,
    Arg(
        "growth of the dwell in the regions in k, where `dwell_s` is multiplied by (k / first k)^power; 0 keeps "
        "it constant",
        low=0.0,
        high=3.0,
        rare=True,
    ),
]
DwellS = Annotated[float, Arg("beam time per point, pass and laser state", unit="s", limits=dwell_limits)]
ImageDwellS = Annotated[
    float,
    Arg(
        "beam time per image; `i0` is counted for the same time",
        unit="s",
        limits=image_dwell_limits,
        formerly=("exposure_s", "image_exposure_s"),
    ),
]
Repeats = Annotated[int, Arg("passes over all points", low=1, high=MAXIMUM_REPEATS)]
UntilSigma = Annotated[
    float,
    Arg(
        "error at which the scan ends: ps for a lifetime, otherwise relative to the unpumped signal; each pass then "
        "measures the points that lower it most, and `repeats` above 1 is the most passes",
        low=1e-7,
        high=1e6,
    ),
]
MaxTimeS = Annotated[
    float, Arg("longest beam time of a scan with `until_sigma`", unit="s", low=0.001, high=1_000_000.0)
]
UntilDelays = Annotated[DelayGoal, Arg("result whose error is `until_sigma`: every point, or a lifetime")]
UntilEnergies = Annotated[
    EnergyGoal, Arg("result whose error is `until_sigma`: every point, or the mean over `until_window_ev`")
]
UntilWindowEv = Annotated[
    Sequence[float], Arg("lower and upper limit of the window of `until`", unit="eV", limits=energy_limits)
]
TemperatureC = Annotated[
    float,
    Arg(
        "temperature of the powder, set and settled before the run; without it the cell stays as it is",
        unit="C",
        limits=temperature_limits,
    ),
]
TemperaturesC = Annotated[
    Sequence[float], Arg("temperatures of the powder, measured in the order given", unit="C", limits=temperature_limits)
]
Reference = Annotated[
    ShutterReference,
    Arg("repeat with the laser blocked: nothing (none), every point (point), or every pass (scan)"),
]
SteppedBy = Annotated[
    Stepping,
    Arg(
        "what steps the delay between exposures: the plan (software), or the sequencer, without any dead time but that "
        "of the laser (hardware)"
    ),
]
SliceS = Annotated[
    float,
    Arg(
        "with hardware stepping: count each exposure in slices of this length, of which a bad one is measured again "
        "alone, and all are stored; by default as a whole",
        unit="s",
        low=0.001,
        high=0.1,
    ),
]
GateSchedule = Annotated[
    str | int,
    Arg(
        "dark and blocked exposures in runs of their own, which calibrate the gates of the scan: none, before it "
        "(before), also after it (around), or also after every so many passes (a number): between two of them, the "
        "calibration is interpolated in time",
        read=read_schedule,
        suggestions=lambda _: tuple(Schedule),
        rare=True,
    ),
]
GateSeconds = Annotated[
    float,
    Arg(
        "beam time of the dark exposures, in each state of the laser, and of the blocked ones",
        unit="s",
        low=1.0,
        high=36_000.0,
        rare=True,
    ),
]
FoilSchedule = Annotated[
    str | int,
    Arg(
        "foil scans, which correct the energy axis: none, before the scan (before), also after it (around), or also "
        "after every so many passes (a number): between two of them, the correction is interpolated in time",
        read=read_schedule,
        suggestions=lambda _: tuple(Schedule),
        rare=True,
    ),
]
FoilEdge = Annotated[
    str,
    Arg("K or L edge of the metal foil of `foil`", read=edge_name, suggestions=suggested_edges, rare=True),
]
AllowUnreducible = Annotated[
    bool,
    Arg("measure even if no point lies below or above the edge, so that the spectrum cannot be normalised", rare=True),
]
Sample = Annotated[str, Arg("name of the sample, for the metadata")]
Series = Annotated[str, Arg("name of the series; runs of one series are combined")]
Metadata = Annotated[Mapping[str, Any], Arg("more metadata of the run: names and values", rare=True)]
Order = Annotated[
    PointOrder,
    Arg(
        "order of the points: ascending (up), alternately up and down (snake), or every eighth first and then those "
        "between (progressive); by default snake, and up for the energy",
        rare=True,
    ),
]
EnergyApproach = Annotated[
    Approach,
    Arg("how a long move down in energy ends: from below, or directly; by default as configured", rare=True),
]


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter of a plan, for prompt, form and documentation.

    `kind`: its type without None; `optional`: whether None is allowed; `default`: `inspect.Parameter.empty` if the
    parameter is required; `positional`: whether it may be given by position.
    """

    name: str
    kind: Any
    arg: Arg
    default: Any = Signature.empty
    optional: bool = False
    positional: bool = False

    @property
    def required(self) -> bool:
        """Whether the parameter has no default and must be given."""
        return self.default is Signature.empty

    @property
    def choices(self) -> tuple[str, ...]:
        """Allowed words; empty if any value of the kind is allowed."""
        is_choice = isinstance(self.kind, type) and issubclass(self.kind, StrEnum)
        return tuple(member.value for member in self.kind) if is_choice else ()

    @property
    def plain_default(self) -> Any:
        """Default as a user writes it: a choice as its word."""
        return _plain(self.default)

    def limits(self, configuration: BeamlineConfiguration) -> Limits | None:
        """Return the limits, in the parameter's unit, of a value, of each one in a list, or of the ends of regions.

        None without limits.
        """
        if self.arg.limits is not None:
            return self.arg.limits(configuration)
        return None if self.arg.low is None or self.arg.high is None else (self.arg.low, self.arg.high)

    def default_at(self, configuration: BeamlineConfiguration) -> Any:
        """Return the default, in the unit of the parameter; of a quantity that cannot be set here, its only value."""
        limits = None if self.arg.limits is None else self.arg.limits(configuration)
        is_fixed = limits is not None and limits[0] == limits[1] and isinstance(self.default, float)
        return limits[0] if limits is not None and is_fixed else self.default

    def plain_default_at(self, configuration: BeamlineConfiguration | None) -> Any:
        """Return the default at a beamline, or at any without a `configuration`, in the unit, as a user writes it."""
        return _plain(self.default if configuration is None else self.default_at(configuration))

    def check_limits(self, value: Any, configuration: BeamlineConfiguration) -> None:
        """Raise OutOfRangeError if a number of `value` lies beyond the limits that the configuration sets.

        Anything but numbers is left to the check of its grid or axis.
        """
        limits = None if self.arg.limits is None else self.arg.limits(configuration)
        for number in _numbers_in(value, self.kind):
            if limits is not None and not limits[0] <= number <= limits[1]:
                raise OutOfRangeError(self.name, number, *limits, self.arg.unit, self._remedy(number, limits))

    def _remedy(self, number: float, limits: Limits) -> str:
        """Return the remedy for a number beyond the limits; energies in keV are recognised."""
        if self.arg.unit == "eV" and limits[0] <= 1e3 * number <= limits[1]:
            return f"It looks like keV: give eV, {1e3 * number:g}."
        return self.arg.remedy

    def checked(self, value: Any) -> Any:
        """Return `value` as the plan expects it: numpy values as Python values, words as members of their enum.

        Raises InputError if it is of another kind, not one of the choices, or beyond fixed limits.
        """
        if value is None and self.optional:
            return None
        if self.arg.read is not None:
            return self.arg.read(value)
        if self.choices:
            return self._choice(value)
        # By the kind of the annotation. Lists are only turned from arrays into lists here: their grid checks them as a
        # whole, and names the number that is wrong.
        readers: dict[Any, Callable[[Any], Any]] = {
            bool: self._flag,
            int: self._integer,
            float: self._number,
            str: lambda text: check_text(text, self.name),
            Mapping[str, Any]: lambda md: storable_metadata(md, self.name),
        }
        return readers.get(self.kind, self._list)(value)

    def _choice(self, value: Any) -> StrEnum:
        if not isinstance(value, str) or value not in self.choices:
            raise InputError(f"{self.name} = {value!r}: give one of {', '.join(map(repr, self.choices))}.")
        member: StrEnum = self.kind(value)
        return member

    def _flag(self, value: Any) -> bool:
        if not isinstance(value, bool | np.bool_):
            raise InputError(f"{self.name} = {value!r}: give True or False.")
        return bool(value)

    def _integer(self, value: Any) -> int:
        low = self.arg.low or 0
        high = self.arg.high or MAXIMUM_REPEATS
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or not low <= value <= high:
            raise InputError(f"{self.name} = {value!r}: give a whole number from {low:g} to {high:g}.")
        return operator.index(value)

    def _number(self, value: Any) -> Any:
        number = finite_number(value, self.name, self.arg.unit)
        low = self.arg.low
        high = self.arg.high
        if low is not None and high is not None and not low <= number <= high:
            raise OutOfRangeError(self.name, number, low, high, self.arg.unit)
        return number

    def _list(self, value: Any) -> Any:
        """Return arrays as lists; their content is checked where it is used."""
        if isinstance(value, np.ndarray):
            return value.tolist()
        return [self._list(one) for one in value] if type(value) is list else value


def _plain(default: Any) -> Any:
    if isinstance(default, tuple):
        return tuple(str(one) if isinstance(one, StrEnum) else one for one in default)
    return str(default) if isinstance(default, StrEnum) else default


def _numbers_in(value: Any, kind: Any) -> list[float]:
    """Return the numbers of a value: itself, those of a list, or the ends of regions; none if one is not finite."""
    # Regions are flattened to start, stop, step, start, ...: every third number is a step, which has no limits of its
    # own. A step that is not finite stays, so that the whole value is left to the check of its grid, which explains it.
    found = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    if kind == Sequence[Region]:
        found = [number for region in found if isinstance(region, Sequence) for number in region]
        found = [number for index, number in enumerate(found) if index % 3 < 2 or not is_finite_number(number)]
    return found if all(map(is_finite_number, found)) else []
