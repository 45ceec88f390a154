"""`dry_run(plan)` shows what a plan would do; `RE(settings_of(-3))` measures again with the settings of a run.

`RE(go_to("time zero"))` moves to what a run has found.
"""

from trxas.prompt.dry_run import dry_run_function, settings_function
from trxas.prompt.going import going_function

dry_run = dry_run_function(session)
settings_of = settings_function(session)
go_to = going_function(session)
