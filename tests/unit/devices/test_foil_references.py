"""If these fail, a foil is compared with another reference than the best there is, or an edge looks better known."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.configuration import FoilSettings
from devices.configuration.foil_settings import foil_faults
from devices.foil_references import CURVE, STEEPEST, TABULATED, FoilReferences
from errors import ConfigurationError
from trxas.session.foil_files import read_foil_files

ENERGIES = [13_000.0 + step for step in range(120)]
CURVE_OF_FILE = {"energy_ev": ENERGIES, "absorption": ENERGIES, "error_ev": 0.4, "source": "Pb.xdi"}


def test_a_real_foil_is_better_than_the_table_and_a_curve_better_than_a_point() -> None:
    foils = FoilReferences()
    assert foils.of("Pb L2")["kind"] == TABULATED
    assert foils.of("Pb L2")["error_ev"] == 3.0
    point = foils.of("Pb L3")
    assert (point["kind"], point["edge_ev"], point["steepest_ev"], point["error_ev"]) == (
        STEEPEST,
        13_035,
        13_040.64,
        0.5,
    )
    foils.files = {"Pb": CURVE_OF_FILE}
    found = foils.of("Pb L3")
    assert (found["kind"], found["source"], found["error_ev"], len(found["energy_ev"])) == (CURVE, "Pb.xdi", 0.4, 120)
    assert foils.of("Pb L2")["kind"] == TABULATED, "the file does not reach 15 200 eV"
    own = {**point, "source": "own foil, run 1234"}
    foils.configure({"own": {"Pb L3": own}})
    assert foils.of("Pb L3") == own


def test_the_configuration_names_files_of_elements_or_edges(tmp_path: Path) -> None:
    foils = {name: FoilSettings(reference=str(tmp_path / "x.xdi")) for name in ("Pb", "Pb L3", "Pb L9", "Xx")}
    faults = [fault.table for fault in foil_faults(foils)]
    assert faults == ['foils."Pb L9"', "foils.Xx"]
    (fault,) = FoilSettings(reference="Pb.xdi").faults()
    assert "absolute path" in fault.message


def test_a_file_is_shifted_by_its_offset_and_a_missing_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lead.xdi"
    rows = "\n".join(f"{energy} 2.0 1.0" for energy in (13_000, 13_001))
    path.write_text(f"# XDI/1.0\n# Column.1: energy\n# Column.2: i0\n# Column.3: itrans\n{rows}\n")
    read = read_foil_files({"Pb": FoilSettings(reference=str(path), offset_ev=0.45, error_ev=0.2)})
    assert read["Pb"]["energy_ev"] == [13_000.45, 13_001.45]
    assert (read["Pb"]["source"], read["Pb"]["error_ev"]) == ("lead.xdi", 0.2)
    with pytest.raises(ConfigurationError, match=r"\[foils.Pb\] reference"):
        read_foil_files({"Pb": FoilSettings(reference=str(tmp_path / "none.xdi"))})
