"""If these fail, the table compares wrongly with the paper, or an interrupted campaign starts from nothing."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from bluesky.utils import Msg
from matplotlib.figure import Figure

from errors import InputError, ReductionError, StorageError
from reduction.accumulator import accumulate
from reduction.number_text import with_error
from reduction.values import Value
from reduction.xas.comparison import BR_K, ComparisonParameter, comparison_parameter
from reduction.xas.spc_energy import spc_spectrum
from reduction.xas.unpumped_size import transient_size
from tests.support import live_runs
from trxas.validation.paper import delays
from trxas.validation.paper import section_session as section_session_module
from trxas.validation.paper.campaign import chosen_sections, reduce_section
from trxas.validation.paper.diffraction import expected_phase
from trxas.validation.paper.known_truth import sealed_sample
from trxas.validation.paper.page import html_page
from trxas.validation.paper.progress import CampaignProgress
from trxas.validation.paper.row_kinds import comparison_sign_row, extremum_row, sign_row
from trxas.validation.paper.section import Drawing, PaperSection, SectionResult, nothing_to_measure
from trxas.validation.paper.sections import SECTIONS
from trxas.validation.paper.summary import rows_with_truth, summary_lines
from trxas.validation.paper.table import Row, RowKind, table_text
from trxas.validation.paper.temperature.series import zero_crossing


def row(**changes: Any) -> Row:
    values: dict[str, Any] = {
        "name": "tau1", "unit": "ps", "expected": 120.0, "expected_sigma": 20.0, "value": 135.0, "sigma": 15.0,
        "uids": ("0123456789",), "remark": "a <b> remark",
    }  # fmt: skip
    return Row(**(values | changes))


def test_pull_is_the_distance_over_both_errors() -> None:
    assert row().pull == pytest.approx(15.0 / 25.0)
    assert row(expected_sigma=None).pull is None
    assert row(expected_sigma=0.0, sigma=0.0).pull is None
    assert row(expected=0.0, expected_sigma=0.0, value=3.0, sigma=2.0).pull == pytest.approx(1.5)


def test_a_pull_beyond_three_disagrees_and_a_sign_is_compared_as_it_is() -> None:
    assert row().agrees is True
    assert row(value=300.0).agrees is False
    sign = row(expected=-1.0, expected_sigma=None, value=-1.0, sigma=0.0)
    assert sign.agrees is True
    assert row(expected=-1.0, expected_sigma=None, value=1.0, sigma=0.0).agrees is False
    assert row(expected=-1.0, expected_sigma=None, value=0.0, sigma=0.0).agrees is None
    assert row(value=None, sigma=None).agrees is None


def test_the_summary_tells_kinds_apart_and_names_what_disagrees() -> None:
    """Lost: the number that contradicts the paper, among a hundred that do not."""
    rows = [
        row(),
        row(name="area", value=400.0),
        row(name="C, sign", expected=-1.0, expected_sigma=None, value=-1.0, sigma=0.0),
        row(name="set", kind=RowKind.CONSISTENCY, expected=0.0, expected_sigma=0.0, value=3.0, sigma=2.0),
    ]
    paper, consistency = summary_lines(rows)
    assert paper.startswith("compared with the paper: 3 numbers; 2 pulls with chi-square 125.8")
    assert "1 of 1 signs and classes agree" in paper
    assert paper.endswith("disagree: area (+11.2)")
    assert consistency.endswith("none disagrees")


def test_the_truth_of_the_sample_is_a_row_of_its_own() -> None:
    """Without a truth, as at a real beamline, a number of which nothing is expected is shown all the same."""
    rows = [row(truth="kinetics.tau1_ps"), row(name="t0", expected=None, truth="beam.time_zero_ps"), row(name="other")]
    assert rows_with_truth(rows, {}) == rows
    of_paper, of_truth, other = rows_with_truth(rows, {"kinetics.tau1_ps": 140.0})
    assert (of_paper.kind, of_paper.expected) == (RowKind.PAPER, 120.0)
    assert (of_truth.kind, of_truth.expected) == (RowKind.TRUTH, 140.0)
    assert of_truth.pull == pytest.approx(-5.0 / 15.0)
    assert other.name == "other"


def test_a_blind_sample_is_another_one_each_time_and_stays_when_resumed(tmp_path: Path) -> None:
    first = sealed_sample(tmp_path, resume=False).read_text()
    assert sealed_sample(tmp_path, resume=True).read_text() == first
    second = sealed_sample(tmp_path, resume=False)
    assert second.read_text() != first
    assert second.stat().st_mode & 0o077 == 0, "others can read the sealed truth"


def test_a_number_that_could_not_be_determined_is_none_and_never_not_a_number() -> None:
    unknown = row(value=None, sigma=None)
    assert unknown.pull is None
    assert "not determined" in table_text([unknown])
    json.dumps(unknown.as_json(), allow_nan=False)


def test_every_run_is_in_the_json_though_the_table_shows_four() -> None:
    many = row(uids=tuple(f"{number:08d}-rest" for number in range(7)))
    assert "and 3 more" in table_text([many])
    assert len(many.as_json()["uids"]) == 7


def test_table_and_json_show_both_numbers_and_the_runs() -> None:
    text = table_text([row()])
    assert "120 ± 20" in text
    assert "135 ± 15" in text
    assert "+0.6" in text
    assert "01234567" in text
    assert {"expected", "value", "sigma", "pull"} <= set(row().as_json())


@pytest.mark.parametrize(
    ("value", "sigma", "text"),
    [
        (713.7, 170.0, "710 ± 170"),
        (0.5652, 0.0312, "0.565 ± 0.031"),
        (-0.00001, 0.21, "0.00 ± 0.21"),
        (13_472.1447, 0.0026, "13472.1447 ± 0.0026"),
        (5.0, math.inf, "5"),
        (5.0, None, "5"),
    ],
)
def test_a_number_has_as_many_digits_as_its_error_carries(value: float, sigma: float | None, text: str) -> None:
    assert with_error(value, sigma) == text


def test_page_is_one_file_with_its_figures_inside() -> None:
    drawing = Drawing(name="fig-2", caption="Fig. 2", figure=Figure(figsize=(1, 1)))
    parts = {
        "one": SectionResult(rows=(row(),), drawings=(drawing,), notes=("a note",)),
        "two": SectionResult(failure="too few points"),
    }
    page = html_page("Title", parts)
    assert "data:image/png;base64," in page
    assert "a &lt;b&gt; remark" in page
    assert "a note" in page
    assert "could not be reduced: too few points" in page
    assert "http" not in page


def test_what_was_measured_is_remembered_for_a_resume(tmp_path: Path) -> None:
    path = tmp_path / "out" / "measured.json"
    CampaignProgress(path, resume=False).remember("kinetics", {"br": "uid"}, {"time_zero_raw_ps": 169_790.0})
    assert CampaignProgress(path, resume=True).measured == {"kinetics": {"br": "uid"}}
    assert CampaignProgress(path, resume=True).calibrations == {"time_zero_raw_ps": 169_790.0}
    assert CampaignProgress(path, resume=False).measured == {}


def test_a_campaign_is_not_resumed_on_another_sample(tmp_path: Path) -> None:
    """Lost otherwise: sections of two samples in one table, which disagree for no reason that anyone could see."""
    path = tmp_path / "measured.json"
    progress = CampaignProgress(path, resume=False)
    progress.require_sample("first.toml", "aa")
    progress.require_sample("other.toml", "bb")  # nothing is measured yet
    progress.remember("foil", {"pb": "uid"}, {})
    resumed = CampaignProgress(path, resume=True)
    resumed.require_sample("copy_of_other.toml", "bb")
    with pytest.raises(InputError, match=r"--sample third.toml: foil in .* another sample, other.toml.*--output"):
        resumed.require_sample("third.toml", "cc")
    CampaignProgress(path, resume=False).require_sample("third.toml", "cc")


def test_a_broken_memory_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "measured.json"
    path.write_text('{"kinetics": ')
    with pytest.raises(StorageError, match="Remove it"):
        CampaignProgress(path, resume=True)


def test_only_measures_one_part_and_a_wrong_name_lists_them() -> None:
    part = section_of("one")
    assert chosen_sections([part], "one") == chosen_sections([part], None) == [part]
    with pytest.raises(InputError, match="Sections: one"):
        chosen_sections([part], "two")


def section_of(name: str, *needs: str, reduce: Any = None) -> PaperSection:
    return PaperSection(
        name=name,
        title=f"the section {name}",
        measure=nothing_to_measure,
        reduce=reduce or (lambda runs: SectionResult()),
        needs=needs,
    )


def test_a_part_brings_what_it_is_compared_with() -> None:
    """Directly or not, in the order of measurement; and no more."""
    parts = [section_of("one"), section_of("two"), section_of("three", "one"), section_of("four", "three")]
    assert [part.name for part in chosen_sections(parts, "four")] == ["one", "three", "four"]
    known = {part.name for part in SECTIONS}
    for number, part in enumerate(SECTIONS):
        assert set(part.needs) <= {earlier.name for earlier in SECTIONS[:number]} <= known


def test_a_part_sees_its_runs_and_those_it_needs() -> None:
    seen = []

    def reduce(runs: Any) -> SectionResult:
        seen.extend(runs.names)
        with pytest.raises(StorageError, match="no run 'c'"):
            runs.uids("c")
        return SectionResult()

    parts = [section_of("one"), section_of("two"), section_of("three", "one", reduce=reduce)]
    measured = {"one": {"a": "1"}, "two": {"b": "2"}, "three": {"d": "3"}}
    reduce_section(parts[2], parts, cast(Any, None), measured)
    assert seen == ["a", "d"]


def test_a_part_that_cannot_be_reduced_does_not_lose_the_others() -> None:
    def reduce(runs: Any) -> SectionResult:
        raise ReductionError("Too few points. Count longer.")

    part = section_of("one", reduce=reduce)
    assert reduce_section(part, [part], cast(Any, None), {}).failure == "Too few points. Count longer."


def test_a_section_measured_again_leaves_the_others(tmp_path: Path) -> None:
    """`--only` without `--resume`: until the part is measured, the old one stays on disk."""
    path = tmp_path / "measured.json"
    CampaignProgress(path, resume=False).remember("one", {"a": "1"}, {"time_zero_raw_ps": 1.0})
    CampaignProgress(path, resume=True).remember("two", {"b": "2"}, {"time_zero_raw_ps": 2.0})
    progress = CampaignProgress(path, resume=True)
    progress.forget("two")
    assert progress.measured == {"one": {"a": "1"}}
    assert progress.calibrations == {"time_zero_raw_ps": 1.0}
    assert CampaignProgress(path, resume=True).measured == {"one": {"a": "1"}, "two": {"b": "2"}}


def test_a_sign_needs_two_errors() -> None:
    assert sign_row("sign", -1.0, Value(-3.0, 1.0), ("u",), "").value == -1.0
    assert sign_row("sign", -1.0, Value(-1.5, 1.0), ("u",), "").value == 0.0


@pytest.mark.parametrize(("before", "sign"), [(0.001, -1.0), (0.0005, -1.0), (0.0001, 0.0), (-0.001, 1.0)])
def test_the_sign_of_a_ratio_is_known_if_both_of_its_averages_are(before: float, sign: float) -> None:
    """A denominator within two errors of 0 may have either sign, however far its ratio is from 0."""
    energy_ev = np.arange(13_465.0, 13_475.0, 0.5)
    difference = np.where(energy_ev < 13_470.0, before, -0.003)
    c = comparison_parameter(energy_ev, difference, np.full(energy_ev.size, 3e-4), BR_K)
    assert comparison_sign_row("C", -1.0, c, ("u",)).value == sign


def test_a_feature_that_is_not_there_reports_it() -> None:
    energy_ev = np.arange(0.0, 10.0)
    found = extremum_row("f", (energy_ev, energy_ev, np.ones(10)), near_ev=5.0, half_width_ev=3.0, uids=("u",))
    assert found.value is None
    assert "no extremum" in found.remark


def test_c_crosses_zero_where_the_line_between_neighbours_does() -> None:
    """Errors of both neighbours by the lever rule; rising only, as C does on heating."""

    def c(value: float, sigma: float) -> Any:
        return ComparisonParameter(
            value=value,
            sigma=sigma,
            low=0.0,
            high=0.0,
            confidence=0.68,
            delta_valid=True,
            main_edge=Value(0.0, 1.0),
            pre_edge=Value(1.0, 1.0),
        )

    def alone(*_: float) -> float:
        return 0.0

    found = zero_crossing({35.0: c(-1.0, 0.1), 45.0: c(-0.2, 0.1), 55.0: c(0.6, 0.1), 60.0: c(1.0, 0.1)}, alone)
    assert found is not None
    assert found.value == pytest.approx(47.5)
    assert found.sigma == pytest.approx(10 / 0.8 * math.hypot(0.75, 0.25) * 0.1)
    assert zero_crossing({35.0: c(1.0, 0.1), 45.0: c(0.5, 0.1)}, alone) is None
    # Errors that come from the reference alone move both neighbours alike, and do not average out.
    shared = zero_crossing({45.0: c(-0.4, 0.1), 55.0: c(0.4, 0.1)}, lambda *_: 0.01)
    assert shared is not None
    assert shared.sigma == pytest.approx(10 / 0.8 * 0.1)


@pytest.mark.parametrize(
    ("temperature_c", "number"), [(25.0, 1.0), (55.0, 1.5), (60.0, 2.0), (110.0, 2.5), (140.0, 3.0)]
)
def test_phases_are_those_of_the_paper(temperature_c: float, number: float) -> None:
    assert expected_phase(temperature_c) == number


def test_parts_have_names_of_their_own() -> None:
    assert len({part.name for part in SECTIONS}) == len(SECTIONS) >= 6


class FakeStore:
    """Start documents of whole runs, each a dataset of its own."""

    def __init__(self, *starts: dict[str, Any]) -> None:
        self.starts = [{"num_points": 0, **start} for start in starts]


class FakeSession:
    """Measures nothing, and names the run after the key that it finds in the first message's metadata."""

    def __init__(self, store: FakeStore) -> None:
        self.store = store
        self.measured: list[str] = []

    def measure(self, plan: Any) -> str:
        (message,) = list(plan)
        self.measured.append(message.kwargs["campaign_run"])
        return f"new {message.kwargs['campaign_run']}"


