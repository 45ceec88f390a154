"""Threads that answer slow requests, such as fits and images, beside the quick ones."""

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
    """Return the answer to `request`. Never raises: an error becomes the `problem` of the answer."""
    try:
        return Answer(value=request.compute(run), problem="", events=run.events)
    except ReductionError as error:
        return Answer(value=None, problem=str(error), events=run.events)
    except Exception as error:  # a defect in one request must not end the display of all others
        logger.exception("%s failed.", request)
        return Answer(
            value=None, problem=f"Internal error (see the terminal): {type(error).__name__}: {error}", events=run.events
        )


class SlowLane:
    """A thread that answers one kind of slow request.

    Answers go to `done` as (state, request, answer). After each batch the lane rests for as long as the batch took, so
    that fits during a run leave half a core free, and for at least the longest `rest_s` of its requests.
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
        """Whether all requests have been answered, and the pause after them, s, is over."""
        return self._open == 0 and time.monotonic() >= self._rested_at

    def ask(self, run: RunState, requests: Sequence[Request[Any]]) -> None:
        """Answer `requests` from the snapshot `run`. Call it only while `idle`.

        Answers come through the queue `done`; an error that a request raises becomes the problem of its answer.
        """
        self._open = len(requests)
        self._work.put((run, requests))

    def end(self) -> None:
        """End the thread after its current batch."""
        self._work.put(None)

    def _run(self) -> None:
        # States: idle (no open request, rest over), busy (the thread computes), resting. `_open` and `_rested_at` are
        # written by one thread at a time: `ask` is called only while idle, and the thread writes them only while busy.
        # `_open` becomes 0 last, when the end of the rest is known; in the other order the lane would seem idle in
        # between.
        while (item := self._work.get()) is not None:
            run, requests = item
            began = time.monotonic()
            for request in requests:
                self._done.put((run, request, answer(request, run)))
            ended = time.monotonic()
            self._rested_at = ended + max(ended - began, *(request.rest_s for request in requests))
            self._open = 0
