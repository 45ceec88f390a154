"""A RunEngine whose plan others may pause: its call then waits for them, where bluesky's would end at the prompt."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from enum import Enum
from typing import Any

from bluesky import RunEngine
from bluesky.utils import Msg, RunEngineInterrupted

from errors import TrxasError
from trxas.session.dispatcher import SessionDispatcher
from trxas.session.plan_wait import QuietWait
from trxas.session.subscriber import Callback, GuardedHook

_LOOK_S = 0.2
"""A Ctrl-C that another thread was given is noticed between two looks only."""


class Answer(Enum):
    """What becomes of a plan that waits; the value is the word for it."""

    RESUME = "resumed"
    STOP = "stopped"
    ABORT = "aborted"


class _Attention(Enum):
    """Who decides about a paused plan."""

    PROMPT = "the one at the prompt"
    ASKED = "a window, as soon as the plan has paused"
    WINDOW = "a window"
    ANSWERED = "nobody any more: it goes on or ends"


class EndedFromWindowError(TrxasError):
    """Someone at a window has ended the plan; whoever called it must not go on as if it were complete."""


class NotWaitingError(TrxasError):
    """No plan waits for an answer from a window."""


class AttendedEngine(RunEngine):
    """A RunEngine for a prompt or a script, with `pause` and `answer` for a thread that speaks for the windows.

    A plan can be resumed only in the thread that called it. So after a pause that was asked for with `pause`, that call
    does not end with RunEngineInterrupted: it says that it waits, and does what `answer` says. Ctrl-C there ends the
    waiting as at any other pause: RunEngineInterrupted, and the prompt. Pauses by Ctrl-C are bluesky's own.

    Those who subscribe to it watch only: they run on threads of their own, and no error of theirs ends a plan. A call
    returns when they have had its documents, at the latest after `PATIENCE_S`. What must be able to end a plan is
    registered with `record_with`.
    """

    msg_hook = GuardedHook()
    state_hook = GuardedHook()
    waiting_hook = GuardedHook()

    def __init__(self, *args: Any, say: Callable[[str], object] = print, **kwargs: Any) -> None:
        self._say = say
        self._answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._attention, self._attention_lock = _Attention.PROMPT, threading.Lock()
        self.calls, self.plan_name = 0, ""
        kwargs.setdefault("during_task", QuietWait())
        super().__init__(*args, **kwargs)
        self.dispatcher: SessionDispatcher = SessionDispatcher()
        # Names of bluesky's for the same, bound to the dispatcher that was made before this one.
        self.subscribe_lossless = self._subscribe_lossless = self.dispatcher.subscribe
        self.unsubscribe_lossless = self._unsubscribe_lossless = self.dispatcher.unsubscribe
        # Around bluesky's own, which takes Ctrl-C for a request to pause: whoever waits for a slow display may leave.
        self.context_managers = [self.dispatcher.shown, *self.context_managers]

    def record_with(self, recorder: Callback) -> None:
        """Let `recorder` have every document at once, before all subscribers; its errors end the plan."""
        self.dispatcher.record_with(recorder)

    def subscribe(self, func: Callback, name: str = "all") -> int:
        """As bluesky's, for a callback that only watches; see `SessionDispatcher.subscribe`."""
        return self.dispatcher.subscribe(func, name)

    async def _unsubscribe(self, msg: Msg) -> None:
        # A plan that takes back a subscription goes on to use what the callback has found, as a peak's position.
        token = msg.kwargs.get("token", msg.args[0] if msg.args else None)
        await self.loop.run_in_executor(None, self.dispatcher.wait, token)
        await super()._unsubscribe(msg)  # type: ignore[no-untyped-call]  # bluesky's

    @property
    def at_prompt(self) -> bool:
        """Whether a plan is paused and only the session itself can go on with it."""
        return str(self.state) == "paused" and self._attention is _Attention.PROMPT

    @property
    def public_state(self) -> str:
        """The engine's state for those who may answer: "paused" only when somebody can say how it goes on."""
        on_its_way = {_Attention.ASKED: "pausing", _Attention.ANSWERED: "running"}
        state = str(self.state)
        return on_its_way.get(self._attention, state) if state == "paused" else state

    def pause(self, *, at_next_point: bool) -> None:
        """Ask a running plan to pause; to be called in another thread than the plan's.

        Raises bluesky's TransitionError if no plan runs.
        """
        # Held for all of it: a second request, which fails, must not undo what the first has brought about meanwhile.
        with self._attention_lock:
            before, self._attention = self._attention, _Attention.ASKED
            try:
                RunEngine.request_pause(self, defer=at_next_point)
            except BaseException:
                self._attention = before
                raise

    def answer(self, answer: Answer) -> None:
        """Say what becomes of the plan that waits. Raises NotWaitingError if none does."""
        if self._attention is not _Attention.WINDOW:
            raise NotWaitingError("No plan waits for a window. Look at the terminal of the session.")
        self._attention = _Attention.ANSWERED
        self._answers.put(answer)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """As bluesky's; raises EndedFromWindowError if the plan was ended from a window."""
        self._attention = _Attention.PROMPT
        self.calls += 1
        self.plan_name = str(getattr(args[0], "__name__", "plan")) if args else ""
        return self._attended(lambda: super(AttendedEngine, self).__call__(*args, **kwargs))

    def resume(self) -> Any:
        """As bluesky's; raises EndedFromWindowError if the plan was ended from a window."""
        return self._attended(super().resume)

    def _attended(self, go: Callable[[], Any]) -> Any:
        while True:
            try:
                return go()
            except RunEngineInterrupted:
                if self._attention is not _Attention.ASKED or str(self.state) != "paused":
                    self._attention = _Attention.PROMPT
                    raise
            answer = self._await_answer()
            self._say(f"{answer.value.capitalize()} from a window at {time.strftime('%H:%M:%S')}.")
            if answer is not Answer.RESUME:
                self._end(answer)
            go = super().resume

    def _await_answer(self) -> Answer:
        began_s = time.monotonic()
        try:
            self._say(
                f"\nPaused from a window at {time.strftime('%H:%M:%S')}. It goes on, or ends, when someone says so "
                "there. Ctrl-C brings the prompt."
            )
            with self._attention_lock:
                self._answers = queue.SimpleQueue()
                self._attention = _Attention.WINDOW
            minutes = 0
            while True:
                try:
                    return self._answers.get(timeout=_LOOK_S)
                except queue.Empty:
                    if time.monotonic() - began_s >= 60.0 * (minutes + 1):
                        minutes += 1
                        self._say(f"Paused from a window for {minutes} min.")
        except KeyboardInterrupt:
            self._attention = _Attention.PROMPT
            raise RunEngineInterrupted(self.pause_msg) from None

    def _end(self, answer: Answer) -> None:
        if answer is Answer.STOP:
            RunEngine.stop(self)
        else:
            RunEngine.abort(self, "aborted from a window")
        raise EndedFromWindowError(
            f"The plan was {answer.value} from a window. What it had measured is stored; `resume_run()` measures the "
            "rest of a scan."
        )
