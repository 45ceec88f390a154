"""If these fail, a form starts a plan with other arguments than those typed, or predicts a wrong time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from errors import InputError, OutOfRangeError
from gui.control.entries import Limits, text_of, value_of
from gui.control.entry_hints import example_of, request_for
from gui.control.forecast import (
    BeamStatistics,
    ExposureBatch,
    PlannedExposures,
    forecast,
    points_listed,
    scan_exposures,
    transient_sigma,
)
from gui.control.parameters import EntryKind, Parameter, parameter, prose
from gui.control.plan_signature import PlanSignature, signature_from_server
from gui.control.settings import FormSettings
from gui.quantity_text import duration_text
from reduction.pileup import true_counts, true_counts_variance
from tests.support.fake_queue_server import MEASURE

PULSES_PER_S = 1.304e6


@pytest.mark.parametrize(
    ("annotation", "kind", "optional"),
    [
        ("'float'", EntryKind.NUMBER, False),
        ("int", EntryKind.INTEGER, False),
        ("bool", EntryKind.FLAG, False),
        ("typing.Optional[float]", EntryKind.NUMBER, True),
        ("typing.Union[float, None]", EntryKind.NUMBER, True),
        ("'Sequence[float] | None'", EntryKind.NUMBERS, True),
        ("'Sequence[Region] | None'", EntryKind.REGIONS, True),
        ("typing.Optional[typing.Sequence[tuple[float, float, float]]]", EntryKind.REGIONS, True),
        ("collections.abc.Sequence[float]", EntryKind.NUMBERS, False),
        ("'Mapping[str, Any] | None'", EntryKind.MAPPING, True),
        ("typing.Literal['a', 'b']", EntryKind.CHOICE, False),
        ("SomethingElse", EntryKind.OTHER, False),
    ],
)
def test_annotations_of_server_and_function_give_the_same_field(
    annotation: str, kind: EntryKind, optional: bool
) -> None:
    read = parameter("x", annotation, required=True)
    assert (read.kind, read.optional) == (kind, optional)


@pytest.mark.parametrize(
    ("name", "label", "unit"),
    [
        ("delay_ps", "Delay", "ps"),
        ("fluence_mj_cm2", "Fluence", "mJ/cm²"),
        ("dwell_s", "Dwell", "s"),
        ("jet_flow_ml_min", "Jet flow", "ml/min"),
        ("temperature_c", "Temperature", "°C"),
        ("regions_ev", "Regions", "eV"),
        ("repeats", "Repeats", ""),
        ("md", "Metadata", ""),
    ],
)
def test_no_form_shows_raw_names(name: str, label: str, unit: str) -> None:
    shown = Parameter(name=name, kind=EntryKind.NUMBER)
    assert (shown.label, shown.unit) == (label, unit)


def test_descriptions_name_values_as_the_form_does() -> None:
    assert prose("Scan with the laser at `delay_ps`.") == "Scan with the laser at delay."


def test_the_code_of_a_plan_completes_the_servers_description() -> None:
    """If this fails, forms show names without units, and texts where there are choices."""
    edge = Parameter(name="edge", kind=EntryKind.CHOICE, choices=("Br K", "Pb L3"), description="absorption edge")
    angle = Parameter(
        name="late", kind=EntryKind.INTEGER, required=False, default=5, description="seconds to wait", unit="deg"
    )
    ours = PlanSignature(
        name="some_plan",
        description="Measure at `delay_ps`.",
        parameters=(edge, angle),
        group="Pump and probe",
        order=3,
    )
    theirs = signature_from_server(
        {
            "name": "some_plan",
            "parameters": [
                {"name": "edge", "kind": {"name": "POSITIONAL_OR_KEYWORD"}, "annotation": {"type": "str"}},
                {"name": "args", "kind": {"name": "VAR_POSITIONAL"}},
                {"name": "late", "kind": {"name": "KEYWORD_ONLY"}, "default": "7"},
                {"name": "new", "kind": {"name": "KEYWORD_ONLY"}, "default": "False"},
            ],
        }
    )
    together = theirs.completed(ours)
    assert [one.name for one in together.parameters] == ["edge", "late", "new"]
    assert together.parameters[0] == edge
    assert together.parameters[1].default == 7, "the server decides what a plan is called with"
    assert (together.parameters[1].kind, together.parameters[1].unit) == (EntryKind.INTEGER, "°")
    assert together.parameters[2].kind is EntryKind.FLAG
    assert (together.description, together.group, together.order) == ("Measure at `delay_ps`.", "Pump and probe", 3)
    assert theirs.completed(None) == theirs


NUMBERS = Parameter(name="delays_ps", kind=EntryKind.NUMBERS)
REGIONS = Parameter(name="regions_ev", kind=EntryKind.REGIONS)
DELAY = Parameter(name="delay_ps", kind=EntryKind.NUMBER)
SETTINGS = Parameter(name="settings", kind=EntryKind.MAPPINGS)
METADATA = Parameter(name="md", kind=EntryKind.MAPPING, required=False, optional=True)


def test_defaults_and_examples_fit_their_fields() -> None:
    """Lost: a list of which only the end is seen, and an example of energies for delays."""
    assert text_of([-80.0 + 10.0 * n for n in range(17)], NUMBERS) == "-80:80:10"
    assert text_of([0.1 + 0.1 * n for n in range(4)], NUMBERS).count(",") == 3
    assert text_of((0.0, 1.0, 2.0, 3.0, 4.5), NUMBERS) == "0, 1, 2, 3, 4.5"
    assert text_of(("Br K", "Pb L3"), Parameter(name="edges", kind=EntryKind.WORDS)) == "Br K, Pb L3"
    for name, kind in (
        ("regions_ps", EntryKind.REGIONS),
        ("regions_k", EntryKind.REGIONS),
        ("delays_ps", EntryKind.NUMBERS),
    ):
        example = example_of(shown := Parameter(name=name, kind=kind))
        assert value_of(example, shown)
        assert "1345" not in example
    assert "such as" not in request_for(SETTINGS)
    assert "semicolon between settings, for example delay_ps = 100; " in request_for(SETTINGS)


@pytest.mark.parametrize(
    ("text", "shown", "value"),
    [
        ("-500, 0:90:30, 1e3", NUMBERS, [-500.0, 0.0, 30.0, 60.0, 90.0, 1000.0]),
        ("0:100:30", NUMBERS, [0.0, 30.0, 60.0, 90.0, 100.0]),
        ("1 2;3", NUMBERS, [1.0, 2.0, 3.0]),
        ("13450:13462:2, 13462:13480:0.5", REGIONS, [[13450.0, 13462.0, 2.0], [13462.0, 13480.0, 0.5]]),
        ("operator = 'A, B', vial = 7, note = all good", METADATA, {"operator": "A, B", "vial": 7, "note": "all good"}),
        ("-3e4", DELAY, -30_000.0),
        ("", METADATA, None),
        ("", Parameter(name="sample", kind=EntryKind.TEXT, required=False, default=""), ""),
        ("[1, 'a']", Parameter(name="x", kind=EntryKind.OTHER), [1, "a"]),
        ("0:48:4", NUMBERS, [4.0 * n for n in range(13)]),
        ("Br K; Pb L3", Parameter(name="edges", kind=EntryKind.WORDS), ["Br K", "Pb L3"]),
        ("delay_ps = 100; delay_ps = 2, x = 3", SETTINGS, [{"delay_ps": 100}, {"delay_ps": 2, "x": 3}]),
        ("3", Parameter(name="repeats", kind=EntryKind.INTEGER), 3),
    ],
)
def test_typed_text_is_read_and_can_be_shown_again(text: str, shown: Parameter, value: Any) -> None:
    assert value_of(text, shown) == value
    assert value_of(text_of(value, shown), shown) == value


@pytest.mark.parametrize(
    ("text", "shown", "says"),
    [
        ("", DELAY, "Enter the delay, in ps."),
        ("soon", DELAY, "'soon' is not a finite number of ps"),
        ("nan", DELAY, "not a finite number"),
        ("2.5", Parameter(name="repeats", kind=EntryKind.INTEGER), "not a whole number"),
        ("0:90", NUMBERS, "Give start:stop:step in ps"),
        ("90:0:10", NUMBERS, "stop above start"),
        ("0:1e9:1e-3", NUMBERS, "at most 10000"),
        ("13450:13462", REGIONS, "is not a region"),
        ("operator", METADATA, "not name = value"),
        ("Br", Parameter(name="edge", kind=EntryKind.CHOICE, choices=("Br K", "Pb L3")), "choose one of Br K, Pb L3"),
        ("[1,", Parameter(name="x", kind=EntryKind.OTHER), "cannot be read"),
    ],
)
def test_wrong_text_is_refused_with_the_remedy(text: str, shown: Parameter, says: str) -> None:
    with pytest.raises(InputError, match=says.replace("(", r"\(")):
        value_of(text, shown)


@pytest.mark.parametrize(("text", "shown"), [("1e9", DELAY), ("0, 200", NUMBERS), ("0:200:10", REGIONS), ("-1", DELAY)])
def test_values_beyond_limits_are_refused_with_limits_and_unit(text: str, shown: Parameter) -> None:
    with pytest.raises(OutOfRangeError, match=r"outside 0 to 100 (ps|eV)"):
        value_of(text, shown, Limits(0.0, 100.0))


@pytest.mark.parametrize("photons", [0.01, 0.12, 1.0])
def test_photon_limited_error_is_that_of_the_reduction(photons: float) -> None:
    """A forecast that is too good would send people home too early.

    Ratio of 20 000 drawn transients' width to the forecast; its own error is 0.5 %, so 2.5 % is five of them.
    """
    pulses, photodiodes, rng = 400_000, 2, np.random.default_rng(4)
    mu = photons / photodiodes
    counts = rng.binomial(pulses, -np.expm1(-mu), size=(2, photodiodes, 20_000))
    on, off = true_counts(counts, pulses).sum(axis=1)
    sigma = transient_sigma(photons, pulses, photodiodes)
    assert np.std(on / off - 1) / sigma == pytest.approx(1.0, abs=0.025)
    expected_counts = -pulses * np.expm1(-mu)
    variance = float(true_counts_variance(expected_counts, pulses))
    assert sigma == pytest.approx(np.sqrt(2 * variance / photodiodes) / (mu * pulses), rel=1e-12)


def test_forecast_counts_exposures_states_and_dead_time() -> None:
    beam = BeamStatistics(photons_per_pulse=0.12, source="as configured", pulses_per_s=PULSES_PER_S, overhead_s=0.5)
    arguments = {"dwell_s": 6.0, "repeats": 3, "shutter_reference": "point", "fluence_mj_cm2": 8.83}
    planned = scan_exposures(arguments, 10)
    assert planned is not None
    expected = forecast(arguments, planned, beam)
    assert expected.exposures == 60
    assert expected.duration_s == pytest.approx(60 * (6.0 + 0.5))
    assert expected.sigma == pytest.approx(transient_sigma(0.12, 18.0 * PULSES_PER_S))
    assert expected.source == "as configured"


def test_a_scan_with_a_longest_time_has_as_many_exposures_as_fit() -> None:
    """Lost: the longest beam time in the forecast, by half an exposure of 400 s that does not fit."""
    planned = scan_exposures({"dwell_s": 6.0, "until_sigma": 1e-3, "max_time_s": 65.0}, 10)
    assert planned is not None
    assert planned.at_most
    assert [batch.exposures for batch in planned.batches] == [10]
    rounded = scan_exposures({"dwell_s": 0.1, "until_sigma": 1e-3, "max_time_s": 0.3}, 3)
    assert rounded is not None
    assert [batch.exposures for batch in rounded.batches] == [3]


def test_nothing_is_forecast_that_is_not_known() -> None:
    beam = BeamStatistics(photons_per_pulse=0.12, source="as configured", pulses_per_s=PULSES_PER_S)
    assert scan_exposures({"repeats": 3}, 10) is None
    assert scan_exposures({"dwell_s": 6.0}, None) is None
    unpumped = forecast({"dwell_s": 6.0}, PlannedExposures(batches=(ExposureBatch(exposures=10, dwell_s=6.0),)), beam)
    assert unpumped.sigma is None, "a plan that does not pump has no transient"
    assert FormSettings().forecast(signature_from_server(MEASURE), {"dwell_s": 6.0}) is None


def test_points_are_counted_as_the_plan_makes_them() -> None:
    """Regions that touch share a point, and a stop off the step is a point of its own."""
    grids = {"delays_ps": "numbers", "regions_ev": "regions"}
    assert points_listed({"delays_ps": [1.0, 2.0, 5.0]}, grids) == 3
    assert points_listed({"delays_ps": None, "regions_ev": [[0, 10, 2], [10, 13, 2]]}, grids) == 6 + 2
    assert points_listed({"regions_ev": [(0, 1, 0.1)]}, grids) == 11
    assert points_listed({}, grids) is None


def test_settings_join_defaults_grid_and_beam() -> None:
    beam = BeamStatistics(photons_per_pulse=0.12, source="as configured", pulses_per_s=PULSES_PER_S, overhead_s=0.0)
    settings = FormSettings(
        beam=beam, exposures=lambda _plan, arguments, listed: scan_exposures(arguments, listed or 76)
    )
    signature = signature_from_server(MEASURE)
    by_default = settings.forecast(signature, {"edge": "Br K"})
    listed = settings.forecast(signature, {"edge": "Br K", "delays_ps": [1.0, 2.0]})
    assert by_default is not None
    assert by_default.duration_s == pytest.approx(76 * 6.0)
    assert listed is not None
    assert listed.exposures == 2


@pytest.mark.parametrize(
    ("seconds", "words"), [(2.5, "2.5 s"), (45.0, "45 s"), (750.0, "12 min 30 s"), (11_100.0, "3 h 05 min")]
)
def test_durations_are_said_as_people_say_them(seconds: float, words: str) -> None:
    assert duration_text(seconds) == words
