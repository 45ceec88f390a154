"""Numbers as people in several countries type them: understood where one meaning is possible, asked about elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from errors import InputError
from gui.control.entries import value_of
from gui.control.parameters import EntryKind, Parameter
from gui.number_entry import read_number

DELAY = Parameter(name="delay_ps", kind=EntryKind.NUMBER)
DELAYS = Parameter(name="delays_ps", kind=EntryKind.NUMBERS)
TEMPERATURES = Parameter(name="temperatures_c", kind=EntryKind.NUMBERS)
REGIONS = Parameter(name="regions_ev", kind=EntryKind.REGIONS)
METADATA = Parameter(name="md", kind=EntryKind.MAPPING)
REPEATS = Parameter(name="repeats", kind=EntryKind.INTEGER)


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("25,5", "°C", 25.5),
        ("0,500", "s", 0.5),
        ("13450,25", "eV", 13450.25),
        ("13.450,25", "eV", 13450.25),
        ("13,450.25", "eV", 13450.25),
        ("1,234,567", "", 1_234_567.0),
        ("13\u202f450", "eV", 13450.0),
        ("\u2212100", "ps", -100.0),
        ("\u2013100", "ps", -100.0),
        ("100 ps", "ps", 100.0),
        ("100ps", "ps", 100.0),
        ("1 ns", "ps", 1000.0),
        ("0.3 ns", "ps", 300.0),
        ("\u22121,5 ns", "ps", -1500.0),
        ("13.472 keV", "eV", 13472.0),
        ("13.45eV", "eV", 13.45),
        ("1e3", "ps", 1000.0),
        ("25 um", "µm", 25.0),
        ("25 \u03bcm", "µm", 25.0),
        ("8.83 mJ/cm2", "mJ/cm²", 8.83),
        ("298.15 K", "°C", 25.0),
        ("2 min", "s", 120.0),
        (".5", "s", 0.5),
    ],
)
def test_usual_ways_of_writing_are_understood(text: str, unit: str, value: float) -> None:
    assert read_number(text, "Field", unit).value == value


@pytest.mark.parametrize(
    ("text", "unit", "message"),
    [
        ("13,450", "eV", "can mean 13.45 or 13450"),
        ("100 eV", "ps", "eV is not a unit of this field. Give a number in ps, or with one of the units fs, ps, ns"),
        ("100 parsec", "ps", "'parsec' is not a unit"),
        ("1.2.3", "ps", "is not a finite number of ps"),
        ("1e999", "ps", "is not a finite number of ps"),
        ("3 apples", "", "'apples' is not a unit"),
        ("1,2,3", "ps", "is not a finite number"),
    ],
)
def test_other_texts_are_refused_with_a_reason(text: str, unit: str, message: str) -> None:
    with pytest.raises(InputError) as refused:
        read_number(text, "Field", unit)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("text", "parameter", "value"),
    [
        ("25, 5", TEMPERATURES, [25.0, 5.0]),
        ("25,5; 30,5", TEMPERATURES, [25.5, 30.5]),
        ("10,20,30", DELAYS, [10.0, 20.0, 30.0]),
        ("\u2212500, 0:90:30", DELAYS, [-500.0, 0.0, 30.0, 60.0, 90.0]),
        ("0, 100 ps, 1 ns", DELAYS, [0.0, 100.0, 1000.0]),
        ("5, 1 ns", DELAYS, "some numbers have the unit ns, others have none"),
        ("0, 1 ns", DELAYS, [0.0, 1000.0]),
        ("100 ps 1 ns", DELAYS, [100.0, 1000.0]),
        ("13450:13462:2,13462:13480:0,5", REGIONS, [[13450.0, 13462.0, 2.0], [13462.0, 13480.0, 0.5]]),
        ("13450:13462:0,5", REGIONS, [[13450.0, 13462.0, 0.5]]),
        ("vial = \u22127", METADATA, {"vial": -7}),
        ("note = 0,5 mm", METADATA, {"note": "0,5 mm"}),
        ("\u22123", REPEATS, -3),
    ],
)
def test_lists_and_metadata_mean_what_was_typed(text: str, parameter: Parameter, value: Any) -> None:
    if isinstance(value, str):
        with pytest.raises(InputError, match=value):
            value_of(text, parameter)
    else:
        assert value_of(text, parameter) == value


@pytest.mark.parametrize(
    ("text", "parameter", "readings"),
    [
        ("25,5", TEMPERATURES, ("25.5", "25, 5")),
        ("0,5 1,5", TEMPERATURES, ("0.5, 1.5", "0, 5, 1, 5")),
        ("0:90:7,5", DELAYS, ("0, 7.5, 15", "0, 7, 14")),
        ("thickness_um = 0,5", METADATA, ("0.5", "0, 5")),
        ("1,000", REPEATS, ("1", "1000")),
        ("1,500", DELAY, ("1.5", "1500")),
    ],
)
def test_ambiguous_numbers_are_asked_about(text: str, parameter: Parameter, readings: tuple[str, str]) -> None:
    """If this fails, a decimal comma silently measures at other temperatures than were meant."""
    with pytest.raises(InputError, match="can mean") as refused:
        value_of(text, parameter)
    assert all(reading in str(refused.value) for reading in readings)
