"""If these fail, the laser is centred beside the X-rays, or left beside them after a scan."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import plans
from errors import AcquisitionError, InputError, NotConnectedError, OutOfRangeError, ReductionError
from plans.xas.overlap_scan import POSITIONS_UM
from reduction.xas.overlap import fit_overlap
from tests.support.recorded_runs import RecordedRuns

X = np.array(POSITIONS_UM)


def test_the_mirror_comes_back_when_the_scan_fails(recorded: RecordedRuns) -> None:
    recorded.hardware.refused_triggers = 100
    with pytest.raises(AcquisitionError, match="Expected exposure"):
        recorded.run(plans.overlap_scan(recorded.line, "vertical", dwell_s=1.0))
    assert recorded.line.axes["pointing_vertical_um"].position == 0.0


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"direction": "sideways"}, InputError, "'horizontal', 'vertical'"),
        ({"edge": "Cs L3"}, InputError, "out of the monochromator's reach"),
        ({"positions_um": []}, InputError, "empty"),
        ({"positions_um": [0.0, math.nan]}, InputError, "not a finite number"),
        ({"positions_um": [-300.0, 0.0]}, OutOfRangeError, "-200 to 200 um"),
        ({"positions_um": [10.0, 0.0]}, InputError, "ascend"),
        ({"delay_ps": 1e9}, OutOfRangeError, "-100000 to 200000 ps"),
        ({"dwell_s": 0.0}, OutOfRangeError, r"0\.001 to 400 s"),
        ({"repeats": 0}, InputError, "1 to 10000"),
    ],
)
def test_bad_input_moves_nothing(
    recorded: RecordedRuns, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    direction = options.pop("direction", "horizontal")
    with pytest.raises(error, match=message):
        recorded.run(plans.overlap_scan(recorded.line, direction, **options))
    recorded.assert_untouched()


def test_a_missing_mirror_moves_nothing(recorded: RecordedRuns) -> None:
    assert recorded.line.pointing_vertical is not None
    recorded.line.pointing_vertical.readback.answers = False
    with pytest.raises(NotConnectedError, match=r"7idd:m32\.RBV"):
        recorded.run(plans.overlap_scan(recorded.line, "vertical"))
    recorded.assert_untouched()


def test_the_fit_finds_the_centre_with_an_honest_error() -> None:
    """100 noisy scans: pulls have mean 0 and width 1 (4 standard errors: one false alarm in 16 000 each)."""
    rng, sigma = np.random.default_rng(3), 1.5e-3
    pulls = []
    for _ in range(100):
        signal = 0.002 - 0.025 * np.exp(-4 * np.log(2) * ((X - 14.0) / 50) ** 2)
        fit = fit_overlap(X, signal + sigma * rng.standard_normal(X.size), np.full(X.size, sigma))
        pulls.append([(fit.center_um - 14) / fit.center_sigma_um, (fit.fwhm_um - 50) / fit.fwhm_sigma_um])
    assert np.abs(np.mean(pulls, axis=0)).max() < 0.4
    np.testing.assert_allclose(np.std(pulls, axis=0), 1, atol=0.3)


@pytest.mark.parametrize(
    ("signal", "sigma", "error", "message"),
    [
        (np.zeros(X.size), 1e-3, ReductionError, "No maximum"),
        (1e-3 * np.random.default_rng(1).standard_normal(X.size), 1e-3, ReductionError, "No maximum"),
        (np.full(X.size, np.nan), 1e-3, InputError, "errors"),
        (np.ones(X.size), 0.0, InputError, "above 0"),
    ],
)
def test_no_overlap_is_an_error_not_a_centre(
    signal: np.ndarray, sigma: float, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        fit_overlap(X, signal, np.full(X.size, sigma))


def test_a_laser_outside_the_scan_is_not_extrapolated() -> None:
    signal = -0.03 * np.exp(-4 * np.log(2) * ((X - 120.0) / 50) ** 2)
    with pytest.raises(ReductionError, match="Widen"):
        fit_overlap(X, signal, np.full(X.size, 1e-4))
