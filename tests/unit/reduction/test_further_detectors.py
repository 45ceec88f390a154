"""If these fail, a further detector is reduced wrongly, or one that died spoils the results of the others."""

from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np
import pytest

from errors import ReductionError
from reduction.accumulator import RunAccumulator, accumulate, joined
from reduction.detector_view import seen_by
from reduction.detectors import DetectorFacts, corrected_for_dead_time, variance_of_parts
from reduction.kinds import reduce_run
from reduction.xas.boxcar_energy import boxcar_spectrum
from reduction.xas.results import SpectrumResults
from reduction.xas.spc_energy import spc_spectrum

ENERGIES = np.concatenate([np.linspace(13_450, 13_465, 8), np.linspace(13_466, 13_500, 20)])
TRANSIENT = 0.02
PULSES = 1_000_000

DETECTORS: dict[str, Any] = {
    "diodes": {"kind": "spc", "role": "fluorescence", "fields": {"counts": "spc_counts", "pulses": "spc_pulses"},
               "weights": [1.0, 1.0]},
    "i0": {"kind": "ion_chamber", "role": "i0", "fields": {"counts": "i0"}, "dark": 1000.0, "gain": 2.0},
    "far": {"kind": "spc", "role": "fluorescence", "fields": {"counts": "far_counts", "pulses": "far_pulses"},
            "weights": [1.0, 0.0]},
    "part": {"kind": "analog", "role": "fluorescence", "fields": {"mean": "part_mean"}, "weights": [1.0]},
    "whole": {"kind": "analog", "role": "fluorescence", "fields": {"mean": "whole_mean"}, "weights": [1.0],
              "contains": "part", "share": 0.5},
    "drift": {"kind": "sdd", "role": "fluorescence", "weights": [1.0],
              "fields": {key: f"drift_{key}" for key in ("counts", "input_rate", "output_rate")}},
    "behind": {"kind": "ion_chamber", "role": "transmission", "fields": {"counts": "behind"}, "dark": 500.0},
    "stock": {"kind": "device", "role": "monitor", "fields": {"chan1": "stock_chan1"}},
}  # fmt: skip


def start(repeats: int, detectors: dict[str, Any]) -> dict[str, Any]:
    reduction = {
        "bunch_period_ps": 153_400.0, "probes_per_pump": 2, "pumped_probe": 0, "unpumped_probe": 1,
        "irf_sigma_ps": 45.0, "pump_overlap": [1.0], "photodiodes": 2, "gate_delays_ps": [0.0, 613_600.0],
        "pump_period_ps": 767_000.0, "reference_probes": [1],
        "pre_edge_ev": [13_450.0, 13_465.5], "edge_integral_ev": [13_466.0, 13_500.0],
        "post_edge_ev": [13_485.0, 13_500.0], "main_feature_ev": 13_480.0,
    }  # fmt: skip
    return {
        "uid": "run", "plan_name": "energy_scan", "sample": "s", "edge": "Br K", "absorber": "Br", "modes": ["spc"],
        "repeats": repeats, "grid": {"axis": "energy_ev", "points": ENERGIES.tolist()}, "delay_ps": 100.0,
        "fluence_mj_cm2": 8.83, "shutter_reference": "none", "reduction": reduction, "document_version": 2,
        "detectors": detectors,
    }  # fmt: skip


