"""The front door of trxas: configuration, session assembly, command line."""

from __future__ import annotations

import os

from processes.garbage import search_rarely

# Read when numpy is loaded, so this stands before every import of it; processes that are started inherit it. Sessions,
# window, simulation and fits share few cores, and their matrices are small: threads of the linear algebra that wait for
# each other would take the processor from all others. A number that is set already stays.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Before the imports of a session or a window, which take a tenth longer otherwise.
search_rarely()
