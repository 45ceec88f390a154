"""If these fail, the result that is stated first is not the one that is known best."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from reduction.accumulator import accumulate
from reduction.kinds import reduce_run
from reduction.xas.boxcar_energy import boxcar_spectrum
from reduction.xas.information import information, information_lines, primary
from reduction.xas.results import SpectrumResults
from reduction.xas.spc_energy import spc_spectrum
from reduction.xas.transient import Spectrum
from reduction.xas.unpumped_size import transient_size
from tests.support import live_runs


@pytest.fixture(scope="module")
def both() -> tuple[Spectrum, Spectrum]:
    run = accumulate(live_runs.energy_run())
    return boxcar_spectrum(run), spc_spectrum(run)


def with_errors(spectrum: Spectrum, factor: float) -> Spectrum:
    return replace(spectrum, sigma=factor * spectrum.sigma)


def test_information_grows_with_the_beam_time(both: tuple[Spectrum, Spectrum]) -> None:
    """Half of the error takes four times the beam time."""
    assert information(with_errors(both[1], 0.5)) == pytest.approx(4 * information(both[1]))


def test_saturated_gates_leave_the_boxcar_as_the_primary_result(both: tuple[Spectrum, Spectrum]) -> None:
    boxcar, spc = both
    better = with_errors(spc, 0.1 * float(np.min(boxcar.sigma) / np.max(spc.sigma)))
    assert primary([boxcar, better]) is better
    saturated = replace(spc, sigma=np.full_like(spc.sigma, np.inf))
    assert information(saturated) == 0.0
    assert primary([boxcar, saturated]) is boxcar
    assert information_lines([boxcar, saturated]) == ["most information       the boxcar, all of it"]
    assert information_lines([boxcar]) == []
    assert primary([]) is None


@pytest.mark.parametrize(("factor", "first"), [(0.01, "spc"), (100.0, "boxcar")])
def test_the_primary_result_is_stated_first_and_the_other_too(
    both: tuple[Spectrum, Spectrum], factor: float, first: str
) -> None:
    boxcar, spc = both
    results = SpectrumResults(kind="spectrum", spectra=(boxcar, with_errors(spc, factor)))
    lines = [line for line in results.lines() if line.startswith("transient, ")]
    assert [line.split()[1] for line in lines] == [first, *({"spc", "boxcar"} - {first})]
    headline = results.headline()
    assert headline is not None
    assert results.primary is not None
    assert headline.value.value == pytest.approx(100 * transient_size(results.primary)[1].value)


def test_a_stored_run_states_how_much_more_the_primary_result_holds() -> None:
    results: Any = reduce_run(live_runs.energy_run())
    ratio = information(results.most_precise[1]) / information(results.most_precise[0])
    (line,) = (line for line in results.lines() if line.startswith("most information"))
    assert f"{max(ratio, 1 / ratio):.2g} times" in line
