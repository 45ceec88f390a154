"""If these fail, the errors of boxcar transients are too large where the jet moves within an exposure, or too small."""

from __future__ import annotations

import numpy as np
import pytest

from reduction.types import FloatArray
from reduction.xas.exposure_pairs import Intensity
from reduction.xas.gate_correlation import correlated_difference, gate_correlation
from tests.support.unsteady_jet import jet_within_dwell

SCANS = 8
POINTS = 40
OWN = 1e-3


def drawn(jet: float, seed: int) -> tuple[Intensity, Intensity]:
    """On and off of each scan, whose stated errors contain the jet that both gates see alike."""
    rng = np.random.default_rng(seed)
    shape = 1.0 + np.linspace(0.0, 0.5, POINTS)
    common = jet * rng.standard_normal((SCANS, POINTS))
    # A whole scan may be thicker than another; the recipe leaves a part of that.
    scan = 3e-3 * rng.standard_normal((SCANS, 1))
    error = np.full((SCANS, POINTS), float(np.hypot(OWN, jet)))

    def gate(size: float) -> FloatArray:
        return np.asarray(size * shape + common + OWN * rng.standard_normal((SCANS, POINTS)))

    return Intensity(gate(0.98) + scan, error), Intensity(gate(1.0), error)


USED = np.ones((SCANS, POINTS), dtype=bool)


def test_a_jet_that_moves_within_exposures_is_taken_out_of_the_error() -> None:
    """With a jet as large as the own noise of a gate the error of independent gates is 1.41 times the true one."""
    on, off = drawn(OWN, seed=1)
    found = gate_correlation(on, off, USED)
    assert found.value == pytest.approx(0.5, abs=4 * found.sigma)
    sigma = correlated_difference(on.sigma, off.sigma, found.value)
    residual = (on.value - off.value) - (on.value - off.value).mean(axis=1, keepdims=True)
    pulls = (residual - residual.mean(axis=0)) / sigma / np.sqrt((SCANS - 1) / SCANS)
    assert pulls.std() == pytest.approx(1.0, abs=0.12)
    independent = np.hypot(on.sigma, off.sigma)
    assert (pulls * sigma / independent).std() < 0.8


def test_independent_gates_keep_their_measured_errors() -> None:
    """20 runs: chance would give a correlation of three errors in one of 740."""
    for seed in range(20):
        on, off = drawn(0.0, seed=100 + seed)
        assert tuple(gate_correlation(on, off, USED)) == (0.0, 0.0)
    assert correlated_difference(np.array([3.0]), np.array([4.0]), 0.0) == pytest.approx([5.0])


def test_noise_between_scans_is_no_negative_correlation() -> None:
    """A laser that jumps from point to point makes the scatter larger; the covariance of gates does not."""
    on, off = drawn(0.0, seed=2)
    jumps = 5 * OWN * np.random.default_rng(3).standard_normal((SCANS, POINTS))
    assert tuple(gate_correlation(Intensity(on.value + jumps, on.sigma), off, USED)) == (0.0, 0.0)


def test_too_few_repeats_prove_nothing() -> None:
    on, off = drawn(OWN, seed=4)
    few = USED.copy()
    few[1:] = False
    assert tuple(gate_correlation(on, off, few)) == (0.0, 0.0)
    assert tuple(gate_correlation(on, off, np.zeros_like(USED))) == (0.0, 0.0)


def test_the_covariances_in_the_frames_take_the_jet_out_of_the_errors() -> None:
    """Lost: errors that are twice too large where the jet is unsteady, in a single pass, which no scatter can show."""
    steady, unsteady = jet_within_dwell(1, 0.0), jet_within_dwell(1, 8.0)
    assert unsteady.correlation.value == pytest.approx(0.5, abs=0.2)
    assert abs(steady.correlation.value) < 4 * steady.correlation.sigma
    independent = np.hypot(unsteady.on_sigma, unsteady.off_sigma)
    assert np.median(unsteady.sigma / steady.sigma) == pytest.approx(1.0, abs=0.15)
    assert np.median(independent / steady.sigma) > 1.3
