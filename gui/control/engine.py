"""The state of the plan engine in one word, and what a person may do in it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any


class Engine(Enum):
    """State of the engine behind the queue server, or of a session's; the value is the word on the screen.

    `AT_PROMPT` and `NO_PLAN` are states of a session: only the one who works there can go on.
    """

    NO_SERVER = "NO SERVER"
    CLOSED = "NOT STARTED"
    CHANGING = "STARTING OR ENDING"
    IDLE = "IDLE"
    BETWEEN = "TAKING THE NEXT PLAN"
    RUNNING = "RUNNING"
    PAUSING = "PAUSING"
    PAUSED = "PAUSED"
    AT_PROMPT = "PAUSED AT ITS PROMPT"
    ENDING = "ENDING THE PLAN"
    BUSY = "BUSY"
    NO_PLAN = "NO PLAN RUNS"


class Action(Enum):
    """What a person can ask of the engine; the value is the word on the button."""

    OPEN = "Start engine"
    CLOSE = "End engine"
    START = "Start queue"
    STOP_QUEUE = "Stop after this plan"
    KEEP_QUEUE = "Go on after this plan"
    PAUSE = "Pause at next point"
    PAUSE_NOW = "Pause now"
    RESUME = "Resume"
    STOP = "Stop"
    ABORT = "Abort"


METHODS: Mapping[Action, tuple[str, Mapping[str, Any]]] = {
    Action.OPEN: ("environment_open", {}),
    Action.CLOSE: ("environment_close", {}),
    Action.START: ("queue_start", {}),
    Action.STOP_QUEUE: ("queue_stop", {}),
    Action.KEEP_QUEUE: ("queue_stop_cancel", {}),
    Action.PAUSE: ("re_pause", {"option": "deferred"}),
    Action.PAUSE_NOW: ("re_pause", {"option": "immediate"}),
    Action.RESUME: ("re_resume", {}),
    Action.STOP: ("re_stop", {}),
    Action.ABORT: ("re_abort", {}),
}
"""Request of the queue server behind each action."""

NEEDS_PAUSE = frozenset({Action.STOP, Action.ABORT})
"""Actions that the server takes only from a paused engine: a running one is paused first."""

_ALLOWED: Mapping[Engine, frozenset[Action]] = {
    Engine.CLOSED: frozenset({Action.OPEN}),
    Engine.IDLE: frozenset({Action.START, Action.CLOSE}),
    Engine.RUNNING: frozenset({Action.PAUSE, Action.PAUSE_NOW, Action.STOP, Action.ABORT, Action.STOP_QUEUE}),
    Engine.BETWEEN: frozenset({Action.STOP_QUEUE}),
    Engine.PAUSING: frozenset({Action.PAUSE_NOW, Action.STOP, Action.ABORT}),
    Engine.PAUSED: frozenset({Action.RESUME, Action.STOP, Action.ABORT}),
}
_MANAGER_STATES = {
    "idle": Engine.IDLE,
    "paused": Engine.PAUSED,
    "starting_queue": Engine.RUNNING,
    "executing_queue": Engine.RUNNING,
    "executing_task": Engine.BUSY,
    "initializing": Engine.CHANGING,
    "creating_environment": Engine.CHANGING,
    "closing_environment": Engine.CHANGING,
    "destroying_environment": Engine.CHANGING,
}
_ENDING = ("stopping", "aborting", "halting")
_PAUSING = ("pausing", "suspending")


def engine_state(status: Mapping[str, Any]) -> Engine:
    """State that a `status` answer of the queue server or a session means; one it does not know is BUSY."""
    state = _MANAGER_STATES.get(str(status.get("manager_state")), Engine.BUSY)
    if state is Engine.IDLE and status.get("session"):
        return Engine.NO_PLAN
    if state is Engine.PAUSED and status.get("at_prompt"):
        return Engine.AT_PROMPT
    if state is Engine.IDLE and not status.get("worker_environment_exists"):
        return Engine.CLOSED
    if state is Engine.RUNNING:
        return _while_running(str(status.get("re_state")), pause_pending=bool(status.get("pause_pending")))
    return state


def allowed_actions(state: Engine, *, stop_pending: bool = False, queued: int = 0) -> frozenset[Action]:
    """What a person may do in `state`, with so many plans queued, and if the queue is to stop after this plan."""
    allowed = _ALLOWED.get(state, frozenset())
    if queued == 0:
        allowed -= {Action.START}
    if stop_pending and Action.STOP_QUEUE in allowed:
        allowed = (allowed - {Action.STOP_QUEUE}) | {Action.KEEP_QUEUE}
    return allowed


def _while_running(re_state: str, *, pause_pending: bool) -> Engine:
    if re_state in _ENDING:
        return Engine.ENDING
    if pause_pending or re_state in _PAUSING:
        return Engine.PAUSING
    # Before and after a plan the server refuses to pause.
    return Engine.RUNNING if re_state == "running" else Engine.BETWEEN
