"""If these fail, the table compares wrongly with the paper, or an interrupted campaign starts from nothing."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from errors import InputError, StorageError
from trxas.paper.campaign import Part, PartResult, Progress, chosen_parts
from trxas.paper.page import html_page
from trxas.paper.parts import PARTS
from trxas.paper.table import Row, table_text
from trxas.plus_minus import plus_minus


def row(**changes: Any) -> Row:
    values: dict[str, Any] = {
        "name": "tau1", "unit": "ps", "published": 120.0, "published_sigma": 20.0, "value": 135.0, "sigma": 15.0,
        "uids": ("0123456789",), "remark": "a <b> remark",
    }  # fmt: skip
    return Row(**(values | changes))


def test_pull_is_the_distance_over_both_errors() -> None:
    assert row().pull == pytest.approx(15.0 / 25.0)
    assert row(published_sigma=None).pull is None
    assert row(published_sigma=0.0, sigma=0.0).pull is None


def test_table_and_json_show_both_numbers_and_the_runs() -> None:
    text = table_text([row()])
    assert "120 ± 20" in text
    assert "135 ± 15" in text
    assert "+0.6" in text
    assert "01234567" in text
    assert {"published", "value", "sigma", "pull"} <= set(row().as_json())


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
    assert plus_minus(value, sigma) == text


def test_page_is_one_file_with_its_figures_inside() -> None:
    page = html_page("Title", [row()], {"Fig. 2": Figure(figsize=(1, 1))})
    assert "data:image/png;base64," in page
    assert "a &lt;b&gt; remark" in page
    assert "http" not in page


def test_what_was_measured_is_remembered_for_a_resume(tmp_path: Path) -> None:
    path = tmp_path / "out" / "measured.json"
    Progress(path, resume=False).remember("kinetics", {"br": "uid"})
    assert Progress(path, resume=True).measured == {"kinetics": {"br": "uid"}}
    assert Progress(path, resume=False).measured == {}


def test_a_broken_memory_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "measured.json"
    path.write_text('{"kinetics": ')
    with pytest.raises(StorageError, match="Remove it"):
        Progress(path, resume=True)


def test_only_measures_one_part_and_a_wrong_name_lists_them() -> None:
    part = Part("one", "title", lambda session: {}, lambda runs, uids: PartResult())
    assert chosen_parts([part], "one") == chosen_parts([part], None) == [part]
    with pytest.raises(InputError, match="Parts: one"):
        chosen_parts([part], "two")


def test_parts_have_names_of_their_own() -> None:
    assert len({part.name for part in PARTS}) == len(PARTS) >= 6
