"""A whole coverage run, with its progress on the terminal."""

from __future__ import annotations

import tempfile
from pathlib import Path

from trxas.terminal.progress_line import PROGRESS
from trxas.validation.coverage.campaign import Coverage
from trxas.validation.coverage.report import write_json
from trxas.validation.coverage.worker_pool import measure_all


def run_coverage(coverage: Coverage, json_path: Path | None) -> None:
    """Measure all samples, and write the JSON after each measurement.

    Raises KeyboardInterrupt on Ctrl-C; what was measured until then is in `coverage` and in the JSON. Raises
    StorageError if the JSON cannot be written.
    """
    total = coverage.settings.samples * coverage.settings.measurements
    shown = 0

    def report(so_far: Coverage) -> None:
        nonlocal shown
        failed = f"{len(so_far.failures)} failed" if so_far.failures else ""
        PROGRESS.advance(len(so_far.measured) - shown, failed)
        shown = len(so_far.measured)
        if json_path is not None:
            write_json(so_far, json_path)

    PROGRESS.begin("coverage", total, "measurements")
    try:
        with tempfile.TemporaryDirectory(prefix="trxas-coverage-") as folder:
            measure_all(coverage, Path(folder), report)
    finally:
        PROGRESS.end()
