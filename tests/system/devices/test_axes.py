"""If these fail, an axis moves where it must not, or reports its arrival where it did not arrive."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.axes.delay import split_raw_delay
from devices.configuration import DelaySettings


def delay_settings(**changes: float) -> DelaySettings:
    values: dict[str, Any] = {"time_zero_raw_ps": 169_780.0, "low_ps": -1e5, "high_ps": 2e5} | changes
    return DelaySettings(coarse_setpoint="c", coarse_readback="cr", fine_setpoint="f", fine_readback="fr", **values)


@given(
    raw_ps=st.floats(70_000, 370_000),
    coarse_sign=st.sampled_from([1, -1]),
    fine_sign=st.sampled_from([1, -1]),
    fine_low_ps=st.floats(2560, 6000),
)
def test_coarse_and_fine_add_up_and_fine_stays_in_its_window(
    raw_ps: float, coarse_sign: int, fine_sign: int, fine_low_ps: float
) -> None:
    settings = delay_settings(coarse_sign=coarse_sign, fine_sign=fine_sign, fine_low_ps=fine_low_ps)
    coarse_ps, fine_ps = split_raw_delay(raw_ps, settings)
    assert coarse_sign * coarse_ps + fine_sign * fine_ps == pytest.approx(raw_ps, abs=1e-6)
    assert fine_low_ps - 1e-6 <= fine_ps <= fine_low_ps + settings.coarse_step_ps + 1e-6