def section_session(monkeypatch: pytest.MonkeyPatch, store: FakeStore, lines: list[str], **changes: Any) -> Any:
    def find(store: FakeStore, **marks: Any) -> list[dict[str, Any]]:
        return [start for start in store.starts if marks.items() <= start.items()]

    def load(store: FakeStore, uid: str) -> list[tuple[str, dict[str, Any]]]:
        return [("start", start) for start in store.starts if start["uid"] == uid]

    monkeypatch.setattr(section_session_module, "find_starts", find)
    monkeypatch.setattr(section_session_module, "load_dataset", load)
    monkeypatch.setattr(section_session_module, "is_complete", lambda documents: True)
    options: dict[str, Any] = {"campaign": "c", "section": "kinetics", "resumable": True, "report": lines.append}
    return section_session_module.SectionSession(cast(Any, FakeSession(store)), **(options | changes))


def open_run() -> Any:
    yield Msg("open_run")


def test_a_resumed_section_finds_its_runs_by_key_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: a resumed campaign that takes the trace of one edge for that of the other."""
    marks = {"campaign": "c", "campaign_part": "kinetics"}
    store = FakeStore({"uid": "pb", "campaign_run": "pb", **marks}, {"uid": "x", "campaign_run": "br", "campaign": "d"})
    lines: list[str] = []
    session = section_session(monkeypatch, store, lines)
    assert session.measure("br", open_run()) == "new br"
    assert session.measure("pb", open_run()) == "pb"
    assert session.session.measured == ["br"]
    assert lines == []
    assert section_session(monkeypatch, store, lines, resumable=False).measure("pb", open_run()) == "new pb"


def test_runs_that_an_old_version_marked_by_their_place_are_measured_again_and_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Lost: a word on why an interrupted campaign begins with a section that was half measured."""
    lines: list[str] = []
    store = FakeStore({"uid": "0123456789", "campaign": "c", "campaign_part": "kinetics 1"})
    assert section_session(monkeypatch, store, lines).measure("br", open_run()) == "new br"
    assert "01234567" in lines[0]
    assert "measured again" in lines[0]


def test_the_size_at_100_ps_is_given_without_what_its_reference_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: a size that is compared with the paper's alone, though both are 7 % too small."""
    spectrum = spc_spectrum(accumulate(live_runs.energy_run()))
    monkeypatch.setattr(delays, "reference_share", lambda *_: Value(0.07, 0.002))
    edge = cast("delays.Delays", SimpleNamespace(name="Br", shown=(spectrum,), uids=(("0123",),)))
    found = delays._corrected_size_row(edge, cast("Any", None), Value(-2.0, 0.3))
    assert (found.name, found.expected, found.expected_sigma) == ("Br transient at 100 ps, corrected", -2.0, 0.3)
    assert found.value is not None
    assert found.value < 100 * transient_size(spectrum)[1].value < 0
    assert "the reference holds 7.00 ± 0.20 % of it" in found.remark
