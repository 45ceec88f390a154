"""Declaration of one key of a configuration file: its type, range, unit and meaning together.

The same declaration checks the file, supplies the text of the error message, and becomes the JSON schema from which
editors complete.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field
from pydantic.fields import FieldInfo

DAY_S = 86_400.0

SETTINGS = ConfigDict(extra="forbid")
"""Validation of every table: a key that no code reads is a mistake in the file."""

Pv = Annotated[str, Field(strict=True, pattern=r"^\S+$")]
"""Name of a process variable, without the prefix."""

OptionalPv = Annotated[str, Field(strict=True, pattern=r"^\S*$")]
"""Name of a process variable that the beamline may lack: then it is empty."""


def quantity(
    description: str,
    unit: str = "",
    *,
    above: float | None = None,
    low: float | None = None,
    below: float | None = None,
    high: float | None = None,
) -> Any:
    """Return the declaration of a finite number; all limits are in `unit`.

    `low` and `high` are inclusive limits, `above` and `below` exclusive ones.
    """
    return Field(
        description=f"{description} ({unit})" if unit else description,
        strict=True,
        allow_inf_nan=False,
        gt=above,
        ge=low,
        lt=below,
        le=high,
        json_schema_extra={"unit": unit},
    )


def optional_quantity(description: str, unit: str, *, low: float | None = None, high: float | None = None) -> Any:
    """Return the declaration of a key in `unit`, from `low` to `high`, or of rows of such numbers, that may be missing.

    Lists of a TOML file become tuples.
    """
    return Field(
        description=f"{description} ({unit})",
        allow_inf_nan=None if low is None else False,
        ge=low,
        le=high,
        json_schema_extra={"unit": unit},
    )


def table_name(name: str, key: str) -> str:
    """Return the name of a table `[name.key]` as a TOML file spells it."""
    return f"{name}.{key}" if re.fullmatch(r"[A-Za-z0-9_-]+", key) else f'{name}."{key}"'


def whole_number(description: str, *, low: int, high: int) -> Any:
    """Return the declaration of a whole number without a unit, from `low` to `high` inclusive."""
    return Field(description=description, strict=True, ge=low, le=high)


def text(description: str) -> Any:
    """Return the declaration of a key that is any string."""
    return Field(description=description, strict=True)


def switch(description: str) -> Any:
    """Return the declaration of a key that is true or false."""
    return Field(description=description, strict=True)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing wrong in a configuration file; `key` is empty for a fault of a whole table.

    `file` is the parent with the fault, where it is in `extends` or `omits` of a parent.
    """

    table: str
    key: str
    message: str
    file: Path | None = None

    def __str__(self) -> str:
        file = "" if self.file is None else f"{self.file}: "
        where = f"[{self.table}] " if self.table else ""
        return f"{file}{where}{self.key}{' ' if self.key else ''}{self.message}"


def unit_of(field: FieldInfo) -> str:
    """Return the unit of a declared key, such as "ps"; empty if it has none."""
    extra = field.json_schema_extra
    return str(extra.get("unit", "")) if isinstance(extra, dict) else ""


def allowed_range(field: FieldInfo) -> str:
    """Return the allowed range of a declared key with its unit, in words; empty if there is none."""
    # pydantic stores a limit as an object with one attribute, gt, ge, lt or le, among the metadata of the field.
    limits: dict[str, Any] = {}
    for item in field.metadata:
        limits |= {name: getattr(item, name) for name in ("gt", "ge", "lt", "le") if hasattr(item, name)}
    parts = []
    if "gt" in limits:
        parts.append(f"above {limits['gt']:g}")
    if "ge" in limits:
        parts.append(f"from {limits['ge']:g}")
    if "lt" in limits:
        parts.append(f"below {limits['lt']:g}")
    if "le" in limits:
        parts.append(f"up to {limits['le']:g}")
    return f"{' '.join(parts)} {unit_of(field)}".strip() if parts else ""


def ascending(table: str, low_key: str, low: float, high_key: str, high: float, unit: str) -> Iterable[Fault]:
    """Yield a fault unless `low` is below `high`; both in `unit`."""
    if not low < high:
        yield Fault(
            table=table,
            key=low_key,
            message=f"= {low:g} {unit}: must be below {high_key} = {high:g} {unit}. Swap or correct them.",
        )


def needed_pvs(table: str, settings: object, keys: Iterable[str]) -> Iterable[Fault]:
    """Yield a fault for each of the `keys` of a table that is empty although the beamline needs its PV."""
    for key in keys:
        if not getattr(settings, key):
            yield Fault(table=table, key=key, message="= '': must be a PV name without spaces.")
