"""If these fail, a fault of the microscope cannot be found, or a file of faults is read as that of the beamline."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.errors import SimulationInputError
from sim.faults.schedule import load_faults
from sim.ioc.tplm.fault_kinds import TABLE


def test_the_microscope_has_its_own_kinds_and_its_page_lists_them(tmp_path: Path) -> None:
    page = (Path(__file__).parents[4] / "docs" / "how-to" / "measure-a-tplm-map.md").read_text(encoding="utf-8")
    table = page[page.index("| kind |") :].split("\n\n")[0]
    listed = [name for row in table.splitlines()[2:] for name in row.split("|")[1].replace("`", "").split(",")]
    assert [name.strip() for name in listed] == list(TABLE.kinds)
    file = tmp_path / "faults.toml"
    file.write_text('[[faults]]\nkind = "StageLost"\nat_s = 1.0\nduration_s = 5.0\nmotor = "tplm:m2"\n')
    (planned,) = load_faults(file, TABLE)
    assert planned.fault == TABLE.kinds["StageLost"](motor="tplm:m2")  # type: ignore[call-arg]  # a field of that kind
    with pytest.raises(SimulationInputError, match="Unknown fault 'StageLost'"):
        load_faults(file)
