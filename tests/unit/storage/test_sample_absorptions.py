"""If these fail, amplitudes of another concentration than the configured one are wrong, and nothing says so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from plans.grids import join_regions
from reduction.kinds import reduce_run
from reduction.types import Documents
from reduction.xas.results import FluenceResults, SpectrumResults
from sim.physics.effects import EffectSizes
from storage import complete_runs, sample_absorptions
from storage.sample_absorptions import SampleAbsorptions
from tests.support.simulated_runs import QUIET, SimulatedRuns

STORE: Any = object()
JET = {"depth_share": 0.5, "depth_share_error": 0.01, "expected_step": 0.0082, "expected_step_error": 0.0008}
GRID_EV = ((13_450, 13_460, 5), (13_465, 13_477, 1), (13_480, 13_570, 15))
CONCENTRATED = replace(QUIET, self_absorption=10.0)


def measured(effects: EffectSizes) -> tuple[Documents, Documents]:
    """A spectrum and a fluence scan of one sample in a jet whose concentration is described as ever."""
    runs = SimulatedRuns(effects=effects)
    runs.metadata = {"jet": JET, "foil_in_beam": "", "sample": "vial 7"}
    spectrum = runs.run(
        "energy_ev", join_regions(GRID_EV, "eV"), dwell_s=18.0, delay_ps=100.0, fluence_mj_cm2=7.0, repeats=1
    )
    fluences = (0.5, 1.0, 3.0, 5.0, 6.5, 8.0)
    scan = runs.run("fluence_mj_cm2", fluences, dwell_s=18.0, delay_ps=100.0, energy_ev=13_472.0, repeats=1)
    return spectrum, scan


def slope(documents: Documents) -> FluenceResults:
    results = reduce_run(documents)
    assert isinstance(results, FluenceResults)
    return results


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> list[Documents]:
    """The runs of a store, oldest first."""
    runs: list[Documents] = []

    def starts(_: Any, **md: Any) -> list[Any]:
        return [documents[0][1] for documents in runs if md.items() <= documents[0][1].items()]

    monkeypatch.setattr(sample_absorptions, "find_starts", starts)
    monkeypatch.setattr(
        complete_runs, "load_dataset", lambda _, uid: next(one for one in runs if one[0][1]["uid"] == uid)
    )
    return runs


def test_a_spectrum_of_the_sample_corrects_a_scan_at_one_energy(known: list[Documents]) -> None:
    """Lost: 4 % of the slope of a ten times concentrated sample, by the concentration of the last one."""
    thin = slope(measured(QUIET)[1]).line
    assert thin is not None
    spectrum, scan = measured(CONCENTRATED)
    by_configuration = slope(scan)
    known.append(spectrum)
    found = slope(SampleAbsorptions(lambda: STORE).with_step(scan))
    assert by_configuration.slope is not None
    assert found.slope is not None
    assert abs(by_configuration.slope.value / thin.slope.value - 1) > 0.03
    assert found.slope.value == pytest.approx(thin.slope.value, rel=0.01)
    uid = str(spectrum[0][1]["uid"])
    assert f"by the jet and the absorption in the spectrum {uid[:8]}" in found.table()
    assert "% by the concentration in [jet]. Correct" in found.remarks[-1]


def test_the_spectrum_says_that_the_concentration_is_another(known: list[Documents]) -> None:
    results = [reduce_run(measured(effects)[0]) for effects in (CONCENTRATED, replace(QUIET, self_absorption=1.0))]
    assert all(isinstance(one, SpectrumResults) for one in results)
    marked = ["by the concentration in [jet]. Correct" in one.table() for one in results]
    assert marked == [True, False]
    assert not known


def test_a_spectrum_of_another_sample_or_day_is_not_used(known: list[Documents]) -> None:
    spectrum, scan = measured(CONCENTRATED)
    for change in ({"sample": "vial 8"}, {"edge": "Pb L3"}, {"time": spectrum[0][1]["time"] - 2e5}):
        known[:] = [[("start", {**spectrum[0][1], **change}), *spectrum[1:]]]
        assert SampleAbsorptions(lambda: STORE).with_step(scan) is scan
    known[:] = [spectrum]
    assert SampleAbsorptions(lambda: STORE).with_step(spectrum) is spectrum
    unnamed = [("start", {**scan[0][1], "sample": ""}), *scan[1:]]
    assert SampleAbsorptions(lambda: STORE).with_step(unnamed) is unnamed
