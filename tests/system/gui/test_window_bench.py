"""If these fail, the benchmark of the window counts frames or delays that no user sees."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from qtpy.QtWidgets import QApplication

from reduction.accumulator import accumulate
from reduction.xas.spc_energy import spc_spectrum
from trxas.benchmarks.entry import Entry
from trxas.benchmarks.window import measure
from trxas.benchmarks.window.frames import NaiveContent, WindowContent, frames_per_second
from trxas.benchmarks.window.latency import WindowUnderTest
from trxas.benchmarks.window.synthetic_run import POINTS, SCANS, run_documents, write_images
from trxas.commands import main as cli


def test_its_run_is_a_complete_one() -> None:
    documents = list(run_documents("uid"))
    assert sum(name == "event" for name, _ in documents) == POINTS * SCANS
    spectrum = spc_spectrum(accumulate(documents))
    assert (spectrum.energy_ev.size, spectrum.metadata.scans) == (POINTS, SCANS)


@pytest.mark.parametrize("content", [WindowContent, NaiveContent])
def test_frames_are_counted(qapp: QApplication, content: type[WindowContent] | type[NaiveContent]) -> None:
    assert 0.0 < frames_per_second(qapp, content, 0.5) < 10_000.0


def test_latency_is_that_of_every_event(qapp: QApplication, tmp_path: Path) -> None:
    """At 50 events per second the last event is shown, and none before it was fed."""
    write_images(tmp_path / "images.h5")
    with WindowUnderTest(tmp_path, tmp_path / "images.h5") as window:
        latency = window.latency(50.0, 1.0)
    assert latency.events >= 20
    assert 0.0 < latency.median_ms <= latency.p99_ms


def test_the_command_writes_its_numbers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        measure,
        "bench_window",
        lambda _folder, seconds: {"window_frame_ratio": Entry.of([60.0, 80.0, 60 * seconds], [6.0, 5.0, 4.0], "1/s")},
    )
    assert cli.main(["bench", "window", "--seconds", "2", "--json", str(tmp_path / "bench.json")]) == 0
    numbers = json.loads((tmp_path / "bench.json").read_text())
    entry = {"value": 80.0, "baseline": 5.0, "ratio": 16.0, "unit": "1/s", "spread": 10.0}
    assert numbers["window_frame_ratio"] == entry
    assert numbers["machine"]["cores"] >= 1
    assert "window_frame_ratio" in capsys.readouterr().out
