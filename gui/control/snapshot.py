"""The latest answer of the queue server: engine, queue, history and plans, as immutable data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gui.control.engine import Action, Engine, allowed_actions
from gui.control.parameters import title
from gui.control.plan_signature import PlanSignature


@dataclass(frozen=True, kw_only=True)
class QueueItem:
    """A plan in the queue: its `uid` there, its name, and its arguments by name.

    `args` are arguments by position, from items that other clients queued.
    """

    uid: str
    name: str
    arguments: Mapping[str, Any]
    args: tuple[Any, ...] = ()
    user: str = ""

    @property
    def title(self) -> str:
        """Readable name of the plan, such as "Energy scan"."""
        return title(self.name)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A plan that has ended: its `status` in one word, the `reason` if it did not complete, and its runs.

    `started_s` and `ended_s` are Unix times in s, 0 if unknown.
    """

    item: QueueItem
    status: str
    reason: str
    started_s: float
    ended_s: float
    scan_ids: tuple[int, ...]
    run_uids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """State of engine and queue at one poll.

    `remark` explains why there is no server, or what the server waits for. `history` has the newest first.
    `stop_pending`: the queue stops after the running plan.
    """

    engine: Engine = Engine.NO_SERVER
    remark: str = "Connecting to the queue server …"
    running: QueueItem | None = None
    queue: tuple[QueueItem, ...] = ()
    history: tuple[Outcome, ...] = ()
    plans: Mapping[str, PlanSignature] = field(default_factory=dict)
    stop_pending: bool = False

    @property
    def actions(self) -> frozenset[Action]:
        """Actions that are allowed now."""
        return allowed_actions(self.engine, stop_pending=self.stop_pending, queued=len(self.queue))


def queue_item(item: Mapping[str, Any]) -> QueueItem:
    """Return the queued plan in `item`, as the server sends it; missing fields are empty."""
    return QueueItem(
        uid=str(item.get("item_uid", "")),
        name=str(item.get("name", "")),
        arguments=dict(item.get("kwargs", {})),
        args=tuple(item.get("args", ())),
        user=str(item.get("user", "")),
    )


def outcome(item: Mapping[str, Any]) -> Outcome:
    """Return the ended plan in `item`, an entry of the server's history."""
    result = item.get("result", {})
    return Outcome(
        item=queue_item(item),
        status=str(result.get("exit_status", "unknown")),
        reason=_last_line(str(result.get("msg", ""))),
        started_s=float(result.get("time_start") or 0.0),
        ended_s=float(result.get("time_stop") or 0.0),
        scan_ids=tuple(result.get("scan_ids", ())),
        run_uids=tuple(result.get("run_uids", ())),
    )


def _last_line(message: str) -> str:
    lines = [line.strip() for line in message.strip().splitlines() if line.strip()]
    # The message of an exception is useful to people, its class is not.
    return re.sub(r"^[\w.]*(Error|Exception|Interrupted|Abort\w*): ", "", lines[-1]) if lines else ""
