"""If these fail, static spectra are distorted by dead time, averaged wrongly, or have wrong error bars."""

from __future__ import annotations

import numpy as np

from tests.support.static_spectra import ENERGY_EV, exact, spectrum


def test_spectrum_is_undistorted_by_deadtime_and_has_the_right_errors() -> None:
    """Uncorrected, 10 to 15 % of the counts would be lost above the edge and 5 % before it.

    60 spectra: pull width 0.014 or so, mean pulls 0.13 each; the full covariance is tested by the mean over the
    edge, which errors without offset and scale would get wrong by a factor. 4.5 sigma, 1 in 3000 by chance.
    """
    pulls, means = [], []
    inside = ENERGY_EV > 13_540
    for seed in range(60):
        found = spectrum(seed).normalised
        deviation = found.intensity - exact()
        pulls.append(deviation / found.sigma)
        means.append(deviation[inside].mean() / np.sqrt(found.covariance[np.ix_(inside, inside)].mean()))
    assert abs(np.std(pulls) - 1.0) < 4.5 * 0.02
    assert np.abs(np.mean(pulls, axis=0)).max() < 4.5 * 0.13
    assert abs(np.std(means) - 1.0) < 4.5 * 0.092
    lost = exact() - spectrum(0, counts_per_s=1e6, deadtime=False).normalised.intensity
    assert np.abs(lost).max() < 1e-3
