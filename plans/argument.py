"""One argument of a plan: its meaning, its limits, and the check of a value.

An annotation states an `Arg`; prompt, form and documentation use the `Parameter`, which adds name and default.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from enum import StrEnum
from inspect import Parameter as Signature
from typing import Any

import numpy as np

from devices.configuration import BeamlineConfiguration
from devices.numbers import finite_number, is_finite_number
from errors import InputError, OutOfRangeError
from plans.grids import Region
from plans.metadata import check_text, storable_metadata

Limits = tuple[float, float]
"""Lowest and highest allowed value, inclusive, in the unit of the parameter."""

MAXIMUM_REPEATS = 10_000
"""Largest number of repeats, images or readings of one run; more are considered a mistake."""


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
        """Return the default, in the unit of the parameter; for a quantity that cannot be set here, its only value."""
        limits = None if self.arg.limits is None else self.arg.limits(configuration)
        is_fixed = limits is not None and limits[0] == limits[1] and isinstance(self.default, float)
        return limits[0] if limits is not None and is_fixed else self.default

    def plain_default_at(self, configuration: BeamlineConfiguration | None) -> Any:
        """Return the default as a user writes it, in its unit; with a `configuration`, that of its beamline."""
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
        # The annotation decides which check applies. Arrays only become lists here: the grid checks them as a whole,
        # and names the number that is wrong.
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
