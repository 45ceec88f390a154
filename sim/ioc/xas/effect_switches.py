"""Switches for everything that makes the beamline less than ideal; PVs that exist in the simulation only."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from caproto.server import PVGroup, pvproperty

from sim.errors import SimulationInputError
from sim.faults.kinds import parameter_name
from sim.physics.effects import MEANINGS, EffectSizes
from sim.physics.experiment import Experiment
from sim.types import Records

PREFIX = "7idd:sim:Effect:"

LARGEST = 1000.0
"""Largest multiple of the usual size that a switch takes."""


async def _set(group: Any, instance: Any, value: float) -> float:
    group.set_size(instance.pvspec.attr, float(value))
    return float(value)


def switch_records() -> Records:
    """Return a record for each effect: the multiple of its usual size, 0 for none."""
    return {
        item.name: pvproperty(
            name=PREFIX + parameter_name(item.name), value=item.default, dtype=float, record="ao", precision=3,
            put=_set, lower_ctrl_limit=0.0, upper_ctrl_limit=LARGEST, doc=f"Sim: {MEANINGS[item.name]}",
        )
        for item in fields(EffectSizes)
    }  # fmt: skip


class EffectSwitches(PVGroup):
    """Sizes of the effects of `experiment`, which start at their defaults."""

    locals().update(switch_records())

    def __init__(self, prefix: str, *, experiment: Experiment, **kwargs: Any) -> None:
        super().__init__(prefix, **kwargs)
        self._experiment = experiment
        experiment.effects = EffectSizes()

    def set_size(self, effect: str, size: float) -> None:
        """Give an effect a multiple of its usual size; raises SimulationInputError outside 0 to 1000."""
        if not 0 <= size <= LARGEST:
            raise SimulationInputError(f"{effect} = {size:g} is outside 0 to {LARGEST:g} times the usual size")
        self._experiment.effects = replace(self._experiment.effects, **{effect: size})
