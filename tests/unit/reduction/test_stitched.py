"""If these fail, the trace over all gates has steps between them, or errors that its points do not have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from errors import ReductionError
from reduction.xas.gate_rates import GateRates
from reduction.xas.kinetics.fit import fit_kinetics
from reduction.xas.kinetics.stitched import StitchedTrace, stitched_trace
from reduction.xas.pump_train import PumpTrain
from tests.support.kinetic_traces import TIMING
from trxas.results.figures import figure_of_results

DELAYS_PS = np.concatenate(
    [np.linspace(-400, -200, 3), np.linspace(-60, 240, 9), np.geomspace(300, 4e3, 8), np.geomspace(8e3, 1.4e5, 8)]
)
EFFICIENCY = np.array([0.004, -0.006, 0.003, 0.002, 0.0])
PARTS = ((0.6, 120.0), (0.2, 900.0), (0.2, 150e3))
AMPLITUDE = 0.3


def measured(seed: int | None, *, blocked: bool = True) -> GateRates:
    """All gates of a delay scan, and as many exposures with the laser blocked; without a seed there is no noise."""
    train = PumpTrain(period_ps=TIMING.pump_period_ps, overlap=TIMING.pump_overlap, sigma_ps=TIMING.irf_sigma_ps)
    delay = DELAYS_PS[:, None] + np.array(TIMING.gate_delays_ps)
    signal = sum(AMPLITUDE * share * train.decay(delay, 1.0 / tau_ps).value for share, tau_ps in PARTS)
    signal = np.concatenate([signal, np.zeros_like(signal)] if blocked else [signal])
    expected = 5e5 * (1.0 + EFFICIENCY) * (1.0 + signal)
    photons = expected if seed is None else np.random.default_rng(seed).poisson(expected).astype(float)
    return GateRates(
        delay_ps=np.tile(DELAYS_PS, 2 if blocked else 1),
        photons=photons,
        variance=expected,
        pulses=np.full(expected.shape, 1e7),
        pumped=np.arange(len(expected)) < len(DELAYS_PS),
        elapsed_s=np.zeros(len(expected)),
    )


@pytest.fixture(scope="module")
def exact() -> StitchedTrace:
    """The stitched trace without noise."""
    return stitched_trace([measured(None)], TIMING, fit_kinetics(measured(None), TIMING, intervals=False))


def test_every_gate_continues_the_one_before(exact: StitchedTrace) -> None:
    """0 to 600 ns in one curve, which is that of a sample never pumped once the reference has been corrected."""
    assert exact.fit is not None
    assert exact.corrected == pytest.approx(exact.fit.signal(exact.delay_ps), abs=1e-5)
    assert exact.delay_ps[0] == -400.0
    assert exact.delay_ps[-1] == pytest.approx(3 * TIMING.bunch_period_ps + 1.4e5)
    assert set(exact.gate) == {0, 1, 2, 3}
    assert np.abs(exact.corrected - exact.transient).max() > 1e-4
    text = exact.table()
    assert "exposures with the laser blocked" in text
    assert "gate 3" in text
    assert len(figure_of_results(exact).axes) == 2


@pytest.mark.parametrize("source", ["laser blocked", "kinetic fit"])
def test_points_and_means_of_gates_scatter_by_their_covariance(exact: StitchedTrace, source: str) -> None:
    """16 drawn traces; the width of pulls of sums is known to 18 %. Without correlation they would be 3 times wider."""
    blocked = source == "laser blocked"
    pulls = []
    means = []
    for seed in range(16):
        rates = measured(seed, blocked=blocked)
        fit = None if blocked else fit_kinetics(rates, TIMING, intervals=False)
        found = stitched_trace([rates], TIMING, fit)
        assert source in found.zeros
        error = found.transient - exact.transient
        pulls.append(error / found.sigma)
        late = (found.gate == 1).astype(float)
        means.append(late @ error / np.sqrt(late @ found.covariance @ late))
    assert np.std(pulls) == pytest.approx(1.0, abs=0.12)
    assert np.std(means) == pytest.approx(1.0, abs=0.54)
    assert abs(np.mean(means)) < 0.75


def test_late_gates_need_a_zero_of_their_own() -> None:
    """Without blocked exposures and a known decay, a made-up zero would turn efficiencies into signal."""
    rates = measured(1, blocked=False)
    found = stitched_trace([rates], TIMING)
    assert set(found.gate) == {0}
    assert "need the laser blocked" in found.table()
    late = rates.delay_ps > 0
    names = ("delay_ps", "photons", "variance", "pulses", "pumped", "elapsed_s")
    cut = replace(rates, **{name: getattr(rates, name)[late] for name in names})
    with pytest.raises(ReductionError, match=r"not known.*shutter_reference"):
        stitched_trace([cut], TIMING)
