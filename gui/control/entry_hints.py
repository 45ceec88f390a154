"""What a form says of an empty field: an example in its unit, and a request for a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gui.control.parameters import EntryKind, Parameter


def example_of(parameter: Parameter) -> str:
    """Return an example in the unit of a field, shown while it is empty; "" for none.

    Lists have commas, regions are start:stop:step.
    """
    return _EXAMPLES_IN_UNIT.get((parameter.kind, parameter.unit)) or _EXAMPLES.get(parameter.kind, "")


def request_for(parameter: Parameter) -> str:
    """Return the sentence that asks for a value: "Enter the delay, in ps.", "Choose an edge, such as Br K."."""
    name = f"{parameter.label[:1].lower()}{parameter.label[1:]}"
    article = "an" if name[:1] in "aeiou" else "a"
    if parameter.kind is EntryKind.CHOICE:
        return f"Choose {article} {name}: {either(parameter.choices)}."
    if parameter.suggestions:
        return f"Choose {article} {name}, such as {either(parameter.suggestions[:3])}."
    unit = f", in {parameter.unit}" if parameter.unit else ""
    example = example_of(parameter)
    such = f", for example {example}" if example else ""
    if parameter.kind in _NOUNS:
        return f"Enter the {name} as {_NOUNS[parameter.kind]}{unit}{such}."
    return f"Enter the {name}{unit}{such}."


def either(words: Sequence[str]) -> str:
    """Return several words as a choice: "point, scan or none"."""
    return " or ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


_NOUNS: Mapping[EntryKind, str] = {
    EntryKind.REGIONS: "start:stop:step",
    EntryKind.MAPPING: "entries name = value",
    EntryKind.MAPPINGS: "entries name = value, with a semicolon between settings",
    EntryKind.OTHER: "a number, a 'text' in quotes, or a list in brackets",
}

_EXAMPLES: Mapping[EntryKind, str] = {
    EntryKind.NUMBERS: "1, 2, 5:10:0.5",
    EntryKind.REGIONS: "0:5:1, 5:10:0.5",
    EntryKind.WORDS: "Br K, Pb L3",
    EntryKind.MAPPING: "operator = 'A. B.', vial = 7",
    EntryKind.MAPPINGS: "delay_ps = 100; delay_ps = 200, energy_ev = 13469",
}

_EXAMPLES_IN_UNIT: Mapping[tuple[EntryKind, str], str] = {
    (EntryKind.NUMBERS, "ps"): "-500, 0:90:15, 1e3",
    (EntryKind.NUMBERS, "eV"): "13466, 13476",
    (EntryKind.REGIONS, "eV"): "13450:13462:2, 13462:13480:0.5",
    (EntryKind.REGIONS, "ps"): "-200:200:25, 200:1000:100",
    (EntryKind.REGIONS, "1/Å"): "2:12:0.05",
}
