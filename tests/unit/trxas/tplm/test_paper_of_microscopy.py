"""If these fail, `trxas paper tplm` compares with wrong numbers, or a film that disagrees passes."""

from __future__ import annotations

import zlib
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from reduction.kinds import reduce_run
from reduction.run_kind import RunResults
from reduction.tplm.attribution import attribute
from reduction.tplm.relaxation import compare_laws
from reduction.tplm.results import MapResults
from reduction.values import Value
from sim.physics.tplm.diffusion import diffusivity_cm2_s
from sim.physics.tplm.sample import film_path, load_film
from sim.physics.tplm.setting import Setting
from tests.support.tplm.runs import MapPlan, map_documents
from tests.support.tplm.spectra import spectrum_documents
from tests.unit.reduction.tplm.test_series import THREE_CUTS, maps
from trxas.validation.paper.stored_runs import StoredRuns
from trxas.validation.paper.summary import rows_with_truth, summary_lines
from trxas.validation.tplm.paper import cuts, films, spectra, tests_of_artefacts
from trxas.validation.tplm.paper.campaign import SECTIONS
from trxas.validation.tplm.paper.known_truth import truths_in
from trxas.validation.tplm.paper.maps import MapSetting, diffusivity_name

PLAN = MapPlan(places=21, dwell_s=20.0)


class MadeRuns:
    """Maps by the names of the campaign, made when they are asked for, all at 20 MHz, where histograms are short."""

    def __init__(self, settings: dict[str, MapSetting], films_by_prefix: dict[str, str]) -> None:
        self._settings = settings
        self._films = films_by_prefix
        self._made: dict[str, RunResults] = {}

    def results(self, name: str) -> RunResults:
        if name not in self._made:
            film = next((one for prefix, one in self._films.items() if name.startswith(prefix)), "ola_oa")
            setting = self._settings[name]
            true = Setting(power_nw=setting.power_nw, repetition_rate_mhz=20.0, nd_od=setting.nd_od)
            # Of the whole name: maps that are repeated must not have the same noise.
            rng = np.random.default_rng(zlib.crc32(name.encode()))
            self._made[name] = reduce_run(map_documents(load_film(film_path(film)), true, rng, PLAN, uid=name))
        return self._made[name]


def runs_of(settings: tuple[MapSetting, ...], prefix: str = "", film: str = "ola_oa") -> StoredRuns:
    by_name = {prefix + one.name: one for one in settings} | {one.name: one for one in settings}
    return cast(StoredRuns, MadeRuns(by_name, {prefix: film} if prefix else {}))


def test_reversibility_is_seen() -> None:
    reduce = next(one for one in tests_of_artefacts.SECTIONS if one.name == "reversibility").reduce
    found = reduce(runs_of(tests_of_artefacts.THERE_AND_BACK))
    known = truths_in(film_path("ola_oa"), tests_of_artefacts.THERE_AND_BACK)
    rows = rows_with_truth(found.rows, known)
    assert [row.agrees for row in rows] == [True] * 5
    # The other film, of which the rows were not made: its truth disagrees.
    slower = truths_in(film_path("ald_alox"), tests_of_artefacts.THERE_AND_BACK)
    assert [row.agrees for row in rows_with_truth(found.rows, slower)][-1] is False


def test_a_slow_shell_gets_a_limit_and_a_fast_one_fails() -> None:
    settings = (cuts.BRIGHT,)
    section = films.SECTIONS["cald_12"]
    slow = section.reduce(runs_of(settings, "cald_12 ", "cald_12"))
    fast = section.reduce(runs_of(settings, "cald_12 ", "ola_oa"))
    assert slow.rows[1].agrees
    assert "below" in slow.rows[1].remark
    assert fast.rows[1].agrees is False
    truths = truths_in(film_path("cald_12"), films.settings_of("cald_12"), films.prefix_of("cald_12"))
    assert [rows_with_truth(one.rows, truths)[0].agrees for one in (slow, fast)] == [True, False]


