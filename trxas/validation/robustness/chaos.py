"""The course of a chaos run: faults strike scans of another process one by one; then the same scans undisturbed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from processes.waiting import wait_until
from storage import open_store
from trxas.channel_access import environment as channel_access
from trxas.configuration import load_configuration
from trxas.simulation import simulated_beamline
from trxas.validation.robustness.audit import audit, compare, disturbed_datasets, truth_in
from trxas.validation.robustness.chaos_result import ChaosResult
from trxas.validation.robustness.disturbed_result import UNDISTURBED_RESTARTS, undisturbed_number
from trxas.validation.robustness.exposure_truth import LOG_NAME
from trxas.validation.robustness.fault_injector import FaultInjector
from trxas.validation.robustness.fault_schedule import SESSION_KILL, PlannedFault
from trxas.validation.robustness.look_after import FailedStarts
from trxas.validation.robustness.measuring_child import ChildMeasurement, MeasuringChild
from trxas.validation.robustness.session_kind import screen_of
from trxas.validation.robustness.settings import RobustnessSettings
from trxas.validation.types import Report

START_TIMEOUT_S = 300.0
"""Wall time that a session may take until its first exposure (15 s on a free machine; 75 s at a load of 20).

The queue server takes twice as long."""


class Chaos:
    """A chaos run: faults strike scans of a session, then the same scans are measured undisturbed."""

    def __init__(self, settings: RobustnessSettings, *, report: Report) -> None:
        self._settings = settings
        self._report = report
        self._result = ChaosResult(hang_after_s=settings.hang_after_s)
        self._failed_starts = FailedStarts()

    def run(self, faults: Sequence[PlannedFault]) -> ChaosResult:
        """Measure with `faults`, then without, and return what the audit and the comparison find.

        Raises ChildError if the session cannot be started.
        """
        began = time.monotonic()
        folder = self._settings.folder / "disturbed"
        self._measure(folder, faults, datasets=2)
        with open_store(folder, recover_runs=False) as store:
            self._result.audit = audit(store, truth_in(folder))
            disturbed = disturbed_datasets(store)
        self._report(f"{len(disturbed)} datasets; now the same without faults ...")
        quiet = self._settings.folder / "undisturbed"
        self._measure(quiet, (), datasets=undisturbed_number(len(disturbed)))
        with open_store(quiet, recover_runs=False) as store:
            self._result.comparison = compare(disturbed, disturbed_datasets(store))
        self._result.wall_s = time.monotonic() - began
        return self._result

    def _measure(self, folder: Path, faults: Sequence[PlannedFault], datasets: int) -> None:
        folder.mkdir(parents=True)
        log = folder / LOG_NAME
        enough = folder / "enough"
        with (
            screen_of(self._settings.session) as screen,
            simulated_beamline(
                seed=self._settings.seed,
                speed=self._settings.speed,
                options=(*load_configuration().simulation_options, "--exposure-log", str(log)),
                restarts=0 if faults else UNDISTURBED_RESTARTS,
            ) as address_list,
        ):
            # Two parts, alike except for the faults: the disturbed one until all faults have struck, the quiet one
            # until it has the same number of datasets. Each has its own beamline with the same seed, so that ring and
            # gates are the same, and with another number of restarts, so that the noise is independent.
            measurement = ChildMeasurement(
                kind=self._settings.session,
                data=folder,
                address_list=address_list,
                enough=enough,
                datasets=datasets,
                screen=screen,
            )
            target = MeasuringChild(measurement, folder / "session.log")
            try:
                self._start(target)
                if faults:
                    channel_access.prepare(load_configuration(address_list=address_list).beamline.epics)
                    self._strike_all(target, FaultInjector("", self._settings.speed), faults)
                enough.touch()
                self._wait(target, lambda: target.exit_code is not None, "the end")
            finally:
                target.close()
                channel_access.silence()

    def _strike_all(self, target: MeasuringChild, injector: FaultInjector, faults: Sequence[PlannedFault]) -> None:
        self._wait(target, lambda: target.exposures > 0, "the start")
        for number, fault in enumerate(faults, start=1):
            time.sleep(fault.gap_s)
            # A fault is over when two more exposures have been reported: the first may have begun before it. A session
            # that hangs is found in this wait, and counted under the name of the fault.
            before = target.exposures
            struck = self._strike(target, injector, fault)
            counts = self._result.by_kind if struck else self._result.not_struck
            counts[fault.kind] += 1
            self._wait(target, lambda known=before: target.exposures > known + 1, fault.kind)  # type: ignore[misc]
            self._report(
                f"[{number}/{len(faults)}] {fault.kind} {fault.duration_s:.2f} s, {target.exposures} exposures"
            )

    def _strike(self, target: MeasuringChild, injector: FaultInjector, fault: PlannedFault) -> bool:
        if fault.kind != SESSION_KILL:
            return injector.strike(fault)
        target.kill()
        self._start(target)
        return True

    def _start(self, target: MeasuringChild) -> None:
        target.start()
        self._result.session_starts += 1

    def _is_hung(self, target: MeasuringChild) -> bool:
        """Return whether there was no exposure for too long; a starting session has more time."""
        longest_s = max(self._result.hang_after_s, 0.0 if target.has_measured else START_TIMEOUT_S)
        return target.silent_s > longest_s

    def _wait(self, target: MeasuringChild, until: Callable[[], bool], after: str) -> None:
        """Wait for `until`, or for a session that has measured all; look after the session meanwhile.

        Raises ChildError if the session cannot be started.
        """

        def look_after() -> None:
            # The session may have ended, as expected, since the condition was looked at.
            if target.exit_code not in (None, 0) and not until():
                self._restart(target, after)
            if self._is_hung(target):
                self._report(f"no exposure for {target.silent_s:.0f} s after {after}: hang")
                self._result.count_hang(after)
                target.kill()
                self._start(target)

        wait_until(lambda: until() or target.exit_code == 0, meanwhile=look_after)

    def _restart(self, target: MeasuringChild, after: str) -> None:
        self._report(f"the session ended with exit code {target.exit_code} after {after}")
        self._failed_starts.note_end("session", has_worked=target.has_measured, last_words=target.last_words())
        self._start(target)
