"""If these fail, a spectrum or its error bars do not follow from the counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from errors import ReductionError
from reduction.accumulator import accumulate
from reduction.xas.boxcar_energy import boxcar_spectrum
from reduction.xas.exposure_pairs import Gate
from reduction.xas.grouping import null_test, scan_transients, scatter_ratio
from reduction.xas.spc_energy import spc_spectrum
from tests.support.exact_spectra import exact


def test_static_scale_is_one_in_the_post_edge(br_energy_scan: Any) -> None:
    run = accumulate(br_energy_scan().documents(np.random.default_rng(1)))
    for spectrum in (spc_spectrum(run), boxcar_spectrum(run)):
        assert spectrum.off[spectrum.energy_ev >= 13_540].mean() == pytest.approx(1.0)
        assert spectrum.off[spectrum.energy_ev <= 13_462].mean() == pytest.approx(0.0, abs=1e-12)
        assert spectrum.metadata.delay_ps == pytest.approx(10_100.0)
        assert spectrum.metadata.scans == 3
        assert spectrum.metadata.reference == "unpumped probe"


def test_second_bunch_is_named_by_its_own_delay(br_energy_scan: Any) -> None:
    run = accumulate(br_energy_scan().documents(np.random.default_rng(1)))
    assert spc_spectrum(run, 1).metadata.delay_ps == pytest.approx(163_500.0)


def test_laser_shutter_reference_agrees_with_the_unpumped_probe(br_energy_scan: Any) -> None:
    """The second reference. Without jet noise both have photon noise only; chi-square of 44 points, 1 in 1e4."""
    beam_time = br_energy_scan(shutter_reference="point", jet=0.0)
    spectrum = spc_spectrum(accumulate(beam_time.documents(np.random.default_rng(2))), reference="laser shutter")
    assert np.sum(((spectrum.transient - exact(beam_time, 0, own_scale=True)) / spectrum.sigma) ** 2) < 87
    assert spectrum.metadata.reference == "laser shutter"


def test_running_scan_is_used_as_far_as_it_got(br_energy_scan: Any) -> None:
    """Lost: minutes, if a window waits for whole scans; the shape, if unequal scans mix and steps of the jet show."""
    beam_time = br_energy_scan(scans=3, jet=0.0, jet_between_scans=0.2, boxcar_noise_v=1e-4)
    documents = beam_time.documents(np.random.default_rng(3))[: 2 + 2 * 44 + 20]
    run = accumulate(documents)
    spc, boxcar = spc_spectrum(run), boxcar_spectrum(run)
    assert np.abs((spc.transient - exact(beam_time, 0, own_scale=True)) / spc.sigma).max() < 4.5
    assert np.abs(boxcar.transient - exact(beam_time, 0, own_scale=False)).max() < 0.008
    assert spc.metadata.scans == boxcar.metadata.scans == 3
    assert boxcar.sigma_scatter is None
    assert np.all(spc.sigma[25:30] > 1.15 * spc.sigma[14:19])


def test_missing_point_does_not_change_the_scale_of_its_scan(br_energy_scan: Any) -> None:
    """Lost: a whole scan, tilted because one of its points was lost to a beam dump."""
    beam_time = br_energy_scan(scans=3, jet=0.0, jet_between_scans=0.2, boxcar_noise_v=1e-6, efficiency=(0.0,) * 5)
    documents = beam_time.documents(np.random.default_rng(4))
    documents[2 + 44 + 15][1]["data"]["quality"] = "beam_lost"
    spectrum = boxcar_spectrum(accumulate(documents))
    assert np.abs(spectrum.transient - exact(beam_time, 0, own_scale=False)).max() < 2e-5


def test_spectrum_that_has_not_reached_the_edge_reports_it(br_energy_scan: Any) -> None:
    run = accumulate(br_energy_scan().documents(np.random.default_rng(5))[:6])
    with pytest.raises(ReductionError, match="edge-integral window"):
        spc_spectrum(run)
    with pytest.raises(ReductionError, match="edge-integral window"):
        boxcar_spectrum(run)


@pytest.mark.parametrize(("probe", "reference"), [(4, "unpumped probe"), (5, "laser shutter"), (0, "dark")])
def test_impossible_choice_is_refused(br_energy_scan: Any, probe: int, reference: Any) -> None:
    run = accumulate(br_energy_scan().documents(np.random.default_rng(6)))
    with pytest.raises(ReductionError, match=r"[Cc]hoose"):
        spc_spectrum(run, probe, reference)


def test_reference_that_was_not_recorded_is_refused(br_energy_scan: Any) -> None:
    run = accumulate(br_energy_scan(modes=("spc",)).documents(np.random.default_rng(7)))
    with pytest.raises(ReductionError, match="shutter closed"):
        spc_spectrum(run, reference="laser shutter")
    with pytest.raises(ReductionError, match="no 'boxcar' data"):
        boxcar_spectrum(run)


def test_scatter_ratio_distinguishes_photon_noise_from_jet_noise(br_energy_scan: Any) -> None:
    """440 degrees of freedom: the ratio has sigma 0.034; 4 sigma, 1 in 16 000 by chance."""
    run = accumulate(br_energy_scan(scans=11, shutter_reference="point").documents(np.random.default_rng(8)))
    same_pulses = scatter_ratio(*scan_transients(run, "spc"))
    assert same_pulses.degrees_of_freedom == 440
    assert same_pulses.sigma == pytest.approx(0.034, abs=1e-3)
    assert abs(same_pulses.ratio - 1.0) < 4 * 0.034
    shuttered = scatter_ratio(*scan_transients(run, "spc", reference="laser shutter"))
    assert shuttered.ratio > 2.0, "exposures apart in time do not share their jet"


def test_boxcar_scatter_ratio_is_one_without_jet_noise(br_energy_scan: Any) -> None:
    """440 degrees of freedom less 22 for offsets and gains; 4 sigma, 1 in 16 000 by chance."""
    beam_time = br_energy_scan(scans=11, jet=0.0, boxcar_noise_v=1e-3, boxcar_offset_v=0.01)
    run = accumulate(beam_time.documents(np.random.default_rng(9)))
    assert abs(scatter_ratio(*scan_transients(run, "boxcar")).ratio - 1.0) < 4 * 0.034


def test_scatter_ratio_needs_two_scans(br_energy_scan: Any) -> None:
    run = accumulate(br_energy_scan(scans=1).documents(np.random.default_rng(10)))
    with pytest.raises(ReductionError, match="two scans"):
        scatter_ratio(*scan_transients(run, "spc"))


def test_null_test_passes_without_laser_and_fails_with_a_signal(br_energy_scan: Any) -> None:
    """p-values of 40 runs are uniform: their mean has sigma 0.046, the smallest exceeds 1e-5 but once in 2500."""
    p_values = []
    for seed in range(40):
        beam_time = br_energy_scan(scans=1, shutter_reference="point")
        run = accumulate(beam_time.documents(np.random.default_rng(seed)))
        p_values.append(null_test(run).p_value)
    assert abs(np.mean(p_values) - 0.5) < 4 * 0.046
    assert min(p_values) > 1e-5
    bright = accumulate(br_energy_scan(scans=1, dwell_s=30.0).documents(np.random.default_rng(1)))
    on_gate = null_test(bright, on=Gate(1, 0), off=Gate(1, 4))
    assert on_gate.p_value < 1e-6


def test_what_the_pump_has_left_is_no_alarm_and_a_fault_behind_it_is(br_energy_scan: Any) -> None:
    """Lost: a true alarm among false ones. p-values of 40 runs are uniform: limits as in the test above."""
    p_values, tails = [], []
    for seed in range(40):
        beam_time = br_energy_scan(scans=1, dwell_s=3000.0)
        beam_time.signal[:, 3:] = beam_time.signal[:, [0]] * [0.10, 0.05]
        run = accumulate(beam_time.documents(np.random.default_rng(seed)))
        pair, tail = (Gate(1, 3), Gate(1, 4)), (Gate(1, 0), Gate(1, 2))
        found = null_test(run, "spc", *pair, tail=tail)
        p_values.append(found.p_value)
        assert found.tail is not None
        tails.append((found.tail.value - 0.05) / found.tail.sigma)
    assert abs(np.mean(p_values) - 0.5) < 4 * 0.046
    assert min(p_values) > 1e-5
    assert abs(np.mean(tails)) < 4 * 40**-0.5
    assert null_test(run, "spc", *pair).p_value < 1e-6
    beam_time.signal[20:24, 3] += 0.003
    spoilt = accumulate(beam_time.documents(np.random.default_rng(41)))
    assert null_test(spoilt, "spc", *pair, tail=tail).p_value < 1e-6
