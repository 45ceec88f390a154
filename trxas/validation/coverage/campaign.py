"""All random samples of a coverage run, and the comparison of every measurement with its truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from errors import InputError
from reduction.timing import Timing
from trxas.validation.coverage.measurement import PARAMETERS, expected_values
from trxas.validation.coverage.pulls import PullStatistics, pull_statistics
from trxas.validation.coverage.random_sample import draw_truth
from trxas.validation.coverage.sample_file import sample_toml

SAMPLES_MAXIMUM = 100_000
MEASUREMENTS_MAXIMUM = 100
WORKERS_MAXIMUM = 64
"""Larger numbers are refused as typing errors."""


@dataclass(frozen=True, kw_only=True)
class CoverageSettings:
    """Numbers of samples and measurements; raises InputError for numbers out of range."""

    samples: int
    seed: int = 1
    measurements: int = 3
    workers: int = 2

    def __post_init__(self) -> None:
        """Check the ranges."""
        _check("samples", self.samples, 1, SAMPLES_MAXIMUM)
        _check("seed", self.seed, 0, 2**63 - 1)
        _check("measurements", self.measurements, 1, MEASUREMENTS_MAXIMUM)
        _check("workers", self.workers, 1, WORKERS_MAXIMUM)


@dataclass(frozen=True, kw_only=True)
class CoverageKind:
    """Kind of a coverage: what it draws, measures and compares.

    `draw` returns one truth, `text` its sample file, and `expected` the true value of every parameter, in the units of
    `parameters`. `job` is the further information that the measuring processes need, as plain data; `effects` returns
    the sizes of the effects of one truth, by the last parts of their PVs' names.
    """

    title: str
    parameters: tuple[str, ...]
    draw: Callable[[np.random.Generator], Any]
    text: Callable[[Any], str]
    expected: Callable[[Any, Timing], Mapping[str, float]]
    job: Mapping[str, Any] = field(default_factory=dict)
    effects: Callable[[Any], Mapping[str, float]] = lambda _: {}


RANDOM = CoverageKind(
    title="random samples", parameters=PARAMETERS, draw=draw_truth, text=sample_toml, expected=expected_values
)
"""Samples like that of the paper, whose parameters are all drawn."""


@dataclass(frozen=True, kw_only=True)
class RandomSample:
    """One random sample, its truth as the kind of coverage draws it, and the seed of the noise of its beamline.

    `hour`: hour of the day at which its beam time begins, so that drifts with the day are anywhere in their course.
    """

    index: int
    truth: Any
    seed: int
    hour: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A parameter that one measurement did not determine, and the reason."""

    sample: int
    measurement: int
    parameter: str
    reason: str


@dataclass(kw_only=True)
class Coverage:
    """All results so far; `pulls[parameter][sample]` is a list with one number per measurement."""

    settings: CoverageSettings
    timing: Timing
    samples: Sequence[RandomSample]
    kind: CoverageKind = RANDOM
    pulls: dict[str, dict[int, list[float]]] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    measured: set[tuple[int, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Begin without pulls."""
        self.pulls = {name: {} for name in self.kind.parameters}

    def take(self, line: dict[str, Any]) -> None:
        """Compare one measurement, in the form in which a worker reports it, with the truth.

        Each pull is (value - truth) / sigma, in the units of the parameters. Raises KeyError for a parameter that is
        unknown.
        """
        sample = line["sample"]
        number = line["measurement"]
        expected = self.kind.expected(self.samples[sample].truth, self.timing)
        for name, (value, sigma) in line["values"].items():
            # By sample, because repeated measurements of one sample share its truth: the errors of the statistics come
            # from samples, not from measurements.
            self.pulls[name].setdefault(sample, []).append((value - expected[name]) / sigma)
        self.failures += [
            Failure(sample=sample, measurement=number, parameter=name, reason=reason)
            for name, reason in line["failures"].items()
        ]
        self.measured.add((sample, number))

    def give_up(self, samples: Sequence[RandomSample], reason: str) -> None:
        """Count the missing measurements of `samples` as failed, for `reason`."""
        for sample in samples:
            for number in range(self.settings.measurements):
                # A process that dies has reported some measurements already; those count, and only the missing ones
                # have failed.
                if (sample.index, number) not in self.measured:
                    line = {"sample": sample.index, "measurement": number, "values": {}}
                    self.take({**line, "failures": dict.fromkeys(self.kind.parameters, reason)})

    @property
    def complete(self) -> bool:
        """Whether all measurements have been tried."""
        return len(self.measured) == self.settings.samples * self.settings.measurements

    def statistics(self) -> dict[str, PullStatistics]:
        """Return mean and width of the pulls of every parameter, over arrays of shape (samples, measurements)."""
        names = self.kind.parameters
        failed = {name: sum(failure.parameter == name for failure in self.failures) for name in names}
        return {name: pull_statistics(list(self.pulls[name].values()), failed[name]) for name in names}


def draw_samples(settings: CoverageSettings, kind: CoverageKind = RANDOM) -> list[RandomSample]:
    """Return the samples; each depends only on the seed and its own number, not on the number of samples."""
    samples = []
    for index in range(settings.samples):
        # A generator per sample: sample 17 is the same in a run of 20 and in one of 1000, so that a suspicious one can
        # be measured again by itself, and a longer run repeats the shorter one.
        rng = np.random.default_rng([settings.seed, index])
        truth = kind.draw(rng)
        seed = int(rng.integers(2**31))
        # Beam times that all began at the same hour would share the drift of time zero, a bias of every one of them.
        samples.append(RandomSample(index=index, truth=truth, seed=seed, hour=float(rng.uniform(0.0, 24.0))))
    return samples


def _check(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise InputError(f"--{name} {value}: give a whole number from {low} to {high}.")
