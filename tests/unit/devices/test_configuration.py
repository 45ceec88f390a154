"""If these fail, a beamline is driven with settings that cannot be, or a user mends one fault of a file at a time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from devices.configuration import beamline_from_table, read_toml
from devices.configuration.name_faults import EVENT_FIELDS
from errors import ConfigurationError
from tests.support.fake_beamline import FakeHardware
from trxas.configuration import DEFAULT_CONFIGURATION, configuration_schema, load_configuration

SCHEMA = Path(__file__).parents[3] / "docs" / "reference" / "configuration.schema.json"


def table() -> dict[str, Any]:
    content = read_toml(DEFAULT_CONFIGURATION)
    content.pop("storage")
    return content


@pytest.mark.parametrize(
    ("name", "key", "value", "message"),
    [
        ("exposure", "i0_channel", 1, "i0_channel = 1: this channel counts the scaler's clock"),
        ("exposure", "foil_channel", 1, "foil_channel = 1: this channel counts the scaler's clock"),
        ("exposure", "foil_channel", 2, "foil_channel = 2: is i0_channel too"),
        ("exposure", "i0_channel", 99, "i0_channel = 99: must be from 1 up to 64"),
        ("exposure", "dwell_high_s", 500.0, "overflows after 429.497 s"),
        ("exposure", "dwell_low_s", 400.0, "must be below dwell_high_s = 400 s"),
        ("exposure", "margin_s", -1.0, "margin_s = -1.0 s: must be above 0 up to 600 s"),
        ("fluence", "angle_low_deg", 60.0, "angle_low_deg = 60 deg: must be below angle_high_deg = 50 deg"),
        ("fluence", "angle_high_deg", 30.0, "high_mj_cm2 = 12.5 mJ/cm2: needs the plate at 38.6 deg"),
        ("fluence", "spot_horizontal_um", 0.0, "spot_horizontal_um = 0.0 um: must be from 1 up to 10000 um"),
        ("fluence", "tolerance_mj_cm2", -0.01, "tolerance_mj_cm2 = -0.01 mJ/cm2: must be above 0"),
        ("fluence", "angle_tolerance_deg", 0.0, "angle_tolerance_deg"),
        ("energy", "tolerance_ev", -0.05, "tolerance_ev = -0.05 eV: must be above 0"),
        ("energy", "overshoot_ev", -60.0, "overshoot_ev = -60.0 eV: must be above 0 up to 1000 eV"),
        ("energy", "overshoot_ev", 250.0, "must not exceed long_move_ev = 200 eV"),
        ("energy", "timeout_s", 0.0, "timeout_s"),
        ("energy", "setpoint", "7ida: BraggEAO", "must be a PV name without spaces"),
        ("energy", "approach_from", "above", "approach_from = 'above': must be 'below' or 'direct'"),
        ("delay", "low_ps", 3e5, "low_ps = 300000 ps: must be below high_ps = 200000 ps"),
        ("delay", "tolerance_ps", 0.0, "tolerance_ps"),
        ("delay", "fine_setpoint", "7idd:DG1:ADelayAO", "is the coarse delay too"),
        ("pointing", "low_um", 200.0, "must be below high_um = 200 um"),
        ("pointing", "vertical", "7idd:m31", "is the horizontal motor too"),
        ("cell", "gain", 0.0, "gain = 0.0 C: must be from 0.1 up to 10 C"),
        ("cell", "low_c", 170.0, "low_c = 170 C: must be below high_c = 160 C"),
        ("cell", "tolerance_c", -0.5, "tolerance_c"),
        ("cell", "settle_s", 1800.0, "settle_s = 1800 s: must be below timeout_s = 1800 s"),
        ("geometry", "bunch_period_ps", 153.4, "bunch_period_ps = 153.4 ps: must be from 1000 up to 1e"),
        ("geometry", "pumped_probe", 4, "pumped_probe = 4: must be below unpumped_probe = 4"),
        ("pilatus", "pixel_m", 172.0, "pixel_m = 172.0 m: must be from 1e-06 up to 0.01 m"),
        ("pilatus", "rows", 0, "rows = 0"),
        ("sdd", "elements", 5.5, "elements = 5.5: must be a whole number"),
        ("sdd", "dead_fraction_high", 1.0, "dead_fraction_high"),
        ("quality", "ring_current_resume_ma", 5.0, "must not be below surroundings.ring_current_low_ma = 10 mA"),
        ("quality", "jet_flow_resume_ml_min", 200.0, "must not be below surroundings.jet_flow_low_ml_min = 210 ml/min"),
        ("quality", "jet_stopped_below_ml_min", 220.0, "must not exceed surroundings.jet_flow_low_ml_min"),
        ("quality", "jet_temperature_low_c", 50.0, "jet_temperature_low_c = 50 C: must be below"),
        ("quality", "i0_tolerance", -0.1, "i0_tolerance = -0.1: must be above 0 below 1"),
        ("quality", "attempts", True, "attempts = True: must be a whole number"),
        ("quality", "close_xrays_at_end", "no", "close_xrays_at_end = 'no': must be true or false"),
        ("laser", "required_divider", 4, "must equal exposure.probes = 5"),
        ("safety", "interval_s", 0.0, "interval_s"),
        ("epics", "prefix", "my line:", "prefix = 'my line:': names of PVs have no spaces"),
        ("epics", "connection_timeout_s", 0.0, "connection_timeout_s"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_with_its_range(name: str, key: str, value: Any, message: str) -> None:
    """Lost: a night normalised by a clock, or a delay wrong by a thousand."""
    content = table()
    content[name] = {**content.get(name, {}), key: value}
    with pytest.raises(ConfigurationError) as caught:
        beamline_from_table(content, "7id.toml")
    assert message in str(caught.value)
    assert f"[{name}]" in str(caught.value)


def test_all_faults_of_a_file_are_reported_at_once(tmp_path: Path) -> None:
    """Lost: a restart per fault."""
    text = DEFAULT_CONFIGURATION.read_text(encoding="utf-8")
    for before, after in (
        ("tolerance_ev = 0.05", "tolerance_ev = -0.05"),
        ("i0_channel = 2", "i0_channel = 1"),
        ("settle_s = 2.0", "setle_s = 2.0"),
        ("[pointing]", "[pointng]"),
        ("minimum_free_mb = 200", "minimum_free_mb = -1"),
        ("ring_current_resume_ma = 50.0", "ring_current_resume_ma = 5.0"),
    ):
        assert before in text
        text = text.replace(before, after, 1)
    path = tmp_path / "bad.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(path)
    message = str(caught.value)
    assert message.startswith(f"{path} has 6 faults:")
    assert "setle_s is an unknown key. Did you mean settle_s?" in message
    assert "[pointng] is unknown. Did you mean pointing?" in message
    for table in ("energy", "exposure", "storage", "quality"):
        assert f"[{table}]" in message


COMBINED = """
extends = "7ID-D"
name = "combined"

