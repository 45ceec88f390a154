"""Chaos runs with several kinds of sessions, one after the other."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

from trxas.validation.robustness.chaos import Chaos
from trxas.validation.robustness.chaos_result import ChaosResult
from trxas.validation.robustness.fault_schedule import PlannedFault
from trxas.validation.robustness.session_kind import SessionKind
from trxas.validation.robustness.settings import RobustnessSettings
from trxas.validation.types import Report


def chaos_of_sessions(
    sessions: Sequence[SessionKind], faults: Sequence[PlannedFault], settings: RobustnessSettings, *, report: Report
) -> dict[SessionKind, ChaosResult]:
    """Let the same `faults` strike sessions of each kind in turn; return the results.

    With several kinds, each has its own folder under that of the settings. `report` is a function of a module.
    Raises ChildError if a session cannot be started.
    """
    # A single session stays in this process, so that an interruption reaches it and its output is not delayed.
    if len(sessions) == 1:
        (session,) = sessions
        return {session: _run(session, faults, settings, report)}
    results = {}
    for session in sessions:
        report(f"session: {session}")
        of_session = replace(settings, folder=settings.folder / session)
        # Channel Access reads the address of the beamline once per process, and each run has its own beamline.
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
            results[session] = process.submit(_run, session, faults, of_session, report).result()
    return results


def _run(
    session: SessionKind, faults: Sequence[PlannedFault], settings: RobustnessSettings, report: Report
) -> ChaosResult:
    return Chaos(replace(settings, session=session), report=report).run(faults)
