"""If these fail, a script that is run twice shifts an axis that is right already, and nobody notices."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from bluesky import RunEngine
from bluesky.run_engine import RunEngineResult

from errors import OutOfRangeError
from plans.registry import PLANS
from storage.calibrations import CalibrationFile, SavedCalibration
from tests.support.fake_beamline import FakeHardware
from trxas.session import single_application
from trxas.session.calibrations import ENERGY, TIME_ZERO, SessionCalibrations
from trxas.session.run_uids import RunUids
from trxas.session.session import bind
from trxas.session.single_application import applied_once


class Prompt:
    """Calibration plans as a session offers them, without a session."""

    def __init__(self, folder: Path) -> None:
        self.line = FakeHardware().beamline
        self.file = CalibrationFile(folder, "7ID-D")
        self.lines: list[str] = []
        self.store: Any = SimpleNamespace(root=folder, summaries={})
        self.restart()

    def restart(self) -> None:
        """Begin another session."""
        calibrations = SessionCalibrations(self.line, self.file)
        calibrations.restore()
        self.engine = RunEngine({}, call_returns_result=True)
        self.engine.preprocessors.append(calibrations.saving)
        self.calibrations = calibrations

    def run(self, name: str, *values: float) -> Any:
        plan = applied_once(PLANS[name], self.calibrations, self.store, say=self.lines.append)
        result = self.engine(bind(plan, self.line)(*values))
        assert isinstance(result, RunEngineResult)
        return result.plan_result


@pytest.fixture
def prompt(tmp_path: Path) -> Prompt:
    return Prompt(tmp_path)


@pytest.mark.parametrize(
    ("plan", "change", "before", "label", "unit"),
    [
        ("rezero", 17.512345678, 169_780.0, "time zero on the raw delay", "ps"),
        ("rezero", 17.5, 169_780.0, "time zero on the raw delay", "ps"),
        ("apply_energy_calibration", -0.7316212345, 0.0, "energy calibration", "eV"),
    ],
)
def test_a_calibration_is_applied_once_and_states_its_absolute_result(
    prompt: Prompt, plan: str, change: float, before: float, label: str, unit: str
) -> None:
    after = pytest.approx(before + change)
    assert prompt.run(plan, change) == after
    assert prompt.lines == [f"{label}: {before + change:.10g} {unit} (was {before:.10g}, changed by {change:+.10g})"]
    assert prompt.run(plan, change) == after
    prompt.restart()
    assert prompt.run(plan, change) == after
    assert [line.partition(":")[0] for line in prompt.lines[1:]] == ["Nothing changed", "Nothing changed"]
    assert f"{label} is {before + change:.10g} {unit} since then" in prompt.lines[-1]


def test_another_measurement_may_find_the_same_round_number(prompt: Prompt, monkeypatch: pytest.MonkeyPatch) -> None:
    prompt.run("apply_energy_calibration", 0.7)
    runs = [SimpleNamespace(time_s=2e10, plan_name="foil_scan")]
    monkeypatch.setattr(single_application, "list_runs", lambda *_, **__: runs)
    assert prompt.run("apply_energy_calibration", 0.7) == pytest.approx(1.4)


def test_a_fit_is_not_applied_twice_even_after_another_scan(prompt: Prompt, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script reads a run by its uid, and is run again at the end of the night."""
    prompt.run("rezero", 16.827193)
    runs = [SimpleNamespace(time_s=2e10, plan_name="delay_scan")]
    monkeypatch.setattr(single_application, "list_runs", lambda *_, **__: runs)
    assert prompt.run("rezero", 16.827193) == pytest.approx(169_796.827193)


def test_what_is_left_over_adds_up(prompt: Prompt) -> None:
    prompt.run("rezero", 20.0)
    assert prompt.run("rezero", -5.0) == pytest.approx(169_795.0)
    assert prompt.run("rezero", 20.0) == pytest.approx(169_815.0)


def test_a_calibration_that_was_set_as_a_whole_since_is_not_taken_for_a_repetition(prompt: Prompt) -> None:
    prompt.run("rezero", 20.0)
    prompt.calibrations.use({TIME_ZERO: 169_780.0})
    assert prompt.run("rezero", 20.0) == pytest.approx(169_800.0)


def test_a_wrong_argument_is_refused_as_by_the_plan_itself(prompt: Prompt) -> None:
    with pytest.raises(OutOfRangeError, match="-20 to 20 eV"):
        prompt.run("apply_energy_calibration", 30.0)
    assert prompt.calibrations.saved(ENERGY) is None


def test_files_without_the_change_are_read(prompt: Prompt) -> None:
    prompt.file.save(ENERGY, SavedCalibration(value=0.7, time_s=1.0))
    prompt.restart()
    assert prompt.run("apply_energy_calibration", 0.7) == pytest.approx(1.4)
    assert prompt.file.read()[ENERGY].change == 0.7


def test_the_prompt_shows_the_result_instead_of_empty_brackets() -> None:
    def shown(uids: tuple[str, ...], result: Any) -> str:
        return repr(RunUids.of(RunEngineResult(uids, result, "success", False, "", None)))

    assert shown((), 169_797.5) == "169797.5"
    assert shown((), None) == "()"
    assert shown(("a",), "a") == "('a',)"
    assert RunUids.of(RunEngineResult((), 1.0, "success", False, "", None)) == ()
