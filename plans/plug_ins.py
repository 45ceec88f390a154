"""Plans of other installed packages: modules that entry points of the group `trxas.plans` name."""

from __future__ import annotations

from plans.registry import PLANS
from plugins.entry_points import PlugIn, PlugInGroup, load_plug_ins


def load_plans() -> None:
    """Import every module of the group, whose plans register themselves; raises nothing, as failures are logged."""
    load_plug_ins(PlugInGroup.PLANS, _plans_of)


def _plans_of(plug_in: PlugIn) -> list[str]:
    """Return the names of the plans that a module registers; none stays registered if its import fails."""
    before = dict(PLANS)
    try:
        plug_in.load()
    except BaseException:
        # Half a module is not a technique: a plan whose module broke off after it could lack what it calls.
        PLANS.clear()
        PLANS.update(before)
        raise
    return [name for name, plan in PLANS.items() if plan.__module__ == plug_in.target.partition(":")[0]]
