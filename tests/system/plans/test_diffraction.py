"""If these fail, powder images are lost, wrong images belong to events, or a series measures something else."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from errors import (
    NotConnectedError,
)
from tests.support.powder_days import PowderDay, series


@pytest.fixture
def day(tmp_path: Path) -> Iterator[PowderDay]:
    with PowderDay(tmp_path) as runs:
        yield runs


def test_temperatures_in_the_order_given_each_with_both_edges_and_images(day: PowderDay) -> None:
    uids = series(day, images=2, image_dwell_s=3.0, sample="powder 1")
    assert uids == [start["uid"] for start in day.starts]
    found = [(start["temperature_c"], start["plan_name"], start.get("edge")) for start in day.starts]
    per_temperature = [("static_energy_scan", "Br K"), ("static_energy_scan", "Pb L3"), ("diffraction", None)]
    assert found == [(temperature, *run) for temperature, run in itertools.product((60.0, 25.0), per_temperature)]
    assert len({start["series"] for start in day.starts}) == 1
    assert {start["sample"] for start in day.starts} == {"powder 1"}
    # Each temperature is set once.
    assert len(day.moved("cell")) == 2
    assert len([event for event in day.events if "pilatus_image" in event]) == 4


def test_a_series_may_leave_out_edges_or_images(day: PowderDay) -> None:
    assert len(series(day, edges=["Pb L3"], images=0, temperatures_c=[25.0, 30.0])) == 2
    assert {start.get("edge") for start in day.starts} == {"Pb L3"}
    assert len(series(day, edges=[], temperatures_c=[25.0])) == 1


def test_a_series_needs_the_pilatus_before_its_first_spectrum(day: PowderDay) -> None:
    day.pilatus.not_ready = NotConnectedError(["pil:cam1:Acquire"], 5.0)
    with pytest.raises(NotConnectedError, match="pil:cam1:Acquire"):
        series(day)
    day.assert_untouched()
    series(day, images=0, temperatures_c=[25.0])
