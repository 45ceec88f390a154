"""Switches for everything that makes the beamline less than ideal; PVs that exist in the simulation only."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from caproto.server import PVGroup, pvproperty

from sim.errors import SimulationInputError
from sim.faults.kinds import parameter_name
from sim.physics.effects import EffectSizes
from sim.physics.experiment import Experiment
from sim.types import Records

PREFIX = "7idd:sim:Effect:"

LARGEST = 1000.0
"""Largest multiple of the usual size that a switch takes."""

MEANINGS = {
    "efficiencies": "counting gates differ",
    "gains": "boxcar gates differ in gain",
    "zeros": "boxcar gates differ in zero",
    "dark_counts": "photodiodes count in the dark",
    "laser_light": "light of the laser in gates",
    "damage": "sample is damaged with dose",
    "laser_power": "power of the laser drifts",
    "pointing": "laser spot moves",
    "time_zero": "time zero drifts with hutch",
    "energy_drift": "Bragg angle drifts",
    "i0_offset": "ion chambers have an offset",
    "i0_curvature": "ion chambers recombine",
    "glitches": "monochromator has glitches",
    "harmonics": "third harmonic in the beam",
    "self_absorption": "sample absorbs fluorescence",
    "dead_time": "photodiodes blind for a bunch",
    "afterpulses": "counts in the next gate",
    "crosstalk": "gates and diodes influence",
    "turbulence": "jet changes within a dwell",
    "mains": "60 Hz on the analog signal",
    "shared_photons": "boxcar shares SPC's photons",
    "noise": "counting noise, 0 or 1",
}


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
