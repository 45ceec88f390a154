"""If these fail, a command line means something else than its help page, or a terminal gets a traceback for text."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import storage
from errors import ReductionError
from storage import RunSummary
from storage.export import runs as export_storage
from tests.support.live_runs import energy_run
from tests.support.stored_runs import StoredRuns, later
from trxas import configured_store
from trxas.commands import chaos, main, runs
from trxas.commands.main import EXIT_INTERRUPTED
from trxas.commands.options import command_of
from trxas.commands.reference import reference_page
from trxas.results.run_tables import runs_table
from trxas.terminal.encoding import make_output_safe
from trxas.terminal.tables import is_fancy, print_table, table, table_text

REPOSITORY = Path(__file__).parents[3]


def test_the_reference_page_is_current() -> None:
    """Lost: a page that describes the commands."""
    page = (REPOSITORY / "docs" / "reference" / "command-line.md").read_text(encoding="utf-8")
    assert page == reference_page(), "run `python -m trxas.commands.reference > docs/reference/command-line.md`"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nonsense",), "No such command 'nonsense'. `trxas --help` explains"),
        ((), "Missing command"),
        (("runs",), "`trxas runs --help` explains"),
        (("runs", "show"), "RUN"),
        (("demo", "--colour"), "No such option: --colour. `trxas demo --help`"),
        (("chaos", "--faults", "0"), "--faults: 0 should be"),
        (("kills", "--kills", "100001"), "--kills: 100001 should be"),
        (("soak", "--hours", "0.5"), "more than 1 h"),
        (("demo", "--speed", "fast"), "--speed: fast should be a valid number"),
        (("demo", "--json", "no/such/folder/demo.json"), "folder that exists"),
        (("bench", "disk"), "window"),
    ],
)
def test_a_wrong_command_line_gets_one_line(refused: Any, arguments: tuple[str, ...], message: str) -> None:
    said = refused(*arguments)
    assert message in said
    assert said.startswith("trxas: ")
    assert said.count("\n") == 1


def test_options_reach_the_command_as_a_dataclass(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def run(options: chaos.ChaosOptions) -> int:
        """Take note."""
        seen.append(options)
        return 3

    monkeypatch.setattr(chaos, "run", run)
    assert main.main(["chaos", "--faults", "7", "--hang-after", "5", "--kinds", "Flood"]) == 3
    assert seen == [chaos.ChaosOptions(faults=7, hang_after=5.0, kinds="Flood")]


def test_the_version_is_printed_and_nothing_is_run(capsys: pytest.CaptureFixture[str]) -> None:
    """Lost: the first line of every report of a trouble."""
    assert main.main(["--version"]) == 0
    assert capsys.readouterr().out == f"trxas {metadata.version('trxas')}\n"


def test_a_command_has_a_parameter_per_option() -> None:
    command = command_of(runs.run_list, runs.ListOptions)
    assert set(command.__annotations__) == {field.name for field in dataclasses.fields(runs.ListOptions)}


def test_ctrl_c_ends_a_command_with_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(_options: chaos.ChaosOptions) -> int:
        """Be interrupted."""
        raise KeyboardInterrupt

    monkeypatch.setattr(chaos, "run", run)
    assert main.main(["chaos"]) == EXIT_INTERRUPTED
    assert capsys.readouterr().err == "trxas: interrupted\n"


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("trxas ru", {"runs"}),
        ("trxas runs list --li", {"--limit"}),
    ],
)
def test_the_shell_completes_what_is_typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str, completed: set[str]
) -> None:
    monkeypatch.setenv("_TRXAS_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(len(typed.split()) - 1))
    with pytest.raises(SystemExit):
        main.main([])
    assert set(capsys.readouterr().out.split()) == completed


@pytest.mark.parametrize("text", ["-1", "12345", "3f2a", "12345678"])
def test_a_run_is_found_by_number_or_uid(text: str) -> None:
    """Lost: `trxas runs show -1`."""
    key = runs.ShowOptions(run_key=text).key
    assert isinstance(key, int) == (text in ("-1", "12345"))


def test_an_unknown_option_is_not_taken_for_a_run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Lost: the reason why nothing is exported, in a message about uids."""
    assert main.main(["export", "-1", "--folder", "there", "--data", str(tmp_path)]) == main.EXIT_ERROR
    assert "No such option: --folder." in capsys.readouterr().err


