"""Answer of a session to a run that asks where to count next, from the counts so far."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any

import bluesky.preprocessors as bpp
from bluesky.utils import Msg

from plans.engine.until import QUESTION, NextPass
from reduction.accumulator import RunAccumulator
from reduction.types import Documents

if TYPE_CHECKING:
    from reduction.xas.count_until import Judge

logger = logging.getLogger("trxas.session")


class CountJudge:
    """Sums the counts of a run that counts until its result is good enough, and decides between its passes.

    Every document has to reach it before the next message of the plan; it raises nothing. `load` gives the documents
    of an earlier run, which a run that resumes it continues. A pass that cannot be reduced leads to another pass over
    all points.
    """

    def __init__(self, load: Callable[[str], Documents], say: Callable[[str], object] = print) -> None:
        self._load = load
        self._say = say
        self._sums: RunAccumulator | None = None
        self._judge: Judge | None = None

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Take one document of any run."""
        try:
            if name == "start":
                self._begin(doc)
            elif self._sums is not None:
                self._sums(name, doc)
        except Exception as error:  # noqa: BLE001  # a run that counts well must not end because of its judge
            logger.warning("A %s document does not count for the end of its run: %s", name, error)

    def _begin(self, start: Mapping[str, Any]) -> None:
        self._sums = None
        self._judge = None
        if not start.get("until"):
            return
        # Imported here, as few runs need it, and it takes long.
        from reduction.xas.count_until import judge_of

        judge = judge_of(start["until"], float(start["dwell_s"]))
        sums = RunAccumulator()
        sums("start", start)
        if "resumes" in start:
            # Events of the earlier runs: descriptors have uids of their own, so they do not mix with those to come.
            for name, doc in self._load(str(start["resumes"])):
                if name not in ("start", "stop"):
                    sums(name, doc)
        self._judge = judge
        self._sums = sums

    def answering(self, plan: Generator[Msg, Any, Any]) -> Generator[Msg, Any, Any]:
        """Run `plan` and give its questions this judge."""

        def heard(message: Msg) -> Msg:
            if message.command == "null" and QUESTION in message.kwargs and self._judge is not None:
                message.kwargs[QUESTION].judge = self.decide
            return message

        return (yield from bpp.msg_mutator(plan, heard))

    def decide(self) -> NextPass | None:
        """Return the points of the next pass, none once the result is reached; None for all of them."""
        if self._judge is None or self._sums is None:
            return None
        try:
            found = self._judge.decide(self._sums)
        except Exception as error:  # noqa: BLE001  # as above: without a decision all points are measured
            self._say(f"another pass over all points: {error}")
            return None
        self._say(found.text)
        return NextPass(points=found.points)