def run_of(
    repeats: int = 4, *, seed: int = 1, dead_from: int = 10**9, detectors: dict[str, Any] = DETECTORS
) -> list[tuple[str, dict[str, Any]]]:
    """Documents of an energy scan over a step with a transient of 2 % above it; `drift` dies at an exposure."""
    rng = np.random.default_rng(seed)
    documents: list[tuple[str, dict[str, Any]]] = [("start", start(repeats, detectors))]
    documents.append(("descriptor", {"uid": "d", "name": "primary"}))
    numbers = itertools.count()
    for scan, (point, energy) in itertools.product(range(repeats), enumerate(ENERGIES)):
        number = next(numbers)
        level = 0.02 + 0.08 / (1 + np.exp(-(energy - 13_466.0)))
        edge = level > 0.06
        rates = level * np.array([1.0 + (TRANSIENT if 13_475 < energy < 13_484 and edge else 0.0), 1.0])
        jet = 1 + 0.01 * rng.standard_normal()
        fired = -np.expm1(-rates * jet)
        counts = rng.binomial(PULSES, np.tile(fired, (2, 1)))
        parts = jet * rates + 0.0005 * rng.standard_normal((2, 2))
        photons = rng.poisson(rates * jet * 500_000)
        live = 0.8
        flux = 1e6
        data = {
            "scan_index": scan, "point_index": point, "energy_ev": energy, "delay_ps": 100.0, "laser_shutter": 1,
            "quality": "", "spc_counts": counts, "spc_pulses": [PULSES] * 2, "exposure_s": 2.0, "i0": 2 * flux + 2000,
            "far_counts": rng.binomial(PULSES, [fired, [0.9, 0.1]]), "far_pulses": [PULSES] * 2,
            "part_mean": [parts[0]], "whole_mean": [parts.mean(axis=0)],
            "drift_counts": [rng.binomial(photons, live)], "drift_input_rate": [1e5], "drift_output_rate": [1e5 * live],
            "behind": flux * np.exp(-10 * level) + 1000, "stock_chan1": 4.0, "marks": "",
        }  # fmt: skip
        if number >= dead_from:
            zeros = {"drift_counts": [[0, 0]], "drift_input_rate": [0.0], "drift_output_rate": [0.0]}
            data |= {**zeros, "marks": "drift_missing"}
        documents.append(("event", {"descriptor": "d", "seq_num": number + 1, "data": data}))
    documents.append(("stop", {"exit_status": "success"}))
    return documents


def reduced(documents: list[tuple[str, dict[str, Any]]]) -> SpectrumResults:
    found = reduce_run(documents)
    assert isinstance(found, SpectrumResults), found.table()
    return found


def test_every_detector_has_its_spectrum_and_states_its_weights() -> None:
    found = reduced(run_of())
    by_name = {spectrum.metadata.detector or spectrum.metadata.mode: spectrum for spectrum in found.spectra}
    assert list(by_name) == ["spc", "far", "whole", "drift"], found.table()
    for name, spectrum in by_name.items():
        inside = (spectrum.energy_ev > 13_475) & (spectrum.energy_ev < 13_484)
        change = float(spectrum.transient[inside].mean())
        sigma = float(spectrum.sigma[inside].mean() / inside.sum() ** 0.5)
        # The photon recipes scale on and off by their own edge integrals, which takes a quarter of this feature out.
        assert change == pytest.approx(0.0175, abs=5 * sigma + 0.004), name
    assert by_name["far"].metadata.weights == (1.0, 0.0)
    assert found.absorptions["behind"].absorption.max() > 0.5
    assert re.search(r"weights of elements +1, 0\n", found.table())
    assert "absorption, behind" in found.table()


@pytest.mark.parametrize("name", ["whole", "drift"])
def test_errors_of_further_detectors_are_right(name: str) -> None:
    """Lost: error bars of detectors whose records state none. Pulls of 30 runs at points without a transient."""
    pulls = []
    for seed in range(30):
        spectrum = boxcar_spectrum(seen_by(accumulate(run_of(2, seed=seed)), name))
        quiet = (spectrum.energy_ev > 13_485) | (spectrum.energy_ev < 13_465.5)
        pulls.append((spectrum.transient / spectrum.sigma)[quiet])
    assert float(np.std(np.concatenate(pulls))) == pytest.approx(1.0, abs=0.15)


