"""If these fail, a map during which something changed gives a diffusivity like any other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reduction.kinds import reduce_run, summed
from sim.physics.tplm.sample import load_film
from sim.physics.tplm.setting import Setting
from tests.support.tplm.runs import map_documents
from tests.support.types import Documents

SETTING = Setting(power_nw=5.0, repetition_rate_mhz=10.0)


def made(seed: int) -> Documents:
    return map_documents(load_film(), SETTING, np.random.default_rng(seed))


def counts_of(documents: Documents) -> list[dict[str, Any]]:
    return [doc["data"] for name, doc in documents if name == "event"]


@pytest.fixture(scope="module")
def steady() -> Documents:
    return made(2)


def test_a_steady_map_passes(steady: Documents) -> None:
    reduction = summed(steady)
    checks = reduction.checks()
    assert checks.photons == sum(int(event["tcspc_counts"].sum()) for event in counts_of(steady))
    assert [one.name for one in checks.null_tests] == ["light of the exposures", "background of the exposures"]
    assert min(one.p_value for one in checks.null_tests) > 0.01
    assert not reduction.results().remarks


def test_a_laser_that_was_weak_for_one_exposure_is_named() -> None:
    """Lost: blinking, a mode hop within the tolerance of the meter, a filter that turned, a skipped backlash."""
    documents = made(3)
    event = counts_of(documents)[7]
    event["tcspc_counts"] = np.random.default_rng(0).binomial(event["tcspc_counts"], 0.93).astype(np.uint32)
    (remark,) = reduce_run(documents).remarks
    assert "exposure 8 has 0.9" in remark


def test_a_lamp_in_the_room_is_named() -> None:
    """Lost: light that is flat in the delay, and is taken for a wide image where it is not steady."""
    documents = made(4)
    for event in counts_of(documents)[20:]:
        lamp = np.random.default_rng(1).poisson(1000 * 30 * 16e-12 * 1e7, event["tcspc_counts"].size)
        event["tcspc_counts"] = (event["tcspc_counts"] + lamp).astype(np.uint32)
    remarks = reduce_run(documents).remarks
    assert any("light in the room" in remark for remark in remarks), remarks
