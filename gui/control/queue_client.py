"""The window's connection to the queue server: a thread that polls it, and signals that reach the GUI thread."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from qtpy.QtCore import QObject, Signal

from errors import TrxasError
from gui.control.dry_run_task import DryRunTask, dry_run_request
from gui.control.engine import METHODS, NEEDS_PAUSE, Action, Engine, engine_state
from gui.control.manager_link import (
    USER_GROUP,
    ManagerLink,
    ServerSilentError,
    plan_item,
    signed,
)
from gui.control.plan_signature import PlanSignature, signature_from_server
from gui.control.snapshot import Outcome, QueueItem, Snapshot, outcome, queue_item

_log = logging.getLogger(__name__)

POLL_PERIOD_S = 0.5
"""At most two polls per second: people cannot follow more."""

PAUSE_TIMEOUT_S = 120.0
"""Longest wait of stop and abort for a running engine to pause, s: the longest moves of an axis take this long."""


@dataclass(frozen=True, kw_only=True)
class _Command:
    """Requests in their order; the action `then` follows when the plan with the uid `running` has paused.

    `dry_run`: name of the plan for people if the last request starts its dry run.
    """

    what: str
    requests: tuple[tuple[str, Mapping[str, Any]], ...]
    then: Action | None = None
    running: str = ""
    dry_run: str = ""


@dataclass(frozen=True, kw_only=True)
class _AfterPause:
    action: Action
    running: str
    deadline: float


class QueueClient(QObject):
    """Client that polls the queue server behind `link` in its own thread, and sends it the requests of the user.

    Call `start` and `stop`. Other methods return at once; their outcome comes as a signal. `known`: the plans as their
    own code describes them, which completes the server's descriptions.

    The thread alone uses the link. Requests wait in a queue; each is followed by a poll, so that its effect is seen at
    once. Lists are fetched again only when their uid in the status has changed. Stop and abort need a paused engine: a
    running one gets a pause first, and `_after_pause` holds the action until a poll finds the same plan paused. The
    action is dropped with a message if another plan runs by then, or if the engine does not pause in time.

    Signals: `snapshot_changed(Snapshot)` when anything differs from the previous snapshot; `done(str)` names a request
    that succeeded; `failed(str)` names the request that failed, and the reason; `dry_run_answered(str, dict)` has the
    name of a plan and what it would do.
    """

    snapshot_changed = Signal(object)
    done = Signal(str)
    failed = Signal(str)
    dry_run_answered = Signal(str, dict)

    def __init__(
        self,
        link: ManagerLink,
        *,
        known: Mapping[str, PlanSignature] | None = None,
        poll_period_s: float = POLL_PERIOD_S,
        pause_timeout_s: float = PAUSE_TIMEOUT_S,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.snapshot = Snapshot()
        self._link = link
        self._known = dict(known or {})
        self._poll_period_s = poll_period_s
        self._pause_timeout_s = pause_timeout_s
        self._commands: queue.Queue[_Command | None] = queue.Queue()
        self._versions: dict[str, Any] = {}
        self._after_pause: _AfterPause | None = None
        self._dry_run = DryRunTask(self.dry_run_answered.emit, self.failed.emit)
        self._thread = threading.Thread(target=self._run, name="queue server client", daemon=True)

    def start(self) -> None:
        """Start to poll, twice a second, in its own thread."""
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> bool:
        """End the thread; return False if it is still waiting for the server after `timeout_s`."""
        self._commands.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def act(self, action: Action) -> None:
        """Request `action` of the engine; stop and abort pause a running engine first.

        Returns at once. The outcome comes as `done` or `failed`: for stop and abort up to `pause_timeout_s` later,
        because the engine must have paused.
        """
        # Stop and abort are accepted in the paused state only. A running engine is asked to pause, and the uid of its
        # plan is noted: by the time it has paused, that plan may have ended by itself, and the next one, which is not
        # to be stopped, may be running. `_go_on_after_pause` compares both.
        method, parameters = METHODS[action]
        if action in NEEDS_PAUSE and self.snapshot.engine in (Engine.RUNNING, Engine.PAUSING):
            method, parameters = METHODS[Action.PAUSE_NOW]
            self._commands.put(
                _Command(
                    what=action.value, requests=((method, parameters),), then=action, running=_running(self.snapshot)
                )
            )
        else:
            self._put(action.value, (method, parameters))

    def add(self, name: str, arguments: Mapping[str, Any], *, after_uid: str = "") -> None:
        """Add a plan to the end of the queue, or after the item `after_uid`.

        `arguments` by name, in the units of the plan. Returns at once; a refusal, such as an argument out of range,
        comes as `failed` and raises nothing.
        """
        place = {"after_uid": after_uid} if after_uid else {"pos": "back"}
        self._put("Add to queue", ("queue_item_add", signed(item=plan_item(name, arguments), **place)))

    def run_now(self, name: str, arguments: Mapping[str, Any], what: str) -> None:
        """Run a plan at once, ahead of the queue, which must be at rest; `what` names the request in its outcome.

        `arguments` by name, in the units of the plan. Returns at once; the server refuses while a plan runs.
        """
        self._put(what, ("queue_item_execute", signed(item=plan_item(name, arguments))))

    def ask_dry_run(self, name: str, arguments: Mapping[str, Any], title: str) -> None:
        """Ask the session of the queue what a plan would do; `arguments` by name, in the units of the plan.

        Works while another plan runs. Returns at once; the answer comes as `dry_run_answered` with `title`, or as
        `failed`.
        """
        request = dry_run_request(name, arguments)
        self._commands.put(_Command(what=f"Dry run of {title}", requests=(request,), dry_run=title))

    def update(self, uid: str, name: str, arguments: Mapping[str, Any]) -> None:
        """Replace the arguments of the queued item `uid`, in the units of the plan.

        A refusal, such as an argument out of range, comes as `failed`.
        """
        item = plan_item(name, arguments, uid)
        self._put("Change the plan", ("queue_item_update", signed(item=item, replace=False)))

    def duplicate(self, item: QueueItem) -> None:
        """Insert a copy of `item` right after it."""
        copied = {**plan_item(item.name, item.arguments), "args": list(item.args)}
        self._put("Duplicate", ("queue_item_add", signed(item=copied, after_uid=item.uid)))

    def repeat(self, item: QueueItem) -> None:
        """Add a plan of the history to the end of the queue."""
        copied = {**plan_item(item.name, item.arguments), "args": list(item.args)}
        self._put("Queue again", ("queue_item_add", signed(item=copied, pos="back")))

    def remove(self, uid: str) -> None:
        """Remove the item `uid` from the queue.

        The server refuses an item that already runs, as that has left the queue; the refusal comes as `failed`.
        """
        self._put("Remove", ("queue_item_remove", {"uid": uid}))

    def move(self, uid: str, position: int) -> None:
        """Move the item `uid` to `position` in the queue, counted from 0, which runs next.

        A refusal comes as `failed`.
        """
        self._put("Move", ("queue_item_move", {"uid": uid, "pos_dest": position}))

    def clear(self) -> None:
        """Empty the queue; the running plan continues."""
        self._put("Clear the queue", ("queue_clear", {}))

    def _put(self, what: str, *requests: tuple[str, Mapping[str, Any]]) -> None:
        self._commands.put(_Command(what=what, requests=requests))

    def _run(self) -> None:
        try:
            # The loop of the thread: wait for a request of the user, at most one period; carry it out; poll. So the
            # effect of a request is seen at once, and an idle client polls at its own pace. None in the queue ends the
            # loop. The link is closed in this thread, because a 0MQ socket belongs to the thread that made it.
            self._poll()
            while True:
                try:
                    command = self._commands.get(timeout=self._poll_period_s)
                    if command is None:
                        return
                    self._execute(command)
                except queue.Empty:
                    pass
                self._poll()
        finally:
            self._link.close()

    def _execute(self, command: _Command) -> None:
        answer: Mapping[str, Any] = {}
        try:
            for method, parameters in command.requests:
                answer = self._link.request(method, parameters)
        except TrxasError as error:
            remark = (
                " The request may or may not have been carried out." if isinstance(error, ServerSilentError) else ""
            )
            self.failed.emit(f"{command.what}: {error}{remark}")
        else:
            if command.dry_run:
                self._dry_run.begin(command.dry_run, answer)
            elif command.then is None:
                self.done.emit(command.what)
            else:
                # Stop and abort need a paused engine. The pause is only requested here; a later poll finds it reached
                # or gives up.
                deadline = time.monotonic() + self._pause_timeout_s
                self._after_pause = _AfterPause(action=command.then, running=command.running, deadline=deadline)

    def _poll(self) -> None:
        try:
            snapshot = self._ask()
        except TrxasError as error:
            snapshot = replace(Snapshot(), remark=str(error))
            self._versions.clear()
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            # An unexpected answer, perhaps of another kind of server, must not end the thread silently.
            _log.exception("The queue server sent an unexpected answer")
            snapshot = replace(Snapshot(), remark=f"The queue server sent an unexpected answer: {error!r}.")
            self._versions.clear()
        self._publish(snapshot)
        self._go_on_after_pause(snapshot)
        self._dry_run.poll(self._link)

    def _publish(self, snapshot: Snapshot) -> None:
        if snapshot != self.snapshot:
            self.snapshot = snapshot
            self.snapshot_changed.emit(snapshot)

    def _ask(self) -> Snapshot:
        status = self._link.request("status", {})
        last = self.snapshot
        state = engine_state(status)
        running = last.running
        queued = last.queue
        history = last.history
        plans = last.plans
        if self._newer(status, "plan_queue_uid", state):
            running, queued = self._queue()
        if self._newer(status, "plan_history_uid"):
            history = self._history()
        if self._newer(status, "plans_allowed_uid"):
            plans = self._plans()
        return Snapshot(
            engine=state,
            remark=_remark(status, state),
            running=running,
            queue=queued,
            history=history,
            plans=plans,
            stop_pending=bool(status.get("queue_stop_pending")),
        )

    def _newer(self, status: Mapping[str, Any], name: str, *more: Any) -> bool:
        # The server changes the uid of a list with each change of its content, so that the lists, which may be long,
        # are fetched only when they differ. The queue is fetched again for another state of the engine too: the running
        # plan is part of its answer, but not of its uid.
        version = (status.get(name), *more)
        # Stored before the content is fetched: a change in between has another uid at the next poll.
        newer = version != self._versions.get(name)
        self._versions[name] = version
        return newer

    def _queue(self) -> tuple[QueueItem | None, tuple[QueueItem, ...]]:
        answer = self._fetch("plan_queue_uid", "queue_get", {})
        running = answer.get("running_item")
        return queue_item(running) if running else None, tuple(map(queue_item, answer["items"]))

    def _history(self) -> tuple[Outcome, ...]:
        answer = self._fetch("plan_history_uid", "history_get", {})
        return tuple(map(outcome, reversed(answer["items"])))

    def _plans(self) -> dict[str, PlanSignature]:
        answer = self._fetch("plans_allowed_uid", "plans_allowed", {"user_group": USER_GROUP})
        signatures = map(signature_from_server, answer["plans_allowed"].values())
        return {one.name: one.completed(self._known.get(one.name)) for one in signatures}

    def _fetch(self, version: str, method: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return self._link.request(method, parameters)
        except TrxasError:
            self._versions.pop(version, None)
            raise

    def _go_on_after_pause(self, snapshot: Snapshot) -> None:
        # Runs after each poll, in the client's thread. Three ends: the engine has paused with the same plan (the action
        # is sent), another plan runs or none (dropped, with a message), the time is up (dropped, with a message). A
        # server that is silent for a moment is a different case: the action waits for its next answer.
        waiting = self._after_pause
        if waiting is None or snapshot.engine is Engine.NO_SERVER:
            return
        problem = ""
        if waiting.running and _running(snapshot) != waiting.running:
            problem = "the plan ended before it could be paused. Check what is running now before you try again."
        elif snapshot.engine is not Engine.PAUSED and time.monotonic() > waiting.deadline:
            problem = (
                f"the engine did not pause within {self._pause_timeout_s:g} s. Try again, or end it from the terminal "
                "of `trxas serve`."
            )
        if problem or snapshot.engine is Engine.PAUSED:
            self._after_pause = None
        if problem:
            self.failed.emit(f"{waiting.action.value}: {problem}")
        elif self._after_pause is None:
            self._execute(_Command(what=waiting.action.value, requests=(METHODS[waiting.action],)))


def _running(snapshot: Snapshot) -> str:
    return snapshot.running.uid if snapshot.running is not None else ""


def _remark(status: Mapping[str, Any], state: Engine) -> str:
    session = status.get("session")
    if state is Engine.NO_PLAN:
        return f"The session of {session} holds the beamline; start plans there."
    if state is Engine.AT_PROMPT:
        return f"Continue in the session of {session}, with RE.resume() or RE.abort()."
    return _pending(status) or (f"The plan runs in the session of {session}." if session else "")


def _pending(status: Mapping[str, Any]) -> str:
    if status.get("lock", {}).get("environment") or status.get("lock", {}).get("queue"):
        return "The queue server is locked by another client."
    if status.get("pause_pending"):
        return "Pausing at the next point."
    return "The queue stops after this plan." if status.get("queue_stop_pending") else ""
