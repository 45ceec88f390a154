"""If these fail, a run states what was never set, or metadata end it after the shutter has opened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import bluesky.preprocessors as bpp
import numpy as np
import pytest

from errors import InputError
from tests.support.quick_plans import quick_plan
from tests.support.recorded_runs import RecordedRuns
from trxas.session.metadata_guard import guard_metadata


@pytest.fixture
def guarded() -> Iterator[RecordedRuns]:
    """Runs with an engine as sessions have it."""
    with RecordedRuns() as runs:
        guard_metadata(runs.engine)
        yield runs


@pytest.mark.parametrize(
    ("md", "message"),
    [
        ({"fluence_mj_cm2": 4}, r"RE\(plan, ...\) may not set fluence_mj_cm2"),
        ({"scan_id": 7}, "may not set scan_id"),
        ({"delay_ps": 1.0, "dwell_s": 2.0, "grid": {}}, "may not set delay_ps, dwell_s, grid"),
        ({"time_zero_raw_ps": 0.0}, "may not set time_zero_raw_ps"),
        ({"boxcar_polarity": 1, "modes": []}, "may not set boxcar_polarity, modes"),
        ({"pulse": 1764338400123456789}, r"RE\(plan, ...\)\['pulse'\].*2\^53"),
        ({"laser power": {"a.b": 1}}, r"\['laser power'\]\['a.b'\]"),
    ],
)
def test_what_a_run_measures_cannot_be_overwritten_by_the_call(
    guarded: RecordedRuns, md: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        guarded.engine(quick_plan(guarded.line, "energy_scan"), **md)
    guarded.assert_untouched()


def test_nor_by_the_engine_whose_keys_stay_for_good(guarded: RecordedRuns) -> None:
    """`RE.md["laser"]` once kept every run of a session from being resumed."""
    guarded.engine.md["laser"] = "Pharos"
    with pytest.raises(InputError, match=r"RE\.md may not set laser"):
        guarded.engine(quick_plan(guarded.line, "energy_scan"))
    guarded.assert_untouched()
    del guarded.engine.md["laser"]
    guarded.engine.md["operator"] = np.str_("A. B.")
    guarded.engine(quick_plan(guarded.line, "energy_scan"), vial=np.int64(3))
    (start,) = guarded.starts
    assert (start["operator"], start["vial"]) == ("A. B.", 3)
    assert type(start["vial"]) is int


@pytest.mark.parametrize(
    ("md", "message"),
    [
        (None, "RE.md = None: give a mapping"),
        ({"scan_id": "abc"}, r"RE.md\['scan_id'\] = 'abc': give a whole number"),
        ({"scan_id": 2**62}, "give a whole number from 0 to 999999999"),
    ],
)
def test_what_the_engine_cannot_use_is_refused_too(guarded: RecordedRuns, md: Any, message: str) -> None:
    guarded.engine.md = md
    with pytest.raises(InputError, match=message):
        guarded.engine(quick_plan(guarded.line, "energy_scan"))
    guarded.assert_untouched()


def test_nor_by_a_wrapper_of_the_plan_which_may_add_keys(guarded: RecordedRuns) -> None:
    for md in ({"fluence_mj_cm2": 4}, {"uid": "mine"}, {"time": 4.0}):
        with pytest.raises(InputError, match=f"A wrapper of the plan may not set {next(iter(md))}"):
            guarded.engine(bpp.inject_md_wrapper(quick_plan(guarded.line, "energy_scan"), md))
    assert guarded.starts == []
    guarded.engine(bpp.inject_md_wrapper(quick_plan(guarded.line, "energy_scan"), {"operator": "A. B."}))
    guarded.engine(bpp.inject_md_wrapper(bp.count([guarded.line.exposure.i0], num=1), {"plan_name": "mine"}))
    assert [start.get("operator") for start in guarded.starts] == ["A. B.", None]


def test_a_plan_of_several_scans_is_guarded_too_and_can_clean_up(guarded: RecordedRuns) -> None:
    ended: list[str] = []

    def night() -> Any:
        try:
            yield from bps.null()
            yield from quick_plan(guarded.line, "delay_scan")
        finally:
            ended.append("clean")

    with pytest.raises(InputError, match="may not set repeats"):
        guarded.engine(night(), repeats=5)
    guarded.assert_untouched()
    assert ended == ["clean"]


def test_plans_of_bluesky_keep_their_own_keywords(guarded: RecordedRuns) -> None:
    guarded.engine(bp.count([guarded.line.exposure.i0], num=1), sample="vial 3", counts=np.arange(2))
    (start,) = guarded.starts
    assert (start["sample"], start["counts"]) == ("vial 3", [0, 1])
    with pytest.raises(InputError, match=r"start document\['when'\]"):
        guarded.engine(bp.count([guarded.line.exposure.i0], num=1), when=object())
    assert len(guarded.starts) == 1