[pump_scheme]
revolution_ps = 960_700.0
buckets = 480
fill = [[0, 390, 1, 0.06], [435, 1, 1, 0.25]]
pumped_bucket = 450
pump_divider = 3
gates = [1, 1, 900]
gates_in = "bucket"

[edges."Fe L"]
main_feature_ev = 720

[axes.delay_ps]
class_path = "os.system"
pv = "a b"

[[detectors]]
name = "thing"
kind = "device"
class_path = "nowhere.Thing"
"""


def test_a_fault_of_one_key_does_not_hide_those_of_others(tmp_path: Path) -> None:
    """Lost: a restart per fault, where several keys of one table are wrong."""
    path = tmp_path / "combined.toml"
    path.write_text(COMBINED, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(path)
    message = str(caught.value)
    for fault in (
        "gates_in = 'bucket': must be 'bunches', 'buckets' or 'revolutions'",
        "gates = [1, 1, 900]: names a position twice",
        "gates = [1, 1, 900]: none sees the pumped pulse",
        'pump_divider_of = "bunches": the bunches are not equally spaced',
        "pumped_bucket = 450: is empty",
        "main_feature_ev = 720 eV: must be from 1000 up to 200000 eV. Give",
        "[edges.\"Fe L\"] is not the name of an edge. Unknown edge 'Fe L': an L edge needs its number",
        "[axes.delay_ps] pv = 'a b': must be a PV name",
        "[axes.delay_ps] low is missing",
        "[axes.delay_ps] class_path = 'os.system': os has no class system. Correct the path",
        "[axes.delay_ps] is already the name of a device or a field",
        "thing: role is missing",
        "thing: pv is missing",
        "thing: class_path = 'nowhere.Thing': there is no module nowhere",
    ):
        assert fault in message
    assert "= 'stand-in'" not in message
    # Positions of gates in an unknown unit, and a photon energy that no beamline reaches as keV, say nothing.
    assert "that pulse, at" not in message
    assert "It looks like keV" not in message


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_files_are_read_as_editors_save_them(tmp_path: Path, encoding: str, line_end: str) -> None:
    path = tmp_path / "saved.toml"
    text = DEFAULT_CONFIGURATION.read_text(encoding="utf-8").replace("\n", line_end)
    path.write_bytes(text.encode(encoding))
    assert load_configuration(path).beamline == load_configuration().beamline


@pytest.mark.parametrize("content", [b"# 5 \xb5m\n", b'name = "\xe9"\n', b"\xff\xfe\x00"])
def test_another_encoding_is_a_clear_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes(b"[epics]\n" + content if content[0] != 0xFF else content)
    with pytest.raises(ConfigurationError, match=r"latin\.toml: line .* Save it as UTF-8"):
        load_configuration(path)


def test_the_schema_for_editors_is_current() -> None:
    """Regenerate with `python -m trxas.configuration > docs/reference/configuration.schema.json`."""
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == configuration_schema()


MAGNET = {"motor": "7idd:m41", "unit": "mT", "low": -500.0, "high": 500.0, "tolerance": 0.5}


def test_a_table_adds_an_axis() -> None:
    """If this fails, users cannot add an axis of their own without Python."""
    axes = beamline_from_table(table() | {"axes": {"field_mt": MAGNET}}, "mine.toml").axes
    assert axes["field_mt"].pvs == ("7idd:m41", "7idd:m41.RBV", "7idd:m41.STOP")


@pytest.mark.parametrize(
    ("name", "keys", "message"),
    [
        ("field_mt", {"low": 500.0}, r"\[axes.field_mt\] low = 500 mT: must be below high = 500 mT"),
        ("field_mt", {"motor": ""}, r"\[axes.field_mt\] motor is missing. Give motor, or setpoint and readback"),
        ("field_mt", {"setpoint": "m:set"}, r"motor = '7idd:m41': setpoint, readback and stop follow from it"),
        ("field_mt", {"tolerance": 2000.0}, r"must be smaller than the whole range of 1000 mT"),
        ("field_mt", {"tolerances": 1.0}, r"tolerances is an unknown key. Did you mean tolerance"),
        ("energy_ev", {}, r"\[axes.energy_ev\] is already the name of a device or a field"),
        ("B field", {}, r"\[axes.B field\] is not a name"),
    ],
)
def test_a_wrong_table_of_an_axis_is_refused(name: str, keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        beamline_from_table(table() | {"axes": {name: MAGNET | keys}}, "mine.toml")


def test_no_axis_can_take_the_name_of_a_field_of_events() -> None:
    """If this fails, an axis of a user overwrites what was measured."""
    line = FakeHardware().beamline
    assert set(line.point.describe()) - set(line.axes) == EVENT_FIELDS
