"""If these fail, an interrupted run and what resumed it do not add up to the run that was meant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import plans
import storage.runs
from reduction.accumulator import RunAccumulator, accumulate
from storage import list_runs, load_chain, load_dataset, load_run, open_store
from storage.chains import good_exposures, merged
from storage.stored_run import StoredRun
from tests.support.recorded_runs import RecordedRuns
from tests.support.stored_runs import StoredRuns

REGIONS = [(13_460, 13_463, 1)]


def energy_scan(runs: RecordedRuns, **options: Any) -> None:
    asked: dict[str, Any] = {
        "delay_ps": 100.0,
        "regions_ev": REGIONS,
        "dwell_s": 1.0,
        "repeats": 2,
        "series": "s",
        "allow_unreducible": True,
    } | options
    runs.run(plans.energy_scan(runs.line, "Br K", **asked))


def cut(documents: list[tuple[str, dict[str, Any]]], events: int) -> list[tuple[str, dict[str, Any]]]:
    """A run whose process died after the given number of events."""
    kept, seen = [], 0
    for name, doc in documents:
        if name == "stop" or (name == "event" and seen == events):
            continue
        seen += name == "event"
        kept.append((name, doc))
    return kept


def sums(accumulator: RunAccumulator) -> list[np.ndarray[Any, Any]]:
    names = ("counts", "pulses", "boxcar_integral", "boxcar_integral_variance", "i0", "foil", "exposure_s", "exposures")
    return [getattr(accumulator, name) for name in names] + [accumulator.rejected]


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(cuts=st.lists(st.integers(0, 7), max_size=3), reference=st.sampled_from(["none", "point", "scan"]))
def test_parts_together_are_the_undisturbed_run_to_the_last_digit(cuts: list[int], reference: str) -> None:
    """Lost: points between the parts, or the same point twice; sums that differ by a bit."""
    with RecordedRuns() as whole, RecordedRuns() as parts:
        check_parts(whole, parts, cuts, reference)


def check_parts(whole: RecordedRuns, parts: RecordedRuns, cuts: list[int], reference: str) -> None:
    energy_scan(whole, shutter_reference=reference)
    energy_scan(parts, shutter_reference=reference)
    chain = [parts.documents.copy()]
    for events in cuts:
        chain[-1] = cut(chain[-1], events)
        done = good_exposures(merged(chain))
        if len(done) == len(good_exposures(whole.documents)):
            break
        parts.documents.clear()
        parts.run(plans.resume_scan(parts.line, chain[0][0][1], done))
        chain.append(parts.documents.copy())
    together = merged(chain)
    assert good_exposures(together) == good_exposures(whole.documents)
    # The same events in one run, as they would be had nothing happened: counts differ between exposures, sums may not.
    by_hand = [("start", chain[0][0][1])] + [
        pair for run in chain for pair in run if pair[0] in ("descriptor", "event")
    ]
    for ours, theirs in zip(sums(accumulate(together)), sums(accumulate(by_hand)), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    if together[-1][0] == "stop":
        assert together[-1][1]["num_events"] == {"primary": len(good_exposures(whole.documents))}
    numbers = [doc["seq_num"] for name, doc in together if name == "event"]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.fixture
def runs() -> Iterator[RecordedRuns]:
    with RecordedRuns() as made:
        yield made


def test_a_chain_is_found_from_each_of_its_runs(
    runs: RecordedRuns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost: which runs belong together; a spectrum reduced from half of its points."""
    energy_scan(runs)
    first = cut(runs.documents, 3)
    start = first[0][1]
    chain = [first]
    for stop_after in (2, 99):
        runs.documents.clear()
        # A run that resumes may be resumed itself.
        resumed_start = {**start, "uid": chain[-1][0][1]["uid"]}
        runs.run(plans.resume_scan(runs.line, resumed_start, good_exposures(merged(chain))))
        chain.append(cut(runs.documents, stop_after) if stop_after < 8 else runs.documents.copy())
    runs.documents.clear()
    energy_scan(runs)
    stored = StoredRuns(tmp_path)
    for documents in (*chain, runs.documents):
        stored.write(documents)
    stored.close()
    with open_store(tmp_path, recover_runs=False) as store:
        uids = [run[0][1]["uid"] for run in chain]
        for uid in uids:
            assert [run[0][1]["uid"] for run in load_chain(store, uid)] == uids
            assert len(good_exposures(load_dataset(store, uid))) == 8
        alone = runs.documents[0][1]["uid"]
        assert [doc["uid"] for _, doc in load_dataset(store, alone)] == [
            doc["uid"] for _, doc in load_run(store, alone)
        ]
        together = load_dataset(store, uids[0])
        monkeypatch.setattr(storage.runs, "MOST_IN_MEMORY", 0)
        read_again = load_dataset(store, uids[0])
        assert isinstance(read_again, StoredRun)
        assert [doc["uid"] for _, doc in read_again] == [doc["uid"] for _, doc in together]
        assert read_again[-1] == together[-1]
        listed = {run.uid: run for run in list_runs(store, journals_only=True)}
    assert [listed[uid].resumes for uid in uids] == ["", *uids[:2]]
    assert [(listed[uid].points_done, listed[uid].points_intended, listed[uid].status) for uid in uids] == [
        (3, 8, "interrupted"), (2, 5, "interrupted"), (3, 3, "complete")
    ]  # fmt: skip
