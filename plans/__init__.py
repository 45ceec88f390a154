"""What an experiment does: bluesky plans for scans and calibrations, their grids and their checks.

Every module of `plans.xas` and `plans.powder` is imported here, so that the plans in it register themselves: a new plan
is one file in one of these folders. Plans are attributes of this package, `plans.energy_scan`.
"""

import importlib
import pkgutil
from typing import Any

import plans.powder
import plans.xas
from plans.registry import PLANS, RegisteredPlan
from plans.resume import resume_scan

for _technique in (plans.xas, plans.powder):
    for _module in pkgutil.iter_modules(_technique.__path__, f"{_technique.__name__}."):
        importlib.import_module(_module.name)

__all__ = ["PLANS", "resume_scan"]


def __getattr__(name: str) -> RegisteredPlan:
    """Return the plan called `name`; raises AttributeError, with all names, for another one."""
    if name not in PLANS:
        raise AttributeError(f"trxas has no plan {name!r}. Plans: {', '.join(PLANS)}.")
    return PLANS[name]


def __dir__() -> list[Any]:
    """Return the names of all plans and of the other members of the package."""
    return [*__all__, *PLANS]
