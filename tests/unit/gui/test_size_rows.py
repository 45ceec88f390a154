"""If these fail, the window shows a size without saying that its reference holds a part of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gui.live.run_state import RunState
from gui.panels.xas.spectra import later_rows, size_rows
from gui.requests.xas.spectra import DecayRequest
from reduction.accumulator import accumulate
from reduction.run_kind import MeasuredDecay
from reduction.values import Value
from reduction.xas.spc_energy import spc_spectrum
from reduction.xas.unpumped_size import NO_DECAY, TransientSize
from tests.support.live_runs import energy_run

MEASURED = Value(-0.02, 1e-4)


def test_the_decay_is_looked_up_for_the_run_that_is_shown() -> None:
    """Lost with the next run: a correction by the decay of another sample."""
    asked: list[Any] = []
    decay = MeasuredDecay(uid="delay", start={}, fit=None)

    def find(start: Any) -> MeasuredDecay:
        asked.append(start["uid"])
        return decay

    state = RunState(find)
    assert DecayRequest().compute(state) is None
    for uid in ("first", "second"):
        for name, doc in energy_run(uid):
            state(name, doc)
        assert DecayRequest().compute(state.snapshot()) is decay
    assert asked == ["first", "second"]


def test_both_sizes_are_shown_and_a_missing_correction_is_a_warning() -> None:
    size = TransientSize(energy_ev=13_472.0, measured=MEASURED)
    assert size_rows(size) == [
        ["at 13472.00 eV, as measured", "-2.000 ± 0.010 % of unpumped"],
        ["corrected", (NO_DECAY, "warning")],
    ]
    share = Value(0.07, 0.002)
    corrected = TransientSize(
        energy_ev=13_472.0, measured=MEASURED, share=share, corrected=Value(-0.0215, 1.2e-4), decay="the decay of run 1"
    )
    assert size_rows(corrected)[1] == [
        "corrected",
        "-2.150 ± 0.012 % of unpumped; the reference holds 7.00 ± 0.20 %, by the decay of run 1",
    ]
    blocked = TransientSize(energy_ev=13_472.0, measured=MEASURED, share=Value(0.0, 0.0))
    assert size_rows(blocked)[1] == ["corrected", "nothing to correct: the laser was blocked"]


def test_corrections_that_later_runs_measure_are_said_to_be_missing() -> None:
    """Lost: the reader takes the live size for the final one, which the foil after the scan may change."""
    found = spc_spectrum(accumulate(energy_run()))
    assert later_rows(found) == []
    calibrated = replace(found, energy_sigma_ev=0.02, metadata=replace(found.metadata, is_calibrated=True))
    ((label, text),) = later_rows(calibrated)
    assert label == "corrections of later runs"
    assert text == "not in it: the foil and dark and blocked exposures after this run; show(-1) has them"
