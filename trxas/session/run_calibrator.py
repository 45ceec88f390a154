"""Base of what a session calibrates by itself when a calibration run has ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import bluesky.preprocessors as bpp
from bluesky.utils import Msg

from errors import InputError, ReductionError, StorageError
from plans.types import AnyPlan
from reduction.kinds import reduce_run
from reduction.run_kind import RunResults
from reduction.types import Documents


class RunCalibrator:
    """A recorder and preprocessor that configures devices after each complete run of the plans `of_plans`.

    `load` returns the documents of a run by its uid, including those of the runs that it resumes. A derived class has
    `apply`.
    """

    of_plans: frozenset[str] = frozenset()
    unchanged = "The calibration stays as it was"
    """Beginning of the line about a run that cannot be reduced."""

    def __init__(self, load: Callable[[str], Documents], say: Callable[[str], object] = print) -> None:
        self._load = load
        self._say = say
        self._open = ""
        self._complete = ""

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Note which run has ended successfully; raises nothing."""
        if name == "start":
            self._open = str(doc["uid"]) if doc.get("plan_name") in self.of_plans else ""
        elif name == "stop" and doc["run_start"] == self._open:
            self._complete = self._open if doc["exit_status"] == "success" else ""
            self._open = ""

    def applying(self, plan: AnyPlan) -> AnyPlan:
        """Run `plan`, and apply the calibration of each of its runs before its next message.

        Nothing is raised: a run that cannot be reduced leaves the calibration as it was, and the reason is printed.
        """

        # Documents of a run are complete once `close_run` is done; the configure message that follows is the one that
        # saves the calibration, as for every other. A plan that uses the calibration later finds it at the device.
        def after_run(msg: Msg) -> tuple[None, AnyPlan | None]:
            return None, self._apply() if msg.command == "close_run" else None

        return (yield from bpp.plan_mutator(plan, after_run))

    def _apply(self) -> AnyPlan:
        uid = self._complete
        self._complete = ""
        if not uid:
            return
        try:
            results = reduce_run(self._load(uid))
        except (InputError, ReductionError, StorageError) as error:
            self._say(f"{self.unchanged}: {error}")
            return
        yield from self.apply(uid, results)

    def apply(self, uid: str, results: RunResults) -> AnyPlan:
        """Configure devices by the results of the run `uid`.

        Raises NotImplementedError unless a subclass overrides it.
        """
        raise NotImplementedError
