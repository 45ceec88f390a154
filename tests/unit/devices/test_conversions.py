"""If these fail, the window shows another energy, delay or fluence than the session sets."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import conversions
from tests.support.fake_beamline import FakeHardware
from trxas.configuration import load_configuration
from trxas.window.status_items import status_items


@given(value_ev=st.floats(1000, 2e5), offset_ev=st.floats(-20, 20))
def test_an_energy_comes_back(value_ev: float, offset_ev: float) -> None:
    raw_kev = conversions.energy_setpoint_kev(value_ev, offset_ev)
    assert conversions.energy_ev(raw_kev, offset_ev) == pytest.approx(value_ev)


@given(fraction=st.floats(0, 1), zero_deg=st.floats(-45, 45))
def test_a_fluence_comes_back(fraction: float, zero_deg: float) -> None:
    angle = conversions.waveplate_angle_deg(14.0 * fraction, maximum_mj_cm2=14.0, zero_deg=zero_deg)
    shown = conversions.fluence_mj_cm2(angle, maximum_mj_cm2=14.0, zero_deg=zero_deg)
    assert shown == pytest.approx(14.0 * fraction, abs=1e-9)


def test_the_window_converts_as_the_devices_do(tmp_path: Path) -> None:
    line = FakeHardware().beamline
    items = {item.label: item for item in status_items(load_configuration(data=tmp_path))}
    for name, axis, raw in (
        ("energy", line.energy, (13.2,)),
        ("delay", line.delay, (166.9e-9, 3456.0)),
        ("fluence", line.fluence, (20.0,)),
        ("cell temperature", line.cell, (62.7,)),
    ):
        assert axis is not None
        readbacks = dict(zip(axis.raw_readbacks, raw, strict=True))
        assert items[name].convert(raw) == pytest.approx(axis.value_from_raw(readbacks)), name
