"""If these fail, `trxas chaos --config tplm` calls a night of maps clean that is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reduction.values import Value
from sim.ioc.tplm.exposure_log import MicroscopeLog
from sim.ioc.tplm.film_history import FilmHistory
from sim.ioc.tplm.scene import Scene, Stretch
from sim.physics.tplm.setting import Setting
from trxas.validation.tplm.robustness import MicroscopeTruth, Pair

COUNTS = np.arange(20, dtype=np.int64)
SCENE = Scene(
    setting=Setting(power_nw=10.0, repetition_rate_mhz=2.5, temperature_k=296.0), x_um=0.5, y_um=0.0, sync_hz=2.5e6
)


def judged(tmp_path: Path, stretches: list[Stretch], **changes: Any) -> str:
    """What the truth of an exposure with these stretches is for an event that shows none of it."""
    log = tmp_path / "exposures.jsonl"
    log.unlink(missing_ok=True)
    MicroscopeLog(log, FilmHistory())(7, COUNTS, stretches)
    event = {"exposure_id": 7, "tcspc_counts": COUNTS.astype(np.uint32), "laser_shutter": 1, "x_um": 0.5, "y_um": 0.0}
    (reason,) = MicroscopeTruth(log).judge([event | changes])
    return reason


def test_an_undisturbed_exposure_is_good(tmp_path: Path) -> None:
    assert judged(tmp_path, [Stretch(scene=SCENE, seconds=6.0)]) == ""


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"power_nw": 7.0}, "power_nw"),
        ({"temperature_k": 297.0}, "temperature_k"),
        ({"flood_hz": 1e5}, "flood_hz"),
        ({"filters_in": False}, "filters_in"),
        ({"shutter_open": False}, "laser_shutter"),
    ],
)
def test_every_disturbance_is_seen_from_one_per_cent_of_the_exposure(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    struck = replace(SCENE, setting=replace(SCENE.setting, **changes))
    parts = [Stretch(scene=SCENE, seconds=5.4), Stretch(scene=struck, seconds=0.6)]
    assert judged(tmp_path, parts) == f"{reason} for 10%"
    short = [Stretch(scene=SCENE, seconds=5.99), Stretch(scene=struck, seconds=0.01)]
    assert judged(tmp_path, short) == ""


def test_lost_pulses_a_lost_stage_and_foreign_counts_are_seen(tmp_path: Path) -> None:
    """Lost: a stage that stopped half way, and one histogram that stands in two events."""
    silent = Stretch(scene=replace(SCENE, sync_hz=0.0), seconds=6.0)
    assert judged(tmp_path, [silent]) == "emission for 100%"
    whole = [Stretch(scene=SCENE, seconds=6.0)]
    assert judged(tmp_path, whole, x_um=0.6) == "x_um for 100%"
    assert judged(tmp_path, whole, exposure_id=8) == "no such exposure in the log"
    assert judged(tmp_path, whole, tcspc_counts=COUNTS[::-1]) == "no such exposure in the log"


def test_a_fluctuation_of_diffusivity_and_lifetime_is_counted_once() -> None:
    """Lost: an undisturbed map was called wrong with a chance of 0.001, when its counts had 2 %."""
    usual = Pair.of(Value(0.0713, 0.0016), Value(1.698, 0.010), 0.61)
    odd = Pair.of(Value(0.0783, 0.0017), Value(1.739, 0.011), 0.61)
    difference = odd.values - usual.values
    expected = difference @ np.linalg.inv(usual.covariance + odd.covariance) @ difference
    assert sum(pull**2 for pull in odd.pulls_from(usual)) == pytest.approx(expected)
    assert expected == pytest.approx(10.4, abs=0.3)
    # Apart, both look like deviations of 2.8 errors: 16.6.
    apart = difference**2 / np.diag(usual.covariance + odd.covariance)
    assert apart.sum() > 16


def test_the_mean_of_two_equal_maps_has_half_their_variances() -> None:
    one = Pair.of(Value(0.07, 0.002), Value(1.7, 0.01), 0.61)
    other = Pair.of(Value(0.08, 0.002), Value(1.7, 0.01), 0.61)
    mean = Pair.mean([one, other])
    assert mean.values == pytest.approx([0.075, 1.7])
    assert mean.covariance == pytest.approx(one.covariance / 2)
