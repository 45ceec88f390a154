"""A queue server in this process: its states, its queue and its answers, without plans that run by themselves."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from gui.control.manager_link import RefusedError, ServerSilentError

MEASURE = {
    "name": "measure",
    "description": "Measure something at one delay.",
    "parameters": [
        {"name": "edge", "kind": {"name": "POSITIONAL_OR_KEYWORD"}, "annotation": {"type": "'str'"}},
        {"name": "delay_ps", "kind": {"name": "KEYWORD_ONLY"}, "annotation": {"type": "'float'"}},
        {"name": "dwell_s", "kind": {"name": "KEYWORD_ONLY"}, "annotation": {"type": "'float'"}, "default": "6.0"},
        {"name": "repeats", "kind": {"name": "KEYWORD_ONLY"}, "annotation": {"type": "'int'"}, "default": "1"},
        {
            "name": "fluence_mj_cm2",
            "kind": {"name": "KEYWORD_ONLY"},
            "annotation": {"type": "'float'"},
            "default": "8.83",
        },
        {
            "name": "delays_ps",
            "kind": {"name": "KEYWORD_ONLY"},
            "annotation": {"type": "'Sequence[float] | None'"},
            "default": "None",
        },
        {
            "name": "regions_ev",
            "kind": {"name": "KEYWORD_ONLY"},
            "annotation": {"type": "'Sequence[Region] | None'"},
            "default": "None",
        },
        {
            "name": "shutter_reference",
            "kind": {"name": "KEYWORD_ONLY"},
            "annotation": {"type": "typing.Literal['none', 'point', 'scan']"},
            "default": "'none'",
        },
        {"name": "apply", "kind": {"name": "KEYWORD_ONLY"}, "annotation": {"type": "bool"}, "default": "True"},
        {"name": "sample", "kind": {"name": "KEYWORD_ONLY"}, "annotation": {"type": "'str'"}, "default": "''"},
        {
            "name": "md",
            "kind": {"name": "KEYWORD_ONLY"},
            "annotation": {"type": "'Mapping[str, Any] | None'"},
            "default": "None",
        },
    ],
}
"""A plan with every kind of parameter, as `plans_allowed` describes it."""

REST = {"name": "rest", "description": "Do nothing.", "parameters": []}


class FakeQueueServer:
    """Answers the requests that the window sends; `requests` has all but the polls.

    `silent`: it does not answer. `refuse_next`: what it says instead of doing the next request. A running plan ends
    when `finish` is called; `pause_when_asked`: an immediate pause takes effect at once.
    """

    address = "tcp://fake"

    def __init__(self, *plans: Mapping[str, Any], opened: bool = True) -> None:
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.silent, self.refuse_next, self.pause_when_asked = False, "", True
        self.closed = False
        self.threads: set[str] = set()
        self.opened, self.re_state, self.pause_pending, self.stop_pending = opened, "idle", False, False
        self.queue: list[dict[str, Any]] = []
        self.history: list[dict[str, Any]] = []
        self.running: dict[str, Any] | None = None
        self._plans = {str(plan["name"]): dict(plan) for plan in plans or (MEASURE, REST)}
        self._versions = {"queue": 0, "history": 0}
        self._lock = threading.RLock()

    def request(self, method: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        with self._lock:
            self.threads.add(threading.current_thread().name)
            if self.silent:
                raise ServerSilentError("The queue server at tcp://fake does not answer.")
            if method not in ("status", "queue_get", "history_get", "plans_allowed"):
                self.requests.append((method, dict(parameters)))
                if self.refuse_next:
                    words, self.refuse_next = self.refuse_next, ""
                    raise RefusedError(words)
            answer: Mapping[str, Any] = getattr(self, f"_{method}")(**parameters)
            return answer

    def close(self) -> None:
        self.closed = True

    def finish(self, status: str = "completed", reason: str = "") -> None:
        """The running plan ends, and the next one begins if the queue goes on."""
        with self._lock:
            assert self.running is not None
            result = {"exit_status": status, "msg": reason, "time_start": 1e9, "time_stop": 1e9 + 60}
            result |= {"scan_ids": [7], "run_uids": ["abc"]}
            self.history.append(self.running | {"result": result})
            if status not in ("completed", "stopped"):
                self.queue.insert(0, {**self.running, "item_uid": f"{self.running['item_uid']}-again"})
            self.running, self.re_state, self.pause_pending = None, "idle", False
            self._changed("queue", "history")
            if status == "completed" and not self.stop_pending and self.queue:
                self._queue_start()
            self.stop_pending = False

    def pause_takes_effect(self) -> None:
        """The engine reaches its pause."""
        with self._lock:
            self.re_state, self.pause_pending = "paused", False

    @property
    def names(self) -> list[Any]:
        """The delays of the queued plans, which tell them apart."""
        return [item["kwargs"].get("delay_ps") for item in self.queue]

    def _changed(self, *what: str) -> None:
        for name in what:
            self._versions[name] += 1

    def _status(self) -> dict[str, Any]:
        manager = "idle"
        if self.running is not None:
            manager = "paused" if self.re_state == "paused" else "executing_queue"
        return {
            "manager_state": manager,
            "re_state": self.re_state,
            "worker_environment_exists": self.opened,
            "pause_pending": self.pause_pending,
            "queue_stop_pending": self.stop_pending,
            "plan_queue_uid": self._versions["queue"],
            "plan_history_uid": self._versions["history"],
            "plans_allowed_uid": 0,
            "lock": {"environment": False, "queue": False},
        }

    def _queue_get(self) -> dict[str, Any]:
        return {"items": list(self.queue), "running_item": self.running or {}}

    def _history_get(self) -> dict[str, Any]:
        return {"items": list(self.history)}

    def _plans_allowed(self, user_group: str) -> dict[str, Any]:
        return {"plans_allowed": self._plans if user_group == "primary" else {}}

    def _environment_open(self) -> dict[str, Any]:
        self.opened = True
        return {}

    def _environment_close(self) -> dict[str, Any]:
        self.opened = False
        return {}

    def _queue_item_add(
        self, item: dict[str, Any], user: str, user_group: str, pos: str = "", after_uid: str = ""
    ) -> dict[str, Any]:
        at = len(self.queue) if not after_uid else self._index(after_uid) + 1
        self.queue.insert(at, {**item, "item_uid": f"item {len(self.requests)}", "user": user})
        self._changed("queue")
        return {}

    def _queue_item_update(self, item: dict[str, Any], replace: bool, user: str, user_group: str) -> dict[str, Any]:
        self.queue[self._index(item["item_uid"])] = item
        self._changed("queue")
        return {}

    def _queue_item_remove(self, uid: str) -> dict[str, Any]:
        del self.queue[self._index(uid)]
        self._changed("queue")
        return {}

    def _queue_item_move(self, uid: str, pos_dest: int) -> dict[str, Any]:
        self.queue.insert(pos_dest, self.queue.pop(self._index(uid)))
        self._changed("queue")
        return {}

    def _queue_clear(self) -> dict[str, Any]:
        self.queue.clear()
        self._changed("queue")
        return {}

    def _queue_start(self) -> dict[str, Any]:
        self.running, self.re_state = self.queue.pop(0), "running"
        self._changed("queue")
        return {}

    def _queue_stop(self) -> dict[str, Any]:
        self.stop_pending = True
        return {}

    def _queue_stop_cancel(self) -> dict[str, Any]:
        self.stop_pending = False
        return {}

    def _re_pause(self, option: str) -> dict[str, Any]:
        if option == "immediate" and self.pause_when_asked:
            self.re_state = "paused"
        else:
            self.pause_pending = True
        return {}

    def _re_resume(self) -> dict[str, Any]:
        self.re_state = "running"
        return {}

    def _re_stop(self) -> dict[str, Any]:
        self._only_paused()
        self.finish("stopped")
        return {}

    def _re_abort(self) -> dict[str, Any]:
        self._only_paused()
        self.finish("aborted", "Run aborted by the user.")
        return {}

    def _only_paused(self) -> None:
        if self.re_state != "paused":
            raise RefusedError("RE Manager is not paused")

    def _index(self, uid: str) -> int:
        found = [index for index, item in enumerate(self.queue) if item["item_uid"] == uid]
        if not found:
            raise RefusedError(f"Item with UID '{uid}' is not in the queue")
        return found[0]
