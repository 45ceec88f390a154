"""If these fail, a number on the screen is not the number that the stored run reduces to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import numpy as np
import pytest

from errors import ReductionError
from gui.live.run_state import RunState
from gui.requests.powder.diffraction import DiffractionRequest
from gui.requests.xas.bunches import BunchRequest
from gui.requests.xas.checks import BaselineRequest, GateTestRequest, NullTestRequest, ScatterRequest
from gui.requests.xas.fluence import FluenceRequest
from gui.requests.xas.kinetics import KineticsRequest, TraceRequest
from gui.requests.xas.spectra import ExcitedStateRequest, SpectrumRequest
from gui.requests.xas.static import TemperatureSeriesRequest
from gui.requests.xas.trends import AllBunchesTrend, TrendRequest
from reduction.accumulator import accumulate, joined
from reduction.all_bunches import all_bunches
from reduction.image_references import ImageReference
from reduction.pileup import true_counts
from reduction.powder.diffraction import DetectorGeometry, integrate
from reduction.types import Mode, PairReference
from reduction.xas.boxcar_energy import boxcar_spectrum
from reduction.xas.exposure_pairs import Gate
from reduction.xas.fluence import fluence_scan
from reduction.xas.fluence_fit import fit_fluence
from reduction.xas.gate_checks import baseline_checks, gate_null_test
from reduction.xas.gate_rates import gate_rates
from reduction.xas.grouping import NullPair, null_test, scan_transients, scatter_ratio
from reduction.xas.kinetics.fit import fit_kinetics
from reduction.xas.spc_energy import spc_spectrum
from reduction.xas.spc_time import spc_trace
from tests.support.detector_runs import delay_documents
from tests.support.live_runs import delay_run, energy_run, fluence_run


def fed(*runs: list[tuple[str, dict[str, Any]]]) -> RunState:
    state = RunState()
    for documents in runs:
        for name, doc in documents:
            state(name, doc)
    return state


@pytest.mark.parametrize("mode", ["spc", "boxcar"])
@pytest.mark.parametrize("probe", [0, 1])
@pytest.mark.parametrize("reference", ["unpumped probe", "laser shutter"])
def test_spectra_are_those_of_the_stored_run(mode: Mode, probe: int, reference: PairReference) -> None:
    documents = energy_run(shutter_reference="point")
    shown = SpectrumRequest(mode=mode, probe=probe, reference=reference).compute(fed(documents))
    stored = (spc_spectrum if mode == "spc" else boxcar_spectrum)(accumulate(documents), probe, reference)
    for name in ("energy_ev", "on", "on_sigma", "off", "off_sigma", "transient", "sigma"):
        np.testing.assert_array_equal(getattr(shown, name), getattr(stored, name))
    assert shown.metadata == stored.metadata


def test_a_series_is_reduced_as_one_run() -> None:
    first, second = energy_run("a", seed=1), energy_run("b", seed=2)
    shown = SpectrumRequest(mode="spc", scope="series").compute(fed(first, second))
    together = spc_spectrum(joined([accumulate(first), accumulate(second)]))
    np.testing.assert_array_equal(shown.transient, together.transient)
    assert shown.metadata.scans == 6
    assert SpectrumRequest(mode="spc", scope="scan").compute(fed(first, second)).metadata.scans == 1


def test_traces_and_kinetics_are_those_of_the_stored_run() -> None:
    documents = delay_run()
    state, stored = fed(documents), accumulate(documents)
    np.testing.assert_array_equal(TraceRequest().compute(state).transient, spc_trace(stored).transient)
    kinetics = KineticsRequest().compute(state)
    fit = fit_kinetics(gate_rates(stored), stored.metadata.timing)
    assert (kinetics.fit.tau1_ps, kinetics.fit.tau2_ps, kinetics.fit.offset) == (fit.tau1_ps, fit.tau2_ps, fit.offset)
    assert kinetics.curve.shape == kinetics.delay_ps.shape
    # 48 points about a curve with 7 parameters: the mean square of the residuals is 1 +- 0.2; limit of 4 sigma.
    assert np.mean(kinetics.residuals**2) < 1.8


def test_fluence_dependence_is_that_of_the_stored_run_and_lacks_a_line_at_first() -> None:
    documents = fluence_run()
    shown, stored = FluenceRequest().compute(fed(documents)), fluence_scan(accumulate(documents))
    assert shown.fit is not None
    assert shown.fit.slope == fit_fluence(stored).slope
    np.testing.assert_array_equal(shown.scan.transient, stored.transient)
    few = FluenceRequest().compute(fed(fluence_run(points=np.array([0.5, 1.0, 12.0]), static=np.ones(3),
                                                   signal=np.zeros((3, 5)))))  # fmt: skip
    assert few.fit is None
    assert "line" in few.problem


def test_bunch_view_counts_the_latest_exposure_or_all_pumped_ones() -> None:
    documents = energy_run(shutter_reference="point")
    state = fed(documents)
    data = documents[-2][1]["data"]
    latest = BunchRequest("latest").compute(state)
    np.testing.assert_array_equal(latest.counts, data["spc_counts"])
    np.testing.assert_array_equal(
        latest.photons_per_pulse, true_counts(data["spc_counts"], data["spc_pulses"]) / data["spc_pulses"]
    )
    pumped = [doc["data"] for name, doc in documents if name == "event" and doc["data"]["laser_shutter"] == 1]
    run = BunchRequest("run").compute(state)
    np.testing.assert_array_equal(run.counts, sum(data["spc_counts"] for data in pumped))
    assert not run.attenuate
    # A gate with mu photons per pulse misses 1 - (1 - exp(-mu)) / mu of them.
    mu = run.photons_per_pulse
    np.testing.assert_allclose(run.pile_up, 1 + np.expm1(-mu) / mu, rtol=1e-9)


def test_bright_gates_ask_for_attenuation() -> None:
    assert BunchRequest("latest").compute(fed(energy_run(photons_per_pulse=1.5))).attenuate
    with pytest.raises(ReductionError, match="counted gates"):
        BunchRequest("latest").compute(fed([("start", {"uid": "x"})]))


@pytest.mark.parametrize("mode", ["spc", "boxcar"])
def test_checks_are_those_of_the_stored_run(mode: Mode) -> None:
    documents = energy_run(shutter_reference="point")
    state, stored = fed(documents), accumulate(documents)
    assert ScatterRequest(mode=mode).compute(state) == scatter_ratio(*scan_transients(stored, mode))
    tail = Gate(1, 0), Gate(1, 2)
    for pair, gates in (
        (NullPair.OFF, (Gate(0, 3), Gate(0, 4))),
        (NullPair.UNPUMPED, (Gate(1, 3), Gate(1, 4), tail)),
    ):
        assert NullTestRequest(pair=pair, mode=mode).compute(state) == null_test(stored, mode, *gates)


@pytest.mark.parametrize("mode", ["spc", "boxcar"])
def test_checks_of_the_gates_are_those_of_the_stored_run(mode: Mode) -> None:
    """Lost: a gate of another gain or zero that shows only when the beam time is over."""
    documents = energy_run(shutter_reference="point")
    state, stored = fed(documents), accumulate(documents)
    assert GateTestRequest(mode=mode).compute(state) == gate_null_test(stored, mode)
    assert list(BaselineRequest(mode=mode).compute(state)) == baseline_checks(stored, mode)
    with pytest.raises(ReductionError, match="laser shutter closed"):
        GateTestRequest(mode=mode).compute(fed(energy_run()))


def test_scatter_of_a_fluence_scan_is_its_own() -> None:
    documents = fluence_run()
    stored = fluence_scan(accumulate(documents), "boxcar")
    assert ScatterRequest(mode="boxcar").compute(fed(documents)) == stored.scatter
    with pytest.raises(ReductionError, match="two scans"):
        ScatterRequest(mode="boxcar").compute(fed(fluence_run(scans=1)))


def test_trends_of_the_surroundings_are_the_events_own() -> None:
    documents = energy_run()
    state = fed(documents)
    events = [doc for name, doc in documents if name == "event"]
    i0 = TrendRequest("i0").compute(state)
    np.testing.assert_array_equal(i0.value, [doc["data"]["i0"] / doc["data"]["exposure_s"] for doc in events])
    np.testing.assert_array_equal(i0.time_s, [doc["time"] for doc in events])
    with pytest.raises(ReductionError, match="temperature_c"):
        TrendRequest("temperature_c").compute(state)
    with pytest.raises(ReductionError, match="Choose one of"):
        TrendRequest("colour").compute(state)


def test_excited_state_is_made_from_the_spectrum_on_the_screen() -> None:
    state = fed(energy_run())
    spectrum = SpectrumRequest(mode="boxcar").compute(state)
    excited = ExcitedStateRequest(fraction=0.2).compute(state)
    np.testing.assert_allclose(0.2 * excited.value + 0.8 * spectrum.off, spectrum.on, rtol=1e-12)
    with pytest.raises(ReductionError, match="above 0"):
        ExcitedStateRequest(fraction=0.0).compute(state)


def test_an_image_is_read_from_its_file_and_integrated(tmp_path: Path) -> None:
    geometry, rng = DetectorGeometry(), np.random.default_rng(1)
    images = rng.poisson(20.0, (4, *geometry.shape)).astype(np.int32)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["/entry/data/data"] = images
    state = fed([("start", {"uid": "xrd", "plan_name": "diffraction"})])
    with pytest.raises(ReductionError, match="no images yet"):
        DiffractionRequest().compute(state)
    state.image = ImageReference(
        field="pilatus_image", path=tmp_path / "a.h5", index=1, spec="AD_HDF5", frames=2, events=1
    )
    shown = DiffractionRequest().compute(state)
    np.testing.assert_array_equal(shown.image, images[2:].mean(axis=0))
    assert shown.pattern is not None
    np.testing.assert_array_equal(shown.pattern.intensity, integrate(shown.image, geometry).intensity)
    row, column, rows, columns = region = (50, 100, 40, 60)
    outside = np.ones(geometry.shape, dtype=bool)
    outside[row : row + rows, column : column + columns] = False
    part = DiffractionRequest(region=region).compute(state).pattern
    assert part is not None
    np.testing.assert_array_equal(part.intensity, integrate(shown.image, geometry, mask=outside).intensity)
    nothing = DiffractionRequest(masked=((0, 0, *geometry.shape),)).compute(state)
    assert nothing.pattern is None
    assert "No valid pixel" in nothing.problem
    state.image = ImageReference(
        field="pilatus_image", path=tmp_path / "missing.h5", index=0, spec="AD_HDF5", frames=1, events=1
    )
    with pytest.raises(ReductionError, match=r"missing\.h5"):
        DiffractionRequest().compute(state)


def test_a_pump_probe_run_is_no_static_spectrum() -> None:
    with pytest.raises(ReductionError, match="not a static energy scan"):
        TemperatureSeriesRequest().compute(fed(energy_run()))


def test_a_detector_of_all_bunches_is_followed_from_scan_to_scan() -> None:
    """Lost: what a drift detector without gates has counted, which no transient shows."""
    run = delay_documents()
    trend = AllBunchesTrend().compute(fed(run))
    shown = all_bunches(accumulate(run), "total")
    assert trend.value == pytest.approx([shown.signal.mean()])
    assert trend.sigma is not None
    assert 0 < trend.sigma[0] < 1e-3 * trend.value[0]
    with pytest.raises(ReductionError, match="is gated"):
        AllBunchesTrend().compute(fed(delay_run()))
