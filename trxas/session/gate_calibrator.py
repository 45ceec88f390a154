"""Zeros and gains of the gates, applied when a run of dark or blocked exposures has ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
from bluesky.utils import Msg

from devices.beamline import Beamline
from errors import InputError, ReductionError, StorageError
from reduction.gate_calibration import GateCalibration
from reduction.kinds import reduce_run
from reduction.xas.gate_drift import gate_drift
from reduction.xas.gate_exposures import BLOCKED_PLAN, DARK_PLAN
from reduction.xas.gate_kinds import GateResults
from trxas.session.calibrations import Plan

Documents = Sequence[tuple[str, Mapping[str, Any]]]


class GateCalibrator:
    """A recorder and preprocessor that configures `beamline.gates` after each complete run that measures them.

    `load` returns the documents of a run by its uid, including those of the runs that it resumes.
    """

    def __init__(
        self, beamline: Beamline, load: Callable[[str], Documents], say: Callable[[str], object] = print
    ) -> None:
        self._beamline = beamline
        self._load = load
        self._say = say
        self._open = ""
        self._complete = ""

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Note which run has ended successfully; raises nothing."""
        if name == "start":
            self._open = str(doc["uid"]) if doc.get("plan_name") in (DARK_PLAN, BLOCKED_PLAN) else ""
        elif name == "stop" and doc["run_start"] == self._open:
            self._complete = self._open if doc["exit_status"] == "success" else ""
            self._open = ""

    def applying(self, plan: Plan) -> Plan:
        """Run `plan`, and apply the gate calibration of each of its runs before its next message.

        Nothing is raised: a run that cannot be reduced leaves the calibration as it was, and the reason is printed.
        """

        # Documents of a run are complete once `close_run` is done; the configure message that follows is the one that
        # saves the calibration, as for every other.
        def after_run(msg: Msg) -> tuple[None, Plan | None]:
            return None, self._apply() if msg.command == "close_run" else None

        return (yield from bpp.plan_mutator(plan, after_run))

    def _apply(self) -> Plan:
        uid = self._complete
        self._complete = ""
        if not uid:
            return
        try:
            results = reduce_run(self._load(uid))
        except (InputError, ReductionError, StorageError) as error:
            self._say(f"The gates keep their calibration: {error}")
            return
        self._say(results.table())
        if isinstance(results, GateResults):
            before = GateCalibration.from_document(self._beamline.gates.calibration)
            for drift in gate_drift(before, results.calibration):
                self._say(drift.text)
            yield from bps.configure(self._beamline.gates, {"calibration": results.document})
