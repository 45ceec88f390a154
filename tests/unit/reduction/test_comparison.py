"""If these fail, heat and light are compared by a wrong ratio, area or error bar."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from errors import ReductionError
from reduction.accumulator import accumulate
from reduction.xas.comparison import (
    BR_K,
    absolute_area,
    comparison_parameter,
    transient_comparison,
)
from reduction.xas.spc_energy import spc_spectrum
from reduction.xas.transient import Spectrum, TransientMetadata

ENERGY_EV = np.arange(13_450.0, 13_571.0, 0.5)


def difference(energy_ev: NDArray[np.float64]) -> NDArray[np.float64]:
    up, down = (np.exp(-(((energy_ev - centre) / 1.5) ** 2)) for centre in (13_467.5, 13_472.0))
    return np.asarray(0.01 * up - 0.02 * down)


def test_common_error_of_all_points_is_propagated() -> None:
    """An offset shared by both windows moves the ratio; errors taken as independent would miss it."""
    shared = np.full((ENERGY_EV.size, ENERGY_EV.size), 1e-6)
    found = comparison_parameter(ENERGY_EV, difference(ENERGY_EV), shared, BR_K)
    before = found.pre_edge.value
    assert found.sigma == pytest.approx(1e-3 * abs(1.0 - found.value) / before)
    assert found.main_edge.sigma == pytest.approx(1e-3)


def test_transient_of_a_run(br_energy_scan: Any) -> None:
    """44 points of 1 eV: both windows hold two points although the readback jitters; 4 sigma, 1 in 16 000."""
    scan = br_energy_scan(dwell_s=20.0)
    spectrum = spc_spectrum(accumulate(scan.documents(np.random.default_rng(3))))
    found = transient_comparison(spectrum, BR_K)
    exact = scan.static * scan.signal[:, 0]
    energies = scan.points.tolist()
    main, before = (sum(exact[energies.index(e + d)] for d in (0, 1)) for e in (13_471.0, 13_468.0))
    assert found.value < 0
    assert abs(found.value - main / before) < 4 * found.sigma


def test_window_without_points_is_named() -> None:
    with pytest.raises(ReductionError, match="pre_edge_ev"):
        comparison_parameter(np.array([13_471.5]), np.ones(1), np.ones(1), BR_K)
    with pytest.raises(ReductionError, match="C has no value"):
        comparison_parameter(ENERGY_EV, np.zeros(ENERGY_EV.size), np.ones(ENERGY_EV.size), BR_K)


def spectrum_of(transient: NDArray[np.float64], sigma: float) -> Spectrum:
    off = 1.0 / (1.0 + np.exp(-(ENERGY_EV - 13_470.0) / 1.5))
    errors = np.full(ENERGY_EV.size, sigma)
    metadata = TransientMetadata("s", "Br K", "spc", "unpumped probe", 0, 1, "pre-edge")
    return Spectrum(ENERGY_EV, off + transient, errors, off, errors, transient, errors, None, metadata)


@pytest.fixture
def windows(br_energy_scan: Any) -> Any:
    return accumulate([("start", br_energy_scan().start())]).metadata.windows


def exact_area() -> float:
    fine = np.arange(13_466.0, 13_500.01, 0.01)
    edge = np.trapezoid(1.0 / (1.0 + np.exp(-(fine - 13_470.0) / 1.5)), fine)
    every = np.arange(13_450.0, 13_570.0, 0.01)
    return float(np.trapezoid(np.abs(difference(every)), every) / edge)


def test_area_is_relative_to_the_edge_integral(windows: Any) -> None:
    """The paper's factors are near 1/area on this scale (155), far from it on any other."""
    area = absolute_area(spectrum_of(difference(ENERGY_EV), 1e-9), windows)
    assert area.raw == pytest.approx(exact_area(), rel=5e-3)
    assert area.inverse.value == pytest.approx(1 / exact_area(), rel=5e-3)
    assert area.inverse_raw == pytest.approx(area.inverse.value, rel=1e-5)
    doubled = spectrum_of(difference(ENERGY_EV), 1e-9)
    arrays: dict[str, Any] = {name: value for name, value in vars(doubled).items() if isinstance(value, np.ndarray)}
    scaled = replace(doubled, **{name: 3 * value for name, value in arrays.items() if name != "energy_ev"})
    assert absolute_area(scaled, windows).raw == pytest.approx(area.raw)


def test_noise_adds_to_the_raw_area_as_stated_and_a_shape_takes_it_out(windows: Any) -> None:
    """300 draws of a weak transient in noise of its own size: the mean pull has sigma 0.058; 4 sigma."""
    rng, sigma, weak = np.random.default_rng(4), 2e-3, 0.15 * difference(ENERGY_EV)
    plain, shaped, pulls = [], [], []
    for _ in range(300):
        spectrum = spectrum_of(weak + sigma * rng.standard_normal(ENERGY_EV.size), sigma)
        plain.append(absolute_area(spectrum, windows))
        shaped.append(absolute_area(spectrum, windows, shape=difference(ENERGY_EV)))
        pulls.append((shaped[-1].area - 0.15 * exact_area()) / shaped[-1].sigma)
    truth = 0.15 * exact_area()
    raw = np.mean([area.raw for area in plain])
    assert raw > 4 * truth
    assert np.mean([area.area for area in plain]) < 0.75 * raw
    assert raw == pytest.approx(truth + np.mean([area.noise_bias for area in shaped]), rel=0.05)
    assert raw < truth + plain[0].floor
    assert abs(np.mean(pulls)) < 4 * 0.058 + 0.05
    assert abs(np.std(pulls) - 1.0) < 4 * 0.041


def test_shape_of_other_energies_is_refused(windows: Any) -> None:
    with pytest.raises(ReductionError, match="Use the same energies"):
        absolute_area(spectrum_of(difference(ENERGY_EV), 1e-3), windows, shape=np.ones(3))


def test_nothing_has_no_inverse(windows: Any) -> None:
    empty = absolute_area(spectrum_of(np.zeros(ENERGY_EV.size), 1e-3), windows)
    assert empty.inverse.value == np.inf
