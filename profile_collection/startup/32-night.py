"""`draw` makes a figure of results, `night()` prints the table of the night, `note(-1, "...")` annotates a run."""

from trxas.prompt.drawing import drawing_function
from trxas.prompt.night import night_functions

draw = drawing_function(store.root / "figures")
night, note = night_functions(store)
