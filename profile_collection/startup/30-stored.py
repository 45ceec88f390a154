"""Stored runs: `db` by uid, scan_id, age or metadata; `runs()`, `show()` and `reduce()` for a quick look."""

from trxas.stored import stored_run_functions

db = store.db
runs, show, reduce = stored_run_functions(store)