def test_a_run_that_cannot_be_exported_does_not_stop_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lost: the files of a whole night, for one run whose images are on another disk."""

    def exported(_: Any, keys: Any, *rest: Any, **options: Any) -> list[Path]:
        if keys[0] in (2, 3):
            raise ReductionError(f"run {keys[0]} has no curve.")
        return [Path(f"{keys[0]}.nxs")]

    monkeypatch.setattr(configured_store, "open_configured_store", lambda *_, **__: contextlib.nullcontext())
    monkeypatch.setattr(export_storage, "export_runs", exported)
    assert main.main(["export", "1", "2", "3", "4"]) == main.EXIT_ERROR
    captured = capsys.readouterr()
    assert captured.out.split() == ["1.nxs", "4.nxs"]
    assert "2 of 4 runs are not exported:\nrun 2 has no curve.\nrun 3 has no curve." in captured.err


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_no_text_fails_on_any_terminal(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    """Lost: the whole list of runs, for one Greek letter in the name of a sample."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    make_output_safe()
    sys.stdout.write("τ = 3 ± 1 ps, 14 mJ/cm², 漢 …\n")
    sys.stdout.flush()
    said = written.getvalue().decode(encoding)
    expected = {
        "ascii": "tau = 3 +- 1 ps, 14 mJ/cm2, ? ...",
        "latin-1": "tau = 3 ± 1 ps, 14 mJ/cm², ? ...",
        "utf-8": "τ = 3 ± 1 ps, 14 mJ/cm², 漢 …",
    }
    assert said == expected[encoding] + "\n"


def test_closed_output_and_a_terminal_without_width_are_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: the command, to a traceback, where a scheduler closes its output; and all lines, in no columns."""
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setenv("COLUMNS", "0")
    make_output_safe()
    sys.stdout.write("lost")
    sys.stdout.close()
    assert "COLUMNS" not in os.environ


def test_a_sample_with_any_name_is_listed_on_an_ascii_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: the list of all runs; and square brackets, if they were taken for markup."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    make_output_safe()
    run = RunSummary(
        uid="0a1b2c3d",
        scan_id=4,
        time_s=1.0,
        plan_name="energy_scan",
        sample="[µ] perovskite",
        edge="Br K",
        points_done=3,
        points_intended=None,
        status="complete",
    )
    print_table(runs_table([run]))
    sys.stdout.flush()
    assert b"3/?  complete  [u] perovskite" in written.getvalue()


def test_a_table_in_a_pipe_is_plain_and_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: `trxas runs list | grep`, by lines that are folded or have codes for colours in them."""
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    text = table_text(table(("name", "points"), [("x" * 300, 7), ("[b]", 12)], right=["points"]))
    assert text.splitlines() == [f"{'name':<300}  points", f"{'x' * 300}       7", f"{'[b]':<300}      12"]


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def test_no_color_gives_plain_text_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Screen())
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    made = table(("name",), [("a",)])
    assert is_fancy()
    assert "\x1b[" in table_text(made)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not is_fancy()
    assert table_text(made) == "name\na"


def test_lists_are_json_for_machines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    stored = StoredRuns(tmp_path)
    stored.write(later(energy_run("0a1b2c3d", overrides={"scan_id": 4, "plan_name": "energy_scan"}), 0.0))
    stored.close()
    # Without recovery, which writes the run into the catalogue and starts a server for it.
    monkeypatch.setattr(
        configured_store,
        "open_configured_store",
        lambda _configuration: storage.open_store(tmp_path, recover_runs=False),
    )
    assert main.main(["runs", "list", "--json"]) == 0
    (run,) = json.loads(capsys.readouterr().out)
    assert (run["plan_name"], run["scan_id"]) == ("energy_scan", 4)
    assert run["reduced"]["unit"] == "%"
    assert run["note"]["rating"] == 0
