"""If this fails, one immediate failure of a detector makes all later attempts fail too, and the run ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from typing import Any

from bluesky import RunEngine
from bluesky.utils import FailedStatus, Msg
from ophyd.status import Status

from plans.engine.wait import send_and_wait
from tests.support.waiting import WAIT_S


class FailedAtOnce:
    """A status that failed before anything waits for it: it calls back in the thread that registers."""

    done, success = True, False

    def add_callback(self, callback: Callable[[Any], None]) -> None:
        callback(self)

    def exception(self, timeout: float | None = None) -> Exception:
        return RuntimeError("no trigger")


class Detector:
    """A device that fails the first time, and takes a while the second time."""

    name, parent = "detector", None

    def __init__(self) -> None:
        self.triggered = 0

    def trigger(self) -> Any:
        self.triggered += 1
        if self.triggered == 1:
            return FailedAtOnce()
        status = Status(timeout=WAIT_S)
        threading.Timer(0.1, status.set_finished).start()
        return status


def test_the_second_attempt_waits_for_its_own_status_alone() -> None:
    detector, failures = Detector(), []

    def twice() -> Generator[Msg, Any, None]:
        try:
            yield from send_and_wait("trigger", detector)
        except FailedStatus as error:
            failures.append(error)
        yield from send_and_wait("trigger", detector)

    RunEngine({})(twice())
    assert (len(failures), detector.triggered) == (1, 2)
