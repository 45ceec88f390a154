"""The session's ear for windows: requests about the running plan, on loopback, in the queue server's own protocol."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import zmq

from broadcast.relay import LOOPBACK
from errors import InputError, TrxasError
from trxas.announcements.session_file import SessionAddress, forget_session, write_session
from trxas.session.remote_control import Answer, AttendedEngine

_POLL_MS = 100
_ANSWERS = {"re_resume": Answer.RESUME, "re_stop": Answer.STOP, "re_abort": Answer.ABORT}
_PAUSES = {"immediate": False, "deferred": True}


class Listener:
    """Answers requests about the plan of `engine`, on a port of its own on loopback; `close` it.

    The data folder `root` says where, and with which key (`session_file`). `name` is what people know the session by.

    It speaks those requests of bluesky-queueserver's API (JSON `{"method", "params"}`) that concern a running plan:
    `status`, `queue_get`, `history_get`, `plans_allowed`, `re_pause`, `re_resume`, `re_stop`, `re_abort`, so that a
    window needs one language for queue and session. Only those who know its public key are understood (CURVE).
    """

    def __init__(self, engine: AttendedEngine, name: str, root: Path) -> None:
        self._engine, self._name, self._root = engine, name, root
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.REP)
        public, self._socket.curve_secretkey = zmq.curve_keypair()
        self._socket.curve_server = True
        self._socket.linger = 0
        port = self._socket.bind_to_random_port(f"tcp://{LOOPBACK}")
        self.where = SessionAddress(os.getpid(), f"tcp://{LOOPBACK}:{port}", public.decode())
        write_session(root, self.where)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="window listener", daemon=True)
        self._thread.start()

    def close(self, timeout_s: float = 5.0) -> None:
        """Answer no more. May be called twice."""
        forget_session(self._root, self.where)
        self._closing.set()
        self._thread.join(timeout_s)

    def _work(self) -> None:
        try:
            while not self._closing.is_set():
                if self._socket.poll(_POLL_MS):
                    self._socket.send_json(self._answer(self._socket.recv()))
        finally:
            self._socket.close()
            self._context.term()

    def _answer(self, message: bytes) -> Mapping[str, Any]:
        try:
            request = json.loads(message)
            method, parameters = str(request["method"]), dict(request.get("params", {}))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return _refusal(f'Not a request of the form {{"method": ..., "params": ...}}: {error!r}.')
        try:
            return {"success": True, "msg": "", **self._do(method, parameters)}
        except (TrxasError, RuntimeError) as error:  # the latter is bluesky's, if no plan runs that could pause
            return _refusal(str(error))

    def _do(self, method: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        if method in _ANSWERS:
            self._engine.answer(_ANSWERS[method])
            return {}
        tell: dict[str, Callable[[], Mapping[str, Any]]] = {
            "status": self._status,
            "queue_get": lambda: {"items": [], "running_item": self._running()},
            "history_get": lambda: {"items": []},
            "plans_allowed": lambda: {"plans_allowed": {}},
            "re_pause": lambda: self._pause(str(parameters.get("option"))),
        }
        if method not in tell:
            raise InputError(f"A session does not answer {method!r}. It answers {', '.join([*tell, *_ANSWERS])}.")
        return tell[method]()

    def _pause(self, option: str) -> Mapping[str, Any]:
        if option not in _PAUSES:
            raise InputError(f"option = {option!r}: choose one of {', '.join(_PAUSES)}.")
        self._engine.pause(at_next_point=_PAUSES[option])
        return {}

    def _status(self) -> Mapping[str, Any]:
        state = self._engine.public_state
        manager = {"idle": "idle", "paused": "paused"}.get(state, "executing_queue")
        return {
            "manager_state": manager,
            "re_state": state,
            "worker_environment_exists": True,
            "pause_pending": state == "running" and self._engine.deferred_pause_requested,
            "at_prompt": self._engine.at_prompt,
            "session": self._name,
            "plan_queue_uid": self._engine.calls,
        }

    def _running(self) -> Mapping[str, Any]:
        if str(self._engine.state) == "idle":
            return {}
        plan = self._engine.plan_name
        return {"item_type": "plan", "item_uid": f"{self._name} {self._engine.calls}", "name": plan, "kwargs": {}}


def _refusal(words: str) -> Mapping[str, Any]:
    return {"success": False, "msg": words}
