"""What techniques bring to the application: modules in the folders that have their names.

A technique is a folder of `reduction`. On a floor of the application, such as `trxas.results`, it has a folder of the
same name if it brings something there: `trxas.results.NAME.figures` are the figures of NAME. Each floor states which
modules it asks for, and what they must define; a technique that lacks one has nothing special there.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

import reduction

if TYPE_CHECKING:
    from types import ModuleType

FIRST = "xas"
"""The built-in technique: its modules stand beside the folders of the others."""


@cache
def techniques() -> tuple[str, ...]:
    """Return the names of all techniques, the built-in one first."""
    found = [module.name for module in pkgutil.iter_modules(reduction.__path__) if module.ispkg]
    return (FIRST, *(name for name in found if name != FIRST))


@cache
def bringing(floor: str, part: str) -> tuple[str, ...]:
    """Return the techniques that bring the module `part` to a floor, such as "figures" to "trxas.results".

    Nothing but their folders is imported. Raises ModuleNotFoundError if there is no such floor.
    """
    # A module inside a folder that does not exist cannot be searched for, so the folder comes first.
    folders = [name for name in techniques() if find_spec(f"{floor}.{name}") is not None]
    return tuple(name for name in folders if _has(f"{floor}.{name}", part))


def part_of(floor: str, technique: str, part: str) -> ModuleType | None:
    """Return the module `part` that a technique brings to a floor; None if it brings none."""
    return import_module(f"{floor}.{technique}.{part}") if technique in bringing(floor, part) else None


def parts(floor: str, part: str) -> dict[str, ModuleType]:
    """Return the modules `part` of all techniques that bring one to a floor, by technique."""
    return {name: import_module(f"{floor}.{name}.{part}") for name in bringing(floor, part)}


def _has(folder: str, part: str) -> bool:
    # `part` may lie deeper, as "paper.campaign"; each folder on the way must exist before the next can be asked.
    outer, _, inner = part.partition(".")
    if find_spec(f"{folder}.{outer}") is None:
        return False
    return not inner or _has(f"{folder}.{outer}", inner)
