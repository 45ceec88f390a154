"""If these fail, people do not find in the morning what they measured in the night."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from errors import InputError, StorageError
from reduction.kinds import reduce_run
from storage import Store, list_runs, load_run, open_store
from storage.line_journal import LineJournal
from storage.table import computed_row, night_table
from storage.table.cells import column_remarks, sparkline_text, texts, user_names
from storage.table.columns import read_columns
from storage.table.formats import csv_text, html_text, markdown_text, write_table
from storage.table.night_table import NightRow, NightTable
from tests.support.live_runs import delay_run, energy_run
from tests.support.stored_runs import StoredRuns, later

COLUMNS = """
from reduction import column

@column(unit="%")
def noise(run):
    return 100 * float(run.results.spectra[-1].sigma.mean()), 0.5

@column()
def word(run):
    return run.start["edge"]

@column(unit="counts")
def i0(run):
    return sum(exposure["i0"] for exposure in run.events)

def helper(run):
    raise AssertionError("not a column")
"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with two runs and their computed rows."""
    root = tmp_path_factory.mktemp("measured")
    stored = StoredRuns(root)
    stored.write(later(energy_run("energy-1", overrides={"sample": "A | <b>", "scan_id": 7}), 0.0))
    stored.write(later(delay_run("delay-2", overrides={"scan_id": 8}), 1000.0))
    stored.close()
    with open_store(root, recover_runs=False) as opened:
        rows_of(opened)
    return root


@pytest.fixture
def known(measured: Path, tmp_path: Path) -> Iterator[Store]:
    """The runs, with their computed rows."""
    with open_store(shutil.copytree(measured, tmp_path / "data"), recover_runs=False) as opened:
        yield opened


@pytest.fixture
def store(known: Store) -> Store:
    """The runs, as nobody has listed them yet."""
    (known.root / "rows.jsonl").unlink()
    return known


def rows_of(
    store: Store, table: NightTable | None = None, *, compute: bool = True, recompute: bool = False
) -> list[NightRow]:
    runs = list_runs(store, journals_only=True)
    return (table or NightTable(store)).rows(runs, compute=compute, recompute=recompute)


def test_a_row_has_the_numbers_of_the_results(known: Store) -> None:
    """Lost: trust in the table, if it shows other numbers than `show`."""
    delay, energy = rows_of(known)
    assert energy.reduced is not None
    assert delay.reduced is not None
    headline = reduce_run(load_run(known, "energy-1")).headline()
    assert headline is not None
    assert (energy.reduced.value, energy.reduced.sigma) == headline.value
    assert (energy.reduced.unit, energy.reduced.kind) == ("%", "pump-probe spectrum")
    assert energy.reduced.photons is not None
    assert energy.reduced.photons > 1e3
    assert [test.name for test in energy.reduced.null_tests] == ["unpumped - unpumped"]
    assert delay.reduced.delay == "-500 ps to 130 ns"
    assert delay.reduced.quantity.startswith("transient at time zero")
    assert len(delay.reduced.sparkline) == 32
    assert min(delay.reduced.sparkline) < -0.005 < 0.002 > abs(delay.reduced.sparkline[0])


