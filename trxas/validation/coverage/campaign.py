"""All samples: drawn, handed out to processes, and held against what they are as results come in."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from errors import InputError
from reduction.run_metadata import Timing
from trxas.validation.coverage.measurement import PARAMETERS, expected_values
from trxas.validation.coverage.pulls import PullStatistics, pull_statistics
from trxas.validation.coverage.random_sample import Truth, draw_truth
from trxas.validation.coverage.sample_file import sample_toml

SAMPLES_MAXIMUM, MEASUREMENTS_MAXIMUM, WORKERS_MAXIMUM = 100_000, 100, 64
"""More is taken for a slip of the finger."""

BATCH = 3
"""Samples per process at most: its imports are shared by so many, and as many simulations wait."""

SILENCE_S = 300.0
"""A process that reports no measurement for so long hangs; one takes 4 to 15 s."""

PIPE_LIMIT_BYTES = 1_000_000
COMMAND = (sys.executable, "-m", "trxas.validation.coverage.worker")


@dataclass(frozen=True)
class Settings:
    """How much to measure. Raises InputError for numbers out of range."""

    samples: int
    seed: int = 1
    measurements: int = 3
    workers: int = 2

    def __post_init__(self) -> None:
        """Refuse what cannot be measured."""
        _check("samples", self.samples, 1, SAMPLES_MAXIMUM)
        _check("seed", self.seed, 0, 2**63 - 1)
        _check("measurements", self.measurements, 1, MEASUREMENTS_MAXIMUM)
        _check("workers", self.workers, 1, WORKERS_MAXIMUM)


@dataclass(frozen=True)
class RandomSample:
    """One drawn sample and the seed of its beamline's noise."""

    index: int
    truth: Truth
    seed: int


@dataclass(frozen=True)
class Failure:
    """A parameter that one measurement did not give."""

    sample: int
    measurement: int
    parameter: str
    reason: str


@dataclass
class Coverage:
    """Everything known so far; `pulls[parameter][sample]` is a list with one number per measurement."""

    settings: Settings
    timing: Timing
    samples: Sequence[RandomSample]
    pulls: dict[str, dict[int, list[float]]] = field(default_factory=lambda: {name: {} for name in PARAMETERS})
    failures: list[Failure] = field(default_factory=list)
    measured: set[tuple[int, int]] = field(default_factory=set)

    def take(self, line: dict[str, Any]) -> None:
        """Compare one measurement, as a worker reports it, with the truth."""
        sample, number = line["sample"], line["measurement"]
        expected = expected_values(self.samples[sample].truth, self.timing)
        for name, (value, sigma) in line["values"].items():
            self.pulls[name].setdefault(sample, []).append((value - expected[name]) / sigma)
        self.failures += [Failure(sample, number, name, reason) for name, reason in line["failures"].items()]
        self.measured.add((sample, number))

    def give_up(self, samples: Sequence[RandomSample], reason: str) -> None:
        """Count what a process left undone as failed."""
        for sample in samples:
            for number in range(self.settings.measurements):
                if (sample.index, number) not in self.measured:
                    line = {"sample": sample.index, "measurement": number, "values": {}}
                    self.take({**line, "failures": dict.fromkeys(PARAMETERS, reason)})

    @property
    def complete(self) -> bool:
        """Whether everything asked for has been tried."""
        return len(self.measured) == self.settings.samples * self.settings.measurements

    def statistics(self) -> dict[str, PullStatistics]:
        """Mean and width of the pulls of every parameter."""
        failed = {name: sum(failure.parameter == name for failure in self.failures) for name in PARAMETERS}
        return {name: pull_statistics(list(self.pulls[name].values()), failed[name]) for name in PARAMETERS}


def draw_samples(settings: Settings) -> list[RandomSample]:
    """Samples that depend on the seed and their own number only, not on how many there are."""
    samples = []
    for index in range(settings.samples):
        rng = np.random.default_rng([settings.seed, index])
        samples.append(RandomSample(index, draw_truth(rng), int(rng.integers(2**31))))
    return samples


async def measure_all(coverage: Coverage, folder: Path, report: Callable[[Coverage], None]) -> None:
    """Measure every sample of `coverage`; `report` is called after each measurement.

    Sample files and the workers' messages go to `folder`. However it ends, no process is left.
    """
    batches = _batches(coverage)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(coverage.settings.workers):
            tasks.create_task(_work_off(batches, coverage, folder, report))


def _batches(coverage: Coverage) -> Iterator[Sequence[RandomSample]]:
    share = -(-len(coverage.samples) // coverage.settings.workers)
    return iter(list(_chunks(coverage.samples, min(BATCH, share))))


async def _work_off(
    batches: Iterator[Sequence[RandomSample]], coverage: Coverage, folder: Path, report: Callable[[Coverage], None]
) -> None:
    for batch in batches:
        said = folder / f"worker-{batch[0].index}.txt"
        reason = await _run_worker(batch, coverage, said, report)
        coverage.give_up(batch, reason or _last_words(said))
        report(coverage)


async def _run_worker(
    batch: Sequence[RandomSample], coverage: Coverage, said: Path, report: Callable[[Coverage], None]
) -> str:
    """Let one process measure `batch`; returns why it had to be ended, or nothing."""
    with said.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            limit=PIPE_LIMIT_BYTES,
            # A session of its own: Ctrl-C is for us, and we end it.
            start_new_session=True,
        )
    assert process.stdin is not None  # pipes were asked for
    assert process.stdout is not None
    try:
        process.stdin.write(_job(batch, coverage, said.parent))
        await process.stdin.drain()
        while line := await asyncio.wait_for(process.stdout.readline(), SILENCE_S):
            coverage.take(json.loads(line))
            report(coverage)
    except TimeoutError:
        return f"The process that measured it said nothing for {SILENCE_S:g} s and was ended."
    except ConnectionError:
        return ""  # it died before it had read its job; it said why
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    return ""


def _job(batch: Sequence[RandomSample], coverage: Coverage, folder: Path) -> bytes:
    samples = []
    for sample in batch:
        path = folder / f"sample-{sample.index}.toml"
        path.write_text(sample_toml(sample.truth, irf_sigma_ps=coverage.timing.irf_sigma_ps), encoding="utf-8")
        samples.append({"index": sample.index, "path": str(path), "seed": sample.seed})
    return json.dumps({"samples": samples, "measurements": coverage.settings.measurements}).encode() + b"\n"


def _last_words(said: Path) -> str:
    lines = said.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return f"The process that measured it ended early. It said last: {lines[-1] if lines else 'nothing'}"


def _chunks(samples: Sequence[RandomSample], size: int) -> Iterator[Sequence[RandomSample]]:
    return (samples[first : first + size] for first in range(0, len(samples), size))


def _check(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise InputError(f"--{name} {value}: give a whole number from {low} to {high}.")
