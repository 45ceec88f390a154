"""The RE Manager with patience for a busy machine: `python -m trxas.serve.queue_manager`, options of start-re-manager.

bluesky-queueserver gives the session half a second for each answer, and ignores one that comes later. Without the
report on a plan, a plan that has measured all of its points counts as failed, goes back to the front of the queue, and
the queue stops. Its watchdog gives the manager 5 s, then kills and restarts it; a request that has just come is lost.
"""

from __future__ import annotations

from typing import Any

from bluesky_queueserver.manager import manager, start_manager
from bluesky_queueserver.manager.comms import PipeJsonRpcSendAsync

PATIENCE_S = 30.0
"""Longest wait for an answer of the session, and for a sign of life of the manager, s."""

POLLED = "request_state"
"""The request that is repeated all the time: an answer that comes late is asked for again."""


class PatientLink(PipeJsonRpcSendAsync):
    """Requests of the manager to the session, which may be busy with a reduction when a plan has ended."""

    async def send_msg(
        self,
        method: str,
        params: Any = None,
        *,
        notification: bool = False,
        timeout: float | None = None,
    ) -> Any:
        """Send a request and return the answer; raises CommTimeoutError after `timeout`, s, by default `PATIENCE_S`."""
        if timeout is None and method != POLLED:
            timeout = PATIENCE_S
        return await super().send_msg(method, params, notification=notification, timeout=timeout)


class PatientWatchdog(start_manager.WatchdogProcess):
    """Watchdog of the manager, which restarts one that has shown no sign of life for `PATIENCE_S`."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._heartbeat_timeout = PATIENCE_S


def main() -> None:
    """Run the manager until it is stopped; its process is a fork of this one, and so makes its links of this class."""
    manager.PipeJsonRpcSendAsync = PatientLink
    start_manager.WatchdogProcess = PatientWatchdog
    start_manager.start_manager()


if __name__ == "__main__":
    main()
