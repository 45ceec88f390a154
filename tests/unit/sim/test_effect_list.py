"""If these fail, an effect has no switch, or a command offers one that no beamline has."""

from __future__ import annotations

from dataclasses import fields

from sim.faults.kinds import effect_list
from sim.ioc.xas.effect_switches import PREFIX, switch_records
from sim.physics.effects import EffectSizes


def test_every_effect_has_a_switch_with_its_default() -> None:
    records = switch_records()
    assert set(records) == {item.name for item in fields(EffectSizes)}
    listed = {PREFIX + entry["effect"]: entry["default"] for entry in effect_list()}
    assert listed == {record.pvspec.name: record.pvspec.value for record in records.values()}
    assert all(entry["meaning"] for entry in effect_list())
