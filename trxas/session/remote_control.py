"""A RunEngine whose plan windows may pause, resume and end.

A plan can be resumed only on the thread that called it. With bluesky's RunEngine a pause ends that call with
RunEngineInterrupted, and a script ends with it. Here a call whose pause a window asked for waits for the window's
answer instead, on the thread of the call, and then resumes or ends the plan there.

States of a paused or pausing plan, by who decides what happens to it (`_Decider`), and what changes them:

- PROMPT: the person at the prompt. At the start of every call, after Ctrl-C, after a pause by the plan itself.
- ASKED: a window has asked for a pause, the plan has not stopped yet (`pause`, on the window's thread).
- WINDOW: the plan has paused, and its call waits for `answer` (set on the thread of the call).
- ANSWERED: a window has answered; the call is about to resume or to end the plan (`answer`, on the window's thread).

Invariants: an answer is accepted in WINDOW only, so each pause gets one; Ctrl-C leads to PROMPT from any state, so that
nobody at the prompt is locked out; a request to pause that fails leaves the state as it was.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from bluesky import RunEngine
from bluesky.utils import Msg, RunEngineInterrupted

from errors import InputError, TrxasError
from processes.refused_import import import_refused
from processes.waiting import wait_until
from trxas.session.dispatcher import SessionDispatcher
from trxas.session.plan_wait import QuietWait
from trxas.session.run_uids import RunUids
from trxas.session.subscriber import Callback, GuardedHook
from trxas.session.time_use import TimeUse

_POLL_S = 0.2
"""A Ctrl-C that arrived in another thread is noticed between two polls only."""

RESUMING_S = 2.0
"""Longest wait of a request to pause for a plan that is being resumed, s: a window waits 3 s for the answer."""

_REMINDER_S = 60.0
"""Time between two reminders that the plan is paused."""


class PauseAnswer(Enum):
    """Decision on a paused plan; the value is the word for it."""

    RESUME = "resumed"
    STOP = "stopped"
    ABORT = "aborted"


class _Decider(Enum):
    """Who decides how a paused plan continues: the prompt or a window, as the docstring of this module describes."""

    PROMPT = "the person at the prompt"
    ASKED = "a window, once the plan has paused"
    WINDOW = "a window"
    ANSWERED = "nobody: the plan is about to resume or to end"


class EndedFromWindowError(TrxasError):
    """A window has ended the plan; the script that called it must not continue as if the plan were complete."""


class NotWaitingError(TrxasError):
    """No plan waits for an answer from a window."""


class RemotelyPausableEngine(RunEngine):
    """A RunEngine for a prompt or a script, with `pause` and `answer` for the thread that listens to windows.

    Subscribers only watch: they run on their own threads, and their errors end no plan. A call returns when they have
    received its documents, at the latest after `PATIENCE_S`. Callbacks that must be able to end a plan are registered
    with `record_with`. `before_plan` is called at the beginning of each call.
    """

    msg_hook = GuardedHook()
    state_hook = GuardedHook()
    waiting_hook = GuardedHook()

    def __init__(
        self, *args: Any, say: Callable[[str], object] = print, call_returns_result: bool = False, **kwargs: Any
    ) -> None:
        self._say = say
        self._answers: queue.SimpleQueue[PauseAnswer] = queue.SimpleQueue()
        self._decider = _Decider.PROMPT
        self._decider_lock = threading.Lock()
        self.calls = 0
        self.before_plan: Callable[[], object] = lambda: None
        self.plan_name = ""
        kwargs.setdefault("during_task", QuietWait())
        # bluesky imports ophyd-async only to state its version, which takes an eighth of the start of a session.
        with import_refused("ophyd_async"):
            # Always with the result of the plan, of which `RunUids` shows what people need.
            super().__init__(*args, call_returns_result=True, **kwargs)
        with contextlib.suppress(PackageNotFoundError):
            self.md["versions"].setdefault("ophyd_async", version("ophyd-async"))
        self._gives_result = call_returns_result
        self.time_use = TimeUse()
        self._command_registry = {
            name: self.time_use.watch(name, command) for name, command in self._command_registry.items()
        }
        self.dispatcher: SessionDispatcher = SessionDispatcher()
        # Names of bluesky's for the same, bound to the dispatcher that was made before this one.
        self.subscribe_lossless = self._subscribe_lossless = self.dispatcher.subscribe
        self.unsubscribe_lossless = self._unsubscribe_lossless = self.dispatcher.unsubscribe
        # Outside bluesky's own, which take Ctrl-C for a request to pause: it ends the wait for a slow display.
        self.context_managers = [self.dispatcher.shown, *self.context_managers]

    def record_with(self, recorder: Callback) -> None:
        """Pass every document to `recorder` at once, before all subscribers; an error in it ends the plan."""
        self.dispatcher.record_with(recorder)

    def subscribe(self, func: Callback, name: str = "all") -> int:
        """Subscribe a callback that only watches, as bluesky does; see `SessionDispatcher.subscribe`."""
        return self.dispatcher.subscribe(func, name)

    async def _unsubscribe(self, msg: Msg) -> None:
        # A plan that unsubscribes a callback then uses its result, for instance the position of a peak.
        token = msg.kwargs.get("token", msg.args[0] if msg.args else None)
        await self.loop.run_in_executor(None, self.dispatcher.wait, token)
        await super()._unsubscribe(msg)  # type: ignore[no-untyped-call]  # bluesky's

    @property
    def at_prompt(self) -> bool:
        """Whether a plan is paused and only the prompt of the session can resume or end it."""
        return str(self.state) == "paused" and self._decider is _Decider.PROMPT

    @property
    def public_state(self) -> str:
        """State of the engine as windows see it: "paused" only while an answer is possible, at the prompt or here."""
        on_its_way = {_Decider.ASKED: "pausing", _Decider.ANSWERED: "running"}
        state = str(self.state)
        return on_its_way.get(self._decider, state) if state == "paused" else state

    def pause(self, *, at_next_point: bool) -> None:
        """Ask a running plan to pause, at once or at its next point; call it on another thread than the plan's.

        Raises bluesky's TransitionError if no plan runs.
        """
        # A plan that has been resumed is paused until shutters and axes are back, while windows show it as running.
        if self._decider is _Decider.ANSWERED:
            wait_until(lambda: str(self.state) != "paused", timeout_s=RESUMING_S)
        # Held throughout: a second request, which fails, must not undo what the first has caused meanwhile.
        with self._decider_lock:
            before = self._decider
            self._decider = _Decider.ASKED
            try:
                RunEngine.request_pause(self, defer=at_next_point)
            except BaseException:
                self._decider = before
                raise

    def answer(self, answer: PauseAnswer) -> None:
        """Resume or end the plan that waits; raises NotWaitingError if none does."""
        if self._decider is not _Decider.WINDOW:
            raise NotWaitingError("No plan waits for an answer from a window. Look at the terminal of the session.")
        self._decider = _Decider.ANSWERED
        self._answers.put(answer)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run a plan and return `RunUids`; raises EndedFromWindowError if a window ended it.

        Raises InputError for what is not a plan.
        """
        if args:
            check_is_plan(args[0])
        self.before_plan()
        self._decider = _Decider.PROMPT
        self.calls += 1
        self.plan_name = str(getattr(args[0], "__name__", "plan")) if args else ""
        return self._run_until_decided(lambda: super(RemotelyPausableEngine, self).__call__(*args, **kwargs))

    def resume(self) -> Any:
        """Resume a plan and return `RunUids`; raises EndedFromWindowError if a window ended it."""
        return self._run_until_decided(super().resume)

    def _run_until_decided(self, go: Callable[[], Any]) -> Any:
        """Call `go`, which runs or resumes the plan, and again after each pause that a window asked for and resumed."""
        while True:
            try:
                result = go()
                return result if self._gives_result else RunUids.of(result)
            except RunEngineInterrupted:
                if self._decider is not _Decider.ASKED or str(self.state) != "paused":
                    self._decider = _Decider.PROMPT
                    raise
            # The window has asked for the pause and the plan has stopped: the call waits for the answer on its own
            # thread, where alone the plan can be resumed. A loop, because the resumed plan may be paused again.
            answer = self._await_answer()
            self._say(f"{answer.value.capitalize()} from a window at {time.strftime('%H:%M:%S')}.")
            if answer is not PauseAnswer.RESUME:
                self._end(answer)
            go = super().resume

    def _await_answer(self) -> PauseAnswer:
        """Wait for a window's answer; raises RunEngineInterrupted after Ctrl-C, as at any other pause."""
        self._say(
            f"\nPaused from a window at {time.strftime('%H:%M:%S')}. Resume or end the plan there, or press Ctrl-C to "
            "decide at this prompt."
        )
        try:
            with self._decider_lock:
                # A new queue: an answer to an earlier pause must not decide this one.
                self._answers = queue.SimpleQueue()
                self._decider = _Decider.WINDOW
            return self._next_answer()
        except KeyboardInterrupt:
            self._decider = _Decider.PROMPT
            raise RunEngineInterrupted(self.pause_msg) from None

    def _next_answer(self) -> PauseAnswer:
        began_s = time.monotonic()
        reminders = 0
        while True:
            try:
                return self._answers.get(timeout=_POLL_S)
            except queue.Empty:
                if time.monotonic() - began_s >= _REMINDER_S * (reminders + 1):
                    reminders += 1
                    self._say(f"Paused from a window for {reminders * _REMINDER_S / 60.0:.0f} min.")

    def _end(self, answer: PauseAnswer) -> None:
        if answer is PauseAnswer.STOP:
            RunEngine.stop(self)
        else:
            RunEngine.abort(self, "aborted from a window")
        raise EndedFromWindowError(
            f"The plan was {answer.value} from a window. The data measured so far are stored; `resume_run()` measures "
            "the rest of a scan."
        )


def check_is_plan(plan: object) -> None:
    """Raise InputError for what cannot be a plan, such as the uids that a function which measures by itself returns."""
    # bluesky fails on these deep inside its preprocessors, with a traceback of a hundred lines.
    if isinstance(plan, str | bytes | Mapping) or not isinstance(plan, Iterable):
        given = "nothing (None)" if plan is None else f"{plan!r}, a {type(plan).__name__}"
        raise InputError(
            f"RE runs plans, but this is {given}. Give a plan, as in RE(energy_scan(...)). Functions such as "
            "resume_run, show and reduce do their work when they are called, without RE."
        )
    if isinstance(plan, tuple) and all(isinstance(part, str) for part in plan):
        raise InputError(f"RE runs plans, but this is what RE has returned: {plan!r}. Give a plan.")
    if isinstance(plan, list | tuple) and not all(isinstance(part, Msg) for part in plan):
        raise InputError(
            f"RE runs one plan, but this is a {type(plan).__name__} of {len(plan)}. Give them one after the other, or "
            "as one plan: RE(bluesky.preprocessors.pchain(plan1, plan2))."
        )
