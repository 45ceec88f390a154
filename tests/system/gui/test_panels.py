"""If these fail, a panel shows other numbers than the reduction gives."""

from __future__ import annotations

import numpy as np
from pytestqt.qtbot import QtBot

from gui.window import MainWindow
from reduction.accumulator import accumulate
from reduction.number_text import with_error
from reduction.xas.gate_rates import gate_rates
from reduction.xas.kinetics.fit import fit_kinetics
from reduction.xas.spc_time import spc_trace
from tests.support.beam_time import Document
from tests.support.fixtures.panels import shown


def test_kinetics_are_those_of_the_fit(window: MainWindow, delay_run: list[Document], qtbot: QtBot) -> None:
    panel = shown(window, "kinetics", delay_run, qtbot)
    run = accumulate(delay_run)
    trace, fit = spc_trace(run), fit_kinetics(gate_rates(run), run.metadata.timing)
    curve = panel.trace.curves["transient"]  # type: ignore[attr-defined]
    assert np.array_equal(curve.y, trace.transient)
    assert np.array_equal(curve.sigma, trace.sigma)
    assert "fit" in panel.trace.curves  # type: ignore[attr-defined]
    assert panel.residuals.curves["residual"].y.size == trace.delay_ps.size  # type: ignore[attr-defined]
    table = {panel.table.text(row, 0): panel.table.text(row, 1) for row in range(panel.table.rowCount())}  # type: ignore[attr-defined]
    # This short decay is not determined by the points of the run, which must not hide its number.
    assert "tau1_ps" in fit.undetermined
    assert "tau2_ps" not in fit.undetermined
    assert table["τ1"].startswith(f"▲ {with_error(*fit.tau1_ps, 'ps')} [0 to ")
    assert table["τ1"].endswith("NOT DETERMINED")
    assert table["τ2"].startswith(with_error(*fit.tau2_ps, "ps"))
    assert str(fit.degrees_of_freedom) in table["χ² / degrees of freedom"]
