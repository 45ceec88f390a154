"""If these fail, what people use at every other beamline does not work here: displays, fits, devices of other kinds."""

from __future__ import annotations

from typing import Any

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import bluesky.preprocessors as bpp
import lmfit
import numpy as np
import ophyd.sim
import pytest
from bluesky.callbacks import CallbackCounter, LiveFit, LiveTable
from bluesky.callbacks.best_effort import BestEffortCallback
from event_model import DocumentNames, DocumentRouter, schema_validators
from ophyd_async.core import soft_signal_rw
from ophyd_async.plan_stubs import ensure_connected

import plans
from reduction.kinds import reduce_run
from tests.support.live_runs import energy_run
from tests.support.recorded_runs import RecordedRuns

REGIONS = [(13_460, 13_462, 1)]


def point(recorded: RecordedRuns) -> Any:
    """The reader of a point; its documents are plain mappings, which bluesky's types do not accept."""
    return recorded.line.point


def scan(recorded: RecordedRuns) -> Any:
    return plans.energy_scan(
        recorded.line, "Br K", delay_ps=100.0, regions_ev=REGIONS, dwell_s=1.0, allow_unreducible=True
    )


def test_best_effort_callback_shows_our_scans(recorded: RecordedRuns, capsys: pytest.CaptureFixture[str]) -> None:
    """Its table has a column for the axis and a row per exposure, as the hints of the run say."""
    shown = BestEffortCallback()
    shown.disable_plots()
    recorded.engine.subscribe(shown)
    recorded.engine(scan(recorded))
    text = capsys.readouterr().out
    assert "energy_ev" in text
    assert text.count("13461.0") == 1
    recorded.engine(bp.scan([recorded.line.exposure], recorded.line.energy, 13_440, 13_442, 3))
    assert "13441.0" in capsys.readouterr().out


def test_callbacks_of_bluesky_take_our_documents(recorded: RecordedRuns) -> None:
    lines: list[str] = []
    counted = CallbackCounter()
    model = lmfit.models.ConstantModel()
    fitted: Any = LiveFit(model, "i0", {"x": "energy_ev"}, {"c": 1.0})
    for callback in (LiveTable(["energy_ev", "i0"], out=lines.append), counted, fitted):
        recorded.engine.subscribe(callback)
    recorded.engine(scan(recorded))
    assert sum("13461.000" in line for line in lines) == 1
    assert counted.value == len(recorded.documents)
    assert fitted.result.params["c"].value == pytest.approx(np.mean([event["i0"] for event in recorded.events]))


def test_every_document_fits_the_public_schema(recorded: RecordedRuns) -> None:
    """Lost: any reader of the event model, which may refuse the run in the middle."""
    recorded.engine(scan(recorded))
    router = DocumentRouter()
    for name, doc in recorded.documents:
        schema_validators[DocumentNames[name]].validate(doc)
        router(name, doc)
    assert [name for name, _ in recorded.documents].count("event") == 3


def test_stock_simulated_devices_go_with_our_reader(recorded: RecordedRuns) -> None:
    motor = ophyd.sim.SynAxis(name="motor")
    recorded.run(bp.scan([point(recorded), ophyd.sim.SynSignal(name="noise", func=lambda: 2.0)], motor, 0, 1, 3))
    assert [event["motor"] for event in recorded.events] == [0.0, 0.5, 1.0]
    assert [event["noise"] for event in recorded.events] == [2.0] * 3
    assert [event["exposure_s"] for event in recorded.events] == [1.0] * 3


def test_devices_of_ophyd_async_go_with_our_reader_and_our_plans(recorded: RecordedRuns) -> None:
    """Lost: devices of the newer library, at a beamline that has begun to use it."""
    stage = soft_signal_rw(float, name="stage", units="mm")
    recorded.engine(ensure_connected(stage))
    recorded.run(bp.scan([point(recorded)], stage, 0, 1, 3))
    assert [event["stage"] for event in recorded.events] == [0.0, 0.5, 1.0]
    recorded.documents.clear()

    def around() -> Any:
        yield from bps.mv(stage, 7.0)
        return (yield from bpp.baseline_wrapper(scan(recorded), [stage]))

    recorded.engine(around())
    streams = {doc["uid"]: doc["name"] for name, doc in recorded.documents if name == "descriptor"}
    events = [(streams[doc["descriptor"]], doc["data"]) for name, doc in recorded.documents if name == "event"]
    assert [data["stage"] for stream, data in events if stream == "baseline"] == [7.0, 7.0]
    assert sum(stream == "primary" for stream, _ in events) == 3


def test_results_go_into_pandas_xarray_and_lmfit() -> None:
    """A user's own fit to the exported transient finds the feature from which the run was drawn."""
    results = reduce_run(energy_run(scans=12))
    frame = results.to_dataframe()
    counted = frame[frame.detector == "spc"].dropna()
    near = counted[(counted.energy_ev > 13_469.5) & (counted.energy_ev < 13_476.5)]
    model = lmfit.models.GaussianModel()
    fit = model.fit(
        near.transient.to_numpy(), x=near.energy_ev.to_numpy(), weights=1.0 / near.transient_sigma.to_numpy(),
        amplitude=-0.05, center=13_472.5, sigma=1.5, scale_covar=False,
    )  # fmt: skip
    assert abs(fit.params["center"].value - 13_472.0) < 4 * fit.params["center"].stderr + 0.1
    data = results.to_xarray()
    np.testing.assert_array_equal(
        data.transient.sel(detector="spc").dropna("energy_ev").to_numpy(), counted.transient.to_numpy()
    )
    assert data.transient.attrs["units"]
