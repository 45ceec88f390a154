"""Stored runs: `db` by uid, scan_id, age or metadata; `runs()`, `show()`, `reduce()`, `combine()`, `compare_models()`.

`slices(-1)` has what a run counted in pieces. `resume_run(uid)` measures what an interrupted run lacks;
`use_foil_reference` makes a foil scan the reference.
"""

from trxas.prompt.late_broker import LateBroker, broker_of
from trxas.prompt.stored_runs import combining_function, comparing_function, slices_function, stored_run_functions
from trxas.session.foil_reference import use_foil_reference_function
from trxas.session.resume import resume_function

db = LateBroker(lambda: broker_of(store))
runs, show, reduce = stored_run_functions(store, decays)
combine = combining_function(store, decays)
compare_models = comparing_function(store)
slices = slices_function(store)
resume_run = resume_function(session)
use_foil_reference = use_foil_reference_function(session)
# What a line imports must not meet the imports of the catalogue, which is opened some seconds after the prompt appears.
get_ipython().events.register("pre_run_cell", lambda *_: store.wait_while_opening())
