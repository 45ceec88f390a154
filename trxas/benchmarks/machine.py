"""The machine that a benchmark ran on, without which its numbers mean little."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

LIBRARIES = ("bluesky", "ophyd", "databroker", "tiled", "numpy", "PySide6-Essentials", "pyqtgraph")
"""Libraries whose versions affect the numbers."""

BYTES_PER_GB = 1e9


def machine() -> dict[str, Any]:
    """Return processor, cores, memory (GB), load of the last minute, and the versions of Python and libraries."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(psutil.virtual_memory().total / BYTES_PER_GB, 1),
        "load": round(os.getloadavg()[0], 2),
        "system": platform.platform(),
        "python": platform.python_version(),
        **{library.lower(): version(library) for library in LIBRARIES},
    }


def _processor() -> str:
    """Return the name of the processor as Linux knows it, or as Python does elsewhere."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
