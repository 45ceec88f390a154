"""If these fail, the energy axis is calibrated to a wrong edge position."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from errors import ReductionError
from reduction.accumulator import accumulate
from reduction.xas.calibration import FoilSpectrum, find_edge, foil_absorption, read_xdi
from tests.support.foil_edges import EDGE_EV, GRID, REAL_FOIL, absorption, steepest


def test_offset_has_the_sign_of_a_correction() -> None:
    """A wrong sign would double the error of the energy axis at every calibration."""
    measured = GRID + 0.7
    edge = find_edge(FoilSpectrum(measured, absorption(GRID)))
    assert steepest() - edge.edge_ev.value == pytest.approx(-0.7, abs=0.05)


def test_foil_behind_the_sample_is_read_from_a_run(br_energy_scan: Any) -> None:
    scan = br_energy_scan(scans=2, shutter_reference="point")
    documents = scan.documents(np.random.default_rng(1))

    def foil(energy_ev: NDArray[np.float64]) -> NDArray[np.float64]:
        # Twice as wide, because the points of this grid are 1 eV apart.
        return absorption(EDGE_EV + (energy_ev - 13_472.0) / 2.0)

    for name, doc in documents:
        if name == "event":
            doc["data"]["foil"] = doc["data"]["i0"] * np.exp(-foil(np.array(doc["data"]["energy_ev"]))).item()
    spectrum = foil_absorption(accumulate(documents))
    assert spectrum.absorption == pytest.approx(foil(scan.points), abs=1e-3)
    expected = find_edge(FoilSpectrum(scan.points, foil(scan.points)), half_width_ev=5.0).edge_ev.value
    found = find_edge(spectrum, half_width_ev=5.0).edge_ev
    assert abs(found.value - expected) < 4.5 * found.sigma
    assert found.sigma < 0.1


def test_run_without_foil_counts_reports_it(br_energy_scan: Any) -> None:
    documents = br_energy_scan(scans=1).documents(np.random.default_rng(2))
    for name, doc in documents:
        if name == "event":
            del doc["data"]["foil"]
    with pytest.raises(ReductionError, match="counts above 0"):
        foil_absorption(accumulate(documents))


def test_delay_scan_has_no_edge(br_beam_time: type[Any]) -> None:
    beam_time = br_beam_time(np.array([0.0, 1.0]), np.ones(2), np.zeros((2, 5)), axis="delay_ps")
    with pytest.raises(ReductionError, match="not the energy"):
        foil_absorption(accumulate(beam_time.documents(np.random.default_rng(3))))


@pytest.mark.parametrize(
    ("spectrum", "message"),
    [
        (FoilSpectrum(GRID[::8], absorption(GRID[::8])), "No rise"),
        (FoilSpectrum(GRID, -1e-3 * GRID), "No rise"),
    ],
)
def test_spectrum_without_an_edge_is_refused(spectrum: FoilSpectrum, message: str) -> None:
    with pytest.raises(ReductionError, match=message):
        find_edge(spectrum)


def test_xdi_columns_are_found_by_name(tmp_path: Path) -> None:
    path = tmp_path / "foil.xdi"
    rows = "\n".join(f"{e} {np.exp(-a)} 1.0" for e, a in zip(GRID, absorption(GRID), strict=True))
    text = f"# XDI/1.0 5 µm\n# Column.1: energy eV\n# Column.2: itrans\n# Column.3: i0\n# ---\n{rows}\n"
    # As editors and instruments save it: with a byte order mark, or with comments in another encoding.
    for encoding in ("utf-8", "utf-8-sig", "latin-1"):
        path.write_bytes(text.encode(encoding))
        spectrum = read_xdi(path)
        assert np.array_equal(spectrum.energy_ev, GRID)
        assert spectrum.absorption == pytest.approx(absorption(GRID))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# XDI/1.0\n# Column.1: energy eV\n# Column.2: i0\n1 2\n", "itrans"),
        ("# Column.1: energy\n# Column.2: i0\n# Column.3: itrans\n1 2 x\n", "not a table of numbers"),
        ("# Column.1: energy\n# Column.2: i0\n# Column.3: itrans\n1 2\n", "not a table of numbers"),
        ("# Column.1: energy\n# Column.2: i0\n# Column.3: itrans\n1 2 0\n", "counts above 0"),
    ],
)
def test_file_that_is_no_transmission_spectrum_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "other.xdi"
    path.write_text(text)
    with pytest.raises(ReductionError, match=message):
        read_xdi(path)


@pytest.mark.skipif(not REAL_FOIL.exists(), reason="TRXAS_LEAD_FOIL does not name the file of the foil")
def test_real_lead_foil_is_steepest_above_its_shoulder() -> None:
    """The derivative of real lead has a shoulder at 13034 eV and its maximum near 13040.6 eV on that axis."""
    spectrum = read_xdi(REAL_FOIL)
    found = [find_edge(spectrum, half_width_ev=width).edge_ev for width in (2.0, 3.0, 4.0)]
    assert [edge.value for edge in found] == pytest.approx([13_040.64] * 3, abs=0.1)
    assert max(edge.sigma for edge in found) < 0.08
