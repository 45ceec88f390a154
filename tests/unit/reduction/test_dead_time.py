"""If these fail, photodiodes that are blind after a count take a part of the pumped signal, and nobody corrects it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from errors import ReductionError
from reduction.accumulator import RunAccumulator, accumulate
from reduction.timing import Timing
from reduction.xas.dead_time import fit_dead_time
from reduction.xas.gate_rates import gate_rates
from reduction.xas.spc_energy import spc_spectrum
from tests.support.beam_time import BeamTime, br_signal, br_static, energy_points

ENERGY_EV = energy_points()
SHARE = 0.3
BRIGHT: dict[str, Any] = {
    "points": ENERGY_EV, "static": br_static(ENERGY_EV), "signal": 5 * br_signal(ENERGY_EV), "dwell_s": 20.0,
    "photons_per_pulse": 0.4, "boxcar_noise_v": 1e-4, "jet": 0.01, "efficiency": (0.0,) * 5,
}  # fmt: skip


@dataclass
class BlindBeamTime(BeamTime):
    """A beam time whose photodiodes are blind for the next bunch after a share of their counts."""

    blind: float = 0.0

    def _event(self, rng: np.random.Generator, scan: int, point: int, shutter: int, of_scan: float) -> dict[str, Any]:
        data = super()._event(rng, scan, point, shutter, of_scan)
        fires = data["spc_counts"] / data["spc_pulses"]
        ready = np.ones_like(fires)
        for _ in range(10):  # a diode that was blind itself does not blind the next bunch
            ready = 1.0 - self.blind * np.roll(fires * ready, 1, axis=-1)
        return data | {"spc_counts": rng.binomial(data["spc_counts"], ready)}


def run_of(share: float, blind: float = SHARE, seed: int = 1, **settings: Any) -> RunAccumulator:
    documents = BlindBeamTime(**BRIGHT | settings, blind=blind).documents(np.random.default_rng(seed))
    documents[0][1]["reduction"]["dead_time_share"] = share
    return accumulate(documents)


def test_photons_after_a_count_are_not_lost() -> None:
    """The gate after the pumped one loses less where the pumped one counts less: a false transient of 0.3 %."""
    feature = int(np.argmin(5 * br_signal(ENERGY_EV)[:, 0]))
    right = spc_spectrum(run_of(0.0, blind=0.0), probe=1).transient[feature]
    wrong = spc_spectrum(run_of(0.0), probe=1)
    mended = spc_spectrum(run_of(SHARE), probe=1)
    assert wrong.transient[feature] - right > 6 * wrong.sigma[feature]
    assert mended.transient[feature] == pytest.approx(right, abs=5 * mended.sigma[feature])


def test_the_photons_per_pulse_are_those_of_a_detector_that_is_never_blind() -> None:
    flat: dict[str, Any] = {"points": np.arange(-500.0, 500.0, 50.0), "axis": "delay_ps", "jet": 0.0}
    flat |= {"static": np.ones(20), "signal": np.zeros((20, 5))}
    rates = [gate_rates(run) for run in (run_of(SHARE, **flat), run_of(0.0, blind=0.0, **flat), run_of(0.0, **flat))]
    mended, right, wrong = (float((rate.photons / rate.pulses).mean()) for rate in rates)
    assert mended == pytest.approx(right, rel=5e-3)
    assert wrong < 0.96 * right


@pytest.mark.parametrize("share", [0.0, 0.05, SHARE])
def test_the_share_is_found_from_the_boxcar(share: float) -> None:
    found = fit_dead_time(run_of(0.0, blind=share, signal=0 * br_signal(ENERGY_EV)))
    assert found.value == pytest.approx(share, abs=4 * found.sigma + 0.01)
    assert found.sigma < 0.05


def test_without_a_share_counts_stay_as_they_are_to_the_last_digit() -> None:
    run = run_of(0.0)
    assert (run.live_pulses() == run.pulses[..., None, :]).all()
    documents = BlindBeamTime(**BRIGHT, blind=SHARE).documents(np.random.default_rng(1))
    older = spc_spectrum(accumulate(documents))
    assert (older.transient == spc_spectrum(run).transient).all()


def test_the_bunch_before_a_gate() -> None:
    assert Timing().previous_gates == (4, 0, 1, 2, 3)
    sparse = Timing(
        probes_per_pump=2, unpumped_probe=1, gate_delays_ps=(0.0, 460_200.0), pump_period_ps=767_000.0
    )  # fmt: skip
    assert sparse.previous_gates == (None, None)


def test_a_run_without_boxcar_gives_no_share() -> None:
    with pytest.raises(ReductionError, match="boxcar"):
        fit_dead_time(run_of(0.0, modes=("spc",)))
