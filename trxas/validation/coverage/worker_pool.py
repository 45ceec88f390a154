"""The processes that measure: each gets a batch of samples as its job and reports measurement by measurement."""

from __future__ import annotations

import contextlib
import json
import queue
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from processes.child import Child, ChildProgram
from trxas.validation.coverage.campaign import Coverage, RandomSample

BATCH = 3
"""Largest number of samples per process: they share its imports, and each has a simulation that runs all the time."""

SILENCE_S = 300.0
"""Wall time without a report after which a process is taken to hang; one measurement takes 4 to 15 s."""

COMMAND = (sys.executable, "-m", "trxas.validation.coverage.worker")

Report: TypeAlias = Callable[[Coverage], object]


class _Worker:
    """One process with its batch; what it prints goes to `lines`, and "" once it has ended."""

    def __init__(self, batch: Sequence[RandomSample], folder: Path, lines: queue.SimpleQueue[tuple[_Worker, str]]):
        self.batch = batch
        self.ended_because = ""
        self.heard_s = time.monotonic()
        program = ChildProgram(name="coverage worker", command=COMMAND, separate_errors=True)
        self._child = Child(
            program,
            folder / f"worker-{batch[0].index}.txt",
            on_line=lambda line: lines.put((self, line)),
            on_end=lambda: lines.put((self, "")),
        )

    def give(self, job: str) -> None:
        """Send the job; a process that has died already gives its reason when its end is handled."""
        with contextlib.suppress(OSError):
            self._child.send(job)

    def end(self, reason: str = "") -> None:
        """Kill the process, for `reason`."""
        self.ended_because = reason
        self._child.kill()

    def reason(self) -> str:
        """Return why measurements of its batch are missing, if any are."""
        lines = self._child.last_words().strip().splitlines()
        last = lines[-1] if lines else "nothing"
        return self.ended_because or f"The process that measured it ended early. Its last output: {last}"


def measure_all(coverage: Coverage, folder: Path, report: Report) -> None:
    """Measure every sample of `coverage`, and call `report` after each measurement.

    Sample files and the error output of the processes go to `folder`. No process is left, however this ends. All
    results are handled on the calling thread: the threads that read the processes only fill a queue. Raises what
    `report` raises; a process that dies or is silent for 300 s counts as failed measurements.
    """
    waiting = deque(_batches(coverage))
    lines: queue.SimpleQueue[tuple[_Worker, str]] = queue.SimpleQueue()
    running: list[_Worker] = []
    try:
        while waiting or running:
            # As many processes as workers at any time; a new one starts when one has ended. A batch is at most a fair
            # share of all samples, so that no process works alone for long.
            while waiting and len(running) < coverage.settings.workers:
                worker = _Worker(waiting.popleft(), folder, lines)
                running.append(worker)
                worker.give(_job(worker.batch, coverage, folder))
            _handle_next(lines, running, coverage, report)
            _end_silent(running)
    finally:
        for worker in running:
            worker.end()


def _handle_next(
    lines: queue.SimpleQueue[tuple[_Worker, str]], running: list[_Worker], coverage: Coverage, report: Report
) -> None:
    # The main loop sleeps until a process reports, or until the one that was silent longest must be ended. All results
    # come through one queue, the end of a process as an empty line after its last one, so that no result can be missed
    # and none is handled twice.
    silent_at_s = min(worker.heard_s for worker in running) + SILENCE_S
    try:
        worker, line = lines.get(timeout=max(silent_at_s - time.monotonic(), 0.0))
    except queue.Empty:
        return
    if line:
        worker.heard_s = time.monotonic()
        coverage.take(json.loads(line))
    else:
        running.remove(worker)
        worker.end(worker.ended_because)
        coverage.give_up(worker.batch, worker.reason())
    report(coverage)


def _end_silent(running: Sequence[_Worker]) -> None:
    for worker in running:
        if time.monotonic() - worker.heard_s > SILENCE_S:
            # Its end comes through the queue, as that of any other.
            worker.heard_s = time.monotonic()
            worker.end(f"The process that measured it reported nothing for {SILENCE_S:g} s and was ended.")


def _batches(coverage: Coverage) -> list[Sequence[RandomSample]]:
    samples = coverage.samples
    share = -(-len(samples) // coverage.settings.workers)
    size = min(BATCH, share)
    return [samples[first : first + size] for first in range(0, len(samples), size)]


def _job(batch: Sequence[RandomSample], coverage: Coverage, folder: Path) -> str:
    """Write the sample files of a batch and return the job as one line of JSON."""
    samples = []
    for sample in batch:
        path = folder / f"sample-{sample.index}.toml"
        path.write_text(coverage.kind.text(sample.truth), encoding="utf-8")
        effects = dict(coverage.kind.effects(sample.truth))
        samples.append(
            {"index": sample.index, "path": str(path), "seed": sample.seed, "hour": sample.hour, "effects": effects}
        )
    job = {"samples": samples, "measurements": coverage.settings.measurements, "campaign": dict(coverage.kind.job)}
    return json.dumps(job)
