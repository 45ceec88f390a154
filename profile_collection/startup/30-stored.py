"""Stored runs: `db` by uid, scan_id, age or metadata; `runs()`, `show()` and `reduce()` for a quick look.

`resume_run(uid)` measures what an interrupted run lacks.
"""

from trxas.prompt.stored_runs import stored_run_functions
from trxas.session.resume import resume_function

db = store.db
runs, show, reduce = stored_run_functions(store)
resume_run = resume_function(session)
