"""The session inside the queue server: the names that its startup script defines."""

from __future__ import annotations

import json
import os
from multiprocessing import util
from typing import Any

from trxas.configuration import load_configuration
from trxas.prompt.dry_run import dry_run_answer
from trxas.prompt.progress import LiveTable
from trxas.prompt.time_line import TimeLine
from trxas.serve.queue_server import OPTIONS
from trxas.serve.upkeep_plans import upkeep_plans
from trxas.session.session import open_session
from trxas.session.subscriber import InOrder
from trxas.terminal.encoding import make_output_safe


def open_environment() -> dict[str, Any]:
    """Open a session that closes when the process ends; return its RunEngine as `RE`, and its plans by name.

    Raises what `open_session` raises, which the queue server writes into its log, and KeyError without its variable.
    """
    # No listener: the queue server itself pauses, resumes and ends its plans.
    # This runs in the worker of the queue server, a process that bluesky-queueserver starts and ends. What is defined
    # here is all that plans of the queue can use.
    make_output_safe()
    session = open_session(load_configuration(**json.loads(os.environ[OPTIONS])), listen=False)
    # The worker of the queue server is a process of multiprocessing, which ends without `atexit`.
    util.Finalize(None, session.close, exitpriority=20)
    session.run_engine.subscribe(InOrder(LiveTable(), TimeLine(lambda: session.run_engine.time_use.latest_s)))
    # The queue server reads types from signatures, where the plans have types, not texts.
    functions = {"dry_run_of": dry_run_answer(session)}
    return {"RE": session.run_engine, **session.plans(), **upkeep_plans(session), **functions}
