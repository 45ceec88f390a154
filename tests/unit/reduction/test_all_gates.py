"""If these fail, a spectrum from all gates is wrong, its errors are, or it is no better than that of two gates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2

from errors import ReductionError
from reduction.accumulator import RunAccumulator, accumulate
from reduction.kinds import reduce_run
from reduction.types import Mode
from reduction.xas.all_gates import all_gates_spectrum
from reduction.xas.gate_shares import fit_gate_shares
from reduction.xas.results import SpectrumResults
from tests.support.beam_time import br_signal, energy_points
from tests.support.exact_spectra import exact

RECOVERED = (1.0, 0.0, 0.0, 0.0, 0.0)
LEFT = (1.0, 0.17, 0.09, 0.04, 0.0)
"""Transient at each gate relative to the first: 100 ps after the pump, and what an offset of 400 ns leaves."""

FALSE_ALARM = 1e-4
"""Probability that a test of chi-square fails by chance, on either side, with other seeds."""


def shared(shares: tuple[float, ...]) -> Any:
    """Return the signal of a transient of one shape, (points, probes)."""
    return np.outer(br_signal(energy_points())[:, 0], shares)


def drawn(br_energy_scan: Any, seed: int, **settings: Any) -> tuple[RunAccumulator, Any]:
    """Return a run whose jet fluctuates by ten times the error of a gate, and its truth."""
    usual = {"scans": 2, "dwell_s": 6.0, "jet": 0.01, "boxcar_noise_v": 8e-4}
    beam_time = br_energy_scan(**(usual | settings))
    return accumulate(beam_time.documents(np.random.default_rng(seed))), beam_time


@pytest.mark.parametrize(("mode", "shares"), [("spc", RECOVERED), ("spc", LEFT), ("boxcar", LEFT)])
def test_all_gates_give_the_transient_of_two_with_true_and_smaller_errors(
    br_energy_scan: Any, mode: Mode, shares: tuple[float, ...]
) -> None:
    """Lost: beam time, or the truth. Chi-square of 10 runs of 44 points and shape tests; 2 in 1e4 by chance."""
    gains = (0.0,) * 5 if mode == "boxcar" else (0.004, -0.006, 0.003, 0.002, 0.0)
    total, ratios, p_values = 0.0, [], []
    for seed in range(10):
        run, truth = drawn(br_energy_scan, seed, signal=shared(shares), modes=(mode,), efficiency=gains)
        found = all_gates_spectrum(run, mode)
        # The points of photon counting share the errors of two offsets, which `sigma` does not contain.
        pulls = (found.transient - exact(truth, 0, own_scale=mode == "spc")) / found.sigma
        total += float(np.sum(pulls**2))
        ratios.append(found.variance_ratio)
        p_values.append(found.shape_p_value)
    assert chi2.ppf(FALSE_ALARM, 440) < total < chi2.ppf(1 - FALSE_ALARM, 440)
    assert np.mean(ratios) == pytest.approx(0.625 if shares == RECOVERED else 0.705, abs=0.045)
    assert 0.1 < np.mean(p_values) < 0.9


def test_jet_and_flux_cancel_in_the_ratio_of_the_gates(br_energy_scan: Any) -> None:
    """Lost: the gain, if fluctuations of 3 % in an exposure reach the transient. Chi-square of 44 points, 1e-4."""
    run, truth = drawn(br_energy_scan, 3, signal=shared(RECOVERED), jet=0.03)
    found = all_gates_spectrum(run, "spc")
    pulls = (found.transient - exact(truth, 0, own_scale=True)) / found.sigma
    assert np.sum(pulls**2) < chi2.ppf(1 - FALSE_ALARM, 44)


def test_another_shape_at_a_later_gate_is_refused(br_energy_scan: Any) -> None:
    """Lost: a true spectrum, mixed with that of a product which only later gates see."""
    signal = shared(RECOVERED)
    signal[:, 1] = 0.01 * np.exp(-(((energy_points() - 13_482.0) / 2.0) ** 2))
    run, _ = drawn(br_energy_scan, 4, signal=signal)
    with pytest.raises(ReductionError, match="another shape"):
        all_gates_spectrum(run, "spc")


def test_a_transient_in_the_noise_is_left_to_two_gates(br_energy_scan: Any) -> None:
    """Lost: honest errors, if weights follow the noise of a transient that nobody sees."""
    run, _ = drawn(br_energy_scan, 5, signal=0.02 * shared(RECOVERED))
    with pytest.raises(ReductionError, match="too weak"):
        all_gates_spectrum(run, "spc")


def test_a_later_probe_gains_from_the_gates_after_it(br_energy_scan: Any) -> None:
    """Lost: beam time of the pulse after the pumped one, or its own shape. Chi-square of 5 runs of 44 points."""
    signal = shared((0.0, 0.6, 0.3, 0.15, 0.0))
    # The pumped pulse sees another shape: nothing of it may enter.
    signal[:, 0] = 0.02 * np.exp(-(((energy_points() - 13_482.0) / 2.0) ** 2))
    total, ratios = 0.0, []
    for seed in range(5):
        run, truth = drawn(br_energy_scan, seed, signal=signal, dwell_s=20.0)
        found = all_gates_spectrum(run, "spc", 1)
        total += float(np.sum(((found.transient - exact(truth, 1, own_scale=True)) / found.sigma) ** 2))
        ratios.append(found.variance_ratio)
        assert set(found.shares) == {2, 3}
    assert chi2.ppf(FALSE_ALARM, 220) < total < chi2.ppf(1 - FALSE_ALARM, 220)
    assert np.mean(ratios) < 0.95
    assert found.metadata.reference == "all gates"
    with pytest.raises(ReductionError, match="no gates besides"):
        all_gates_spectrum(run, "spc", 3)


def test_both_detections_are_shown_and_the_better_one_is_named(br_energy_scan: Any) -> None:
    """Lost: trust, if photons that boxcar and counting both see were counted twice."""
    beam_time = br_energy_scan(scans=2, dwell_s=6.0, boxcar_noise_v=1.6e-3, signal=shared(LEFT))
    results = reduce_run(beam_time.documents(np.random.default_rng(7)))
    assert isinstance(results, SpectrumResults)
    assert [one.metadata.mode for one in results.spectra] == ["boxcar", "spc"]
    best = results.best
    assert best is results.all_gates[1]
    assert best is not None
    assert np.all(best.sigma < results.spectra[1].sigma)
    text = results.table()
    assert "of the variance of two gates" in text
    assert "spc, all gates" in text


def test_errors_of_the_shares_are_true_near_the_weakest_signal() -> None:
    """Lost: honest errors, where the noise of the free transient looks like signal. 300 pulls: width 1 ± 0.041."""
    rng = np.random.default_rng(1)
    share = np.array(LEFT[:4])
    variance = np.eye(4) + 1.0
    shape = br_signal(energy_points())[:, 0]
    shape *= np.sqrt(160.0 / (share @ np.linalg.solve(variance, share) * np.sum(shape**2)))
    root = np.linalg.cholesky(variance)
    pulls = []
    for _ in range(100):
        drawn_now = np.outer(share, shape) + root @ rng.standard_normal((4, shape.size))
        found = fit_gate_shares(drawn_now, variance, np.ones(shape.size), np.zeros((0, shape.size)))
        assert np.linalg.eigvalsh(found.covariance).min() > 0
        pulls.append((found.share[1:] - share[1:]) / np.sqrt(np.diag(found.covariance)))
    assert np.std(pulls) == pytest.approx(1.0, abs=4 * 0.041)


@pytest.mark.parametrize("counts", [5, 20, 50])
def test_few_counts_per_gate_are_left_to_two_gates(br_energy_scan: Any, counts: int) -> None:
    """Lost: honest errors, by weights that follow the noise of a few counts, even of a bleach of half the signal."""
    dwell_s = counts / (1.304e6 * 0.12)
    for seed in range(3):
        run, _ = drawn(br_energy_scan, seed, signal=30.0 * shared(LEFT), dwell_s=dwell_s, scans=1, modes=("spc",))
        with pytest.raises(ReductionError, match="too weak"):
            all_gates_spectrum(run, "spc")
