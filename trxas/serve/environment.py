"""The session inside the queue server: the names that its startup script defines."""

from __future__ import annotations

import functools
import inspect
import json
import os
from collections.abc import Callable
from multiprocessing import util
from typing import Any, get_type_hints

from trxas.configuration import load_configuration
from trxas.prompt.progress import LiveTable
from trxas.serve.queue_server import OPTIONS
from trxas.session.session import Plan, Session, open_session
from trxas.terminal.encoding import make_output_safe


def open_environment() -> dict[str, Any]:
    """Open a session that closes when the process ends; return its RunEngine as `RE`, and its plans by name."""
    # No listener: the queue server itself pauses, resumes and ends its plans.
    make_output_safe()
    session = open_session(load_configuration(**json.loads(os.environ[OPTIONS])), listen=False)
    # The worker of the queue server is a process of multiprocessing, which ends without `atexit`.
    util.Finalize(None, session.close, exitpriority=20)
    session.run_engine.subscribe(LiveTable())
    return {"RE": session.run_engine, **queue_plans(session)}


def queue_plans(session: Session) -> dict[str, Callable[..., Plan]]:
    """Return the plans of a session by name, annotated with types instead of texts, as the queue server needs."""
    return {name: _with_types(plan) for name, plan in session.plans().items()}


def _with_types(plan: Callable[..., Plan]) -> Callable[..., Plan]:
    @functools.wraps(plan)
    def typed(*args: Any, **kwargs: Any) -> Plan:
        return (yield from plan(*args, **kwargs))

    signature = inspect.signature(plan)
    hints = get_type_hints(inspect.unwrap(plan))
    parameters = [p.replace(annotation=hints.get(p.name, p.empty)) for p in signature.parameters.values()]
    typed.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]  # read by inspect
    return typed
