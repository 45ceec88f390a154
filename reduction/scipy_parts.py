"""The parts of scipy that reductions use, which are imported when they are first needed."""

from __future__ import annotations

import importlib

PARTS = ("special", "linalg", "optimize", "interpolate", "ndimage")


def import_scipy_parts() -> None:
    """Import all parts of scipy that reductions use; call it before several threads reduce runs.

    Modules of the reduction write `import scipy` and `scipy.optimize.brentq`, which imports `scipy.optimize` at the
    first call. A session thereby starts with 0.7 s less of processor time, as it measures before it fits.
    """
    # The modules of scipy import each other. Imported by two threads at once, one of them may see a module that the
    # other has not finished, and end with an ImportError.
    for part in PARTS:
        importlib.import_module(f"scipy.{part}")
