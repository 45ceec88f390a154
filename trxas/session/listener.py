"""Requests of windows about the plan that a session runs, on loopback, in the protocol of the queue server."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import zmq

from broadcast.relay import LOOPBACK
from errors import InputError, TrxasError
from trxas.announcements.session_file import SessionAnnouncement
from trxas.session.remote_control import PauseAnswer, RemotelyPausableEngine

_POLL_MS = 100
_ANSWERS = {"re_resume": PauseAnswer.RESUME, "re_stop": PauseAnswer.STOP, "re_abort": PauseAnswer.ABORT}
_PAUSES = {"immediate": False, "deferred": True}


class Listener:
    """Thread that answers requests about the plan of `engine` on a free port of loopback, until `close`.

    The data folder `root` announces the port and the key (`session_file`). `name` is the name of the session for
    people.

    It answers those requests of bluesky-queueserver's API (JSON `{"method", "params"}`) that concern a running plan:
    `status`, `queue_get`, `history_get`, `plans_allowed`, `re_pause`, `re_resume`, `re_stop`, `re_abort`, so that a
    window needs one protocol for queue and session. Only clients that know its public key can connect (CURVE).
    """

    def __init__(self, engine: RemotelyPausableEngine, name: str, root: Path) -> None:
        self._engine = engine
        self._name = name
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.REP)
        public, self._socket.curve_secretkey = zmq.curve_keypair()
        self._socket.curve_server = True
        self._socket.linger = 0
        port = self._socket.bind_to_random_port(f"tcp://{LOOPBACK}")
        self._announcement = SessionAnnouncement(
            root, name=name, address=f"tcp://{LOOPBACK}:{port}", public_key=public.decode()
        )
        self.where = self._announcement.where
        # The socket belongs to the thread of `_work` from here on: ZMQ sockets must not be shared between threads.
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="window listener", daemon=True)
        self._thread.start()

    def close(self, timeout_s: float = 5.0) -> None:
        """Withdraw the announcement and answer no more; waits `timeout_s` for its thread. May be called twice."""
        self._announcement.close()
        self._closing.set()
        self._thread.join(timeout_s)

    def _work(self) -> None:
        try:
            # Each request gets exactly one answer, as a REP socket demands: `_answer` returns a refusal for anything
            # that cannot be done, and never raises.
            while not self._closing.is_set():
                if self._socket.poll(_POLL_MS):
                    self._socket.send_json(self._answer(self._socket.recv()))
        finally:
            self._socket.close()
            self._context.term()

    def _answer(self, message: bytes) -> Mapping[str, Any]:
        try:
            request = json.loads(message)
            method = str(request["method"])
            parameters = dict(request.get("params", {}))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return _refusal(f'Not a request of the form {{"method": ..., "params": ...}}: {error!r}.')
        try:
            return {"success": True, "msg": "", **self._do(method, parameters)}
        except (TrxasError, RuntimeError) as error:  # RuntimeError: bluesky's, if no plan runs that could pause
            return _refusal(str(error))

    def _do(self, method: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        # Runs on the listener's thread. The engine decides whether it is in a state for the request; see the states in
        # `remote_control`. What is refused there comes back as an answer, so that the window shows the reason.
        if method in _ANSWERS:
            self._engine.answer(_ANSWERS[method])
            return {}
        answers: dict[str, Callable[[], Mapping[str, Any]]] = {
            "status": self._status,
            "queue_get": lambda: {"items": [], "running_item": self._running()},
            "history_get": lambda: {"items": []},
            "plans_allowed": lambda: {"plans_allowed": {}},
            "re_pause": lambda: self._pause(str(parameters.get("option"))),
        }
        if method not in answers:
            raise InputError(f"A session does not answer {method!r}. It answers {', '.join([*answers, *_ANSWERS])}.")
        return answers[method]()

    def _pause(self, option: str) -> Mapping[str, Any]:
        if option not in _PAUSES:
            raise InputError(f"option = {option!r}: choose one of {', '.join(_PAUSES)}.")
        self._engine.pause(at_next_point=_PAUSES[option])
        return {}

    def _status(self) -> Mapping[str, Any]:
        # The words are those of the queue server, so that one client in the window serves both. The number of calls is
        # the uid of the queue: it changes with each plan, which makes windows fetch the running one.
        state = self._engine.public_state
        manager = {"idle": "idle", "paused": "paused"}.get(state, "executing_queue")
        return {
            "manager_state": manager,
            "re_state": state,
            "worker_environment_exists": True,
            "pause_pending": state == "running" and self._engine.deferred_pause_requested,
            "at_prompt": self._engine.at_prompt,
            "session": self._name,
            "session_id": self.where.session_id,
            "plan_queue_uid": self._engine.calls,
        }

    def _running(self) -> Mapping[str, Any]:
        if str(self._engine.state) == "idle":
            return {}
        plan = self._engine.plan_name
        return {
            "item_type": "plan",
            "item_uid": f"{self.where.session_id} {self._engine.calls}",
            "name": plan,
            "kwargs": {},
        }


def _refusal(words: str) -> Mapping[str, Any]:
    return {"success": False, "msg": words}
