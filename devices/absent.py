"""Devices without the parts that a beamline lacks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


def class_without(kind: type[T], names: Iterable[str]) -> type[T]:
    """Return `kind`, or a class derived from it in which the components `names` are None."""
    # In ophyd a component is an attribute of the class, and each is a PV that must connect.
    missing = tuple(names)
    return type(kind.__name__, (kind,), dict.fromkeys(missing)) if missing else kind
