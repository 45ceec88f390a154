"""Numbers as people type them: typographic minus signs, decimal commas, digit groups, and units.

Text with a single meaning is accepted; anything else raises an InputError that names the possible meanings.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from errors import InputError

_MINUS_SIGNS = dict.fromkeys(map(ord, "\u2212\u2012\u2013\ufe63\uff0d"), "-")
_NARROW_BLANKS = "\u00a0\u2007\u2009\u202f"

SCALES: Mapping[str, Mapping[str, Fraction]] = {
    "time": {
        "fs": Fraction(1, 10**15),
        "ps": Fraction(1, 10**12),
        "ns": Fraction(1, 10**9),
        "µs": Fraction(1, 10**6),
        "ms": Fraction(1, 1000),
        "s": Fraction(1),
        "min": Fraction(60),
        "h": Fraction(3600),
    },
    "energy": {"meV": Fraction(1, 1000), "eV": Fraction(1), "keV": Fraction(1000)},
    "length": {
        "nm": Fraction(1, 10**9),
        "µm": Fraction(1, 10**6),
        "mm": Fraction(1, 1000),
        "cm": Fraction(1, 100),
        "m": Fraction(1),
    },
    "fluence": {"µJ/cm²": Fraction(1, 1000), "J/m²": Fraction(1, 10), "mJ/cm²": Fraction(1), "J/cm²": Fraction(1000)},
    "flow": {"µl/min": Fraction(1, 1000), "ml/min": Fraction(1), "l/min": Fraction(1000)},
    "current": {"µA": Fraction(1, 10**6), "mA": Fraction(1, 1000), "A": Fraction(1)},
    "frequency": {"Hz": Fraction(1), "kHz": Fraction(1000), "MHz": Fraction(10**6)},
    "power": {"µW": Fraction(1, 10**6), "mW": Fraction(1, 1000), "W": Fraction(1)},
    "angle": {"°": Fraction(1)},
    "temperature": {"°C": Fraction(1)},
    "heating rate": {"°C/min": Fraction(1)},
}
"""Units by kind of quantity, each in a common unit of its kind."""

_ALIASES = {"deg": "°", "C": "°C", "degC": "°C", "K/min": "°C/min", "C/min": "°C/min", "sec": "s"}

_NUMBER = re.compile(r"([+-]?)\s*([\d.,]*\d[\d.,]*)([eE][+-]?\d+)?\s*(\D.*)?")
_AMBIGUOUS = re.compile(r"[1-9]\d{0,2},\d{3}")
_GROUPED = {point: re.compile(rf"\d{{1,3}}(?:{re.escape(group)}\d{{3}})+(?:{re.escape(point)}\d*)?")
            for point, group in ((".", ","), (",", "."))}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class EnteredNumber:
    """A number that was typed: `value` in the unit of its field, and the `unit` typed with it, "" without one."""

    value: float
    unit: str


def plain_text(text: str) -> str:
    """Return `text` with hyphens for typographic minus signs, and without narrow spaces inside numbers."""
    text = re.sub(rf"(?<=\d)[{_NARROW_BLANKS}](?=\d{{3}}(?!\d))", "", text.translate(_MINUS_SIGNS))
    return re.sub(rf"[{_NARROW_BLANKS}]", " ", text).strip()


def read_number(text: str, name: str, unit: str = "") -> EnteredNumber:
    """Read the number `text` that was typed into the field `name`, whose values are in `unit`.

    "25,5" is 25.5, "1 ns" in a field in ps is 1000. Raises InputError for text that is not a finite number, for a unit
    of another kind, and for a comma that may separate thousands or decimals.
    """
    found = _NUMBER.fullmatch(plain_text(text))
    if found is None:
        raise not_a_number(text, name, unit)
    sign, mantissa, exponent, typed_unit = found.groups(default="")
    digits = sign + _with_point(mantissa, text, name, unit) + exponent
    typed_unit = _canonical(typed_unit)
    if not typed_unit or typed_unit == unit:
        value = float(digits)
    else:
        # As fractions: 0.1 ns must become 100 ps, not 100.00000000000001, which would appear in the form and in the
        # metadata of the run.
        value = _converted(Fraction(digits), typed_unit, text, name, unit)
    if not math.isfinite(value):
        raise not_a_number(text, name, unit)
    return EnteredNumber(value=value, unit=typed_unit)


def not_a_number(text: str, name: str, unit: str) -> InputError:
    """Return the error for `text` that is not a finite number in the field `name`, whose unit is `unit`."""
    of_unit = f" of {unit}" if unit else ""
    return InputError(f"{name} = {text!r} is not a finite number{of_unit}, such as 12.5 or -3e4.")


def _with_point(mantissa: str, text: str, name: str, unit: str) -> str:
    """Return the mantissa with a decimal point and without digit groups."""
    if "," not in mantissa and mantissa.count(".") <= 1:
        return mantissa
    # "1,234" is 1234 in one country and 1.234 in another, a factor of a thousand in a delay. Nothing in the text
    # decides it, so it is refused, with both readings. "0,234" and "1,23" can only be decimals; "1,234,567" and
    # "1.234,5" can only be groups, and are read without asking.
    if _AMBIGUOUS.fullmatch(mantissa):
        decimal = mantissa.replace(",", ".")
        whole = mantissa.replace(",", "")
        raise InputError(
            f"{name} = {text!r} can mean {float(decimal):g} or {whole}. Write {float(decimal):g} or {whole}."
        )
    if mantissa.count(",") == 1 and "." not in mantissa:
        return mantissa.replace(",", ".")
    for point, pattern in _GROUPED.items():
        if pattern.fullmatch(mantissa):
            group = "," if point == "." else "."
            return mantissa.replace(group, "").replace(point, ".")
    raise not_a_number(text, name, unit)


def _canonical(unit: str) -> str:
    unit = unit.strip().replace("\u03bc", "µ").replace("^2", "²").replace("cm2", "cm²").replace("/m2", "/m²")
    unit = re.sub(r"^u(?=[smJAWl])", "µ", unit).replace("mL", "ml")
    return _ALIASES.get(unit, unit)


def _converted(value: Fraction, typed: str, text: str, name: str, unit: str) -> float:
    if typed == "K" and unit == "°C":
        return float(value - Fraction(27315, 100))
    for scale in SCALES.values():
        if unit in scale and typed in scale:
            return float(value * scale[typed] / scale[unit])
    units = next((list(scale) for scale in SCALES.values() if unit in scale), [unit] if unit else [])
    allowed = f"Give a number in {unit}, or with one of the units {', '.join(units)}." if units else "Give a number."
    known = any(typed in scale for scale in SCALES.values())
    what = f"{typed} is not a unit of this field" if known else f"{typed!r} is not a unit"
    raise InputError(f"{name} = {text!r}: {what}. {allowed}")
