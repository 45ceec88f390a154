"""If these fail, the errors of boxcar transients are wrong where the jet moves within an exposure."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.unsteady_jet import jet_within_dwell


@pytest.mark.long
def test_errors_with_an_unsteady_jet_are_true_to_three_per_cent() -> None:
    """Lost: honest error bars. 200 redraws of 11 points: the scatter is known to 1.5 %."""
    spectra = [jet_within_dwell(seed, 8.0) for seed in range(200)]
    scatter = np.var([one.transient for one in spectra], axis=0, ddof=1)
    stated = np.mean([one.sigma**2 for one in spectra], axis=0)
    assert np.sqrt(stated.mean() / scatter.mean()) == pytest.approx(1.0, abs=0.03)
