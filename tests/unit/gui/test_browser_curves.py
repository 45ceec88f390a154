"""If these fail, an overlay, a difference or a ratio on the screen is not what the stored runs say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import h5py  # type: ignore[import-untyped]
import numpy as np
import pytest

from errors import ReductionError
from gui.browser.comparison import difference, ratio
from gui.browser.overlay import RESULT, DrawnRun, by_two_gates
from gui.browser.run_curves import CurveChoice, CurveKind, RunCurve, run_curve
from reduction.accumulator import accumulate
from reduction.powder.diffraction import integrate
from reduction.powder.series import geometry_of
from reduction.types import Mode
from reduction.xas.all_gates import best_spectrum
from reduction.xas.boxcar_energy import boxcar_spectrum
from reduction.xas.fluence import fluence_scan
from reduction.xas.spc_energy import spc_spectrum
from reduction.xas.spc_time import spc_trace
from reduction.xas.static_xas import accumulate_static, measured_points, static_spectrum
from storage.image_reading import DATASET
from tests.support.live_runs import delay_run, energy_run, fluence_run
from tests.support.static_runs import static_run
from tests.support.types import NamedDocument


@pytest.mark.parametrize("mode", ["spc", "boxcar"])
@pytest.mark.parametrize("part", ["transient", "on", "off"])
@pytest.mark.parametrize("probe", [0, 1])
def test_spectra_are_those_of_the_reduction(mode: Mode, part: CurveKind, probe: int) -> None:
    documents = energy_run()
    shown = run_curve(documents, CurveChoice(curve=part, mode=mode, probe=probe, reference="unpumped probe"))
    stored = (spc_spectrum if mode == "spc" else boxcar_spectrum)(accumulate(documents), probe)
    np.testing.assert_array_equal(shown.x, stored.energy_ev)
    np.testing.assert_array_equal(shown.y, getattr(stored, part))
    assert shown.sigma is not None
    np.testing.assert_array_equal(
        shown.sigma, stored.sigma if part == "transient" else getattr(stored, f"{part}_sigma")
    )


@pytest.mark.parametrize("mode", ["spc", "boxcar"])
def test_a_spectrum_is_by_all_gates_until_two_are_asked_for(mode: Mode) -> None:
    """Lost: overlay, night's table and page, in which a run is not what its panel and its results show first."""
    documents = energy_run(scans=8)
    shown = run_curve(documents, CurveChoice(mode=mode))
    best = best_spectrum(accumulate(documents), mode)
    two = run_curve(documents, CurveChoice(mode=mode, reference="unpumped probe"))
    np.testing.assert_array_equal(shown.y, best.transient)
    assert best.metadata.reference == "all gates"
    assert not np.array_equal(shown.y, two.y)


def test_traces_and_dependences_are_those_of_the_reduction() -> None:
    delays, fluences = delay_run(), fluence_run()
    trace, dependence = run_curve(delays, CurveChoice()), run_curve(fluences, CurveChoice(mode="boxcar"))
    np.testing.assert_array_equal(trace.y, spc_trace(accumulate(delays)).transient)
    np.testing.assert_array_equal(dependence.y, fluence_scan(accumulate(fluences), "boxcar").transient)
    assert (trace.axis, dependence.axis) == ("delay_ps", "fluence_mj_cm2")


def test_what_cannot_be_reduced_reports_why() -> None:
    with pytest.raises(ReductionError, match="Choose photon counting"):
        run_curve(delay_run(), CurveChoice(mode="boxcar"))
    with pytest.raises(ReductionError, match="Choose the transient"):
        run_curve(fluence_run(), CurveChoice(curve="on"))
    with pytest.raises(ReductionError, match="no start document"):
        run_curve([], CurveChoice())


def diffraction_run(folder: Path, images: np.ndarray, quality: Sequence[str]) -> list[NamedDocument]:
    """A run of the plan diffraction over `images` (images, rows, columns)."""
    rows, columns = images.shape[1:]
    with h5py.File(folder / "images.h5", "w") as file:
        file[DATASET] = images
    geometry = {"distance_m": 0.1, "offset_m": [0.01, 0.0], "pixel_m": 172e-6, "shape": [rows, columns]}
    start = {"uid": "powder", "plan_name": "diffraction", "energy_ev": 12_900.0, "geometry": geometry}
    resource = {"uid": "r", "spec": "AD_HDF5", "root": str(folder), "resource_path": "images.h5"}
    documents: list[NamedDocument] = [("start", start), ("resource", resource)]
    documents.append(("descriptor", {"uid": "d", "run_start": "powder", "name": "primary"}))
    for index, reasons in enumerate(quality):
        datum = {"datum_id": f"r/{index}", "resource": "r", "datum_kwargs": {"point_number": index}}
        data = {"pilatus_image": f"r/{index}", "quality": reasons}
        documents += [("datum", datum), ("event", {"descriptor": "d", "seq_num": index + 1, "data": data})]
    return documents


def test_a_powder_pattern_is_that_of_all_good_images(tmp_path: Path) -> None:
    images = np.random.default_rng(6).poisson(40.0, (3, 60, 90)).astype(np.int32)
    images[:, 10, :] = -1
    images[0, 30, 40] = 1_000_000
    documents = diffraction_run(tmp_path, images, ["", "ring_current", ""])
    shown = run_curve(documents, CurveChoice())
    good = images[[0, 2]].sum(axis=0).astype(float)
    mask = np.zeros(good.shape, dtype=bool)
    mask[30, 40] = True
    stored = integrate(good, geometry_of(documents[0][1]), mask=mask, normalisation=2.0)
    assert (shown.axis, shown.quantity) == ("q_inv_angstrom", "powder pattern (counts per pixel)")
    np.testing.assert_array_equal(shown.x, stored.q_inv_angstrom)
    np.testing.assert_array_equal(shown.y, stored.intensity)
    np.testing.assert_array_equal(shown.sigma, stored.sigma)
    assert difference(shown, shown).y.max() == 0.0


