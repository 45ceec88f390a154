"""If these fail, maps of a series are fitted with a width that they do not share, or with errors that are too small."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from errors import InputError, ReductionError
from reduction.kinds import combine_runs, reduce_run
from reduction.run_kind import CombineChoice
from reduction.tplm.results import MapResults
from reduction.tplm.series_fit import fit_series
from reduction.tplm.series_results import SeriesResults
from sim.physics.tplm.diffusion import diffusivity_cm2_s
from sim.physics.tplm.sample import load_film
from sim.physics.tplm.setting import Setting
from tests.support.tplm.runs import map_documents
from tests.support.types import Documents

FILM = load_film()
POWERS_NW = (1.0, 10.0, 25.0)


def setting(power_nw: float, **changes: Any) -> Setting:
    return replace(Setting(power_nw=power_nw, repetition_rate_mhz=20.0), **changes)


@pytest.fixture(scope="module")
def series() -> list[Documents]:
    rng = np.random.default_rng(6)
    return [map_documents(FILM, setting(power), rng, uid=f"map-{power:g}") for power in POWERS_NW]


def test_maps_that_share_their_width_know_their_diffusivities_twice_as_well(series: list[Documents]) -> None:
    """Lost: a quarter of the beam time, as is expected of a known width."""
    found = combine_runs(series)
    assert isinstance(found, SeriesResults), found.table()
    alone = [reduce_run(documents) for documents in series]
    for power, value, one in zip(POWERS_NW, found.fit.diffusivity_cm2_s, alone, strict=True):
        assert isinstance(one, MapResults)
        assert abs(value.value - diffusivity_cm2_s(FILM, setting(power))) < 4 * value.sigma
        assert value.sigma < one.fit.diffusivity_cm2_s.sigma
    assert isinstance(alone[0], MapResults)
    assert found.fit.diffusivity_cm2_s[0].sigma < 0.65 * alone[0].fit.diffusivity_cm2_s.sigma
    assert found.fit.covariance[0, 1] > 0
    assert abs(found.fit.start_nm2.value - 64_900) < 5 * found.fit.start_nm2.sigma + 200
    assert found.fit.is_shared
    assert "shared by all maps" in found.table()
    assert "needs maps at 4 different powers" in found.table()


def test_maps_of_another_focus_or_temperature_are_refused(series: list[Documents]) -> None:
    """Lost: diffusivities that contain the defocus of the other map."""
    rng = np.random.default_rng(7)
    blurred = map_documents(FILM, setting(10.0, defocus_um=0.3), rng, uid="blurred")
    with pytest.raises(InputError, match="different widths at time zero"):
        combine_runs([series[1], blurred])
    forced = combine_runs([series[1], blurred], choice=CombineChoice(force=True))
    assert isinstance(forced, SeriesResults)
    assert not forced.fit.is_shared
    cold = map_documents(FILM, setting(10.0, temperature_k=150.0), rng, uid="cold")
    with pytest.raises(InputError, match=r"150\.0 to 296\.0 K"):
        combine_runs([series[1], cold])
    with pytest.raises(ReductionError, match="needs two maps; there are 1"):
        fit_series([(None, None)])  # type: ignore[list-item]  # refused before it is read
