"""The RE Manager with patience for a busy machine: `python -m trxas.serve.queue_manager`, options of start-re-manager.

bluesky-queueserver gives the session half a second for each answer, and ignores one that comes later. Without the
report on a plan, a plan that has measured all of its points counts as failed, goes back to the front of the queue, and
the queue stops.
"""

from __future__ import annotations

from typing import Any

from bluesky_queueserver.manager import manager
from bluesky_queueserver.manager.comms import PipeJsonRpcSendAsync
from bluesky_queueserver.manager.start_manager import start_manager

PATIENCE_S = 30.0
"""Longest wait for an answer of the session, s."""

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


def main() -> None:
    """Run the manager until it is stopped; its process is a fork of this one, and so makes its links of this class."""
    manager.PipeJsonRpcSendAsync = PatientLink
    start_manager()


if __name__ == "__main__":
    main()
