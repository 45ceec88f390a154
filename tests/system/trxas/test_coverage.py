"""If these fail, a coverage says that error bars are true when they are not, or the other way round."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from trxas.validation.coverage import worker_pool
from trxas.validation.coverage.campaign import Coverage, CoverageSettings, draw_samples
from trxas.validation.coverage.measurement import (
    expected_values,
)
from trxas.validation.coverage.ring import true_timing

TIMING = true_timing()


def new_coverage(samples: int = 2, measurements: int = 2) -> Coverage:
    settings = CoverageSettings(samples=samples, seed=3, measurements=measurements, workers=1)
    return Coverage(settings=settings, timing=TIMING, samples=draw_samples(settings))


def line(coverage: Coverage, sample: int, number: int, pull: float) -> dict[str, Any]:
    """A measurement that is `pull` of its errors off the truth, as a worker reports it."""
    expected = expected_values(coverage.samples[sample].truth, TIMING)
    values = {name: [value + pull * 0.1, 0.1] for name, value in expected.items()}
    return {"sample": sample, "measurement": number, "values": values, "failures": {}}


def run_worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str, *, silence_s: float = 60.0) -> Coverage:
    """Measure with a process that runs `code` in place of the worker."""
    monkeypatch.setattr(worker_pool, "COMMAND", (sys.executable, "-c", code))
    monkeypatch.setattr(worker_pool, "SILENCE_S", silence_s)
    coverage = new_coverage()
    worker_pool.measure_all(coverage, tmp_path, lambda so_far: None)
    return coverage


def test_a_worker_that_dies_fails_what_it_left_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = json.dumps(line(new_coverage(), 0, 0, 1.0))
    code = f"import sys; sys.stdin.readline(); print({first!r}, flush=True); sys.exit('out of memory')"
    coverage = run_worker(monkeypatch, tmp_path, code)
    assert coverage.complete
    found = coverage.statistics()["t0"]
    assert (found.number, found.failed) == (1, 3)
    assert {failure.reason.rpartition(": ")[2] for failure in coverage.failures} == {"out of memory"}


def test_a_worker_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    coverage = run_worker(monkeypatch, tmp_path, "import sys; sys.stdin.read()", silence_s=0.2)
    assert coverage.statistics()["t0"].failed == 4
    assert "reported nothing for 0.2 s" in coverage.failures[0].reason
