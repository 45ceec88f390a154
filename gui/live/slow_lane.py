"""Questions that take long, answered beside the others: fits and images."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Sequence
from typing import Any

from errors import ReductionError
from gui.live.request import Answer, Request
from gui.live.run_state import RunState

logger = logging.getLogger(__name__)

Answered = tuple[RunState, Request[Any], Answer[Any]]


def answer(request: Request[Any], run: RunState) -> Answer[Any]:
    """Compute an answer; a failure becomes its problem in words."""
    try:
        return Answer(value=request.compute(run), problem="", events=run.events)
    except ReductionError as error:
        return Answer(value=None, problem=str(error), events=run.events)
    except Exception as error:  # a mistake in one question must not end the display of all others
        logger.exception("%s could not be answered.", request)
        return Answer(
            value=None, problem=f"Internal error, see the log: {type(error).__name__}: {error}", events=run.events
        )


class SlowLane:
    """A thread that answers one kind of slow question.

    Answers go to `done` as (state, request, answer). After an answer it rests for as long as that took, so that fits
    during a run leave half a core to everything else.
    """

    def __init__(self, name: str, done: queue.SimpleQueue[Answered]) -> None:
        self._done = done
        self._work: queue.SimpleQueue[tuple[RunState, Sequence[Request[Any]]] | None] = queue.SimpleQueue()
        self._open = 0
        self._rested_at = 0.0
        # A daemon: a fit under way must not keep the window from closing.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def idle(self) -> bool:
        """Whether everything that was asked has been answered, and the rest after it is over."""
        return self._open == 0 and time.monotonic() >= self._rested_at

    def ask(self, run: RunState, requests: Sequence[Request[Any]]) -> None:
        """Answer `requests` from a snapshot; only when `idle`."""
        self._open = len(requests)
        self._work.put((run, requests))

    def end(self) -> None:
        """Let the thread end after what it is doing."""
        self._work.put(None)

    def _run(self) -> None:
        while (item := self._work.get()) is not None:
            run, requests = item
            began = time.monotonic()
            for request in requests:
                self._done.put((run, request, answer(request, run)))
            ended = time.monotonic()
            self._rested_at = 2.0 * ended - began
            self._open = 0
