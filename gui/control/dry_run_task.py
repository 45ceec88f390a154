"""A dry run that the queue server's session computes in the background, until its answer is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from errors import TrxasError
from gui.control.manager_link import ManagerLink, ServerSilentError, signed

FUNCTION = "dry_run_of"
"""Function of the queue's session that returns what a plan would do."""

TIMEOUT_S = 60.0
"""A dry run reads earlier runs, which may take some seconds, and more beside a running plan."""


def dry_run_request(name: str, arguments: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return the request that starts the dry run of a plan; `arguments` by name, in the units of the plan."""
    item = {"item_type": "function", "name": FUNCTION, "args": [name, dict(arguments)], "kwargs": {}}
    return "function_execute", signed(item=item, run_in_background=True)


@dataclass(frozen=True, kw_only=True)
class _Task:
    title: str
    uid: str
    deadline: float


class DryRunTask:
    """The latest dry run; a newer one replaces it. `answered` gets its title and its answer, `failed` a message.

    A task of the server's worker sends no message at its end, so `poll` asks for it until it is completed, has failed,
    or takes longer than `TIMEOUT_S`.
    """

    def __init__(self, answered: Callable[[str, dict[str, Any]], object], failed: Callable[[str], object]) -> None:
        self._answered = answered
        self._failed = failed
        self._task: _Task | None = None

    def begin(self, title: str, answer: Mapping[str, Any]) -> None:
        """Wait for the task in the server's `answer` to `dry_run_request`; `title` is the plan's name for people."""
        deadline = time.monotonic() + TIMEOUT_S
        self._task = _Task(title=title, uid=str(answer.get("task_uid", "")), deadline=deadline)

    def poll(self, link: ManagerLink) -> None:
        """Ask for the answer, if one is expected; raises nothing."""
        task = self._task
        if task is None:
            return
        try:
            answer = link.request("task_result", {"task_uid": task.uid})
        except ServerSilentError:
            answer = {}
        except TrxasError as error:
            answer = {"status": "completed", "result": {"msg": str(error)}}
        if answer.get("status") == "completed":
            self._task = None
            self._report(task.title, dict(answer.get("result", {})))
        elif time.monotonic() > task.deadline:
            self._task = None
            self._failed(f"Dry run of {task.title}: no answer within {TIMEOUT_S:g} s. Try again.")

    def _report(self, title: str, result: dict[str, Any]) -> None:
        if result.get("success"):
            self._answered(title, dict(result.get("return_value", {})))
        else:
            self._failed(f"Dry run of {title}: {result.get('msg', '')}")
