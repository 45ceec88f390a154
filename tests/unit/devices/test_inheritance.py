"""If these fail, a user copies 160 lines of a beamline to change three, or edits the wrong file when one is faulty."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.configuration import read_inherited, read_toml
from errors import ConfigurationError
from tests.support.detector_files import DIODES, I0
from tests.support.scheme_files import SCHEMES
from trxas.configuration import DEFAULT_CONFIGURATION, configuration_schema, load_configuration

CHANNELS = "[[17, 18, 19, 20, 21], [22, 23, 24, 25, 26]]"
"""Channels of the five gates of the default scheme."""

EXAMPLES = Path(__file__).parents[3] / "examples"


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(path)
    return str(caught.value)


def test_a_file_states_only_what_differs(tmp_path: Path) -> None:
    axis = '[axes.nozzle_mm]\nmotor = "7idd:m41"\nunit = "mm"\nlow = -5.0\nhigh = 5.0\ntolerance = 0.01\n'
    text = f'extends = "7ID-D"\n[energy]\nlow_ev = 6000.0\n{axis}'
    found = load_configuration(written(tmp_path, "mine.toml", text)).beamline
    usual = load_configuration(DEFAULT_CONFIGURATION).beamline
    assert found.energy.low_ev == 6000.0
    assert found.energy.setpoint == usual.energy.setpoint
    assert found.pilatus == usual.pilatus
    assert list(found.axes) == ["nozzle_mm"]


def test_parents_have_parents_and_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    written(
        tmp_path, "hall.toml", 'extends = "7ID-D"\nname = "hall"\n[delay]\nlow_ps = -5e4\n[energy]\nlow_ev = 6000.0\n'
    )
    path = written(tmp_path, "users/mine.toml", 'extends = "../hall.toml"\n[energy]\nlow_ev = 7000.0\n')
    found = load_configuration(path).beamline
    assert (found.name, found.delay.low_ps, found.energy.low_ev) == ("hall", -5e4, 7000.0)


def test_lists_replace_and_tables_merge(tmp_path: Path) -> None:
    written(tmp_path, "a.toml", "list = [1, 2]\n[table.inner]\none = 1\ntwo = 2\n")
    path = written(tmp_path, "b.toml", 'extends = "a.toml"\nlist = [3]\n[table.inner]\ntwo = 3\n')
    assert read_inherited(path, {}).content == {"list": [3], "table": {"inner": {"one": 1, "two": 3}}}


def test_a_table_or_a_key_can_be_left_out(tmp_path: Path) -> None:
    path = written(tmp_path, "mine.toml", 'extends = "7ID-D"\nomits = ["sdd", "energy.motor", "cell"]\n')
    found = load_configuration(path).beamline
    assert found.sdd is None
    assert found.cell is None
    assert found.energy.motor == ""
    message = refusal(written(tmp_path, "wrong.toml", 'extends = "7ID-D"\nomits = ["energy.moter"]\n'))
    for part in ("wrong.toml", "energy.moter", "7id.toml", "Did you mean energy.motor?"):
        assert part in message
    assert "must be a list" in refusal(written(tmp_path, "text.toml", 'extends = "7ID-D"\nomits = "sdd"\n'))
    assert "needs extends" in refusal(written(tmp_path, "alone.toml", 'omits = ["sdd"]\n'))


def test_a_pump_scheme_takes_the_place_of_what_described_the_bunches(tmp_path: Path) -> None:
    scheme = (SCHEMES / "sls-hybrid-camshaft.toml").read_text(encoding="utf-8")
    parent = written(tmp_path, "scheme.toml", f'extends = "7ID-D"\n{scheme}')
    found = load_configuration(written(tmp_path, "mine.toml", 'extends = "scheme.toml"\nname = "mine"\n'))
    assert found.beamline.scheme.rate_divider == 3
    assert found.simulation_options[-2:] == ("--scheme", str(parent)), "the simulation reads the table itself"
    other = (SCHEMES / "esrf-16-bunches.toml").read_text(encoding="utf-8")
    replaced = load_configuration(written(tmp_path, "other.toml", f'extends = "scheme.toml"\n{other}')).beamline
    assert (
        replaced.pump_scheme
        == load_configuration(written(tmp_path, "direct.toml", f'extends = "7ID-D"\n{other}')).beamline.pump_scheme
    )
    text = f'extends = "7ID-D"\n{scheme}\n[exposure]\nprobes = 3\n'
    assert "[exposure] probes follows from [pump_scheme]" in refusal(written(tmp_path, "both.toml", text))


def test_a_list_of_detectors_takes_the_place_of_those_in_exposure(tmp_path: Path) -> None:
    text = 'extends = "7ID-D"\nomits = ["sdd"]\n' + I0 + DIODES.replace("[[17, 21], [22, 26]]", CHANNELS)
    mine = load_configuration(written(tmp_path, "mine.toml", text)).beamline
    assert [one.name for one in mine.detectors] == ["chamber", "diodes"]
    again = load_configuration(written(tmp_path, "again.toml", f'extends = "mine.toml"\n{I0}')).beamline
    assert [one.name for one in again.detectors] == ["chamber"], "lists replace"
    message = refusal(written(tmp_path, "both.toml", f"{text}\n[exposure]\napds = 2\n"))
    assert "[exposure] apds follows from [[detectors]]" in message


def test_the_file_with_public_names_has_a_name(tmp_path: Path) -> None:
    path = written(tmp_path, "mine.toml", 'extends = "7ID-D, public names"\n[energy]\nlow_ev = 6000.0\n')
    assert load_configuration(path).beamline.energy.low_ev == 6000.0


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('extends = "hall.toml"', ("hall.toml", "there is no file", "relative", "'7ID-D'")),
        ("extends = 7", ("extends = 7", "must be a string in quotes", "'7ID-D'")),
        ('extends = ""', ("must be a string in quotes",)),
        ('extends = "mine.toml"', ("leads in a circle", "mine.toml", "Remove one of them")),
    ],
)
def test_a_parent_that_cannot_be_is_named(tmp_path: Path, text: str, parts: tuple[str, ...]) -> None:
    message = refusal(written(tmp_path, "mine.toml", text))
    assert message.startswith(str(tmp_path / "mine.toml"))
    assert all(part in message for part in parts)


def test_a_circle_of_three_is_shown_whole(tmp_path: Path) -> None:
    written(tmp_path, "a.toml", 'extends = "b.toml"')
    written(tmp_path, "b.toml", 'extends = "c.toml"')
    written(tmp_path, "c.toml", 'extends = "a.toml"')
    message = refusal(tmp_path / "a.toml")
    assert " extends ".join(str(tmp_path / f"{name}.toml") for name in "abca") in message


def test_a_fault_names_the_file_and_the_key_it_comes_from(tmp_path: Path) -> None:
    """Lost: a person who looks for a key in a file that does not have it."""
    hall = written(
        tmp_path,
        "hall.toml",
        'extends = "7ID-D"\n[energy]\nlow_ev = -1.0\n'
        '[axes.x_mm]\nunit = "mm"\nlow = 1.0\nhigh = 0.0\ntolerance = 0.1\nmotor = "m"\n',
    )
    mine = written(
        tmp_path, "mine.toml", 'extends = "hall.toml"\n[delay]\ntolerance_ps = 0.0\n[axes.x_mm]\nmotor = "n"\n'
    )
    message = refusal(mine)
    assert message.startswith(f"{mine} has 3 faults:")
    lines = dict(line.split(" = ", 1) for line in message.splitlines()[1:])
    assert lines["  [energy] low_ev"].endswith(f"(inherited from {hall})")
    assert lines["  [axes.x_mm] low"].endswith(f"(inherited from {hall})")
    assert "inherited" not in lines["  [delay] tolerance_ps"]


def test_a_syntax_error_in_a_parent_names_the_parent(tmp_path: Path) -> None:
    written(tmp_path, "hall.toml", "[energy\n")
    path = written(tmp_path, "mine.toml", 'extends = "hall.toml"')
    assert "hall.toml" in refusal(path)


def test_the_schema_knows_the_key_and_asks_nothing_of_a_file_that_extends() -> None:
    schema = configuration_schema()
    assert schema["properties"]["extends"]["type"] == "string"
    assert "required" not in schema
    assert "required" not in schema["$defs"]["EnergySettings"]
    assert "setpoint" in schema["then"]["properties"]["energy"]["required"]
    assert schema["if"]["not"]["anyOf"][0] == {"required": ["extends"]}


def test_an_iron_complex_with_four_photodiodes_takes_sixty_lines() -> None:
    """Lost: the promise that a user with a sample, detectors, fill and axis of their own writes one short file."""
    path = EXAMPLES / "fe_four_photodiodes.toml"
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 60
    found = load_configuration(path).beamline
    assert found.exposure.apds == 4
    assert found.exposure.spc_frame == ""
    assert [(one.name, str(one.kind)) for one in found.detectors[1:]] == [("diodes", "spc"), ("drift", "sdd")]
    assert found.scheme.rate_divider == 3
    assert found.scheme.reference_probes == (1, 2)
    assert list(found.axes) == ["field_t"]
    assert read_toml(path)["extends"] == "7ID-D"


def test_a_wrong_omission_is_told_with_the_other_faults(tmp_path: Path) -> None:
    """Lost: a run of the program for each mistake of a file."""
    text = 'extends = "7ID-D"\nomits = ["cel", "energy.moter"]\n[energy]\nlow_ev = -1.0\n'
    message = refusal(written(tmp_path, "mine.toml", text))
    assert "has 3 faults:" in message
    for part in ("omits has 'cel'", "omits has 'energy.moter'", "[energy] low_ev = -1.0"):
        assert part in message


@pytest.mark.parametrize("parent", ["", "[energy\n"])
def test_a_parent_that_cannot_be_read_hides_no_fault_of_the_file(tmp_path: Path, parent: str) -> None:
    """Lost: a run of the program for each mistake, or a page of keys that are missing only as the parent is."""
    if parent:
        written(tmp_path, "hall.toml", parent)
    text = 'extends = "hall.toml"\n[energy]\nlow_ev = -1.0\nhigh_evs = 2.0\n[delya]\nlow_ps = 0.0\n'
    message = refusal(written(tmp_path, "mine.toml", text))
    assert "has 4 faults:" in message
    for part in ("extends = 'hall.toml':", "[energy] low_ev = -1.0", "[energy] high_evs", "[delya] is unknown"):
        assert part in message


def test_an_axis_with_a_fault_is_told_that_its_pv_is_taken_as_well(tmp_path: Path) -> None:
    axis = '[axes.nozzle_mm]\nmotor = "{}"\nunit = "mm"\nlow = -5.0\nhigh = 5.0\ntolerance = {}\n'
    mirror = load_configuration(DEFAULT_CONFIGURATION).beamline.pointing.horizontal
    text = f'extends = "7ID-D"\n{axis.format(mirror, -1.0)}'
    message = refusal(written(tmp_path, "mine.toml", text))
    assert "[axes.nozzle_mm] tolerance = -1.0" in message
    assert "is pointing.horizontal too" in message