def test_a_detector_that_dies_costs_its_own_points_only() -> None:
    whole = reduced(run_of())
    broken = reduced(run_of(dead_from=40))
    alive = {spectrum.metadata.detector: spectrum for spectrum in broken.spectra}
    for spectrum in whole.spectra[:3]:
        np.testing.assert_array_equal(spectrum.transient, alive[spectrum.metadata.detector].transient)
    assert alive["drift"].sigma.max() > whole.spectra[3].sigma.max()
    dead = reduced(run_of(dead_from=0))
    assert [spectrum.metadata.detector for spectrum in dead.spectra] == ["", "far", "whole"]
    assert any("Cannot be reduced (drift)" in remark for remark in dead.remarks)


def test_runs_with_and_without_a_detector_are_joined() -> None:
    """Lost: a series in which a detector was off for one run."""
    few = {name: facts for name, facts in DETECTORS.items() if name != "drift"}
    runs = [accumulate(run_of(2)), accumulate(run_of(2, seed=2, detectors=few))]
    both = joined(runs)
    assert both.scans == 4
    np.testing.assert_array_equal(both.counts[2:], runs[1].counts)
    drift = boxcar_spectrum(seen_by(both, "drift"))
    np.testing.assert_allclose(drift.transient, boxcar_spectrum(seen_by(runs[0], "drift")).transient)


def test_offset_and_gain_of_the_ion_chamber_are_taken_out() -> None:
    run = accumulate(run_of(1))
    np.testing.assert_allclose(run.i0[..., 1], 1e6)


def test_weights_of_the_photodiodes_count() -> None:
    """Lost: a diode that is left out of the sum, and yet is in it."""
    detectors = {**DETECTORS, "diodes": {**DETECTORS["diodes"], "weights": [1.0, 0.0]}}
    one = spc_spectrum(accumulate(run_of(detectors=detectors)))
    both = spc_spectrum(accumulate(run_of()))
    assert one.metadata.weights == (1.0, 0.0)
    assert float(np.median(one.sigma / both.sigma)) == pytest.approx(2**0.5, abs=0.05)


def test_a_single_mean_without_parts_needs_two_scans() -> None:
    detectors = {name: dict(facts) for name, facts in DETECTORS.items() if name != "part"}
    del detectors["whole"]["contains"]
    with pytest.raises(ReductionError, match="One scan of whole does not show how large its errors are"):
        seen_by(accumulate(run_of(1, detectors=detectors)), "whole")
    pulls = []
    for seed in range(20):
        spectrum = boxcar_spectrum(seen_by(accumulate(run_of(4, seed=seed, detectors=detectors)), "whole"))
        quiet = (spectrum.energy_ev > 13_485) | (spectrum.energy_ev < 13_465.5)
        pulls.append((spectrum.transient / spectrum.sigma)[quiet])
    assert float(np.std(np.concatenate(pulls))) == pytest.approx(1.0, abs=0.2)


def test_an_unknown_detector_is_refused_with_the_known_ones() -> None:
    run: RunAccumulator = accumulate(run_of(1))
    with pytest.raises(ReductionError, match=r"no detector 'xmap'\. Choose one of: diodes, far, whole, drift, behind"):
        seen_by(run, "xmap")


def test_dead_time_and_parts_by_hand() -> None:
    facts = DetectorFacts(
        name="d", kind="sdd", role="fluorescence", weights=(1.0, 2.0),
        fields={"counts": "c", "input_rate": "i", "output_rate": "o"},
    )  # fmt: skip
    data = {"c": [[80.0], [50.0]], "i": [100.0, 100.0], "o": [80.0, 50.0]}
    signal, variance = corrected_for_dead_time(facts, data)
    assert signal.tolist() == [100.0 + 200.0]
    assert variance.tolist() == [80 * 1.25**2 + 50 * 4.0**2]
    # Halves 0.4 and 0.2, 0.3 and 0.3: differences 0.2 and 0, of which 0.1 is common to both gates.
    assert variance_of_parts(np.array([0.3, 0.3]), np.array([0.4, 0.3]), 0.5) == pytest.approx([0.005, 0.005])
