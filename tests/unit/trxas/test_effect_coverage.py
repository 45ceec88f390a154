"""If these fail, an effect that moves the published numbers looks harmless, or the other way round."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from errors import InputError
from trxas.validation.coverage import effects
from trxas.validation.coverage.effect_measurement import EFFECT_PARAMETERS, RUNS_OF
from trxas.validation.coverage.effects import (
    NOISE,
    EffectCoverage,
    effect_coverage,
    effect_table,
    marks_of,
    silent_effects,
    write_effects,
)

TIMES = 10.0
T0_SIGMA_PS = 2.0


@pytest.fixture
def coverage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> EffectCoverage:
    """Two effects; none of them is measured yet."""
    sample = tmp_path / "sample.toml"
    sample.write_text("name = 'any'\n", encoding="utf-8")
    monkeypatch.setattr(effects, "simulated_effects", lambda: ["Damage", "TimeZero", NOISE])
    monkeypatch.setattr(effects, "sample_file", lambda _: sample)
    with effect_coverage(["all"], TIMES, seed=1, workers=1) as made:
        return made


def measured(coverage: EffectCoverage, t0_ps: dict[str, float], marks: dict[str, list[str]]) -> EffectCoverage:
    """Campaigns in which only time zero moves, in proportion to the size of each effect."""
    for sample in coverage.samples:
        setting = sample.truth
        values: dict[str, Any] = {name: [1.0, 0.5] for name in EFFECT_PARAMETERS}
        values["t0"] = [17.0 + setting.size * t0_ps.get(setting.effect, 0.0), T0_SIGMA_PS if setting.noise else 0.1]
        found = marks.get(setting.effect, []) if setting.noise else []
        coverage.take(
            {"sample": sample.index, "measurement": 0, "values": values, "failures": {}, "marks": ["br: p 0.4", *found]}
        )
    return coverage


def test_every_effect_is_measured_alone_at_three_sizes(coverage: EffectCoverage) -> None:
    """Lost: numbers that two effects move against each other."""
    sizes = [coverage.kind.effects(sample.truth) for sample in coverage.samples]
    assert sizes[:2] == [{"Damage": 0.0, "TimeZero": 0.0, NOISE: noise} for noise in (0.0, 1.0)]
    assert sizes[2:5] == [
        {"Damage": size, "TimeZero": 0.0, NOISE: noise} for size, noise in ((1.0, 0.0), (TIMES, 0.0), (TIMES, 1.0))
    ]
    assert len({sample.seed for sample in coverage.samples}) == 1
    assert coverage.complete is False


def test_shifts_are_in_errors_of_the_paper_and_not_of_the_noise_free_campaign(coverage: EffectCoverage) -> None:
    measured(coverage, {"TimeZero": 0.4}, {})
    shifts = {one.parameter: one for one in coverage.shifts("TimeZero", TIMES)}
    assert shifts["t0"].usual == pytest.approx(0.4 / T0_SIGMA_PS)
    assert shifts["t0"].enlarged == pytest.approx(4.0 / T0_SIGMA_PS)
    assert shifts["tau1"].enlarged == 0.0
    assert all(one.enlarged == 0.0 for one in coverage.shifts("Damage", TIMES))


def test_what_moves_a_number_without_a_mark_is_named(coverage: EffectCoverage) -> None:
    measured(coverage, {"TimeZero": 0.4, "Damage": 0.4}, {"Damage": ["br trace: the level falls from pass to pass"]})
    assert coverage.new_marks("Damage", TIMES) == ["br trace: the level falls from pass to pass"]
    assert silent_effects(coverage, TIMES) == {"TimeZero": ["t0"]}
    text = effect_table(coverage, TIMES)
    assert "+0.2 +2.0" in text
    assert "without a mark on its runs: TimeZero t0" in text


def test_a_mark_on_another_run_marks_no_number(coverage: EffectCoverage) -> None:
    """Lost: a chance remark on the foil makes a wrong time zero look announced."""
    measured(coverage, {"TimeZero": 0.4}, {"TimeZero": ["foil: the axis drifts"]})
    assert silent_effects(coverage, TIMES) == {"TimeZero": ["t0"]}
    assert set(RUNS_OF) == set(EFFECT_PARAMETERS)
    assert marks_of("t0", ["pb trace: a", "foil: b", "t0: failed", "t0x: c"]) == ["pb trace: a", "t0: failed"]


def test_what_was_not_measured_is_no_shift_of_zero(coverage: EffectCoverage, tmp_path: Path) -> None:
    """After Ctrl-C too, and for numbers that a reduction refuses."""
    assert all(math.isnan(one.enlarged) for one in coverage.shifts("Damage", TIMES))
    assert "+nan" in effect_table(coverage, TIMES)
    path = tmp_path / "e.json"
    write_effects(coverage, TIMES, path)
    assert json.loads(path.read_text())["effects"]["Damage"]["shifts"]["t0"] == [None, None]


@pytest.mark.parametrize(
    ("names", "times", "message"),
    [(["Gravity"], TIMES, "--effect Gravity: the simulation knows Damage, TimeZero"), (["Damage"], 1.0, "--times 1")],
)
def test_unknown_effects_and_sizes_are_refused(
    monkeypatch: pytest.MonkeyPatch, names: list[str], times: float, message: str
) -> None:
    monkeypatch.setattr(effects, "simulated_effects", lambda: ["Damage", "TimeZero", NOISE])
    with pytest.raises(InputError, match=message), effect_coverage(names, times, seed=1, workers=1):
        pass
