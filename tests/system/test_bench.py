"""If these fail, one part of `trxas bench` disturbs the numbers of another, or takes them along when it fails."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from trxas.benchmarks import apart
from trxas.benchmarks.entry import Entries, Entry
from trxas.commands import bench
from trxas.commands import main as cli


def test_a_part_that_fails_costs_its_own_numbers_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lost: ten minutes of measurements, if the third of twelve parts fails."""
    entry = Entry.of([1.0], [2.0], "s")
    found: dict[str, tuple[Entries, dict[str, str]]]
    found = {part: ({f"{part}_ratio": entry}, {}) for part in bench.GROUPS[bench.Subject.ALL]}
    monkeypatch.setattr(bench, "measured_apart", lambda part, _: found.get(part) or ({}, {part: "no beam"}))
    del found[bench.Subject.FLYING]
    assert cli.main(["bench", "--json", str(tmp_path / "bench.json")]) == 1
    numbers = json.loads((tmp_path / "bench.json").read_text())
    assert numbers["failed"] == {"flying": "no beam"}
    assert {"steps_ratio", "campaign_ratio"} <= set(numbers)
    assert "The part flying could not be measured. no beam" in capsys.readouterr().out


def test_a_single_measurement_has_no_spread(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lost: the difference between a number that was measured once, and one that never varies, which looked alike."""
    found = {"once": Entry.of([0.71], [1.0], "s"), "twice": Entry.of([0.75, 0.75], [1.0, 1.0], "s")}
    monkeypatch.setitem(bench.MEASUREMENTS, bench.Subject.OPENING, lambda _: found)
    assert cli.main(["bench", "opening", "--json", str(tmp_path / "bench.json")]) == 0
    numbers = json.loads((tmp_path / "bench.json").read_text())
    assert (numbers["once"]["spread"], numbers["twice"]["spread"]) == (None, 0.0)
    lines = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines() if line}
    assert lines["once"][-2:] == ["0.71", "-"]
    assert lines["twice"][-2:] == ["0.75", "0"]


def test_a_part_runs_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: the fly scans, whose simulated beamline a process finds no more once it has used another one."""
    numbers = {"machine": {}, "pid": Entry.of([1.0], [2.0], "s").as_json()}
    code = (
        f"import os, pathlib; pathlib.Path(FILE).write_text({json.dumps(numbers)!r}.replace('1.0', str(os.getpid())))"
    )
    monkeypatch.setattr(
        apart, "command_of", lambda _, file: [sys.executable, "-c", code.replace("FILE", repr(str(file)))]
    )
    entries, failed = apart.measured_apart("campaign", [])
    assert not failed
    assert entries["pid"].value != os.getpid()
    assert entries["pid"].baseline == 2.0


def test_a_process_without_numbers_is_a_failed_part() -> None:
    entries, failed = apart.measured_apart("campaign", ["--no-such-option"])
    assert not entries
    assert "exit code 2" in failed["campaign"]
