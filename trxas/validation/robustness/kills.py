"""The course of a run: one kill after the other over scans, then the same scans undisturbed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from storage import open_store, primary_data
from storage.check import StoreCheck, check_store
from trxas.validation.robustness.audit import audit, chaos_datasets, compare
from trxas.validation.robustness.beamline_processes import POLL_S, Processes
from trxas.validation.robustness.exposure_truth import Truth
from trxas.validation.robustness.kill_schedule import SERVER, SESSION, WINDOW, WRITER, PlannedKill
from trxas.validation.robustness.kills_result import KillsResult

WRITE_TIMEOUT_S = 30.0
"""How long the catalogue may stay as it is; an open run is flushed into it every 10 s."""

MOST_UNDISTURBED = 16
"""Undisturbed datasets that are enough: more would only narrow their share of the comparison's errors."""

Say = Callable[[str], None]


class Kills:
    """Runs under `folder`, which gets the data of both parts, logs and the simulation's truth."""

    def __init__(self, folder: Path, *, seed: int, speed: float, hang_after_s: float, say: Say) -> None:
        self._folder, self._seed, self._speed, self._say = folder, seed, speed, say
        self._result = KillsResult(hang_after_s)

    def run(self, kills: Sequence[PlannedKill]) -> KillsResult:
        """Killed, left alone, and what the comparison gives."""
        began = time.monotonic()
        killed, quiet = self._folder / "killed", self._folder / "undisturbed"
        told = self._measure(killed, kills, datasets=2)
        with open_store(killed, recover_runs=False) as store:
            disturbed = chaos_datasets(store)
            stored = sum(1 for documents in disturbed for _ in primary_data(documents))
            self._result.unrecorded = max(0, told - stored)
            self._result.audit = audit(store, Truth(killed / "exposures.jsonl"))
            self._result.problems = _problems(check_store(store))
        self._say(f"{len(disturbed)} datasets; the same without kills ...")
        self._measure(quiet, (), datasets=min(max(len(disturbed), 2), MOST_UNDISTURBED))
        with open_store(quiet, recover_runs=False) as store:
            self._result.comparison = compare(disturbed, chaos_datasets(store))
        self._result.wall_s = time.monotonic() - began
        return self._result

    def _measure(self, folder: Path, kills: Sequence[PlannedKill], *, datasets: int) -> int:
        """Measure under `kills`, or in peace; returns how many exposures the sessions have told of."""
        processes = Processes(folder, seed=self._seed, speed=self._speed, datasets=datasets)
        try:
            others = (SERVER, WINDOW) if kills else ()
            processes.start_all(SESSION, *others, timeout_s=self._result.hang_after_s)
            for number, kill in enumerate(kills, start=1):
                self._strike(processes, kill)
                self._say(f"[{number}/{len(kills)}] {kill.victim}, {processes.session.exposures} exposures")
            processes.enough.touch()
            self._until(lambda: processes.session.exit_code == 0, processes, "the last kill")
            return processes.session.exposures
        finally:
            self._result.session_starts += processes.session.starts
            processes.close()

    def _strike(self, processes: Processes, kill: PlannedKill) -> None:
        self._until(lambda: processes.is_up(kill.victim), processes, kill.victim)
        if kill.victim == WRITER:
            before, deadline = processes.written_at(), time.monotonic() + WRITE_TIMEOUT_S
            self._until(lambda: processes.written_at() != before or time.monotonic() > deadline, processes, WRITER)
        time.sleep(kill.pause_s)
        processes.kill(kill.victim)
        processes.start(kill.victim)
        self._result.killed[kill.victim] += 1

    def _until(self, condition: Callable[[], bool], processes: Processes, after: str) -> None:
        """Wait, starting again what ended by itself; a session without exposures for too long is a hang."""
        while not condition():
            for name, last_words in list(processes.ended()):
                self._say(f"the {name} ended by itself after {after}: {last_words.strip()[-500:]}")
                self._result.ended[name] += 1
                processes.start(name)
            if processes.session.silent_s > self._result.hang_after_s:
                self._say(f"no exposure for {self._result.hang_after_s:g} s after {after}: hang")
                self._result.hangs += 1
                self._result.hung_after[after] += 1
                processes.kill(SESSION)
                processes.start(SESSION)
            time.sleep(POLL_S)


def _problems(check: StoreCheck) -> tuple[str, ...]:
    of_runs = tuple(f"run {run.uid[:8]}: {problem}" for run in check.runs for problem in run.problems)
    return (*of_runs, check.catalogue_problem) if check.catalogue_problem else of_runs
