"""If these fail, heat and light are compared by a wrong ratio or error bar."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from errors import ReductionError
from reduction.accumulator import accumulate
from reduction.xas.comparison import BR_K, comparison_parameter
from reduction.xas.spc_energy import spc_spectrum

ENERGY_EV = np.arange(13_450.0, 13_571.0, 0.5)


def difference(energy_ev: NDArray[np.float64]) -> NDArray[np.float64]:
    up, down = (np.exp(-(((energy_ev - centre) / 1.5) ** 2)) for centre in (13_467.5, 13_472.0))
    return np.asarray(0.01 * up - 0.02 * down)


def test_common_error_of_all_points_is_propagated() -> None:
    """Lost: the error of an offset that both windows share, if points are taken as independent."""
    shared = np.full((ENERGY_EV.size, ENERGY_EV.size), 1e-6)
    found = comparison_parameter(ENERGY_EV, difference(ENERGY_EV), shared, BR_K)
    before = found.pre_edge.value
    assert found.sigma == pytest.approx(1e-3 * abs(1.0 - found.value) / before)
    assert found.main_edge.sigma == pytest.approx(1e-3)


def test_transient_of_a_run(br_energy_scan: Any) -> None:
    """44 points of 1 eV: both windows hold two points although the readback jitters; 4 sigma, 1 in 16 000."""
    scan = br_energy_scan(dwell_s=20.0)
    spectrum = spc_spectrum(accumulate(scan.documents(np.random.default_rng(3))))
    found = comparison_parameter(spectrum.energy_ev, spectrum.transient, spectrum.sigma, BR_K)
    exact = scan.static * scan.signal[:, 0]
    energies = scan.points.tolist()
    main, before = (sum(exact[energies.index(e + d)] for d in (0, 1)) for e in (13_471.0, 13_468.0))
    assert found.value < 0
    assert abs(found.value - main / before) < 4 * found.sigma


def test_window_without_points_is_named() -> None:
    with pytest.raises(ReductionError, match="pre_edge_ev"):
        comparison_parameter(np.array([13_471.5]), np.ones(1), np.ones(1), BR_K)
    with pytest.raises(ReductionError, match="the parameter C is undefined"):
        comparison_parameter(ENERGY_EV, np.zeros(ENERGY_EV.size), np.ones(ENERGY_EV.size), BR_K)
