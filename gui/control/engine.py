"""The state of the plan engine in one word, and the actions that are allowed in it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any


class Engine(Enum):
    """State of the engine of the queue server or of a session; the value is the text on the screen.

    `AT_PROMPT` and `NO_PLAN` are states of a session: only its user can continue, at the prompt.
    """

    NO_SERVER = "NO SERVER"
    CLOSED = "NOT CONNECTED"
    CHANGING = "CONNECTING OR DISCONNECTING"
    IDLE = "IDLE"
    BETWEEN = "STARTING THE NEXT PLAN"
    RUNNING = "RUNNING"
    PAUSING = "PAUSING"
    PAUSED = "PAUSED"
    AT_PROMPT = "PAUSED AT THE PROMPT"
    ENDING = "ENDING THE PLAN"
    BUSY = "BUSY"
    NO_PLAN = "NO PLAN IS RUNNING"


class Action(Enum):
    """An action that a user can request; the value is the text on its button."""

    OPEN = "Connect beamline"
    CLOSE = "Disconnect beamline"
    START = "Start queue"
    STOP_QUEUE = "Stop after this plan"
    KEEP_QUEUE = "Continue after this plan"
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
"""Request to the queue server for each action."""

NEEDS_PAUSE = frozenset({Action.STOP, Action.ABORT})
"""Actions that the server accepts only while the engine is paused: a running engine is paused first."""

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
    """Return the state that a `status` answer of the queue server or of a session means.

    An unknown answer is BUSY, in which no action is allowed: a newer server must not make the window fail.
    """
    # The server has its own state and one of the engine, and a session says more: that only its prompt can
    # continue, or that it runs nothing. The order of the cases matters: a session at rest has no environment to
    # connect, and "paused" means nothing where the plan cannot be resumed.
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
    """Return the allowed actions in `state`, with `queued` plans waiting.

    `stop_pending`: the queue stops after the running plan.
    """
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
    # Just before and after a plan the server refuses to pause.
    return Engine.RUNNING if re_state == "running" else Engine.BETWEEN
