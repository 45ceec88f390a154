"""The run of a data folder as it is measured, for programs without a window."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from errors import InputError, ReductionError, TrxasError
from gui.live.news import FrameNews
from gui.live.request import Request
from gui.live.worker import LiveWorker
from reduction.kinds import RunReduction
from reduction.run_kind import CurveChoice
from reduction.types import MODES
from storage import list_runs
from storage.image_reading import read_image
from storage.table.cells import column_titles, texts, user_names
from storage.table.night_table import NightTable
from trxas.watch.question import Question
from trxas.watch.view import NightView, Reduced, WatchView, watch_view

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gui.live.feed import Feed
    from gui.live.frame import LiveFrame
    from gui.live.run_state import RunState
    from reduction.run_kind import Headline
    from storage import RunSummary, Store

LOG_LINES = 40
NIGHT_RUNS = 20
"""Lines of the log and runs of the night that a view holds."""

NIGHT_S = 5.0
"""Interval at which the table of the night is read again while a view of it is open, s."""

UNSEEN_S = 15.0
"""Nothing is computed once no view has been requested for this long, s."""

TICK_S = 0.2


@dataclass(frozen=True, kw_only=True)
class ReducedRequest(Request[Reduced]):
    """The curve, the headline and the result lines of a run of any kind, as a stored run would have them."""

    slow: ClassVar[bool] = True

    def compute(self, run: RunState) -> Reduced:
        """Return the reduction of the exposures so far; raises nothing for a run without results."""
        if run.start is None:
            return Reduced()
        began_s = time.thread_time()
        reduction = RunReduction(run.start, read_image)
        # The sums of the live run are those that a stored run would have: the same function makes results of them.
        if run.sums is not None:
            reduction.sums = run.sums
        curve = None
        problem = run.problem
        for mode in MODES:
            try:
                curve = reduction.live_curve(CurveChoice(mode=mode, was_by_two=run.declined(self)))
                run.decided[self] = not curve.two_gates_reason
                problem = run.problem
                break
            except (ReductionError, InputError) as error:
                problem = problem or str(error)
        results = reduction.results()
        lines = tuple(results.table().splitlines())
        headline = results.headline()
        cost_s = time.thread_time() - began_s
        return Reduced(curve=curve, headline=headline, lines=lines, problem=problem, cost_s=cost_s)


REQUEST = ReducedRequest()


class NightReader:
    """The table of the night of a store: the newest runs, from the journals alone."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._table = NightTable(store)

    def read(self) -> NightView:
        """Return the table of the newest 20 runs; a run that is not reduced yet is reduced, one with each call.

        Raises nothing: what cannot be read is the problem of the view.
        """
        try:
            runs = list_runs(self._store, limit=NIGHT_RUNS, journals_only=True)
            self._table.rows([run for run in runs if run.status != "running"], most=1)
            return self._view(runs)
        except TrxasError as error:
            return NightView(problem=str(error))

    def _view(self, runs: Sequence[RunSummary]) -> NightView:
        columns = self._table.columns()
        rows = self._table.rows(runs, compute=False)
        names = user_names(columns, rows)
        titles = column_titles(columns, rows)
        return NightView(titles=titles, rows=tuple(tuple(texts(row, columns, names)) for row in rows))


class Watcher:
    """Follows the runs of `feed` and puts together views; any thread may call its methods.

    `night` reads the table of the night, None for views without it. Reductions and the table are computed only while
    somebody asks for views.
    """

    # Two threads: that of the live worker takes documents, and one here follows its frames. The log must see every
    # frame, so it is written here and not when a view is asked for. `_reduced` is the latest answer of the run `_uid`;
    # a new run begins without one.

    def __init__(self, feed: Feed, night: NightReader | None = None) -> None:
        self._worker = LiveWorker(feed)
        self._night_reader = night
        self._night = NightView()
        self._night_at_s = -NIGHT_S
        self._news = FrameNews()
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._reduced: Reduced | None = None
        self._uid = ""
        self._asked_at_s = time.monotonic()
        self._question = Question(REQUEST)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="watcher", daemon=True)

    def start(self) -> None:
        """Start to follow the runs; raises RuntimeError when it was started before."""
        self._worker.start()
        self._thread.start()

    def stop(self) -> None:
        """End both threads; raises NotConnectedError if the feed does not close within 5 s."""
        self._stopping.set()
        self._thread.join(NIGHT_S)
        self._worker.stop()

    def headline(self) -> Headline | None:
        """Return the number of the present run with its error and unit, None while it has none."""
        self._asked_at_s = time.monotonic()
        frame = self._worker.frame
        known = frame.run is not None and frame.run.uid == self._uid and self._reduced is not None
        return self._reduced.headline if known and self._reduced is not None else None

    def view(self) -> WatchView:
        """Return what is known now; the first view may lack curve and table, which come within some s."""
        self._asked_at_s = time.monotonic()
        frame = self._worker.frame
        known = frame.run is not None and frame.run.uid == self._uid
        return watch_view(
            frame,
            self._reduced if known else None,
            log=tuple(self._log),
            night=self._night,
            now_s=time.monotonic(),
            time_s=time.time(),
            written=time.strftime("%H:%M:%S"),
        )

    def _follow(self) -> None:
        while not self._stopping.wait(TICK_S):
            frame = self._worker.frame
            self._log.extend(one.line() for one in self._news(frame))
            uid = frame.run.uid if frame.run else ""
            if uid != self._uid:
                self._begin(uid)
            now_s = time.monotonic()
            self._take_answer(frame)
            if now_s - self._asked_at_s < UNSEEN_S:
                self._ask(frame, now_s)
                self._read_night(now_s)

    def _begin(self, uid: str) -> None:
        """Forget the answer and the question of the run before; the first answer of a new one is due at once."""
        self._reduced = None
        self._uid = uid
        self._question.begin()
        self._worker.forget(self)

    def _ask(self, frame: LiveFrame, now_s: float) -> None:
        if self._question.ask(frame, now_s):
            self._worker.want(self, [REQUEST])

    def _take_answer(self, frame: LiveFrame) -> None:
        """Take the answer that was asked for, if it has come, and withdraw the question."""
        # The worker would compute it again with every exposure otherwise.
        answer = self._question.take(frame, time.monotonic())
        if answer is not None:
            self._reduced = answer.value if answer.value is not None else Reduced(problem=answer.problem)
            self._worker.forget(self)

    def _read_night(self, now_s: float) -> None:
        if self._night_reader is not None and now_s - self._night_at_s > NIGHT_S:
            self._night = self._night_reader.read()
            self._night_at_s = time.monotonic()
