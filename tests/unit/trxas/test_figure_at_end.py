"""If these fail, a printed result looks final although the foil scan after it changes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.beam_time import BeamTime, br_signal, br_static, energy_points
from trxas.prompt import figure_at_end
from trxas.prompt.figure_at_end import FigureAtEnd


def ended(figures: FigureAtEnd, **start: Any) -> None:
    """A run of a series that has ended."""
    energy = energy_points()
    overrides = {"series": "night", "scan_id": 1, **start}
    beam = BeamTime(points=energy, static=br_static(energy), signal=br_signal(energy), scans=1, overrides=overrides)
    for name, doc in beam.documents(np.random.default_rng(1)):
        figures(name, doc)


def test_results_of_a_calibrated_series_state_what_comes_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(figure_at_end, "figure_of", lambda *_: None)
    figures = FigureAtEnd(tmp_path, show=lambda _: None)
    ended(figures)
    assert "calibrate" not in capsys.readouterr().out
    ended(figures, plan_name="foil_scan")
    assert "It calibrates the earlier runs of the series night too" in capsys.readouterr().out
    ended(figures)
    assert "calibrations made before this run" in capsys.readouterr().out
    ended(figures, series="")
    assert "calibrated before" not in capsys.readouterr().out
