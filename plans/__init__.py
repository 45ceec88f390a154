"""What an experiment does: bluesky plans for scans and calibrations, their grids and their checks.

Every module in the folder of a technique, such as `plans.xas`, is imported here, so that the plans in it register
themselves: a new plan is one file in such a folder. Other installed packages add theirs by entry points. Plans are
attributes of this package, `plans.energy_scan`.
"""

import importlib
import pkgutil
from typing import Any

from plans.plan_entry import RegisteredPlan
from plans.plug_ins import load_plans
from plans.registry import PLANS
from plans.resume import repeat_scan, resume_scan

ENGINE = "plans.engine"
"""The only folder that holds no technique."""

for _folder in pkgutil.iter_modules(__path__, f"{__name__}."):
    if _folder.ispkg and _folder.name != ENGINE:
        _technique = importlib.import_module(_folder.name)
        for _module in pkgutil.iter_modules(_technique.__path__, f"{_technique.__name__}."):
            importlib.import_module(_module.name)
load_plans()

__all__ = ["PLANS", "repeat_scan", "resume_scan"]


def __getattr__(name: str) -> RegisteredPlan:
    """Return the plan called `name`; raises AttributeError, with all names, for any other name."""
    if name not in PLANS:
        raise AttributeError(f"trxas has no plan {name!r}. Plans: {', '.join(PLANS)}.")
    return PLANS[name]


def __dir__() -> list[Any]:
    """Return the names of all plans and of the other members of the package."""
    return [*__all__, *PLANS]
