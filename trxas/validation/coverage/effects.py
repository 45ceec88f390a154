"""Influence of each effect of the simulation on each published number: campaigns with one effect at several sizes."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from errors import InputError
from storage.atomic_file import write_atomically
from trxas.simulation import sample_file, simulated_effects
from trxas.terminal.tables import table, table_text
from trxas.validation.coverage.campaign import Coverage, CoverageKind, CoverageSettings, RandomSample
from trxas.validation.coverage.effect_measurement import EFFECT_PARAMETERS, RUNS_OF
from trxas.validation.coverage.ring import true_timing

NOISE = "Noise"
"""The counting noise, which is not an effect: without it, a change of the numbers is that by the effect."""

ALL = "all"
LARGEST_TIMES = 1000.0

MOVED = 1.0
"""A number that moves by more than this many of its errors is wrong, unless something marks it."""


@dataclass(frozen=True, kw_only=True)
class EffectSetting:
    """One campaign: the effect that is on, "" for none, its multiple of the usual size, and whether there is noise."""

    effect: str
    size: float
    noise: bool

    def sizes(self, effects: Sequence[str]) -> dict[str, float]:
        """Return the sizes of all `effects`, by their names, and of the noise."""
        return {name: self.size * (name == self.effect) for name in effects} | {NOISE: float(self.noise)}


@dataclass(frozen=True, kw_only=True)
class Shift:
    """Shift of a number at the usual size and at a multiple of it, in units of its error at paper statistics.

    NaN where it was not determined.
    """

    parameter: str
    usual: float
    enlarged: float


@dataclass(kw_only=True)
class EffectCoverage(Coverage):
    """Campaigns of several settings of effects; `found[sample]` is the line of a campaign as its worker reports it."""

    found: dict[int, dict[str, Any]] = field(default_factory=dict)

    def take(self, line: dict[str, Any]) -> None:
        """Keep one campaign, with its values in the units of the parameters; there is no truth to compare it with."""
        self.found[line["sample"]] = line
        self.measured.add((line["sample"], line["measurement"]))

    @property
    def effects(self) -> list[str]:
        """Effects that were measured, in order."""
        return list(dict.fromkeys(sample.truth.effect for sample in self.samples if sample.truth.effect))

    def line(self, effect: str, size: float, *, noise: bool) -> dict[str, Any]:
        """Return the campaign of a setting; one without values if it has not been measured."""
        setting = EffectSetting(effect=effect if size else "", size=size, noise=noise)
        indices = [sample.index for sample in self.samples if sample.truth == setting]
        return self.found.get(indices[0], {"values": {}, "marks": []}) if indices else {"values": {}, "marks": []}

    def shifts(self, effect: str, times: float) -> list[Shift]:
        """Return the shifts of all parameters by `effect`, in errors of the noisy campaign without any effect."""
        # Shifts are differences of campaigns without counting noise, so that tiny ones can be seen; only their unit,
        # the error at the statistics of the paper, comes from a campaign with noise.
        none, noisy = (self.line(effect, 0.0, noise=noise)["values"] for noise in (False, True))
        moved = [self.line(effect, size, noise=False)["values"] for size in (1.0, times)]

        def shift(values: dict[str, Any], name: str) -> float:
            if not all(name in one for one in (none, noisy, values)):
                return math.nan
            return float((values[name][0] - none[name][0]) / noisy[name][1])

        return [
            Shift(parameter=name, usual=shift(moved[0], name), enlarged=shift(moved[1], name))
            for name in EFFECT_PARAMETERS
        ]

    def new_marks(self, effect: str, times: float) -> list[str]:
        """Return what the reductions remark at the enlarged size and not without the effect, by run and first words."""
        # Marks are compared in campaigns with noise: without noise chi-square is far too small, and no test of a
        # reduction means anything.
        before = {_head(mark) for mark in self.line(effect, 0.0, noise=True)["marks"]}
        after = self.line(effect, times, noise=True)
        failed = [f"{name}: {reason}" for name, reason in after.get("failures", {}).items()]
        return list(dict.fromkeys(mark for mark in (*after["marks"], *failed) if _head(mark) not in before))


def marks_of(parameter: str, marks: Sequence[str]) -> list[str]:
    """Return those of the marks of a campaign that concern a number: remarks on its runs, and its own failure."""
    # A mark on another run may be chance, and a reader of the number does not see it.
    sources = (*RUNS_OF[parameter], parameter)
    return [mark for mark in marks if mark.split(":", 1)[0] in sources]


def _head(mark: str) -> str:
    """Return the run of a mark and its first words, without the numbers that differ from run to run."""
    # The same remark has other numbers in every run. Its first words without digits identify the remark.
    return "".join(letter for letter in mark if not letter.isdigit())[:40]


@contextlib.contextmanager
def effect_coverage(effects: Sequence[str], times: float, *, seed: int, workers: int) -> Iterator[EffectCoverage]:
    """Yield the campaigns of `effects`, or of all for "all", at 0, 1 and `times` their usual size, not yet measured.

    Raises InputError for an unknown effect or for a size outside 0 to 1000.
    """
    known = [name for name in simulated_effects() if name != NOISE]
    wanted = known if ALL in effects else list(effects)
    if unknown := sorted(set(wanted) - set(known)):
        raise InputError(f"--effect {', '.join(unknown)}: the simulation knows {', '.join(known)}, and all.")
    if not 1 < times <= LARGEST_TIMES:
        raise InputError(f"--times {times:g}: give a multiple of the usual size above 1, up to {LARGEST_TIMES:g}.")
    settings = [EffectSetting(effect="", size=0.0, noise=noise) for noise in (False, True)]
    for effect in wanted:
        settings += [EffectSetting(effect=effect, size=size, noise=noise)
                     for size, noise in ((1.0, False), (times, False), (times, True))]  # fmt: skip
    text = sample_file(None).read_text(encoding="utf-8")
    kind = CoverageKind(
        title="settings of effects",
        parameters=EFFECT_PARAMETERS,
        draw=_nothing_to_draw,
        text=lambda _: text,
        expected=lambda *_: {},
        effects=lambda setting: setting.sizes(known),
    )
    # One seed for all: gates, bunch charges and drifts are the same, so that only the effect differs.
    samples = [RandomSample(index=index, truth=setting, seed=seed) for index, setting in enumerate(settings)]
    counts = CoverageSettings(samples=len(samples), seed=seed, measurements=1, workers=workers)
    yield EffectCoverage(settings=counts, timing=true_timing(), samples=samples, kind=kind)


def _nothing_to_draw(_: np.random.Generator) -> None:
    return None


def effect_table(coverage: EffectCoverage, times: float) -> str:
    """Return a table with a row per effect: shifts at the usual and at `times` the usual size, in errors, and marks."""
    columns = ("effect", *EFFECT_PARAMETERS, "marked by")
    rows = []
    for effect in coverage.effects:
        shifts = [f"{one.usual:+.1f} {one.enlarged:+.1f}" for one in coverage.shifts(effect, times)]
        marks = coverage.new_marks(effect, times)
        rows.append((effect, *shifts, "; ".join(mark[:60] for mark in marks[:3]) or "-"))
    heading = (
        f"Shifts by each effect alone, at its usual size and at {times:g} times that, in errors at the statistics of "
        "the paper; without counting noise. Marks are those of a campaign with noise."
    )
    silent = [f"{name} {', '.join(moved)}" for name, moved in silent_effects(coverage, times).items()]
    lines = [heading, table_text(table(columns, rows, right=EFFECT_PARAMETERS))]
    lines += [f"Moved by more than {MOVED:g} error without a mark on its runs: {'; '.join(silent) or 'none'}"]
    return "\n".join(lines)


def silent_effects(coverage: EffectCoverage, times: float) -> dict[str, list[str]]:
    """Return the numbers that an effect of `times` its usual size moves by more than an error, without any mark."""
    found = {}
    for effect in coverage.effects:
        marks = coverage.new_marks(effect, times)
        moved = [one.parameter for one in coverage.shifts(effect, times) if abs(one.enlarged) > MOVED]
        if silent := [name for name in moved if not marks_of(name, marks)]:
            found[effect] = silent
    return found


def write_effects(coverage: EffectCoverage, times: float, path: Path) -> None:
    """Write shifts, marks and values of all campaigns as JSON; what was not determined is null."""
    content = {
        "times": times,
        "effects": {
            effect: {
                "shifts": {one.parameter: [_number(one.usual), _number(one.enlarged)]
                           for one in coverage.shifts(effect, times)},
                "marks": coverage.new_marks(effect, times),
            }
            for effect in coverage.effects
        },
        "campaigns": [
            {"effect": sample.truth.effect, "size": sample.truth.size, "noise": sample.truth.noise,
             **coverage.found.get(sample.index, {})}
            for sample in coverage.samples
        ],
    }  # fmt: skip
    write_atomically(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
