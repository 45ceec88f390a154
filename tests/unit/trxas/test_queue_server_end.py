"""If this fails, a server that is ended just after a plan began kills it: its run has no end and the laser stays on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from gui.control.manager_link import RefusedError, ServerAddress
from trxas.serve import queue_server
from trxas.serve.queue_server import QueueServer


class Manager:
    """A manager whose plan has only begun: refuses the first pause, and is paused a while after the second."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._state, self._polls = "executing_queue", 0

    def request(self, method: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        if method == "status":
            return self._status()
        self.asked.append(method)
        if method == "re_pause" and self.asked.count("re_pause") == 1:
            raise RefusedError("RE Worker is not running a plan")
        if method == "re_pause":
            self._state, self._polls = "pausing", 0
        if method == "re_abort":
            self._state = "idle"
        return {"success": True}

    def _status(self) -> dict[str, Any]:
        self._polls += 1
        if self._state == "pausing" and self._polls > 3:
            self._state = "paused"
        shown = "executing_queue" if self._state == "pausing" else self._state
        return {"manager_state": shown, "re_state": "idle", "worker_environment_exists": True}

    def close(self) -> None:
        self.asked.append("close")


def test_a_plan_that_has_only_begun_is_aborted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("_POLL_S", 0.001), ("_AGAIN_S", 0.01), ("END_TIMEOUT_S", 10.0)):
        monkeypatch.setattr(queue_server, name, value)
    manager, server = Manager(), QueueServer(ServerAddress("tcp://127.0.0.1:1", "0" * 40))
    server._link.close()
    monkeypatch.setattr(server, "_link", manager)
    monkeypatch.setattr(server, "_wait", lambda *_: True)
    server.end()
    assert "re_abort" in manager.asked
    assert manager.asked[-3:] == ["environment_close", "manager_stop", "close"]
