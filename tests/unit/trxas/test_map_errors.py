"""If these fail, the numbers that the documentation gives for maps and single scans are wrong."""

from __future__ import annotations

import numpy as np
import pytest

from trxas.validation.map_errors import DELAY_PS, ENERGY_EV, LEVEL, PHOTONS, drawn_map, main, row_of, scan_and_spectra


def test_maps_are_drawn_with_the_beam_time_that_they_say() -> None:
    measured = drawn_map(1, photons=PHOTONS)
    assert measured.pumped.shape == (len(ENERGY_EV), len(DELAY_PS)) == (40, 12)
    np.testing.assert_allclose(measured.unpumped.mean(axis=1) / PHOTONS, LEVEL, rtol=0.02)
    row = row_of(measured, 7)
    np.testing.assert_array_equal(row.pumped, measured.pumped[7:8])
    assert row.positions.shape == (2, 1, 12)


def test_spectra_beside_a_delay_scan_have_true_errors() -> None:
    """Lost: a comparison that flatters the map, because the single scans' errors are too large."""
    found = scan_and_spectra(1)
    assert float(np.sqrt(np.mean(found.pulls**2))) == pytest.approx(1.0, abs=0.3)
    assert found.spectra_sigma.shape == (3, len(ENERGY_EV))


def test_help_reports_what_is_compared(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "single scans" in capsys.readouterr().out
