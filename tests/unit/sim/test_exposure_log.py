"""If these fail, nobody knows afterwards which exposures a fault had struck."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from sim.ioc.xas.exposure_log import ExposureLog
from sim.physics.beamline_state import BeamlineState
from sim.physics.experiment import ExposureCounts


def counted(i0: int) -> ExposureCounts:
    return ExposureCounts(
        duration_s=6.0, counts=np.full((2, 5), 7), pulses=np.full(5, 100), boxcar=np.zeros((10, 5)), i0=i0, foil=0,
        delivered=i0,
    )  # fmt: skip


def test_every_exposure_is_a_line_with_all_its_states(tmp_path: Path) -> None:
    """Numbers of records are numpy's; a restarted server goes on in the same file."""
    good, dumped = BeamlineState(rate_divider=np.int64(5)), BeamlineState(current=0.0)  # type: ignore[arg-type]
    ExposureLog(tmp_path / "log")(1, counted(11), [(good, 6.0)])
    ExposureLog(tmp_path / "log")(1, counted(12), [(good, 4.0), (dumped, 2.0)])
    first, second = (json.loads(line) for line in (tmp_path / "log").read_text().splitlines())
    assert (first["exposure_id"], first["i0"], first["counts"]) == (1, 11, 70)
    assert second["states"] == [[4.0, asdict(BeamlineState())], [2.0, asdict(dumped)]]
