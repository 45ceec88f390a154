"""The course of a run of kills: processes are killed one by one during scans; then the same scans undisturbed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from processes.waiting import wait_until
from storage import open_store, primary_data
from storage.check import StoreCheck, check_store
from trxas.validation.robustness.audit import audit, compare, disturbed_datasets, truth_in
from trxas.validation.robustness.beamline_processes import POLL_S, BeamlineProcesses
from trxas.validation.robustness.disturbed_result import UNDISTURBED_RESTARTS, undisturbed_number
from trxas.validation.robustness.kill_schedule import SERVER, SESSION, WINDOW, WRITER, PlannedKill
from trxas.validation.robustness.kills_result import KillsResult
from trxas.validation.robustness.look_after import FailedStarts
from trxas.validation.robustness.session_kind import screen_of
from trxas.validation.robustness.settings import RobustnessSettings
from trxas.validation.types import Report

WRITE_TIMEOUT_S = 30.0
"""Wall time to wait for a write into the catalogue; an open run is flushed into it every 10 s."""


class Kills:
    """A run of kills: processes are killed during scans, then the same scans are measured undisturbed.

    Sessions of the queue are excluded, because the queue server is one of the victims.
    """

    def __init__(self, settings: RobustnessSettings, *, report: Report) -> None:
        self._settings = settings
        self._report = report
        self._result = KillsResult(hang_after_s=settings.hang_after_s)
        self._failed_starts = FailedStarts()

    def run(self, kills: Sequence[PlannedKill]) -> KillsResult:
        """Measure with `kills`, then without, and return what the audit and the comparison find.

        Raises ChildError if a process cannot be started, ConfigurationError if the simulated beamline is not up in
        time.
        """
        began = time.monotonic()
        killed = self._settings.folder / "killed"
        quiet = self._settings.folder / "undisturbed"
        reported = self._measure(killed, kills, datasets=2)
        with open_store(killed, recover_runs=False) as store:
            disturbed = disturbed_datasets(store)
            stored = sum(1 for documents in disturbed for _ in primary_data(documents))
            self._result.unrecorded = max(0, reported - stored)
            self._result.audit = audit(store, truth_in(killed))
            self._result.problems = _problems(check_store(store))
        self._report(f"{len(disturbed)} datasets; now the same without kills ...")
        self._measure(quiet, (), datasets=undisturbed_number(len(disturbed)))
        with open_store(quiet, recover_runs=False) as store:
            self._result.comparison = compare(disturbed, disturbed_datasets(store))
        self._result.wall_s = time.monotonic() - began
        return self._result

    def _measure(self, folder: Path, kills: Sequence[PlannedKill], *, datasets: int) -> int:
        """Measure with `kills` or undisturbed, and return the number of exposures that the sessions reported."""
        with screen_of(self._settings.session) as screen:
            processes = BeamlineProcesses(
                folder,
                seed=self._settings.seed,
                speed=self._settings.speed,
                datasets=datasets,
                session=self._settings.session,
                screen=screen,
                restarts=0 if kills else UNDISTURBED_RESTARTS,
            )
            return self._measure_with(processes, kills)

    def _measure_with(self, processes: BeamlineProcesses, kills: Sequence[PlannedKill]) -> int:
        try:
            others = (SERVER, WINDOW) if kills else ()
            processes.start_all(SESSION, *others, timeout_s=self._result.hang_after_s)
            for number, kill in enumerate(kills, start=1):
                self._strike(processes, kill)
                self._report(f"[{number}/{len(kills)}] {kill.victim}, {processes.session.exposures} exposures")
            processes.enough.touch()
            self._until(lambda: processes.session.exit_code == 0, processes, "the last kill")
            return processes.session.exposures
        finally:
            self._result.session_starts += processes.session.starts
            processes.close()

    def _strike(self, processes: BeamlineProcesses, kill: PlannedKill) -> None:
        self._until(lambda: processes.is_up(kill.victim), processes, kill.victim)
        # The writer is a thread, which cannot be killed by itself. Its session is killed at the worst moment for it:
        # within a write to the catalogue, which is noticed by the time stamp of the databases.
        if kill.victim == WRITER:
            before_ns = processes.written_at_ns()
            deadline = time.monotonic() + WRITE_TIMEOUT_S
            self._until(
                lambda: processes.written_at_ns() != before_ns or time.monotonic() > deadline, processes, WRITER
            )
        time.sleep(kill.pause_s)
        processes.kill(kill.victim)
        processes.start(kill.victim)
        self._result.killed[kill.victim] += 1

    def _until(self, condition: Callable[[], bool], processes: BeamlineProcesses, after: str) -> None:
        """Wait for `condition`; restart what ended by itself, and kill and restart a session that hangs.

        Raises ChildError if a process cannot be started.
        """

        def look_after() -> None:
            for name, last_words in list(processes.ended()):
                self._report(f"the {name} ended by itself after {after}: {last_words.strip()[-500:]}")
                self._result.ended[name] += 1
                has_worked = processes.has_worked(name)
                self._failed_starts.note_end(name, has_worked=has_worked, last_words=last_words)
                processes.start(name)
            if processes.session.silent_s > self._result.hang_after_s:
                self._report(f"no exposure for {self._result.hang_after_s:g} s after {after}: hang")
                self._result.count_hang(after)
                processes.kill(SESSION)
                processes.start(SESSION)

        wait_until(condition, poll_s=POLL_S, meanwhile=look_after)


def _problems(check: StoreCheck) -> tuple[str, ...]:
    of_runs = tuple(f"run {run.uid[:8]}: {problem}" for run in check.runs for problem in run.problems)
    return (*of_runs, check.catalogue_problem) if check.catalogue_problem else of_runs