def test_runs_are_reduced_once(known: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: seconds per run, with every list of a night of hundreds."""
    first = rows_of(known)
    monkeypatch.setattr(computed_row, "load_dataset", lambda *_: pytest.fail("read again"))
    assert rows_of(known) == first


def test_another_version_of_the_reduction_computes_them_again(known: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: correct numbers, if a corrected formula left the old ones in the table."""
    monkeypatch.setattr(night_table, "reduction_version", lambda: "another")
    assert [row.reduced for row in rows_of(known, compute=False)] == [None, None]
    assert all(row.reduced is not None for row in rows_of(known))


def test_a_damaged_file_of_rows_costs_time_only(known: Store) -> None:
    path = known.root / "rows.jsonl"
    path.write_text(path.read_text().replace('"sigma"', '"other"', 2) + '{"run": 1}\n{"run')
    assert all(row.reduced is not None and row.reduced.value for row in rows_of(known))


def test_runs_that_cannot_be_read_have_the_reason_in_their_row(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(*_: object) -> None:
        raise StorageError("Journal x is damaged.")

    monkeypatch.setattr(computed_row, "load_dataset", unreadable)
    assert [row.reduced.problem for row in rows_of(store) if row.reduced] == ["Journal x is damaged."] * 2
    assert not (store.root / "rows.jsonl").exists()


def test_columns_of_a_users_own_file(store: Store) -> None:
    """Lost: the quantity that only this experiment has, or the whole table for an error in it."""
    (store.root / "columns.py").write_text(COLUMNS)
    table = NightTable(store)
    delay, energy = rows_of(store, table)
    columns = table.columns()
    assert dict(columns.units) == {"noise": "%", "word": "", "i0": "counts"}
    assert energy.reduced is not None
    assert delay.reduced is not None
    noise = energy.reduced.cells["noise"]
    assert noise.value is not None
    assert noise.value > 0
    assert noise.sigma == 0.5
    assert energy.reduced.cells["word"].text == "Br K"
    expected = sum(doc["data"]["i0"] for name, doc in load_run(store, "energy-1") if name == "event")
    assert energy.reduced.cells["i0"].value == pytest.approx(expected)
    assert delay.reduced.cells["noise"].error.startswith("AttributeError: 'TraceResults'")
    assert delay.reduced.cells["word"].text == "Br K"
    assert texts(delay, columns, ["noise"])[-1] == "! AttributeError"
    (remark,) = column_remarks([delay, energy], columns)
    assert remark.startswith("Column noise fails for 1 run: AttributeError: 'TraceResults'")


def test_a_text_of_several_lines_stays_one_row_of_the_table(store: Store) -> None:
    """Lost: the table in Markdown, torn by a text of a user's column."""
    (store.root / "columns.py").write_text(
        "from reduction import column\n\n@column(unit='')\ndef word(run):\n    return 'one |\\ntwo'\n"
    )
    table = NightTable(store)
    rows = rows_of(store, table)
    lines = markdown_text(rows, table.columns()).splitlines()
    assert len(lines) == 2 + len(rows)
    assert all(line.endswith("| one \\| two |") for line in lines[2:])


def test_changed_columns_are_computed_again_on_request(known: Store) -> None:
    """Lost: what was computed at the time, without having asked for it, or the way to new values."""
    path = known.root / "columns.py"
    path.write_text("from reduction import column\n@column()\ndef a(run): return 1.0\n")
    table = NightTable(known)
    rows_of(known, table, recompute=True)
    path.write_text(path.read_text().replace("1.0", "2.0") + "@column()\ndef b(run): return 3.0\n")
    (old, _) = rows_of(known, table)
    columns = table.columns()
    assert texts(old, columns, user_names(columns, [old]))[-2:] == ["1 *", "-"]
    (remark,) = column_remarks([old], columns)
    assert "--recompute" in remark
    (new, _) = rows_of(known, table, recompute=True)
    assert texts(new, columns, user_names(columns, [new]))[-2:] == ["2", "3"]
    assert column_remarks([new], columns) == []
    assert old.reduced is not None
    assert new.reduced is not None
    assert new.reduced.value == old.reduced.value
    assert rows_of(known)[0] == new


def test_a_file_that_cannot_be_executed_leaves_the_cells(known: Store) -> None:
    path = known.root / "columns.py"
    path.write_text("from reduction import column\n@column()\ndef a(run): return 1.0\n")
    rows_of(known, recompute=True)
    path.write_text("def a(run: return\n")
    table = NightTable(known)
    rows = rows_of(known, table, recompute=True)
    columns = table.columns()
    assert "SyntaxError" in columns.problem
    assert user_names(columns, rows) == ["a"]
    assert texts(rows[0], columns, ["a"])[-1] == "1 *"


@pytest.mark.parametrize("mode", [0o666, 0o664])
def test_a_file_that_others_can_change_is_not_executed(tmp_path: Path, mode: int) -> None:
    """Lost: the account of anyone who lists the runs of a shared folder."""
    path = tmp_path / "columns.py"
    path.write_text("raise SystemExit")
    path.chmod(mode)
    columns = read_columns(tmp_path)
    assert "is not executed" in columns.problem
    assert f"chmod go-w {path}" in columns.problem
    path.chmod(0o644)
    assert "SystemExit" in read_columns(tmp_path).problem


def test_every_format_has_every_row(known: Store, tmp_path: Path) -> None:
    """Lost: a sample whose name has a bar in it, or the numbers of a night in a spreadsheet."""
    (known.root / "columns.py").write_text(COLUMNS)
    table = NightTable(known)
    table.notes.change("energy-1", comment="a | b <c>\nd", rating=3, add_tags=["good"])
    rows = rows_of(known, table, recompute=True)
    columns = table.columns()
    lines = markdown_text(rows, columns).splitlines()
    assert len(lines) == 4
    assert "a \\| b <c> d" in lines[3]
    assert "★★★" in lines[3]
    assert len({line.replace("\\|", "").count("|") for line in lines}) == 1
    (delay, energy) = csv.DictReader(io.StringIO(csv_text(rows, columns)))
    assert rows[1].reduced is not None
    assert float(energy["value"]) == rows[1].reduced.value
    assert energy["comment"] == "a | b <c>\nd"
    assert energy["noise sigma"] == "0.5"
    assert delay["noise (%)"].startswith("! AttributeError")
    page = html_text(rows, columns)
    assert "a | b &lt;c&gt; d" in page
    assert page.count("<svg") == 2
    for ending in ("md", "csv", "html"):
        write_table(tmp_path / f"night.{ending}", rows, columns)
        assert "energy-1" in (tmp_path / f"night.{ending}").read_text() or ending != "csv"
    with pytest.raises(InputError, match=r"\.md, \.csv, \.html"):
        write_table(tmp_path / "night.xls", rows, columns)


def test_an_archive_that_cannot_be_written_has_its_table(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: the table of a colleague's folder, because rows cannot be saved there."""

    def refused(*_: object) -> None:
        raise StorageError("read-only")

    monkeypatch.setattr(LineJournal, "append", refused)
    assert all(row.reduced is not None for row in rows_of(store))


def test_sparklines_show_where_a_curve_is_low_and_high() -> None:
    assert sparkline_text([]) == ""
    assert sparkline_text([0.0, 1.0]) == "▁█"
    assert sparkline_text([2.0, 2.0, 2.0]) == "▁▁▁"
    assert sparkline_text([0.0, -1.0, 0.0, 0.0, 0.0, 0.5], width=3) == "▁▆█"
    assert len(sparkline_text([float(number) for number in range(100)])) == 16


def test_a_calibration_after_a_run_computes_its_row_again(known: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: the corrected number, if the table keeps the one from before the foil scan."""
    starts = [
        {"uid": "energy-1", "plan_name": "energy_scan", "series": "night"},
        {"uid": "foil-after", "plan_name": "foil_scan", "series": "night"},
        {"uid": "delay-1", "plan_name": "delay_scan", "series": "other"},
    ]
    monkeypatch.setattr(NightTable, "_series_starts", lambda _: starts)
    delay, energy = rows_of(known, compute=False)
    assert delay.reduced is not None
    assert energy.reduced is None
    assert rows_of(known)[1].reduced is not None
    assert rows_of(known, compute=False)[1].reduced is not None
