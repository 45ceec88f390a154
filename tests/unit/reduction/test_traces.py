"""If these fail, a time trace has a wrong delay axis or wrong error bars."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from errors import ReductionError
from reduction.accumulator import accumulate
from reduction.xas.gate_rates import GateRates, gate_rates
from reduction.xas.spc_energy import spc_spectrum
from reduction.xas.spc_time import spc_trace

DELAYS_PS = np.concatenate([np.linspace(-500, -200, 8), np.linspace(-100, 1000, 20), np.geomspace(2e3, 130e3, 8)])


def delay_scan(beam_time: type[Any], **settings: Any) -> Any:
    probe = np.where(DELAYS_PS > 0, -0.02 * np.exp(-DELAYS_PS / 50e3), 0.0)
    signal = np.outer(probe, [1.0, 0, 0, 0, 0]) + np.array([0.0, -0.002, -0.001, 0.0, 0.0])
    given = {"points": DELAYS_PS, "static": np.ones(len(DELAYS_PS)), "signal": signal, "axis": "delay_ps"}
    return beam_time(**given | {"modes": ("spc",), "dwell_s": 6.0} | settings)


def test_trace_is_zero_before_the_pump_and_right_after_it(br_beam_time: type[Any]) -> None:
    """Lost: a signal of 2 %, under gates that differ by 0.4 % and a jet that varies by 1 %.

    Trace errors leave out the offset's own (1/8 of a point's variance): chi-square of 28 later points below 65,
    1 in 10 000 by chance.
    """
    beam_time = delay_scan(br_beam_time)
    trace = spc_trace(accumulate(beam_time.documents(np.random.default_rng(1))))
    early = DELAYS_PS < -180
    assert trace.transient[early].mean() == pytest.approx(0.0, abs=1e-12)
    assert trace.on[early].mean() == pytest.approx(1.0)
    pull = (trace.transient - beam_time.signal[:, 0])[~early] / trace.sigma[~early]
    assert np.sum(pull**2) < 65
    assert trace.metadata.offset == "negative delays"
    assert trace.zero_at_ps == pytest.approx(DELAYS_PS[early], abs=0.01)
    assert trace.metadata.energy_ev == pytest.approx(13_472.0)


def test_later_probe_takes_its_offset_from_the_closed_shutter(br_beam_time: type[Any]) -> None:
    """Lost: zero for a probe that never comes before the pump; the efficiency of its gate would look like a signal."""
    beam_time = delay_scan(br_beam_time, shutter_reference="point")
    trace = spc_trace(accumulate(beam_time.documents(np.random.default_rng(2))), 1)
    assert trace.metadata.offset == "closed shutter"
    assert abs(trace.transient.mean() + 0.002) < 5 * trace.sigma.mean() * np.sqrt(2 / len(DELAYS_PS))
    assert trace.delay_ps == pytest.approx(trace.first_delay_ps + 153_400.0)


def test_later_probe_without_any_offset_reports_it(br_beam_time: type[Any]) -> None:
    trace = spc_trace(accumulate(delay_scan(br_beam_time).documents(np.random.default_rng(3))), 1)
    assert trace.metadata.offset == "none"
    assert abs(trace.transient.mean() + 0.008) < 5 * trace.sigma.mean() / np.sqrt(len(DELAYS_PS))


def test_laser_shutter_reference_needs_no_gate_efficiency(br_beam_time: type[Any]) -> None:
    beam_time = delay_scan(br_beam_time, shutter_reference="point", jet=0.0)
    trace = spc_trace(accumulate(beam_time.documents(np.random.default_rng(4))), 1, "laser shutter")
    assert abs(trace.transient.mean() + 0.002) < 5 * trace.sigma.mean() / np.sqrt(len(DELAYS_PS))


def test_gate_rates_are_photons_per_pulse_of_every_gate(br_beam_time: type[Any]) -> None:
    """180 rows x 5 gates; limits of 5 sigma, 1 in 4000 by chance."""
    beam_time = delay_scan(br_beam_time, shutter_reference="point", jet=0.0, jet_between_scans=0.0)
    run = accumulate(beam_time.documents(np.random.default_rng(5)))
    rates = gate_rates(run)
    assert rates.photons.shape == (2 * len(DELAYS_PS), 5)
    assert rates.pumped.sum() == len(DELAYS_PS)
    expected = np.concatenate([1 + beam_time.signal, np.ones_like(beam_time.signal)]) * (
        1 + np.array(beam_time.efficiency)
    )
    ratio = rates.photons / rates.photons[:, 4:] / expected
    sigma = np.sqrt(rates.variance / rates.photons**2 + (rates.variance / rates.photons**2)[:, 4:])
    assert np.abs((ratio - 1)[:, :4] / sigma[:, :4]).max() < 5


def test_unfinished_delay_scan_has_only_its_measured_rows(br_beam_time: type[Any]) -> None:
    run = accumulate(delay_scan(br_beam_time).documents(np.random.default_rng(6))[:12])
    assert len(gate_rates(run).delay_ps) == 10
    assert len(spc_trace(run).transient) == 10


def test_energy_scan_is_no_trace(br_energy_scan: Any, br_beam_time: type[Any]) -> None:
    run = accumulate(br_energy_scan(scans=1).documents(np.random.default_rng(7)))
    with pytest.raises(ReductionError, match="scanned energy_ev, not the delay: reduce it with spc_spectrum"):
        spc_trace(run)
    with pytest.raises(ReductionError, match="delay scan"):
        gate_rates(run)


def test_delay_scan_is_no_spectrum(br_beam_time: type[Any]) -> None:
    run = accumulate(delay_scan(br_beam_time).documents(np.random.default_rng(8)))
    with pytest.raises(ReductionError, match="scanned delay_ps, not the energy: reduce it with spc_trace"):
        spc_spectrum(run)


def test_too_few_photons_for_a_logarithm_are_refused() -> None:
    photons = np.full((2, 5), 50.0)
    rates = GateRates(
        delay_ps=np.array([-1.0, 1.0]),
        photons=photons,
        variance=photons,
        pulses=np.full((2, 5), 1e6),
        pumped=np.ones(2, bool),
        elapsed_s=np.zeros(2),
    )
    with pytest.raises(ReductionError, match="50 photons"):
        rates.log_rate()


def test_tables_of_different_shape_are_refused() -> None:
    table = np.ones((2, 5))
    with pytest.raises(ReductionError, match="one shape"):
        GateRates(
            delay_ps=np.ones(3),
            photons=table,
            variance=table,
            pulses=table,
            pumped=np.ones(3, bool),
            elapsed_s=np.zeros(3),
        )