def test_relaxation_and_attribution_are_compared_with_the_paper() -> None:
    points = maps(load_film(), THREE_CUTS)
    rows = [*cuts._relaxation_rows(compare_laws(points), ("a",)), *cuts._attribution_rows(attribute(points), ("a",))]
    assert all(row.agrees for row in rows), summary_lines(rows)
    by_fluence = maps(load_film(film_path("fluence")), THREE_CUTS)
    wrong = cuts._attribution_rows(attribute(by_fluence), ("a",))
    assert wrong[0].agrees is False, "a film that depends on the fluence must disagree"
    assert wrong[2].agrees is False
    assert "fluence" in wrong[2].remark


def test_the_truths_are_those_of_the_simulation() -> None:
    """Analysis and simulation share no code, so the formulas stand twice."""
    settings = (MapSetting(power_nw=10.0, rate_mhz=5.0), *tests_of_artefacts.WARMING)
    for name in ("ola_oa", "fluence", "memory", "cald_4"):
        truths = truths_in(film_path(name), settings)
        for one in settings:
            kelvin = 296.0 if one.temperature_k is None else one.temperature_k
            true = Setting(power_nw=one.power_nw, repetition_rate_mhz=one.rate_mhz, temperature_k=kelvin)
            expected = diffusivity_cm2_s(load_film(film_path(name)), true)
            assert truths[diffusivity_name(one)] == pytest.approx(expected)


def test_the_warmest_temperature_follows_from_the_slopes() -> None:
    """Lost: a maximum elsewhere, as of a film without activated trapping, which would pass."""

    def maps_with(activation_mev: float) -> dict[float | None, MapResults]:
        found: dict[float | None, Any] = {}
        for kelvin in tests_of_artefacts.TEMPERATURES_K:
            factor = (kelvin / 296) ** -1.5 * np.exp(-activation_mev / 0.08617 * (1 / kelvin - 1 / 296))
            value = Value(max(0.01 * factor, 1e-3), 5e-4)
            found[kelvin] = SimpleNamespace(diffusivity_cm2_s=value, uid="a")
        return found

    right = tests_of_artefacts._warmest_row(maps_with(19.4))
    assert right.value == pytest.approx(150, rel=0.01)
    assert right.agrees
    assert tests_of_artefacts._warmest_row(maps_with(2.0)).agrees is False


def test_every_map_of_a_section_has_its_own_name() -> None:
    for settings in (cuts.ALL, tests_of_artefacts.THERE_AND_BACK, tests_of_artefacts.WITH_FILTER,
                     tests_of_artefacts.WITHOUT, tests_of_artefacts.WARMING):  # fmt: skip
        assert len({one.name for one in settings}) == len(settings)
    names = [section.name for section in SECTIONS]
    assert len(set(names)) == len(names)
    every: list[Any] = [*cuts.ALL, *tests_of_artefacts.THERE_AND_BACK, *tests_of_artefacts.WITH_FILTER,
                        *tests_of_artefacts.WITHOUT, *tests_of_artefacts.WARMING]  # fmt: skip
    assert len({one.name for one in every}) == len(every), "runs of all sections share their names"


def test_spectra_of_excitons_that_interact_disagree() -> None:
    """Lost: the first evidence of the paper, that its excitons do not interact."""
    known = truths_in(film_path("ola_oa"))
    agree = {}
    for shift in (0.0, 3.0):
        film = load_film()
        film = replace(film, spectrum=replace(film.spectrum, shift_mev_decade=shift))
        rng = np.random.default_rng(9)
        lit = [Setting(power_nw=power, repetition_rate_mhz=2.5) for power in (0.5, 2.0, 20.0)]
        made = {name: spectrum_documents(film, lit, rng, uid=name) for name in spectra.RUNS}
        found = spectra.SECTION.reduce(cast(StoredRuns, SimpleNamespace(documents=made.__getitem__)))
        agree[shift] = {row.name: row.agrees for row in rows_with_truth(found.rows, known)}
        assert len(found.drawings) == 1
    assert set(agree[0.0].values()) == {True}
    assert agree[3.0]["shift of the spectrum per decade of power"] is False
    assert agree[3.0]["broadening per decade of power"] is True
