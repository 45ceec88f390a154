"""The thread between documents and window: it collects documents, answers the requests of the panels, makes frames."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from errors import NotConnectedError, TrxasError
from gui.live.feed import Feed
from gui.live.frame import FeedState, LiveFrame, RunHeader
from gui.live.request import Answer, Request
from gui.live.run_state import FindDecay, RunState
from gui.live.slow_lane import Answered, SlowLane, answer
from reduction.scipy_parts import import_scipy_parts

logger = logging.getLogger(__name__)

FRAME_PERIOD_S = 0.03
"""Shortest interval between frames: the eye cannot follow more than 30 per second."""

BUDGET_S = 0.015
"""Time for quick requests per frame; those that are left over keep their older answer and come first next time."""


class LiveWorker:
    """Thread that keeps the state of the run and answers the requests of the panels. Any thread may call any method.

    `frame` is always the latest frame; reading it costs nothing. `published` is called in the thread of the worker when
    there is a new one, and must return at once.

    One thread owns the feed, the run state and all answers. Each turn takes the documents that have arrived and then,
    at most every `FRAME_PERIOD_S`, publishes a frame if anything has changed. Quick requests are answered in this
    thread within `BUDGET_S`, the oldest answer first; of the unhurried ones, one is answered after the frame. Slow ones
    go to one `SlowLane` per kind with a snapshot of the run, at most one batch at a time; their answers come back
    through a queue and are dropped if another run has started meanwhile. Invariants: a frame is never changed after it
    was published; `_versions` holds for each request the version of the run from which it was last answered (or, for a
    slow one, asked); all answers belong to one run.
    """

    def __init__(self, feed: Feed, find_decay: FindDecay = lambda _: None) -> None:
        self._find_decay = find_decay
        self.frame = LiveFrame(number=0, feed=feed.state)
        self.published: Callable[[], object] = lambda: None
        self._feed = feed
        self._next_feed: Feed | None = None
        self._lock = threading.Lock()
        self._wants: dict[object, frozenset[Request[Any]]] = {}
        self._wanted: frozenset[Request[Any]] = frozenset()
        self._run = RunState(find_decay)
        self._answers: dict[Request[Any], Answer[Any]] = {}
        self._versions: dict[Request[Any], int] = {}
        self._lanes: dict[type[Request[Any]], SlowLane] = {}
        self._slow_answers: queue.SimpleQueue[Answered] = queue.SimpleQueue()
        self._answered_late = False
        self._shown: tuple[Any, ...] = ()
        self._header: RunHeader | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="live worker", daemon=True)

    def start(self) -> None:
        """Start to take documents; raises RuntimeError when it was started before."""
        import_scipy_parts()
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End the thread and close the feed. Raises NotConnectedError if the feed does not close within `timeout_s`."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
            if self._thread.is_alive():
                raise NotConnectedError([self._feed.state.source], timeout_s)

    def want(self, owner: object, requests: Collection[Request[Any]]) -> None:
        """Answer `requests` for `owner`, in place of its earlier requests.

        The first answers come with the next frame, within 30 ms; those of slow requests when they are computed. An
        error that a request raises becomes the problem of its answer.
        """
        with self._lock:
            self._wants[owner] = frozenset(requests)
            self._wanted = frozenset().union(*self._wants.values())

    def forget(self, owner: object) -> None:
        """Stop answering requests of `owner`."""
        with self._lock:
            self._wants.pop(owner, None)
            self._wanted = frozenset().union(*self._wants.values())

    def use(self, feed: Feed) -> None:
        """Take documents from another source, and forget the run of the previous one; takes effect within 30 ms."""
        with self._lock:
            self._next_feed = feed

    def _work(self) -> None:
        self._feed.open()
        due = time.monotonic()
        try:
            while not self._stopping.is_set():
                self._switch_feed()
                # A turn waits in `take` for documents, but not longer than until the next frame is due. So a document
                # that arrives alone is shown at once, and a stream of documents gives a frame every period, however
                # fast it is. The period begins with the turn: what is computed in it must not add to it. Answers that
                # take longer make it longer, so that half of a core is left for drawing; by processor time, since on a
                # busy machine a turn that had to wait for its core must not wait once more.
                waiting_s = due - time.monotonic()
                for name, doc in self._feed.take(waiting_s if waiting_s > 0 else FRAME_PERIOD_S):
                    self._take(name, doc)
                began = time.monotonic()
                used_s = -time.thread_time()
                if began >= due and self._publish():
                    used_s += time.thread_time()
                    due = max(began + FRAME_PERIOD_S, time.monotonic() + used_s)
                    self.published()
                    self._answer_unhurried()
        finally:
            self._feed.close()
            for lane in self._lanes.values():
                lane.end()

    def _switch_feed(self) -> None:
        with self._lock:
            # The feed is changed in this thread alone, between two turns: `use`, which any thread may call, only leaves
            # it in `_next_feed`. The new run state has no series and no answers, so that nothing of the old source is
            # shown under the new name.
            feed = self._next_feed
            self._next_feed = None
        if feed is not None:
            self._feed.close()
            self._feed = feed
            self._run = RunState(self._find_decay)
            self._begin()
            feed.open()

    def _take(self, name: str, doc: Mapping[str, Any]) -> None:
        try:
            self._run(name, doc)
        except (LookupError, TypeError, ValueError, AttributeError, TrxasError):
            # A malformed document must not end the display of those that follow.
            logger.exception("A %s document cannot be shown.", name)
        if name == "start":
            self._begin()

    def _begin(self) -> None:
        """Forget the answers of the previous run."""
        self._answers = {}
        self._versions = {}
        self._header = None if self._run.start is None else _header(self._run.start)

    def _publish(self) -> bool:
        """Make a frame if anything has changed; return whether it did."""
        wanted = self._wanted
        # Slow answers first: a frame is then made with all that is known. Quick requests next, within the budget. New
        # slow requests last, from a snapshot that includes the documents of this turn. A frame is published only if one
        # of these, the state of the run, that of the source, or the wanted requests have changed; an idle window
        # computes nothing.
        arrived = self._collect_slow(wanted) or self._answered_late
        computed = self._answer_quick(wanted)
        self._ask_slow(wanted)
        feed = self._feed_state()
        # The identity of the run too: after a switch of the source, its version may be the same.
        shown = (id(self._run), self._run.version, feed, wanted)
        if not arrived and not computed and shown == self._shown:
            return False
        self._shown = shown
        self._answered_late = False
        self._answers = {request: known for request, known in self._answers.items() if request in wanted}
        self._versions = {request: version for request, version in self._versions.items() if request in wanted}
        run = self._run
        self.frame = LiveFrame(
            number=self.frame.number + 1,
            feed=feed,
            run=self._header,
            events=run.events,
            rejected=run.rejected,
            rejections=run.rejections,
            suspension=run.suspension,
            left_out=run.left_out,
            exit_status=run.exit_status,
            ended_s=run.ended_s,
            latest=run.latest,
            answers=dict(self._answers),
        )
        return True

    def _feed_state(self) -> FeedState:
        state = self._feed.state
        if self._run.problem and not state.remark:
            return replace(state, remark=self._run.problem)
        return state

    def _pending(self, wanted: Collection[Request[Any]], *, slow: bool, unhurried: bool = False) -> list[Request[Any]]:
        """Return the requests whose answer is older than the state of the run, the oldest answer first."""
        if self._run.start is None:
            return []
        version = self._run.version
        asked = [one for one in wanted if (one.slow, one.unhurried) == (slow, unhurried)]
        pending = [request for request in asked if self._versions.get(request, -1) < version]
        return sorted(pending, key=lambda request: self._versions.get(request, -1))

    def _answer_quick(self, wanted: Collection[Request[Any]]) -> bool:
        pending = self._pending(wanted, slow=False)
        began = time.monotonic()
        for request in pending:
            self._answers[request] = answer(request, self._run)
            self._versions[request] = self._run.version
            if time.monotonic() - began > BUDGET_S:
                break
        return bool(pending)

    def _answer_unhurried(self) -> None:
        """Answer the unhurried request with the oldest answer, for the next frame."""
        for request in self._pending(self._wanted, slow=False, unhurried=True)[:1]:
            self._answers[request] = answer(request, self._run)
            self._versions[request] = self._run.version
            self._answered_late = True

    def _ask_slow(self, wanted: Collection[Request[Any]]) -> None:
        pending: dict[type[Request[Any]], list[Request[Any]]] = {}
        for request in self._pending(wanted, slow=True):
            pending.setdefault(type(request), []).append(request)
        snapshot: RunState | None = None
        for kind, requests in pending.items():
            if kind not in self._lanes:
                self._lanes[kind] = SlowLane(kind.__name__, self._slow_answers)
            # The version is noted when a request is asked, not when it is answered: what arrives meanwhile makes it
            # pending again, and the lane is asked again as soon as it is idle. One snapshot serves all lanes of this
            # turn.
            if self._lanes[kind].idle:
                snapshot = snapshot or self._run.snapshot()
                self._versions |= dict.fromkeys(requests, snapshot.version)
                self._lanes[kind].ask(snapshot, requests)

    def _collect_slow(self, wanted: Collection[Request[Any]]) -> bool:
        arrived = False
        while True:
            try:
                state, request, result = self._slow_answers.get_nowait()
            except queue.Empty:
                return arrived
            # An answer may come late: its panel may be hidden by now, or another run may have begun. Runs are compared
            # by identity of their start document, because a replay can show the same run twice, and the second time
            # begins without points.
            if request in wanted and state.start is self._run.start:
                self._answers[request] = result
                arrived = True


def _header(start: Mapping[str, Any]) -> RunHeader:
    return RunHeader(
        uid=str(start["uid"]),
        scan_id=start.get("scan_id"),
        plan_name=str(start.get("plan_name", "")),
        sample=str(start.get("sample", "")),
        edge=str(start.get("edge", "")),
        series=str(start.get("series", "")),
        time_s=float(start.get("time", 0.0)),
        exposures=None if start.get("until") else start.get("num_points"),
        start=start,
    )