def test_a_run_without_images_reports_it(tmp_path: Path) -> None:
    documents = diffraction_run(tmp_path, np.ones((1, 60, 90), dtype=np.int32), ["ring_current"])
    with pytest.raises(ReductionError, match="no good image"):
        run_curve(documents, CurveChoice())


def test_a_static_scan_shows_what_is_counted_until_it_can_be_normalised() -> None:
    documents = static_run("static", 25.0)
    whole = run_curve(documents, CurveChoice())
    assert whole.quantity == "static spectrum (1/eV)"
    np.testing.assert_array_equal(whole.y, static_spectrum(accumulate_static(documents)).normalised.intensity)
    half = run_curve(documents[:8], CurveChoice())
    assert half.quantity == "counts per I0"
    np.testing.assert_array_equal(half.y, measured_points(accumulate_static(documents[:8])).intensity)


def test_a_run_of_another_kind_is_named_as_people_name_it() -> None:
    start = {"uid": "x", "plan_name": "mirror_scan", "grid": {"axis": "pointing_um", "points": [0.0]}}
    with pytest.raises(ReductionError, match=r"No reduction is known for this run \(mirror scan\)"):
        run_curve([("start", start)], CurveChoice())


def test_difference_of_equal_truths_is_zero_within_its_errors() -> None:
    """Chi-square of 44 points about zero; the bounds are exceeded by chance once in 10 000 runs."""
    first, second = (run_curve(energy_run(uid, seed=seed), CurveChoice()) for uid, seed in (("a", 1), ("b", 2)))
    result = difference(first, second)
    assert result.sigma is not None
    assert first.sigma is not None
    assert second.sigma is not None
    np.testing.assert_allclose(result.sigma, np.sqrt(first.sigma**2 + second.sigma**2), rtol=1e-12)
    chi_square = float(np.sum((result.y / result.sigma) ** 2))
    assert 15 < chi_square < 89


def test_errors_of_a_ratio_are_those_of_drawn_numbers() -> None:
    """Width of 20 000 drawn ratios against the propagated error, to 3 % (six of its own errors)."""
    rng = np.random.default_rng(5)
    first, second = (curve([1.0, 2.0], sigma) for sigma in (0.02, 0.03))
    result, omitted = ratio(replace(first, y=np.array([0.5, 2.0])), second)
    drawn = (np.array([0.5, 2.0]) + 0.02 * rng.standard_normal((20_000, 2))) / (
        np.array([1.0, 2.0]) + 0.03 * rng.standard_normal((20_000, 2))
    )
    assert omitted == 0
    assert result.sigma is not None
    np.testing.assert_allclose(result.sigma, drawn.std(axis=0), rtol=0.03)


def test_ratio_leaves_out_points_whose_denominator_may_be_zero() -> None:
    result, omitted = ratio(curve([1.0, 1.0, 1.0], 0.1), curve([1.0, 0.2, -0.31], 0.1))
    assert omitted == 1
    np.testing.assert_array_equal(result.x, [1.0, 3.0])
    with pytest.raises(ReductionError, match="zero within 3 errors at every point"):
        ratio(curve([1.0], 0.1), curve([0.1], 0.1))


def test_read_back_jitter_is_no_other_grid_and_a_shorter_run_is_compared_where_it_is() -> None:
    first = replace(curve([1.0, 2.0, 3.0], 0.1), x=np.array([1.0, 2.05, 3.0]))
    second = replace(curve([1.0, 1.0], 0.1), x=np.array([2.0, 2.95]))
    result = difference(first, second)
    np.testing.assert_allclose(result.x, [2.025, 2.975])
    np.testing.assert_allclose(result.y, [1.0, 2.0])
    np.testing.assert_allclose(difference(second, first).y, [-1.0, -2.0])


@pytest.mark.parametrize("x", [[1.0, 2.3, 3.0], [1.0, 1.05, 3.0]])
def test_other_grids_are_refused_rather_than_interpolated(x: list[float]) -> None:
    first = curve([1.0, 1.0, 1.0], 0.1)
    with pytest.raises(ReductionError, match="not measured on the same grid"):
        difference(first, replace(first, x=np.array(x)))


def test_an_overlay_names_the_spectra_of_two_pulses_among_those_of_all() -> None:
    """Lost: the reason why the error bars of one of two runs are half as large again."""
    runs = [DrawnRun(uid=name, label=name, style=RESULT, curve=curve([1.0], 0.1)) for name in ("scan 1", "scan 2")]
    weak = [replace(run, curve=replace(curve([1.0], 0.1), two_gates_reason="Too weak.")) for run in runs]
    assert by_two_gates(runs) == []
    assert by_two_gates([runs[0], weak[1]]) == ["scan 2 is by two pulses. Too weak."]
    assert by_two_gates(weak) == ["By two pulses: scan 1, scan 2. Select one of them to see why."]


def test_curves_of_different_kinds_are_refused() -> None:
    first = curve([1.0], 0.1)
    with pytest.raises(ReductionError, match="Choose two runs of the same kind"):
        difference(first, replace(first, axis="delay_ps"))
    with pytest.raises(ReductionError, match="Choose two runs of the same kind"):
        ratio(first, replace(first, quantity="foil"))


def curve(y: list[float], sigma: float) -> RunCurve:
    values = np.array(y)
    return RunCurve(
        uid="run",
        axis="energy_ev",
        quantity="transient (1)",
        x=np.arange(1.0, len(y) + 1.0),
        y=values,
        sigma=np.full(len(y), sigma),
    )
