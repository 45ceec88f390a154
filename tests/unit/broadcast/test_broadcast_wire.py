"""If these fail, digits or documents change on their way to the window."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from broadcast.run_cache import RunCache
from broadcast.wire import Relayed, Sent, identity, pack, unpack
from tests.support.live_runs import energy_run


def test_no_digit_is_lost() -> None:
    values = np.random.default_rng(1).standard_normal(1000)
    doc: dict[Any, Any] = {
        "a": values,
        "b": np.int64(2**62),
        "c": np.float64(0.1),
        "d": Path("/x"),
        "e": {"f": (1, 2)},
        3: None,
    }
    read: Any = unpack(pack(doc))
    np.testing.assert_array_equal(np.array(read["a"]), values)
    assert (read["b"], read["c"], read["d"], read["e"], read[3]) == (2**62, 0.1, "/x", {"f": [1, 2]}, None)


def test_what_is_no_data_is_refused() -> None:
    with pytest.raises(TypeError):
        pack({"a": object()})


def test_frames_survive_blanks_in_their_body() -> None:
    sent = Sent("me", 3, "run", "event", b"a b  c ")
    assert Sent.of(sent.frame()) == sent
    relayed = Relayed(17, "event", b"a b  c ")
    assert Relayed.of(relayed.frame()) == relayed
    with pytest.raises(ValueError, match="unpack"):
        Sent.of(b"x y")


def test_documents_are_distinguished_by_their_own_names() -> None:
    assert identity("event", {"uid": "a"}) != identity("descriptor", {"uid": "a"})
    assert identity("datum", {"datum_id": "r/1", "resource": "r"}) == "datum r/1"
    assert identity("event_page", {"uid": ["a", "b"]}) == "event_page a"


def test_the_cache_sends_a_newcomer_two_runs_and_keeps_each_document_once() -> None:
    cache = RunCache(100)
    for uid in ("a", "b", "c"):
        for name, doc in energy_run(uid):
            told = {**doc, "series": ""} if name == "start" else doc
            assert cache.add(name, told, pack(told)) is not None
            assert cache.add(name, told, pack(told)) is None
    size = len(energy_run())
    documents, more = cache.after(0, 10_000, joining=True)
    assert not more
    assert [document.sequence for document in documents] == list(range(101 + size, 101 + 3 * size))
    assert [unpack(document.payload)["uid"] for document in documents if document.name == "start"] == ["b", "c"]
    assert (cache.first, cache.sequence, cache.run) == (101 + size, 100 + 3 * size, "")
    part, more = cache.after(110 + size, 7)
    assert more
    assert [document.sequence for document in part] == list(range(111 + size, 118 + size))


def test_the_cache_of_an_endless_run_is_bounded_and_reports_what_it_dropped() -> None:
    cache, documents = RunCache(0, limit_bytes=50_000), energy_run(scans=20)
    for name, doc in documents[:-1]:
        cache.add(name, doc, pack(doc))
    kept, _ = cache.after(0, 10_000)
    assert sum(len(document.payload) for document in kept) <= 50_000
    assert [document.name for document in kept[:3]] == ["start", "descriptor", "event"]
    assert kept[-1].sequence == len(documents) - 1
    assert cache.dropped == len(documents) - 1 - len(kept) > 0
